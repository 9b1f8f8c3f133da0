//! Objects of the suite, as JSON. The README has the encodings.

use crate::json::{Json, list, object, wide};
use assay_exact::{
    binary32::Binary32,
    digest::{DataType, Digest},
    graph::{Dimension, Graph, Operator, Position, Value},
    model::ValueRange,
    quantise::{GroupedBits, Precision, WeightFormat},
    tensor::Tensor,
};

/// The bits of a number, which need not be canonical.
pub fn bits(bits: u32) -> Json {
    Json::Text(format!("{bits:08x}"))
}

/// A canonical number.
pub fn number(number: Binary32) -> Json {
    bits(number.to_bits())
}

/// A row of numbers that need not be canonical.
pub fn row(row: &[u32]) -> Json {
    list(row, |number| bits(*number))
}

/// Bytes in hexadecimal.
pub fn bytes(bytes: &[u8]) -> Json {
    Json::Text(hex::encode(bytes))
}

/// Digests in hexadecimal.
pub fn digests(digests: &[Digest]) -> Json {
    list(digests, |digest| bytes(digest))
}

/// A digest, or nothing.
pub fn digest_or_null(digest: Option<Digest>) -> Json {
    digest.map_or(Json::Null, |digest| bytes(&digest))
}

/// The name of a type.
pub fn dtype(dtype: DataType) -> Json {
    match dtype {
        DataType::Float32 => "Float32",
        DataType::Int64 => "Int64",
        DataType::Int32 => "Int32",
        DataType::Int8 => "Int8",
        DataType::Uint8 => "Uint8",
        DataType::Bool => "Bool",
    }
    .into()
}

/// The name of a precision.
pub fn precision(precision: Precision) -> Json {
    match precision {
        Precision::Int8 => "Int8",
        Precision::Int16 => "Int16",
        Precision::Int16Int8 => "Int16Int8",
    }
    .into()
}

/// The dimensions of a tensor.
pub fn shape(shape: &[u32]) -> Json {
    list(shape, |dimension| (*dimension).into())
}

/// Type and shape.
pub fn layout(of: DataType, dimensions: &[u32]) -> Json {
    object([("type", dtype(of)), ("shape", shape(dimensions))])
}

/// A tensor with its bytes.
pub fn tensor(tensor: &Tensor) -> Json {
    object([
        ("type", dtype(tensor.dtype())),
        ("shape", shape(tensor.shape())),
        ("data", bytes(tensor.bytes())),
    ])
}

/// Several tensors.
pub fn tensors<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> Json {
    list(tensors, tensor)
}

/// A dimension of a graph.
pub fn dimension(dimension: &Dimension) -> Json {
    match *dimension {
        Dimension::Fixed(elements) => elements.into(),
        Dimension::Symbol(symbol) => Json::List(vec!["symbol".into(), u32::from(symbol).into()]),
        Dimension::Computed(formula) => {
            let terms = list(formula.terms(), |term| {
                let powers = list(term.powers, |power| u32::from(power).into());
                Json::List(vec![term.coefficient.into(), powers])
            });
            Json::List(vec!["computed".into(), terms])
        }
    }
}

/// Dimensions of a graph.
pub fn dimensions(dimensions: &[Dimension]) -> Json {
    list(dimensions, dimension)
}

/// Where a tensor comes from.
pub fn value(value: Value) -> Json {
    let (kind, index) = match value {
        Value::Input(index) => ("input", u32::from(index)),
        Value::Weight(index) => ("weight", u32::from(index)),
        Value::Node(index) => ("node", index),
    };
    Json::List(vec![kind.into(), index.into()])
}

/// The bits of a constant.
fn constant(bits: u64) -> Json {
    Json::Text(format!("{bits:016x}"))
}

/// An operator and its parameters.
pub fn operator(operator: &Operator) -> Json {
    let mut fields = vec![("operator", Json::from(operator.name()))];
    fields.extend(parameters(operator));
    Json::Object(fields)
}

