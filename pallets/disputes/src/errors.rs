//! The rules' refusals as this pallet's errors.

use crate::Error;
use assay_exact::{element::ElementError, judge::JudgeError};
use assay_types::{
    NotChallengeable,
    dispute::{FindingError, PointError, StatementError},
};

impl<T> From<NotChallengeable> for Error<T> {
    fn from(refusal: NotChallengeable) -> Self {
        match refusal {
            NotChallengeable::UnknownJob => Self::UnknownJob,
            NotChallengeable::NotClaimed => Self::NotClaimed,
            NotChallengeable::WindowPassed => Self::WindowPassed,
            NotChallengeable::UnknownModel => Self::UnknownModel,
        }
    }
}

impl<T> From<StatementError> for Error<T> {
    fn from(error: StatementError) -> Self {
        match error {
            StatementError::AnotherPlace => Self::NotAsked,
            StatementError::Opening(error) => error.into(),
            StatementError::TooManySymbols => Self::TooManySymbols,
            StatementError::NodeCount => Self::WrongNumberOfNodes,
            StatementError::Digest => Self::DigestMismatch,
            StatementError::Unsound => Self::UnsoundTensor,
            StatementError::ChunkLength => Self::WrongChunkLength,
        }
    }
}

impl<T> From<JudgeError> for Error<T> {
    fn from(error: JudgeError) -> Self {
        match error {
            JudgeError::NoOperator => Self::NoSuchOperator,
            JudgeError::Operator => Self::OperatorDoesNotOpen,
            JudgeError::Header => Self::HeaderDoesNotOpen,
            JudgeError::OperandCount => Self::WrongNumberOfOperands,
            JudgeError::Wiring { .. } => Self::OperandNotBefore,
            JudgeError::Membership { .. } => Self::OperandDoesNotOpen,
            JudgeError::Unsound { .. } => Self::UnsoundOperand,
            JudgeError::Chunks { .. } => Self::ChunksDoNotOpen,
            JudgeError::Superfluous { .. } => Self::SuperfluousChunk,
            JudgeError::Symbols => Self::SymbolsDoNotFit,
            JudgeError::Shape(_) => Self::OperandsDoNotFit,
            JudgeError::NoElement => Self::NoSuchElement,
            JudgeError::Element(ElementError::Closed { .. }) => Self::ChunkMissing,
            JudgeError::Element(ElementError::Unfit) => Self::OperandsDoNotFit,
            JudgeError::Inputs => Self::InputsDoNotOpen,
            JudgeError::Bind(_) => Self::InputsDoNotFit,
            JudgeError::Output => Self::OutputDoesNotOpen,
            JudgeError::Advice => Self::InputsDoNotOpen,
            JudgeError::Source => Self::SourceDoesNotOpen,
        }
    }
}

impl<T> From<PointError> for Error<T> {
    fn from(error: PointError) -> Self {
        match error {
            PointError::NoSuchEntry => Self::NoSuchEntry,
            PointError::NothingBelow => Self::NothingBelow,
            PointError::Inconsistent => Self::Inconsistent,
        }
    }
}

impl<T> From<FindingError> for Error<T> {
    fn from(error: FindingError) -> Self {
        match error {
            FindingError::Commitment => Self::CommitmentMismatch,
            FindingError::Membership => Self::FindingNotInTrace,
            FindingError::Chunk => Self::FindingChunkDoesNotOpen,
            FindingError::Element => Self::NotFound,
        }
    }
}
