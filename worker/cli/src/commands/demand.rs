//! Outputs that nobody gives over the network, demanded on the chain.

use assay_client::{
    chain::{Account, Client},
    request::{
        Prepared,
        demand::{Wanted, demand},
        outcome::Outcome,
        progress::Summary,
        tracker::Story,
    },
};
use assay_types::{JobId, ModelParts};
use std::{collections::BTreeMap, time::Duration};

/// A client that demands outputs.
pub(super) struct Demanding<'a> {
    pub(super) client: &'a Client,
    pub(super) account: &'a Account,
    /// Longest wait for one output.
    pub(super) patience: Duration,
}

impl Demanding<'_> {
    /// Has the worker give an output on the chain, if it was claimed by its digest alone. Says why it does not come.
    pub(super) async fn get(&self, parts: &ModelParts, symbols: &[u32], story: &Story, outcome: &mut Outcome) {
        let (None, None, Some(digest)) = (&outcome.outputs, &story.output, story.output_digest) else {
            return;
        };
        let job = outcome.job;
        eprintln!("the output of job {job} is demanded on the chain");
        let wanted = Wanted {
            job,
            parts,
            symbols,
            digest,
            since: story.submitted.block,
        };
        match demand(self.client, self.account, wanted, self.patience).await {
            Ok(outputs) => outcome.take_output(story, outputs),
            Err(reason) => eprintln!("the output of job {job} is not had from the chain: {reason}"),
        }
    }

    /// Does the same for all jobs of a request.
    pub(super) async fn get_all(
        &self,
        parts: &ModelParts,
        jobs: &[Prepared],
        summary: &Summary,
        outcomes: &mut [Outcome],
    ) {
        let numbers = summary.submitted.iter();
        let inputs: BTreeMap<JobId, usize> = numbers.map(|job| (job.job, job.input)).collect();
        for outcome in outcomes {
            let job = inputs.get(&outcome.job).and_then(|input| jobs.get(*input));
            if let (Some(job), Some(story)) = (job, summary.tracker.story(outcome.job)) {
                self.get(parts, job.symbols(), story, outcome).await;
            }
        }
    }
}
