//! Operations on two tensors of one type, element by element, with dimensions of one repeated to fit the other.

use crate::{
    array::{Array, Element, with_type},
    context::Context,
    elementwise::{self, Operand},
    view::{View, zip, zip_three},
};
use assay_exact::digest::DataType;
use assay_ops::{
    layout::Dims,
    words::{Bitwise, Comparison, Connective, Operation},
};

/// Integers that wrap.
trait Integer: Element + Ord {
    fn add(self, other: Self) -> Self;
    fn subtract(self, other: Self) -> Self;
    fn multiply(self, other: Self) -> Self;
    /// Rounded down, and 0 where `other` is 0.
    fn divide(self, other: Self) -> Self;
    /// Remainder of a division that rounds towards zero, and 0 where `other` is 0.
    fn remainder(self, other: Self) -> Self;
    fn negate(self) -> Self;
    fn magnitude(self) -> Self;
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    fn not(self) -> Self;
    /// 0 where `count` is negative, or not below the type's bits.
    fn shift_left(self, count: Self) -> Self;
    /// The sign everywhere, where `count` is negative, or not below the type's bits.
    fn shift_right(self, count: Self) -> Self;
}

macro_rules! integer {
    ($($type:ty, |$x:ident| $magnitude:expr, |$remainder:pat_param, $divisor:pat_param| $above:expr;)*) => {
        $(impl Integer for $type {
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            #[inline(always)]
            fn subtract(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }

            #[inline(always)]
            fn multiply(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }

            #[inline(always)]
            fn divide(self, other: Self) -> Self {
                if other == 0 {
                    return 0;
                }
                let ($remainder, $divisor) = (self.wrapping_rem(other), other);
                self.wrapping_div(other).wrapping_sub(Self::from($above))
            }

            #[inline(always)]
            fn remainder(self, other: Self) -> Self {
                if other == 0 { 0 } else { self.wrapping_rem(other) }
            }

            #[inline(always)]
            fn negate(self) -> Self {
                self.wrapping_neg()
            }

            #[inline(always)]
            fn and(self, other: Self) -> Self {
                self & other
            }

            #[inline(always)]
            fn or(self, other: Self) -> Self {
                self | other
            }

            #[inline(always)]
            fn xor(self, other: Self) -> Self {
                self ^ other
            }

            #[inline(always)]
            fn not(self) -> Self {
                !self
            }

            #[inline(always)]
            fn shift_left(self, count: Self) -> Self {
                u32::try_from(count).ok().and_then(|count| self.checked_shl(count)).unwrap_or(0)
            }

            #[inline(always)]
            fn shift_right(self, count: Self) -> Self {
                let shifted = u32::try_from(count).ok().and_then(|count| self.checked_shr(count));
                shifted.unwrap_or(if i64::from(self) < 0 { !0 } else { 0 })
            }

            #[inline(always)]
            fn magnitude(self) -> Self {
                let $x = self;
                $magnitude
            }
        })*
    };
}

// Towards zero is above the quotient where something remains and the signs differ.
integer! {
    i64, |x| x.wrapping_abs(), |rest, y| rest != 0 && (rest < 0) != (y < 0);
    i32, |x| x.wrapping_abs(), |rest, y| rest != 0 && (rest < 0) != (y < 0);
    i8, |x| x.wrapping_abs(), |rest, y| rest != 0 && (rest < 0) != (y < 0);
    u8, |x| x, |_, _| false;
}

/// Evaluates an expression with the type of integers that a [`DataType`] names; nothing if it names none.
macro_rules! with_integers {
    ($dtype:expr, $type:ident => $value:expr) => {
        match $dtype {
            DataType::Int64 => {
                type $type = i64;
                $value
            }
            DataType::Int32 => {
                type $type = i32;
                $value
            }
            DataType::Int8 => {
                type $type = i8;
                $value
            }
            DataType::Uint8 => {
                type $type = u8;
                $value
            }
            DataType::Float32 | DataType::Bool => None,
        }
    };
}

/// Two arrays of numbers or integers, repeated to `shape` and combined.
pub fn combine(context: &mut Context<'_>, operation: Operation, a: &Array, b: &Array, shape: Dims) -> Option<Array> {
    if let (Some(a), Some(b)) = (a.numbers(), b.numbers()) {
        let (a, b) = (a.repeated(shape)?, b.repeated(shape)?);
        let mut output = context.buffers.numbers(shape.elements());
        let instructions = context.instructions;
        zip(context.threads, &a, &b, &mut output, |a, b, to| {
            elementwise::combine(instructions, operation, a, b, to);
        });
        return Some(Array::new(shape, output));
    }
    with_integers!(a.dtype(), T => {
        let (a, b) = (a.view::<T>()?.repeated(shape)?, b.view()?.repeated(shape)?);
        let mut output = context.buffers.take::<T>(shape.elements());
        combine_integers(context, operation, &a, &b, &mut output);
        Some(Array::new(shape, output))
    })
}

