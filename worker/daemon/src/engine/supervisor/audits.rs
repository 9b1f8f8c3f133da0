//! Requests of an audit: an execution like those that are served, and no more of them where it has found a
//! difference.

use super::{Supervisor, failed};
use crate::{
    engine::{
        message::{Request, Response},
        process::unexpected,
        wire::WireTensor,
    },
    serve::memory::Output,
};
use assay_ops::{
    program::EngineError,
    tensor::{Digest, Tensor},
};
use std::time::Instant;

impl Supervisor {
    /// Executes a job as those that are served.
    pub(super) fn probe(&mut self, root: &Digest, inputs: Vec<Tensor>) -> Result<Output, EngineError> {
        let model = self.position(root).ok_or_else(|| failed("the model is not loaded"))?;
        self.fits(model, &inputs)?;
        let jobs = vec![inputs.into_iter().map(WireTensor::of).collect()];
        let patience = self.start.patience.start;
        let answered = self.process().and_then(|process| {
            process.ask(&Request::Run { model, jobs }, patience)?;
            match process.answer(patience)? {
                Response::Ran(0, result) => Ok(result),
                _ => Err(unexpected()),
            }
        });
        match answered {
            Ok(result) => result.map(Into::into).map_err(Into::into),
            Err(error) => {
                tracing::error!(%error, "the engine did not survive the execution of an audit");
                self.process = None;
                self.note_failure(&error.to_string());
                Err(failed(&error.to_string()))
            }
        }
    }

    /// Executes no job of a model any more, and relies on the engine again only after a self-test.
    pub(super) fn distrust(&mut self, root: &Digest, reason: String) {
        let Some(model) = self.position(root) else { return };
        if self.breaker.note_difference(&reason) {
            self.next_test = Instant::now() + self.start.patience.between_tests;
            self.start.health.send_replace(self.breaker.health().clone());
        }
        self.distrusted.insert(model, reason);
    }
}
