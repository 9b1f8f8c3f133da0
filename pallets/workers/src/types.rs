//! Records of workers, their locks and their slashes.

use crate::Config;
use assay_types::{Lock, ModelVersion, Offer, OfferTerms, Outcome, WorkerStatus, limits};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
    frame_support::traits::fungible,
    frame_system::{self, pallet_prelude::BlockNumberFor},
    sp_runtime::{
        BoundedVec,
        traits::{AtLeast32BitUnsigned, Zero},
    },
};
use scale_info::TypeInfo;

/// The type of money in this runtime.
pub type BalanceOf<T> = <<T as Config>::Currency as fungible::Inspect<<T as frame_system::Config>::AccountId>>::Balance;

/// The record of a worker in this runtime.
pub type WorkerRecordOf<T> = WorkerRecord<BalanceOf<T>, BlockNumberFor<T>>;

/// A slash that waits, in this runtime.
pub type PendingSlashOf<T> = PendingSlash<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;

/// A standing offer in this runtime.
pub type OfferOf<T> = Offer<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;

/// The terms of an offer in this runtime.
pub type OfferTermsOf<T> = OfferTerms<BalanceOf<T>, BlockNumberFor<T>>;

/// Stake that is locked for one bid or one job, in this runtime.
pub type LockOf<'a, T> = Lock<'a, <T as frame_system::Config>::AccountId, BalanceOf<T>>;

/// An outcome of a bid or a job, in this runtime.
pub type OutcomeOf<T> = Outcome<<T as frame_system::Config>::AccountId, BalanceOf<T>>;

/// The offers for one model version, the cheapest first.
pub type BookOf<T> = BoundedVec<OfferOf<T>, limits::OffersPerModel>;

/// The offers of one worker that lost their places while it was not eligible: for each the model version, the work of
/// the version's largest job, and the offer.
pub type WaitingOf<T> = BoundedVec<(ModelVersion, u64, OfferOf<T>), limits::OffersPerWorker>;

/// The pieces of stake of one worker that unbond, the earliest first.
pub type Pieces<Balance, BlockNumber> = BoundedVec<Piece<Balance, BlockNumber>, limits::Unbonding>;

/// Stake that unbonds.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Piece<Balance, BlockNumber> {
    /// Amount.
    pub amount: Balance,
    /// The block from which it can be withdrawn.
    pub until: BlockNumber,
}

/// Stake that a worker is to lose, held and no longer part of its stake until the slash is applied or cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct PendingSlash<AccountId, Balance, BlockNumber> {
    /// The worker that is slashed.
    pub worker: AccountId,
    /// The amount that the worker loses.
    pub amount: Balance,
    /// Parts that others get, in this order and as far as the slash goes; the rest is burned.
    pub awards: [(AccountId, Balance); 2],
    /// The block from which the slash can be applied, and no longer cancelled.
    pub matures_at: BlockNumber,
}

/// A worker and its money. What is held of its balance is `stake`, all of `unbonding` and `slashing` together.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct WorkerRecord<Balance, BlockNumber> {
    /// Whether it takes new jobs.
    pub status: WorkerStatus,
    /// Money that secures its jobs, free and locked together.
    pub stake: Balance,
    /// The part of the stake that jobs and bids lock.
    pub locked: Balance,
    /// Stake that was taken out and not yet withdrawn.
    pub unbonding: Pieces<Balance, BlockNumber>,
    /// The sum of its pending slashes, which are no longer in its stake.
    pub slashing: Balance,
    /// Jobs that it claimed and was paid for.
    pub completed: u64,
    /// Jobs that it let pass their deadline.
    pub missed: u64,
    /// Jobs that it declined.
    pub declined: u64,
    /// Slashes that it was given for faults that were proved, those that were cancelled left out.
    pub convicted: u64,
    /// Jobs that it held for nothing and has not worked off by jobs that it was paid for.
    pub strikes: u8,
    /// Block from which it takes jobs again, if it ever gave one back or missed one.
    pub rests_until: Option<BlockNumber>,
}

impl<Balance: AtLeast32BitUnsigned + Copy, BlockNumber> WorkerRecord<Balance, BlockNumber> {
    /// A worker that takes jobs from now on.
    pub fn new(stake: Balance) -> Self {
        Self {
            status: WorkerStatus::Active,
            stake,
            locked: Zero::zero(),
            unbonding: Pieces::new(),
            slashing: Zero::zero(),
            completed: 0,
            missed: 0,
            declined: 0,
            convicted: 0,
            strikes: 0,
            rests_until: None,
        }
    }

    /// The part of the stake that no job or bid locks.
    pub fn free(&self) -> Balance {
        self.stake.saturating_sub(self.locked) // The locked part is never more than the whole.
    }

    /// The amount held of the worker's balance; `None` if that does not fit the type.
    pub fn held(&self) -> Option<Balance> {
        self.unbonding
            .iter()
            .try_fold(self.stake.checked_add(&self.slashing)?, |held, piece| {
                held.checked_add(&piece.amount)
            })
    }

    /// Whether there is nothing left to remember: the worker has left, and none of its money is held.
    pub fn is_over(&self) -> bool {
        self.status == WorkerStatus::Left && self.unbonding.is_empty() && self.slashing.is_zero()
    }
}
