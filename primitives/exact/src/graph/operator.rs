//! The operators that a graph is made of.
//!
//! They are few, and each is small enough that one element of its output can be judged from at most 64 KiB of each of
//! its operands: rows lie along the last dimension and hold at most [`MAX_ROW_BYTES`]. What a framework offers beyond
//! them (convolutions, pooling, recurrent cells, attention, norms over other dimensions) is imported as several of
//! them, which keeps the definition short and every intermediate result open to a dispute.

use super::Dimension;
use crate::{
    digest::DataType,
    quantise::{Precision, WeightFormat},
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Bytes that a row may have where an element of the output depends on all of it.
pub const MAX_ROW_BYTES: u64 = 64 * 1024;

/// Operator of a node. `docs/numerics.md` defines each.
///
/// `…` is any number of dimensions. Numbers are Float32, integers Int64, Int32, Int8 or Uint8.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum Operator {
    /// `[…, K], [N, K], optional [N] → […, N]`: a contraction with a matrix, and a sum.
    #[codec(index = 0)]
    Linear {
        /// Precision of the contraction.
        precision: Precision,
    },
    /// Every element below zero becomes zero; NaN stays.
    #[codec(index = 1)]
    Relu,
    /// The same elements in the same order with other dimensions.
    #[codec(index = 2)]
    Reshape {
        /// The dimensions of the output.
        dimensions: Vec<Dimension>,
    },
    /// `[…, M, K], […, N, K] → […, M, N]`: the contraction of every row of the one with every row of the other. The
    /// leading dimensions are the same.
    #[codec(index = 3)]
    MatMul {
        /// Precision of the contraction.
        precision: Precision,
    },
    /// `[…, K] → […]`: the scale that quantising the row gives it.
    #[codec(index = 4)]
    RowScale {
        /// Precision that the row is quantised to, Int8 or Int16.
        precision: Precision,
    },
    /// Weights `[…, M, T]`, values `[…, D, T]`, scales `[…, T]` → `[…, M, D]`: the sum of T vectors, given transposed
    /// and each quantised with a scale of its own.
    #[codec(index = 5)]
    WeightedSum {
        /// Precision of the contraction.
        precision: Precision,
    },
    /// `[…] → […]`, element by element.
    #[codec(index = 6)]
    Unary(Unary),
    /// `[…], […] → […]`, element by element, the dimensions broadcast.
    #[codec(index = 7)]
    Binary(Binary),
    /// Condition (Bool), yes, no → their elements, the dimensions of all three broadcast.
    #[codec(index = 8)]
    Where,
    /// `[…] → […]` of another type.
    #[codec(index = 9)]
    Cast {
        /// Type of the output.
        dtype: DataType,
    },
    /// No input: one value everywhere.
    #[codec(index = 10)]
    Fill {
        /// Type of the output.
        dtype: DataType,
        /// The value: for Float32 its bits, for an integer its two's complement in 64 bits, for Bool 0 or 1.
        bits: u64,
        /// The dimensions of the output.
        dimensions: Vec<Dimension>,
    },
    /// No input: `start + step·i`, of Int64, wrapping.
    #[codec(index = 11)]
    Arange {
        /// The first value.
        start: i64,
        /// The difference of neighbours.
        step: i64,
        /// Number of elements.
        length: Dimension,
    },
    /// Dimension `i` of the output is dimension `axes[i]` of the input.
    #[codec(index = 12)]
    Permute {
        /// Every position of a dimension of the input once.
        axes: Vec<u8>,
    },
    /// Dimensions of 1, and missing outermost ones, are repeated.
    #[codec(index = 13)]
    Expand {
        /// The dimensions of the output.
        dimensions: Vec<Dimension>,
    },
    /// Every `step`-th element of one dimension.
    #[codec(index = 14)]
    Slice {
        /// Position of the dimension.
        axis: u8,
        /// The first element.
        start: Position,
        /// Distance of the elements taken, at least 1.
        step: u32,
        /// Number of elements. Elements that would lie outside are the last one.
        length: Dimension,
    },
    /// Tensors one after the other along one dimension, which depends on one symbol at most in all of them.
    #[codec(index = 15)]
    Concat {
        /// Position of the dimension.
        axis: u8,
    },
    /// One value before and after one dimension.
    #[codec(index = 16)]
    Pad {
        /// Position of the dimension.
        axis: u8,
        /// Elements put before it.
        before: u32,
        /// Elements put after it.
        after: u32,
        /// The value, as in [`Operator::Fill`].
        bits: u64,
    },
    /// Data `[…]`, indices of as many dimensions → the indices' dimensions: `out[…, i, …] = data[…, index[…, i, …],
    /// …]`. The dimensions but `axis` are the same in both.
    #[codec(index = 17)]
    Gather {
        /// Position of the dimension that is looked up in.
        axis: u8,
    },
    /// Data `[A…, N, B…]`, indices `[I…]` → `[A…, I…, B…]`: an embedding, if `axis` is 0.
    #[codec(index = 18)]
    IndexSelect {
        /// Position of the dimension that is looked up in.
        axis: u8,
    },
    /// `[…, L, …] → […, W, …, size]`: windows along one dimension, put last. `W = (L − dilation·(size − 1) − 1) / step
    /// + 1`, rounded down.
    #[codec(index = 19)]
    Unfold {
        /// Position of the dimension.
        axis: u8,
        /// Elements of a window.
        size: u32,
        /// Distance of the windows, at least 1.
        step: u32,
        /// Distance of the elements of a window, at least 1.
        dilation: u32,
    },
    /// `[…, K] → […]`.
    #[codec(index = 20)]
    Reduce(Reduction),
    /// `[…, K] → […, K]`: the sum of each element and those before it in its row.
    #[codec(index = 21)]
    CumSum,
    /// `[…, K] → […, count]` of Int64: where the greatest (or least) numbers of a row stand, the best first.
    #[codec(index = 22)]
    TopK {
        /// Number of elements.
        count: u32,
        /// The greatest rather than the least.
        largest: bool,
    },
    /// `[…, K] → […, K]`: `exp(x − max)` over its sum.
    #[codec(index = 23)]
    Softmax,
    /// `[…, K] → […, K]`: the logarithm of the softmax.
    #[codec(index = 24)]
    LogSoftmax,
    /// `[…, K], optional weight [K], optional bias [K] → […, K]`: rows of mean 0 and variance 1.
    #[codec(index = 25)]
    LayerNorm {
        /// Bits of the number that is added to the variance.
        epsilon: u32,
    },
    /// `[…, K], optional weight [K] → […, K]`: rows of mean square 1.
    #[codec(index = 26)]
    RmsNorm {
        /// Bits of the number that is added to the mean square.
        epsilon: u32,
    },
    /// `[…, K]`, the integers of a weight `[N, K]`, scales `[N]`, optional bias `[N]` → `[…, N]`: a contraction with a
    /// matrix whose rows are given as integers with a scale each, and a sum.
    #[codec(index = 27)]
    QuantisedLinear {
        /// Precision of the rows, Int8 or Int16.
        precision: Precision,
        /// Format of the integers.
        format: WeightFormat,
    },
    /// Key, counter and lane of Int64 → numbers between 0 and 1, uniform and as good as random, the dimensions of all
    /// three broadcast.
    #[codec(index = 28)]
    Random,
}

