//! Events of disputes, in words for the reader of the log.

use assay_client::{
    chain::{
        AccountId, Balance, Call, Dispute, DisputesCall, DisputesEvent, Event, SessionsEvent, SubmitError, WorkersEvent,
    },
    units,
};
use assay_types::{
    JobId,
    dispute::{Fault, Place},
};

/// Money of this account that a dispute is about: what its claim has locked, or the bond of its challenge.
pub(super) fn at_stake(me: &AccountId, dispute: &Dispute) -> Balance {
    if dispute.worker == *me {
        return dispute.locked;
    }
    let mine = dispute.games.iter().find(|game| game.challenger == *me);
    mine.map_or(0, |game| game.bond)
}

/// Logs that a dispute cannot be played for want of an execution, and the money that it is about.
pub(super) fn not_executed(me: &AccountId, job: JobId, dispute: &Dispute, reason: &str) {
    tracing::error!(
        job,
        reason,
        at_stake = units::format(at_stake(me, dispute)),
        "THE DISPUTED JOB CANNOT BE EXECUTED, so nothing can be said in the dispute; trying again"
    );
}

/// Logs an event, if it is about this account or a dispute of it.
pub(super) fn report(me: &AccountId, known: impl Fn(JobId) -> bool, event: &Event) {
    match event {
        Event::Disputes(event) if known(event.job()) || concerns(me, event) => dispute(me, event),
        Event::Sessions(SessionsEvent::ReceiptDisputed {
            session,
            sequence,
            claim,
            ..
        }) if known(*claim) => {
            tracing::info!(
                job = claim,
                session,
                sequence,
                "a receipt is disputed, by the number of its claim"
            );
        }
        Event::Workers(WorkersEvent::SlashApplied { slash, awards, .. }) => {
            for (_, amount) in awards.iter().filter(|(to, amount)| to == me && *amount > 0) {
                tracing::info!(
                    slash,
                    earned = units::format(*amount),
                    "a slash was applied, and the award is paid"
                );
            }
        }
        _ => {}
    }
}

fn concerns(me: &AccountId, event: &DisputesEvent) -> bool {
    match event {
        DisputesEvent::Challenged { challenger, .. }
        | DisputesEvent::Pointed { challenger, .. }
        | DisputesEvent::AwardClaimed { challenger, .. }
        | DisputesEvent::BondReturned { challenger, .. }
        | DisputesEvent::ChallengeFailed { challenger, .. } => challenger == me,
        DisputesEvent::WorkerLate { worker, .. } | DisputesEvent::AnsweredLate { worker, .. } => worker == me,
        DisputesEvent::WorkerConvicted { worker, challenger, .. } => worker == me || challenger == me,
        DisputesEvent::PlaceRevealed { .. } => false,
    }
}

fn dispute(me: &AccountId, event: &DisputesEvent) {
    match event {
        DisputesEvent::Challenged {
            job, challenger, bond, ..
        } if challenger == me => {
            tracing::info!(
                job,
                bond = units::format(*bond),
                "the challenge is made; the bond is held"
            );
        }
        DisputesEvent::Challenged {
            job, challenger, bond, ..
        } => {
            tracing::warn!(job, %challenger, bond = units::format(*bond), "the claim is challenged; every turn must be answered");
        }
        DisputesEvent::PlaceRevealed { job, place } => {
            tracing::info!(job, place = in_words(place), "revealed by the worker");
        }
        DisputesEvent::Pointed {
            job,
            challenger,
            place,
            turn,
        } => {
            tracing::info!(job, %challenger, place = in_words(place), turn = ?turn, "the game has gone on to another place");
        }
        DisputesEvent::WorkerLate { .. } | DisputesEvent::AnsweredLate { .. } => lateness(me, event),
        DisputesEvent::AwardClaimed {
            job,
            challenger,
            amount,
            ..
        } => award(me, *job, challenger, *amount),
        DisputesEvent::WorkerConvicted { .. } => conviction(me, event),
        DisputesEvent::BondReturned {
            job,
            challenger,
            amount,
        } if challenger == me => {
            tracing::info!(job, bond = units::format(*amount), "the bond is back");
        }
        DisputesEvent::BondReturned { .. } => {}
        DisputesEvent::ChallengeFailed {
            job,
            challenger,
            paid,
            burned,
        } if challenger == me => {
            tracing::error!(
                job,
                lost = units::format(paid.saturating_add(*burned)),
                "the challenge is lost, and the bond with it"
            );
        }
        DisputesEvent::ChallengeFailed {
            job, challenger, paid, ..
        } => {
            tracing::info!(job, %challenger, paid = units::format(*paid), "a challenge has failed, and its bond is lost");
        }
    }
}

fn lateness(me: &AccountId, event: &DisputesEvent) {
    match event {
        DisputesEvent::WorkerLate { job, worker, until } if worker == me => {
            tracing::error!(
                job,
                until,
                "LATE: a clock has run out; the client is refunded, and what is not answered by this block costs a share of \
                 the whole stake"
            );
        }
        DisputesEvent::WorkerLate { job, worker, until } => {
            tracing::info!(job, %worker, until, "the worker is late; it may still answer, for a fee");
        }
        DisputesEvent::AnsweredLate {
            job,
            worker,
            paid,
            burned,
            ..
        } if worker == me => {
            tracing::warn!(
                job,
                lost = units::format(paid.saturating_add(*burned)),
                "answered late: the fee is lost, and so is the pay"
            );
        }
        DisputesEvent::AnsweredLate { job, worker, .. } => {
            tracing::info!(job, %worker, "the worker has answered late; the game goes on");
        }
        _ => {}
    }
}

