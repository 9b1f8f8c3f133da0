//! Graphs of one operator on tensors of every type, and of those on indices that engines put together.

use super::{
    Random,
    case::{Case, count, fixed, narrower},
    operators::{OPERATIONS, REDUCTIONS, pick, shape},
};
use assay_exact::graph::{Binary, Dimension, Operator, Position, Reduction, Unary, Value};
use assay_ops::tensor::{DataType, Tensor};
use assay_package::Package;

const TYPES: [DataType; 6] = [
    DataType::Float32,
    DataType::Int64,
    DataType::Int32,
    DataType::Int8,
    DataType::Uint8,
    DataType::Bool,
];
const INTEGERS: [DataType; 4] = [DataType::Int64, DataType::Int32, DataType::Int8, DataType::Uint8];
const COMPARISONS: [Binary; 2] = [Binary::Equal, Binary::NotEqual];
const BITWISE: [Binary; 5] = [Binary::And, Binary::Or, Binary::Xor, Binary::Shl, Binary::Shr];
const CONNECTIVES: [Binary; 5] = [Binary::And, Binary::Or, Binary::Xor, Binary::Equal, Binary::NotEqual];

/// Integers of all sizes: few small ones, so that many are equal, ends of the types, and any.
fn integer(random: &mut Random) -> i64 {
    match random.below(8) {
        0..=3 => random.below(7) as i64 - 3,
        4 => pick(
            random,
            &[
                i64::MIN,
                i64::MAX,
                i64::from(i32::MIN),
                i64::from(i32::MAX),
                i64::from(i8::MIN),
                255,
            ],
        ),
        5 => (random.next() as i64) << 16,
        _ => random.below(1 << 20) as i64 - (1 << 19),
    }
}

/// A tensor of this type.
fn tensor(random: &mut Random, dtype: DataType, shape: &[u32]) -> Tensor {
    if dtype == DataType::Float32 {
        return random.tensor(shape);
    }
    let width = dtype.size_bytes();
    let bytes = (0..count(shape)).flat_map(|_| match dtype {
        DataType::Bool => vec![pick(random, &[0, 0, 0, 1, 1, 2])],
        _ => integer(random).to_le_bytes()[..width].to_vec(),
    });
    Tensor::new(dtype, shape.to_vec(), bytes.collect()).expect("as many bytes as the shape says")
}

fn view(case: &mut Case, random: &mut Random, dtype: DataType, shape: &[u32]) -> Value {
    case.view_of(random, shape, &|random, shape| tensor(random, dtype, shape))
}

/// Indices of a dimension, some of them from its end, and some outside.
fn indices(case: &mut Case, random: &mut Random, shape: &[u32], end: u32) -> Value {
    let dtype = pick(random, &[DataType::Int64, DataType::Int64, DataType::Int32]);
    case.view_of(random, shape, &|random, shape| {
        let index = |random: &mut Random| match random.below(12) {
            0 => i64::from(integer(random) as i32),
            1 | 2 => -1 - random.below(u64::from(end)) as i64,
            _ => random.below(u64::from(end)) as i64,
        };
        let bytes = (0..count(shape)).flat_map(|_| index(random).to_le_bytes()[..dtype.size_bytes()].to_vec());
        Tensor::new(dtype, shape.to_vec(), bytes.collect()).expect("as many bytes as the shape says")
    })
}

/// A graph around one operator.
pub(super) fn random_case(random: &mut Random) -> (Package, Vec<Tensor>) {
    let mut case = Case::default();
    let shape = shape(random);
    let dtype = pick(random, &TYPES);
    let value = match random.below(4) {
        0 => elements(&mut case, random, dtype, &shape),
        1 if !shape.is_empty() => rows(&mut case, random, dtype, &shape),
        2 if !shape.is_empty() => looked_up(&mut case, random, dtype, &shape),
        _ => moved(&mut case, random, dtype, &shape),
    };
    case.output(value);
    case.finish()
}

/// An operator that computes each element from one of each operand.
fn elements(case: &mut Case, random: &mut Random, dtype: DataType, shape: &[u32]) -> Value {
    let other = narrower(random, shape);
    match random.below(5) {
        0 | 1 => {
            let operation = match dtype {
                DataType::Float32 => pick(random, &COMPARISONS),
                DataType::Bool => pick(random, &CONNECTIVES),
                _ if random.below(3) == 0 => pick(random, &BITWISE),
                _ => pick(random, &OPERATIONS),
            };
            let (a, b) = (view(case, random, dtype, shape), view(case, random, dtype, &other));
            let operands = if random.below(2) == 0 { vec![a, b] } else { vec![b, a] };
            case.node(Operator::Binary(operation), operands)
        }
        2 => {
            let condition = narrower(random, shape);
            let condition = view(case, random, DataType::Bool, &condition);
            let (yes, no) = (view(case, random, dtype, shape), view(case, random, dtype, &other));
            let operands = if random.below(2) == 0 {
                vec![condition, yes, no]
            } else {
                vec![condition, no, yes]
            };
            case.node(Operator::Where, operands)
        }
        3 => {
            let input = view(case, random, dtype, shape);
            let cast = Operator::Cast {
                dtype: pick(random, &TYPES),
            };
            case.node(cast, vec![input])
        }
        _ => {
            let (dtype, function) = match random.below(4) {
                0 => (DataType::Bool, Unary::Not),
                3 => (pick(random, &INTEGERS), Unary::Not),
                1 => (pick(random, &INTEGERS), Unary::Neg),
                _ => (pick(random, &INTEGERS), Unary::Abs),
            };
            let input = view(case, random, dtype, shape);
            case.node(Operator::Unary(function), vec![input])
        }
    }
}

