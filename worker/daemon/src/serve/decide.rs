//! The next steps, as a pure function of the chain's state and this worker's memory.

use super::{
    blocks::JobBlocks,
    memory::{Memory, Progress},
};
use crate::config::BidPolicy;
use assay_client::chain::{AccountId, Balance, BlockNumber, Job, JobState};
use assay_types::{JobId, ModelVersion, SealStatus, delivery::Cursor};
use std::collections::BTreeMap;

/// One step that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Run the model.
    Execute(JobId),
    /// Seal the claim of the output that is ready.
    Seal(JobId),
    /// Say that the sealed claim was drawn for an audit.
    Draw(JobId),
    /// Make the claim that is sealed.
    Claim(JobId),
    /// Deliver the next piece of a demanded output.
    Deliver(JobId),
    /// Give the job back.
    Decline(JobId),
    /// Write a bid down and commit it.
    Commit {
        /// The job.
        job: JobId,
        /// The price.
        price: Balance,
    },
    /// Commit a bid that is written down and did not reach the chain.
    CommitAgain(JobId),
    /// Reveal a bid.
    Reveal(JobId),
    /// Forget a bid that is over.
    Forget(JobId),
}

/// The chain's state, after its best block.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The best block's moment of Assay time: what is sent now gets into the next block at the earliest.
    pub now: BlockNumber,
    /// The jobs that are or may become this worker's.
    pub jobs: BTreeMap<JobId, Job>,
    /// This worker's bids: whether each has been revealed.
    pub bids: BTreeMap<JobId, bool>,
    /// Where this worker's sealed claims stand.
    pub seals: BTreeMap<JobId, SealStatus>,
    /// Outputs of this worker that clients have demanded: the place of the next piece of each.
    pub demands: BTreeMap<JobId, Cursor>,
}

/// Limits of the worker.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its account.
    pub me: AccountId,
    /// The models that it bids on, and the blocks that a job must have.
    pub bidding: BTreeMap<ModelVersion, (BidPolicy, JobBlocks)>,
    /// Whether it takes new work; not while it shuts down.
    pub taking: bool,
}

/// Everything that is due, in the order of urgency.
pub fn decide(view: &View, memory: &Memory, policy: &Policy) -> Vec<Action> {
    let mut actions = Vec::new();
    for (id, job) in &view.jobs {
        if memory.is_busy(*id, view.now) {
            continue;
        }
        actions.extend(match &job.state {
            JobState::Bidding { until, .. } => bidding(*id, job, *until, view, memory, policy),
            JobState::Revealing { until } => reveal(*id, *until, view, memory),
            JobState::Assigned { assignment, deadline } if assignment.worker == policy.me => {
                assigned(*id, *deadline, view, memory)
            }
            JobState::Sealed { assignment, .. } if assignment.worker == policy.me => sealed(*id, view, memory),
            JobState::Claimed { window_until, .. } => demanded(*id, Some(*window_until), view, memory),
            JobState::Disputed { .. } => demanded(*id, None, view, memory),
            JobState::Assigned { .. } | JobState::Sealed { .. } => None,
        });
    }
    actions.extend(memory.sealed().filter(|id| is_over(*id, view)).map(Action::Forget));
    within_limits(actions, view, policy)
}

fn bidding(id: JobId, job: &Job, until: BlockNumber, view: &View, memory: &Memory, policy: &Policy) -> Option<Action> {
    // The state changes only with the first reveal, so the block's number tells the phase.
    if view.now >= until {
        let JobState::Bidding { reveal_until, .. } = job.state else {
            return None;
        };
        return reveal(id, reveal_until, view, memory);
    }
    if view.bids.contains_key(&id) || !policy.taking {
        return None;
    }
    if memory.is_sealed(id) {
        return Some(Action::CommitAgain(id));
    }
    let (bidding, blocks) = policy.bidding.get(&job.model)?;
    if !blocks.fit(job.deadline_blocks, job.window_blocks) {
        return None;
    }
    let price = bidding.bid(job.ceiling)?;
    Some(Action::Commit { job: id, price })
}

fn reveal(id: JobId, until: BlockNumber, view: &View, memory: &Memory) -> Option<Action> {
    let hidden = view.bids.get(&id) == Some(&false);
    (hidden && memory.is_sealed(id) && view.now < until).then_some(Action::Reveal(id))
}

fn assigned(id: JobId, deadline: BlockNumber, view: &View, memory: &Memory) -> Option<Action> {
    if view.now >= deadline {
        return None;
    }
    match memory.progress(id) {
        None => Some(Action::Execute(id)),
        Some(Progress::Searching | Progress::Running) => None,
        Some(Progress::Ready(_)) => Some(Action::Seal(id)),
        Some(Progress::Impossible(_)) => Some(Action::Decline(id)),
    }
}

/// A sealed claim is made once nobody can copy it. After a restart the output is computed anew; it is the same.
fn sealed(id: JobId, view: &View, memory: &Memory) -> Option<Action> {
    let status = view.seals.get(&id);
    if status == Some(&SealStatus::Drawn) {
        return Some(Action::Draw(id));
    }
    match memory.progress(id) {
        None => Some(Action::Execute(id)),
        Some(Progress::Ready(_)) => (status == Some(&SealStatus::Claimable)).then_some(Action::Claim(id)),
        Some(Progress::Searching | Progress::Running | Progress::Impossible(_)) => None,
    }
}

/// A demanded output is delivered piece by piece: the chain says where the next one begins, so a restart loses nothing.
fn demanded(id: JobId, until: Option<BlockNumber>, view: &View, memory: &Memory) -> Option<Action> {
    view.demands.get(&id)?;
    if until.is_some_and(|until| view.now >= until) {
        return None;
    }
    match memory.progress(id) {
        None => Some(Action::Execute(id)),
        Some(Progress::Ready(_)) => Some(Action::Deliver(id)),
        Some(Progress::Searching | Progress::Running | Progress::Impossible(_)) => None,
    }
}

/// Whether a sealed bid can no longer be asked for.
fn is_over(id: JobId, view: &View) -> bool {
    match view.jobs.get(&id).map(|job| &job.state) {
        None
        | Some(
            JobState::Assigned { .. } | JobState::Sealed { .. } | JobState::Claimed { .. } | JobState::Disputed { .. },
        ) => true,
        Some(JobState::Bidding { until, .. }) => view.now > *until && !view.bids.contains_key(&id),
        Some(JobState::Revealing { .. }) => view.bids.get(&id) != Some(&false),
    }
}

/// Drops new bids above the number of auctions that a model may have at a time.
fn within_limits(actions: Vec<Action>, view: &View, policy: &Policy) -> Vec<Action> {
    let mut open: BTreeMap<ModelVersion, u32> = BTreeMap::new();
    for id in view.bids.keys() {
        if let Some(job) = view.jobs.get(id)
            && matches!(job.state, JobState::Bidding { .. } | JobState::Revealing { .. })
        {
            *open.entry(job.model).or_default() += 1;
        }
    }
    actions
        .into_iter()
        .filter(|action| {
            let Action::Commit { job, .. } = action else {
                return true;
            };
            let Some(model) = view.jobs.get(job).map(|job| job.model) else {
                return false;
            };
            let count = open.entry(model).or_default();
            *count += 1;
            policy
                .bidding
                .get(&model)
                .is_some_and(|(bidding, _)| *count <= bidding.max_bids)
        })
        .collect()
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
