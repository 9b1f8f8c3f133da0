//! Traits through which the pallets meet. Market and sessions ask for models and workers through them, and no pallet
//! knows another. Those of disputes are in [`crate::claim`].

use crate::{Assignment, H256, JobTerms, Misfit, ModelParts, ModelVersion, SlashId};
use alloc::vec::Vec;
use polkadot_sdk::sp_runtime::{DispatchError, DispatchResult, Perbill};

/// A model version, as far as the market needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionInfo {
    /// Its root, which its parts hash to.
    pub root: H256,
    /// Its parts.
    pub parts: ModelParts,
    /// Whether new jobs and offers may name it.
    pub active: bool,
}

/// The registered models.
pub trait ModelRegistry {
    /// The version, if it is registered.
    fn version(version: ModelVersion) -> Option<VersionInfo>;

    /// Whether new jobs and offers may name the version.
    fn is_active(version: ModelVersion) -> bool;
}

/// Reasons for which no standing offer can take a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, codec::Encode, codec::Decode, scale_info::TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum NoOffer {
    /// Nobody offers this model version.
    #[codec(index = 0)]
    NoneForModel,
    /// Every offer costs more than the ceiling.
    #[codec(index = 1)]
    CeilingTooLow,
    /// The workers whose offers the job fits are paused, at capacity or without free stake.
    #[codec(index = 2)]
    AllBusy,
    /// Every offer asks for a longer deadline.
    #[codec(index = 3)]
    DeadlineTooShort,
    /// Every offer whose deadline the job fits asks for a longer challenge window.
    #[codec(index = 4)]
    WindowTooShort,
    /// Every offer whose deadline the job fits asks for a shorter challenge window.
    #[codec(index = 5)]
    WindowTooLong,
    /// Every offer whose terms the job fits was published in the last blocks and takes effect soon.
    #[codec(index = 6)]
    TooNew,
    /// No such model version is registered.
    #[codec(index = 7)]
    UnknownModel,
    /// The model version is deprecated, or the chain no longer judges by its definition: use a later one.
    #[codec(index = 8)]
    ModelDeprecated,
}

impl NoOffer {
    /// Rank of an offer that was refused for this reason: the client needs to change the minimum where it is the
    /// greatest.
    fn distance(self) -> u8 {
        match self {
            Self::NoneForModel | Self::UnknownModel | Self::ModelDeprecated => 0,
            Self::DeadlineTooShort => 1,
            Self::WindowTooShort => 2,
            Self::WindowTooLong => 3,
            Self::TooNew => 4,
            Self::CeilingTooLow => 5,
            Self::AllBusy => 6,
        }
    }

    /// The reason of the offer that came further.
    pub fn further(self, other: Self) -> Self {
        match self.distance() < other.distance() {
            true => other,
            false => self,
        }
    }
}

impl<BlockNumber> From<Misfit<BlockNumber>> for NoOffer {
    fn from(misfit: Misfit<BlockNumber>) -> Self {
        match misfit {
            Misfit::DeadlineTooShort { .. } => Self::DeadlineTooShort,
            Misfit::WindowTooShort { .. } => Self::WindowTooShort,
            Misfit::WindowTooLong { .. } => Self::WindowTooLong,
            Misfit::OfferTooNew { .. } => Self::TooNew,
        }
    }
}

/// Reasons for which a worker cannot take a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, codec::Encode, codec::Decode, scale_info::TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum Unavailable {
    /// The account is not a worker.
    #[codec(index = 0)]
    NotRegistered,
    /// It is paused, draining or has left.
    #[codec(index = 1)]
    NotActive,
    /// It has as many unclaimed jobs on this model version as its offer says.
    #[codec(index = 2)]
    AtCapacity,
    /// Its free stake does not cover the lock.
    #[codec(index = 3)]
    StakeTooSmall,
    /// It has given back or missed a job, and rests.
    #[codec(index = 4)]
    Resting,
}

/// Parts of slashed money; together they are the slash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slashed<Balance> {
    /// Paid to the beneficiary.
    pub paid: Balance,
    /// Burned.
    pub burned: Balance,
}

