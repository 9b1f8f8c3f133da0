//! Removal of what was revealed in disputes that are over.

use crate::{Config, Ended, Error, Pallet, Reveals, SWEEP_ENTRIES, WeightInfo};
use assay_types::dispute::DisputeId;
use polkadot_sdk::frame_support::{
    ensure,
    traits::Get,
    weights::{Weight, WeightMeter},
};

impl<T: Config> Pallet<T> {
    /// Returns the number of entries that were looked for.
    pub(crate) fn do_sweep(dispute: DisputeId) -> Result<u32, Error<T>> {
        ensure!(Ended::<T>::contains_key(dispute), Error::<T>::NothingToSweep);
        let mut looked_for = 0u32;
        Self::sweep_dispute(dispute, || {
            let goes_on = looked_for < SWEEP_ENTRIES;
            looked_for = looked_for.saturating_add(1).min(SWEEP_ENTRIES);
            goes_on
        });
        Ok(looked_for)
    }

    /// Removes as much as `remaining` allows; returns what it used.
    pub(crate) fn sweep_ended(remaining: Weight) -> Weight {
        let mut meter = WeightMeter::with_limit(remaining);
        // To find that there is no such dispute.
        if meter.try_consume(T::DbWeight::get().reads(1)).is_err() {
            return meter.consumed();
        }
        for dispute in Ended::<T>::iter_keys() {
            let is_gone = Self::sweep_dispute(dispute, || meter.try_consume(T::WeightInfo::sweep(1)).is_ok());
            if !is_gone {
                break;
            }
        }
        meter.consumed()
    }

    /// Removes the entries of a dispute and then its mark, each if `goes_on` says so; whether all is gone.
    ///
    /// Each key is looked for behind the one before it. From the beginning, one would pass all keys that were removed
    /// in this block.
    fn sweep_dispute(dispute: DisputeId, mut goes_on: impl FnMut() -> bool) -> bool {
        for place in Reveals::<T>::iter_key_prefix(dispute) {
            if !goes_on() {
                return false;
            }
            Reveals::<T>::remove(dispute, place);
        }
        let is_gone = goes_on();
        if is_gone {
            Ended::<T>::remove(dispute);
        }
        is_gone
    }
}