fn parameters(operator: &Operator) -> Vec<(&'static str, Json)> {
    let axis = |axis: &u8| ("axis", u32::from(*axis).into());
    match operator {
        Operator::Linear { precision: of }
        | Operator::MatMul { precision: of }
        | Operator::RowScale { precision: of }
        | Operator::WeightedSum { precision: of } => vec![("precision", precision(*of))],
        Operator::Reshape { dimensions: to } | Operator::Expand { dimensions: to } => {
            vec![("dimensions", dimensions(to))]
        }
        Operator::Cast { dtype: to } => vec![("type", dtype(*to))],
        Operator::Fill {
            dtype: of,
            bits,
            dimensions: to,
        } => vec![
            ("type", dtype(*of)),
            ("bits", constant(*bits)),
            ("dimensions", dimensions(to)),
        ],
        Operator::Arange { start, step, length } => {
            vec![
                ("start", wide(start)),
                ("step", wide(step)),
                ("length", dimension(length)),
            ]
        }
        Operator::Permute { axes } => vec![("axes", list(axes, |axis| u32::from(*axis).into()))],
        Operator::Slice {
            axis: along,
            start,
            step,
            length,
        } => vec![
            axis(along),
            ("start", position(*start)),
            ("step", (*step).into()),
            ("length", dimension(length)),
        ],
        Operator::Concat { axis: along } | Operator::Gather { axis: along } | Operator::IndexSelect { axis: along } => {
            vec![axis(along)]
        }
        Operator::Pad {
            axis: along,
            before,
            after,
            bits,
        } => vec![
            axis(along),
            ("before", (*before).into()),
            ("after", (*after).into()),
            ("bits", constant(*bits)),
        ],
        Operator::Unfold {
            axis: along,
            size,
            step,
            dilation,
        } => {
            let numbers = [("size", size), ("step", step), ("dilation", dilation)];
            let numbers = numbers.map(|(name, number)| (name, Json::from(*number)));
            [&[axis(along)], &numbers[..]].concat()
        }
        Operator::TopK { count, largest } => vec![("count", (*count).into()), ("largest", Json::Truth(*largest))],
        Operator::LayerNorm { epsilon } | Operator::RmsNorm { epsilon } => vec![("epsilon", bits(*epsilon))],
        Operator::QuantisedLinear {
            precision: of,
            format: by,
        } => vec![("precision", precision(*of)), ("format", format(*by))],
        Operator::Unary(_) | Operator::Binary(_) | Operator::Reduce(_) | Operator::Random => vec![],
        Operator::Relu | Operator::Where | Operator::CumSum | Operator::Softmax | Operator::LogSoftmax => vec![],
    }
}

fn format(format: WeightFormat) -> Json {
    Json::List(match format {
        WeightFormat::Int8 => vec!["int8".into()],
        WeightFormat::Grouped { bits, group } => {
            let bits = match bits {
                GroupedBits::Four => 4u32,
                GroupedBits::Eight => 8,
            };
            vec!["grouped".into(), bits.into(), u32::from(group).into()]
        }
    })
}

fn position(position: Position) -> Json {
    let (from, elements) = match position {
        Position::FromStart(elements) => ("start", elements),
        Position::FromEnd(elements) => ("end", elements),
    };
    Json::List(vec![from.into(), elements.into()])
}

/// The values of an input that have a meaning.
pub fn range(range: Option<ValueRange>) -> Json {
    range.map_or(Json::Null, |range| Json::List(vec![wide(range.min), wide(range.max)]))
}

/// A whole graph.
pub fn graph(graph: &Graph) -> Json {
    object([
        (
            "symbols",
            list(&graph.symbols, |symbol| {
                object([
                    ("name", (&symbol.name).into()),
                    ("min", symbol.min.into()),
                    ("max", symbol.max.into()),
                ])
            }),
        ),
        (
            "inputs",
            list(&graph.inputs, |input| {
                object([
                    ("name", (&input.name).into()),
                    ("type", dtype(input.dtype)),
                    ("dimensions", dimensions(&input.dimensions)),
                    ("range", range(input.range)),
                ])
            }),
        ),
        (
            "weights",
            list(&graph.weights, |weight| {
                object([
                    ("name", (&weight.name).into()),
                    ("type", dtype(weight.dtype)),
                    ("shape", shape(&weight.shape)),
                ])
            }),
        ),
        (
            "nodes",
            list(&graph.nodes, |node| {
                object([
                    ("name", (&node.name).into()),
                    ("operator", operator(&node.operator)),
                    ("inputs", list(&node.inputs, |input| value(*input))),
                    ("source", (&node.source).into()),
                ])
            }),
        ),
        (
            "outputs",
            list(&graph.outputs, |output| {
                object([("name", (&output.name).into()), ("value", value(output.value))])
            }),
        ),
    ])
}
