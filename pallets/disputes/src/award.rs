//! Awards of convictions by proof: the oldest challenger that can show that it had found the fault gets its award.

use crate::{AwardOf, Awards, Config, EndOfAwards, Error, Event, FirstAward, Pallet, WeightInfo};
use assay_types::{Claims, HostBlake2, SlashId, dispute::FindingOpening};
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::Get,
        weights::{Weight, WeightMeter},
    },
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::DispatchResult,
};

impl<T: Config> Pallet<T> {
    /// Opens the award of a slash to its finders.
    pub(crate) fn open_award(slash: SlashId, award: AwardOf<T>) {
        Awards::<T>::insert(slash, award);
        EndOfAwards::<T>::put(slash.saturating_add(1)); // No chain has 2^64 convictions.
    }

    pub(crate) fn do_claim_award(challenger: T::AccountId, slash: SlashId, opening: &FindingOpening) -> DispatchResult {
        let award = Awards::<T>::get(slash).ok_or(Error::<T>::NoSuchAward)?;
        ensure!(Self::now() <= award.until, Error::<T>::AwardClosed);
        Self::give_award(slash, award, challenger, opening)
    }

    /// Gives an award to a finder that has opened its commitment, in place of any younger one.
    pub(crate) fn give_award(
        slash: SlashId,
        mut award: AwardOf<T>,
        challenger: T::AccountId,
        opening: &FindingOpening,
    ) -> DispatchResult {
        let place = award
            .finders
            .iter()
            .position(|finder| finder.challenger == challenger)
            .ok_or(Error::<T>::NotFinder)?;
        let finder = award.finders.get(place).ok_or(Error::<T>::NotFinder)?;
        opening
            .check::<HostBlake2, _>(award.job, &challenger, &finder.commitment, &award.wrong)
            .map_err(Error::<T>::from)?;

        let awards = [(challenger.clone(), award.amount), award.client.clone()];
        T::Claims::award(slash, awards)?;
        Self::deposit_event(Event::AwardClaimed {
            job: award.job,
            slash,
            challenger,
            amount: award.amount,
        });
        // Only older ones can still show more.
        award.finders.truncate(place);
        if award.finders.is_empty() {
            Awards::<T>::remove(slash);
        } else {
            Awards::<T>::insert(slash, award);
        }
        Ok(())
    }

    /// Forgets the awards whose time is over, in the order of their convictions and as far as `remaining` allows;
    /// returns what it used.
    pub(crate) fn forget_awards(now: BlockNumberFor<T>, remaining: Weight) -> Weight {
        let mut meter = WeightMeter::with_limit(remaining);
        if meter.try_consume(T::DbWeight::get().reads_writes(2, 1)).is_err() {
            return meter.consumed();
        }
        let (first, end) = (FirstAward::<T>::get(), EndOfAwards::<T>::get());
        let mut slash = first;
        while slash < end && meter.try_consume(T::WeightInfo::forget_award()).is_ok() {
            match Awards::<T>::get(slash) {
                Some(award) if now <= award.until => break,
                Some(_) => Awards::<T>::remove(slash),
                // Of a conviction by silence, or claimed by the oldest finder.
                None => {}
            }
            slash = slash.saturating_add(1); // It is below `end`.
        }
        if slash != first {
            FirstAward::<T>::put(slash);
        }
        meter.consumed()
    }
}
