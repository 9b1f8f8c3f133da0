//! The largest operands that one element of each kind of operator can depend on.

use crate::numbers;
use anyhow::Result;
use assay_exact::{
    graph::{Binary, CheckedGraph, Dimension, Graph, Input, Node, Operator, Output, Position, Reduction, Unary, Value},
    quantise::{GroupedBits, Precision, WeightFormat},
};
use assay_ops::tensor::{DataType, Tensor};

/// Elements of a row of 64 KiB, less one so that rows begin within chunks.
const ROW: u32 = 16_383;
/// The same of a row of bytes.
const ROW_OF_BYTES: u32 = 65_535;

/// A model of one operator, and what it is run on.
pub struct Slice {
    /// The computation.
    pub name: &'static str,
    /// The model.
    pub graph: CheckedGraph,
    /// Its inputs.
    pub inputs: Vec<Tensor>,
}

/// One of each kind.
pub fn slices() -> Result<Vec<Slice>> {
    cases()
        .into_iter()
        .map(|(name, operator, operands)| slice_of(name, operator, &operands))
        .collect()
}

fn slice_of(name: &'static str, operator: Operator, operands: &[Operand]) -> Result<Slice> {
    // The same operands again are the same input, since a graph takes only a few.
    let mut distinct = operands.to_vec();
    distinct.dedup();
    let inputs = distinct.iter().map(|(dtype, shape)| tensor(*dtype, shape));
    let inputs = inputs.collect::<Result<Vec<Tensor>>>()?;
    let wiring = operands
        .iter()
        .map(|operand| distinct.iter().position(|distinct| distinct == operand));
    let wiring: Vec<usize> = wiring.map(Option::unwrap_or_default).collect();
    let graph = graph(operator, &inputs, &wiring)?;
    Ok(Slice { name, graph, inputs })
}

/// Type and shape of what an operator takes.
type Operand = (DataType, Vec<u32>);
/// An operator's name, the operator, and what it takes.
type Case = (&'static str, Operator, Vec<Operand>);

/// A layer of small integers with as many groups as there can be.
fn in_groups(bits: GroupedBits) -> (Operator, Vec<Operand>) {
    // Whole groups, as many as a row may have but for one.
    let length = ROW / 16 * 16;
    let integers = match bits {
        GroupedBits::Four => (DataType::Uint8, vec![5, length / 2]),
        GroupedBits::Eight => (DataType::Int8, vec![5, length]),
    };
    let operands = vec![
        (DataType::Float32, vec![5, length]),
        integers,
        (DataType::Int32, vec![5, length / 16]),
        (DataType::Float32, vec![5]),
        (DataType::Float32, vec![5]),
    ];
    let format = WeightFormat::Grouped { bits, group: 16 };
    let precision = Precision::Int16;
    (Operator::QuantisedLinear { precision, format }, operands)
}

fn cases() -> Vec<Case> {
    let (int8, int16) = (Precision::Int8, Precision::Int16);
    let number = |shape: &[u32]| (DataType::Float32, shape.to_vec());
    let (wide, row) = (number(&[5, ROW]), number(&[ROW]));
    let dimensions = vec![Dimension::Fixed(5), Dimension::Fixed(ROW)];
    let epsilon = 0x3727_c5ac;
    let matrix = vec![wide.clone(), wide.clone(), number(&[5])];
    let attention = vec![number(&[2, 2, ROW]), number(&[2, 3, ROW]), number(&[2, ROW])];
    let (values, rows) = (vec![wide.clone()], vec![wide.clone(), row.clone()]);
    let with_bias = vec![wide.clone(), row.clone(), row.clone()];
    let bytes = vec![(DataType::Int8, vec![5, ROW_OF_BYTES])];
    let indices = (DataType::Int64, vec![700]);
    let start = Position::FromStart(1);
    let length = Dimension::Fixed(3);
    let [four, eight] = [GroupedBits::Four, GroupedBits::Eight].map(in_groups);
    vec![
        ("linear, int16", Operator::Linear { precision: int16 }, matrix.clone()),
        ("linear, int8", Operator::Linear { precision: int8 }, matrix.clone()),
        ("quantised_linear, 4 bits", four.0, four.1),
        ("quantised_linear, 8 bits", eight.0, eight.1),
        ("matmul", Operator::MatMul { precision: int16 }, matrix[..2].to_vec()),
        ("weighted_sum", Operator::WeightedSum { precision: int16 }, attention),
        ("row_scale", Operator::RowScale { precision: int16 }, values.clone()),
        ("softmax", Operator::Softmax, values.clone()),
        ("log_softmax", Operator::LogSoftmax, values.clone()),
        ("layer_norm", Operator::LayerNorm { epsilon }, with_bias),
        ("random", Operator::Random, vec![(DataType::Int64, vec![5, ROW]); 3]),
        ("rms_norm", Operator::RmsNorm { epsilon }, rows.clone()),
        ("sum", Operator::Reduce(Reduction::Sum), values.clone()),
        ("sum of bytes", Operator::Reduce(Reduction::Sum), bytes.clone()),
        ("max", Operator::Reduce(Reduction::Max), values.clone()),
        ("cumsum", Operator::CumSum, values.clone()),
        ("topk", topk(), values.clone()),
        ("topk of bytes", topk(), bytes),
        ("gelu", Operator::Unary(Unary::Gelu), values.clone()),
        ("div", Operator::Binary(Binary::Div), rows),
        ("permute", Operator::Permute { axes: vec![1, 0] }, values.clone()),
        ("expand", Operator::Expand { dimensions }, vec![row]),
        ("slice", slice(start, length), values.clone()),
        ("concat of 64", Operator::Concat { axis: 0 }, vec![wide.clone(); 64]),
        ("index_select", Operator::IndexSelect { axis: 0 }, vec![wide, indices]),
    ]
}

fn topk() -> Operator {
    Operator::TopK {
        count: 1_000,
        largest: true,
    }
}

fn slice(start: Position, length: Dimension) -> Operator {
    Operator::Slice {
        axis: 0,
        start,
        step: 1,
        length,
    }
}

fn tensor(dtype: DataType, shape: &[u32]) -> Result<Tensor> {
    let count = shape.iter().product::<u32>() as usize;
    let bytes = match dtype {
        DataType::Float32 => numbers(count).into_iter().flat_map(f32::to_le_bytes).collect(),
        // Small enough to be the indices of a lookup.
        _ => vec![0; count * dtype.size_bytes()],
    };
    Ok(Tensor::new(dtype, shape.to_vec(), bytes)?)
}

/// A graph of one node, which takes these of its inputs.
fn graph(operator: Operator, inputs: &[Tensor], wiring: &[usize]) -> Result<CheckedGraph> {
    let inputs = inputs.iter().enumerate().map(|(index, tensor)| Input {
        name: format!("input_{index}"),
        dtype: tensor.dtype(),
        dimensions: tensor.shape().iter().copied().map(Dimension::Fixed).collect(),
        range: None,
    });
    let graph = Graph {
        symbols: Vec::new(),
        inputs: inputs.collect(),
        weights: Vec::new(),
        nodes: vec![Node {
            name: "node".to_owned(),
            operator,
            inputs: wiring.iter().map(|input| Value::Input(*input as u16)).collect(),
            source: String::new(),
        }],
        outputs: vec![Output {
            name: "output_0".to_owned(),
            value: Value::Node(0),
        }],
    };
    Ok(graph.check()?)
}
