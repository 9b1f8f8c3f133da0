//! Invariants: of the constants before the chain starts, and of the state after every block.

use crate::{Config, NextRound, OldestRound, Pallet, Rounds};
use polkadot_sdk::{
    frame_support::{ensure, traits::Get},
    sp_runtime::TryRuntimeError,
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
        let margin = T::Margin::get();
        ensure!(
            margin > 0 && margin <= 32,
            "Margin must be 1 to 32: a seed is made of rounds that are looked through"
        );
        ensure!(
            T::KeptRounds::get() > 64,
            "KeptRounds must be more than 64, or seeds were forgotten before they are known"
        );
        Ok(())
    }

    /// Checks that the rounds follow each other.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let (oldest, next) = (OldestRound::<T>::get(), NextRound::<T>::get());
        let kept = next.checked_sub(oldest).ok_or("the oldest round is yet to come")?;
        ensure!(
            kept <= u64::from(T::KeptRounds::get()) && kept == Rounds::<T>::iter_keys().count() as u64,
            "more or fewer rounds are kept than there should be"
        );
        let mut before: Option<crate::Round<_>> = None;
        for number in oldest..next {
            let round = Rounds::<T>::get(number).ok_or("a round is missing")?;
            ensure!(
                before.is_none_or(|before| before.relay_block < round.relay_block && before.moment <= round.moment),
                "a round is not later than the one before"
            );
            before = Some(round);
        }
        Ok(())
    }
}
