//! Decisions, and what the pallet knows of a runtime's parameters.

use crate::Config;
use codec::{Decode, DecodeWithMemTracking, Encode};
use polkadot_sdk::{
    frame_support::{PalletError, Parameter, traits::Bounded},
    frame_system,
};
use scale_info::TypeInfo;

/// Number of a decision.
pub type DecisionId = u64;
/// Any call of the runtime.
pub type CallOf<T> = <T as frame_system::Config>::RuntimeCall;
/// A call, or its hash.
pub type BoundedCallOf<T> = Bounded<CallOf<T>, <T as frame_system::Config>::Hashing>;
/// A change of a parameter.
pub type ChangeOf<T> = <<T as Config>::Parameters as Parameters>::Change;

/// The parameters of a runtime.
pub trait Parameters {
    /// A parameter and its new value.
    type Change: Parameter;

    /// Changes a parameter if the value is in its range and every rule between parameters holds then. A refusal changes
    /// nothing.
    fn change(change: Self::Change) -> Result<(), RefusedChange>;

    /// A change that is not refused, and compares as much as any.
    #[cfg(feature = "runtime-benchmarks")]
    fn example() -> Self::Change;
}

/// Reasons for which a parameter is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedChange {
    /// The value is outside of the parameter's range.
    OutOfRange(ParameterName),
    /// A rule between parameters would not hold.
    Contradiction(ParameterName),
    /// As many earlier values are in use as can be kept.
    TooManyChanges(ParameterName),
}

/// The names of all parameters, for refusals. A new one comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, PalletError, TypeInfo)]
#[scale_info(capture_docs = "always")]
#[allow(
    missing_docs,
    reason = "each is the name of a parameter, whose documentation stands with the parameter"
)]
pub enum ParameterName {
    MinDeadline,
    MaxDeadline,
    MinWindow,
    MaxWindow,
    MinAuctionPhase,
    MaxAuctionPhase,
    BidDeposit,
    NonDeliverySlash,
    DeclineSlash,
    MissCompensation,
    MinStake,
    StakeFloor,
    StakePerPrice,
    OfferDelay,
    RestBlocks,
    SlashDelay,
    LeastBond,
    BondPerStake,
    LostBondToWorker,
    FaultSlash,
    SlashToChallenger,
    SlashToClient,
    LateFee,
    LeastLateFee,
    LateFeeToChallenger,
    ClockBlocks,
    ChallengerClockBlocks,
    LeastTurnBlocks,
    ReopenBlocks,
    LateAnswerBlocks,
    AwardBlocks,
    WorkPrice,
    ClosingBlocks,
    MaxSessionBlocks,
    MinLockPercent,
    DepositPerVersion,
    DepositPerByte,
    FullCoreFee,
    ByteFee,
    TargetFullness,
    FeeSpeed,
    MinimumMultiplier,
    FullShare,
    LaneTarget,
    LaneSpeed,
    EnactmentBlocks,
    Levy,
    AuditFee,
    AuditShare,
    NewcomerShare,
    AuditWeight,
    SecondShare,
    FullPrice,
    AnswerBlocks,
    OpenBlocks,
    AuditMissCost,
}
