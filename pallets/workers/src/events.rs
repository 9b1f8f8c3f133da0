//! Events of the register of workers: every change of a stake, an offer or a status, and every slash.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// The part of the pallet that [`import_section`](polkadot_sdk::frame_support::pallet_macros::import_section) puts into
/// its module.
#[pallet_section]
mod events {
    /// Events, each named after what has happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(crate) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An account became a worker, or became one again after it had left.
        Registered {
            /// The worker.
            worker: T::AccountId,
            /// The worker's stake.
            stake: BalanceOf<T>,
        },
        /// A worker added to its stake.
        Bonded {
            /// The worker.
            worker: T::AccountId,
            /// The amount added.
            amount: BalanceOf<T>,
        },
        /// Stake began to unbond.
        Unbonding {
            /// The worker.
            worker: T::AccountId,
            /// Amount.
            amount: BalanceOf<T>,
            /// The block from which it can be withdrawn.
            until: BlockNumberFor<T>,
        },
        /// Unbonded stake went back to the worker's free balance.
        Withdrawn {
            /// The worker.
            worker: T::AccountId,
            /// Amount.
            amount: BalanceOf<T>,
        },
        /// An offer was published, or replaced.
        OfferPublished {
            /// The worker that offers.
            worker: T::AccountId,
            /// The model version.
            version: ModelVersion,
            /// The terms.
            terms: OfferTermsOf<T>,
            /// Unclaimed jobs at a time.
            capacity: u32,
            /// Block of the first submissions that the offer takes.
            from: BlockNumberFor<T>,
        },
        /// A worker took an offer back.
        OfferRemoved {
            /// The worker whose offer it was.
            worker: T::AccountId,
            /// The model version.
            version: ModelVersion,
        },
        /// A full book dropped an offer for another one: that of a worker that was not eligible, or its most expensive
        /// one for a cheaper one.
        OfferDisplaced {
            /// The worker whose offer it was.
            worker: T::AccountId,
            /// The model version.
            version: ModelVersion,
        },
        /// A worker takes no jobs for now.
        Paused {
            /// The worker.
            worker: T::AccountId,
        },
        /// A worker takes jobs again.
        Resumed {
            /// The worker.
            worker: T::AccountId,
        },
        /// A worker takes no more jobs, and its offers are gone.
        Draining {
            /// The worker.
            worker: T::AccountId,
        },
        /// A worker has left; what stake it had unbonds.
        Left {
            /// The worker.
            worker: T::AccountId,
        },
        /// A worker said where its node is in the workers' network, or took that back.
        Announced {
            /// The worker.
            worker: T::AccountId,
            /// The place; none any more where it was taken back.
            announcement: Option<Announcement>,
        },
        /// A worker lost locked stake.
        Slashed {
            /// The worker.
            worker: T::AccountId,
            /// The part that was paid.
            paid: BalanceOf<T>,
            /// The part that was burned.
            burned: BalanceOf<T>,
            /// The account that got the paid part.
            beneficiary: T::AccountId,
        },
        /// A fault of a worker was proved; what it loses for that is no longer part of its stake.
        SlashPending {
            /// The slash.
            slash: SlashId,
            /// The worker.
            worker: T::AccountId,
            /// The amount that the worker loses.
            amount: BalanceOf<T>,
            /// The block from which the slash is applied, and up to which it can be cancelled.
            matures_at: BlockNumberFor<T>,
        },
        /// A pending slash was applied.
        SlashApplied {
            /// The slash.
            slash: SlashId,
            /// The worker.
            worker: T::AccountId,
            /// The part that was burned.
            burned: BalanceOf<T>,
            /// The beneficiaries, and the amount that each was paid.
            awards: [(T::AccountId, BalanceOf<T>); 2],
        },
        /// A pending slash was cancelled: the worker has its stake again, or its money if it has left.
        SlashCancelled {
            /// The slash.
            slash: SlashId,
            /// The worker.
            worker: T::AccountId,
            /// The amount that the worker has again.
            amount: BalanceOf<T>,
        },
        /// A mature slash could not be applied in `on_idle`; it waits for `apply_slash`.
        SlashFailed {
            /// The slash.
            slash: SlashId,
            /// The reason.
            error: DispatchError,
        },
        /// An offer that lost its place while its worker was not eligible has one again.
        OfferRestored {
            /// The worker whose offer it is.
            worker: T::AccountId,
            /// The model version.
            version: ModelVersion,
        },
    }
}
