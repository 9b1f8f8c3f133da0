//! Answers for the runtime API: nothing here changes state.

use crate::{BalanceOf, Config, DisputeOf, Disputes, Pallet, Reveals};
use assay_types::{
    ClaimedJobs, JobId, Page,
    dispute::{Place, Revealed, bond},
};
use polkadot_sdk::frame_support::traits::Get;

impl<T: Config> Pallet<T> {
    /// The disputes in which an account is the worker or a challenger.
    pub fn disputes_of(account: &T::AccountId, after: Option<JobId>, limit: u32) -> Page<DisputeOf<T>> {
        let concerns = |dispute: &DisputeOf<T>| {
            dispute.worker == *account || dispute.games.iter().any(|game| game.challenger == *account)
        };
        let disputes = match after {
            None => Disputes::<T>::iter(),
            Some(job) => Disputes::<T>::iter_from(Disputes::<T>::hashed_key_for(job)),
        };
        Page::of(disputes, limit, |_, dispute| concerns(dispute))
    }

    /// The statement that was revealed of a place in the dispute over a job.
    pub fn revealed(job: JobId, place: Place) -> Option<Revealed> {
        Reveals::<T>::get(Disputes::<T>::get(job)?.id, place)
    }

    /// The bond of a challenge to this job now; `None` if the job cannot be challenged.
    pub fn bond_of_next_game(job: JobId) -> Option<BalanceOf<T>> {
        if let Some(dispute) = Disputes::<T>::get(job) {
            return Some(Self::next_bond(&dispute));
        }
        let claimed = T::Jobs::claimed(job).ok()?;
        Some(bond(claimed.locked, T::LeastBond::get(), T::BondPerStake::get(), 0))
    }
}
