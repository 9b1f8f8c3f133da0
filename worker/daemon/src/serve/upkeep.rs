//! Data that the store forgets: the copies of the inputs, the digest trees and the salts of closed jobs.

use super::job_loop::{JobLoop, REQUESTS};
use assay_client::chain::{BlockNumber, ChainError, StateView};
use assay_types::JobId;
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeSet;

impl<S: StateView> JobLoop<'_, S> {
    /// Drops the copies of inputs and the digest trees of jobs that are closed for good: in a final block that is no
    /// older than the best block which did not show them first.
    pub(super) async fn drop_kept(&mut self, finalized: &S) -> Result<(), ChainError> {
        let kept: BTreeSet<JobId> = match (self.store.jobs_with_inputs(), self.store.jobs_with_trees()) {
            (Ok(inputs), Ok(trees)) => {
                let salts = self.store.jobs_with_salts();
                inputs.into_iter().chain(trees).chain(salts).collect()
            }
            (Err(error), _) | (_, Err(error)) => {
                tracing::error!(%error, "which inputs and digest trees are kept cannot be read");
                return Ok(());
            }
        };
        let gone = kept.into_iter().filter(|job| !self.view.jobs.contains_key(job));
        let before = std::mem::take(&mut self.gone_since);
        let since = |job| (job, before.get(&job).copied().unwrap_or(self.height));
        self.gone_since = gone.map(since).collect();
        let is_old = |since: &BlockNumber| *since <= finalized.number();
        let old: Vec<JobId> = self
            .gone_since
            .iter()
            .filter(|(_, since)| is_old(since))
            .map(|(job, _)| *job)
            .collect();
        let read =
            stream::iter(old).map(|job| async move { Ok::<_, ChainError>((job, finalized.job(job).await?.is_none())) });
        let read: Vec<_> = read.buffer_unordered(REQUESTS).try_collect().await?;
        for (job, _) in read.into_iter().filter(|(_, closed)| *closed) {
            let dropped = self.store.drop_input(job).and_then(|()| self.store.drop_trees(job));
            if let Err(error) = dropped.and_then(|()| self.store.drop_salt(job)) {
                tracing::error!(job, %error, "what was kept for a closed job stays in the store");
            }
        }
        Ok(())
    }
}
