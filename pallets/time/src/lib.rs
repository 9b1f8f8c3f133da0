//! # Time
//!
//! Assay time: the number of blocks that had room; and the price of the lane.
//!
//! ## Design
//!
//! Everybody who loses money by being late loses it by a clock, and a clock that counts blocks goes on while somebody
//! else fills them. So the clocks of Assay's pallets count the blocks that had room for more calls. At the end of each
//! block this pallet compares what the block's calls used with what they may use; the next block begins with one moment
//! more if there was room, and with the same moment if there was none.
//!
//! A block had room if its ordinary calls used less than [`Config::FullShare`] of what ordinary calls may, if all its
//! calls together used less than that share of the block, and if its bytes were less than that share of what ordinary
//! calls may have. So an ordinary call and an urgent one of a quarter of their room each would have found a place.
//! Hooks and inherents are not counted: no account can make them longer. Blocks of a migration over several blocks let
//! no call in, so they have no room, from the block of the upgrade to the last one of the migration. After a migration
//! that failed the chain is *halted*: it takes the calls of governance alone, and no block has room.
//!
//! Schedules count blocks and not moments, lest a halted chain could not be repaired; and no block of a
//! migration, so that nothing is carried out on records that are not migrated.
//!
//! Nothing here knows who filled a block. Time that is stopped stops for all: nobody misses a deadline, and nothing is
//! settled. The fee multipliers bound for how long that can be paid for.
//!
//! The runtime has a lane for calls by which somebody loses money by not making them. They are charged by a fee
//! multiplier of their own, which follows how full the lane is, as that of ordinary calls follows how full the rest is.
//! So whoever fills blocks with ordinary calls does not make the urgent ones expensive, and whoever fills the lane pays
//! as much more for each block as it would elsewhere.
//!
//! ## Terminology
//!
//! * **Moment**: a number of blocks that had room, as [`Pallet::now`] gives it. In the first block it is 1.
//! * **Room**: what is left of a block's limits by its calls.
//! * **Lane**: what a block has for urgent calls, which FRAME calls operational.
//! * **Halted**: said of a chain of which a migration has failed.
//!
//! ## Properties
//!
//! * The moment is the same throughout a block, and grows by at most one from block to block.
//! * The moment is never more than the block's number, and equals it on a chain whose blocks never were full.
//! * Whether a block had room is known at its end, from the block alone.
//!
//! [`Pallet::do_try_state`] checks what of this can be seen in storage.
//!
//! ## Calls
//!
//! None.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

use polkadot_sdk::*;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod invariants;
mod migrations;
pub mod room;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use weights::WeightInfo;

use assay_types::AssayTime;
use frame_support::{dispatch::DispatchClass, migrations::MultiStepMigrator, traits::Get};
use frame_system::pallet_prelude::BlockNumberFor;
use room::{Lane, Limits, Used, has_room, next_multiplier};
use sp_runtime::FixedU128;

/// Assay time: the number of blocks that had room for more calls, in which all deadlines are counted.
#[frame_support::pallet]
pub mod pallet {
    use crate::WeightInfo;
    use polkadot_sdk::{
        frame_support::pallet_prelude::*,
        frame_system::pallet_prelude::*,
        sp_runtime::{
            FixedU128, Perbill,
            traits::{One, Saturating},
        },
    };

    /// In-code storage version.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// The pallet.
    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// Types and constants that the runtime gives this pallet.
    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config {
        /// Share of what calls may use of a block from which the block counts as full.
        #[pallet::constant]
        type FullShare: Get<Perbill>;

        /// Share of a block by urgent calls at which the lane's price stays as it is.
        #[pallet::constant]
        type LaneTarget: Get<Perbill>;

        /// Part of the difference from `LaneTarget` by which each block changes the lane's price.
        #[pallet::constant]
        type LaneSpeed: Get<Perbill>;

        /// Weights of the hooks.
        type WeightInfo: WeightInfo;
    }

