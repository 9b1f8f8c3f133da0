//! Work that a worker finishes before it leaves, and the log's words on the rest.

use super::{job_loop::JobLoop, memory::Kind};
use crate::audits::Waiting;
use assay_client::chain::{BlockNumber, Call, Job, JobState, StateView, WorkersCall};
use assay_types::{ClaimId, ClaimSource};

impl<S: StateView> JobLoop<'_, S> {
    /// Takes no new jobs from now on.
    pub(super) fn begin_to_leave(&mut self) {
        tracing::info!("shutting down: no new jobs, finishing those that are assigned");
        self.warn_of_disputes();
        self.policy.taking = false;
        self.leaving = true;
        // A worker whose engine fails is paused already.
        if self.config.pause_at_exit && self.told_well != Some(false) {
            self.send(Kind::Pause, Vec::new(), Call::Workers(WorkersCall::Pause));
        }
    }

    /// Says how the worker leaves.
    pub(super) fn say_goodbye(&self) {
        let unfinished = self.unclaimed_or_disputed();
        if unfinished == 0 {
            tracing::info!("all work is finished");
        } else {
            tracing::warn!(unfinished, "leaving with work unfinished; start again soon");
            self.warn_of_disputes();
        }
        self.warn_of_open_claims();
        self.warn_of_open_audits();
    }

    /// Number of things to finish, transactions that are under way counted.
    pub(super) fn open_work(&self) -> usize {
        self.unclaimed_or_disputed() + usize::from(!self.kept.work.is_empty())
    }

    /// Whether something has a deadline or may get one.
    pub(super) fn is_open(&self) -> bool {
        !self.view.jobs.is_empty() || !self.view.bids.is_empty()
    }

    /// Jobs that this worker has to claim, to defend or to deliver, bids that it has to reveal, and audits that it has
    /// to answer.
    fn unclaimed_or_disputed(&self) -> usize {
        let mine = |job: &&Job| match &job.state {
            JobState::Assigned { assignment, deadline } => {
                assignment.worker == self.policy.me && self.view.now < *deadline
            }
            JobState::Sealed { assignment, until, .. } => assignment.worker == self.policy.me && self.view.now < *until,
            _ => false,
        };
        let unrevealed = self.view.bids.values().filter(|revealed| !**revealed);
        let demanded = self.view.demands.keys().filter(|job| self.blocks_left(**job) > 0);
        let others = demanded.count() + self.audits().pressing;
        self.view.jobs.values().filter(mine).count() + self.disputed().len() + unrevealed.count() + others
    }

    /// Audits of others' claims that are under way.
    fn audits(&self) -> Waiting {
        let audits = self.kept.audits.as_ref();
        audits.map_or_else(Waiting::default, |audits| *audits.borrow())
    }

    /// Says that answers which are sealed have to be opened, since nobody else opens them.
    fn warn_of_open_audits(&self) {
        let audits = self.audits().open;
        if audits > 0 {
            tracing::warn!(
                audits,
                "audits are open: an answer that is not opened once its claim is made costs a part of its lock, so \
                 start again within minutes"
            );
        }
    }

    /// This worker's claims that are disputed, on jobs and by receipts.
    fn disputed(&self) -> Vec<ClaimId> {
        let mine = |job: &Job| match &job.state {
            JobState::Disputed { assignment, .. } => assignment.worker == self.policy.me,
            _ => false,
        };
        let jobs = self.view.jobs.iter().filter(|(_, job)| mine(job)).map(|(id, _)| *id);
        let standing = self.standing.borrow();
        let is_receipt = |claim: &ClaimId| matches!(ClaimSource::of(*claim), ClaimSource::Receipt { .. });
        let receipts = standing.defending.iter().copied().filter(is_receipt);
        jobs.chain(receipts).collect()
    }

    fn warn_of_disputes(&self) {
        let jobs = self.disputed();
        if !jobs.is_empty() {
            tracing::warn!(
                ?jobs,
                "CLAIMS ARE DISPUTED: a worker that is not there to answer loses all the stake that is locked for them; \
                 start again before a clock runs out"
            );
        }
    }

    /// Says until when somebody may challenge what this worker has claimed, since nobody else would answer.
    fn warn_of_open_claims(&self) {
        let mine = self.view.jobs.values().filter_map(|job| match &job.state {
            JobState::Claimed {
                assignment,
                window_until,
                ..
            } if assignment.worker == self.policy.me => Some(*window_until),
            _ => None,
        });
        let windows: Vec<BlockNumber> = mine.filter(|until| *until >= self.view.now).collect();
        if let Some(last) = windows.iter().max() {
            tracing::warn!(
                claims = windows.len(),
                blocks = last - self.view.now,
                "claims may still be challenged for so many blocks; whoever is challenged has to answer, so start again \
                 within minutes"
            );
        }
    }
}
