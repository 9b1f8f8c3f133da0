//! Commitment of a challenger, and its opening once the worker is convicted.

use crate::{Execution, Hash, PlayError, execution::chunked, node};
use assay_exact::{
    bounded::Bounded,
    digest::{Digest, list_digest},
    tree::{Membership, Tree, chunk_bytes, place_of},
};
use assay_types::{
    H256,
    dispute::{FindingOpening, Place},
};

/// The list digest of an execution's trace, to which a challenger commits.
pub fn trace_digest(execution: &dyn Execution) -> Digest {
    list_digest::<Hash>(&execution.trace().nodes)
}

/// Shows that an execution gave an element of an operator's output. `salt` is that of the commitment.
///
/// May execute the model again, to have the operator's output.
pub fn opening(
    execution: &dyn Execution,
    operator: u32,
    element: u64,
    salt: [u8; 32],
) -> Result<FindingOpening, PlayError> {
    let missing = || PlayError::NoSuchPlace {
        place: Place::Tensor { operator },
    };
    let tensor = node(execution, operator)?;
    let leaves = chunked(execution, operator)?.leaves;
    let (chunk, _) = place_of(tensor.dtype(), element).ok_or_else(missing)?;
    let bytes = chunk_bytes(tensor.bytes(), chunk).ok_or_else(missing)?;
    Ok(FindingOpening {
        trace_digest: H256(trace_digest(execution)),
        salt,
        membership: Membership::of::<Hash>(&execution.trace().nodes, operator).ok_or_else(missing)?,
        root: H256(Tree::Chunks.fold::<Hash>(&leaves)),
        chunk: Bounded::new(bytes.to_vec()).ok_or_else(missing)?,
        path: Tree::Chunks.path::<Hash>(&leaves, chunk).ok_or_else(missing)?,
    })
}