/// A function of one element. Those without a remark take Float32 and give Float32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum Unary {
    /// `−x`; integers wrap.
    #[codec(index = 0)]
    Neg,
    /// `|x|`; integers wrap.
    #[codec(index = 1)]
    Abs,
    /// `√x`.
    #[codec(index = 2)]
    Sqrt,
    /// `1 / √x`.
    #[codec(index = 3)]
    Rsqrt,
    /// `e^x`.
    #[codec(index = 4)]
    Exp,
    /// `log x`.
    #[codec(index = 5)]
    Log,
    /// The hyperbolic tangent.
    #[codec(index = 6)]
    Tanh,
    /// `1 / (1 + e^−x)`.
    #[codec(index = 7)]
    Sigmoid,
    /// The error function.
    #[codec(index = 8)]
    Erf,
    /// The sine.
    #[codec(index = 9)]
    Sin,
    /// The cosine.
    #[codec(index = 10)]
    Cos,
    /// `x · sigmoid(x)`.
    #[codec(index = 11)]
    Silu,
    /// `x · Φ(x)` by the error function.
    #[codec(index = 12)]
    Gelu,
    /// `x · Φ(x)`, approximated by the hyperbolic tangent.
    #[codec(index = 13)]
    GeluTanh,
    /// `⌊x⌋`.
    #[codec(index = 14)]
    Floor,
    /// `⌈x⌉`.
    #[codec(index = 15)]
    Ceil,
    /// The nearest integral number, ties to even.
    #[codec(index = 16)]
    Round,
    /// Towards zero.
    #[codec(index = 17)]
    Trunc,
    /// Of Bool, to Bool; of an integer every bit the other way round.
    #[codec(index = 18)]
    Not,
}

