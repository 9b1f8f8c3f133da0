//! The words of operators on whole tensors, as kernels take them: each is a set of what `assay_exact::graph` defines.
//!
//! The tables below are the one place that says which operator of a graph each word stands for.

use assay_exact::{
    graph::{Binary, Operator, Unary},
    quantise::Precision,
};

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

    /// The function of each number; `None` for the one operator of truth values.
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
    /// That of a division that rounds towards zero; of integers 0 where the second one is 0.
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

/// What an operator on two operands is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairwise {
    /// Numbers or integers of both operands' type.
    Operation(Operation),
    /// Truth values, from numbers or integers.
    Comparison(Comparison),
    /// Truth values, from truth values.
    Connective(Connective),
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
    /// What every score is multiplied with.
    pub scale: Option<f32>,
    /// What is done to scores before the softmax.
    pub masking: Masking,
}

/// What is done to scores before the softmax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Masking {
    /// Nothing.
    None,
    /// The fourth operand is added.
    Add,
    /// Where the fourth operand is false, −∞ takes their place.
    Keep,
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
    /// A function of each number.
    Apply(Function),
    /// An array of the same shape is added.
    Add,
    /// Layer normalisation, or that by the root of the mean square, with so many of weight and bias.
    Normalise(Normalisation, usize),
}

impl Layer {
    /// How many arrays it takes besides the rows.
    pub fn operands(self) -> usize {
        match self {
            Self::Linear { biased, .. } => 1 + usize::from(biased),
            Self::Apply(_) => 0,
            Self::Add => 1,
            Self::Normalise(_, count) => count,
        }
    }

    /// Where the weights of linear layers stand among what the layers take together, and how they are quantised.
    pub fn positions_of_weights(layers: &[Self]) -> Vec<(usize, Precision)> {
        let mut at = 1;
        let mut places = Vec::new();
        for layer in layers {
            if let Self::Linear { precision, .. } = *layer {
                places.push((at, precision));
            }
            at += layer.operands();
        }
        places
    }
}
