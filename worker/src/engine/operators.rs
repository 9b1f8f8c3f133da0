//! Operators on whole tensors, whatever executes them, and which of them a step consists of.

use super::plan::{Kind, Step};
use crate::tensor::Tensor;
use assay_exact::{
    digest::DataType,
    graph::{Binary, CheckedGraph, Operator, Position, Unary, Value},
    quantise::Precision,
};
use assay_kernels::{
    elementwise::{Function, Operation},
    layout::{Dims, Layout},
    operators::{Comparison, Connective, Layer, Normalisation, Reduction, WholeAttention},
};

/// Why an operator has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// The operands do not fit each other or the shape, which a checked graph rules out.
    #[error("what it takes does not fit, though the graph was checked")]
    Misfit,
    /// The device failed.
    #[error("{0}")]
    Device(String),
}

/// What is there, or a misfit.
pub(super) fn fit<T>(value: Option<T>) -> Result<T, Failure> {
    value.ok_or(Failure::Misfit)
}

/// Hands the operators that every kind of kernels has under one name, with what they take, to a macro that declares or implements
/// them.
macro_rules! each_operator {
    ($then:ident) => {
        $then! {
            applied(functions: &[Function], input: &mut Self::Array);
            arange(start: i64, step: i64, shape: Dims);
            attention(attention: &WholeAttention, operands: &[Self::Array], shape: Dims);
            batched_product(precision: Precision, operands: &[Self::Array], shape: Dims);
            cast(input: &Self::Array, dtype: DataType);
            chosen(operands: [&Self::Array; 3], shape: Dims);
            combined(operation: Operation, a: &Self::Array, b: &Self::Array, shape: Dims);
            compared(comparison: Comparison, a: &Self::Array, b: &Self::Array, shape: Dims);
            concat(inputs: &[Self::Array], axis: usize, shape: Dims);
            connected(connective: Connective, a: &Self::Array, b: &Self::Array, shape: Dims);
            cumulative_sums(input: &Self::Array);
            filled(dtype: DataType, shape: Dims, bits: u64);
            gather(data: &Self::Array, index: &Self::Array, axis: usize);
            gather_where(operands: [&Self::Array; 4], axis: usize);
            index_select(data: &Self::Array, index: &Self::Array, axis: usize, shape: Dims);
            inverted(input: &Self::Array);
            magnitudes(input: &Self::Array);
            negated(input: &Self::Array);
            normalised(normalisation: Normalisation, operands: &mut [Self::Array]);
            pad(input: &Self::Array, axis: usize, before: usize, bits: u64, shape: Dims);
            reduced(reduction: Reduction, input: &Self::Array, shape: Dims);
            reshaped(input: &Self::Array, shape: Dims);
            row_scales(precision: Precision, input: &Self::Array, shape: Dims);
            sliced(input: &Self::Array, axis: usize, range: [usize; 3]);
            top_k(largest: bool, input: &Self::Array, shape: Dims);
            weighted_sum(precision: Precision, operands: &[Self::Array], shape: Dims);
        }
    };
}
pub(super) use each_operator;

macro_rules! declare {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {
        /// What executes operators on whole tensors: those of `assay_kernels::operators`, which say what each does.
        pub(super) trait Operators {
            /// A tensor where the operators find it. A clone shares its elements.
            type Array: Clone;

            /// What they are, for errors.
            const NAME: &'static str;

            /// A tensor of the job.
            fn upload(&mut self, tensor: &Tensor) -> Result<Self::Array, Failure>;

            /// An array by itself.
            fn download(&mut self, array: &Self::Array) -> Result<Tensor, Failure>;

            /// A weight of the package, or anything if nothing takes it as it is.
            fn weight(&self, index: u16) -> Option<&Self::Array>;

            /// Takes back the memory of an array that nothing needs any more.
            fn give(&mut self, array: Self::Array);

            /// The type of the elements.
            fn dtype(array: &Self::Array) -> DataType;

            /// Where the elements stand.
            fn layout(array: &Self::Array) -> Layout;

            /// The same elements through a layout within the array's own.
            fn through(array: &Self::Array, layout: Layout) -> Self::Array;

            /// Layers that each row passes by itself, the first of which is linear. `weights` says which value the weight of each linear
            /// one is.
            fn layers(
                &mut self,
                weights: &[(Value, Precision)],
                layers: &[Layer],
                operands: &[Self::Array],
                shape: Dims,
            ) -> Result<Self::Array, Failure>;

            $(fn $name(&mut self, $($argument: $type),*) -> Result<Self::Array, Failure>;)*
        }
    };
}

