//! Random small graphs: operators and operands are drawn, and kept if the graph's own check accepts them.

use super::{
    Random,
    exact::{
        binary32::Binary32,
        digest::{DataType, tensor_size_bytes},
        element::Element,
        graph::{
            Binary, CheckedGraph, Dimension, Graph, Input, MAX_TENSORS, Node, Operator, Output, Position, Reduction,
            Symbol, Unary, Value, Weight,
        },
        quantise::{GroupedBits, Precision, WeightFormat},
        tensor::Tensor,
    },
};
use alloc::{boxed::Box, format, vec, vec::Vec};

/// The types of elements.
pub const TYPES: [DataType; 6] = [
    DataType::Float32,
    DataType::Int64,
    DataType::Int32,
    DataType::Int8,
    DataType::Uint8,
    DataType::Bool,
];

/// Numbers of plain size, with now and then an odd one. Inputs need not be canonical.
pub fn tensor(random: &mut Random, dtype: DataType, shape: &[u32]) -> Tensor {
    let count: u32 = shape.iter().product();
    let elements = (0..count).map(|_| match dtype {
        DataType::Float32 => Element::Number(match random.below(60) {
            0 => Binary32::ZERO,
            1 => Binary32::from_bits(random.next() as u32),
            _ => Binary32::from_i64(random.next() as i32 as i64) / Binary32::from_i64(400_000_000),
        }),
        // Small ones can be used as indices.
        DataType::Int64 | DataType::Int32 => Element::Integer(random.below(12) as i64 - 4),
        dtype => Element::wrapped(dtype, random.next() as i64),
    });
    Tensor::from_elements(dtype, shape.to_vec(), elements).expect("as many elements as the shape says")
}

/// The only symbol.
const N: Dimension = Dimension::Symbol(0);

/// Dimensions that its value gives, all of them often what operators give.
fn dynamic_ones() -> [Dimension; 6] {
    [N, N, affine(4, 0), affine(2, 0), affine(1, 4), affine(3, -2)]
}

fn affine(factor: u32, offset: i64) -> Dimension {
    Dimension::of_symbol(0, factor, offset).expect("small numbers")
}

fn dimensions(random: &mut Random, dynamic: &[Dimension]) -> Vec<Dimension> {
    let rank = random.below(4);
    let dimension = |random: &mut Random| match random.below(5) {
        0 if !dynamic.is_empty() => dynamic[random.below(dynamic.len() as u64) as usize],
        _ => Dimension::Fixed(random.one(&[1, 2, 3, 4, 4, 4, 6, 8])),
    };
    (0..rank).map(|_| dimension(random)).collect()
}

/// Type and dimensions.
type Layout = (DataType, Vec<Dimension>);

