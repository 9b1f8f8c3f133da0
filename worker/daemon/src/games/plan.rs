//! Works out what to send. Everything here may execute a model, so it runs where work may block.

use super::{Conduct, SharedExecution};
use assay_client::chain::{AccountId, BlockNumber, Call, Dispute, DisputesCall};
use assay_player::{Attack, InFlight, PlayError, Reveals, View, attack, opening, prove};
use assay_types::{JobId, dispute::Place};

/// Outcome of working something out.
#[derive(Debug)]
pub(super) enum Plan {
    /// Send this.
    Send(Call),
    /// Say nothing: the conduct wants it so.
    Silence,
    /// Nothing that was revealed here is wrong, so there is nothing to point at.
    Agree,
    /// By now nothing is due any more.
    Nothing,
}

/// Statement on a place, in time or late.
pub(super) fn reveal(
    job: JobId,
    place: &Place,
    is_late: bool,
    execution: SharedExecution,
    conduct: &dyn Conduct,
) -> Result<Plan, PlayError> {
    let statement = conduct.statements(job, execution)?.statement(place)?;
    Ok(statement.map_or(Plan::Silence, |statement| {
        let statement = Box::new(statement);
        Plan::Send(Call::Disputes(match is_late {
            true => DisputesCall::AnswerLate { job, statement },
            false => DisputesCall::Reveal { job, statement },
        }))
    }))
}

/// Where the challenger goes on from here, or how it ends the game. `salt` is that of its commitment.
pub(super) fn answer(
    job: JobId,
    me: &AccountId,
    salt: [u8; 32],
    best: BlockNumber,
    dispute: &Dispute,
    reveals: &Reveals,
    execution: &SharedExecution,
) -> Result<Plan, PlayError> {
    let view = View { best, dispute, reveals };
    let execution = &**execution;
    // Whoever asks has made sure that nothing is under way.
    let call = match attack(&view, me, Some(execution), &InFlight::default())? {
        Some(Attack::Point { place, entry }) => DisputesCall::Point { job, place, entry },
        Some(Attack::Prove { place, element }) => {
            let head = dispute
                .trace
                .as_ref()
                .ok_or(PlayError::NotRevealed { place: Place::Trace })?;
            let proof = prove(execution, head, reveals, &place, element)?;
            let operator = place.operator().ok_or(PlayError::NothingToProve { place })?;
            // The award is claimed with the proof, so that nothing is lost if this daemon ends in between.
            let finding = opening(execution, operator, element, salt)?;
            DisputesCall::Prove {
                job,
                challenger: me.clone(),
                proof: Box::new(proof),
                element,
                finding: Some(Box::new(finding)),
            }
        }
        Some(Attack::Agree { .. }) => return Ok(Plan::Agree),
        Some(Attack::Timeout(_) | Attack::Execute) | None => return Ok(Plan::Nothing),
    };
    Ok(Plan::Send(Call::Disputes(call)))
}
