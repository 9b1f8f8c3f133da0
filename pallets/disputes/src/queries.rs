//! Answers for the runtime API: nothing here changes state.

use crate::{AwardOf, Awards, BalanceOf, Config, DisputeOf, Disputes, Pallet, Reveals};
use assay_types::{
    ClaimId, Claims, Page, SlashId,
    dispute::{Place, Revealed},
};

impl<T: Config> Pallet<T> {
    /// The disputes in which an account is the worker or a challenger.
    pub fn disputes_of(account: &T::AccountId, after: Option<ClaimId>, limit: u32) -> Page<DisputeOf<T>> {
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
    pub fn revealed(job: ClaimId, place: Place) -> Option<Revealed> {
        Reveals::<T>::get(Disputes::<T>::get(job)?.id, place)
    }

    /// The bond of a challenge to this job now; `None` if the job cannot be challenged.
    pub fn bond_of_next_game(job: ClaimId) -> Option<BalanceOf<T>> {
        let claimed = T::Claims::claimed(job).ok()?;
        Self::ensure_judged(claimed.definition).ok()?;
        Some(match Disputes::<T>::get(job) {
            Some(dispute) => Self::bond_over(&claimed, &dispute.games, &Self::rules_of(dispute.id)),
            None => Self::bond_over(&claimed, &[], &Self::rules_in_force()),
        })
    }

    /// The awards that an account may still claim, by their slashes, which page as jobs do.
    pub fn awards_of(account: &T::AccountId, after: Option<SlashId>, limit: u32) -> Page<AwardOf<T>> {
        let awards = match after {
            None => Awards::<T>::iter(),
            Some(slash) => Awards::<T>::iter_from(Awards::<T>::hashed_key_for(slash)),
        };
        let now = Self::now();
        Page::of(awards, limit, |_, award| {
            now <= award.until && award.finders.iter().any(|finder| finder.challenger == *account)
        })
    }
}
