//! Graphs of one operator, or of a few that engines put together, on operands of all kinds.

use super::{
    Random,
    case::{Case, count, fixed, narrower},
    given,
};
use assay_exact::{
    graph::{Binary, Dimension, Input, Operator, Position, Reduction, Symbol, Unary, Value, Weight},
    quantise::Precision,
};
use assay_ops::tensor::{DataType, Tensor};
use assay_package::Package;

/// A shape of up to four dimensions, the last of them longer.
pub(super) fn shape(random: &mut Random) -> Vec<u32> {
    let rank = random.below(5) as u32;
    let mut shape: Vec<u32> = (0..rank).map(|_| 1 + random.below(5) as u32).collect();
    if let Some(last) = shape.last_mut() {
        *last = 1 + random.below(40) as u32;
    }
    shape
}

const FUNCTIONS: [Unary; 18] = [
    Unary::Neg,
    Unary::Abs,
    Unary::Sqrt,
    Unary::Rsqrt,
    Unary::Exp,
    Unary::Log,
    Unary::Tanh,
    Unary::Sigmoid,
    Unary::Erf,
    Unary::Sin,
    Unary::Cos,
    Unary::Silu,
    Unary::Gelu,
    Unary::GeluTanh,
    Unary::Floor,
    Unary::Ceil,
    Unary::Round,
    Unary::Trunc,
];

/// The operations on two numbers, or two integers.
pub(super) const OPERATIONS: [Binary; 13] = [
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::Div,
    Binary::Rem,
    Binary::Min,
    Binary::Max,
    Binary::Equal,
    Binary::NotEqual,
    Binary::Less,
    Binary::LessOrEqual,
    Binary::Greater,
    Binary::GreaterOrEqual,
];

/// The reductions of numbers. Integers have no mean.
pub(super) const REDUCTIONS: [Reduction; 6] = [
    Reduction::Sum,
    Reduction::Mean,
    Reduction::Max,
    Reduction::Min,
    Reduction::ArgMax,
    Reduction::ArgMin,
];

/// One of these.
pub(super) fn pick<T: Copy>(random: &mut Random, of: &[T]) -> T {
    of[random.below(of.len() as u64) as usize]
}

