//! Challenges on a fake chain, and the games that they begin.

use super::ledger::{Ledger, refused};
use crate::chain::{
    error::SubmitError,
    events::{DisputesEvent, Event, SessionsEvent},
    types::*,
};
use assay_types::{
    ClaimId, ClaimSource, JobId,
    dispute::{Clock, ClockTerms, Committed, Place, Side},
};
use polkadot_sdk::sp_runtime::BoundedVec;

/// The time that a side of a fake game has.
const CLOCK: ClockTerms<BlockNumber> = ClockTerms {
    worker_blocks: 30,
    challenger_blocks: 30,
    least_turn_blocks: 5,
};

impl Ledger {
    pub(super) fn challenge(
        &mut self,
        who: &AccountId,
        now: BlockNumber,
        id: JobId,
        commitment: H256,
    ) -> Result<DisputesEvent, SubmitError> {
        let job = self
            .jobs
            .get_mut(&id)
            .ok_or_else(|| refused("Disputes", "UnknownJob"))?;
        let JobState::Claimed {
            assignment,
            output_digest,
            window_until,
        } = job.state.clone()
        else {
            return Err(refused("Disputes", "AlreadyChallenging"));
        };
        let dispute = Dispute {
            id,
            worker: assignment.worker.clone(),
            client: job.client.clone(),
            version: job.model,
            definition: assay_exact::DEFINITION_NUMBER,
            locked: assignment.locked,
            committed: Committed {
                model_root: self.versions.get(&job.model).map_or(H256::zero(), |record| record.root),
                input_digest: job.input_digest,
                output_digest,
            },
            trace: None,
            waits: false,
            late_until: None,
            games: BoundedVec::truncate_from(vec![begun(who, now, commitment)]),
        };
        job.state = JobState::Disputed {
            assignment,
            output_digest,
            window_until,
        };
        Ok(self.begin(id, who, dispute))
    }

    /// A receipt whose signature nobody looks at.
    pub(super) fn challenge_receipt(
        &mut self,
        who: &AccountId,
        now: BlockNumber,
        receipt: &Receipt,
        commitment: H256,
    ) -> Result<Vec<Event>, SubmitError> {
        let (session, sequence) = (receipt.session, receipt.sequence);
        let source = ClaimSource::Receipt { session, sequence };
        let claim = source.id().ok_or_else(|| refused("Sessions", "NoSuchRequest"))?;
        let known = self
            .sessions
            .get(&session)
            .ok_or_else(|| refused("Sessions", "UnknownSession"))?;
        if self.disputes.contains_key(&claim) {
            return Err(refused("Disputes", "AlreadyChallenging"));
        }
        let dispute = Dispute {
            id: claim,
            worker: known.worker.clone(),
            client: known.client.clone(),
            version: known.model,
            definition: assay_exact::DEFINITION_NUMBER,
            locked: known.locked,
            committed: Committed {
                model_root: receipt.model_root,
                input_digest: receipt.input_digest,
                output_digest: receipt.output_digest,
            },
            trace: None,
            waits: false,
            late_until: None,
            games: BoundedVec::truncate_from(vec![begun(who, now, commitment)]),
        };
        let shown = SessionsEvent::ReceiptDisputed {
            session,
            sequence,
            claim,
            receipt: receipt.clone(),
        };
        let challenged = self.begin(claim, who, dispute);
        Ok(vec![Event::Sessions(shown), Event::Disputes(challenged)])
    }

    fn begin(&mut self, claim: ClaimId, who: &AccountId, dispute: Dispute) -> DisputesEvent {
        let event = DisputesEvent::Challenged {
            job: claim,
            dispute: dispute.id,
            challenger: who.clone(),
            bond: 5,
            waits: false,
        };
        self.disputes.insert(claim, dispute);
        event
    }
}

/// A game that has just begun.
fn begun(who: &AccountId, now: BlockNumber, commitment: H256) -> Game {
    Game {
        challenger: who.clone(),
        commitment,
        bond: 5,
        place: Place::Trace,
        digest: H256::zero(),
        tensor: None,
        turn: Side::Worker,
        clock: Clock::start(now, Side::Worker, &CLOCK),
    }
}
