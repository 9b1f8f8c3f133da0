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
            /// The claim.
            job: ClaimId,
            /// The dispute, which is new if this is the only challenge.
            dispute: DisputeId,
            /// The challenger, who doubts the claim.
            challenger: T::AccountId,
            /// The amount held of the challenger's money.
            bond: BalanceOf<T>,
            /// Whether the worker has older disputes to answer first.
            waits: bool,
        },
        /// The worker has let a clock run out: the client is refunded, and the worker may answer late, for a fee.
        WorkerLate {
            /// The claim.
            job: ClaimId,
            /// The worker that made the claim.
            worker: T::AccountId,
            /// The last block for a late answer. After it, whoever says that the worker is late convicts it.
            until: BlockNumberFor<T>,
        },
        /// The worker has revealed a place late; the game goes on.
        AnsweredLate {
            /// The claim.
            job: ClaimId,
            /// The worker, which has lost both parts of the fee.
            worker: T::AccountId,
            /// The oldest challenger that waited for the answer.
            challenger: T::AccountId,
            /// The challenger's part of the fee.
            paid: BalanceOf<T>,
            /// The part that was burned.
            burned: BalanceOf<T>,
        },
        /// The worker has revealed a place; every game that stood there goes on.
        PlaceRevealed {
            /// The claim.
            job: ClaimId,
            /// The place, to be read from `Reveals`.
            place: Place,
        },
        /// A challenger goes on to another place.
        Pointed {
            /// The claim.
            job: ClaimId,
            /// The challenger that points.
            challenger: T::AccountId,
            /// The place pointed at.
            place: Place,
            /// The side whose turn it is there: the challenger's, if the place has been revealed before.
            turn: Side,
        },
        /// The claim is wrong: the client is refunded and the worker's stake is to be slashed.
        WorkerConvicted {
            /// The claim.
            job: ClaimId,
            /// The worker that made the claim.
            worker: T::AccountId,
            /// The challenger whose game proved it, or the oldest one where the worker was silent.
            challenger: T::AccountId,
            /// The fault.
            fault: Fault,
            /// The slash, which matures after a delay.
            slash: SlashId,
            /// The stake that it takes.
            slashed: BalanceOf<T>,
            /// The finder's part of the slash. After a proof the finder has to claim it; until then it is nobody's.
            to_challenger: BalanceOf<T>,
            /// The client's part of the slash.
            to_client: BalanceOf<T>,
        },
        /// A challenger has shown that it had found the fault before the worker was convicted. The award is its own
        /// unless an older challenger shows the same.
        AwardClaimed {
            /// The claim.
            job: ClaimId,
            /// The slash of which the award is a part.
            slash: SlashId,
            /// The challenger.
            challenger: T::AccountId,
            /// The amount, paid when the slash is applied.
            amount: BalanceOf<T>,
        },
        /// A bond went back to a challenger whose game ended with the worker's conviction.
        BondReturned {
            /// The claim.
            job: ClaimId,
            /// The challenger whose bond it was.
            challenger: T::AccountId,
            /// Amount.
            amount: BalanceOf<T>,
        },
        /// A dispute is over, because the chain does not judge by the definition of the claim's model any more: the
        /// client is refunded, nobody is convicted, and every bond goes back.
        DisputeVoided {
            /// The claim.
            job: ClaimId,
            /// The worker that made the claim.
            worker: T::AccountId,
            /// Number of the definition.
            definition: u32,
        },
        /// A challenger let its time pass: its bond is lost.
        ChallengeFailed {
            /// The claim.
            job: ClaimId,
            /// The challenger whose game it was.
            challenger: T::AccountId,
            /// The worker's part of the bond.
            paid: BalanceOf<T>,
            /// The part that was burned.
            burned: BalanceOf<T>,
        },
    }
}