fn award(me: &AccountId, job: JobId, challenger: &AccountId, amount: Balance) {
    let award = units::format(amount);
    if challenger == me {
        tracing::info!(job, award, "the award is claimed; it is paid when the slash is applied");
    } else {
        tracing::info!(job, %challenger, award, "another challenger has claimed the award");
    }
}

fn conviction(me: &AccountId, event: &DisputesEvent) {
    match event {
        DisputesEvent::WorkerConvicted {
            job,
            worker,
            fault,
            slashed,
            ..
        } if worker == me => {
            tracing::error!(
                job,
                fault = fault_in_words(fault),
                slashed = units::format(*slashed),
                "CONVICTED: the claim was proved wrong; find out why before serving on"
            );
        }
        DisputesEvent::WorkerConvicted {
            job,
            worker,
            challenger,
            fault,
            slash,
            to_challenger,
            ..
        } if challenger == me => {
            tracing::info!(
                job, %worker, fault = fault_in_words(fault), slash, reward = units::format(*to_challenger),
                "won: the worker is convicted; the reward is the oldest finder's, and paid when the slash is applied"
            );
        }
        DisputesEvent::WorkerConvicted { job, challenger, .. } => {
            tracing::info!(job, %challenger, "another challenger has convicted the worker first");
        }
        _ => {}
    }
}

/// Logs what is sent, before its outcome is known.
pub(super) fn sending(me: &AccountId, job: JobId, dispute: &Dispute, call: &Call) {
    let Call::Disputes(call) = call else { return };
    let mine = dispute.games.iter().find(|game| game.challenger == *me);
    match call {
        DisputesCall::Reveal { statement, .. } => {
            let waiting = dispute.games.iter().filter(|game| game.place == statement.place());
            let until = waiting.map(|game| game.clock.deadline).min();
            tracing::info!(job, place = in_words(&statement.place()), until, "revealing");
        }
        DisputesCall::Point { place, entry, .. } => {
            let until = mine.map(|game| game.clock.deadline);
            tracing::info!(
                job,
                place = in_words(place),
                entry,
                until,
                "pointing at the first entry that differs"
            );
        }
        DisputesCall::Prove { element, .. } => {
            let place = mine.map_or_else(String::new, |game| in_words(&game.place));
            tracing::info!(job, place, element, "proving that what was revealed is wrong");
        }
        DisputesCall::AnswerLate { statement, .. } => {
            let until = dispute.late_until;
            tracing::warn!(
                job,
                place = in_words(&statement.place()),
                until,
                "answering late, for a fee"
            );
        }
        DisputesCall::Challenge { .. } | DisputesCall::ClaimTimeout { .. } | DisputesCall::ClaimAward { .. } => {}
    }
}

/// Whether a call was refused because the game had gone on before it arrived.
pub(super) fn is_late(error: &SubmitError) -> bool {
    const LATE: [&str; 13] = [
        "NotCalled",
        "NotLate",
        "TooLate",
        "MayAnswerLate",
        "OlderGameFirst",
        "NotDisputed",
        "NotAsked",
        "NoSuchGame",
        "AnotherPlace",
        "NotYourTurn",
        "DeadlinePassed",
        "DeadlineNotPassed",
        "UnknownJob",
    ];
    LATE.iter().any(|name| error.is("Disputes", name)) || matches!(error, SubmitError::AlreadyInPool)
}

/// Whether an award is somebody else's, or nobody's any more.
pub(super) fn is_not_mine(error: &SubmitError) -> bool {
    const OTHERS: [&str; 7] = [
        "NoSuchAward",
        "AwardClosed",
        "NotFinder",
        "CommitmentMismatch",
        "FindingNotInTrace",
        "FindingChunkDoesNotOpen",
        "NotFound",
    ];
    OTHERS.iter().any(|name| error.is("Disputes", name))
}

/// A place as people say it.
pub fn in_words(place: &Place) -> String {
    match place {
        Place::Trace => "the trace".into(),
        Place::TraceSpan { level, index } => format!("node {index} of level {level} of the trace"),
        Place::Tensor { operator } => format!("the output of operator {operator}"),
        Place::TensorSpan { operator, level, index } => {
            format!("node {index} of level {level} of the output of operator {operator}")
        }
        Place::Chunk { operator, chunk } => format!("chunk {chunk} of the output of operator {operator}"),
    }
}

/// The fault, in words for people.
pub fn fault_in_words(fault: &Fault) -> String {
    match fault {
        Fault::Silence { place } => format!("{} was not revealed in time", in_words(place)),
        Fault::Element {
            operator,
            element,
            claimed,
            computed,
        } => format!(
            "element {element} of the output of operator {operator} was claimed to be 0x{}; it is 0x{}",
            hex::encode(claimed),
            hex::encode(computed)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_what_was_claimed_and_what_is_right() {
        let fault = Fault::Element {
            operator: 3,
            element: 7,
            claimed: vec![0, 1],
            computed: vec![0, 2],
        };
        assert_eq!(
            fault_in_words(&fault),
            "element 7 of the output of operator 3 was claimed to be 0x0001; it is 0x0002"
        );
    }
}
