//! Refusals of the market's calls, and those of the rules and the registries as this pallet's errors.

use crate::{Error, terms::TermsError};
use assay_types::{NoOffer, SchemaError, Unavailable, delivery::PieceError, payload::RequestFault};
use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// The part of the pallet that [`import_section`](polkadot_sdk::frame_support::pallet_macros::import_section) puts into
/// its module.
#[pallet_section]
mod errors {
    /// Refusals of calls, each with what to do.
    #[pallet::error]
    pub enum Error<T> {
        /// No such model version: look it up in `Models::Versions`.
        UnknownModel,
        /// The model version takes no new jobs: use a later one.
        ModelDeprecated,
        /// Give one value for each symbol of the model's schema.
        WrongNumberOfSymbols,
        /// A symbol's value is outside the range in the model's schema.
        SymbolOutOfRange,
        /// The input has not as many bytes as the tensors of the model's schema.
        InputSizeMismatch,
        /// The inline input has more than `MaxInlineInputBytes`: submit it by its digest.
        InputTooLarge,
        /// The list has more than `MaxBatch` items: split it.
        BatchTooLong,
        /// The list has more than `MaxSteps` jobs: split it.
        TooManySteps,
        /// The output is too large to be delivered inline: ask for its digest.
        OutputTooLargeForInline,
        /// The ceiling must be more than zero.
        CeilingIsZero,
        /// `deadline_blocks` must be between `MinDeadline` and `MaxDeadline`.
        DeadlineOutOfRange,
        /// `window_blocks` must be between `MinWindow` and `MaxWindow`.
        WindowOutOfRange,
        /// `bidding_blocks` and `reveal_blocks` must be between `MinAuctionPhase` and `MaxAuctionPhase`.
        AuctionPhaseOutOfRange,
        /// The client's free balance does not cover the ceiling.
        InsufficientFunds,
        /// Nobody offers this model version: use an auction.
        NoOffer,
        /// Every offer costs more than the ceiling: ask for a quote and raise it.
        CeilingBelowEveryPrice,
        /// The workers whose offers the job fits are busy: try again in a later block, or raise the ceiling.
        AllWorkersBusy,
        /// No such job: it was never submitted, or it is closed.
        UnknownJob,
        /// The job is not open for commitments.
        NotBidding,
        /// The job is not open for reveals yet, or no longer.
        NotRevealing,
        /// The job has as many bids as it can have.
        TooManyBids,
        /// The worker has a bid on this job already.
        AlreadyBid,
        /// The worker has no bid on this job.
        NoSuchBid,
        /// The bid has been revealed already.
        AlreadyRevealed,
        /// Price and salt do not give the commitment.
        CommitmentMismatch,
        /// The price is above the job's ceiling; the bid cannot win.
        BidAboveCeiling,
        /// The bidder's free balance does not cover the deposit.
        InsufficientFundsForDeposit,
        /// The account is not a worker: register with a stake.
        NotRegistered,
        /// The worker takes no jobs: resume it, or register again.
        WorkerNotActive,
        /// The worker's free stake does not cover the job: bond more.
        StakeTooSmall,
        /// The job is not assigned to anyone now.
        NotAssigned,
        /// The job is assigned to another worker.
        AssignedToAnother,
        /// The job has been claimed already.
        AlreadyClaimed,
        /// The deadline has passed: the job goes to the next worker, at the latest when somebody calls `advance`.
        DeadlinePassed,
        /// The client asked for the output inline: give it.
        OutputMissing,
        /// The client asked for the digest only: leave the output out.
        OutputNotWanted,
        /// The output has not as many bytes as the tensors of the model's schema.
        OutputSizeMismatch,
        /// The output does not have the digest claimed.
        OutputDigestMismatch,
        /// Only the job's client can do this.
        NotClient,
        /// The job has not been claimed.
        NotClaimed,
        /// Nothing is due: the job's phase is not over.
        NotDue,
        /// The claim is under dispute: wait for the verdict.
        UnderDispute,
        /// The claim is not under dispute: challenge it first.
        NotDisputed,
        /// The challenge window is over: the claim stands.
        WindowPassed,
        /// The worker's stake is as large as it must be, and no slash of it is pending: wait for its claim, or for the
        /// deadline.
        WorkerIsSecure,
        /// A step that the table of transitions does not have: a bug, please report it.
        IllegalTransition,
        /// The records and the holds disagree: a bug, please report it.
        Inconsistent,
        /// Every offer asks for more blocks until the deadline: raise `deadline_blocks`.
        DeadlineBelowEveryOffer,
        /// The offers ask for a longer challenge window: raise `window_blocks`.
        WindowBelowEveryOffer,
        /// The offers ask for a shorter challenge window, which locks their stake: lower `window_blocks`.
        WindowAboveEveryOffer,
        /// The offers that the job fits were published in the last blocks: try again after `OfferDelay` blocks.
        OffersTooNew,
        /// The worker has given back or missed a job, and takes none for a while: its record says from which block on
        /// it does.
        WorkerResting,
        /// The symbol of a generation's sequence is not its maximum length: declare the prompt's length and
        /// `max_tokens` together, or the model's maximum if that is less, and leave room for a token after the prompt.
        SequenceLengthMismatch,
        /// An integer of a generation's input is outside the range that the model's schema gives: tokens are below the
        /// size of the vocabulary.
        InputOutOfRange,
        /// A generated sequence is part of the claim, since nobody could check it otherwise: ask for the output inline.
        SequenceNotInline,
        /// The job is not sealed: seal the claim first.
        NotSealed,
        /// The claim is sealed already: make it once its draw is known.
        AlreadySealed,
        /// Output digest and salt are not those that were sealed.
        WrongSeal,
        /// The seed that draws the claim is not known yet: it is some `DrawBlocks` blocks after the seal's, which the
        /// job's state names. What is claimed before can be copied.
        SeedNotKnown,
        /// The claim was drawn for an audit: call `draw`, and claim when its auditors have answered.
        ClaimDrawn,
        /// The claim was not drawn: make it.
        NotDrawn,
        /// The claim is audited already.
        AlreadyAudited,
        /// The claim is audited, and its auditors have not answered yet: wait for the event `ReadyToOpen`.
        AuditorsNotReady,
        /// The claim is audited: wait until its auditors have opened their answers.
        UnderAudit,
        /// The jobs of a batch were sealed in too many blocks, or too many of them were audited: `MaxDraws` together.
        /// Claim or accept some of them in another batch.
        TooManyDraws,
        /// The output is part of the claim: read it there.
        OutputIsInline,
        /// The output was demanded already, and a job's output is demanded once.
        AlreadyDemanded,
        /// The output has more than `MaxDemandedBytes`: it does not go through the chain.
        OutputTooLargeToDemand,
        /// The client's free balance does not cover the deposit for the output: `DemandPieceDeposit` for each piece of
        /// `MaxPieceBytes` or less, and `DemandByteDeposit` for each byte.
        InsufficientFundsForDemand,
        /// The output was demanded: accept the result once it is delivered.
        OutputDemanded,
        /// Nobody has demanded the output.
        OutputNotDemanded,
        /// The time for the output is over: the job is refunded, at the latest when somebody calls `advance`.
        DemandExpired,
        /// The piece has more than `MaxPieceBytes`: split it.
        PieceTooLong,
        /// The piece is empty, goes beyond its tensor, or ends within a chunk of 1,024 bytes.
        PieceNotWhole,
        /// The piece is not the output's next one: `Demands` says where that begins.
        WrongPiece,
    }
}