/// An operator on rows.
fn rows(case: &mut Case, random: &mut Random, dtype: DataType, shape: &[u32]) -> Value {
    let input = view(case, random, dtype, shape);
    let operator = match random.below(4) {
        0 => Operator::CumSum,
        1 => Operator::TopK {
            count: 1 + random.below(u64::from(shape[shape.len() - 1])) as u32,
            largest: random.below(2) == 0,
        },
        _ => {
            let reduction = match dtype {
                DataType::Bool => pick(random, &[Reduction::Any, Reduction::All]),
                _ => pick(random, &REDUCTIONS),
            };
            match reduction {
                Reduction::Mean if dtype != DataType::Float32 => Operator::Reduce(Reduction::Sum),
                reduction if dtype == DataType::Bool && random.below(2) == 0 => Operator::Reduce(match reduction {
                    Reduction::Any => pick(random, &[Reduction::Sum, Reduction::Max, Reduction::ArgMax]),
                    _ => pick(random, &[Reduction::Min, Reduction::ArgMin]),
                }),
                reduction => Operator::Reduce(reduction),
            }
        }
    };
    case.node(operator, vec![input])
}

/// An operator on indices.
fn looked_up(case: &mut Case, random: &mut Random, dtype: DataType, shape: &[u32]) -> Value {
    let axis = random.below(shape.len() as u64) as usize;
    let data = view(case, random, dtype, shape);
    if random.below(2) == 0 {
        let picked: Vec<u32> = (0..random.below(3)).map(|_| 1 + random.below(6) as u32).collect();
        let index = indices(case, random, &picked, shape[axis]);
        return case.node(Operator::IndexSelect { axis: axis as u8 }, vec![data, index]);
    }
    let mut place = shape.to_vec();
    place[axis] = 1 + random.below(12) as u32;
    let index = indices(case, random, &place, shape[axis]);
    let gathered = case.node(Operator::Gather { axis: axis as u8 }, vec![data, index]);
    if random.below(2) == 0 {
        return gathered;
    }
    // As a cache is written; what is looked up may be taken by another node too, or be repeated.
    if random.below(4) == 0 {
        case.output(gathered);
    }
    let whole = if random.below(4) == 0 {
        [&[2], place.as_slice()].concat()
    } else {
        place.clone()
    };
    let (condition, no) = (narrower(random, &place), narrower(random, &whole));
    let no = if whole == place { no } else { whole };
    let condition = view(case, random, DataType::Bool, &condition);
    let no = view(case, random, dtype, &no);
    case.node(Operator::Where, vec![condition, gathered, no])
}

/// An operator that moves elements, or makes some.
fn moved(case: &mut Case, random: &mut Random, dtype: DataType, shape: &[u32]) -> Value {
    let rank = shape.len() as u64;
    match random.below(9) {
        0 => {
            let input = view(case, random, dtype, shape);
            let dimensions = fixed(&regrouped(random, shape));
            let reshaped = case.node(Operator::Reshape { dimensions }, vec![input]);
            let dimensions = fixed(&regrouped(random, shape));
            case.node(Operator::Reshape { dimensions }, vec![reshaped])
        }
        1 => {
            let own = narrower(random, shape);
            let input = view(case, random, dtype, &own);
            let dimensions = fixed(shape);
            case.node(Operator::Expand { dimensions }, vec![input])
        }
        2 | 3 if rank > 0 => concatenated(case, random, dtype, shape),
        4 if rank > 0 => {
            let axis = random.below(rank) as usize;
            let input = view(case, random, dtype, shape);
            let far = 2 * u64::from(shape[axis]);
            let start = if random.below(2) == 0 {
                Position::FromEnd(1 + random.below(far) as u32)
            } else {
                Position::FromStart(random.below(far) as u32)
            };
            let slice = Operator::Slice {
                axis: axis as u8,
                start,
                step: 1 + random.below(3) as u32,
                length: Dimension::Fixed(1 + random.below(6) as u32),
            };
            case.node(slice, vec![input])
        }
        5 if rank > 0 => {
            let axis = random.below(rank) as usize;
            let input = view(case, random, dtype, shape);
            let pad = Operator::Pad {
                axis: axis as u8,
                before: random.below(4) as u32,
                after: random.below(4) as u32,
                bits: bits(random, dtype),
            };
            case.node(pad, vec![input])
        }
        6 if rank > 0 => {
            let axis = random.below(rank) as usize;
            let (size, dilation) = (1 + random.below(3) as u32, 1 + random.below(3) as u32);
            let mut shape = shape.to_vec();
            shape[axis] = dilation * (size - 1) + 1 + random.below(9) as u32;
            let input = view(case, random, dtype, &shape);
            let unfold = Operator::Unfold {
                axis: axis as u8,
                size,
                step: 1 + random.below(3) as u32,
                dilation,
            };
            case.node(unfold, vec![input])
        }
        7 => {
            // A graph has an input.
            let input = case.numbers(random, &[1]);
            case.node(Operator::Relu, vec![input]);
            let bits = bits(random, dtype);
            let dimensions = fixed(shape);
            case.node(
                Operator::Fill {
                    dtype,
                    bits,
                    dimensions,
                },
                vec![],
            )
        }
        _ => {
            let input = view(case, random, DataType::Int64, shape);
            let arange = Operator::Arange {
                start: integer(random),
                step: integer(random),
                length: Dimension::Fixed(shape.last().copied().unwrap_or(1)),
            };
            let arange = case.node(arange, vec![]);
            case.node(Operator::Binary(Binary::Add), vec![input, arange])
        }
    }
}

