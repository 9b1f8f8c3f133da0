//! Inputs and outputs of jobs by digest, over the client's own node of the workers' network.

use super::visitor::{Visitor, announced};
use crate::config::NetworkArgs;
use anyhow::{Context, bail, ensure};
use assay_client::{
    chain::{Client, H256},
    request::{Prepared, outcome::Outcome, progress::Summary},
    schema,
};
use assay_daemon::network::MAX_SHARED_BYTES;
use assay_ops::tensor::Tensor;
use assay_types::{JobId, JobInput, ModelParts, payload::given_layouts};
use std::collections::BTreeMap;

/// Joins the network, if the arguments say so, and provides the inputs of these jobs to whoever has the digest.
pub(super) async fn provide(
    args: &NetworkArgs,
    client: &Client,
    parts: &ModelParts,
    jobs: &[Prepared],
) -> anyhow::Result<Option<Visitor>> {
    let Some(visitor) = Visitor::join(args).await? else {
        return Ok(None);
    };
    let is_given = |job: &&Prepared| matches!(job.request.input, JobInput::Digest { .. }) && !job.bytes.is_empty();
    let given: Vec<&Prepared> = jobs.iter().filter(is_given).collect();
    let bytes: u64 = given.iter().map(|job| job.bytes.len() as u64).sum();
    ensure!(
        bytes <= MAX_SHARED_BYTES,
        "the inputs are {} MiB, and a node gives at most {} MiB from memory: submit fewer at once with --limit, or write \
         them to a folder with --digest",
        bytes >> 20,
        MAX_SHARED_BYTES >> 20
    );
    let reached = visitor.meet(announced(client).await?).await?;
    if reached == 0 {
        bail!(
            "nobody in the workers' network is reached, so nobody can have the inputs: `assay-worker network status` says \
             who was tried and what to do"
        );
    }
    for job in &given {
        let layouts = given_layouts(parts, job.symbols());
        let tensors = layouts.and_then(|layouts| schema::tensors(&layouts, &job.bytes));
        let tensors = tensors.map_err(|error| anyhow::anyhow!("{} does not fit the model: {error:?}", job.name))?;
        visitor.network.share(tensors).await.context("the workers' network")?;
    }
    eprintln!(
        "{} inputs are given to the workers' network, where {reached} peers are reached; they are until this program ends",
        given.len()
    );
    Ok(Some(visitor))
}

/// Fetches the outputs that were claimed by their digests alone.
pub(super) async fn fetch_outputs(
    visitor: &Visitor,
    parts: &ModelParts,
    jobs: &[Prepared],
    summary: &Summary,
    outcomes: &mut [Outcome],
) {
    let numbers = summary.submitted.iter();
    let inputs: BTreeMap<JobId, usize> = numbers.map(|job| (job.job, job.input)).collect();
    for outcome in outcomes.iter_mut().filter(|outcome| outcome.outputs.is_none()) {
        let story = summary
            .tracker
            .story(outcome.job)
            .filter(|story| story.output.is_none());
        let Some((story, digest)) = story.and_then(|story| Some((story, story.output_digest?))) else {
            continue;
        };
        let Some(job) = inputs.get(&outcome.job).and_then(|input| jobs.get(*input)) else {
            continue;
        };
        match fetch(visitor, parts, job, digest).await {
            Ok(outputs) => outcome.take_output(story, outputs),
            Err(reason) => eprintln!(
                "the output of job {} is not had from the network: {reason}",
                outcome.job
            ),
        }
    }
}

async fn fetch(visitor: &Visitor, parts: &ModelParts, job: &Prepared, digest: H256) -> Result<Vec<Tensor>, String> {
    let layouts = parts.schema.output_layouts(job.symbols());
    let layouts = layouts.map_err(|error| format!("it does not fit the model: {error:?}"))?;
    // Saturating: a sum that saturates is more than anybody sends.
    let most = layouts
        .iter()
        .fold(0u64, |sum, layout| sum.saturating_add(layout.bytes));
    visitor.network.fetch(digest, most).await
}
