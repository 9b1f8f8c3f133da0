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
        if let Err(why) = Self::check_constants() {
            panic!("{why}");
        }
    }

    /// Says which constants contradict each other, if any do.
    pub fn check_constants() -> Result<(), &'static str> {
        let share = T::FullShare::get();
        ensure!(
            !share.is_zero() && !share.is_one(),
            "FullShare must be more than nothing, or time would stand still, and less than the whole"
        );
        let target = T::LaneTarget::get();
        ensure!(
            !target.is_zero() && !target.is_one(),
            "LaneTarget must be more than nothing and less than the whole, or the lane's price would go one way only"
        );
        Ok(())
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
