//! Calls that were sent, and must not be thought of again before their outcomes show.

use assay_client::chain::BlockNumber;
use std::collections::{BTreeMap, BTreeSet};

/// Moments of Assay time for which anything rests at most. One that is farther away was named by a node that was wrong
/// about the height.
const MOST_REST_BLOCKS: BlockNumber = 64;

/// Things with a transaction under way, and things that rest. All of it can be lost: the chain shows what was done.
#[derive(Clone, Debug)]
pub struct InFlight<K> {
    sending: BTreeSet<K>,
    resting: BTreeMap<K, BlockNumber>,
}

impl<K> Default for InFlight<K> {
    fn default() -> Self {
        Self {
            sending: BTreeSet::new(),
            resting: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Clone> InFlight<K> {
    /// Notes that a transaction about it is under way.
    pub fn note_sending(&mut self, key: K) {
        self.sending.insert(key);
    }

    /// Leaves it alone up to this moment of Assay time; no transaction about it is under way any more.
    pub fn rest(&mut self, key: K, until: BlockNumber) {
        self.sending.remove(&key);
        self.resting.insert(key, until);
    }

    /// Does not leave it alone any longer.
    pub fn wake(&mut self, key: &K) {
        self.resting.remove(key);
    }

    /// Whether nothing is to be decided about it after a block of this moment.
    pub fn is_busy(&self, key: &K, best: BlockNumber) -> bool {
        self.sending.contains(key) || self.resting.get(key).is_some_and(|until| rests(*until, best))
    }

    /// Everything about which nothing is to be decided after a block of this moment.
    pub fn busy(&self, best: BlockNumber) -> impl Iterator<Item = &K> {
        let resting = self.resting.iter().filter(move |(_, until)| rests(**until, best));
        self.sending.iter().chain(resting.map(|(key, _)| key))
    }

    /// Number of things with a transaction under way.
    pub fn sending(&self) -> usize {
        self.sending.len()
    }

    /// Forgets what was under way: whoever would have told the outcome is gone.
    pub fn clear(&mut self) {
        self.sending.clear();
        self.resting.clear();
    }

    /// Forgets what rests, except where this says to keep it.
    pub fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        self.resting.retain(|key, _| keep(key));
    }
}

fn rests(until: BlockNumber, best: BlockNumber) -> bool {
    best < until && until - best <= MOST_REST_BLOCKS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_is_busy_until_its_outcome_and_then_rests() {
        let mut in_flight = InFlight::default();
        in_flight.note_sending(1);
        assert!(in_flight.is_busy(&1, 1_000) && !in_flight.is_busy(&2, 1_000));
        in_flight.rest(1, 12);
        assert!(in_flight.is_busy(&1, 11) && !in_flight.is_busy(&1, 12));
        assert_eq!(in_flight.sending(), 0);
        in_flight.wake(&1);
        assert!(!in_flight.is_busy(&1, 11));
    }

    #[test]
    fn a_height_that_was_a_lie_does_not_put_anything_to_rest() {
        let mut in_flight = InFlight::default();
        in_flight.rest(1, 1_002);
        assert!(in_flight.is_busy(&1, 1_000) && !in_flight.is_busy(&1, 10));
    }
}
