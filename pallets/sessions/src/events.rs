//! Events of sessions: every step, every movement of money, and every receipt that is shown.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// The part of the pallet that [`import_section`](polkadot_sdk::frame_support::pallet_macros::import_section) puts into
/// its module.
#[pallet_section]
mod events {
    /// Events, each named after what has happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(crate) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A worker offers sessions on a model version, in place of its earlier offer.
        OfferPublished {
            /// The worker.
            worker: T::AccountId,
            /// The model version.
            model: ModelVersion,
            /// The offer.
            offer: OfferOf<T>,
        },
        /// A worker has taken an offer back.
        OfferRemoved {
            /// The worker.
            worker: T::AccountId,
            /// The model version.
            model: ModelVersion,
        },
        /// A session was opened: the budget is held of the client, and stake of the worker is locked.
        SessionOpened {
            /// The session's number.
            session: SessionId,
            /// The client.
            client: T::AccountId,
            /// The worker.
            worker: T::AccountId,
            /// The model version of all requests.
            model: ModelVersion,
            /// The amount held.
            budget: BalanceOf<T>,
            /// The stake that is locked.
            locked: BalanceOf<T>,
            /// Last block in which the session is open.
            until: BlockNumberFor<T>,
        },
        /// The client has added to the budget.
        ToppedUp {
            /// The session.
            session: SessionId,
            /// The amount that was added.
            amount: BalanceOf<T>,
            /// The budget now.
            budget: BalanceOf<T>,
            /// The stake that was locked besides.
            locked: BalanceOf<T>,
        },
        /// A voucher was redeemed.
        Redeemed {
            /// The session.
            session: SessionId,
            /// The worker.
            worker: T::AccountId,
            /// The amount that it was paid now.
            paid: BalanceOf<T>,
            /// The amount that it was paid in all.
            redeemed: BalanceOf<T>,
        },
        /// No more requests: the worker redeems its last voucher.
        SessionClosing {
            /// The session.
            session: SessionId,
            /// Last block for the last voucher.
            until: BlockNumberFor<T>,
        },
        /// The money of a session is settled. Its receipts can be challenged.
        SessionSettled {
            /// The session.
            session: SessionId,
            /// The reason.
            reason: SessionEnd,
            /// The amount that the worker was paid in all.
            redeemed: BalanceOf<T>,
            /// The amount that the client has back.
            returned: BalanceOf<T>,
            /// Last block of the challenge window; none after a conviction.
            until: Option<BlockNumberFor<T>>,
        },
        /// Nothing of the session is stored any more, and the rest of its lock is free.
        SessionEnded {
            /// The session.
            session: SessionId,
        },
        /// A receipt is disputed: its price is withheld, and a part of the session's lock secures it.
        ReceiptDisputed {
            /// The session.
            session: SessionId,
            /// Number of the request.
            sequence: u32,
            /// The claim, by whose number it is disputed.
            claim: ClaimId,
            /// The receipt.
            receipt: ReceiptOf<T>,
        },
        /// Every challenge of a receipt has failed.
        ReceiptUpheld {
            /// The session.
            session: SessionId,
            /// Number of the request.
            sequence: u32,
        },
        /// The worker is late in a dispute over a receipt, whose price is withheld for good.
        ReceiptForfeited {
            /// The session.
            session: SessionId,
            /// Number of the request.
            sequence: u32,
            /// The price.
            price: BalanceOf<T>,
        },
        /// A worker has signed two receipts of one request.
        Equivocated {
            /// The session.
            session: SessionId,
            /// Number of the request.
            sequence: u32,
            /// The worker, of whose stake a share is to be slashed.
            worker: T::AccountId,
            /// Account that has shown it.
            reporter: T::AccountId,
            /// The slash, which matures after a delay.
            slash: SlashId,
            /// The stake that it takes.
            slashed: BalanceOf<T>,
            /// The reporter's part of the slash.
            to_reporter: BalanceOf<T>,
            /// The client's part of the slash.
            to_client: BalanceOf<T>,
        },
        /// A step failed when it was due: the session is set aside until somebody calls `advance`.
        StepFailed {
            /// The session.
            session: SessionId,
            /// The error.
            error: DispatchError,
        },
        /// Governance ended a session whose step failed.
        SessionForced {
            /// The session.
            session: SessionId,
            /// The amount that the client has back.
            returned: BalanceOf<T>,
            /// The amount that the client should have had back besides, and that was not held.
            missing: BalanceOf<T>,
            /// Whether what the session locks of the worker's stake is free.
            freed: bool,
        },
    }
}
