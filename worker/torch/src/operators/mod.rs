//! Operators on whole arrays, each as single operations of libtorch: none falls back to the definition.

mod elements;
mod integers;
mod lookup;
mod movement;
mod products;
mod random;
mod rows;

pub(crate) use elements::{apply, cast, combine, compare, connect, logical_not, select};
pub(crate) use integers::{bitwise, bitwise_not, integer_abs, integer_neg};
pub(crate) use lookup::{gather, gather_where, index_select};
pub(crate) use movement::{arange, concat, fill, pad, reshape, slice};
pub(crate) use products::{attention, layers, matmul, pack, weighted_sum};
pub(crate) use random::random;
pub(crate) use rows::{cum_sum, normalise, reduce, row_scale, sum, top_k};
