//! The words of operators on whole tensors, as kernels take them: each is a set of what `assay_exact::graph` defines.
//!
//! The tables below are the one place that says which operator of a graph each word stands for.

use assay_exact::{
    graph::{Binary, Operator, Unary},
    quantise::{Bits, Precision, WeightFormat},
};
use std::ops::Range;

pub use assay_exact::graph::Reduction;

/// Function of one binary32 number. Those of `assay_exact::functions` are the sequences that stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the operators of the same names are documented in assay-exact"
)]
pub enum Function {
    Neg,
    Abs,
    Relu,
    Sqrt,
    Rsqrt,
    Exp,
    Log,
    Sin,
    Cos,
    Tanh,
    Sigmoid,
    Erf,
    Silu,
    Gelu,
    GeluTanh,
    Floor,
    Ceil,
    Round,
    Trunc,
}

impl Function {
    /// The function of each number that an operator of a graph is, if it is one.
    pub fn of(operator: &Operator) -> Option<Self> {
        match operator {
            Operator::Relu => Some(Self::Relu),
            Operator::Unary(unary) => Self::of_unary(*unary),
            _ => None,
        }
    }

    /// The function of each number; `None` for the one operator of truth values and integers.
    pub fn of_unary(unary: Unary) -> Option<Self> {
        Some(match unary {
            Unary::Neg => Self::Neg,
            Unary::Abs => Self::Abs,
            Unary::Sqrt => Self::Sqrt,
            Unary::Rsqrt => Self::Rsqrt,
            Unary::Exp => Self::Exp,
            Unary::Log => Self::Log,
            Unary::Tanh => Self::Tanh,
            Unary::Sigmoid => Self::Sigmoid,
            Unary::Erf => Self::Erf,
            Unary::Sin => Self::Sin,
            Unary::Cos => Self::Cos,
            Unary::Silu => Self::Silu,
            Unary::Gelu => Self::Gelu,
            Unary::GeluTanh => Self::GeluTanh,
            Unary::Floor => Self::Floor,
            Unary::Ceil => Self::Ceil,
            Unary::Round => Self::Round,
            Unary::Trunc => Self::Trunc,
            Unary::Not => return None,
        })
    }
}

/// Operation on two numbers, or on two integers, which wrap. `Min` and `Max` are NaN where either number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the operators of the same names are documented in assay-exact"
)]
pub enum Operation {
    Add,
    Sub,
    Mul,
    /// Of integers it is rounded down, and 0 where the second one is 0.
    Div,
    /// Remainder of a division that rounds towards zero; of integers 0 where the second one is 0.
    Rem,
    Min,
    Max,
}

/// Comparison of two numbers or integers. NaN is not equal to anything, and neither less nor greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the operators of the same names are documented in assay-exact"
)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Operation on two truth values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the operators of the same names are documented in assay-exact"
)]
pub enum Connective {
    And,
    Or,
    Xor,
}

/// Operation on the bits of two integers of one type. A shift is by the second one, if it is neither negative nor as
/// great as the type's bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the operators of the same names are documented in assay-exact"
)]
pub enum Bitwise {
    And,
    Or,
    Xor,
    /// 0 where the count is out of its range.
    Shl,
    /// The sign everywhere, where the count is out of its range.
    Shr,
}

impl From<Connective> for Bitwise {
    fn from(connective: Connective) -> Self {
        match connective {
            Connective::And => Self::And,
            Connective::Or => Self::Or,
            Connective::Xor => Self::Xor,
        }
    }
}

/// Operator on two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairwise {
    /// Numbers or integers of both operands' type.
    Operation(Operation),
    /// Truth values, from numbers or integers.
    Comparison(Comparison),
    /// Truth values, from truth values; of integers it is the operation on their bits.
    Connective(Connective),
    /// Integers of both operands' type.
    Bitwise(Bitwise),
}

