//! Events of disputes: every move of a game, and every verdict with its money.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// The part of the pallet that [`import_section`](polkadot_sdk::frame_support::pallet_macros::import_section) puts into
/// its module.
#[pallet_section]
mod events {
    /// Events, each named after what has happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(crate) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A claim is doubted.
        Challenged {
            /// The job.
            job: JobId,
            /// The dispute, which is new if this is the only challenge.
            dispute: DisputeId,
            /// The challenger, who doubts the claim.
            challenger: T::AccountId,
            /// The amount held of the challenger's money.
            bond: BalanceOf<T>,
        },
        /// The worker has revealed a place; every game that stood there goes on.
        PlaceRevealed {
            /// The job.
            job: JobId,
            /// The place, to be read from `Reveals`.
            place: Place,
        },
        /// A challenger goes on to another place.
        Pointed {
            /// The job.
            job: JobId,
            /// The challenger that points.
            challenger: T::AccountId,
            /// The place pointed at.
            place: Place,
            /// The side whose turn it is there: the challenger's, if the place has been revealed before.
            turn: Side,
        },
        /// The claim is wrong: the job is refunded and the worker's stake is to be slashed.
        WorkerConvicted {
            /// The job.
            job: JobId,
            /// The worker that made the claim.
            worker: T::AccountId,
            /// The challenger whose game proved it.
            challenger: T::AccountId,
            /// The fault.
            fault: Fault,
            /// The slash, which matures after a delay.
            slash: SlashId,
            /// The stake that it takes.
            slashed: BalanceOf<T>,
            /// The challenger's part of the slash.
            to_challenger: BalanceOf<T>,
            /// The client's part of the slash.
            to_client: BalanceOf<T>,
        },
        /// A bond went back to a challenger whose game ended with the worker's conviction.
        BondReturned {
            /// The job.
            job: JobId,
            /// The challenger whose bond it was.
            challenger: T::AccountId,
            /// Amount.
            amount: BalanceOf<T>,
        },
        /// A challenger let its time pass: its bond is lost.
        ChallengeFailed {
            /// The job.
            job: JobId,
            /// The challenger whose game it was.
            challenger: T::AccountId,
            /// The worker's part of the bond.
            paid: BalanceOf<T>,
            /// The part that was burned.
            burned: BalanceOf<T>,
        },
    }
}
