//! Invariants: of the constants before the chain starts, and of the state after every block.

use crate::{
    Awards, BalanceOf, Config, Defences, Disputes, EndOfAwards, Ended, FirstAward, HoldReason, LongestGame,
    NextDisputeId, Pallet, Reveals,
};
use alloc::collections::BTreeMap;
use assay_types::{
    Claims,
    dispute::{Place, Side},
};
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{Get, fungible::InspectHold},
    },
    frame_system,
    sp_runtime::{
        Perbill, TryRuntimeError,
        traits::{Saturating, Zero},
    },
};

impl<T: Config> Pallet<T> {
    /// Panics if the constants contradict each other.
    pub(crate) fn do_integrity_test() {
        if let Err(why) = Self::check_constants() {
            panic!("{why}");
        }
    }

    /// Says which constants contradict each other, if any do.
    pub fn check_constants() -> Result<(), &'static str> {
        ensure!(
            Self::shares().burn_half(),
            "SlashToChallenger and SlashToClient together must be at most half, or a cheat could convict itself at a profit"
        );
        ensure!(
            !T::LeastBond::get().is_zero(),
            "LeastBond must not be zero: a challenge that fails must cost something"
        );
        ensure!(
            !T::LeastTurnBlocks::get().is_zero() && T::LeastTurnBlocks::get() <= T::ClockBlocks::get(),
            "LeastTurnBlocks must be more than zero and at most ClockBlocks"
        );
        ensure!(
            T::LostBondToWorker::get() <= Perbill::from_percent(50),
            "at least half of a lost bond must be burned, or a worker could challenge itself to keep others out"
        );
        let part = T::LateFeeToChallenger::get();
        ensure!(
            part * T::LateFee::get() <= T::BondPerStake::get() && part * T::LeastLateFee::get() <= T::LeastBond::get(),
            "the challenger's part of a late fee must not be more than the bond that it loses to a worker that can answer"
        );
        ensure!(
            T::LateAnswerBlocks::get() >= LongestGame::<T>::get(),
            "LateAnswerBlocks must be enough for a game: a worker that comes back must be able to finish it"
        );
        ensure!(
            T::LeastTurnBlocks::get() <= T::ChallengerClockBlocks::get(),
            "LeastTurnBlocks must be at most ChallengerClockBlocks"
        );
        ensure!(
            T::CalledDisputes::get() > 0,
            "CalledDisputes must not be zero: no dispute would ever be called"
        );
        Ok(())
    }

    /// Checks money against records, and each record against the others.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::check_bonds()?;
        Self::check_games()?;
        Self::check_defences()?;
        Self::check_awards()?;
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
            let claimed = T::Claims::claimed(job).map_err(|_| "a dispute is about a job without a claim")?;
            ensure!(
                claimed.worker == dispute.worker
                    && claimed.locked == dispute.locked
                    && claimed.definition == dispute.definition,
                "a dispute names another worker, another lock or another definition than the job"
            );
            ensure!(
                !dispute.waits || (dispute.trace.is_none() && dispute.late_until.is_none()),
                "a worker has answered in a dispute that waits, or is late in it"
            );
            ensure!(!dispute.games.is_empty(), "a dispute has no game");
            ensure!(
                dispute.id < NextDisputeId::<T>::get(),
                "a dispute has a number that was not given out"
            );
            for (index, game) in dispute.games.iter().enumerate() {
                let later = dispute.games.iter().skip(index.saturating_add(1));
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

    /// Every dispute is on its worker's list once, and those that are called come first.
    fn check_defences() -> Result<(), TryRuntimeError> {
        let mut listed = 0usize;
        for (worker, defences) in Defences::<T>::iter() {
            ensure!(!defences.jobs.is_empty(), "an empty list of defences is stored");
            let mut games = 0usize;
            let mut before = None;
            for (place, job) in defences.jobs.iter().enumerate() {
                let dispute = Disputes::<T>::get(job).ok_or("a listed dispute is over")?;
                ensure!(dispute.worker == worker, "a dispute is on another worker's list");
                ensure!(
                    dispute.waits == (place >= Self::called()),
                    "a dispute waits that is called, or is called out of turn"
                );
                ensure!(before < Some(dispute.id), "a worker's disputes are out of order");
                before = Some(dispute.id);
                games = games.saturating_add(dispute.games.len());
                listed = listed.saturating_add(1);
            }
            ensure!(
                usize::try_from(defences.games).is_ok_and(|counted| counted == games),
                "a worker's games were miscounted"
            );
        }
        ensure!(listed == Disputes::<T>::iter_keys().count(), "a dispute is on no list");
        Ok(())
    }

    fn check_awards() -> Result<(), TryRuntimeError> {
        for (slash, award) in Awards::<T>::iter() {
            ensure!(
                (FirstAward::<T>::get()..EndOfAwards::<T>::get()).contains(&slash),
                "an award is where nobody forgets it"
            );
            ensure!(!award.finders.is_empty(), "an award has no finder left");
        }
        Ok(())
    }

    /// Checks that every statement belongs to a dispute that lasts, or to one that is to be swept.
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