/// A graph around one operator, or one of those that engines put together.
pub(super) fn random_case(random: &mut Random) -> (Package, Vec<Tensor>) {
    let mut case = Case::default();
    let precision = random.precision();
    let mut shape = shape(random);
    let rank = shape.len();
    let value = match random.below(26) {
        0 => {
            let input = case.view(random, &shape);
            let function = pick(random, &FUNCTIONS);
            case.node(Operator::Unary(function), vec![input])
        }
        1 | 2 => {
            let other = narrower(random, &shape);
            let (a, b) = (case.view(random, &shape), case.view(random, &other));
            let operands = if random.below(2) == 0 { vec![a, b] } else { vec![b, a] };
            case.node(Operator::Binary(pick(random, &OPERATIONS)), operands)
        }
        3 => {
            let (condition, other) = (narrower(random, &shape), narrower(random, &shape));
            let condition = case.bools(random, &condition);
            let (yes, no) = (case.view(random, &shape), case.view(random, &other));
            case.node(Operator::Where, vec![condition, yes, no])
        }
        4 if rank > 0 => {
            let input = case.view(random, &shape);
            case.node(Operator::Reduce(pick(random, &REDUCTIONS)), vec![input])
        }
        5 if rank > 0 => {
            let input = case.view(random, &shape);
            let operator = pick(random, &[0, 1, 2, 3]);
            let operator = match operator {
                0 => Operator::Softmax,
                1 => Operator::LogSoftmax,
                2 => Operator::CumSum,
                _ => Operator::RowScale {
                    precision: precision.right().into(),
                },
            };
            case.node(operator, vec![input])
        }
        6 | 7 if rank > 0 => {
            let mut operands = vec![case.view(random, &shape)];
            let epsilon = pick(random, &[0, 1e-12f32.to_bits(), 1e-5f32.to_bits()]);
            let layer = random.below(2) == 0;
            for _ in 0..random.below(if layer { 3 } else { 2 }) {
                operands.push(case.numbers(random, &shape[rank - 1..]));
            }
            let operator = if layer {
                Operator::LayerNorm { epsilon }
            } else {
                Operator::RmsNorm { epsilon }
            };
            case.node(operator, operands)
        }
        8 if rank > 0 => {
            let (rows, columns) = (1 + random.below(8) as u32, 1 + random.below(8) as u32);
            let mut other = shape.clone();
            shape.insert(rank - 1, rows);
            other.insert(rank - 1, columns);
            let (a, b) = (case.view(random, &shape), case.view(random, &other));
            case.node(Operator::MatMul { precision }, vec![a, b])
        }
        9 if rank > 0 => weighted_sum(&mut case, random, precision, &shape),
        10..=12 => attention(&mut case, random),
        13 | 14 if rank > 0 => linear(&mut case, random, precision, &shape),
        23 => {
            let operands = (0..3).map(|_| {
                let own = narrower(random, &shape);
                given::integers(&mut case, random, DataType::Int64, &own)
            });
            let operands = operands.collect();
            case.node(Operator::Random, operands)
        }
        24 if rank > 0 => given::layers(&mut case, random, precision, &shape),
        15 if rank > 0 => {
            let (axis, parts) = (random.below(rank as u64) as usize, 1 + random.below(3));
            let part = |case: &mut Case, random: &mut Random| {
                shape[axis] = 1 + random.below(6) as u32;
                case.view(random, &shape)
            };
            let mut part = part;
            let operands = (0..parts).map(|_| part(&mut case, random)).collect();
            case.node(Operator::Concat { axis: axis as u8 }, operands)
        }
        16 if rank > 0 => {
            let axis = if random.below(2) == 0 {
                0
            } else {
                random.below(rank as u64) as usize
            };
            let end = shape[axis];
            let data = case.view(random, &shape);
            let picked = 1 + random.below(9) as u32;
            let indices = case.indices(random, &[picked], end);
            case.node(Operator::IndexSelect { axis: axis as u8 }, vec![data, indices])
        }
        17 if rank > 0 => {
            let axis = random.below(rank as u64) as usize;
            let (size, dilation) = (1 + random.below(3) as u32, 1 + random.below(3) as u32);
            shape[axis] = dilation * (size - 1) + 1 + random.below(9) as u32;
            let input = case.view(random, &shape);
            let unfold = Operator::Unfold {
                axis: axis as u8,
                size,
                step: 1 + random.below(3) as u32,
                dilation,
            };
            case.node(unfold, vec![input])
        }
        18 => {
            let from = narrower(random, &shape);
            let input = case.view(random, &from);
            let expand = Operator::Expand {
                dimensions: fixed(&shape),
            };
            case.node(expand, vec![input])
        }
        19 => {
            let input = case.view(random, &shape);
            let reshape = Operator::Reshape {
                dimensions: fixed(&[count(&shape) as u32, 1]),
            };
            case.node(reshape, vec![input])
        }
        20 if rank > 0 => {
            // Elements that would lie outside are the last one.
            let axis = random.below(rank as u64) as usize;
            let input = case.view(random, &shape);
            let slice = Operator::Slice {
                axis: axis as u8,
                start: Position::FromEnd(1 + random.below(u64::from(shape[axis])) as u32),
                step: 1 + random.below(2) as u32,
                length: Dimension::Fixed(1 + random.below(4) as u32),
            };
            case.node(slice, vec![input])
        }
        21 if rank > 0 => {
            let input = case.view(random, &shape);
            let pad = Operator::Pad {
                axis: random.below(rank as u64) as u8,
                before: random.below(3) as u32,
                after: random.below(3) as u32,
                bits: u64::from(1.5f32.to_bits()),
            };
            case.node(pad, vec![input])
        }
        22 if rank > 0 => {
            let largest = random.below(2) == 0;
            let count = 1 + random.below(u64::from(shape[rank - 1])) as u32;
            let input = case.view(random, &shape);
            case.node(Operator::TopK { count, largest }, vec![input])
        }
        _ => {
            let filled = Operator::Fill {
                dtype: DataType::Float32,
                bits: u64::from(pick(random, &[2.5f32, f32::NAN, -0.0]).to_bits()),
                dimensions: fixed(&shape),
            };
            let filled = case.node(filled, vec![]);
            let input = case.view(random, &shape);
            case.node(Operator::Binary(Binary::Mul), vec![filled, input])
        }
    };
    case.output(value);
    case.finish()
}

/// Values, transposed, and their scales. The import makes one permutation of two, so either may be one of the other's
/// source.
fn values(case: &mut Case, random: &mut Random, precision: Precision, shape: &[u32]) -> [Value; 2] {
    let rank = shape.len();
    let mut axes: Vec<u8> = (0..rank as u8).collect();
    axes.swap(rank - 2, rank - 1);
    let exchanged = Operator::Permute { axes };
    let (value, transposed) = if random.below(2) == 0 {
        let value = case.view(random, shape);
        (value, case.node(exchanged, vec![value]))
    } else {
        let mut before = shape.to_vec();
        before.swap(rank - 2, rank - 1);
        let transposed = case.view(random, &before);
        (case.node(exchanged, vec![transposed]), transposed)
    };
    let of_rows = Operator::RowScale {
        precision: precision.right().into(),
    };
    [transposed, case.node(of_rows, vec![value])]
}

