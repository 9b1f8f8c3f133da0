//! Jobs: what a client asks for, what the chain keeps of it, and the states it passes through.

use crate::{
    H256, JobTerms, Lock, ModelVersion,
    limits::{Attempts, InlineInputBytes, Symbols},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_runtime::BoundedVec;
use scale_info::TypeInfo;

/// An input that travels in the extrinsic.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Payload {
    /// Value of each of the schema's symbols; that of a generation's sequence is its maximum length.
    pub symbols: BoundedVec<u32, Symbols>,
    /// The input tensors that the client gives, one after the other, in the schema's order, little-endian and
    /// row-major.
    pub bytes: BoundedVec<u8, InlineInputBytes>,
}

/// The input of a job.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum JobInput {
    /// The input itself.
    #[codec(index = 0)]
    Inline(Payload),
    /// Its digest; workers get the bytes elsewhere, and decline the job if they cannot.
    #[codec(index = 1)]
    Digest {
        /// List digest of the input tensors that the client gives.
        digest: H256,
        /// Value of each of the schema's symbols, as in a [`Payload`].
        symbols: BoundedVec<u32, Symbols>,
    },
}

/// Ways in which a job finds its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum Matching<BlockNumber> {
    /// The cheapest eligible standing offer whose terms the job fits, in the block of submission.
    #[codec(index = 0)]
    Offers,
    /// A sealed reverse auction: bids are committed, then revealed, and the lowest wins.
    #[codec(index = 1)]
    Auction {
        /// Blocks in which bids may be committed.
        bidding_blocks: BlockNumber,
        /// Blocks after those in which they may be revealed.
        reveal_blocks: BlockNumber,
    },
}

/// Ways in which the client gets the output. The first one is that of clients which leave the field out: the job is
/// refused if its output is too large, and nobody pays for an output that it does not get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum Delivery {
    /// The output itself is part of the claim and is kept until the job is closed: all output tensors, or of a
    /// generation the sequence.
    #[codec(index = 0)]
    Inline,
    /// Only its digest is put on chain, in the claim and its event. A generation is not delivered so: nobody could
    /// check a sequence that nobody has.
    #[codec(index = 1)]
    Digest,
}

/// A client's request for a job.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct JobRequest<Balance, BlockNumber> {
    /// The model version to run.
    pub model: ModelVersion,
    /// The input of the run.
    pub input: JobInput,
    /// The most that the client pays; held in full until the job is closed.
    pub ceiling: Balance,
    /// The way in which a worker is found.
    pub matching: Matching<BlockNumber>,
    /// Blocks that a worker has from its assignment to its claim.
    pub deadline_blocks: BlockNumber,
    /// Blocks from the claim to the settlement, in which the result can be challenged.
    pub window_blocks: BlockNumber,
    /// Delivery of the output.
    pub delivery: Delivery,
}

/// A worker's hold on a job.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Assignment<AccountId, Balance> {
    /// The worker that runs the job.
    pub worker: AccountId,
    /// Price that the worker is paid.
    pub price: Balance,
    /// The stake that secures it.
    pub locked: Balance,
    /// Expected audits of its claim when it was sealed, in units of 2^-32; none before.
    pub hazard: u64,
}

impl<AccountId, Balance: Copy> Assignment<AccountId, Balance> {
    /// The lock that secures this assignment of a job on `model`.
    pub fn lock(&self, model: ModelVersion) -> Lock<'_, AccountId, Balance> {
        Lock {
            worker: &self.worker,
            model,
            stake: self.locked,
        }
    }
}

/// State of a job. A closed job is no longer stored.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum JobState<AccountId, Balance, BlockNumber> {
    /// Bids are committed up to and including this block.
    #[codec(index = 0)]
    Bidding {
        /// Last block for commitments.
        until: BlockNumber,
        /// Last block for reveals.
        reveal_until: BlockNumber,
    },
    /// Bids are revealed up to and including this block.
    #[codec(index = 1)]
    Revealing {
        /// Last block for reveals.
        until: BlockNumber,
    },
    /// A worker has it and must seal its claim up to and including the deadline.
    #[codec(index = 2)]
    Assigned {
        /// The worker, its price and its lock.
        assignment: Assignment<AccountId, Balance>,
        /// Last block for the seal.
        deadline: BlockNumber,
    },
    /// The worker has committed to an output; the job is settled after this block.
    #[codec(index = 3)]
    Claimed {
        /// The worker, its price and its lock.
        assignment: Assignment<AccountId, Balance>,
        /// List digest of the output tensors.
        output_digest: H256,
        /// Last block of the challenge window.
        window_until: BlockNumber,
    },
    /// The claim is challenged: the job waits for the verdict, however long that takes, and no block ends this state.
    #[codec(index = 4)]
    Disputed {
        /// The worker, its price and its lock.
        assignment: Assignment<AccountId, Balance>,
        /// List digest of the output tensors.
        output_digest: H256,
        /// Last block of the challenge window, as the claim or an earlier verdict set it.
        window_until: BlockNumber,
    },
    /// The worker has sealed its claim, and makes it once its draw is known and its auditors, if it has any, have
    /// answered.
    #[codec(index = 5)]
    Sealed {
        /// The worker, its price and its lock.
        assignment: Assignment<AccountId, Balance>,
        /// The seal: a hash of the job, the worker, the output digest and a salt.
        seal: H256,
        /// Block of the seal, whose seed draws the claim.
        sealed_at: BlockNumber,
        /// Last block for the claim, which audits put off.
        until: BlockNumber,
    },
}

