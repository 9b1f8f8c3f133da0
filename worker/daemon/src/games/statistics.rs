//! Gains and losses of an account by disputes, from the events of finalized blocks.

use assay_client::{
    chain::{AccountId, Balance, DisputesEvent, Event, WorkersEvent},
    units,
};
use assay_types::{SlashId, dispute::Fault};
use std::{collections::BTreeMap, fmt};

/// Outcomes of the disputes that were seen to end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Challenges of this account that were made.
    pub challenged: u64,
    /// Games that convicted a worker.
    pub won: u64,
    /// Games that were lost.
    pub lost: u64,
    /// Amount that was paid for convictions.
    pub earned: Balance,
    /// Amount that will be paid, unless the slash is cancelled.
    pub expected: Balance,
    /// Bonds that were lost.
    pub bonds_lost: Balance,
    /// Costs of late answers.
    pub late_fees: Balance,
    /// Awards that this account has claimed, and that no older challenger has claimed since.
    pub claimed: BTreeMap<SlashId, Balance>,
}

impl Statistics {
    /// Notes what an event means for this account.
    pub fn take(&mut self, me: &AccountId, event: &Event) {
        match event {
            Event::Disputes(DisputesEvent::Challenged { challenger, .. }) if challenger == me => self.challenged += 1,
            Event::Disputes(DisputesEvent::WorkerConvicted {
                challenger,
                fault,
                to_challenger,
                ..
            }) if challenger == me => {
                self.won += 1;
                // The award of a proof is expected once it is claimed.
                if let Fault::Silence { .. } = fault {
                    self.expected = self.expected.saturating_add(*to_challenger);
                }
            }
            Event::Disputes(DisputesEvent::AwardClaimed {
                slash,
                challenger,
                amount,
                ..
            }) => {
                // Whoever claims is older than whoever has claimed before.
                let lost = self.claimed.remove(slash).unwrap_or_default();
                self.expected = self.expected.saturating_sub(lost);
                if challenger == me {
                    self.claimed.insert(*slash, *amount);
                    self.expected = self.expected.saturating_add(*amount);
                }
            }
            Event::Disputes(DisputesEvent::AnsweredLate {
                worker, paid, burned, ..
            }) if worker == me => {
                self.late_fees = self.late_fees.saturating_add(paid.saturating_add(*burned));
            }
            Event::Disputes(DisputesEvent::ChallengeFailed {
                challenger,
                paid,
                burned,
                ..
            }) if challenger == me => {
                self.lost += 1;
                self.bonds_lost = self.bonds_lost.saturating_add(paid.saturating_add(*burned));
            }
            Event::Workers(WorkersEvent::SlashApplied { slash, awards, .. }) => {
                self.claimed.remove(slash);
                let mine: Balance = awards.iter().filter(|(to, _)| to == me).map(|(_, amount)| amount).sum();
                self.earned = self.earned.saturating_add(mine);
                // What is paid for convictions that were not seen was not expected.
                self.expected = self.expected.saturating_sub(mine);
            }
            _ => {}
        }
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} challenged, {} won, {} lost; {} ASY earned, {} to come, {} lost in bonds",
            self.challenged,
            self.won,
            self.lost,
            units::format(self.earned),
            units::format(self.expected),
            units::format(self.bonds_lost)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_types::dispute::Place;

    const ME: AccountId = AccountId::new([1; 32]);
    const OTHER: AccountId = AccountId::new([2; 32]);

    fn convicted(challenger: AccountId) -> Event {
        Event::Disputes(DisputesEvent::WorkerConvicted {
            job: 7,
            worker: AccountId::new([3; 32]),
            challenger,
            fault: Fault::Silence { place: Place::Trace },
            slash: 0,
            slashed: 100,
            to_challenger: 30,
            to_client: 20,
        })
    }

    #[test]
    fn an_award_is_expected_and_then_earned() {
        let mut statistics = Statistics::default();
        statistics.take(&ME, &convicted(ME));
        statistics.take(&ME, &convicted(OTHER));
        assert_eq!((statistics.won, statistics.expected, statistics.earned), (1, 30, 0));
        let applied = Event::Workers(WorkersEvent::SlashApplied {
            slash: 0,
            worker: AccountId::new([3; 32]),
            burned: 50,
            awards: [(ME, 30), (OTHER, 20)],
        });
        statistics.take(&ME, &applied);
        assert_eq!((statistics.expected, statistics.earned), (0, 30));
    }

    #[test]
    fn a_lost_bond_is_what_was_paid_and_what_was_burned() {
        let mut statistics = Statistics::default();
        let failed = |challenger| {
            Event::Disputes(DisputesEvent::ChallengeFailed {
                job: 7,
                challenger,
                paid: 5,
                burned: 6,
            })
        };
        statistics.take(&ME, &failed(ME));
        statistics.take(&ME, &failed(OTHER));
        assert_eq!((statistics.lost, statistics.bonds_lost), (1, 11));
    }

    #[test]
    fn an_award_of_a_proof_is_expected_once_it_is_claimed_and_until_an_older_claim() {
        let mut statistics = Statistics::default();
        let claimed = |challenger| {
            Event::Disputes(DisputesEvent::AwardClaimed {
                job: 7,
                slash: 0,
                challenger,
                amount: 40,
            })
        };
        statistics.take(&ME, &claimed(OTHER));
        assert_eq!(statistics.expected, 0);
        statistics.take(&ME, &claimed(ME));
        assert_eq!(statistics.expected, 40);
        statistics.take(&ME, &claimed(OTHER));
        assert_eq!(statistics.expected, 0);
    }
}
