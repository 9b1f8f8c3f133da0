//! Reports of the engine's health to the chain: a worker whose engine fails pauses itself, and resumes itself later.

use super::{job_loop::JobLoop, memory::Kind};
use crate::engine::Health;
use assay_client::chain::{Call, ChainError, StateView, WorkersCall};
use assay_types::WorkerStatus;

impl<S: StateView> JobLoop<'_, S> {
    /// Makes no bids while the engine fails.
    pub(super) fn note_health(&mut self) {
        self.policy.taking = !self.leaving && self.executor.health().borrow().is_well();
    }

    /// Pauses the worker on chain while its engine fails, and resumes it afterwards. A worker that drains or has left
    /// is left alone.
    pub(super) async fn tell_health(&mut self, state: &S) -> Result<(), ChainError> {
        let health = self.executor.health();
        let health = health.borrow().clone();
        if self.leaving || self.told_well == Some(health.is_well()) {
            return Ok(());
        }
        let worker = state.worker(&self.policy.me).await?;
        self.told_well = Some(health.is_well());
        match (health, worker.map(|worker| worker.status)) {
            (Health::Failing(reason), Some(WorkerStatus::Active)) => {
                tracing::error!(reason, "PAUSING THE WORKER ON CHAIN: ITS ENGINE FAILS");
                self.send(Kind::Pause, Vec::new(), Call::Workers(WorkersCall::Pause));
            }
            (Health::Well, Some(WorkerStatus::Paused)) => {
                tracing::info!("resuming the worker on chain: its engine works again");
                self.send(Kind::Resume, Vec::new(), Call::Workers(WorkersCall::Resume));
            }
            _ => {}
        }
        Ok(())
    }
}
