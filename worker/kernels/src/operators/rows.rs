//! Operators on rows along the last dimension.

use crate::{
    array::{Array, Element, with_type},
    context::Context,
    elementwise,
    normalise::{layer_norm, log_softmax, rms_norm, softmax},
    reduce,
    vector::{INFINITY_BITS, Lanes, MAGNITUDE_MASK, NAN_BITS, Scalar, Vector, power_of_two},
    view::{ELEMENTS_AT_ONCE, map_rows},
};
use assay_exact::{digest::DataType, quantise::Precision};
use assay_ops::{
    layout::Dims,
    words::{Function, Normalisation, Reduction},
};

/// Factor of the number of elements that may wait to be ranked, over those that are looked for.
const MORE_THAN_BEST: usize = 3;

/// Functions of each number, one after the other. The array's memory is used for the result where nobody else holds it.
pub fn apply(context: &mut Context<'_>, functions: &[Function], input: &mut Array) -> Option<Array> {
    let mut numbers = input.take_numbers(context)?;
    let instructions = context.instructions;
    context
        .threads
        .share(numbers.chunks_mut(ELEMENTS_AT_ONCE), |_, numbers| {
            functions
                .iter()
                .for_each(|function| elementwise::apply(instructions, *function, numbers));
        });
    Some(Array::new(input.layout.shape, numbers))
}

/// Every row, normalised; then times its weight and plus its bias, if there are any. The array's memory is used for the
/// result where nobody else holds it.
pub fn normalise(context: &mut Context<'_>, normalisation: Normalisation, operands: &mut [Array]) -> Option<Array> {
    let (input, others) = operands.split_first_mut()?;
    let length = *input.shape().last()?;
    let mut others = others.iter().map(|other| other.contiguous(context));
    let (weight, bias) = (others.next(), others.next());
    let weight = weight.as_ref().map(|weight| weight.slice()).unwrap_or_default();
    let bias = bias.as_ref().map(|bias| bias.slice()).unwrap_or_default();
    let mut numbers = input.take_numbers(context)?;
    let instructions = context.instructions;
    let rows = ELEMENTS_AT_ONCE.div_ceil(length);
    context
        .threads
        .share(numbers.chunks_mut(rows * length), |_, rows| match normalisation {
            Normalisation::Softmax => softmax(instructions, rows, length),
            Normalisation::LogSoftmax => log_softmax(instructions, rows, length),
            Normalisation::LayerNorm { epsilon } => layer_norm(instructions, rows, length, epsilon, weight, bias),
            Normalisation::RmsNorm { epsilon } => rms_norm(instructions, rows, length, epsilon, weight),
        });
    Some(Array::new(input.layout.shape, numbers))
}

/// One element from each row.
pub fn reduce(context: &mut Context<'_>, reduction: Reduction, input: &Array, shape: Dims) -> Option<Array> {
    let ordered = input.contiguous(context);
    let result = match reduction {
        Reduction::Sum if input.dtype() != DataType::Float32 => sums(context, &ordered, shape),
        Reduction::Sum => numbers(context, reduce::NumberReduction::Sum, &ordered, shape),
        Reduction::Mean => numbers(context, reduce::NumberReduction::Mean, &ordered, shape),
        Reduction::Max if input.dtype() == DataType::Float32 => {
            numbers(context, reduce::NumberReduction::Max, &ordered, shape)
        }
        Reduction::Min if input.dtype() == DataType::Float32 => {
            numbers(context, reduce::NumberReduction::Min, &ordered, shape)
        }
        Reduction::Max | Reduction::Min => {
            let greatest = reduction == Reduction::Max;
            with_type!(ordered.dtype(), T => one_of_each::<T, T>(context, &ordered, shape, |row| {
                row[place_of_best(row, greatest)]
            }))
        }
        Reduction::ArgMax | Reduction::ArgMin => {
            let greatest = reduction == Reduction::ArgMax;
            with_type!(ordered.dtype(), T => one_of_each::<T, i64>(context, &ordered, shape, |row| {
                place_of_best(row, greatest) as i64
            }))
        }
        Reduction::Any => one_of_each::<bool, bool>(context, &ordered, shape, |row| row.contains(&true)),
        Reduction::All => one_of_each::<bool, bool>(context, &ordered, shape, |row| !row.contains(&false)),
    };
    context.buffers.give(ordered);
    result
}