fn weighted_sum(case: &mut Case, random: &mut Random, precision: Precision, outer: &[u32]) -> Value {
    let outer = &outer[..outer.len() - 1];
    let [m, t, d] = [8, 40, 20].map(|end| 1 + random.below(end) as u32);
    let weights = case.view(random, &[outer, &[m, t]].concat());
    let [values, scales] = values(case, random, precision, &[outer, &[t, d]].concat());
    case.node(Operator::WeightedSum { precision }, vec![weights, values, scales])
}

/// A linear layer and functions after it; now and then something else needs what is in between.
fn linear(case: &mut Case, random: &mut Random, precision: Precision, shape: &[u32]) -> Value {
    let features = 1 + random.below(70) as u32;
    let length = shape[shape.len() - 1];
    let mut operands = vec![case.view(random, shape), case.view(random, &[features, length])];
    if random.below(2) == 0 {
        operands.push(case.numbers(random, &[features]));
    }
    let mut value = case.node(Operator::Linear { precision }, operands);
    let mut shape = shape.to_vec();
    shape.pop();
    shape.push(features);
    // What may follow within the same rows, now and then with something between that others take, or that is repeated.
    for _ in 0..random.below(5) {
        if random.below(6) == 0 {
            case.output(value);
        }
        value = match random.below(6) {
            0 | 1 => {
                let functions = [Unary::Gelu, Unary::GeluTanh, Unary::Silu, Unary::Tanh, Unary::Floor];
                case.node(Operator::Unary(pick(random, &functions)), vec![value])
            }
            2 | 3 => {
                let other = if random.below(4) == 0 {
                    narrower(random, &shape)
                } else {
                    shape.clone()
                };
                let other = case.view(random, &other);
                let sides = if random.below(2) == 0 {
                    vec![value, other]
                } else {
                    vec![other, value]
                };
                case.node(Operator::Binary(Binary::Add), sides)
            }
            4 => {
                let length = shape[shape.len() - 1..].to_vec();
                let layer = random.below(2) == 0;
                let mut operands = vec![value];
                for _ in 0..random.below(if layer { 3 } else { 2 }) {
                    operands.push(case.numbers(random, &length));
                }
                let epsilon = 1e-5f32.to_bits();
                let operator = match layer {
                    true => Operator::LayerNorm { epsilon },
                    false => Operator::RmsNorm { epsilon },
                };
                case.node(operator, operands)
            }
            _ => {
                let features = 1 + random.below(30) as u32;
                let weight = case.view(random, &[features, shape[shape.len() - 1]]);
                shape.pop();
                shape.push(features);
                case.node(Operator::Linear { precision }, vec![value, weight])
            }
        };
    }
    value
}

/// Attention with and without a scale and a mask, in the forms that the import gives it.
fn attention(case: &mut Case, random: &mut Random) -> Value {
    let outer: Vec<u32> = (0..random.below(4)).map(|_| 1 + random.below(3) as u32).collect();
    let [m, t] = [60, 60].map(|end| 1 + random.below(end) as u32);
    let [e, d] = [20, 20].map(|end| 1 + random.below(end) as u32);
    let [score_precision, precision] = [random.precision(), random.precision()];
    let stack = |rows: u32, length: u32| [outer.as_slice(), &[rows, length]].concat();
    let (query, key) = (case.view(random, &stack(m, e)), case.view(random, &stack(t, e)));
    let product = Operator::MatMul {
        precision: score_precision,
    };
    let mut scores = case.node(product, vec![query, key]);
    let fill = |case: &mut Case, number: f32| {
        let fill = Operator::Fill {
            dtype: DataType::Float32,
            bits: u64::from(number.to_bits()),
            dimensions: vec![],
        };
        case.node(fill, vec![])
    };
    if random.below(2) == 0 {
        let factor = fill(case, 0.176_776_7);
        scores = case.node(Operator::Binary(Binary::Mul), vec![scores, factor]);
    }
    match random.below(3) {
        0 => {}
        1 => {
            let mask = if random.below(3) == 0 {
                // Out of a layer, as a learned position bias is: the sum is part of two patterns.
                let (rows, weight) = (case.view(random, &stack(m, 3)), case.view(random, &[t, 3]));
                case.node(Operator::Linear { precision }, vec![rows, weight])
            } else {
                let mask = narrower(random, &stack(m, t));
                case.view(random, &mask)
            };
            scores = case.node(Operator::Binary(Binary::Add), vec![scores, mask]);
        }
        _ => {
            let mask = narrower(random, &stack(m, t));
            let mask = if random.below(2) == 0 {
                case.bools(random, &mask)
            } else {
                // As in a cache that is not full: no query sees the last keys.
                let seen = random.below(u64::from(t) + 1) as usize;
                case.view_of(random, &mask, &|random, shape| {
                    let length = shape.last().copied().unwrap_or(1) as usize;
                    // Some queries see nothing at all.
                    let sees = |place: usize| place % length < seen && place / length % 5 != 3;
                    let flags = (0..count(shape)).map(|place| u8::from(sees(place) && random.below(8) > 0));
                    Tensor::new(DataType::Bool, shape.to_vec(), flags.collect()).expect("a byte for each")
                })
            };
            let never = fill(case, f32::NEG_INFINITY);
            scores = case.node(Operator::Where, vec![mask, scores, never]);
        }
    }
    if random.below(6) == 0 {
        case.output(scores);
    }
    let weights = case.node(Operator::Softmax, vec![scores]);
    let [values, scales] = values(case, random, precision, &stack(t, d));
    case.node(Operator::WeightedSum { precision }, vec![weights, values, scales])
}

