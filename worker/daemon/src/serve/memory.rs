//! Memory of the worker about its jobs between blocks; all of it but the sealed bids can be lost.

use crate::skeleton::InFlight;
use assay_client::chain::{BlockNumber, H256};
use assay_types::{JobId, delivery::Cursor};
use std::collections::{BTreeMap, BTreeSet};

/// Blocks in which a transaction that was included must show in the best state; then it is decided anew.
const SETTLING_BLOCKS: BlockNumber = 8;

/// Output of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// List digest of the tensors.
    pub digest: H256,
    /// The tensors, one after the other.
    pub bytes: Vec<u8>,
}

/// State of a job's execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Its input is being looked for.
    Searching,
    /// It waits for the engine, or is running.
    Running,
    /// It is done.
    Ready(Output),
    /// It cannot be done, for this reason.
    Impossible(String),
}

/// Effect of a transaction on a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Seals the claim of its output.
    Seal,
    /// Says that the claim was drawn for an audit.
    Draw,
    /// Claims its output.
    Claim,
    /// Delivers a piece of its output, which the client has demanded.
    Deliver,
    /// Gives it back.
    Decline,
    /// Commits a bid on it.
    Commit,
    /// Reveals the bid.
    Reveal,
    /// Pauses the worker; about no job.
    Pause,
    /// Resumes the worker; about no job.
    Resume,
    /// Says where the worker's node is; about no job.
    Announce,
}

/// Memory of the worker.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    progress: BTreeMap<JobId, Progress>,
    sealed: BTreeSet<JobId>,
    in_flight: InFlight<JobId>,
    /// Effects of transactions that were included, which the state does not show yet.
    awaited: BTreeMap<JobId, Kind>,
    /// The places of the pieces that were sent last.
    delivered: BTreeMap<JobId, Cursor>,
}

impl Memory {
    /// With these bids written down.
    pub fn new(sealed: impl IntoIterator<Item = JobId>) -> Self {
        Self {
            sealed: sealed.into_iter().collect(),
            ..Self::default()
        }
    }

    /// State of the job's execution.
    pub fn progress(&self, job: JobId) -> Option<&Progress> {
        self.progress.get(&job)
    }

    /// Notes how far the job is.
    pub fn note(&mut self, job: JobId, progress: Progress) {
        self.progress.insert(job, progress);
    }

    /// Notes that the execution has to begin anew.
    pub fn note_unstarted(&mut self, job: JobId) {
        self.progress.remove(&job);
    }

    /// Notes that a bid is written down.
    pub fn note_sealed(&mut self, job: JobId) {
        self.sealed.insert(job);
    }

    /// Notes that a bid is no longer written down.
    pub fn note_forgotten(&mut self, job: JobId) {
        self.sealed.remove(&job);
    }

    /// The bids that are written down.
    pub fn sealed(&self) -> impl Iterator<Item = JobId> {
        self.sealed.iter().copied()
    }

    /// Whether a bid on the job is written down.
    pub fn is_sealed(&self, job: JobId) -> bool {
        self.sealed.contains(&job)
    }

    /// Notes that a transaction about the job is under way.
    pub fn note_sent(&mut self, job: JobId) {
        self.awaited.remove(&job);
        self.in_flight.note_sending(job);
    }

    /// Notes that it was included: the state will show it.
    pub fn note_included(&mut self, job: JobId, kind: Kind, best: BlockNumber) {
        self.rest(job, best.saturating_add(SETTLING_BLOCKS));
        self.awaited.insert(job, kind);
    }

    /// Leaves the job alone up to this block.
    pub fn rest(&mut self, job: JobId, until: BlockNumber) {
        self.awaited.remove(&job);
        self.in_flight.rest(job, until);
    }

    /// State that the job has to show before anything more is decided about it.
    pub fn awaited(&self, job: JobId) -> Option<Kind> {
        self.awaited.get(&job).copied()
    }

    /// The state shows the job anew, with everything that was waited for.
    pub fn note_changed(&mut self, job: JobId) {
        self.awaited.remove(&job);
        self.in_flight.wake(&job);
    }

    /// Notes that the piece of a demanded output at this place is sent.
    pub fn note_piece(&mut self, job: JobId, at: Cursor) {
        self.delivered.insert(job, at);
    }

    /// The place of the piece that was sent last.
    pub fn piece(&self, job: JobId) -> Option<Cursor> {
        self.delivered.get(&job).copied()
    }

    /// Whether nothing is to be decided about the job now.
    pub fn is_busy(&self, job: JobId, best: BlockNumber) -> bool {
        self.in_flight.is_busy(&job, best)
    }

    /// Everything under way is lost: it is looked up on chain, and looked for anew.
    pub fn forget_what_was_under_way(&mut self) {
        self.progress.retain(|_, progress| *progress != Progress::Searching);
        self.in_flight.clear();
        self.awaited.clear();
    }

    /// Forgets the jobs for which this says so.
    pub fn retain(&mut self, keep: impl Fn(JobId) -> bool) {
        self.progress.retain(|job, _| keep(*job));
        self.awaited.retain(|job, _| keep(*job));
        self.delivered.retain(|job, _| keep(*job));
        self.in_flight.retain(|job| keep(*job));
    }
}
