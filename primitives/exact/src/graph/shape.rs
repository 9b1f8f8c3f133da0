//! The dimensions of every operator's output, and the values of the dynamic ones for given inputs.

mod contraction;
mod elementwise;
mod movement;
mod rows;

use super::{Dimension, Graph, Input, MAX_ROW_BYTES, Operator, Symbol};
use crate::{digest::DataType, quantise::MAX_CONTRACTION_LENGTH};
use alloc::{string::String, vec, vec::Vec};

/// The type and the dimensions of a tensor in a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub dtype: DataType,
    pub dimensions: Vec<Dimension>,
}

/// Why an operator cannot take what it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShapeError {
    /// It takes another number of tensors.
    Arity {
        /// Tensors that were given.
        actual: usize,
    },
    /// It is not defined for elements of this type.
    DataType(DataType),
    /// A tensor has too few, too many or the wrong dimensions for its place.
    Dimensions {
        /// Position of the tensor among the operator's inputs.
        input: usize,
    },
    /// A row has no elements, or more than a contraction may sum.
    ContractionLength(Dimension),
    /// A row that one element depends on can have more bytes than [`MAX_ROW_BYTES`].
    RowTooLong(Dimension),
    /// A parameter of the operator is out of its range.
    Parameter(&'static str),
    /// The new dimensions do not hold the same number of elements for all values of the symbols, or the number has too
    /// many terms to be compared.
    ElementCount,
    /// A dimension of the output is not canonical, or is 0, negative, or 2^32 and more for some values of its symbols.
    ComputedDimension(Dimension),
    /// It cannot be decided whether a dimension of the output is above 0 and below 2^32 for all values of its symbols.
    UndecidedDimension(Dimension),
    /// A dimension names a symbol that the graph does not list.
    UnknownSymbol(u8),
}

impl core::fmt::Display for ShapeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Arity { actual } => write!(f, "does not take {actual} tensors"),
            Self::DataType(dtype) => write!(f, "is not defined for {dtype:?}"),
            Self::Dimensions { input } => write!(f, "cannot take the dimensions of its tensor number {input}"),
            Self::ContractionLength(Dimension::Fixed(length)) => {
                write!(
                    f,
                    "sums rows of {length} elements, and 1 to {MAX_CONTRACTION_LENGTH} are defined"
                )
            }
            Self::ContractionLength(Dimension::Symbol(_) | Dimension::Computed(_)) => {
                write!(f, "sums rows of a dynamic number of elements")
            }
            Self::RowTooLong(Dimension::Fixed(length)) => {
                write!(
                    f,
                    "needs whole rows, and {length} elements are more than {MAX_ROW_BYTES} bytes"
                )
            }
            Self::RowTooLong(Dimension::Symbol(_) | Dimension::Computed(_)) => write!(
                f,
                "needs whole rows, and the greatest value of its dynamic dimension makes more than {MAX_ROW_BYTES} bytes"
            ),
            Self::Parameter(parameter) => write!(f, "has a {parameter} that is out of its range"),
            Self::ElementCount => write!(
                f,
                "would change the number of elements, or a number that is written with too many terms to be compared"
            ),
            Self::ComputedDimension(Dimension::Computed(formula)) => write!(
                f,
                "would give a dimension of {formula} elements (#0 is the first symbol), which has to be written in its \
                 canonical form, and has to be 1 or more and below 2^32 for all values of the symbols: narrow their ranges"
            ),
            Self::UndecidedDimension(Dimension::Computed(formula)) => write!(
                f,
                "would give a dimension of {formula} elements (#0 is the first symbol), of which it cannot be decided \
                 whether it is 1 or more and below 2^32 for all values of the symbols: narrow their ranges"
            ),
            Self::ComputedDimension(Dimension::Fixed(_) | Dimension::Symbol(_))
            | Self::UndecidedDimension(Dimension::Fixed(_) | Dimension::Symbol(_)) => {
                write!(f, "would give a dimension that no tensor has")
            }
            Self::UnknownSymbol(symbol) => write!(f, "names the symbol {symbol}, which the graph does not list"),
        }
    }
}

impl Operator {
    /// The layout of the output, for inputs laid out like this.
    pub(super) fn infer(&self, graph: &Graph, inputs: &[&Layout]) -> Result<Layout, ShapeError> {
        match self {
            Self::Linear { .. } => contraction::linear(inputs),
            Self::MatMul { .. } => contraction::matmul(inputs),
            Self::RowScale { precision } => contraction::row_scale(*precision, inputs),
            Self::WeightedSum { .. } => contraction::weighted_sum(graph, inputs),
            Self::Relu => elementwise::relu(inputs),
            Self::Unary(function) => elementwise::unary(*function, inputs),
            Self::Binary(function) => elementwise::binary(*function, inputs),
            Self::Where => elementwise::select(inputs),
            Self::Cast { dtype } => elementwise::cast(*dtype, inputs),
            Self::Fill { dtype, dimensions, .. } => elementwise::fill(*dtype, dimensions, inputs),
            Self::Arange { length, .. } => elementwise::arange(*length, inputs),
            Self::Reshape { dimensions } => movement::reshape(graph, inputs, dimensions),
            Self::Permute { axes } => movement::permute(inputs, axes),
            Self::Expand { dimensions } => movement::expand(inputs, dimensions),
            Self::Slice { axis, step, length, .. } => movement::slice(inputs, *axis, *step, *length),
            Self::Concat { axis } => movement::concat(inputs, *axis),
            Self::Pad {
                axis, before, after, ..
            } => movement::pad(inputs, *axis, *before, *after),
            Self::Gather { axis } => movement::gather(inputs, *axis),
            Self::IndexSelect { axis } => movement::index_select(inputs, *axis),
            Self::Unfold {
                axis,
                size,
                step,
                dilation,
            } => movement::unfold(inputs, *axis, *size, *step, *dilation),
            Self::Reduce(reduction) => rows::reduce(graph, *reduction, inputs),
            Self::CumSum => rows::cumulative_sum(graph, inputs),
            Self::TopK { count, .. } => rows::top_k(graph, *count, inputs),
            Self::Softmax | Self::LogSoftmax => rows::softmax(graph, inputs),
            Self::LayerNorm { .. } => rows::norm(graph, inputs, 2),
            Self::RmsNorm { .. } => rows::norm(graph, inputs, 1),
            Self::QuantisedLinear { precision, format } => contraction::quantised_linear(*precision, *format, inputs),
            Self::Random => elementwise::random(inputs),
        }
    }
}