/// The scales that quantising gives the rows.
pub fn row_scale(context: &mut Context<'_>, precision: Precision, input: &Array, shape: Dims) -> Option<Array> {
    let ordered = input.contiguous(context);
    let length = *ordered.shape().last()?;
    let mut output = context.buffers.numbers(shape.elements());
    let instructions = context.instructions;
    share_rows(context, (ordered.slice()?, length), &mut output, |rows, to| {
        reduce::scales(instructions, precision.right(), rows, length, to);
    });
    context.buffers.give(ordered);
    Some(Array::new(shape, output))
}

/// The sum of each element and those before it in its row.
pub fn cum_sum(context: &mut Context<'_>, input: &Array) -> Option<Array> {
    let ordered = input.contiguous(context);
    let shape = ordered.layout.shape;
    let length = *shape.last()?;
    let result = if ordered.dtype() == DataType::Float32 {
        let mut output = context.buffers.numbers(ordered.len());
        map_rows(
            context.threads,
            (ordered.slice()?, length),
            (&mut output, length),
            sums_so_far,
        );
        Array::new(shape, output)
    } else {
        let integers = super::cast(context, &ordered, DataType::Int64)?;
        let mut output = context.buffers.take::<i64>(integers.len());
        let from = (integers.slice_of::<i64>()?, length);
        map_rows(context.threads, from, (&mut output, length), |row, to| {
            let mut sum = 0i64;
            for (to, x) in to.iter_mut().zip(row) {
                sum = sum.wrapping_add(*x);
                *to = sum;
            }
        });
        context.buffers.give(integers);
        Array::new(shape, output)
    };
    context.buffers.give(ordered);
    Some(result)
}

/// Where the greatest or the least elements of each row stand, the best first, and of equal ones the first. NaN is
/// better than every number.
pub fn top_k(context: &mut Context<'_>, largest: bool, input: &Array, shape: Dims) -> Option<Array> {
    let ordered = input.contiguous(context);
    let (length, count) = (*ordered.shape().last()?, *shape.last()?);
    if count > length {
        return None;
    }
    let mut output = context.buffers.take::<i64>(shape.elements());
    with_type!(ordered.dtype(), T => {
        let from = (ordered.slice_of::<T>()?, length);
        map_rows(context.threads, from, (&mut output, count), |row, to| {
            let rank = |x: &T| if largest { !x.rank(true) } else { x.rank(false) };
            best_places(row.iter().map(rank), to);
        });
    });
    context.buffers.give(ordered);
    Some(Array::new(shape, output))
}

/// Where the least ranks stand, in their order, and of equal ones the first.
fn best_places(ranks: impl Iterator<Item = i64>, to: &mut [i64]) {
    let count = to.len();
    if count == 0 {
        return;
    }
    // The best so far, and some that came after them. Most of a long row is worse than the last of the best.
    let mut best: Vec<(i64, i64)> = Vec::with_capacity(count * (1 + MORE_THAN_BEST));
    let mut limit = i64::MAX;
    for (place, rank) in (0i64..).zip(ranks) {
        // What is equal to the limit stands after it.
        if rank < limit || best.len() < count {
            if best.len() == best.capacity() {
                best.select_nth_unstable(count - 1);
                best.truncate(count);
                limit = best[count - 1].0;
                if rank >= limit {
                    continue;
                }
            }
            best.push((rank, place));
        }
    }
    best.sort_unstable();
    for (to, (_, place)) in to.iter_mut().zip(best) {
        *to = place;
    }
}

/// Elements in their order.
trait Ranked: Element {
    /// An integer that is ordered as the element is; NaN is at the greater or the lesser end.
    fn rank(self, nan_is_greatest: bool) -> i64;

    fn is_nan(self) -> bool {
        false
    }
}

