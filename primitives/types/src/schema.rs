//! Schemas and the other parts of a model, which are `assay-exact`'s words, and the digest of a job's payload.

use crate::H256;
use assay_exact::digest::Hash256;
pub use assay_exact::{
    graph::Dimension,
    model::{
        ModelKind, ModelParts, PartsError, Polynomial, Schema, SchemaError, SchemaName, SymbolRange, TensorLayout,
        TensorSchema, ValueRange,
    },
};

/// The digest of a job's input or output: the list digest of its tensors' digests. `bytes` holds the tensors one after
/// the other, little-endian and row-major, as `layouts` says.
pub fn payload_digest<H: Hash256>(layouts: &[TensorLayout], bytes: &[u8]) -> Result<H256, SchemaError> {
    assay_exact::model::payload_digest::<H>(layouts, bytes).map(H256)
}