impl<T> From<TermsError> for Error<T> {
    fn from(error: TermsError) -> Self {
        match error {
            TermsError::CeilingIsZero => Self::CeilingIsZero,
            TermsError::DeadlineOutOfRange => Self::DeadlineOutOfRange,
            TermsError::WindowOutOfRange => Self::WindowOutOfRange,
            TermsError::AuctionPhaseOutOfRange => Self::AuctionPhaseOutOfRange,
        }
    }
}

impl<T> From<SchemaError> for Error<T> {
    fn from(error: SchemaError) -> Self {
        match error {
            SchemaError::WrongNumberOfSymbols { .. } => Self::WrongNumberOfSymbols,
            SchemaError::SymbolOutOfRange { .. } => Self::SymbolOutOfRange,
            SchemaError::WrongSize { .. } => Self::InputSizeMismatch,
            // A registered schema is sound.
            SchemaError::NoTensors
            | SchemaError::UnknownSymbol
            | SchemaError::EmptyRange
            | SchemaError::ZeroDimension
            | SchemaError::UnsoundDimension
            | SchemaError::ValueRange
            | SchemaError::UnboundSymbol
            | SchemaError::TooLarge => Self::Inconsistent,
        }
    }
}

impl<T> From<RequestFault> for Error<T> {
    fn from(fault: RequestFault) -> Self {
        match fault {
            RequestFault::Length { .. } => Self::SequenceLengthMismatch,
            RequestFault::Value { .. } => Self::InputOutOfRange,
        }
    }
}

impl<T> From<NoOffer> for Error<T> {
    fn from(reason: NoOffer) -> Self {
        match reason {
            NoOffer::NoneForModel => Self::NoOffer,
            NoOffer::CeilingTooLow => Self::CeilingBelowEveryPrice,
            NoOffer::AllBusy => Self::AllWorkersBusy,
            NoOffer::DeadlineTooShort => Self::DeadlineBelowEveryOffer,
            NoOffer::WindowTooShort => Self::WindowBelowEveryOffer,
            NoOffer::WindowTooLong => Self::WindowAboveEveryOffer,
            NoOffer::TooNew => Self::OffersTooNew,
            NoOffer::UnknownModel => Self::UnknownModel,
            NoOffer::ModelDeprecated => Self::ModelDeprecated,
        }
    }
}

impl<T> From<Unavailable> for Error<T> {
    fn from(reason: Unavailable) -> Self {
        match reason {
            Unavailable::NotRegistered => Self::NotRegistered,
            Unavailable::NotActive => Self::WorkerNotActive,
            Unavailable::AtCapacity => Self::AllWorkersBusy,
            Unavailable::StakeTooSmall => Self::StakeTooSmall,
            Unavailable::Resting => Self::WorkerResting,
        }
    }
}

impl<T> From<PieceError> for Error<T> {
    fn from(error: PieceError) -> Self {
        match error {
            PieceError::TooLong => Self::PieceTooLong,
            PieceError::NotWholeChunks => Self::PieceNotWhole,
            PieceError::NotOfOutput => Self::WrongPiece,
            // A demand ends with the last piece.
            PieceError::NothingLeft => Self::Inconsistent,
        }
    }
}
