//! Choosing a worker: by price, latency and record. Pure.

use crate::types::{AccountId, Balance, StandingOffer};
use assay_network::{Multiaddr, PeerId};
use std::time::Duration;

/// A hundred percent, in hundredths of a percent.
const WHOLE: Balance = 10_000;
/// Good claims that outweigh one fault.
const FAULT: u64 = 8;

/// Knowledge of a worker's past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Claims and receipts that stood, as far as they are known.
    pub good: u64,
    /// Convictions, missed deadlines, and exchanges that broke off with us.
    pub faults: u64,
}

/// A worker that offers sessions on a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The worker's account.
    pub worker: AccountId,
    /// Its identity in the network.
    pub peer: PeerId,
    /// Addresses at which it is reached, each with its identity at the end.
    pub addresses: Vec<Multiaddr>,
    /// Its offer.
    pub offer: StandingOffer,
    /// Sessions that it can still open by this offer.
    pub free: u32,
    /// Record of its past.
    pub record: Record,
    /// Time of a round trip, where it was measured.
    pub latency: Option<Duration>,
}

/// Preferences of a client among workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preference {
    /// Budget of the session.
    pub budget: Balance,
    /// Work of a usual request.
    pub units: u64,
    /// Value of a request that takes 1 ms less, in hundredths of a percent of its price.
    pub per_ms: u32,
    /// Round trip that is assumed where none was measured.
    pub assumed: Duration,
}

impl Candidate {
    /// The budget of a session with this worker, of at most this sum; `None` if its offer has no such session.
    pub fn budget(&self, wanted: Balance) -> Option<Balance> {
        let budget = wanted.min(self.offer.terms.max_budget);
        (self.free > 0 && budget >= self.offer.terms.min_budget).then_some(budget)
    }

    /// Cost of a usual request with this worker, with its latency and its record in money: the less the better.
    ///
    /// `price · (1 + per_ms · latency) · (good + 2 + 8 · faults) / (good + 1)`: a worker of whom nothing is known
    /// counts as twice as expensive as one that has always been good, and a fault as 8 good claims missing. It
    /// saturates.
    pub fn cost(&self, preference: &Preference) -> Balance {
        let latency = self.latency.unwrap_or(preference.assumed).as_millis();
        let slowness = latency.saturating_mul(preference.per_ms.into()).saturating_add(WHOLE);
        let price = self.offer.terms.price(preference.units);
        let timed = (price / WHOLE)
            .saturating_mul(slowness)
            .saturating_add((price % WHOLE).saturating_mul(slowness) / WHOLE);
        let Record { good, faults } = self.record;
        let good = u128::from(good);
        let bad = u128::from(faults.saturating_mul(FAULT));
        timed.saturating_mul(good + 2 + bad) / (good + 1)
    }
}

/// The worker to open a session with: the one of the least cost among those that take the budget and that `is_out` does
/// not exclude, and of two of the same cost the one with the lower account.
pub fn choose<'a>(
    candidates: &'a [Candidate],
    preference: &Preference,
    is_out: impl Fn(&AccountId) -> bool,
) -> Option<&'a Candidate> {
    let takes = |candidate: &&Candidate| {
        let budget = candidate.budget(preference.budget);
        let price = candidate.offer.terms.price(preference.units);
        budget.is_some_and(|budget| budget >= price) && !is_out(&candidate.worker)
    };
    let eligible = candidates.iter().filter(takes);
    eligible.min_by(|left, right| {
        let costs = left.cost(preference).cmp(&right.cost(preference));
        costs.then_with(|| left.worker.cmp(&right.worker))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixtures::{TERMS, worker_pair};

    const PREFERENCE: Preference = Preference {
        budget: 1_000,
        units: 0,
        per_ms: 100,
        assumed: Duration::from_millis(50),
    };

    fn candidate(number: u8, base: Balance) -> Candidate {
        let mut terms = TERMS;
        terms.base = base;
        Candidate {
            worker: AccountId::new([number; 32]),
            peer: PeerId::random(),
            addresses: Vec::new(),
            offer: StandingOffer {
                terms,
                key: worker_pair(number).public(),
                capacity: 1,
            },
            free: 1,
            record: Record { good: 99, faults: 0 },
            latency: Some(Duration::from_millis(10)),
        }
    }

    fn chosen(candidates: &[Candidate]) -> Option<u8> {
        choose(candidates, &PREFERENCE, |_| false).map(|candidate| <[u8; 32]>::from(candidate.worker.clone())[0])
    }

    #[test]
    fn the_cheaper_one_is_chosen_and_of_two_equal_ones_always_the_same() {
        assert_eq!(chosen(&[candidate(2, 50), candidate(1, 60)]), Some(2));
        assert_eq!(chosen(&[candidate(2, 50), candidate(1, 50)]), Some(1));
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn latency_outweighs_a_small_difference_of_price_and_no_large_one() {
        let mut near = candidate(1, 110);
        near.latency = Some(Duration::from_millis(1));
        assert_eq!(
            chosen(&[near.clone(), candidate(2, 100)]),
            Some(2),
            "9 ms are worth 9 %"
        );
        near.offer.terms.base = 105;
        assert_eq!(chosen(&[near.clone(), candidate(2, 100)]), Some(1));
        let mut unknown = candidate(2, 100);
        unknown.latency = None;
        near.offer.terms.base = 140;
        assert_eq!(chosen(&[near, unknown]), Some(1), "50 ms are assumed");
    }

    #[test]
    fn a_worker_with_faults_or_without_a_past_must_be_cheaper() {
        let mut fresh = candidate(1, 50);
        fresh.record = Record::default();
        assert_eq!(chosen(&[fresh.clone(), candidate(2, 98)]), Some(2));
        assert_eq!(chosen(&[fresh, candidate(2, 110)]), Some(1));
        let mut faulty = candidate(1, 95);
        faulty.record.faults = 1;
        assert_eq!(chosen(&[faulty, candidate(2, 100)]), Some(2));
    }

    #[test]
    fn who_takes_no_such_session_or_is_excluded_is_not_chosen() {
        let mut full = candidate(1, 1);
        full.free = 0;
        let mut proud = candidate(2, 1);
        proud.offer.terms.min_budget = 1_001;
        let dear = candidate(3, 1_001);
        assert_eq!(chosen(&[full, proud, dear]), None);
        let mut small = candidate(4, 1);
        small.offer.terms.max_budget = 500;
        assert_eq!(small.budget(1_000), Some(500));
        let candidates = [candidate(1, 1), candidate(2, 2)];
        let out = choose(&candidates, &PREFERENCE, |worker| *worker == candidates[0].worker);
        assert_eq!(out.map(|candidate| &candidate.worker), Some(&candidates[1].worker));
    }

    #[test]
    fn costs_of_any_size_saturate() {
        let mut vast = candidate(1, u128::MAX);
        vast.record = Record {
            good: 0,
            faults: u64::MAX,
        };
        vast.latency = Some(Duration::MAX);
        assert_eq!(vast.cost(&PREFERENCE), u128::MAX);
    }
}
