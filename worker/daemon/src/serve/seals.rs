//! Seals: this worker's claims before they are made, and the salts that open them.
//!
//! A salt is on disk before its seal can be on chain, as a bid's is. After a crash the worker finds the seal in the
//! chain's state and the salt in the store, and computes the output anew.

use super::{
    claims::{self, URGENT_CLAIMS},
    job_loop::JobLoop,
    memory::{Kind, Progress},
};
use assay_client::chain::{Call, ChainError, JobState, MarketCall, Seal, StateView, tip::HORIZON_BLOCKS};
use assay_ops::tensor::Blake2b256;
use assay_types::{JobId, audit, limits::MAX_LISTED_JOBS};
use polkadot_sdk::sp_runtime::BoundedVec;
use std::collections::BTreeMap;

impl<S: StateView> JobLoop<'_, S> {
    /// Asks where this worker's sealed claims stand.
    pub(super) async fn read_seals(&mut self, state: &S) -> Result<(), ChainError> {
        let sealed = self.view.jobs.iter().filter(|(_, job)| match &job.state {
            JobState::Sealed { assignment, .. } => assignment.worker == self.policy.me,
            _ => false,
        });
        let jobs: Vec<JobId> = sealed.map(|(id, _)| *id).collect();
        let mut seals = BTreeMap::new();
        for some in jobs.chunks(MAX_LISTED_JOBS as usize) {
            let statuses = state.seal_statuses(some).await?;
            seals.extend(some.iter().copied().zip(statuses));
        }
        self.view.seals = seals;
        Ok(())
    }

    /// Seals the claims of these jobs; true if one of them turns out to be impossible.
    pub(super) fn seal(&mut self, jobs: Vec<JobId>) -> bool {
        if jobs.is_empty() {
            return false;
        }
        let (salts, written) = self.store.salts(&jobs);
        if let Err(error) = written {
            // The deadline does not wait for the disk: the salt is in memory.
            self.note_store_trouble(&error);
        }
        let mut impossible = false;
        let mut seals = Vec::new();
        for (id, salt) in salts {
            let (Some(Progress::Ready(output)), Some(job)) = (self.kept.memory.progress(id), self.view.jobs.get(&id))
            else {
                continue;
            };
            if claims::claim(id, job.delivery, output, salt).is_none() {
                let reason = "its output is longer than a claim may be; the client should have asked for its digest";
                self.kept.memory.note(id, Progress::Impossible(reason.into()));
                impossible = true;
                continue;
            }
            seals.push(Seal {
                job: id,
                seal: audit::seal::<Blake2b256, _>(id, &self.policy.me, &output.digest, &salt),
            });
        }
        self.send_seals(seals);
        impossible
    }

    /// Sends seals in batches; those whose deadlines are near in small ones, which get in where blocks are full.
    fn send_seals(&mut self, seals: Vec<Seal>) {
        let is_urgent = |seal: &Seal| self.blocks_left(seal.job) <= HORIZON_BLOCKS;
        let (urgent, others): (Vec<Seal>, Vec<Seal>) = seals.into_iter().partition(is_urgent);
        let largest = self.largest_batch.max(1);
        let urgent = urgent.chunks(largest.min(URGENT_CLAIMS));
        let batches: Vec<Vec<Seal>> = urgent.chain(others.chunks(largest)).map(<[Seal]>::to_vec).collect();
        for batch in batches {
            let jobs: Vec<JobId> = batch.iter().map(|seal| seal.job).collect();
            tracing::info!(jobs = jobs.len(), first = jobs.first(), "sealing");
            // No batch has more than a call takes, so nothing is cut off.
            let seals = BoundedVec::truncate_from(batch);
            self.send(Kind::Seal, jobs, Call::Market(MarketCall::Seal { seals }));
        }
    }

    /// Says that a sealed claim was drawn, so that its audit begins.
    pub(super) fn draw(&mut self, job: JobId) {
        tracing::info!(job, "the claim was drawn for an audit");
        let jobs = BoundedVec::truncate_from(vec![job]);
        self.send(Kind::Draw, vec![job], Call::Market(MarketCall::Draw { jobs }));
    }
}