/// A function of two elements of one type: two Float32, two integers or, where it says so, two Bool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum Binary {
    /// `x + y`; integers wrap.
    #[codec(index = 0)]
    Add,
    /// `x − y`; integers wrap.
    #[codec(index = 1)]
    Sub,
    /// `x · y`; integers wrap.
    #[codec(index = 2)]
    Mul,
    /// `x / y`; of integers rounded down, 0 where `y` is 0.
    #[codec(index = 3)]
    Div,
    /// The remainder of a division that rounds towards zero; of integers 0 where `y` is 0.
    #[codec(index = 4)]
    Rem,
    /// The lesser; NaN if either is.
    #[codec(index = 5)]
    Min,
    /// The greater; NaN if either is.
    #[codec(index = 6)]
    Max,
    /// `x = y`, of Bool too; gives Bool, as all comparisons.
    #[codec(index = 7)]
    Equal,
    /// `x ≠ y`, of Bool too; true where either is NaN.
    #[codec(index = 8)]
    NotEqual,
    /// `x < y`.
    #[codec(index = 9)]
    Less,
    /// `x ≤ y`.
    #[codec(index = 10)]
    LessOrEqual,
    /// `x > y`.
    #[codec(index = 11)]
    Greater,
    /// `x ≥ y`.
    #[codec(index = 12)]
    GreaterOrEqual,
    /// Both, of Bool; bit by bit of integers.
    #[codec(index = 13)]
    And,
    /// Either, of Bool; bit by bit of integers.
    #[codec(index = 14)]
    Or,
    /// One but not both, of Bool; bit by bit of integers.
    #[codec(index = 15)]
    Xor,
    /// `x · 2^y` of integers, which wraps; 0 where `y` is negative or not below the type's bits.
    #[codec(index = 16)]
    Shl,
    /// `⌊x / 2^y⌋` of integers; where `y` is negative or not below the type's bits, −1 for a negative `x` and 0 for
    /// another.
    #[codec(index = 17)]
    Shr,
}

/// Way in which a row becomes one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum Reduction {
    /// The sum: exact and rounded once for numbers; wrapping, as Int64, for integers and Bool.
    #[codec(index = 0)]
    Sum,
    /// The sum over the number of elements, of numbers alone.
    #[codec(index = 1)]
    Mean,
    /// The greatest; NaN if there is one.
    #[codec(index = 2)]
    Max,
    /// The least; NaN if there is one.
    #[codec(index = 3)]
    Min,
    /// Where the greatest stands first, as Int64.
    #[codec(index = 4)]
    ArgMax,
    /// Where the least stands first, as Int64.
    #[codec(index = 5)]
    ArgMin,
    /// Whether any is true, of Bool alone.
    #[codec(index = 6)]
    Any,
    /// Whether all are true, of Bool alone.
    #[codec(index = 7)]
    All,
}

