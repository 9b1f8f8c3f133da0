//! Invariants: of the constants before the chain starts, and of the state after every block.

use crate::{Config, Now, Pallet};
use polkadot_sdk::{
    frame_support::{ensure, traits::Get},
    frame_system,
    sp_runtime::{TryRuntimeError, traits::Zero},
};

impl<T: Config> Pallet<T> {
    /// Panics if the constants contradict each other.
    pub(crate) fn do_integrity_test() {
        let share = T::FullShare::get();
        assert!(
            !share.is_zero() && !share.is_one(),
            "FullShare must be more than nothing, or time would stand still, and less than the whole"
        );
    }

    /// Checks that time is not ahead of the blocks that it counts.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let (now, number) = (Now::<T>::get(), frame_system::Pallet::<T>::block_number());
        ensure!(now <= number, "more moments have passed than blocks");
        ensure!(
            number.is_zero() || !now.is_zero(),
            "there are blocks, and the first one has not begun a moment"
        );
        Ok(())
    }
}
