//! The challenger's next place: the part of a revealed place that differs from our own execution.

use crate::{Execution, PlayError, Reveals, execution::chunked, statements::nodes};
use assay_exact::{
    digest::{CHUNK_BYTES, Digest},
    judge::{OpenedOperator, TensorOpening},
    tree::{Tree, chunk_bytes},
};
use assay_types::dispute::{Nodes, Place, Revealed, window};

/// Faults in the statement that was revealed of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// This entry is the first that differs: point at it.
    Entry(u32),
    /// This element, by its position in row-major order, is the first that differs: prove it.
    Element(u64),
    /// Nothing: the worker's execution is one's own here. Whoever challenged was wrong, or pointed at the wrong entry
    /// before.
    Agree,
}

/// Compares what was revealed of a place with our own execution.
pub fn find(execution: &dyn Execution, place: &Place, reveals: &Reveals) -> Result<Finding, PlayError> {
    let revealed = reveals.get(place).ok_or(PlayError::NotRevealed { place: *place })?;
    match *place {
        Place::Trace | Place::TraceSpan { .. } => {
            let trace = &execution.trace().nodes;
            compare(Tree::List, trace, place, None, revealed, trace.len())
        }
        Place::Tensor { operator } | Place::TensorSpan { operator, .. } => {
            let (_, output) = opened(reveals, operator)?;
            let leaves = chunked(execution, operator)?.leaves;
            let operators = execution.trace().nodes.len();
            compare(Tree::Chunks, &leaves, place, Some(output), revealed, operators)
        }
        Place::Chunk { operator, chunk } => {
            let tensor = crate::node(execution, operator)?;
            let missing = PlayError::NoSuchPlace { place: *place };
            let own = chunk_bytes(tensor.bytes(), chunk).ok_or(missing.clone())?;
            let Revealed::Chunk(bytes) = revealed else {
                return Err(missing);
            };
            // They are as many: both have the type and the shape that the operator gives.
            let differs = own.iter().zip(bytes.iter()).position(|(own, claimed)| own != claimed);
            Ok(differs.map_or(Finding::Agree, |offset| {
                let per_chunk = (CHUNK_BYTES / tensor.dtype().size_bytes()) as u64;
                // Saturating: there is such a chunk, so the element can be counted.
                let before = chunk.saturating_mul(per_chunk);
                Finding::Element(before.saturating_add((offset / tensor.dtype().size_bytes()) as u64))
            }))
        }
    }
}

/// The worker's openings of an operator, and of its output.
pub(crate) fn opened(reveals: &Reveals, operator: u32) -> Result<(&OpenedOperator, &TensorOpening), PlayError> {
    let place = Place::Tensor { operator };
    match reveals.get(&place) {
        Some(Revealed::Tensor { operator, output, .. }) => Ok((operator, output)),
        _ => Err(PlayError::NotRevealed { place }),
    }
}

fn compare(
    tree: Tree,
    own: &[Digest],
    place: &Place,
    tensor: Option<&TensorOpening>,
    revealed: &Revealed,
    operators: usize,
) -> Result<Finding, PlayError> {
    let missing = || PlayError::NoSuchPlace { place: *place };
    let operators = u32::try_from(operators).map_err(|_| missing())?;
    let window = window(place, operators, tensor).ok_or_else(missing)?;
    let own: Nodes = nodes(tree, own, window).ok_or_else(missing)?;
    let (Revealed::Nodes(claimed) | Revealed::Tensor { nodes: claimed, .. }) = revealed else {
        return Err(missing());
    };
    // They are as many: the chain has counted them.
    let differs = (0u32..)
        .zip(own.iter().zip(claimed.iter()))
        .find(|(_, (own, claimed))| own != claimed);
    Ok(differs.map_or(Finding::Agree, |(entry, _)| Finding::Entry(entry)))
}
