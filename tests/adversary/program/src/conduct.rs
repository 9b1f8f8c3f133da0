//! The conduct of a worker that lies about some of its jobs, and keeps it up in disputes.

use crate::story::{Kind, Story};
use assay_daemon::{
    games::{Conduct, Honest, SharedExecution, Work},
    serve::desk_state::Output,
};
use assay_player::{PlayError, Statements};
use assay_types::{JobId, dispute::Place};
use std::time::Duration;

/// A worker that lies.
pub struct Crooked {
    kind: Kind,
    every: u64,
    late: Duration,
}

impl Crooked {
    /// Lies about every so many-th job.
    pub fn new(kind: Kind, every: u64, late: Duration) -> Self {
        Self { kind, every, late }
    }

    fn lies(&self, job: JobId) -> bool {
        job.is_multiple_of(self.every)
    }
}

impl Conduct for Crooked {
    fn output(&self, work: &Work<'_>, honest: Output) -> Output {
        if !self.lies(work.job) {
            return honest;
        }
        let execution = match work.execute() {
            Ok(execution) => execution,
            Err(error) => {
                tracing::error!(job = work.job, %error, "no lie can be made up");
                return honest;
            }
        };
        match Story::new(self.kind, execution).and_then(|story| story.output()) {
            Ok(output) => {
                tracing::warn!(job = work.job, lie = ?self.kind, claimed = ?output.digest, right = ?honest.digest, "lying");
                output
            }
            Err(error) => {
                tracing::error!(job = work.job, %error, "no lie can be made up");
                honest
            }
        }
    }

    fn statements(&self, job: JobId, honest: SharedExecution) -> Result<Box<dyn Statements + Send + Sync>, PlayError> {
        if !self.lies(job) {
            return Honest.statements(job, honest);
        }
        Ok(Box::new(Story::new(self.kind, honest)?))
    }

    fn hesitation(&self, _: &Place) -> Duration {
        if self.kind == Kind::Late {
            self.late
        } else {
            Duration::ZERO
        }
    }
}
