//! Answers for the runtime API: nothing here changes state.

use crate::{BalanceOf, Config, DisputeOf, Disputes, Pallet, Reveals};
use alloc::vec::Vec;
use assay_types::{
    ClaimedJobs, JobId,
    dispute::{Place, Revealed, bond},
    limits::MAX_LISTED_JOBS,
};
use polkadot_sdk::frame_support::traits::Get;

impl<T: Config> Pallet<T> {
    /// The disputes in which an account is the worker or a challenger.
    pub fn disputes_of(account: &T::AccountId) -> Vec<(JobId, DisputeOf<T>)> {
        let concerns = |dispute: &DisputeOf<T>| {
            dispute.worker == *account || dispute.games.iter().any(|game| game.challenger == *account)
        };
        let mut disputes: Vec<_> = Disputes::<T>::iter()
            .filter(|(_, dispute)| concerns(dispute))
            .take(MAX_LISTED_JOBS as usize)
            .collect();
        disputes.sort_by_key(|(job, _)| *job);
        disputes
    }

    /// What was revealed of a place in the dispute over a job.
    pub fn revealed(job: JobId, place: Place) -> Option<Revealed> {
        Reveals::<T>::get(Disputes::<T>::get(job)?.id, place)
    }

    /// What a challenge to this job would hold now; nothing if it cannot be challenged.
    pub fn bond_of_next_game(job: JobId) -> Option<BalanceOf<T>> {
        if let Some(dispute) = Disputes::<T>::get(job) {
            return Some(Self::next_bond(&dispute));
        }
        let claim = T::Jobs::claimed(job).ok()?;
        Some(bond(claim.locked, T::LeastBond::get(), T::BondPerStake::get(), 0))
    }
}