/// Purpose for which a worker's stake is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose<Balance> {
    /// A sealed bid. Its price is not known, so the lock covers the highest that it can have.
    Bid {
        /// The most that the client pays.
        ceiling: Balance,
    },
    /// A job, which also counts towards the worker's capacity until its claim is sealed.
    Job {
        /// Price that the worker is paid for the job.
        price: Balance,
    },
    /// A session, or an addition to its budget. The offer says how much is locked, and no load is counted.
    Session {
        /// The stake that is locked.
        stake: Balance,
    },
    /// An audit of somebody's claim, which locks what the job would. No load is counted.
    Audit {
        /// Price of the claim.
        price: Balance,
    },
}

/// Stake that is locked for one bid, one job or one session, as [`WorkerRegistry::take`] gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock<'a, AccountId, Balance> {
    /// The worker whose stake it is.
    pub worker: &'a AccountId,
    /// The model version that the bid or the job is about.
    pub model: ModelVersion,
    /// Amount.
    pub stake: Balance,
}

/// End of a bid or a job for its worker, with the effect on the worker's lock, load and record.
///
/// A bid ends once, in `BidLost` or `BidWon`. A job, which `BidWon` or [`Purpose::Job`] began, ends once as an
/// unclaimed one: in `Claimed`, `Missed` or `Declined`; and after `Claimed` once more, in `Withheld`, `Paid`, `Unpaid`
/// or `Convicted`. `Late` comes between: it ends nothing. A session, which [`Purpose::Session`] began, ends in `Paid`,
/// `Unpaid` or `Convicted`; its lock may be released in parts, each with an outcome of its own. An audit, which
/// [`Purpose::Audit`] began, ends in `AuditMissed`, `Paid`, `Unpaid` or `Convicted`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<AccountId, Balance> {
    /// The bid did not win, or was not revealed: its lock is free.
    BidLost,
    /// The bid won at this price: what the price does not need of the lock is free, and the job counts towards the
    /// worker's capacity.
    BidWon {
        /// Price that the worker is paid for the job.
        price: Balance,
    },
    /// The worker sealed its claim: the job no longer counts towards its capacity, and its lock stays.
    Claimed,
    /// The worker has not made the claim that it had sealed: as `Missed`, of a job that no longer counts.
    Withheld {
        /// The account that gets the paid part of the cost.
        beneficiary: AccountId,
        /// The stake that the worker loses, at most its lock.
        cost: Slashed<Balance>,
    },
    /// The worker let the deadline pass: it loses `cost` at once, the rest of the lock is free, the miss is counted,
    /// and the worker rests.
    Missed {
        /// The account that gets the paid part of the cost.
        beneficiary: AccountId,
        /// The stake that the worker loses, at most its lock.
        cost: Slashed<Balance>,
    },
    /// The worker declined, or the job was taken from it because it was no longer [secure](WorkerRegistry::is_secure):
    /// it loses `cost` at once, as far as its stake goes, the rest of the lock is free, the decline is counted, and the
    /// worker rests. Declines that cost nothing do not make the rests longer.
    Declined {
        /// The account that gets the paid part of the cost.
        beneficiary: AccountId,
        /// The stake that the worker loses, at most its lock.
        cost: Slashed<Balance>,
    },
    /// The auditor did not answer in time: it loses `cost` at once, all of it burned, the rest of the lock is free, and
    /// it rests.
    AuditMissed {
        /// The stake that it loses, at most its lock.
        cost: Balance,
    },
    /// The worker was paid for what it claimed: the lock is free, and the job is counted.
    Paid,
    /// The worker answered late for what it claimed: it loses `cost` at once, and the rest of the lock stays.
    Late {
        /// The account that gets the paid part of the cost.
        beneficiary: AccountId,
        /// The stake that the worker loses, at most its lock.
        cost: Slashed<Balance>,
    },
    /// The worker's claim stands, and the worker is not paid for it, because it answered late or because nobody can
    /// judge the claim any more: the lock is free.
    Unpaid,
    /// The worker's claim was wrong. Its lock is free, and it loses a share of its whole stake, at least the lock and
    /// as far as the stake goes. What it loses secures nothing and stays held until the slash matures; until then the
    /// slash can be cancelled. The worker takes no jobs as long as a slash of it is pending.
    Convicted {
        /// The share of the whole stake.
        share: Perbill,
        /// Parts of the slash for others, in this order and as far as the slash goes; the rest is burned.
        awards: [(AccountId, Balance); 2],
    },
}

