//! Conduct of an account: an honest one says what it computes. Those that do otherwise are for tests and live
//! elsewhere.

use super::SharedExecution;
use crate::{
    dispute::JobExecution,
    job_input::KeptRequests,
    models::{Model, Models},
    serve::memory::Output,
};
use assay_ops::{program::EngineError, tensor::Tensor};
use assay_player::{PlayError, Statements, statement};
use assay_session::Executor;
use assay_types::{
    ClaimId, H256, JobId,
    dispute::{Place, Statement},
};
use std::{sync::Arc, time::Duration};

/// Conduct of a worker. The methods that are given are those of an honest one, which changes nothing.
///
/// Those that are called for a job are called where work may block.
pub trait Conduct: Send + Sync {
    /// The output that is claimed for a job that has this one.
    fn output(&self, _work: &Work<'_>, honest: Output) -> Output {
        honest
    }

    /// The answer to an audit whose own execution gives this digest; nothing if it is not to be answered. It is always
    /// the same for a claim.
    fn answer(&self, _claim: ClaimId, honest: H256) -> Option<H256> {
        Some(honest)
    }

    /// The player that answers in a dispute over a job that was executed like this.
    fn statements(&self, _job: JobId, honest: SharedExecution) -> Result<Box<dyn Statements + Send + Sync>, PlayError> {
        Ok(Box::new(Truthful(honest)))
    }

    /// The executor that answers the requests of sessions.
    fn executor(&self, honest: Arc<dyn Executor>, _models: &Models) -> Arc<dyn Executor> {
        honest
    }

    /// Where the requests are that receipts were signed for.
    fn requests(&self, honest: Arc<dyn KeptRequests>) -> Arc<dyn KeptRequests> {
        honest
    }

    /// Time that an answer is held back.
    fn hesitation(&self, _place: &Place) -> Duration {
        Duration::ZERO
    }
}

/// The conduct of every worker outside of tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Honest;

impl Conduct for Honest {}

/// A job that was executed, as a [`Conduct`] sees it.
pub struct Work<'a> {
    /// The job.
    pub job: JobId,
    /// Its model.
    pub model: &'a Model,
    /// Its inputs.
    pub inputs: &'a [Tensor],
}

impl Work<'_> {
    /// Executes the job once more, with everything on the way.
    pub fn execute(&self) -> Result<SharedExecution, EngineError> {
        let execution = JobExecution::new(self.model.subject()?, self.inputs.to_vec())?;
        Ok(Arc::new(execution))
    }
}

/// Says what the execution gives.
struct Truthful(SharedExecution);

impl Statements for Truthful {
    fn statement(&self, place: &Place) -> Result<Option<Statement>, PlayError> {
        statement(&*self.0, place).map(Some)
    }
}
