//! Events of audits: every draw, every answer, and every movement of money.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// The part of the pallet that [`import_section`](polkadot_sdk::frame_support::pallet_macros::import_section) puts into
/// its module.
#[pallet_section]
mod events {
    /// Events, each named after what has happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(crate) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A claim was not drawn.
        Spared {
            /// The claim.
            claim: ClaimId,
        },
        /// A worker was drawn to audit a claim.
        AuditorDrawn {
            /// The claim.
            claim: ClaimId,
            /// The auditor.
            auditor: T::AccountId,
            /// Last block for its seal.
            until: BlockNumberFor<T>,
            /// The stake that it locks.
            locked: BalanceOf<T>,
            /// Its pay, which is less than the rules give where the pool is empty.
            fee: BalanceOf<T>,
        },
        /// Nobody is left who could audit a claim.
        Unaudited {
            /// The claim.
            claim: ClaimId,
        },
        /// An auditor has sealed its answer.
        Answered {
            /// The claim.
            claim: ClaimId,
            /// The auditor.
            auditor: T::AccountId,
        },
        /// All answers are sealed: the worker can open its claim.
        ReadyToOpen {
            /// The claim.
            claim: ClaimId,
        },
        /// The worker has opened its claim: the auditors open their answers.
        AnswersExpected {
            /// The claim.
            claim: ClaimId,
            /// Last block for the openings.
            until: BlockNumberFor<T>,
        },
        /// An auditor has opened its answer.
        AnswerOpened {
            /// The claim.
            claim: ClaimId,
            /// The auditor.
            auditor: T::AccountId,
            /// Its answer.
            output_digest: H256,
            /// Whether the answer equals the claim; if not, a dispute has begun.
            agrees: bool,
        },
        /// An auditor did not seal or did not open its answer in time.
        Missed {
            /// The claim.
            claim: ClaimId,
            /// The auditor.
            auditor: T::AccountId,
            /// The stake that was burned.
            lost: BalanceOf<T>,
        },
        /// All auditors agree with a claim.
        Passed {
            /// The claim.
            claim: ClaimId,
            /// The worker, whose record has one audit more.
            worker: T::AccountId,
        },
        /// An auditor was paid.
        AuditorPaid {
            /// The claim.
            claim: ClaimId,
            /// The auditor.
            auditor: T::AccountId,
            /// Its pay.
            fee: BalanceOf<T>,
        },
        /// The court has found that an auditor's answer was wrong.
        AuditorConvicted {
            /// The claim.
            claim: ClaimId,
            /// The auditor.
            auditor: T::AccountId,
            /// The slash, which matures after a delay.
            slash: SlashId,
            /// The stake that it takes.
            slashed: BalanceOf<T>,
        },
        /// Settlements have paid for audits.
        DuesPaid {
            /// The amount, which was burned.
            amount: BalanceOf<T>,
        },
        /// Somebody has paid into the pool.
        Funded {
            /// The auditor.
            who: T::AccountId,
            /// The amount.
            amount: BalanceOf<T>,
        },
        /// A step failed when it was due: the audit is off the agenda until somebody calls `advance`.
        StepFailed {
            /// The claim.
            claim: ClaimId,
            /// The error.
            error: DispatchError,
        },
    }
}