each_operator!(declare);

/// Executes a step, whose result has this shape.
pub(super) fn execute<O: Operators>(
    on: &mut O,
    graph: &CheckedGraph,
    step: &Step,
    operands: &mut [O::Array],
    shape: Dims,
) -> Result<O::Array, Failure> {
    match &step.kind {
        Kind::Layers(layers) => on.layers(&step.weights(), layers, operands, shape),
        Kind::GatherWhere(axis) => {
            let [condition, data, index, no] = operands else {
                return Err(Failure::Misfit);
            };
            on.gather_where([condition, data, index, no], *axis)
        }
        Kind::Attention(attention) => on.attention(attention, operands, shape),
        Kind::Node => {
            let node = fit(graph.graph().nodes.get(step.output as usize))?;
            of_node(on, &node.operator, operands, shape)
        }
    }
}

/// The result of an operator.
fn of_node<O: Operators>(
    on: &mut O,
    operator: &Operator,
    operands: &mut [O::Array],
    shape: Dims,
) -> Result<O::Array, Failure> {
    match (operator, operands) {
        (Operator::Unary(function), [input]) => unary(on, *function, input),
        (Operator::Relu, [input]) => on.applied(&[Function::Relu], input),
        (Operator::Binary(function), [a, b]) => binary(on, *function, a, b, shape),
        (Operator::Where, [condition, yes, no]) => on.chosen([condition, yes, no], shape),
        (Operator::Cast { dtype }, [input]) => on.cast(input, *dtype),
        (Operator::Fill { dtype, bits, .. }, _) => on.filled(*dtype, shape, *bits),
        (Operator::Arange { start, step, .. }, _) => on.arange(*start, *step, shape),
        (Operator::MatMul { precision }, operands) => on.batched_product(*precision, operands, shape),
        (Operator::WeightedSum { precision }, operands) => on.weighted_sum(*precision, operands, shape),
        (Operator::Concat { axis }, operands) => on.concat(operands, usize::from(*axis), shape),
        (Operator::Gather { axis }, [data, index]) => on.gather(data, index, usize::from(*axis)),
        (Operator::IndexSelect { axis }, [data, index]) => on.index_select(data, index, usize::from(*axis), shape),
        (
            Operator::Reshape { .. }
            | Operator::Permute { .. }
            | Operator::Expand { .. }
            | Operator::Slice { .. }
            | Operator::Pad { .. }
            | Operator::Unfold { .. },
            [input],
        ) => moved(on, operator, input, shape),
        (operator, operands) => of_rows(on, operator, operands, shape),
    }
}

fn unary<O: Operators>(on: &mut O, function: Unary, input: &mut O::Array) -> Result<O::Array, Failure> {
    match function {
        Unary::Not => on.inverted(input),
        Unary::Neg if O::dtype(input) != DataType::Float32 => on.negated(input),
        Unary::Abs if O::dtype(input) != DataType::Float32 => on.magnitudes(input),
        _ => on.applied(&[fit(self::function(function))?], input),
    }
}

fn binary<O: Operators>(
    on: &mut O,
    function: Binary,
    a: &O::Array,
    b: &O::Array,
    shape: Dims,
) -> Result<O::Array, Failure> {
    let operation = match function {
        Binary::Add => Operation::Add,
        Binary::Sub => Operation::Subtract,
        Binary::Mul => Operation::Multiply,
        Binary::Div => Operation::Divide,
        Binary::Rem => Operation::Remainder,
        Binary::Min => Operation::Lesser,
        Binary::Max => Operation::Greater,
        Binary::Equal => return on.compared(Comparison::Equal, a, b, shape),
        Binary::NotEqual => return on.compared(Comparison::NotEqual, a, b, shape),
        Binary::Less => return on.compared(Comparison::Less, a, b, shape),
        Binary::LessOrEqual => return on.compared(Comparison::LessOrEqual, a, b, shape),
        Binary::Greater => return on.compared(Comparison::Greater, a, b, shape),
        Binary::GreaterOrEqual => return on.compared(Comparison::GreaterOrEqual, a, b, shape),
        Binary::And => return on.connected(Connective::And, a, b, shape),
        Binary::Or => return on.connected(Connective::Or, a, b, shape),
        Binary::Xor => return on.connected(Connective::Xor, a, b, shape),
    };
    on.combined(operation, a, b, shape)
}

