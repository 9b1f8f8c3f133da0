//! # Models
//!
//! The register of models: which roots may be run, what they take and give, and who answers for them.
//!
//! ## Design
//!
//! A *model* is a line of versions under one name. Each *version* is one root, which never changes: whoever names a
//! model version in a job or an offer names exact bits. An owner publishes versions, deprecates them, and may offer the
//! whole line to another account, which takes it by accepting and paying the deposit itself. For the state that a model
//! occupies, a deposit is held, one ticket per model, updated with every version that comes or goes.
//!
//! A version that is no longer wanted is first *deprecated*: no new job or offer may name it, and those that run go on.
//! When so much time has passed that every one of them is closed ([`Config::RetirementBlocks`]), it can be removed,
//! which releases its part of the deposit. Removing the last version removes the line and frees its name.
//!
//! Other pallets read all this through [`assay_types::ModelRegistry`]. This pallet knows nothing of jobs, workers,
//! weights or graphs.
//!
//! ## Terminology
//!
//! * **Model**: a line of versions with one name and one owner, numbered from 0; a number is never used again.
//! * **Version**: one root with the parts that hash to it, numbered from 1 within its model.
//! * **Parts**: graph, weights, schema, precision, work, size of the trace, manifest, and the number of the
//!   arithmetic's definition. **Root**: their hash ([`assay_types::ModelParts::root`]), which this pallet computes
//!   itself.
//! * **Active**, **deprecated**: whether new jobs and offers may name a version.
//!
//! ## Properties
//!
//! * A root is registered at most once, and so is a name.
//! * Every schema in storage is sound ([`assay_types::Schema::validate`]): the sizes of every job's tensors follow from
//!   it.
//! * A model in storage has between one and [`assay_types::limits::MAX_VERSIONS`] versions.
//! * A version stays in storage for longer than any job that names it can last.
//! * The ticket of a model is for exactly the versions in storage, and is the present owner's.
//!
//! [`Pallet::do_try_state`] checks what of this can be seen in storage.
//!
//! ## Calls
//!
//! * By anyone, who becomes the owner: [`register`](Pallet::register).
//! * By the owner: [`publish_version`](Pallet::publish_version), [`deprecate`](Pallet::deprecate),
//!   [`remove_version`](Pallet::remove_version), [`transfer`](Pallet::transfer).
//! * By the account that a model is offered to: [`accept_transfer`](Pallet::accept_transfer).

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
extern crate alloc;

use frame_support::pallet_macros::import_section;
use polkadot_sdk::*;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
pub mod deposit;
mod errors;
mod events;
mod invariants;
pub mod queries;
mod registry;
mod transfers;
pub mod types;
mod versions;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use deposit::VersionDeposit;
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// Models: a version is one root, which never changes. Jobs, offers and sessions name a model version.
#[import_section(events::events)]
#[frame_support::pallet]
pub mod pallet {
    use crate::{ModelName, ModelRecordOf, VersionRecordOf, WeightInfo};
    use assay_types::{AssayTime, H256, ModelId, ModelParts, ModelVersion, limits};
    use polkadot_sdk::{
        frame_support::{
            pallet_prelude::*,
            traits::{Consideration, Footprint},
        },
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
        /// The deposit for the state that a model occupies. Its footprint counts versions, and the bytes of all of them
        /// together.
        type Consideration: Consideration<Self::AccountId, Footprint>;

        /// Assay time, in which all of this pallet's blocks are counted.
        type Time: AssayTime<BlockNumberFor<Self>>;

        /// Blocks from the deprecation of a version to its removal. Longer than `LongestJob`.
        #[pallet::constant]
        type RetirementBlocks: Get<BlockNumberFor<Self>>;

        /// The longest that a job can last, from its submission until it is closed.
        #[pallet::constant]
        type LongestJob: Get<BlockNumberFor<Self>>;

        /// Weights of the calls.
        type WeightInfo: WeightInfo;

        /// Money and time, as benchmarks set them up.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: assay_types::benchmarking::Stage<Self::AccountId, BlockNumberFor<Self>>;
    }

