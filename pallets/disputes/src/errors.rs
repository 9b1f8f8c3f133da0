//! The rules' refusals as this pallet's errors.

use crate::Error;
use assay_types::{
    NotChallengeable,
    dispute::{PointError, StatementError},
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
            StatementError::Opening(_) | StatementError::TooManySymbols => Self::DoesNotOpen,
            StatementError::NodeCount => Self::WrongNumberOfNodes,
            StatementError::Digest => Self::DigestMismatch,
            StatementError::Unsound => Self::UnsoundTensor,
            StatementError::ChunkLength => Self::WrongChunkLength,
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