/// The elements of one array in another order or number.
fn moved<O: Operators>(on: &mut O, operator: &Operator, input: &O::Array, shape: Dims) -> Result<O::Array, Failure> {
    let layout = O::layout(input);
    let seen = match *operator {
        Operator::Permute { ref axes } => layout.permuted(axes),
        Operator::Expand { .. } => layout.repeated(shape),
        Operator::Unfold {
            axis,
            size,
            step,
            dilation,
        } => {
            let windows = [size, step, dilation].map(|n| n as usize);
            layout.unfolded(usize::from(axis), windows)
        }
        Operator::Reshape { .. } => return on.reshaped(input, shape),
        Operator::Slice { axis, start, step, .. } => {
            let axis = usize::from(axis);
            let start = match start {
                Position::FromStart(start) => start as usize,
                Position::FromEnd(end) => fit(layout.shape.get(axis))?.saturating_sub(end as usize),
            };
            return on.sliced(input, axis, [start, step as usize, *fit(shape.get(axis))?]);
        }
        Operator::Pad { axis, before, bits, .. } => {
            return on.pad(input, usize::from(axis), before as usize, bits, shape);
        }
        _ => None,
    };
    Ok(O::through(input, fit(seen)?))
}

/// The result of an operator on rows along the last dimension.
fn of_rows<O: Operators>(
    on: &mut O,
    operator: &Operator,
    operands: &mut [O::Array],
    shape: Dims,
) -> Result<O::Array, Failure> {
    if let Some(normalisation) = normalisation(operator) {
        return on.normalised(normalisation, operands);
    }
    match (operator, &*operands) {
        (Operator::Reduce(reduction), [input]) => on.reduced(self::reduction(*reduction), input, shape),
        (Operator::RowScale { precision }, [input]) => on.row_scales(*precision, input, shape),
        (Operator::CumSum, [input]) => on.cumulative_sums(input),
        (Operator::TopK { largest, .. }, [input]) => on.top_k(*largest, input, shape),
        _ => Err(Failure::Misfit),
    }
}

/// The normalisation that an operator is, if it is one.
pub(super) fn normalisation(operator: &Operator) -> Option<Normalisation> {
    Some(match operator {
        Operator::Softmax => Normalisation::Softmax,
        Operator::LogSoftmax => Normalisation::LogSoftmax,
        Operator::LayerNorm { epsilon } => Normalisation::LayerNorm {
            epsilon: f32::from_bits(*epsilon),
        },
        Operator::RmsNorm { epsilon } => Normalisation::RmsNorm {
            epsilon: f32::from_bits(*epsilon),
        },
        _ => return None,
    })
}

fn reduction(reduction: assay_exact::graph::Reduction) -> Reduction {
    use assay_exact::graph::Reduction as Defined;
    match reduction {
        Defined::Sum => Reduction::Sum,
        Defined::Mean => Reduction::Mean,
        Defined::Max => Reduction::Greatest,
        Defined::Min => Reduction::Least,
        Defined::ArgMax => Reduction::PlaceOfGreatest,
        Defined::ArgMin => Reduction::PlaceOfLeast,
        Defined::Any => Reduction::Any,
        Defined::All => Reduction::All,
    }
}

/// The function of each number that this is; nothing if it is one of truth values.
pub(super) fn function(function: Unary) -> Option<Function> {
    Some(match function {
        Unary::Neg => Function::Negate,
        Unary::Abs => Function::Magnitude,
        Unary::Sqrt => Function::Sqrt,
        Unary::Rsqrt => Function::Rsqrt,
        Unary::Exp => Function::Exp,
        Unary::Log => Function::Log,
        Unary::Tanh => Function::Tanh,
        Unary::Sigmoid => Function::Sigmoid,
        Unary::Erf => Function::Erf,
        Unary::Sin => Function::Sin,
        Unary::Cos => Function::Cos,
        Unary::Silu => Function::Silu,
        Unary::Gelu => Function::Gelu,
        Unary::GeluTanh => Function::GeluTanh,
        Unary::Floor => Function::Floor,
        Unary::Ceil => Function::Ceil,
        Unary::Round => Function::Round,
        Unary::Trunc => Function::Truncate,
        Unary::Not => return None,
    })
}
