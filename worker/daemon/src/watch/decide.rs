//! Which claims to execute and which to challenge, as a pure function of what the chain says and what is remembered.

use super::Summary;
use crate::{games::Standing, skeleton::InFlight};
use assay_client::chain::{AccountId, Balance, BlockNumber, H256, Job, JobState};
use assay_player::watch::{Claimed, WatchPolicy};
use assay_types::{JobId, ModelVersion};
use std::collections::{BTreeMap, BTreeSet};

/// Claims that are executed, or wait for it, at a time. The others wait here, where the most urgent one can go first.
pub const CHECKS: usize = 128;
/// Claims that are remembered. More than that are found later, when these are closed.
pub const MOST_CLAIMS: usize = 1 << 16;
/// Blocks for which a wrong claim is left to somebody else who has challenged it. Whoever that is may be the worker's
/// friend and stop, so it is not left alone for ever.
const LEFT_TO_OTHERS_BLOCKS: BlockNumber = 50;

/// A claim that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The model.
    pub model: ModelVersion,
    /// Worker that made it.
    pub worker: AccountId,
    /// Its price.
    pub price: Balance,
    /// The output that was claimed.
    pub output_digest: H256,
    /// Last block in which it can be challenged.
    pub window_until: BlockNumber,
    /// Since when it was seen to be disputed.
    pub disputed_since: Option<BlockNumber>,
}

/// State of the check of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// Its input is being looked for.
    Searching,
    /// It waits for the engine, or is running.
    Running,
    /// The output is the one claimed.
    Right,
    /// The output is this one instead.
    Wrong(H256),
    /// It could not be executed.
    Impossible,
}

/// Step that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Execute the job again.
    Check(JobId),
    /// Challenge the claim.
    Challenge(JobId),
}

/// Memory about claims between blocks and connections; all of it can be lost.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    claims: BTreeMap<JobId, Claim>,
    checks: BTreeMap<JobId, Check>,
    in_flight: InFlight<JobId>,
    /// Claims that were seen and are not watched.
    passed_over: BTreeSet<JobId>,
    summary: Summary,
}

impl Sample {
    /// Takes what the chain says of a job: a claim that is wanted is remembered, anything else forgotten.
    pub fn take(
        &mut self,
        id: JobId,
        job: Option<&Job>,
        best: BlockNumber,
        me: &AccountId,
        policy: &WatchPolicy<Balance>,
        seed: &[u8; 32],
    ) {
        let claim = job.and_then(|job| claim(job, best));
        let Some(mut claim) = claim else {
            self.claims.remove(&id);
            self.checks.remove(&id);
            self.in_flight.wake(&id);
            self.passed_over.remove(&id);
            return;
        };
        if self.passed_over.contains(&id) {
            return;
        }
        if let Some(before) = self.claims.get(&id) {
            // A block that was replaced had another claim: nothing is known of this one.
            if before.output_digest != claim.output_digest {
                self.checks.remove(&id);
            }
            claim.disputed_since = claim.disputed_since.map(|now| before.disputed_since.unwrap_or(now));
            self.claims.insert(id, claim);
            return;
        }
        if self.claims.len() >= MOST_CLAIMS {
            return;
        }
        self.summary.seen += 1;
        let claimed = Claimed {
            job: id,
            model: claim.model,
            worker: &claim.worker,
            price: claim.price,
        };
        if policy.wanted(me, &claimed, seed) {
            self.claims.insert(id, claim);
        } else if self.passed_over.len() < MOST_CLAIMS {
            self.passed_over.insert(id);
        }
    }

    /// The claim on a job, if it is watched.
    pub fn claim(&self, job: JobId) -> Option<&Claim> {
        self.claims.get(&job)
    }

    /// The jobs whose claims were seen.
    pub fn jobs(&self) -> impl Iterator<Item = JobId> {
        self.claims.keys().chain(&self.passed_over).copied()
    }

    /// Notes how far a check is.
    pub fn note(&mut self, job: JobId, check: Check) {
        match check {
            Check::Right => self.summary.checked += 1,
            Check::Wrong(_) => {
                self.summary.checked += 1;
                self.summary.wrong += 1;
            }
            Check::Impossible => self.summary.unchecked += 1,
            Check::Searching | Check::Running => {}
        }
        self.checks.insert(job, check);
    }

