//! Events of decisions. A change of a parameter is an event of the pallet that stores parameters.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// The part of the pallet that [`import_section`](polkadot_sdk::frame_support::pallet_macros::import_section) puts into
/// its module.
#[pallet_section]
mod events {
    /// Events, each named after what has happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(crate) fn deposit_event)]
    pub enum Event<T: Config> {
        /// It was decided to make a call.
        Decided {
            /// Number of the decision.
            decision: DecisionId,
            /// Hash of the call's bytes.
            call: T::Hash,
            /// Blocks until the call is made.
            after: BlockNumberFor<T>,
        },
        /// A decision was cancelled.
        Cancelled {
            /// Number of the decision.
            decision: DecisionId,
        },
    }
}
