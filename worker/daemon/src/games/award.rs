//! Claims awards: a conviction by somebody else's proof belongs to this account if it had found the fault before.
//!
//! A proof that this account sends claims its award at once, so this is only for challenges that others were faster to
//! prove.

use super::{executions::Executions, report};
use crate::skeleton::InFlight;
use assay_client::chain::{Account, BlockNumber, Call, DisputesCall, OpenAward, StateView, SubmitError, Wait};
use assay_player::opening;
use assay_types::SlashId;
use std::collections::BTreeMap;

/// Blocks of rest after a claim that failed. The time for claims is hours.
const REST_BLOCKS: BlockNumber = 16;

/// The awards that this account may claim, and what is under way about them.
#[derive(Default)]
pub(super) struct OpenAwards {
    awards: BTreeMap<SlashId, OpenAward>,
    in_flight: InFlight<SlashId>,
}

/// Why an award was not claimed.
pub(super) enum NotClaimed {
    /// The call had no effect.
    Refused(SubmitError),
    /// The finding cannot be shown.
    NotShown(String),
}

impl OpenAwards {
    /// Takes what the chain says.
    pub(super) fn take(&mut self, awards: Vec<(SlashId, OpenAward)>) {
        self.awards = awards.into_iter().collect();
    }

    /// The awards to claim after this block.
    pub(super) fn due(&self, best: BlockNumber) -> Vec<(SlashId, OpenAward)> {
        let due = self.awards.iter().filter(|(slash, award)| {
            // Somebody says that the time is over by not giving the award any more; this spares a call that is too
            // late.
            best < award.until && !self.in_flight.is_busy(slash, best)
        });
        due.map(|(slash, award)| (*slash, award.clone())).collect()
    }

    /// Notes that a claim is under way.
    pub(super) fn note_begun(&mut self, slash: SlashId) {
        self.in_flight.note_sending(slash);
    }

    /// Notes what came of it.
    pub(super) fn note_done(&mut self, slash: SlashId, done: Result<(), NotClaimed>, best: BlockNumber) {
        let Err(error) = done else {
            self.awards.remove(&slash);
            return self.in_flight.rest(slash, best);
        };
        self.in_flight.rest(slash, best.saturating_add(REST_BLOCKS));
        match error {
            NotClaimed::Refused(error) if report::is_not_mine(&error) => {
                tracing::info!(slash, %error, "the award of a conviction is not this account's");
                self.awards.remove(&slash);
            }
            NotClaimed::Refused(error) => tracing::warn!(slash, %error, "an award is not claimed yet; trying again"),
            NotClaimed::NotShown(reason) => {
                tracing::error!(
                    slash,
                    reason,
                    "an award that may be this account's cannot be claimed; trying again"
                );
            }
        }
    }

    /// Forgets what was under way: whoever would have told the outcome is gone.
    pub(super) fn forget_what_was_under_way(&mut self) {
        self.in_flight.clear();
    }
}

/// Shows what was found, as this account has committed to it.
pub(super) async fn claim(
    slash: SlashId,
    award: OpenAward,
    salt: [u8; 32],
    executions: Executions,
    account: Account,
    read: &impl StateView,
) -> Result<(), NotClaimed> {
    let (operator, element) = (award.wrong.operator, award.wrong.element);
    let execution = executions
        .of_closed_claim(award.job, award.committed, &award.symbols, read)
        .await
        .map_err(NotClaimed::NotShown)?;
    // The engine may have to execute the model again.
    let opened = tokio::task::spawn_blocking(move || opening(&*execution, operator, element, salt)).await;
    let finding = opened
        .map_err(|error| NotClaimed::NotShown(error.to_string()))?
        .map_err(|error| NotClaimed::NotShown(error.to_string()))?;
    let call = Call::Disputes(DisputesCall::ClaimAward {
        slash,
        finding: Box::new(finding),
    });
    let sent = account.send(call, Wait::InBlock).await;
    sent.map(|_| ()).map_err(NotClaimed::Refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_client::chain::AccountId;
    use assay_types::{
        DataType, H256,
        dispute::{Committed, WrongElement},
    };
    use polkadot_sdk::sp_runtime::BoundedVec;

    fn award(until: BlockNumber) -> OpenAward {
        OpenAward {
            job: 3,
            committed: Committed {
                model_root: H256::zero(),
                input_digest: H256::zero(),
                output_digest: H256::zero(),
            },
            symbols: BoundedVec::new(),
            wrong: WrongElement {
                operators: 1,
                operator: 0,
                dtype: DataType::Float32,
                shape: Default::default(),
                element: 0,
                computed: Default::default(),
            },
            amount: 9,
            client: (AccountId::new([1; 32]), 1),
            finders: BoundedVec::new(),
            until,
        }
    }

    fn due(awards: &OpenAwards, best: BlockNumber) -> Vec<SlashId> {
        awards.due(best).into_iter().map(|(slash, _)| slash).collect()
    }

    #[test]
    fn an_award_is_claimed_once_and_in_time() {
        let mut awards = OpenAwards::default();
        awards.take(vec![(1, award(100)), (2, award(50))]);
        assert_eq!(due(&awards, 49), [1, 2]);
        assert_eq!(due(&awards, 50), [1]);
        awards.note_begun(1);
        assert!(due(&awards, 51).is_empty());
        awards.note_done(1, Ok(()), 52);
        assert!(due(&awards, 53).is_empty());
    }

    #[test]
    fn a_claim_that_failed_is_tried_again_later() {
        let mut awards = OpenAwards::default();
        awards.take(vec![(1, award(100))]);
        awards.note_begun(1);
        awards.note_done(1, Err(NotClaimed::NotShown("no input".into())), 10);
        assert!(due(&awards, 11).is_empty());
        assert_eq!(due(&awards, 10 + REST_BLOCKS), [1]);
        awards.note_begun(1);
        awards.forget_what_was_under_way();
        assert_eq!(due(&awards, 30), [1]);
    }
}