/// A layer of a transformer, dynamic in its batch, and jobs of several sizes.
pub(crate) fn attention_package(random: &mut Random) -> (Package, Vec<Vec<Tensor>>) {
    const BATCH: Dimension = Dimension::Symbol(0);
    const ROWS: [u32; 3] = [1, 5, 3];
    let (tokens, heads, width) = (9, 2, 8);
    let features = heads * width;
    let precision = Precision::Int16;
    let mut case = Case {
        job: vec![random.tensor(&[1, tokens, features])],
        ..Case::default()
    };
    case.inputs.push(Input {
        name: "x".into(),
        dtype: DataType::Float32,
        dimensions: vec![BATCH, Dimension::Fixed(tokens), Dimension::Fixed(features)],
        range: None,
    });
    let weight = |case: &mut Case, random: &mut Random, shape: &[u32]| {
        case.weights.push(Weight {
            name: format!("w{:02}", case.weights.len()),
            dtype: DataType::Float32,
            shape: shape.to_vec(),
        });
        case.stored.push(random.tensor(shape).canonical());
        Value::Weight(case.stored.len() as u16 - 1)
    };
    let reshape = |case: &mut Case, value, dimensions: &[u32]| {
        let dimensions = std::iter::once(BATCH).chain(fixed(dimensions)).collect();
        case.node(Operator::Reshape { dimensions }, vec![value])
    };
    let permute =
        |case: &mut Case, value, axes: [u8; 4]| case.node(Operator::Permute { axes: axes.to_vec() }, vec![value]);
    let x = Value::Input(0);
    let [(_, query), (_, key), (apart, value)] = [0; 3].map(|_| {
        let weight = weight(&mut case, random, &[features, features]);
        let projected = case.node(Operator::Linear { precision }, vec![x, weight]);
        let apart = reshape(&mut case, projected, &[tokens, heads, width]);
        (apart, permute(&mut case, apart, [0, 2, 1, 3]))
    });
    let scores = case.node(Operator::MatMul { precision }, vec![query, key]);
    let weights = case.node(Operator::Softmax, vec![scores]);
    let scales = case.node(Operator::RowScale { precision }, vec![value]);
    // Both permutations of the values in one, as the import has it.
    let values = permute(&mut case, apart, [0, 2, 3, 1]);
    let mixed = case.node(Operator::WeightedSum { precision }, vec![weights, values, scales]);
    let together = permute(&mut case, mixed, [0, 2, 1, 3]);
    let mixed = reshape(&mut case, together, &[tokens, features]);
    let sum = case.node(Operator::Binary(Binary::Add), vec![mixed, x]);
    let weight = weight(&mut case, random, &[features, features]);
    let inner = case.node(Operator::Linear { precision }, vec![sum, weight]);
    let output = case.node(Operator::Unary(Unary::Gelu), vec![inner]);
    case.output(output);
    case.symbols.push(Symbol {
        name: "batch".into(),
        min: 1,
        max: 64,
    });
    let (package, _) = case.finish();
    let jobs = ROWS.map(|rows| vec![random.tensor(&[rows, tokens, features]).canonical()]);
    (package, jobs.to_vec())
}
