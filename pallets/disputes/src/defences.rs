//! A worker's defences: the disputes about its claims, in the order in which they began. The clocks of the first few
//! run; the others wait.

use crate::{Config, Defences, DisputeOf, Disputes, Error, Pallet};
use assay_types::{
    ClaimId,
    dispute::{Clock, MAX_DEFENCES},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{frame_support::traits::Get, sp_core::ConstU32, sp_runtime::BoundedVec};
use scale_info::TypeInfo;

/// The disputes about one worker's claims.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct WorkersDefences {
    /// The jobs that are disputed, the oldest dispute first.
    pub jobs: BoundedVec<ClaimId, ConstU32<MAX_DEFENCES>>,
    /// The games that are played in all of them.
    pub games: u32,
}

impl<T: Config> Pallet<T> {
    /// Disputes of one worker whose clocks run.
    pub(crate) fn called() -> usize {
        usize::try_from(T::CalledDisputes::get()).unwrap_or(usize::MAX)
    }

    /// Puts a new dispute at the end of its worker's list. It waits if there are enough before it.
    pub(crate) fn enlist(job: ClaimId, dispute: &mut DisputeOf<T>) -> Result<(), Error<T>> {
        Defences::<T>::try_mutate(&dispute.worker, |defences| {
            dispute.waits = defences.jobs.len() >= Self::called();
            defences.jobs.try_push(job).map_err(|_| Error::<T>::TooManyDefences)
        })
    }

    /// Counts a game that begins.
    pub(crate) fn count_game(worker: &T::AccountId) {
        // Saturating: there are at most `MAX_DEFENCES` times `ALL_GAMES`.
        Defences::<T>::mutate(worker, |defences| defences.games = defences.games.saturating_add(1));
    }

    /// Stops counting games that are over.
    pub(crate) fn discount_games(worker: &T::AccountId, games: usize) {
        let games = u32::try_from(games).unwrap_or(u32::MAX);
        // Saturating: each of them was counted.
        Defences::<T>::mutate(worker, |defences| defences.games = defences.games.saturating_sub(games));
    }

    /// Takes a dispute that is over off its worker's list, and calls the oldest one that waits.
    pub(crate) fn strike_off(job: ClaimId, worker: &T::AccountId) {
        let mut defences = Defences::<T>::get(worker);
        defences.jobs.retain(|other| *other != job);
        let last_called = Self::called().saturating_sub(1);
        if let Some(next) = defences.jobs.get(last_called) {
            Self::call_dispute(*next);
        }
        if defences.jobs.is_empty() {
            Defences::<T>::remove(worker);
        } else {
            Defences::<T>::insert(worker, defences);
        }
    }

    /// Starts the clocks of a dispute, if it waits.
    fn call_dispute(job: ClaimId) {
        Disputes::<T>::mutate_extant(job, |dispute| {
            if !core::mem::replace(&mut dispute.waits, false) {
                return;
            }
            let (now, clocks) = (Self::now(), Self::rules_of(dispute.id).clock);
            for game in &mut dispute.games {
                game.clock = Clock::start(now, game.turn, &clocks);
            }
        });
    }
}
