//! What disputes tell: every move of a game, and every verdict with its money.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// The part of the pallet that [`import_section`](polkadot_sdk::frame_support::pallet_macros::import_section) puts into its module.
#[pallet_section]
mod events {
    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(crate) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A claim is doubted.
        Challenged {
            /// The job.
            job: JobId,
            /// The dispute, which is new if this is the only challenge.
            dispute: DisputeId,
            /// Who doubts it.
            challenger: T::AccountId,
            /// What is held of the challenger's money.
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
            /// Who points.
            challenger: T::AccountId,
            /// Where to.
            place: Place,
            /// Whose turn it is there: the challenger's, if the place has been revealed before.
            turn: Side,
        },
        /// The claim is wrong: the job is refunded and the worker's stake is to be slashed.
        WorkerConvicted {
            /// The job.
            job: JobId,
            /// Who made the claim.
            worker: T::AccountId,
            /// Whose game proved it.
            challenger: T::AccountId,
            /// What was wrong.
            fault: Fault,
            /// The slash, which matures after a delay.
            slash: SlashId,
            /// The stake that it takes.
            slashed: BalanceOf<T>,
            /// What the challenger will get of it.
            to_challenger: BalanceOf<T>,
            /// What the client will get of it.
            to_client: BalanceOf<T>,
        },
        /// A bond went back to a challenger whose game ended with the worker's conviction.
        BondReturned {
            /// The job.
            job: JobId,
            /// Whose bond it was.
            challenger: T::AccountId,
            /// How much.
            amount: BalanceOf<T>,
        },
        /// A challenger let its time pass: its bond is lost.
        ChallengeFailed {
            /// The job.
            job: JobId,
            /// Whose game it was.
            challenger: T::AccountId,
            /// What the worker got of the bond.
            paid: BalanceOf<T>,
            /// What was burned.
            burned: BalanceOf<T>,
        },
    }
}