impl From<Binary> for Pairwise {
    fn from(binary: Binary) -> Self {
        match binary {
            Binary::Add => Self::Operation(Operation::Add),
            Binary::Sub => Self::Operation(Operation::Sub),
            Binary::Mul => Self::Operation(Operation::Mul),
            Binary::Div => Self::Operation(Operation::Div),
            Binary::Rem => Self::Operation(Operation::Rem),
            Binary::Min => Self::Operation(Operation::Min),
            Binary::Max => Self::Operation(Operation::Max),
            Binary::Equal => Self::Comparison(Comparison::Equal),
            Binary::NotEqual => Self::Comparison(Comparison::NotEqual),
            Binary::Less => Self::Comparison(Comparison::Less),
            Binary::LessOrEqual => Self::Comparison(Comparison::LessOrEqual),
            Binary::Greater => Self::Comparison(Comparison::Greater),
            Binary::GreaterOrEqual => Self::Comparison(Comparison::GreaterOrEqual),
            Binary::And => Self::Connective(Connective::And),
            Binary::Or => Self::Connective(Connective::Or),
            Binary::Xor => Self::Connective(Connective::Xor),
            Binary::Shl => Self::Bitwise(Bitwise::Shl),
            Binary::Shr => Self::Bitwise(Bitwise::Shr),
        }
    }
}

/// Operator that puts another row of numbers in a row's place.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "the operators of the same names are documented in assay-exact"
)]
pub enum Normalisation {
    Softmax,
    LogSoftmax,
    LayerNorm { epsilon: f32 },
    RmsNorm { epsilon: f32 },
}

impl Normalisation {
    /// The normalisation that an operator of a graph is, if it is one.
    pub fn of(operator: &Operator) -> Option<Self> {
        Some(match operator {
            Operator::Softmax => Self::Softmax,
            Operator::LogSoftmax => Self::LogSoftmax,
            Operator::LayerNorm { epsilon } => Self::LayerNorm {
                epsilon: f32::from_bits(*epsilon),
            },
            Operator::RmsNorm { epsilon } => Self::RmsNorm {
                epsilon: f32::from_bits(*epsilon),
            },
            _ => return None,
        })
    }
}

/// An attention, as far as its operands do not say.
#[derive(Clone, Copy, Debug)]
pub struct WholeAttention {
    /// Of the scores' product.
    pub score_precision: Precision,
    /// Of the weighted sum.
    pub value_precision: Precision,
    /// Factor of every score.
    pub scale: Option<f32>,
    /// Change of scores before the softmax.
    pub masking: Masking,
}

/// Change of scores before the softmax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Masking {
    /// Nothing.
    None,
    /// The fourth operand is added.
    Add,
    /// Where the fourth operand is false, −∞ takes their place.
    Keep,
}

/// Way in which the second operand of a product is made of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// One value of numbers, each row of which is quantised.
    Quantised(Bits),
    /// Values that give integers, and then the scales.
    Given(WeightFormat),
}

impl Form {
    /// Number of values that it is made of.
    pub fn operands(self) -> usize {
        match self {
            Self::Quantised(_) => 1,
            Self::Given(format) => format.operands() + 1,
        }
    }
}

/// One of several layers that each row passes by itself. Together they take the input, and then what each of them
/// takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layer {
    /// Products with the rows of a weight, and a bias if it is biased.
    Linear {
        /// Of the integers.
        precision: Precision,
        /// Whether there is a bias.
        biased: bool,
    },
    /// The same with the rows of a weight whose integers are given.
    QuantisedLinear {
        /// Of the rows.
        precision: Precision,
        /// Format of the integers.
        format: WeightFormat,
        /// Whether there is a bias.
        biased: bool,
    },
    /// A function of each number.
    Apply(Function),
    /// An array of the same shape is added.
    Add,
    /// Layer normalisation, or that by the root of the mean square, with this many of weight and bias.
    Normalise(Normalisation, usize),
}

impl Layer {
    /// Number of arrays that it takes besides the rows.
    pub fn operands(self) -> usize {
        match self {
            Self::Linear { biased, .. } | Self::QuantisedLinear { biased, .. } => {
                self.form().map_or(0, Form::operands) + usize::from(biased)
            }
            Self::Apply(_) => 0,
            Self::Add => 1,
            Self::Normalise(_, count) => count,
        }
    }

    /// Packing of the weight, if it is a linear layer.
    pub fn form(self) -> Option<Form> {
        match self {
            Self::Linear { precision, .. } => Some(Form::Quantised(precision.right())),
            Self::QuantisedLinear { format, .. } => Some(Form::Given(format)),
            Self::Apply(_) | Self::Add | Self::Normalise(..) => None,
        }
    }

    /// Where the weights of linear layers stand among what the layers take together, and how they are packed.
    pub fn positions_of_weights(layers: &[Self]) -> Vec<(Range<usize>, Form)> {
        let mut at = 1;
        let mut places = Vec::new();
        for layer in layers {
            if let Some(form) = layer.form() {
                places.push((at..at + form.operands(), form));
            }
            at += layer.operands();
        }
        places
    }
}
