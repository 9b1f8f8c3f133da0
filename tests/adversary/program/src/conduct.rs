//! The conduct of a worker that lies about some of its jobs, and keeps it up in disputes.

use crate::{
    answers::{Answers, Lies, Memory},
    sequence,
    story::{Kind, Story},
};
use assay_daemon::{
    games::{Conduct, Honest, SharedExecution, Work},
    job_input::KeptRequests,
    models::Models,
    serve::memory::Output,
};
use assay_player::{Execution, PlayError, Statements, committed};
use assay_session::Executor;
use assay_types::{ClaimId, ClaimSource, H256, JobId, dispute::Place, schema::ModelKind};
use clap::ValueEnum;
use std::{sync::Arc, time::Duration};

/// Ways of auditing the claims of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Auditing {
    /// Executes, and says what comes out
    Honest,
    /// Says something else, which accuses an honest worker
    Lie,
    /// Answers nothing
    Sleep,
}

/// A worker that lies.
pub struct Crooked {
    kind: Kind,
    every: u64,
    auditing: Auditing,
    late: Duration,
    /// Sequences that it has told clients of sessions.
    lies: Lies,
}

impl Crooked {
    /// Lies about every so many-th job, and every so many-th request of sessions, and audits like this.
    pub fn new((kind, every): (Kind, u64), auditing: Auditing, late: Duration) -> Self {
        Self {
            kind,
            every,
            auditing,
            late,
            lies: Lies::default(),
        }
    }

    /// Whether it lies about a job on a model of this kind: of a generation it has a sequence to lie about, and nothing
    /// else.
    fn lies(&self, job: JobId, model: ModelKind) -> bool {
        self.kind.fits(model) && job.is_multiple_of(self.every)
    }

    /// Whether it has lied about what this execution is of.
    fn has_lied(&self, claim: JobId, execution: &SharedExecution) -> bool {
        match ClaimSource::of(claim) {
            ClaimSource::Job(job) => self.lies(job, execution.parts().kind),
            // Of one that always lies, receipts are signed by hand as well.
            ClaimSource::Receipt { .. } if self.every == 1 => self.kind.fits(execution.parts().kind),
            ClaimSource::Receipt { .. } => self.lies.has(committed(&**execution).input_digest),
        }
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

    fn answer(&self, claim: ClaimId, honest: H256) -> Option<H256> {
        match self.auditing {
            Auditing::Honest => Some(honest),
            Auditing::Lie => {
                tracing::warn!(claim, "lying as an auditor");
                Some(honest ^ H256::repeat_byte(0xff))
            }
            Auditing::Sleep => None,
        }
    }

    fn statements(&self, job: JobId, honest: SharedExecution) -> Result<Box<dyn Statements + Send + Sync>, PlayError> {
        if !self.has_lied(job, &honest) {
            return Honest.statements(job, honest);
        }
        Ok(Box::new(Story::new(self.kind, honest)?))
    }

    fn executor(&self, honest: Arc<dyn Executor>, models: &Models) -> Arc<dyn Executor> {
        Arc::new(Answers::new(
            honest,
            models.clone(),
            (self.kind, self.every),
            self.lies.clone(),
        ))
    }

    fn requests(&self, honest: Arc<dyn KeptRequests>) -> Arc<dyn KeptRequests> {
        Arc::new(Memory::new(honest, self.lies.clone()))
    }

    fn hesitation(&self, _: &Place) -> Duration {
        if self.kind == Kind::Late {
            self.late
        } else {
            Duration::ZERO
        }
    }
}