fn combine_integers<T: Integer>(
    context: &Context<'_>,
    operation: Operation,
    a: &View<'_, T>,
    b: &View<'_, T>,
    to: &mut [T],
) {
    let threads = context.threads;
    match operation {
        Operation::Add => zip(threads, a, b, to, |a, b, to| map(a, b, to, T::add)),
        Operation::Sub => zip(threads, a, b, to, |a, b, to| map(a, b, to, T::subtract)),
        Operation::Mul => zip(threads, a, b, to, |a, b, to| map(a, b, to, T::multiply)),
        Operation::Div => zip(threads, a, b, to, |a, b, to| map(a, b, to, T::divide)),
        Operation::Rem => zip(threads, a, b, to, |a, b, to| map(a, b, to, T::remainder)),
        Operation::Max => zip(threads, a, b, to, |a, b, to| map(a, b, to, T::max)),
        Operation::Min => zip(threads, a, b, to, |a, b, to| map(a, b, to, T::min)),
    }
}

/// Two arrays of one type, repeated to `shape` and compared.
pub fn compare(context: &mut Context<'_>, comparison: Comparison, a: &Array, b: &Array, shape: Dims) -> Option<Array> {
    with_type!(a.dtype(), T => {
        let (a, b) = (a.view::<T>()?.repeated(shape)?, b.view()?.repeated(shape)?);
        let mut output = context.buffers.take(shape.elements());
        compare_elements(context, comparison, &a, &b, &mut output);
        Some(Array::new(shape, output))
    })
}

fn compare_elements<T: Element>(
    context: &Context<'_>,
    comparison: Comparison,
    a: &View<'_, T>,
    b: &View<'_, T>,
    to: &mut [bool],
) {
    let threads = context.threads;
    match comparison {
        Comparison::Equal => zip(threads, a, b, to, |a, b, to| map(a, b, to, |a, b| a == b)),
        Comparison::NotEqual => zip(threads, a, b, to, |a, b, to| map(a, b, to, |a, b| a != b)),
        Comparison::Less => zip(threads, a, b, to, |a, b, to| map(a, b, to, |a, b| a < b)),
        Comparison::LessOrEqual => zip(threads, a, b, to, |a, b, to| map(a, b, to, |a, b| a <= b)),
        Comparison::Greater => zip(threads, a, b, to, |a, b, to| map(a, b, to, |a, b| a > b)),
        Comparison::GreaterOrEqual => zip(threads, a, b, to, |a, b, to| map(a, b, to, |a, b| a >= b)),
    }
}

/// Two arrays of integers of one type, repeated to `shape`, and combined bit by bit.
pub fn bitwise(context: &mut Context<'_>, operation: Bitwise, a: &Array, b: &Array, shape: Dims) -> Option<Array> {
    with_integers!(a.dtype(), T => {
        let (a, b) = (a.view::<T>()?.repeated(shape)?, b.view()?.repeated(shape)?);
        let mut output = context.buffers.take::<T>(shape.elements());
        combine_bits(context, operation, &a, &b, &mut output);
        Some(Array::new(shape, output))
    })
}

fn combine_bits<T: Integer>(context: &Context<'_>, operation: Bitwise, a: &View<'_, T>, b: &View<'_, T>, to: &mut [T]) {
    let threads = context.threads;
    match operation {
        Bitwise::And => zip(threads, a, b, to, |a, b, to| map(a, b, to, T::and)),
        Bitwise::Or => zip(threads, a, b, to, |a, b, to| map(a, b, to, T::or)),
        Bitwise::Xor => zip(threads, a, b, to, |a, b, to| map(a, b, to, T::xor)),
        Bitwise::Shl => zip(threads, a, b, to, |a, b, to| map(a, b, to, T::shift_left)),
        Bitwise::Shr => zip(threads, a, b, to, |a, b, to| map(a, b, to, T::shift_right)),
    }
}

/// Integers with every bit the other way round.
pub fn bitwise_not(context: &mut Context<'_>, input: &Array) -> Option<Array> {
    with_integers!(input.dtype(), T => changed::<T, T>(context, input, Integer::not))
}

