//! Removal of what was revealed in disputes that are over.

use crate::{Config, Ended, Error, Pallet, Reveals, SWEEP_ENTRIES, WeightInfo};
use assay_types::dispute::DisputeId;
use polkadot_sdk::frame_support::{
    ensure,
    weights::{Weight, WeightMeter},
};

impl<T: Config> Pallet<T> {
    /// Returns the number of entries that were looked for.
    pub(crate) fn do_sweep(dispute: DisputeId) -> Result<u32, Error<T>> {
        ensure!(Ended::<T>::contains_key(dispute), Error::<T>::NothingToSweep);
        for looked_for in 1..=SWEEP_ENTRIES {
            if !Self::sweep_one(dispute) {
                return Ok(looked_for);
            }
        }
        Ok(SWEEP_ENTRIES)
    }

    /// Removes as much as `remaining` allows; returns what it used.
    pub(crate) fn sweep_ended(remaining: Weight) -> Weight {
        let mut meter = WeightMeter::with_limit(remaining);
        while meter.try_consume(T::WeightInfo::sweep(1)).is_ok() {
            let Some(dispute) = Ended::<T>::iter_keys().next() else {
                break;
            };
            Self::sweep_one(dispute);
        }
        meter.consumed()
    }

    /// Removes one entry, or the dispute itself when none is left; whether there was one.
    fn sweep_one(dispute: DisputeId) -> bool {
        match Reveals::<T>::iter_key_prefix(dispute).next() {
            Some(place) => {
                Reveals::<T>::remove(dispute, place);
                true
            }
            None => {
                Ended::<T>::remove(dispute);
                false
            }
        }
    }
}