    /// The moment of this block; after the block, that of the latest one.
    #[pallet::storage]
    pub type Now<T> = StorageValue<_, BlockNumberFor<T>, ValueQuery>;

    /// Whether the latest block that has ended was full.
    #[pallet::storage]
    pub type WasFull<T> = StorageValue<_, bool, ValueQuery>;

    /// Blocks that belonged to migrations. Those who schedule calls do not count them.
    #[pallet::storage]
    pub type Skipped<T> = StorageValue<_, BlockNumberFor<T>, ValueQuery>;

    /// Whether a migration came to its end in this block, which let no call in.
    #[pallet::storage]
    pub type LetNoneIn<T> = StorageValue<_, bool, ValueQuery>;

    /// Whether a migration has failed, and none has succeeded since.
    #[pallet::storage]
    pub type Halted<T> = StorageValue<_, bool, ValueQuery>;

    /// The fee multiplier of the lane in a chain that has none yet.
    #[pallet::type_value]
    pub fn FirstMultiplier() -> FixedU128 {
        FixedU128::one()
    }

    /// The fee multiplier of the lane.
    #[pallet::storage]
    pub type LaneMultiplier<T> = StorageValue<_, FixedU128, ValueQuery, FirstMultiplier>;

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_: BlockNumberFor<T>) -> Weight {
            if !WasFull::<T>::get() {
                // Saturating: block numbers end far beyond any deadline.
                Now::<T>::mutate(|now| now.saturating_inc());
            }
            Self::skip_if_migrating();
            T::WeightInfo::tick()
        }

        fn on_finalize(_: BlockNumberFor<T>) {
            WasFull::<T>::put(Self::is_full());
            LetNoneIn::<T>::kill();
            LaneMultiplier::<T>::put(Self::next_lane_multiplier());
        }

        fn integrity_test() {
            Self::do_integrity_test();
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The moment of Assay time after this block.
        pub fn moment() -> BlockNumberFor<T> {
            Now::<T>::get()
        }

        /// Whether the chain is halted: time stands still, and only governance can make calls.
        pub fn is_halted() -> bool {
            Halted::<T>::get()
        }

        /// The fee multiplier of the lane after this block.
        pub fn lane_multiplier() -> FixedU128 {
            LaneMultiplier::<T>::get()
        }
    }
}

impl<T: Config> Pallet<T> {
    /// Whether the calls of this block have left no room, up to now, or none were let in.
    pub fn is_full() -> bool {
        if T::MultiBlockMigrator::ongoing() || LetNoneIn::<T>::get() || Halted::<T>::get() {
            return true;
        }
        let weight = frame_system::BlockWeight::<T>::get();
        let (normal, operational) = (
            *weight.get(DispatchClass::Normal),
            *weight.get(DispatchClass::Operational),
        );
        let (weights, lengths) = (T::BlockWeights::get(), T::BlockLength::get());
        let used = Used {
            ordinary: normal,
            // Saturating: a sum that saturates is full.
            all: normal.saturating_add(operational),
            bytes: frame_system::Pallet::<T>::block_size(),
        };
        let limits = Limits {
            ordinary: weights
                .get(DispatchClass::Normal)
                .max_total
                .unwrap_or(weights.max_block),
            all: weights.max_block,
            bytes: *lengths.max.get(DispatchClass::Normal),
        };
        !has_room(&used, &limits, T::FullShare::get())
    }

    /// The fee multiplier of the lane that follows from this block, up to now.
    fn next_lane_multiplier() -> FixedU128 {
        let used = *frame_system::BlockWeight::<T>::get().get(DispatchClass::Operational);
        let lane = Lane {
            target: T::LaneTarget::get(),
            speed: T::LaneSpeed::get(),
        };
        next_multiplier(LaneMultiplier::<T>::get(), used, T::BlockWeights::get().max_block, lane)
    }
}

impl<T: Config> AssayTime<BlockNumberFor<T>> for Pallet<T> {
    fn now() -> BlockNumberFor<T> {
        Now::<T>::get()
    }
}
