//! The chain's part of a job's terms: a change of a parameter leaves it as it was when the job was submitted.

use crate::{Config, JobRulesOf, KeptRules, NextJobId, Pallet};
use assay_types::{
    AssayTime, JobId, WorkerRegistry,
    kept::{TooManyKept, keep, kept_for},
};
use polkadot_sdk::{frame_support::traits::Get, frame_system::pallet_prelude::BlockNumberFor};

impl<T: Config> Pallet<T> {
    /// The rules of jobs that are submitted now.
    fn rules_in_force() -> JobRulesOf<T> {
        JobRulesOf::<T> {
            missed: T::NonDeliverySlash::get(),
            declined: T::DeclineSlash::get(),
            compensation: T::MissCompensation::get(),
            min_stake: T::Workers::min_stake(),
        }
    }

    /// The rules of a job.
    pub(crate) fn rules_of(job: JobId) -> JobRulesOf<T> {
        kept_for(&KeptRules::<T>::get(), job).unwrap_or_else(Self::rules_in_force)
    }

    /// Keeps the rules in force for the jobs that are open, because a parameter is about to change. No job lasts longer
    /// than `outlived` blocks.
    pub fn keep_rules(outlived: BlockNumberFor<T>) -> Result<(), TooManyKept> {
        let mut kept = KeptRules::<T>::get();
        let time = (T::Time::now(), outlived);
        keep(&mut kept, NextJobId::<T>::get(), time, Self::rules_in_force)?;
        KeptRules::<T>::put(kept);
        Ok(())
    }
}