impl Ranked for f32 {
    fn rank(self, nan_is_greatest: bool) -> i64 {
        let magnitude = i64::from(self.to_bits() & MAGNITUDE_MASK);
        match (self.is_nan(), self < 0.0) {
            (true, _) if nan_is_greatest => i64::MAX,
            (true, _) => i64::MIN,
            (false, true) => -magnitude,
            (false, false) => magnitude,
        }
    }

    fn is_nan(self) -> bool {
        f32::is_nan(self)
    }
}

macro_rules! ranked {
    ($($type:ty)*) => {
        $(impl Ranked for $type {
            fn rank(self, _nan_is_greatest: bool) -> i64 {
                i64::from(self)
            }
        })*
    };
}

ranked!(i64 i32 i8 u8 bool);

/// Where the greatest, or the least, element stands first, or the first NaN if there is one.
fn place_of_best<T: Ranked>(row: &[T], greatest: bool) -> usize {
    let mut best = 0;
    for (place, x) in row.iter().enumerate() {
        let better = if greatest { *x > row[best] } else { *x < row[best] };
        if !row[best].is_nan() && (better || x.is_nan()) {
            best = place;
        }
    }
    best
}

fn numbers(
    context: &mut Context<'_>,
    reduction: reduce::NumberReduction,
    ordered: &Array,
    shape: Dims,
) -> Option<Array> {
    let length = *ordered.shape().last()?;
    let mut output = context.buffers.numbers(shape.elements());
    let instructions = context.instructions;
    share_rows(context, (ordered.slice()?, length), &mut output, |rows, to| {
        reduce::reduce(instructions, reduction, rows, length, to);
    });
    Some(Array::new(shape, output))
}

/// Calls `work` for pieces of the numbers, which are whole rows, and of the output, which has one element for each row.
fn share_rows(
    context: &Context<'_>,
    (from, length): (&[f32], usize),
    to: &mut [f32],
    work: impl Fn(&[f32], &mut [f32]) + Sync,
) {
    let rows = ELEMENTS_AT_ONCE.div_ceil(length);
    let parts = from.chunks(rows * length).zip(to.chunks_mut(rows));
    context.threads.share(parts, |_, (from, to)| work(from, to));
}

fn sums(context: &mut Context<'_>, ordered: &Array, shape: Dims) -> Option<Array> {
    fn sum<T: Ranked>(row: &[T]) -> i64 {
        row.iter().fold(0i64, |sum, x| sum.wrapping_add(x.rank(true)))
    }
    with_type!(ordered.dtype(), T => one_of_each::<T, i64>(context, ordered, shape, sum))
}

fn one_of_each<T: Element, U: Element>(
    context: &mut Context<'_>,
    ordered: &Array,
    shape: Dims,
    of_row: impl Fn(&[T]) -> U + Sync,
) -> Option<Array> {
    let from = (ordered.slice_of::<T>()?, *ordered.shape().last()?);
    let mut output = context.buffers.take::<U>(shape.elements());
    map_rows(context.threads, from, (&mut output, 1), |row, to| to[0] = of_row(row));
    Some(Array::new(shape, output))
}

/// The sum of each number and those before it, each on the grid that the greatest of these gives.
fn sums_so_far(row: &[f32], to: &mut [f32]) {
    let (mut greatest_bits, mut step, mut total) = (0, reduce::step(0), 0);
    let (mut positive, mut negative) = (false, false);
    for (index, x) in row.iter().enumerate() {
        let bits = x.to_bits() & MAGNITUDE_MASK;
        greatest_bits = bits.max(greatest_bits);
        positive |= *x == f32::INFINITY;
        negative |= *x == f32::NEG_INFINITY;
        to[index] = if greatest_bits < INFINITY_BITS {
            let next = reduce::step(greatest_bits);
            if next != step {
                step = next;
                total = row[..index]
                    .iter()
                    .fold(0, |total, x| Scalar::splat(*x).add_to_grid(-step, total));
            }
            total = Scalar::splat(*x).add_to_grid(-step, total);
            total as f32 * power_of_two(step)
        } else if greatest_bits > INFINITY_BITS || (positive && negative) {
            f32::from_bits(NAN_BITS)
        } else if positive {
            f32::INFINITY
        } else {
            f32::NEG_INFINITY
        };
    }
}
