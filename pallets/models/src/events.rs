//! What the register of models tells: every version that comes or goes, and every change of an owner.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// The part of the pallet that [`import_section`](polkadot_sdk::frame_support::pallet_macros::import_section) puts into its module.
#[pallet_section]
mod events {
    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(crate) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A model was registered; its first version follows in a [`Event::VersionPublished`].
        Registered {
            /// Its number.
            model: ModelId,
            /// Who owns it.
            owner: T::AccountId,
            /// Its name.
            name: ModelName,
        },
        /// A version was published: jobs and offers may name it.
        VersionPublished {
            /// The version.
            version: ModelVersion,
            /// Its root.
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
            /// Who may accept it.
            to: T::AccountId,
        },
        /// A model has a new owner, which pays the deposit from now on.
        Transferred {
            /// The model.
            model: ModelId,
            /// Who owned it.
            from: T::AccountId,
            /// Who owns it.
            to: T::AccountId,
        },
        /// A version is no longer registered. If it was the model's last, neither is the model.
        VersionRemoved {
            /// The version.
            version: ModelVersion,
        },
    }
}