    /// Notes that a check has to begin anew, at this block.
    pub fn note_unstarted(&mut self, job: JobId, from: BlockNumber) {
        self.checks.remove(&job);
        self.in_flight.rest(job, from);
    }

    /// Notes that a challenge is under way.
    pub fn note_sending(&mut self, job: JobId) {
        self.in_flight.note_sending(job);
    }

    /// Notes what came of it: the claim is left alone up to this block.
    pub fn note_sent(&mut self, job: JobId, until: BlockNumber) {
        self.in_flight.rest(job, until);
    }

    /// Number of challenges that are under way.
    pub fn challenges(&self) -> usize {
        self.in_flight.sending()
    }

    /// Whether challenges are under way.
    pub fn is_sending(&self) -> bool {
        self.in_flight.sending() > 0
    }

    /// Everything under way is lost: it is looked up on chain.
    pub fn forget_what_was_under_way(&mut self) {
        self.checks.retain(|_, check| *check != Check::Searching);
        self.in_flight.clear();
    }

    /// Counts of what was seen and done.
    pub fn summary(&self, standing: &Standing) -> Summary {
        Summary {
            statistics: standing.statistics.clone(),
            playing: standing.playing.len(),
            bonds_out: standing.playing.values().sum(),
            ..self.summary.clone()
        }
    }

    fn is_busy(&self, job: JobId, best: BlockNumber) -> bool {
        self.in_flight.is_busy(&job, best)
    }
}

/// The claim that a job has, if it can be challenged in the next block.
fn claim(job: &Job, best: BlockNumber) -> Option<Claim> {
    let (assignment, output_digest, window_until, disputed) = match &job.state {
        JobState::Claimed {
            assignment,
            output_digest,
            window_until,
        } if best < *window_until => (assignment, *output_digest, *window_until, false),
        JobState::Disputed {
            assignment,
            output_digest,
            window_until,
        } => (assignment, *output_digest, *window_until, true),
        _ => return None,
    };
    Some(Claim {
        model: job.model,
        worker: assignment.worker.clone(),
        price: assignment.price,
        output_digest,
        window_until,
        disputed_since: disputed.then_some(best),
    })
}

/// Everything that is due, the claims whose windows end first at the front.
///
/// `playing` are the jobs over which the account plays already, `max_open` how many of them there may be.
pub fn decide(
    memory: &Sample,
    me: &AccountId,
    best: BlockNumber,
    playing: &BTreeMap<JobId, Balance>,
    max_open: u32,
) -> Vec<Step> {
    let mut claims: Vec<(&JobId, &Claim)> = memory.claims.iter().collect();
    claims.sort_by_key(|(job, claim)| (claim.window_until, **job));
    let begun = |check: &&Check| matches!(check, Check::Searching | Check::Running);
    let mut checks = CHECKS.saturating_sub(memory.checks.values().filter(begun).count());
    let open = playing.len().saturating_add(memory.in_flight.sending());
    let mut games = (max_open as usize).saturating_sub(open);
    let mut actions = Vec::new();
    for (job, claim) in claims {
        // A dispute keeps a window open.
        let open = claim.disputed_since.is_some() || best < claim.window_until;
        if memory.is_busy(*job, best) || !open {
            continue;
        }
        match memory.checks.get(job) {
            None if checks > 0 => {
                checks -= 1;
                actions.push(Step::Check(*job));
            }
            Some(Check::Wrong(_)) if games > 0 && is_to_challenge(*job, claim, me, best, playing) => {
                games -= 1;
                actions.push(Step::Challenge(*job));
            }
            _ => {}
        }
    }
    actions
}

fn is_to_challenge(
    job: JobId,
    claim: &Claim,
    me: &AccountId,
    best: BlockNumber,
    playing: &BTreeMap<JobId, Balance>,
) -> bool {
    let left_to_others = claim
        .disputed_since
        .is_some_and(|since| since <= best && best < since.saturating_add(LEFT_TO_OTHERS_BLOCKS));
    claim.worker != *me && !playing.contains_key(&job) && !left_to_others
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
