//! The rules' refusals as this pallet's errors.

use crate::{Error, stake::CannotUnbond};

impl<T> From<CannotUnbond> for Error<T> {
    fn from(refusal: CannotUnbond) -> Self {
        match refusal {
            CannotUnbond::MoreThanFree => Self::FreeStakeTooSmall,
            CannotUnbond::BelowMinimum => Self::RemainingStakeTooSmall,
        }
    }
}
