//! The rules' refusals as this pallet's errors.

use crate::{Error, RefusedChange};

impl<T> From<RefusedChange> for Error<T> {
    fn from(refusal: RefusedChange) -> Self {
        match refusal {
            RefusedChange::OutOfRange(name) => Self::OutOfRange(name),
            RefusedChange::Contradiction(name) => Self::Contradiction(name),
            RefusedChange::TooManyChanges(name) => Self::TooManyChanges(name),
        }
    }
}
