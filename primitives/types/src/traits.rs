//! How the pallets meet: the market asks for models and workers through these traits, disputes ask for claims, and none
//! of them knows another's pallet.

use crate::{H256, JobId, ModelVersion, Precision, Schema, SlashId};
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

    /// Takes `amount` out of a worker's locked stake for a fault that was proved: it secures nothing from now on, and
    /// stays held until the slash matures. Then `awards` are paid out of it, in their order and as far as it goes, and
    /// the rest is burned; until then the slash can be cancelled. A lock can always be slashed in full.
    fn slash_later(
        worker: &AccountId,
        amount: Balance,
        awards: [(AccountId, Balance); 2],
    ) -> Result<SlashId, DispatchError>;

    /// Whether the account is a worker and has the least stake that a worker must have. One that has lost it keeps what
    /// it has claimed, and can be relieved of what it has not.
    fn is_secure(worker: &AccountId) -> bool;

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
    /// It was relieved of the job, because its stake no longer secured it.
    Removed,
}

/// What a dispute is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedJob<AccountId, Balance> {
    /// Who pays for the job.
    pub client: AccountId,
    /// Who claimed it.
    pub worker: AccountId,
    /// `H(graph_root ‖ weights_root ‖ manifest_hash)` of the model version that was to be run.
    pub model_root: H256,
    /// List digest of the input tensors.
    pub input_digest: H256,
    /// List digest of the output tensors, as claimed.
    pub output_digest: H256,
    /// The worker's stake that secures the claim, all of which a conviction slashes.
    pub locked: Balance,
    /// What the worker is paid if the claim stands.
    pub price: Balance,
}

/// Why a job's claim cannot be challenged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, codec::Encode, codec::Decode, scale_info::TypeInfo)]
pub enum NotChallengeable {
    /// No such job: it was never submitted, or it is closed.
    #[codec(index = 0)]
    UnknownJob,
    /// Nobody has claimed it yet.
    #[codec(index = 1)]
    NotClaimed,
    /// The challenge window is over.
    #[codec(index = 2)]
    WindowPassed,
    /// Its model version is no longer registered.
    #[codec(index = 3)]
    UnknownModel,
}

/// The claims on jobs, as those see them who judge disputes.
pub trait ClaimedJobs<AccountId, Balance, BlockNumber> {
    /// The claim on a job whose challenge window is open, or that is disputed
    /// already. Changes nothing.
    fn claimed(job: JobId) -> Result<ClaimedJob<AccountId, Balance>, NotChallengeable>;

    /// `Claimed` → `Disputed`; nothing if it is disputed already. The job is neither settled nor accepted until one of
    /// the two below.
    fn dispute(job: JobId) -> DispatchResult;

    /// `Disputed` → `Claimed`: every challenge failed. The window ends where it did, and no earlier than
    /// `window_at_least` or this block, so that a challenger who was kept out gets a turn.
    fn uphold(job: JobId, window_at_least: BlockNumber) -> DispatchResult;

    /// `Disputed` → `Refunded`: the claim is wrong. The ceiling goes back, what the job locks of the worker's stake is
    /// slashed by [`WorkerRegistry::slash_later`], and the job is closed.
    fn convict(job: JobId, awards: [(AccountId, Balance); 2]) -> Result<SlashId, DispatchError>;
}
