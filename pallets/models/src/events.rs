//! Events of the register of models: every version that comes or goes, and every change of an owner.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// The part of the pallet that [`import_section`](polkadot_sdk::frame_support::pallet_macros::import_section) puts into
/// its module.
#[pallet_section]
mod events {
    /// Events, each named after what has happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(crate) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A model was registered; its first version follows in a `VersionPublished`.
        Registered {
            /// The model's number.
            model: ModelId,
            /// The owner.
            owner: T::AccountId,
            /// The model's name.
            name: ModelName,
        },
        /// A version was published: jobs and offers may name it.
        VersionPublished {
            /// The version.
            version: ModelVersion,
            /// The version's root.
            root: H256,
        },
        /// A version was deprecated: no new job or offer may name it.
        Deprecated {
            /// The version.
            version: ModelVersion,
        },
        /// The owner offers the model to an account, or withdraws an offer by naming itself.
        TransferOffered {
            /// The model.
            model: ModelId,
            /// The account that may accept the model.
            to: T::AccountId,
        },
        /// A model has a new owner, which pays the deposit from now on.
        Transferred {
            /// The model.
            model: ModelId,
            /// The former owner.
            from: T::AccountId,
            /// The owner.
            to: T::AccountId,
        },
        /// A version is no longer registered. If it was the model's last, neither is the model.
        VersionRemoved {
            /// The version.
            version: ModelVersion,
        },
    }
}