/// Any operator, with parameters that often fit.
pub fn operator(random: &mut Random) -> Operator {
    let precision = random.one(&[Precision::Int8, Precision::Int16, Precision::Int16Int8]);
    let axis = random.below(3) as u8;
    let length = Dimension::Fixed(1 + random.below(5) as u32);
    let dynamic = random.one(&dynamic_ones());
    let position = random.below(5) as u32;
    match random.below(32) {
        0 | 1 => Operator::Linear { precision },
        2 => Operator::Relu,
        3 => Operator::Reshape {
            dimensions: dimensions(random, &dynamic_ones()),
        },
        4 | 5 => Operator::MatMul { precision },
        6 => Operator::RowScale {
            precision: random.one(&[Precision::Int8, Precision::Int16]),
        },
        7 | 8 => Operator::WeightedSum { precision },
        9 => Operator::Unary(random.one(&[
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
            Unary::Not,
        ])),
        10 | 11 => Operator::Binary(random.one(&[
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
            Binary::And,
            Binary::Or,
            Binary::Xor,
            Binary::Shl,
            Binary::Shr,
        ])),
        12 => Operator::Where,
        13 => Operator::Cast {
            dtype: random.one(&TYPES),
        },
        14 => Operator::Fill {
            dtype: random.one(&TYPES),
            bits: random.next(),
            dimensions: dimensions(random, &dynamic_ones()),
        },
        15 => Operator::Arange {
            start: random.next() as i64,
            step: random.next() as i8 as i64,
            length: random.one(&[length, dynamic]),
        },
        16 => Operator::Permute {
            axes: random.one(&[vec![0], vec![1, 0], vec![0, 2, 1], vec![2, 0, 1]]),
        },
        17 => Operator::Expand {
            dimensions: dimensions(random, &dynamic_ones()),
        },
        18 => Operator::Slice {
            axis,
            start: random.one(&[Position::FromStart(position), Position::FromEnd(position)]),
            step: 1 + random.below(3) as u32,
            length: random.one(&[length, dynamic]),
        },
        19 => Operator::Concat { axis },
        20 => Operator::Pad {
            axis,
            before: position,
            after: axis.into(),
            bits: random.next(),
        },
        21 => Operator::Gather { axis },
        22 => Operator::IndexSelect { axis },
        23 => Operator::Unfold {
            axis,
            size: 1 + position % 3,
            step: 1 + u32::from(axis),
            dilation: 1 + position / 3,
        },
        24 => Operator::Reduce(random.one(&[
            Reduction::Sum,
            Reduction::Mean,
            Reduction::Max,
            Reduction::Min,
            Reduction::ArgMax,
            Reduction::ArgMin,
            Reduction::Any,
            Reduction::All,
        ])),
        25 => Operator::CumSum,
        26 => Operator::TopK {
            count: 1 + position,
            largest: axis == 0,
        },
        27 => random.one(&[Operator::Softmax, Operator::LogSoftmax]),
        28 => Operator::LayerNorm { epsilon: 0x3727_c5ac },
        29 => Operator::Random,
        30 => Operator::QuantisedLinear {
            precision: random.one(&[Precision::Int8, Precision::Int16]),
            format: random.one(&[
                WeightFormat::Int8,
                WeightFormat::Grouped {
                    bits: GroupedBits::Four,
                    group: 16,
                },
                WeightFormat::Grouped {
                    bits: GroupedBits::Eight,
                    group: 32,
                },
            ]),
        },
        _ => Operator::RmsNorm { epsilon: 0x3727_c5ac },
    }
}

/// Dimensions with two neighbours put together, such as batch and heads, if any have a product.
fn merged(random: &mut Random, dimensions: &[Dimension]) -> Vec<Dimension> {
    let products = dimensions.windows(2).enumerate().filter_map(|(at, pair)| match *pair {
        [left, right] => Some((at, left.times(right)?)),
        _ => None,
    });
    let products: Vec<(usize, Dimension)> = products.collect();
    if products.is_empty() {
        return dimensions.to_vec();
    }
    let (at, product) = random.one(&products);
    [&dimensions[..at], &[product], &dimensions[at + 2..]].concat()
}

/// As many values as an operator takes. What fits by chance seldom has dimensions that are computed, so some are made
/// to fit.
fn operands(random: &mut Random, operator: &mut Operator, values: &[(Value, Layout)]) -> Vec<Value> {
    let arity = match operator {
        Operator::Fill { .. } | Operator::Arange { .. } => 0,
        Operator::Linear { .. } | Operator::LayerNorm { .. } | Operator::Concat { .. } => 1 + random.below(3),
        Operator::RmsNorm { .. } => 1 + random.below(2),
        Operator::MatMul { .. } | Operator::Binary(_) | Operator::Gather { .. } | Operator::IndexSelect { .. } => 2,
        Operator::WeightedSum { .. } | Operator::Where | Operator::Random => 3,
        Operator::QuantisedLinear { format, .. } => 2 + format.operands() as u64 + random.below(2),
        _ => 1,
    };
    let mut inputs: Vec<(Value, Layout)> = (0..arity).map(|_| random.one(values)).collect();
    match (operator, inputs.as_mut_slice()) {
        (Operator::Reshape { dimensions }, [(_, (_, from))]) if random.below(2) == 0 => {
            *dimensions = merged(random, from);
        }
        (Operator::QuantisedLinear { format, .. }, inputs) => {
            let wanted = layer_operands(*format);
            for (position, input) in inputs.iter_mut().enumerate() {
                // A bias is as the scales.
                let fits = &wanted[position.min(wanted.len() - 1)];
                let fitting = values.iter().filter(|(_, layout)| fits(layout));
                let fitting: Vec<Value> = fitting.map(|(value, _)| *value).collect();
                if !fitting.is_empty() {
                    input.0 = random.one(&fitting);
                }
            }
        }
        (Operator::Concat { axis }, [(_, first), others @ ..]) => {
            for other in others {
                other.0 = beside(random, values, first, usize::from(*axis));
            }
        }
        _ => {}
    }
    inputs.into_iter().map(|(value, _)| value).collect()
}