/// The name of a state, those of a closed job included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum Phase {
    /// See [`JobState::Bidding`].
    #[codec(index = 0)]
    Bidding,
    /// See [`JobState::Revealing`].
    #[codec(index = 1)]
    Revealing,
    /// See [`JobState::Assigned`].
    #[codec(index = 2)]
    Assigned,
    /// See [`JobState::Claimed`].
    #[codec(index = 3)]
    Claimed,
    /// Closed: the worker is paid.
    #[codec(index = 4)]
    Settled,
    /// Closed: the client has everything back.
    #[codec(index = 5)]
    Refunded,
    /// See [`JobState::Disputed`].
    #[codec(index = 6)]
    Disputed,
    /// See [`JobState::Sealed`].
    #[codec(index = 7)]
    Sealed,
}

impl Phase {
    /// Every step that a job can take. A job begins in `Bidding` or, where a standing offer fits, in `Assigned`. What a
    /// worker has claimed is refunded only out of a dispute.
    pub const TRANSITIONS: &'static [(Phase, Phase)] = &[
        (Phase::Bidding, Phase::Revealing),
        (Phase::Bidding, Phase::Refunded),
        (Phase::Revealing, Phase::Assigned),
        (Phase::Revealing, Phase::Refunded),
        (Phase::Assigned, Phase::Assigned),
        (Phase::Assigned, Phase::Sealed),
        (Phase::Assigned, Phase::Refunded),
        (Phase::Sealed, Phase::Assigned),
        (Phase::Sealed, Phase::Claimed),
        (Phase::Sealed, Phase::Refunded),
        (Phase::Claimed, Phase::Settled),
        (Phase::Claimed, Phase::Disputed),
        (Phase::Disputed, Phase::Claimed),
        (Phase::Disputed, Phase::Refunded),
    ];

    /// Whether a job can step from here to `next`.
    pub fn may_become(self, next: Phase) -> bool {
        Self::TRANSITIONS.contains(&(self, next))
    }
}

/// Reasons for which a job is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum CloseReason {
    /// Settled: the client accepted the result before the window had passed.
    #[codec(index = 0)]
    Accepted,
    /// Settled: the window passed and nobody proved the result wrong.
    #[codec(index = 1)]
    WindowPassed,
    /// Refunded: nobody committed a bid.
    #[codec(index = 2)]
    NoBids,
    /// Refunded: bids were committed, and none was revealed.
    #[codec(index = 3)]
    NoBidRevealed,
    /// Refunded: the workers that had it missed their deadlines, declined or were relieved of it, and no other can take
    /// it.
    #[codec(index = 4)]
    NoWorkerLeft,
    /// Refunded: the claimed result was proved wrong, or its author stayed silent in a dispute or kept back a claim
    /// that was audited.
    #[codec(index = 5)]
    Fraud,
    /// Refunded: the claimed result was challenged and nobody proved it wrong, but its author answered late.
    #[codec(index = 6)]
    Late,
    /// Refunded: the claimed result was challenged, and the chain no longer judges by the definition of its model.
    #[codec(index = 7)]
    Unjudged,
}

impl CloseReason {
    /// The phase that a job closed for this reason ends in.
    pub fn phase(self) -> Phase {
        match self {
            Self::Accepted | Self::WindowPassed => Phase::Settled,
            Self::NoBids | Self::NoBidRevealed | Self::NoWorkerLeft | Self::Fraud | Self::Late | Self::Unjudged => {
                Phase::Refunded
            }
        }
    }
}

/// Parts of a job that the chain keeps beside its record. Nobody looks for one that is not kept.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[scale_info(capture_docs = "always")]
pub struct Kept {
    /// Its inline input.
    pub input: bool,
    /// The inline output of its claim.
    pub output: bool,
    /// The bids of its auction, of which there may be none yet, or its runners-up.
    pub bids: bool,
    /// The mark that its step failed in `on_idle`: it is off the agenda until somebody calls `advance`.
    pub set_aside: bool,
    /// The audit of its claim.
    pub audit: bool,
}

impl Kept {
    /// Storage items that the job has beside its record, and its bit on the agenda.
    pub fn items(self) -> u32 {
        u32::from(self.input) + u32::from(self.output) + u32::from(self.bids)
    }
}