/// A slash that waits, as a conviction has given it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Penalty<Balance> {
    /// Number of the slash.
    pub slash: SlashId,
    /// The stake that the worker loses.
    pub amount: Balance,
}

/// Result of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Released<Balance> {
    /// Stake that stays locked for a job that goes on.
    pub locked: Balance,
    /// Stake that the worker lost at once.
    pub slashed: Slashed<Balance>,
    /// The slash that is pending, if the worker was convicted.
    pub pending: Option<Penalty<Balance>>,
}

/// Jobs that standing offers have taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned<AccountId, Balance> {
    /// For each job, in the order in which they were asked for, the worker that has it.
    pub assignments: Vec<Assignment<AccountId, Balance>>,
    /// Offers whose workers were looked at, which is what the search costs.
    pub examined: u32,
}

/// The registered workers, their offers and their stake.
///
/// A worker's stake is moved by two methods only: [`take`](Self::take) when it gets a bid or a job, and
/// [`release`](Self::release) when that ends; [`assign`](Self::assign) and [`settle`](Self::settle) do the same for
/// several jobs at once. Each does all that belongs to it, or nothing.
pub trait WorkerRegistry<AccountId, Balance> {
    /// The number of a block.
    type BlockNumber;

    /// The stake that a job of this price locks.
    fn stake_for(price: Balance) -> Balance;

    /// Whether `worker` takes jobs and has `stake` free.
    fn ensure_available(worker: &AccountId, stake: Balance) -> Result<(), Unavailable>;

    /// The offer whose price for this job is the lowest, and that price: among the offers whose terms the job fits,
    /// that ask for no more than `ceiling`, and whose workers can take a job now and are not in `excluded`. Of two at
    /// the same price it is the one that stands first in the book.
    fn cheapest(
        version: ModelVersion,
        job: &JobTerms<Self::BlockNumber>,
        ceiling: Balance,
        excluded: &[AccountId],
    ) -> Result<(AccountId, Balance), NoOffer>;

    /// Locks what `purpose` needs of a worker's free stake and counts a job towards its capacity; returns the lock,
    /// which belongs to the caller until it is released. The worker must be available; whether its capacity allows the
    /// job is not asked.
    fn take(worker: &AccountId, model: ModelVersion, purpose: Purpose<Balance>) -> Result<Balance, Unavailable>;

    /// Gives jobs on one version to workers, each with the most that its client pays: one after the other to the worker
    /// that [`cheapest`](Self::cheapest) would find then, whose stake is [taken](Self::take) for it. All of them, or
    /// the reason for which nobody takes one. The book, and the record of each worker, are read once for all jobs.
    fn assign(
        version: ModelVersion,
        jobs: &[(JobTerms<Self::BlockNumber>, Balance)],
    ) -> Result<Assigned<AccountId, Balance>, NoOffer>;

    /// Ends this many claimed jobs of a worker, which lock `stake` together, as [`Outcome::Paid`] does each. An error
    /// changes nothing.
    fn settle(worker: &AccountId, stake: Balance, jobs: u32) -> DispatchResult;

    /// Ends a bid or a job. An error changes nothing, and says that the caller's books are wrong: more is to be
    /// released than is locked, or a job is to end that the worker does not have.
    fn release(
        lock: Lock<AccountId, Balance>,
        outcome: Outcome<AccountId, Balance>,
    ) -> Result<Released<Balance>, DispatchError>;

    /// Sets the parts of a pending slash for others, in place of those that it had. Refused once the slash is mature.
    fn award(slash: SlashId, awards: [(AccountId, Balance); 2]) -> DispatchResult;

    /// The minimum stake of a worker that takes jobs now.
    fn min_stake() -> Balance;

    /// Whether the account is a worker, has at least `min_stake`, and no slash of it is pending. A worker of which this
    /// is no longer so keeps what it has claimed, and can be relieved of what it has not.
    fn is_secure(worker: &AccountId, min_stake: Balance) -> bool;

    /// The worker's locked stake, for checks of consistency.
    fn locked(worker: &AccountId) -> Balance;

    /// The worker's unclaimed jobs on this version, for checks of consistency.
    fn load(worker: &AccountId, version: ModelVersion) -> u32;
}