/// The only input of an operator that takes one.
fn only<'a>(inputs: &[&'a Layout]) -> Result<&'a Layout, ShapeError> {
    match inputs {
        [input] => Ok(input),
        _ => Err(ShapeError::Arity { actual: inputs.len() }),
    }
}

fn float32(layout: &Layout) -> Result<&Layout, ShapeError> {
    if layout.dtype == DataType::Float32 {
        Ok(layout)
    } else {
        Err(ShapeError::DataType(layout.dtype))
    }
}

/// Why tensors are not what a graph takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BindError {
    /// It takes another number of tensors.
    Count {
        /// Tensors that the graph takes.
        expected: usize,
        /// Tensors that were given.
        actual: usize,
    },
    /// The elements have another type.
    DataType {
        /// Name of the input.
        input: String,
        /// Type that the graph takes.
        expected: DataType,
    },
    /// The tensor has another number of dimensions.
    Rank {
        /// Name of the input.
        input: String,
        /// Dimensions that the graph takes.
        expected: usize,
    },
    /// A dimension has another size than is fixed, or than its symbol has elsewhere in the same job.
    Dimension {
        /// Name of the input.
        input: String,
        /// Position of the dimension.
        dimension: usize,
        /// Elements that it should have.
        expected: u32,
        /// Elements that it has.
        actual: u32,
    },
    /// A dimension of the input is computed from symbols, and so cannot give them their values. [`Graph::check`]
    /// accepts no such graph.
    Computed {
        /// Name of the input.
        input: String,
        /// Position of the dimension.
        dimension: usize,
    },
    /// A dynamic dimension is outside its range.
    OutOfRange {
        /// Name of the symbol.
        symbol: String,
        /// Least value.
        min: u32,
        /// Greatest value.
        max: u32,
        /// Elements that the dimension has.
        actual: u32,
    },
}

impl core::fmt::Display for BindError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Count { expected, actual } => write!(f, "the model takes {expected} tensors, not {actual}"),
            Self::DataType { input, expected } => write!(f, "input {input} takes elements of type {expected:?}"),
            Self::Rank { input, expected } => write!(f, "input {input} takes {expected} dimensions"),
            Self::Dimension {
                input,
                dimension,
                expected,
                actual,
            } => {
                write!(
                    f,
                    "dimension {dimension} of input {input} takes {expected} elements, not {actual}"
                )
            }
            Self::Computed { input, dimension } => {
                write!(f, "dimension {dimension} of input {input} is computed from symbols")
            }
            Self::OutOfRange {
                symbol,
                min,
                max,
                actual,
            } => {
                write!(f, "dimension {symbol} takes {min} to {max} elements, not {actual}")
            }
        }
    }
}

impl core::error::Error for BindError {}

impl Graph {
    /// The values of these symbols where a graph takes these inputs and is given ones of these types and shapes.
    ///
    /// A symbol that no input has is bound to its least value, though [`Graph::check`] accepts no such graph.
    pub(crate) fn bind_to(
        symbols: &[Symbol],
        takes: &[Input],
        inputs: &[(DataType, &[u32])],
    ) -> Result<Vec<u32>, BindError> {
        if inputs.len() != takes.len() {
            return Err(BindError::Count {
                expected: takes.len(),
                actual: inputs.len(),
            });
        }
        let mut bound: Vec<Option<u32>> = vec![None; symbols.len()];
        for (input, (dtype, shape)) in takes.iter().zip(inputs) {
            if input.dtype != *dtype {
                return Err(BindError::DataType {
                    input: input.name.clone(),
                    expected: input.dtype,
                });
            }
            if input.dimensions.len() != shape.len() {
                return Err(BindError::Rank {
                    input: input.name.clone(),
                    expected: input.dimensions.len(),
                });
            }
            for (position, (dimension, actual)) in input.dimensions.iter().zip(*shape).enumerate() {
                let expected = match dimension {
                    Dimension::Fixed(elements) => *elements,
                    Dimension::Symbol(symbol) => match bound.get_mut(usize::from(*symbol)) {
                        Some(value) => *value.get_or_insert(*actual),
                        None => *actual,
                    },
                    Dimension::Computed(_) => {
                        return Err(BindError::Computed {
                            input: input.name.clone(),
                            dimension: position,
                        });
                    }
                };
                if expected != *actual {
                    let (input, actual) = (input.name.clone(), *actual);
                    return Err(BindError::Dimension {
                        input,
                        dimension: position,
                        expected,
                        actual,
                    });
                }
            }
        }
        let symbols = symbols.iter().zip(bound).map(|(symbol, value)| {
            let (min, max, actual) = (symbol.min, symbol.max, value.unwrap_or(symbol.min));
            if (min..=max).contains(&actual) {
                Ok(actual)
            } else {
                Err(BindError::OutOfRange {
                    symbol: symbol.name.clone(),
                    min,
                    max,
                    actual,
                })
            }
        });
        symbols.collect()
    }
}