/// Rows of a layer whose integers are given have this many elements, as one input has.
const LENGTH: u32 = 32;
/// Features of such a layer.
const FEATURES: u32 = 3;

/// Type and shape of the weights that there are for layers whose integers are given: of eight bits, of four, the words
/// of two groups and of one, and scales.
const GIVEN: [(DataType, &[u32]); 5] = [
    (DataType::Int8, &[FEATURES, LENGTH]),
    (DataType::Uint8, &[FEATURES, LENGTH / 2]),
    (DataType::Int32, &[FEATURES, 2]),
    (DataType::Int32, &[FEATURES, 1]),
    (DataType::Float32, &[FEATURES]),
];

/// Whether an operand may have a layout.
type Wanted = Box<dyn Fn(&Layout) -> bool>;

/// Requirements on the operands of a layer whose integers are given, up to the scales.
fn layer_operands(format: WeightFormat) -> Vec<Wanted> {
    let given = |index: usize| -> Wanted {
        let (dtype, shape) = GIVEN[index];
        let fixed: Vec<Dimension> = shape.iter().copied().map(Dimension::Fixed).collect();
        Box::new(move |layout| layout.0 == dtype && layout.1 == fixed)
    };
    let rows = |layout: &Layout| layout.0 == DataType::Float32 && layout.1.last() == Some(&Dimension::Fixed(LENGTH));
    let mut operands: Vec<Wanted> = vec![Box::new(rows)];
    match format {
        WeightFormat::Int8 => operands.push(given(0)),
        WeightFormat::Grouped { bits, group } => {
            let integers = match bits {
                GroupedBits::Four => 1,
                GroupedBits::Eight => 0,
            };
            let words = if u32::from(group) == LENGTH { 3 } else { 2 };
            operands.extend([given(integers), given(words)]);
        }
    }
    operands.push(given(4));
    operands
}

/// A value that can stand beside another one along an axis, such as itself.
fn beside(random: &mut Random, values: &[(Value, Layout)], first: &Layout, axis: usize) -> Value {
    let fits = |(_, (dtype, dimensions)): &&(Value, Layout)| {
        let mut pairs = dimensions.iter().zip(&first.1).enumerate();
        *dtype == first.0 && dimensions.len() == first.1.len() && pairs.all(|(at, (a, b))| at == axis || a == b)
    };
    let fitting: Vec<Value> = values.iter().filter(fits).map(|(value, _)| *value).collect();
    random.one(&fitting)
}

fn shape_of(dimensions: &[Dimension], symbols: &[u32]) -> Vec<u32> {
    let shape = dimensions.iter().map(|dimension| dimension.elements(symbols));
    shape.collect::<Option<_>>().expect("it has the symbols")
}

