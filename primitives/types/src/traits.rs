//! How the pallets meet: the market asks for models and workers through these traits and knows neither pallet.

use crate::{H256, ModelVersion, Precision, Schema};
use polkadot_sdk::sp_runtime::{DispatchError, DispatchResult};

/// What the market needs to know of a model version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionInfo {
    /// `H(graph_root ‖ weights_root ‖ manifest_hash)`.
    pub root: H256,
    /// Precision of its contractions.
    pub precision: Precision,
    /// What it takes and gives.
    pub schema: Schema,
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

/// Why no standing offer can take a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, codec::Encode, codec::Decode, scale_info::TypeInfo)]
pub enum NoOffer {
    /// Nobody offers this model version.
    #[codec(index = 0)]
    NoneForModel,
    /// Every offer costs more than the ceiling.
    #[codec(index = 1)]
    CeilingTooLow,
    /// The offers that the ceiling allows are paused, at capacity or without free stake.
    #[codec(index = 2)]
    AllBusy,
}

/// Why a worker cannot take a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, codec::Encode, codec::Decode, scale_info::TypeInfo)]
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
}

/// Where slashed money went; the two parts make up what was slashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slashed<Balance> {
    /// Paid to the beneficiary.
    pub paid: Balance,
    /// Burned.
    pub burned: Balance,
}

/// The registered workers, their offers and their stake.
pub trait WorkerRegistry<AccountId, Balance> {
    /// The stake that a job of this price locks.
    fn stake_for(price: Balance) -> Balance;

    /// Whether `worker` takes jobs and has `stake` free.
    fn ensure_available(worker: &AccountId, stake: Balance) -> Result<(), Unavailable>;

    /// The cheapest offer at or below `ceiling` whose worker can take a job now and is not in `excluded`; the earlier
    /// one of two at the same price.
    fn cheapest(
        version: ModelVersion,
        ceiling: Balance,
        excluded: &[AccountId],
    ) -> Result<(AccountId, Balance), NoOffer>;

    /// Locks part of a worker's free stake.
    fn lock(worker: &AccountId, stake: Balance) -> Result<(), Unavailable>;

    /// Gives locked stake free again.
    fn unlock(worker: &AccountId, stake: Balance) -> DispatchResult;

    /// Counts a job on this version towards the worker's capacity.
    fn begin(worker: &AccountId, version: ModelVersion);

    /// Stops counting it.
    fn end(worker: &AccountId, version: ModelVersion, outcome: Outcome);

    /// Slashes `amount` of a worker's locked stake, which is no longer locked or part of its stake afterwards. `paid`
    /// of it goes to `beneficiary` and the rest is burned.
    fn slash(
        worker: &AccountId,
        amount: Balance,
        beneficiary: &AccountId,
        paid: Balance,
    ) -> Result<Slashed<Balance>, DispatchError>;

    /// Notes that a worker was paid for a job.
    fn note_completed(worker: &AccountId);

    /// The worker's locked stake, for checks of consistency.
    fn locked(worker: &AccountId) -> Balance;

    /// The worker's unclaimed jobs on this version, for checks of consistency.
    fn load(worker: &AccountId, version: ModelVersion) -> u32;
}

/// How a worker's hold on an unclaimed job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It claimed.
    Claimed,
    /// It let the deadline pass.
    Missed,
    /// It declined.
    Declined,
}
