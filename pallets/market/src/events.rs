//! Events of the market: every step of a job, and every movement of its money.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// The part of the pallet that [`import_section`](polkadot_sdk::frame_support::pallet_macros::import_section) puts into
/// its module.
#[pallet_section]
mod events {
    /// Events, each named after what has happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(crate) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A job was submitted and its ceiling held.
        JobSubmitted {
            /// The job's number.
            job: JobId,
            /// The client, who pays.
            client: T::AccountId,
            /// The model version to run.
            model: ModelVersion,
            /// List digest of the input tensors.
            input_digest: H256,
            /// The amount held.
            ceiling: BalanceOf<T>,
        },
        /// A worker committed a sealed bid; its deposit is held and stake for the ceiling is locked.
        BidCommitted {
            /// The job.
            job: JobId,
            /// The bidder.
            worker: T::AccountId,
        },
        /// No more commitments; bids can be revealed.
        RevealsOpened {
            /// The job.
            job: JobId,
            /// Last block for reveals.
            until: BlockNumberFor<T>,
        },
        /// A worker revealed its price and has its deposit back.
        BidRevealed {
            /// The job.
            job: JobId,
            /// The bidder.
            worker: T::AccountId,
            /// The bid's price.
            price: BalanceOf<T>,
        },
        /// The auction is over and the bid did not win: its stake is free again.
        BidReleased {
            /// The job.
            job: JobId,
            /// The bidder.
            worker: T::AccountId,
        },
        /// A bid was not revealed: its deposit is burned, its stake is free again.
        BidForfeited {
            /// The job.
            job: JobId,
            /// The bidder.
            worker: T::AccountId,
            /// The part that was burned.
            amount: BalanceOf<T>,
        },
        /// A worker has the job.
        JobAssigned {
            /// The job.
            job: JobId,
            /// The worker that has the job.
            worker: T::AccountId,
            /// The price that the worker will be paid.
            price: BalanceOf<T>,
            /// Last block for its claim.
            deadline: BlockNumberFor<T>,
        },
        /// The worker committed to an output.
        JobClaimed {
            /// The job.
            job: JobId,
            /// The worker that claimed.
            worker: T::AccountId,
            /// List digest of the output tensors.
            output_digest: H256,
            /// Last block of the challenge window.
            window_until: BlockNumberFor<T>,
            /// The output tensors one after the other, if they were to be delivered inline.
            output: Option<BoundedVec<u8, InlineOutputBytes>>,
        },
        /// The claim is challenged: the job waits for the verdict.
        ClaimDisputed {
            /// The job.
            job: JobId,
            /// The worker that claimed.
            worker: T::AccountId,
        },
        /// The worker is late in a dispute: the client has its money back, whatever the verdict will be.
        ClientRefunded {
            /// The job.
            job: JobId,
            /// The client.
            client: T::AccountId,
            /// The worker that claimed.
            worker: T::AccountId,
            /// The amount that went back.
            amount: BalanceOf<T>,
        },
        /// Every challenge of the claim has failed; it is settled after the window, or when the client accepts.
        ClaimUpheld {
            /// The job.
            job: JobId,
            /// The worker that claimed.
            worker: T::AccountId,
            /// Last block of the challenge window, which may be later than it was.
            window_until: BlockNumberFor<T>,
        },
        /// One claim of a batch failed; the others are not touched by it.
        ClaimRejected {
            /// The job.
            job: JobId,
            /// The reason.
            error: DispatchError,
        },
        /// The worker gave the job back.
        JobDeclined {
            /// The job.
            job: JobId,
            /// The worker that had the job.
            worker: T::AccountId,
            /// The stake that declining cost, all of it burned.
            slashed: BalanceOf<T>,
        },
        /// The worker was relieved of the job, since its stake is below the minimum that workers need, or a slash of it
        /// is pending.
        WorkerRemoved {
            /// The job.
            job: JobId,
            /// The worker that had the job.
            worker: T::AccountId,
        },
        /// The worker did not claim in time.
        DeadlineMissed {
            /// The job.
            job: JobId,
            /// The worker that had the job.
            worker: T::AccountId,
            /// The part that was paid to the client.
            paid: BalanceOf<T>,
            /// The part that was burned.
            burned: BalanceOf<T>,
        },
        /// The job is closed and no longer in state.
        JobClosed {
            /// The job.
            job: JobId,
            /// The client, who paid.
            client: T::AccountId,
            /// The reason, which says as well whether the job was settled or refunded.
            reason: CloseReason,
            /// The worker that was paid, if one was.
            worker: Option<T::AccountId>,
            /// The price, which the client paid; the levy for audits is part of it.
            paid: BalanceOf<T>,
        },
        /// The worker has sealed its claim.
        JobSealed {
            /// The job.
            job: JobId,
            /// The worker.
            worker: T::AccountId,
            /// Last block for the claim, unless an audit puts it off.
            until: BlockNumberFor<T>,
        },
        /// One seal of a batch failed; the others are not touched by it.
        SealRejected {
            /// The job.
            job: JobId,
            /// The reason.
            error: DispatchError,
        },
        /// The job stays in its phase, because it waits for its draw, for its auditors or for its output.
        PhaseExtended {
            /// The job.
            job: JobId,
            /// The last block of the phase now.
            until: BlockNumberFor<T>,
        },
        /// The worker has kept back a claim that was audited. The job is refunded.
        ClaimWithheld {
            /// The job.
            job: JobId,
            /// The worker.
            worker: T::AccountId,
            /// The slash, which matures after a delay.
            slash: SlashId,
            /// The stake that it takes.
            slashed: BalanceOf<T>,
        },
        /// The client has demanded the output; its deposit is held.
        OutputDemanded {
            /// The job.
            job: JobId,
            /// The worker, which delivers it.
            worker: T::AccountId,
            /// The deposit, which the worker gets for delivering it.
            deposit: BalanceOf<T>,
            /// Last block for the last piece, unless a dispute puts it off.
            until: BlockNumberFor<T>,
        },
        /// A demanded output is complete: its pieces are in the calls of the blocks since it was demanded.
        OutputDelivered {
            /// The job.
            job: JobId,
            /// The worker.
            worker: T::AccountId,
            /// The deposit, which the worker was paid.
            paid: BalanceOf<T>,
        },
        /// The worker has not delivered a demanded output in time. The job is refunded.
        OutputWithheld {
            /// The job.
            job: JobId,
            /// The worker.
            worker: T::AccountId,
            /// The part of its stake that was paid to the client.
            paid: BalanceOf<T>,
            /// The part that was burned.
            burned: BalanceOf<T>,
        },
        /// A step that was due failed in `on_idle`; the job waits for `advance`.
        StepFailed {
            /// The job.
            job: JobId,
            /// The reason.
            error: DispatchError,
        },
    }
}