    /// Reasons for which this pallet holds money.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The deposit for a model's versions.
        #[codec(index = 0)]
        Registration,
    }

    /// The number that the next model gets.
    #[pallet::storage]
    pub type NextModelId<T> = StorageValue<_, ModelId, ValueQuery>;

    /// The models.
    #[pallet::storage]
    pub type Models<T: Config> = StorageMap<_, Twox64Concat, ModelId, ModelRecordOf<T>>;

    /// Their versions.
    #[pallet::storage]
    pub type Versions<T: Config> = StorageMap<_, Twox64Concat, ModelVersion, VersionRecordOf<T>>;

    /// The version that has a root.
    #[pallet::storage]
    pub type VersionByRoot<T> = StorageMap<_, Blake2_128Concat, H256, ModelVersion>;

    /// The model that has a name.
    #[pallet::storage]
    pub type ModelByName<T> = StorageMap<_, Blake2_128Concat, ModelName, ModelId>;

    /// Refusals of calls, each with what to do.
    #[pallet::error]
    pub enum Error<T> {
        /// The name is empty: give it at least one character.
        NameEmpty,
        /// The name is not UTF-8: encode it so.
        NameNotUtf8,
        /// The name holds characters that do not show: keep to letters, digits, signs and single spaces between words.
        NameNotPrintable,
        /// Another model has this name: choose a different one, or publish a version of that model if it is yours.
        NameTaken,
        /// A version with this root is registered (`VersionByRoot` says which): name that one in jobs and offers.
        RootTaken,
        /// The model takes nothing or gives nothing: list at least one input and one output.
        SchemaWithoutTensors,
        /// A dimension names a symbol that the schema does not list: add it to the symbols.
        SchemaUnknownSymbol,
        /// A symbol is in no input's dimensions, so that nothing gives it a value: leave it out.
        SchemaUnboundSymbol,
        /// A symbol's range is empty or begins at zero: give it a least value of 1 or more, not above the greatest.
        SchemaEmptyRange,
        /// A dimension is zero, or can be for some value of its symbol: give it 1 or more.
        SchemaZeroDimension,
        /// The tensors that the schema allows do not fit 64 bits of bytes: lower the greatest values of its symbols.
        SchemaTooLarge,
        /// The name of a tensor or a symbol holds bytes that do not show as text: rename it, or leave it empty.
        SchemaNameNotPrintable,
        /// The schema is unsound in a way that has no error of its own: check it with `Schema::validate`.
        SchemaUnsound,
        /// The range of values of a tensor is empty, or is not of an integer input, or does not fit its type.
        SchemaValueRange,
        /// The model is of another definition of the arithmetic than this runtime judges by: import it with a version
        /// of `assay-worker` that has this runtime's definition.
        UnknownDefinition,
        /// The graph has no operator, or more than a graph may have.
        OperatorCount,
        /// The outputs are not as many as the schema's, or name an input, or an operator that the graph does not have.
        OutputsUnsound,
        /// The inputs and outputs are not those of a model of its kind: import it again.
        KindUnsound,
        /// The work or the size of the trace is not in its canonical form: take it from the package.
        PolynomialUnsound,
        /// An execution can be larger than anybody can check: narrow the ranges of the symbols.
        ModelTooLarge,
        /// No such model: look its number up by name (`ModelByName`), or register it.
        UnknownModel,
        /// No such version: read the model's record for its latest one.
        UnknownVersion,
        /// Only the model's owner may do this: sign with its account.
        NotOwner,
        /// The model has as many versions as it may have: deprecate and remove an old one first.
        TooManyVersions,
        /// Every number for a model or a version has been used: register the model anew under another name.
        NumbersExhausted,
        /// The version is deprecated already: there is nothing left to do but to remove it in time.
        AlreadyDeprecated,
        /// The version is active: deprecate it first.
        NotDeprecated,
        /// Jobs may still run on this version: try again `RetirementBlocks` after its deprecation.
        NotRetired,
        /// The model is not offered to this account: ask its owner to call `transfer`.
        TransferNotOffered,
    }

    #[pallet::extra_constants]
    impl<T: Config> Pallet<T> {
        /// Maximum number of bytes of a model's or a tensor's name, in UTF-8.
        #[pallet::constant_name(MaxNameBytes)]
        fn max_name_bytes() -> u32 {
            limits::MAX_NAME_BYTES
        }

        /// Maximum number of versions of one model.
        #[pallet::constant_name(MaxVersions)]
        fn max_versions() -> u32 {
            limits::MAX_VERSIONS
        }

        /// Maximum number of symbols of a schema.
        #[pallet::constant_name(MaxSymbols)]
        fn max_symbols() -> u32 {
            limits::MAX_SYMBOLS
        }

        /// Maximum number of inputs of a schema, and of its outputs.
        #[pallet::constant_name(MaxTensors)]
        fn max_tensors() -> u32 {
            limits::MAX_TENSORS
        }

        /// Maximum number of dimensions of one tensor.
        #[pallet::constant_name(MaxRank)]
        fn max_rank() -> u32 {
            limits::MAX_RANK
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

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Registers a model and its version 1. The signer owns it and pays the deposit. The name has at most
        /// `MaxNameBytes`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::register())]
        pub fn register(origin: OriginFor<T>, name: ModelName, parts: ModelParts) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_register(owner, name, parts)
        }

        /// Publishes the next version of a model. Only for its owner, whose deposit grows by the version's
        /// part. A model has at most `MaxVersions`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::publish_version())]
        pub fn publish_version(origin: OriginFor<T>, model: ModelId, parts: ModelParts) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_publish_version(owner, model, parts)
        }

        /// Deprecates a version: no new job or offer may name it, and jobs that run go on. Only for the owner; for
        /// good.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::deprecate())]
        pub fn deprecate(origin: OriginFor<T>, version: ModelVersion) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_deprecate(owner, version)
        }

        /// Offers a model to another account, in place of an earlier offer. Naming oneself withdraws it. Only for the
        /// owner, who stays it until the other accepts.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::transfer())]
        pub fn transfer(origin: OriginFor<T>, model: ModelId, to: T::AccountId) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_transfer(owner, model, to)
        }

        /// Takes over a model that was offered to the signer, who pays the deposit; the former owner's is released.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::accept_transfer())]
        pub fn accept_transfer(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_accept_transfer(owner, model)
        }

        /// Removes a version that has been deprecated for at least `RetirementBlocks`, and releases its part
        /// of the deposit. With its last version goes the model. Only for the owner.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::remove_version())]
        pub fn remove_version(origin: OriginFor<T>, version: ModelVersion) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_remove_version(owner, version)
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The model that has a name, and the number of its latest version.
        pub fn model_by_name(name: ModelName) -> Option<ModelVersion> {
            let model = ModelByName::<T>::get(name)?;
            let version = Models::<T>::get(model)?.latest_version;
            Some(ModelVersion { model, version })
        }

        /// The version that has a root.
        pub fn version_by_root(root: H256) -> Option<ModelVersion> {
            VersionByRoot::<T>::get(root)
        }

        /// A version's root, parts and status.
        pub fn version_record(version: ModelVersion) -> Option<VersionRecordOf<T>> {
            Versions::<T>::get(version)
        }
    }
}