/// A parameter of this type.
fn bits(random: &mut Random, dtype: DataType) -> u64 {
    match dtype {
        DataType::Float32 => u64::from(pick(random, &[2.5f32, f32::NAN, -0.0, f32::NEG_INFINITY]).to_bits()),
        DataType::Bool => random.below(2),
        _ => integer(random) as u64,
    }
}

/// Another shape with as many elements, some of whose dimensions may be the same.
fn regrouped(random: &mut Random, shape: &[u32]) -> Vec<u32> {
    let mut regrouped = Vec::new();
    for length in shape {
        match (random.below(4), regrouped.last_mut()) {
            (0, Some(last)) => *last *= length,
            (1, _) => regrouped.extend([*length, 1]),
            (2, _) if length.is_multiple_of(2) => regrouped.extend([length / 2, 2]),
            _ => regrouped.push(*length),
        }
    }
    regrouped
}

/// Tensors put together, some of which are put together themselves, as a cache is, in other dimensions or the same.
fn concatenated(case: &mut Case, random: &mut Random, dtype: DataType, shape: &[u32]) -> Value {
    let axis = random.below(shape.len() as u64) as usize;
    let concat = Operator::Concat { axis: axis as u8 };
    let mut parts = Vec::new();
    for _ in 0..1 + random.below(3) {
        let mut own = shape.to_vec();
        own[axis] = 1 + random.below(5) as u32;
        if random.below(2) == 0 {
            parts.push(view(case, random, dtype, &own));
            continue;
        }
        // The same elements after the axis, in one dimension; now and then with some of those before it.
        let mut inner = count(&own[axis..]) as u32;
        let mut flat = own[..axis].to_vec();
        if let Some(last) = flat.last_mut()
            && last.is_multiple_of(2)
            && random.below(2) == 0
        {
            *last /= 2;
            inner *= 2;
        }
        let split = 1 + random.below(u64::from(inner)) as u32;
        let mut halves = Vec::new();
        for length in [split, inner - split] {
            if length > 0 {
                let part = [flat.as_slice(), &[length]].concat();
                halves.push(view(case, random, dtype, &part));
            }
        }
        let whole = case.node(concat.clone(), halves);
        if random.below(6) == 0 {
            case.output(whole);
        }
        let dimensions = fixed(&own);
        parts.push(case.node(Operator::Reshape { dimensions }, vec![whole]));
    }
    case.node(concat, parts)
}

/// New elements written into a cache where a condition holds, four times, and all put together two by two and then
/// whole.
pub(crate) fn cache_package(random: &mut Random) -> Package {
    let mut case = Case::default();
    let mut layers = Vec::new();
    for _ in 0..2 {
        let mut parts = Vec::new();
        for _ in 0..2 {
            let new = case.numbers(random, &[2, 3, 4]);
            let index = case.indices(random, &[2, 5, 4], 3);
            let fresh = tensor(random, DataType::Bool, &[2, 5, 1]);
            let fresh = case.tensor(random, fresh);
            let old = case.numbers(random, &[2, 5, 4]);
            let gathered = case.node(Operator::Gather { axis: 1 }, vec![new, index]);
            let written = case.node(Operator::Where, vec![fresh, gathered, old]);
            let dimensions = fixed(&[2, 1, 5, 4]);
            parts.push(case.node(Operator::Reshape { dimensions }, vec![written]));
        }
        let layer = case.node(Operator::Concat { axis: 1 }, parts);
        let dimensions = fixed(&[2, 1, 2, 5, 4]);
        layers.push(case.node(Operator::Reshape { dimensions }, vec![layer]));
    }
    let whole = case.node(Operator::Concat { axis: 1 }, layers);
    case.output(whole);
    case.finish().0
}
