//! Progress of a request while it goes on.

use super::tracker::Tracker;
use crate::chain::{AccountId, Balance, BlockNumber};
use assay_types::{CloseReason, JobId};
use std::time::Instant;

/// A job that is on chain.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// Its number.
    pub job: JobId,
    /// Position of the input that it was made of.
    pub input: usize,
    /// When the transaction was sent; when it was found, for a job whose number had been lost.
    pub at: Instant,
}

/// A step of a request.
#[derive(Clone, Debug)]
pub enum Progress {
    /// Jobs that an earlier program may have submitted are looked for, up to this block if need be.
    Searching {
        /// Number of inputs of which it is not known.
        inputs: usize,
        /// From this block on they cannot be included any more.
        until: BlockNumber,
    },
    /// Jobs are on chain under these numbers.
    Submitted(Vec<Submitted>),
    /// All workers are busy: these many inputs wait to be submitted.
    Waiting {
        /// Number of inputs.
        inputs: usize,
    },
    /// A worker has a job.
    Assigned {
        /// The job.
        job: JobId,
        /// The worker.
        worker: AccountId,
        /// For how much.
        price: Balance,
    },
    /// A job has a result.
    Claimed {
        /// The job.
        job: JobId,
        /// The result stays open to challenges up to this block.
        window_until: BlockNumber,
    },
    /// A job's result was challenged.
    Disputed {
        /// The job.
        job: JobId,
    },
    /// A job is closed.
    Closed {
        /// The job.
        job: JobId,
        /// Why.
        reason: CloseReason,
        /// Amount that was paid.
        paid: Balance,
    },
    /// Everything up to this block has been told.
    Block(BlockNumber),
    /// The request is over.
    Finished(Summary),
}

/// Outcome of a request.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The jobs.
    pub submitted: Vec<Submitted>,
    /// Their states.
    pub tracker: Tracker,
    /// Number of jobs that have not reached the state that was waited for, since patience was over.
    pub unfinished: usize,
}
