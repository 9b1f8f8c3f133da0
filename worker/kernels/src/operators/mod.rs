//! Operators on whole arrays, of every type that `assay-exact` defines them for.
//!
//! Those that may fail give `None` where their operands do not fit each other, which the caller has ruled out.

mod binary;
mod cast;
mod contraction;
mod lookup;
mod movement;
mod packing;
mod random;
mod rows;

pub use binary::{bitwise, bitwise_not, combine, compare, connect, integer_abs, integer_neg, logical_not, select};
pub use cast::cast;
pub use contraction::{attention, layers, matmul, weighted_sum};
pub use lookup::{gather, gather_where, index_select};
pub use movement::{arange, concat, fill, pad, reshape, slice};
pub use packing::pack;
pub use random::random;
pub use rows::{apply, cum_sum, normalise, reduce, row_scale, top_k};
