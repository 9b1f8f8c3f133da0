//! Works out what to send. Everything here may execute a model, so it runs where work may block.

use super::{Conduct, SharedExecution};
use assay_client::chain::{AccountId, BlockNumber, Call, Dispute, DisputesCall};
use assay_player::{Attack, InFlight, PlayError, Reveals, View, attack, prove};
use assay_types::{JobId, dispute::Place};

/// What came of working something out.
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

/// What is said of a place.
pub(super) fn reveal(
    job: JobId,
    place: &Place,
    execution: SharedExecution,
    conduct: &dyn Conduct,
) -> Result<Plan, PlayError> {
    let statement = conduct.statements(job, execution)?.statement(place)?;
    Ok(statement.map_or(Plan::Silence, |statement| {
        Plan::Send(Call::Disputes(DisputesCall::Reveal {
            job,
            statement: Box::new(statement),
        }))
    }))
}

/// Where the challenger goes on from here, or how it ends the game.
pub(super) fn answer(
    job: JobId,
    me: &AccountId,
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
            DisputesCall::Prove {
                job,
                challenger: me.clone(),
                proof: Box::new(proof),
                element,
            }
        }
        Some(Attack::Agree { .. }) => return Ok(Plan::Agree),
        Some(Attack::Timeout(_) | Attack::Execute) | None => return Ok(Plan::Nothing),
    };
    Ok(Plan::Send(Call::Disputes(call)))
}
