//! The benchmark of the hooks: of a block that had room, so that the moment goes on.

use crate::{Config, Now, Pallet};
use polkadot_sdk::{
    frame_benchmarking::v2::*, frame_support::traits::Hooks, frame_system, frame_system::pallet_prelude::BlockNumberFor,
};

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn tick() {
        let block: BlockNumberFor<T> = frame_system::Pallet::<T>::block_number();
        let before = Now::<T>::get();

        #[block]
        {
            let _weight = Pallet::<T>::on_initialize(block);
            Pallet::<T>::on_finalize(block);
        }

        assert!(Now::<T>::get() > before);
    }
}
