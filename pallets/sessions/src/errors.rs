//! The registries' refusals as this pallet's errors.

use crate::Error;
use assay_types::Unavailable;

impl<T> From<Unavailable> for Error<T> {
    fn from(reason: Unavailable) -> Self {
        match reason {
            Unavailable::NotRegistered => Self::NotRegistered,
            Unavailable::NotActive => Self::WorkerNotActive,
            Unavailable::AtCapacity => Self::WorkerBusy,
            Unavailable::StakeTooSmall => Self::StakeTooSmall,
            Unavailable::Resting => Self::WorkerResting,
        }
    }
}
