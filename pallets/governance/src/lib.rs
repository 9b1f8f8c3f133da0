//! # Governance
//!
//! Decisions about the chain: calls that are carried out with the superuser's rights after a delay, values that
//! are changed within bounds, and the relay chain that the chain belongs to.
//!
//! ## Design
//!
//! A committee of the SDK (`pallet-collective`) votes on calls and makes them with an origin of its own. That origin is
//! not the superuser's, and no pallet of the SDK turns one into the other after a delay without a referendum. This
//! pallet does: [`enact`](Pallet::enact) hands a call to the scheduler, which makes it as the superuser after
//! [`Config::EnactmentBlocks`]. Until then a smaller part of the committee can [`cancel`](Pallet::cancel) it, and
//! whoever does not like what is coming can leave.
//!
//! A large call is given by its hash, and its bytes as a preimage. The preimage must be there when the decision is
//! taken, so that everybody can read what was decided.
//!
//! The runtime has *parameters*, values that are changed without an upgrade. A change is checked when it is made:
//! against the range of the parameter, and against the rules that hold between parameters. What began before a change
//! goes on as it began; the pallets that use a parameter see to that.
//!
//! Nothing here knows how many votes a decision needs, which parameters there are, or what a range is.
//!
//! ## Terminology
//!
//! * **Decision**: a call that waits to be carried out.
//! * **Parameter**: a value of the runtime that can be changed without an upgrade; **range**: what it may be.
//! * **Relay network**: the relay chain that this chain belongs to, as messages between chains name it.
//!
//! ## Properties
//!
//! * No call is made with the superuser's rights before the delay has passed that was in force when it was decided.
//! * A decision that is cancelled is never carried out.
//! * After every change each parameter is in its range, and all rules between parameters hold.
//!
//! ## Calls
//!
//! * By [`Config::EnactOrigin`]: [`enact`](Pallet::enact).
//! * By [`Config::CancelOrigin`]: [`cancel`](Pallet::cancel).
//! * By [`Config::ParameterOrigin`]: [`set_parameter`](Pallet::set_parameter).

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
extern crate alloc;

use frame_support::pallet_macros::import_section;
use polkadot_sdk::*;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod decisions;
mod errors;
mod events;
mod invariants;
pub mod types;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// Decisions of the committee, which are carried out after a delay, and the parameters of the network.
#[import_section(events::events)]
#[frame_support::pallet]
pub mod pallet {
    use crate::{BoundedCallOf, CallOf, ChangeOf, DecisionId, ParameterName, Parameters, WeightInfo};
    use alloc::boxed::Box;
    use core::marker::PhantomData;
    use polkadot_sdk::{
        frame_support::{
            DefaultNoBound,
            pallet_prelude::*,
            traits::{QueryPreimage, schedule::v3::Named},
        },
        frame_system::{RawOrigin, pallet_prelude::*},
        staging_xcm::latest::NetworkId,
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
        /// The origins of all pallets.
        type PalletsOrigin: From<RawOrigin<Self::AccountId>>;

        /// The scheduler, which makes what was decided.
        type Scheduler: Named<BlockNumberFor<Self>, CallOf<Self>, Self::PalletsOrigin, Hasher = Self::Hashing>;

        /// The bytes of calls that are given by their hashes.
        type Preimages: QueryPreimage<H = Self::Hashing>;

        /// The runtime's parameters.
        type Parameters: Parameters;

        /// The origin that decides on calls.
        type EnactOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// The origin that cancels decisions.
        type CancelOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// The origin that changes parameters.
        type ParameterOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Blocks from a decision until it is carried out, as the scheduler counts them. More than zero.
        type EnactmentBlocks: Get<BlockNumberFor<Self>>;

        /// Weights of the calls.
        type WeightInfo: WeightInfo;
    }

    /// The number of the next decision.
    #[pallet::storage]
    pub type NextDecisionId<T> = StorageValue<_, DecisionId, ValueQuery>;

    /// The relay chain that this chain belongs to; none for a chain by itself.
    #[pallet::storage]
    pub type RelayNetwork<T> = StorageValue<_, NetworkId>;

    /// The pallet's first state.
    #[pallet::genesis_config]
    #[derive(DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// The relay chain that this chain belongs to; none for a chain by itself.
        pub relay_network: Option<NetworkId>,
        /// Nothing.
        #[serde(skip)]
        pub _config: PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            RelayNetwork::<T>::set(self.relay_network);
        }
    }

    /// Refusals of calls, each with what to do.
    #[pallet::error]
    pub enum Error<T> {
        /// The bytes of the call are not on chain: note them with `Preimage::note_preimage` first.
        UnknownPreimage,
        /// No such decision: it was never taken, it was carried out, or it was cancelled.
        NoSuchDecision,
        /// The value is outside of the parameter's range: its documentation gives the range.
        OutOfRange(ParameterName),
        /// With this value a rule between parameters would not hold: change the parameters that it is compared with
        /// first. The parameter's documentation names them.
        Contradiction(ParameterName),
        /// No more earlier values can be kept, and things that began under one go on under it: wait until the oldest
        /// jobs, sessions and disputes are over.
        TooManyChanges(ParameterName),
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            Self::do_integrity_test();
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Decides on a call: it is made with the superuser's rights after `EnactmentBlocks`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::enact())]
        pub fn enact(origin: OriginFor<T>, call: BoundedCallOf<T>) -> DispatchResult {
            T::EnactOrigin::ensure_origin(origin)?;
            Self::do_enact(call)
        }

        /// Cancels a decision that was not carried out yet.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::cancel())]
        pub fn cancel(origin: OriginFor<T>, decision: DecisionId) -> DispatchResult {
            T::CancelOrigin::ensure_origin(origin)?;
            Self::do_cancel(decision)
        }

        /// Changes a parameter, or gives it its first value back. The value must be in the parameter's range.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::set_parameter())]
        pub fn set_parameter(origin: OriginFor<T>, change: Box<ChangeOf<T>>) -> DispatchResult {
            T::ParameterOrigin::ensure_origin(origin)?;
            Ok(T::Parameters::change(*change).map_err(Error::<T>::from)?)
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The relay chain that this chain belongs to; none for a chain by itself.
        pub fn relay_network() -> Option<NetworkId> {
            RelayNetwork::<T>::get()
        }
    }
}
