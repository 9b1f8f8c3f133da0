//! The challenger's last word: the proof that what was revealed is wrong, built under the worker's own trace.

use crate::{Execution, Hash, PlayError, Reveals, finding::header, openings, operands};
use assay_exact::{
    bounded::Bounded,
    judge::{Proof, Question, Verdict, judge},
    tensor::Tensor,
    tree::{PartialTree, Tree, place_of},
};
use assay_types::dispute::{Committed, Place, Revealed, TraceHead, window};

/// Proves that what was revealed of an operator's output is wrong: its header, or, at a chunk, element `element`.
///
/// The operator is the first at which the traces differ. The proof is judged before it is given, so that nothing is
/// sent which the runtime would refuse.
pub fn prove(
    execution: &dyn Execution,
    committed: &Committed,
    head: &TraceHead,
    reveals: &Reveals,
    place: &Place,
    element: Option<u64>,
) -> Result<Proof, PlayError> {
    let operator = place.operator().ok_or(PlayError::NothingToProve { place: *place })?;
    let question = question(reveals, place, element)?;
    let known = revealed_trace(execution, operator, reveals)?;
    let operands = operands(execution, operator)?;
    let operands: Vec<&Tensor> = operands.iter().map(|operand| &**operand).collect();
    let openings = openings(execution).against(&known);
    let proof = match element {
        None => openings.prove_header::<Hash>(operator, &operands),
        Some(element) => openings.prove_element::<Hash>(operator, &operands, element),
    };
    let proof = proof.map_err(|error| PlayError::Proof { operator, error })?;

    let claim = committed.claim::<Hash>(head.operators, &head.root.0);
    match judge::<Hash>(&claim, &head.symbols, operator, &proof, &question) {
        Ok(Verdict::Wrong { .. }) => Ok(proof),
        Ok(Verdict::Right) => Err(PlayError::Right { operator }),
        Err(error) => Err(PlayError::Refused { operator, error }),
    }
}

/// What the worker has revealed of the header, or of an element, as the judge is asked about it.
pub fn question(reveals: &Reveals, place: &Place, element: Option<u64>) -> Result<Question, PlayError> {
    let nothing = || PlayError::NothingToProve { place: *place };
    let opening = header(reveals, place.operator().ok_or_else(nothing)?)?;
    let (dtype, shape) = (opening.dtype, opening.shape.clone());
    let Some(index) = element else {
        return Ok(Question::Header { dtype, shape });
    };
    let (lies_in, bytes) = place_of(dtype, index).ok_or_else(nothing)?;
    match (place, reveals.get(place)) {
        (Place::Chunk { chunk, .. }, Some(Revealed::Chunk(revealed))) if *chunk == lies_in => {
            let claimed = revealed.get(bytes).ok_or_else(nothing)?;
            Ok(Question::Element {
                dtype,
                shape,
                index,
                claimed: Bounded::new(claimed.to_vec()).ok_or_else(nothing)?,
            })
        }
        _ => Err(nothing()),
    }
}

/// What is known of the worker's trace: its entries before `operator`, which are the own ones, and whatever was
/// revealed.
pub fn revealed_trace(execution: &dyn Execution, operator: u32, reveals: &Reveals) -> Result<PartialTree, PlayError> {
    let missing = |place| PlayError::NoSuchPlace { place };
    let own = &execution.trace().nodes;
    let operators = u32::try_from(own.len()).map_err(|_| missing(Place::Trace))?;
    let before = usize::try_from(operator).ok().and_then(|end| own.get(..end));
    let mut known = PartialTree::new(Tree::List, own.len() as u64);
    known.insert_span(0, 0, before.ok_or(missing(Place::Tensor { operator }))?);
    for (place, revealed) in reveals {
        if let (Place::Trace | Place::TraceSpan { .. }, Revealed::Nodes(nodes)) = (place, revealed) {
            let window = window(place, operators, None).ok_or(missing(*place))?;
            known.insert_span(window.level, window.start, nodes);
        }
    }
    known.complete::<Hash>();
    Ok(known)
}
