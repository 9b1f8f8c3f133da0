//! The conduct of a worker that lies about some of its jobs, and keeps it up in disputes.

use crate::{
    sequence,
    story::{Kind, Story},
};
use assay_daemon::{
    games::{Conduct, Honest, SharedExecution, Work},
    serve::memory::Output,
};
use assay_player::{Execution, PlayError, Statements};
use assay_types::{JobId, dispute::Place, schema::ModelKind};
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

    /// Whether it lies about a job on a model of this kind: of a generation it has a sequence to lie about, and nothing
    /// else.
    fn lies(&self, job: JobId, model: ModelKind) -> bool {
        let can_lie = match model {
            ModelKind::Plain => true,
            ModelKind::Generation => self.kind.is_of_sequence(),
        };
        can_lie && job.is_multiple_of(self.every)
    }
}

impl Conduct for Crooked {
    fn output(&self, work: &Work<'_>, honest: Output) -> Output {
        let model = work.model.package.parts().kind;
        if !self.lies(work.job, model) {
            return honest;
        }
        if model == ModelKind::Generation {
            return sequence::lie(self.kind, work, honest);
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
        if !self.lies(job, honest.parts().kind) {
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
