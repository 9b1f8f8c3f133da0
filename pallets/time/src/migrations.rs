//! Effects of migrations over several blocks on time, whichever pallet's records they change.

use crate::{Config, Halted, LetNoneIn, Pallet, Skipped};
use polkadot_sdk::{
    frame_support::migrations::{
        FailedMigrationHandler, FailedMigrationHandling, MigrationStatusHandler, MultiStepMigrator,
    },
    frame_system::{self, pallet_prelude::BlockNumberFor},
    sp_runtime::traits::{BlockNumberProvider, Saturating},
};

impl<T: Config> Pallet<T> {
    /// Notes that this block belongs to a migration, if it does.
    pub(crate) fn skip_if_migrating() {
        if T::MultiBlockMigrator::ongoing() {
            // Saturating: there are no more of them than blocks.
            Skipped::<T>::mutate(|skipped| skipped.saturating_inc());
        }
    }
}

impl<T: Config> MigrationStatusHandler for Pallet<T> {
    /// The last block of a migration has let no call in, and does not look like it at its end.
    fn completed() {
        LetNoneIn::<T>::put(true);
        Halted::<T>::kill();
    }
}

impl<T: Config> FailedMigrationHandler for Pallet<T> {
    /// Some records are migrated and others are not: nobody makes a call on them, and nobody is late meanwhile. Calls
    /// are let in again for governance alone, which the runtime's filter sees to.
    fn failed(_migration: Option<u32>) -> FailedMigrationHandling {
        Halted::<T>::put(true);
        FailedMigrationHandling::ForceUnstuck
    }
}

/// The number of blocks without those of migrations, for what is scheduled.
impl<T: Config> BlockNumberProvider for Pallet<T> {
    type BlockNumber = BlockNumberFor<T>;

    fn current_block_number() -> Self::BlockNumber {
        // Saturating: no more blocks are skipped than there are.
        frame_system::Pallet::<T>::block_number().saturating_sub(Skipped::<T>::get())
    }
}
