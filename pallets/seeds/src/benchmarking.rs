//! The benchmark of a new round, with as many others as are kept.

use crate::{Config, NextRound, OldestRound, Pallet, Round, Rounds};
use assay_types::AssayTime;
use polkadot_sdk::{frame_benchmarking::v2::*, frame_support::traits::Get};

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn note() {
        let kept = u64::from(T::KeptRounds::get());
        let round = Round {
            relay_block: 1,
            moment: T::Time::now(),
            randomness: None,
        };
        // What is between the two is neither read nor written.
        Rounds::<T>::insert(0, round);
        Rounds::<T>::insert(kept.saturating_sub(1), round);
        OldestRound::<T>::put(0);
        NextRound::<T>::put(kept);

        #[block]
        {
            let _weight = Pallet::<T>::note(2, Some([7; 32]));
        }

        assert_eq!(OldestRound::<T>::get(), 1);
    }
}