/// Two arrays of truth values, repeated to `shape` and connected.
pub fn connect(context: &mut Context<'_>, connective: Connective, a: &Array, b: &Array, shape: Dims) -> Option<Array> {
    let (a, b) = (a.flags()?.repeated(shape)?, b.flags()?.repeated(shape)?);
    let mut output = context.buffers.take(shape.elements());
    let threads = context.threads;
    match connective {
        Connective::And => zip(threads, &a, &b, &mut output, |a, b, to| map(a, b, to, |a, b| a & b)),
        Connective::Or => zip(threads, &a, &b, &mut output, |a, b, to| map(a, b, to, |a, b| a | b)),
        Connective::Xor => zip(threads, &a, &b, &mut output, |a, b, to| map(a, b, to, |a, b| a ^ b)),
    }
    Some(Array::new(shape, output))
}

/// The negatives of integers.
pub fn integer_neg(context: &mut Context<'_>, input: &Array) -> Option<Array> {
    with_integers!(input.dtype(), T => changed::<T, T>(context, input, Integer::negate))
}

/// The magnitudes of integers.
pub fn integer_abs(context: &mut Context<'_>, input: &Array) -> Option<Array> {
    with_integers!(input.dtype(), T => changed::<T, T>(context, input, Integer::magnitude))
}

/// Truth values, each the other way round.
pub fn logical_not(context: &mut Context<'_>, input: &Array) -> Option<Array> {
    changed::<bool, bool>(context, input, |x| !x)
}

fn changed<A: Element, T: Element>(
    context: &mut Context<'_>,
    input: &Array,
    f: impl Fn(A) -> T + Sync,
) -> Option<Array> {
    let view = input.view::<A>()?;
    let mut output = context.buffers.take(input.len());
    // With itself, since an operation goes through views.
    zip(context.threads, &view, &view, &mut output, |a, b, to| {
        map(a, b, to, |a, _| f(a));
    });
    Some(Array::new(input.layout.shape, output))
}

/// The elements of `yes` where the condition holds, those of `no` elsewhere, all three repeated to `shape`.
pub fn select(context: &mut Context<'_>, [condition, yes, no]: [&Array; 3], shape: Dims) -> Option<Array> {
    let condition = condition.flags()?.repeated(shape)?;
    with_type!(yes.dtype(), T => {
        let (yes, no) = (yes.view::<T>()?.repeated(shape)?, no.view()?.repeated(shape)?);
        let mut output = context.buffers.take::<T>(shape.elements());
        zip_three(context.threads, (&condition, &yes, &no), &mut output, choose);
        Some(Array::new(shape, output))
    })
}

fn choose<T: Element>(condition: Operand<'_, bool>, yes: Operand<'_, T>, no: Operand<'_, T>, to: &mut [T]) {
    match condition {
        Operand::All(holds) => match if holds { yes } else { no } {
            Operand::Each(elements) => to.copy_from_slice(elements),
            Operand::All(element) => to.fill(element),
        },
        Operand::Each(flags) => {
            let flags = flags.iter().copied();
            match (yes, no) {
                (Operand::Each(yes), Operand::Each(no)) => {
                    let sides = yes.iter().zip(no);
                    for ((to, (yes, no)), holds) in to.iter_mut().zip(sides).zip(flags) {
                        *to = if holds { *yes } else { *no };
                    }
                }
                (Operand::Each(yes), Operand::All(no)) => {
                    for ((to, yes), holds) in to.iter_mut().zip(yes).zip(flags) {
                        *to = if holds { *yes } else { no };
                    }
                }
                (Operand::All(yes), Operand::Each(no)) => {
                    for ((to, no), holds) in to.iter_mut().zip(no).zip(flags) {
                        *to = if holds { yes } else { *no };
                    }
                }
                (Operand::All(yes), Operand::All(no)) => {
                    for (to, holds) in to.iter_mut().zip(flags) {
                        *to = if holds { yes } else { no };
                    }
                }
            }
        }
    }
}

/// Writes a function of two elements.
#[inline(always)]
fn map<A: Copy, B: Copy, T: Copy>(a: Operand<'_, A>, b: Operand<'_, B>, to: &mut [T], f: impl Fn(A, B) -> T) {
    match (a, b) {
        (Operand::Each(a), Operand::Each(b)) => {
            for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
                *to = f(*a, *b);
            }
        }
        (Operand::Each(a), Operand::All(b)) => {
            for (to, a) in to.iter_mut().zip(a) {
                *to = f(*a, b);
            }
        }
        (Operand::All(a), Operand::Each(b)) => {
            for (to, b) in to.iter_mut().zip(b) {
                *to = f(a, *b);
            }
        }
        (Operand::All(a), Operand::All(b)) => to.fill(f(a, b)),
    }
}
