//! Whom to challenge: which claims a watcher executes again, and how far it goes with its money.

use crate::Hash;
use assay_exact::digest::Hash256;
use assay_types::{JobId, ModelVersion};
use codec::Encode;
use polkadot_sdk::sp_runtime::{PerThing, Perbill, traits::AtLeast32BitUnsigned};
use std::collections::BTreeSet;

/// Domain of the draw of a job.
const DRAW_DOMAIN: &[u8; 16] = b"assay/watch/1\0\0\0";

/// The models whose claims are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Models {
    /// All that can be executed here.
    All,
    /// These.
    List(BTreeSet<ModelVersion>),
}

/// Share of the claims that are executed again: expensive ones always, cheap ones now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling<Balance> {
    /// The chance of a job whose price is nothing.
    pub least: Perbill,
    /// The price from which on every job is executed again. Below, the chance is in proportion to the price.
    pub full_price: Balance,
}

/// Limits of a watcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchPolicy<Balance> {
    /// Which models it watches.
    pub models: Models,
    /// Share of their claims that is checked.
    pub sampling: Sampling<Balance>,
    /// Whether it executes its own claims again as well, as a check of its own machine.
    pub own: bool,
    /// Games that it plays at a time.
    pub max_open: u32,
    /// The most that it puts up for one.
    pub max_bond: Balance,
}

/// A claim that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed<'a, AccountId, Balance> {
    /// The job.
    pub job: JobId,
    /// The model that it asked for.
    pub model: ModelVersion,
    /// Account that claims.
    pub worker: &'a AccountId,
    /// Payment of the worker if the claim stands.
    pub price: Balance,
}

impl<Balance: AtLeast32BitUnsigned + Copy> WatchPolicy<Balance> {
    /// Whether `me` executes this job again.
    ///
    /// The same seed gives the same answer, so that a restart does not change it. The seed is to be kept secret: a
    /// worker that knows it knows which of its claims are not looked at.
    pub fn wanted<AccountId: PartialEq>(
        &self,
        me: &AccountId,
        claim: &Claimed<'_, AccountId, Balance>,
        seed: &[u8; 32],
    ) -> bool {
        if claim.worker == me && !self.own {
            return false;
        }
        let watched = match &self.models {
            Models::All => true,
            Models::List(models) => models.contains(&claim.model),
        };
        watched && is_drawn(claim.job, self.sampling.chance(claim.price), seed)
    }

    /// Whether another game may be begun while `open` are played, for this bond.
    pub fn may_challenge(&self, open: u32, bond: Balance) -> bool {
        open < self.max_open && bond <= self.max_bond
    }
}

impl<Balance: AtLeast32BitUnsigned + Copy> Sampling<Balance> {
    /// The chance of a job of this price.
    pub fn chance(&self, price: Balance) -> Perbill {
        if price >= self.full_price {
            return Perbill::one();
        }
        Perbill::from_rational(price, self.full_price).max(self.least)
    }
}

fn is_drawn(job: JobId, chance: Perbill, seed: &[u8; 32]) -> bool {
    let digest = Hash::hash(&(DRAW_DOMAIN, seed, job).encode());
    let draw = u64::from_le_bytes(*digest.first_chunk().unwrap_or(&[0; 8]));
    // The remainder favours small draws by less than one in 2^34.
    draw % u64::from(Perbill::ACCURACY) < u64::from(chance.deconstruct())
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: ModelVersion = ModelVersion { model: 1, version: 1 };

    fn policy() -> WatchPolicy<u128> {
        WatchPolicy {
            models: Models::All,
            sampling: Sampling {
                least: Perbill::from_percent(2),
                full_price: 1_000,
            },
            own: false,
            max_open: 2,
            max_bond: 50,
        }
    }

    fn wanted(policy: &WatchPolicy<u128>, worker: u32, price: u128, seed: u8) -> Vec<JobId> {
        let jobs = 0..10_000;
        let wanted = jobs.filter(|job| {
            let claim = Claimed {
                job: *job,
                model: VERSION,
                worker: &worker,
                price,
            };
            policy.wanted(&1, &claim, &[seed; 32])
        });
        wanted.collect()
    }

    #[test]
    fn jobs_are_drawn_by_their_price_and_the_same_each_time() {
        let count = |price| wanted(&policy(), 2, price, 3).len();
        assert_eq!((count(1_000), count(5_000)), (10_000, 10_000));
        assert!((4_800..5_200).contains(&count(500)), "{}", count(500));
        assert!((150..250).contains(&count(0)), "{}", count(0));
        assert_eq!(wanted(&policy(), 2, 500, 3), wanted(&policy(), 2, 500, 3));
        assert_ne!(wanted(&policy(), 2, 500, 3), wanted(&policy(), 2, 500, 4));
    }

    #[test]
    fn own_claims_and_other_models_are_left_alone_unless_asked_for() {
        assert_eq!(wanted(&policy(), 1, 1_000, 3).len(), 0);
        let own = WatchPolicy { own: true, ..policy() };
        assert_eq!(wanted(&own, 1, 1_000, 3).len(), 10_000);
        let listed = |versions: &[ModelVersion]| WatchPolicy {
            models: Models::List(versions.iter().copied().collect()),
            ..policy()
        };
        assert_eq!(wanted(&listed(&[VERSION]), 2, 1_000, 3).len(), 10_000);
        assert_eq!(wanted(&listed(&[]), 2, 1_000, 3).len(), 0);
    }

    #[test]
    fn price_of_everything_being_nothing_draws_every_job() {
        let sampling = Sampling {
            least: Perbill::zero(),
            full_price: 0,
        };
        assert_eq!(wanted(&WatchPolicy { sampling, ..policy() }, 2, 0, 3).len(), 10_000);
    }

    #[test]
    fn games_and_bonds_are_bounded() {
        assert!(policy().may_challenge(1, 50));
        assert!(!policy().may_challenge(2, 50));
        assert!(!policy().may_challenge(0, 51));
    }
}