/// A place along a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum Position {
    /// This many elements after the first one.
    #[codec(index = 0)]
    FromStart(u32),
    /// This many elements before the end; 1 is the last one.
    #[codec(index = 1)]
    FromEnd(u32),
}

impl Operator {
    /// The operator's name, after ATen where ATen has it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Linear { .. } => "linear",
            Self::Relu => "relu",
            Self::Reshape { .. } => "reshape",
            Self::MatMul { .. } => "matmul",
            Self::RowScale { .. } => "row_scale",
            Self::WeightedSum { .. } => "weighted_sum",
            Self::Unary(function) => function.name(),
            Self::Binary(function) => function.name(),
            Self::Where => "where",
            Self::Cast { .. } => "cast",
            Self::Fill { .. } => "fill",
            Self::Arange { .. } => "arange",
            Self::Permute { .. } => "permute",
            Self::Expand { .. } => "expand",
            Self::Slice { .. } => "slice",
            Self::Concat { .. } => "concat",
            Self::Pad { .. } => "pad",
            Self::Gather { .. } => "gather",
            Self::IndexSelect { .. } => "index_select",
            Self::Unfold { .. } => "unfold",
            Self::Reduce(reduction) => reduction.name(),
            Self::CumSum => "cumsum",
            Self::TopK { .. } => "topk",
            Self::Softmax => "softmax",
            Self::LogSoftmax => "log_softmax",
            Self::LayerNorm { .. } => "layer_norm",
            Self::RmsNorm { .. } => "rms_norm",
            Self::QuantisedLinear { .. } => "quantised_linear",
            Self::Random => "random",
        }
    }

    /// The same operator with every dimension resolved by the values of the symbols; `None` if it names one that is not
    /// there, or if a dimension is negative or 2^32 and more.
    pub fn resolve(&self, symbols: &[u32]) -> Option<Self> {
        let fixed = |dimension: &Dimension| dimension.elements(symbols).map(Dimension::Fixed);
        let mut resolved = self.clone();
        match &mut resolved {
            Self::Reshape { dimensions } | Self::Fill { dimensions, .. } | Self::Expand { dimensions } => {
                for dimension in dimensions {
                    *dimension = fixed(dimension)?;
                }
            }
            Self::Arange { length, .. } | Self::Slice { length, .. } => *length = fixed(length)?,
            _ => {}
        }
        Some(resolved)
    }
}

impl Unary {
    /// The function's name, after ATen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Neg => "neg",
            Self::Abs => "abs",
            Self::Sqrt => "sqrt",
            Self::Rsqrt => "rsqrt",
            Self::Exp => "exp",
            Self::Log => "log",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Erf => "erf",
            Self::Sin => "sin",
            Self::Cos => "cos",
            Self::Silu => "silu",
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu_tanh",
            Self::Floor => "floor",
            Self::Ceil => "ceil",
            Self::Round => "round",
            Self::Trunc => "trunc",
            Self::Not => "logical_not",
        }
    }
}

impl Binary {
    /// The function's name, after ATen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::Rem => "fmod",
            Self::Min => "minimum",
            Self::Max => "maximum",
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Less => "lt",
            Self::LessOrEqual => "le",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "ge",
            Self::And => "logical_and",
            Self::Or => "logical_or",
            Self::Xor => "logical_xor",
            Self::Shl => "bitwise_left_shift",
            Self::Shr => "bitwise_right_shift",
        }
    }
}

impl Reduction {
    /// The reduction's name, after ATen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Mean => "mean",
            Self::Max => "amax",
            Self::Min => "amin",
            Self::ArgMax => "argmax",
            Self::ArgMin => "argmin",
            Self::Any => "any",
            Self::All => "all",
        }
    }
}