/// A graph of `nodes` operators, with random weights and inputs.
pub fn model(random: &mut Random, nodes: usize) -> (CheckedGraph, Vec<Tensor>, Vec<Tensor>) {
    let input = |random: &mut Random, name: usize, dimensions| Input {
        name: format!("input_{name}"),
        dtype: random.one(&[DataType::Float32, DataType::Float32, DataType::Int64, DataType::Bool]),
        dimensions,
        range: None,
    };
    let mut graph = Graph {
        symbols: vec![Symbol {
            name: "n".into(),
            min: 1,
            max: 5,
        }],
        inputs: vec![input(random, 0, vec![N, Dimension::Fixed(4)])],
        weights: Vec::new(),
        nodes: Vec::new(),
        outputs: Vec::new(),
    };
    for index in 1..3 + random.below(3) as usize {
        let dimensions = dimensions(random, &[N]);
        graph.inputs.push(input(random, index, dimensions));
    }
    graph.inputs.push(Input {
        name: "rows".into(),
        dtype: DataType::Float32,
        dimensions: vec![N, Dimension::Fixed(LENGTH)],
        range: None,
    });
    for index in 0..2 + random.below(4) {
        let fixed = dimensions(random, &[]);
        let shape = shape_of(&fixed, &[]);
        graph.weights.push(Weight {
            name: format!("weight_{index}"),
            dtype: DataType::Float32,
            shape,
        });
    }
    for (index, (dtype, shape)) in GIVEN.into_iter().enumerate() {
        graph.weights.push(Weight {
            name: format!("given_{index}"),
            dtype,
            shape: shape.to_vec(),
        });
    }
    let mut values: Vec<(Value, Layout)> = Vec::new();
    for (index, input) in (0..).zip(&graph.inputs) {
        values.push((Value::Input(index), (input.dtype, input.dimensions.clone())));
    }
    for (index, weight) in (0..).zip(&graph.weights) {
        let dimensions = weight.shape.iter().copied().map(Dimension::Fixed).collect();
        values.push((Value::Weight(index), (weight.dtype, dimensions)));
    }
    while graph.nodes.len() < nodes {
        let mut operator = operator(random);
        let inputs = operands(random, &mut operator, &values);
        let node = Node {
            name: format!("node_{}", graph.nodes.len()),
            operator,
            inputs,
            source: "a.py:1".into(),
        };
        let last = graph.nodes.len() as u32;
        graph.nodes.push(node);
        graph.outputs = vec![Output {
            name: "output_0".into(),
            value: Value::Node(last),
        }];
        // What is drawn is kept if it is sound and small.
        let checked = graph.clone().without_unused().check();
        let kept = checked.as_ref().ok().and_then(|checked| {
            let output = checked.graph().outputs.first()?.value;
            let (dtype, dimensions) = checked.value(output)?;
            let shape = checked.shape(output, &[5])?;
            (tensor_size_bytes(dtype, &shape)? < 6000).then(|| (dtype, dimensions.to_vec()))
        });
        match kept {
            Some(layout) => values.push((Value::Node(last), layout)),
            None => {
                graph.nodes.pop();
            }
        }
    }
    // What no other node takes is an output, as far as a graph may have so many, and so are some others.
    let ends = graph.last_uses().into_iter().enumerate().rev();
    let ends: Vec<u32> = ends
        .filter(|(node, last)| node == last)
        .map(|(node, _)| node as u32)
        .collect();
    let others = (0..random.below(3)).map(|_| random.below(nodes as u64) as u32);
    let others: Vec<u32> = others.collect();
    for index in ends.into_iter().chain(others).take(MAX_TENSORS - 1) {
        graph.outputs.push(Output {
            name: format!("output_{}", graph.outputs.len()),
            value: Value::Node(index),
        });
    }
    let graph = graph.without_unused().check().expect("every node was checked");
    let n = 1 + random.below(5) as u32;
    let inputs = graph.graph().inputs.iter();
    let inputs = inputs
        .map(|input| tensor(random, input.dtype, &shape_of(&input.dimensions, &[n])))
        .collect();
    let weights = graph.graph().weights.iter();
    let weights = weights
        .map(|weight| tensor(random, weight.dtype, &weight.shape))
        .collect();
    (graph, weights, inputs)
}
