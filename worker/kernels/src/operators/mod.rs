//! Operators on whole arrays, of every type that `assay-exact` defines them for.
//!
//! Those that may fail give nothing where their operands do not fit each other, which whoever calls them has ruled out.

mod binary;
mod cast;
mod contraction;
mod lookup;
mod movement;
mod rows;

pub use binary::{Comparison, Connective, chosen, combined, compared, connected, inverted, magnitudes, negated};
pub use cast::cast;
pub use contraction::{Layer, Masking, WholeAttention, attention, batched_product, layers, weighted_sum};
pub use lookup::{gather, gather_where, index_select};
pub use movement::{arange, concat, filled, pad, reshaped, sliced};
pub use rows::{Normalisation, Reduction, applied, cumulative_sums, normalised, reduced, row_scales, top_k};
