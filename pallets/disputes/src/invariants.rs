//! What must hold after every call.

use crate::*;
use alloc::collections::BTreeMap;
use assay_types::{
    ClaimedJobs,
    dispute::{Place, Side},
};
use frame_support::{ensure, traits::fungible::InspectHold};
use sp_runtime::{TryRuntimeError, traits::Saturating};

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the disputes over the whole state.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::check_bonds()?;
        Self::check_games()?;
        Self::check_reveals()
    }

    /// Every account's hold is the sum of its games' bonds; accounts without a game are looked at as well.
    fn check_bonds() -> Result<(), TryRuntimeError> {
        let mut bonds = BTreeMap::<T::AccountId, BalanceOf<T>>::new();
        for dispute in Disputes::<T>::iter_values() {
            for game in dispute.games {
                let sum = bonds.entry(game.challenger).or_default();
                // Saturating: a sum that saturates differs from any hold, so the check fails as it should.
                *sum = sum.saturating_add(game.bond);
            }
        }
        for account in frame_system::Account::<T>::iter_keys() {
            let held = T::Currency::balance_on_hold(&HoldReason::Bond.into(), &account);
            ensure!(
                held == bonds.get(&account).copied().unwrap_or_default(),
                "a hold differs from the bonds"
            );
        }
        Ok(())
    }

    fn check_games() -> Result<(), TryRuntimeError> {
        for (job, dispute) in Disputes::<T>::iter() {
            ensure!(
                T::Jobs::claimed(job).is_ok(),
                "a dispute is about a job without a claim"
            );
            ensure!(!dispute.games.is_empty(), "a dispute has no game");
            ensure!(
                dispute.id < NextDisputeId::<T>::get(),
                "a dispute has a number that was not given out"
            );
            for (place, game) in dispute.games.iter().enumerate() {
                let later = dispute.games.iter().skip(place.saturating_add(1));
                ensure!(
                    later.into_iter().all(|other| other.challenger != game.challenger),
                    "a challenger plays twice"
                );
                let revealed = Reveals::<T>::contains_key(dispute.id, game.place);
                // A worker that is late in one game may still reveal the place for another; the late one is lost all
                // the same.
                let late = game.turn == Side::Worker && game.clock.is_over(Self::now());
                ensure!(
                    late || revealed == (game.turn == Side::Challenger),
                    "it is the challenger's turn where nothing is revealed, or the worker's where something is"
                );
                let within = matches!(game.place, Place::TensorSpan { .. } | Place::Chunk { .. })
                    || (matches!(game.place, Place::Tensor { .. }) && revealed);
                ensure!(
                    late || game.tensor.is_some() == within,
                    "a game has a tensor that it is not in, or lacks the one that it is in"
                );
            }
            ensure!(
                dispute.trace.is_some() == Reveals::<T>::contains_key(dispute.id, Place::Trace),
                "what is known of a trace is not what was revealed"
            );
        }
        Ok(())
    }

    /// What is revealed belongs to a dispute that lasts, or to one that is to be swept.
    fn check_reveals() -> Result<(), TryRuntimeError> {
        for (dispute, _) in Reveals::<T>::iter_keys() {
            let lasts = Disputes::<T>::iter_values().any(|other| other.id == dispute);
            ensure!(
                lasts != Ended::<T>::contains_key(dispute),
                "something revealed belongs to no dispute, or to one that is over and is not"
            );
        }
        Ok(())
    }
}
