//! # Seeds
//!
//! Random numbers of the relay chain, for what must be decided by a number that nobody knew in time.
//!
//! ## Design
//!
//! Every parachain block carries a proof of the relay chain's state at its relay parent. There stands what the author
//! of that relay block could not choose: the output of its verifiable random function for its slot. The runtime notes
//! it here, once for each relay parent: a *round*.
//!
//! An account that seals something at a moment wants a seed that nobody knew in any block of that moment. So the seed
//! of a moment is made of the first two rounds that came after the moment, whose relay blocks are at least
//! [`Config::Margin`] later than the latest relay parent of that moment. By then a relay block that was public when the
//! moment's last block was written, however late it was handed in, is too old to count.
//!
//! A relay block's author knows its own number beforehand. Two rounds are two relay blocks, so who wants to know a
//! seed beforehand must be the author of both.
//!
//! On a chain without a relay chain there is nothing to note. There a genesis says that numbers are made up
//! ([`Pallet::is_stand_in`]): they come from the chain itself, and its one author can choose them.
//!
//! ## Terminology
//!
//! * **Round**: a relay parent with the random number of its block.
//! * **Seed** of a moment: what is made of two rounds after it.
//! * **Stand-in**: numbers that are made up, on a development chain.
//!
//! ## Properties
//!
//! * The seed of a moment never changes: whoever asks later has the same answer, until it is forgotten.
//! * A seed is forgotten once its moment is older than the oldest of [`Config::KeptRounds`] rounds.
//! * Time that stands still brings rounds and no moments: a moment's rounds are over when the next moment has begun.
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
mod rounds;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use rounds::Round;
pub use weights::WeightInfo;

/// Random numbers of the relay chain, which nobody knew before a given moment.
#[frame_support::pallet]
pub mod pallet {
    use crate::{Round, WeightInfo};
    use assay_types::{AssayTime, H256, audit::Randomness};
    use core::marker::PhantomData;
    use polkadot_sdk::{
        frame_support::{DefaultNoBound, pallet_prelude::*},
        frame_system::pallet_prelude::*,
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
        /// Assay time, whose moments have seeds.
        type Time: AssayTime<BlockNumberFor<Self>>;

        /// Relay blocks from the latest relay parent of a moment to the first one that its seed is made of.
        #[pallet::constant]
        type Margin: Get<u32>;

        /// Rounds that are kept.
        #[pallet::constant]
        type KeptRounds: Get<u32>;

        /// Weights of the hooks.
        type WeightInfo: WeightInfo;
    }

    /// The rounds that are kept, by number.
    #[pallet::storage]
    pub type Rounds<T: Config> = StorageMap<_, Twox64Concat, u64, Round<BlockNumberFor<T>>>;

    /// The number of the next round.
    #[pallet::storage]
    pub type NextRound<T> = StorageValue<_, u64, ValueQuery>;

    /// The number of the oldest round that is kept.
    #[pallet::storage]
    pub type OldestRound<T> = StorageValue<_, u64, ValueQuery>;

    /// Whether numbers are made up where the relay chain gives none. So it is on a development chain, whose author can
    /// choose them.
    #[pallet::storage]
    pub type StandIn<T> = StorageValue<_, bool, ValueQuery>;

    /// The pallet's first state.
    #[pallet::genesis_config]
    #[derive(DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// Whether numbers are made up where the relay chain gives none: for a development chain only.
        pub stand_in: bool,
        /// Nothing.
        #[serde(skip)]
        pub _config: PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            StandIn::<T>::put(self.stand_in);
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
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
        /// Whether this chain makes its numbers up, so that its author can choose them. Trust no draw of such a chain.
        pub fn is_stand_in() -> bool {
            StandIn::<T>::get()
        }

        /// The seed of a moment, once it is known and until it is forgotten.
        pub fn seed_of(moment: BlockNumberFor<T>) -> Option<H256> {
            <Self as Randomness<BlockNumberFor<T>>>::seed(moment)
        }
    }
}
