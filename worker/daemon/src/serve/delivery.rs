//! Outputs that clients demand: given to the chain piece by piece, each of which the chain checks.
//!
//! The chain knows where the next piece begins, so nothing is stored here. After a crash the output is computed anew
//! from the copy of the input; it is the same.

use super::{
    job_loop::JobLoop,
    memory::{Kind, Progress},
};
use assay_client::chain::{Call, MarketCall, StateView};
use assay_ops::tensor::Blake2b256;
use assay_types::{JobId, delivery::OutputPiece};

impl<S: StateView> JobLoop<'_, S> {
    /// Sends the next piece of a demanded output.
    pub(super) fn deliver(&mut self, id: JobId) {
        let Some(at) = self.view.demands.get(&id).copied() else {
            return;
        };
        let Some(piece) = self.next_piece(id) else {
            let reason = "A DEMANDED OUTPUT CANNOT BE DELIVERED: it has not the size that the model's schema says";
            tracing::error!(job = id, reason);
            self.kept.memory.note(id, Progress::Impossible(reason.into()));
            return;
        };
        tracing::info!(
            job = id,
            tensor = at.tensor,
            chunk = at.chunk,
            bytes = piece.bytes.len(),
            "delivering a demanded output"
        );
        self.kept.memory.note_piece(id, at);
        let piece = Box::new(piece);
        let call = MarketCall::DeliverOutput { job: id, piece };
        self.send(Kind::Deliver, vec![id], Call::Market(call));
    }

    /// Notes that a job cannot be done, aloud if its output is owed.
    pub(super) fn note_impossible(&mut self, job: JobId, reason: String) {
        if self.view.demands.contains_key(&job) {
            tracing::error!(
                job,
                reason,
                "A DEMANDED OUTPUT CANNOT BE DELIVERED, so the job will not be paid"
            );
        }
        self.kept.memory.note(job, Progress::Impossible(reason));
    }

    fn next_piece(&self, id: JobId) -> Option<OutputPiece> {
        let Some(Progress::Ready(output)) = self.kept.memory.progress(id) else {
            return None;
        };
        let job = self.view.jobs.get(&id)?;
        let served = self.served.get(&job.model)?;
        let layouts = served.parts.schema.output_layouts(&job.symbols).ok()?;
        OutputPiece::at::<Blake2b256>(&layouts, &output.bytes, *self.view.demands.get(&id)?)
    }
}
