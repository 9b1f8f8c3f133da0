//! The rules' and the registries' refusals as this pallet's errors.

use crate::{Error, terms::TermsError};
use assay_types::{NoOffer, SchemaError, Unavailable, payload::RequestFault};

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