/// A job, as the chain keeps it until it is closed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Job<AccountId, Balance, BlockNumber> {
    /// The client, who pays.
    pub client: AccountId,
    /// The model version to run.
    pub model: ModelVersion,
    /// List digest of the input tensors that the client gives.
    pub input_digest: H256,
    /// Value of each of the schema's symbols; that of a generation's sequence is its maximum length.
    pub symbols: BoundedVec<u32, Symbols>,
    /// Work of the job, by which offers are priced.
    pub work: u64,
    /// The amount held of the client's money; nothing once a disputed job's client was refunded.
    pub ceiling: Balance,
    /// Blocks that a worker has from its assignment to its claim.
    pub deadline_blocks: BlockNumber,
    /// Blocks from the claim to the settlement.
    pub window_blocks: BlockNumber,
    /// Delivery of the output.
    pub delivery: Delivery,
    /// Block of submission.
    pub submitted_at: BlockNumber,
    /// Workers that had it and did not deliver, in order; none of them gets it again.
    pub tried: BoundedVec<AccountId, Attempts>,
    /// Parts that the chain keeps beside this record.
    pub kept: Kept,
    /// The state of the job.
    pub state: JobState<AccountId, Balance, BlockNumber>,
}

impl<AccountId, Balance, BlockNumber: Copy> Job<AccountId, Balance, BlockNumber> {
    /// Terms that the job asks of an offer.
    pub fn terms(&self) -> JobTerms<BlockNumber> {
        JobTerms {
            work: self.work,
            deadline_blocks: self.deadline_blocks,
            window_blocks: self.window_blocks,
            submitted_at: self.submitted_at,
        }
    }
}

impl<AccountId, Balance, BlockNumber: Copy> JobState<AccountId, Balance, BlockNumber> {
    /// The name of this state.
    pub fn phase(&self) -> Phase {
        match self {
            Self::Bidding { .. } => Phase::Bidding,
            Self::Revealing { .. } => Phase::Revealing,
            Self::Assigned { .. } => Phase::Assigned,
            Self::Claimed { .. } => Phase::Claimed,
            Self::Disputed { .. } => Phase::Disputed,
            Self::Sealed { .. } => Phase::Sealed,
        }
    }

    /// The last block of this state: from the next one on, the job is due for the step that follows. None for a
    /// disputed job, which a verdict moves on and no block.
    pub fn ends_after(&self) -> Option<BlockNumber> {
        match self {
            Self::Bidding { until, .. } | Self::Revealing { until } | Self::Sealed { until, .. } => Some(*until),
            Self::Assigned { deadline, .. } => Some(*deadline),
            Self::Claimed { window_until, .. } => Some(*window_until),
            Self::Disputed { .. } => None,
        }
    }

    /// The worker's hold on the job, if one has it.
    pub fn assignment(&self) -> Option<&Assignment<AccountId, Balance>> {
        match self {
            Self::Assigned { assignment, .. }
            | Self::Sealed { assignment, .. }
            | Self::Claimed { assignment, .. }
            | Self::Disputed { assignment, .. } => Some(assignment),
            Self::Bidding { .. } | Self::Revealing { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHASES: [Phase; 8] = [
        Phase::Bidding,
        Phase::Revealing,
        Phase::Assigned,
        Phase::Claimed,
        Phase::Settled,
        Phase::Refunded,
        Phase::Disputed,
        Phase::Sealed,
    ];

    #[test]
    fn closed_phases_lead_nowhere_and_open_ones_somewhere() {
        for phase in PHASES {
            let open = PHASES.iter().any(|next| phase.may_become(*next));
            assert_eq!(open, !matches!(phase, Phase::Settled | Phase::Refunded));
        }
    }

    #[test]
    fn only_a_claimed_job_is_settled_and_it_is_refunded_only_out_of_a_dispute() {
        for phase in PHASES {
            assert_eq!(phase.may_become(Phase::Settled), phase == Phase::Claimed);
        }
        assert!(!Phase::Claimed.may_become(Phase::Refunded));
        let reached_from = |phase: Phase| PHASES.into_iter().filter(move |from| from.may_become(phase));
        assert_eq!(reached_from(Phase::Disputed).collect::<Vec<_>>(), [Phase::Claimed]);
        assert!(Phase::Disputed.may_become(Phase::Refunded));
    }

    #[test]
    fn every_reason_closes_a_job() {
        for reason in [
            CloseReason::Accepted,
            CloseReason::WindowPassed,
            CloseReason::NoBids,
            CloseReason::NoBidRevealed,
            CloseReason::NoWorkerLeft,
            CloseReason::Fraud,
            CloseReason::Late,
            CloseReason::Unjudged,
        ] {
            assert!(matches!(reason.phase(), Phase::Settled | Phase::Refunded));
        }
    }
}
