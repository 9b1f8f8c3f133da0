//! The challenger's last word: the proof that an element that was revealed is wrong, under the worker's own trace.

use crate::{Execution, Hash, PlayError, Reveals, finding::opened, openings, operands};
use assay_exact::{
    bounded::Bounded,
    judge::{Proof, Question, Verdict, judge},
    tensor::Tensor,
    tree::place_of,
};
use assay_types::dispute::{Place, Revealed, TraceHead};

/// Proves that element `element` of an operator's output, which lies in the chunk that was revealed at `place`, is
/// wrong.
///
/// The operator is the first at which the traces differ. The proof is judged before it is given, so that nothing is
/// sent which the runtime would refuse.
pub fn prove(
    execution: &dyn Execution,
    head: &TraceHead,
    reveals: &Reveals,
    place: &Place,
    element: u64,
) -> Result<Proof, PlayError> {
    let operator = place.operator().ok_or(PlayError::NothingToProve { place: *place })?;
    let question = question(reveals, place, element)?;
    let operands = operands(execution, operator)?;
    let operands: Vec<&Tensor> = operands.iter().map(|operand| &**operand).collect();
    let proof = openings(execution).prove_element::<Hash>(operator, &operands, element);
    let proof = proof.map_err(|error| PlayError::Proof { operator, error })?;

    let (opened, output) = opened(reveals, operator)?;
    match judge::<Hash>(&head.symbols, opened, output, &proof, &question) {
        Ok(Verdict::Wrong { .. }) => Ok(proof),
        Ok(Verdict::Right) => Err(PlayError::Right { operator }),
        Err(error) => Err(PlayError::Refused { operator, error }),
    }
}

/// Statement that the worker has revealed of an element, as the judge is asked about it.
pub fn question(reveals: &Reveals, place: &Place, index: u64) -> Result<Question, PlayError> {
    let nothing = || PlayError::NothingToProve { place: *place };
    let (_, output) = opened(reveals, place.operator().ok_or_else(nothing)?)?;
    let (lies_in, bytes) = place_of(output.dtype, index).ok_or_else(nothing)?;
    match (place, reveals.get(place)) {
        (Place::Chunk { chunk, .. }, Some(Revealed::Chunk(revealed))) if *chunk == lies_in => {
            let claimed = revealed.get(bytes).ok_or_else(nothing)?;
            Ok(Question {
                index,
                claimed: Bounded::new(claimed.to_vec()).ok_or_else(nothing)?,
            })
        }
        _ => Err(nothing()),
    }
}
