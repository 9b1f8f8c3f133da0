//! Outcomes of jobs, told from the events of finalized blocks.

use crate::chain::{AccountId, Balance, BlockNumber, H256, Job, JobState, MarketEvent};
use assay_types::{CloseReason, JobId, Phase};
use std::{collections::BTreeMap, time::Instant};

/// A block and when this program saw it.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The block.
    pub block: BlockNumber,
    /// When it was seen to be final.
    pub seen: Instant,
}

/// The story of one job so far.
#[derive(Clone, Debug)]
pub struct Story {
    /// When it was submitted.
    pub submitted: Moment,
    /// Where it stands.
    pub phase: Phase,
    /// Whether workers bid for it.
    pub auctioned: bool,
    /// Bids committed.
    pub bids: u32,
    /// Worker that has it or had it last.
    pub worker: Option<AccountId>,
    /// For how much.
    pub price: Option<Balance>,
    /// When it was claimed.
    pub claimed: Option<Moment>,
    /// The last block of the challenge window, after which the claim is final unless it is disputed.
    pub window_until: Option<BlockNumber>,
    /// Digest of the output.
    pub output_digest: Option<H256>,
    /// The output, if it is part of the claim.
    pub output: Option<Vec<u8>>,
    /// When and why it was closed, and what was paid.
    pub closed: Option<(Moment, CloseReason, Balance)>,
    /// Workers that declined it, missed its deadline or were relieved of it.
    pub lost: u32,
    /// Where the last change was.
    pub changed_at: BlockNumber,
    /// Whether the job is no longer open, and the node has pruned how it was closed.
    pub is_gone: bool,
}

/// The jobs of one client.
#[derive(Clone, Debug)]
pub struct Tracker {
    client: AccountId,
    stories: BTreeMap<JobId, Story>,
}

impl Tracker {
    /// Of this client.
    pub fn new(client: AccountId) -> Self {
        Self {
            client,
            stories: BTreeMap::new(),
        }
    }

    /// The job's story.
    pub fn story(&self, job: JobId) -> Option<&Story> {
        self.stories.get(&job)
    }

    /// Begins the story of a job whose submission was seen elsewhere.
    pub fn begin(&mut self, job: JobId, now: Moment) {
        self.stories.entry(job).or_insert_with(|| Story::begin(now));
    }

    /// A job was matched with a standing offer, as its terms say.
    pub fn set_by_offer(&mut self, job: JobId) {
        if let Some(story) = self.stories.get_mut(&job) {
            story.auctioned = false;
        }
    }

    /// Takes over what the chain keeps of an open job.
    pub fn take_state(&mut self, job: JobId, state: &Job, output: Option<Vec<u8>>, now: Moment) {
        self.begin(job, now);
        if let Some(story) = self.stories.get_mut(&job) {
            story.take_state(state, output, now);
        }
    }

    /// A job is no longer open, and the node has pruned how it was closed.
    pub fn set_gone(&mut self, job: JobId) {
        if let Some(story) = self.stories.get_mut(&job) {
            story.is_gone = story.closed.is_none();
        }
    }

    /// All stories.
    pub fn stories(&self) -> impl Iterator<Item = (JobId, &Story)> {
        self.stories.iter().map(|(job, story)| (*job, story))
    }

    /// Goes on with an event of a finalized block; says whether it was about one of the jobs.
    pub fn take(&mut self, event: &MarketEvent, now: Moment) -> bool {
        if let MarketEvent::JobSubmitted { job, client, .. } = event {
            if *client == self.client {
                self.stories.entry(*job).or_insert_with(|| Story::begin(now)).submitted = now;
            }
            return *client == self.client;
        }
        let Some(story) = self.stories.get_mut(&event.job()) else {
            return false;
        };
        story.take(event, now);
        true
    }
}

impl Story {
    fn begin(now: Moment) -> Self {
        Self {
            submitted: now,
            phase: Phase::Bidding,
            auctioned: true,
            bids: 0,
            worker: None,
            price: None,
            claimed: None,
            window_until: None,
            output_digest: None,
            output: None,
            closed: None,
            lost: 0,
            changed_at: now.block,
            is_gone: false,
        }
    }

    /// Takes over what the chain keeps of an open job.
    fn take_state(&mut self, job: &Job, output: Option<Vec<u8>>, now: Moment) {
        self.changed_at = now.block;
        self.submitted.block = job.submitted_at;
        self.phase = job.state.phase();
        self.lost = job.tried.len() as u32;
        if let Some(assignment) = job.state.assignment() {
            self.worker = Some(assignment.worker.clone());
            self.price = Some(assignment.price);
        }
        if let JobState::Claimed {
            output_digest,
            window_until,
            ..
        }
        | JobState::Disputed {
            output_digest,
            window_until,
            ..
        } = &job.state
        {
            self.claimed.get_or_insert(now);
            self.output_digest = Some(*output_digest);
            self.window_until = Some(*window_until);
            self.output = output.or(self.output.take());
        }
    }

    fn take(&mut self, event: &MarketEvent, now: Moment) {
        self.changed_at = now.block;
        match event {
            MarketEvent::JobAssigned { worker, price, .. } => {
                // An offer is matched in the block of submission; an auction takes several.
                if self.worker.is_none() && now.block == self.submitted.block {
                    self.auctioned = false;
                }
                self.phase = Phase::Assigned;
                self.worker = Some(worker.clone());
                self.price = Some(*price);
            }
            MarketEvent::BidCommitted { .. } => self.bids += 1,
            MarketEvent::RevealsOpened { .. } => self.phase = Phase::Revealing,
            MarketEvent::JobClaimed {
                worker,
                output_digest,
                output,
                window_until,
                ..
            } => {
                self.phase = Phase::Claimed;
                self.worker = Some(worker.clone());
                self.claimed = Some(now);
                self.window_until = Some(*window_until);
                self.output_digest = Some(*output_digest);
                self.output.clone_from(output);
            }
            MarketEvent::JobSealed { worker, .. } => {
                self.phase = Phase::Sealed;
                self.worker = Some(worker.clone());
            }
            MarketEvent::PhaseExtended { until, .. } => {
                if self.phase == Phase::Claimed {
                    self.window_until = Some(*until);
                }
            }
            MarketEvent::ClaimDisputed { .. } => self.phase = Phase::Disputed,
            MarketEvent::ClaimUpheld { window_until, .. } => {
                self.phase = Phase::Claimed;
                self.window_until = Some(*window_until);
            }
            MarketEvent::JobDeclined { .. }
            | MarketEvent::DeadlineMissed { .. }
            | MarketEvent::WorkerRemoved { .. } => self.lost += 1,
            MarketEvent::JobClosed { reason, paid, .. } => {
                self.phase = reason.phase();
                self.closed = Some((now, *reason, *paid));
            }
            MarketEvent::OutputDemanded { until, .. } => self.window_until = Some(*until),
            MarketEvent::JobSubmitted { .. }
            | MarketEvent::OutputDelivered { .. }
            | MarketEvent::OutputWithheld { .. }
            | MarketEvent::BidRevealed { .. }
            | MarketEvent::BidReleased { .. }
            | MarketEvent::BidForfeited { .. }
            | MarketEvent::ClientRefunded { .. }
            | MarketEvent::SealRejected { .. }
            | MarketEvent::ClaimRejected { .. } => {}
        }
    }

    /// Whether nothing more will happen.
    pub fn is_closed(&self) -> bool {
        self.closed.is_some() || self.is_gone
    }

    /// Whether it has a result that nobody disputes and that is not final.
    pub fn is_claimed(&self) -> bool {
        self.phase == Phase::Claimed && !self.is_closed()
    }

    /// Way in which it found its worker, for a table.
    pub fn matched(&self) -> &'static str {
        if self.auctioned { "auction" } else { "offer" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_types::ModelVersion;

    #[test]
    fn a_story_follows_the_events_of_the_client_s_jobs() {
        let (client, worker) = (AccountId::new([1; 32]), AccountId::new([2; 32]));
        let at = |block| Moment {
            block,
            seen: Instant::now(),
        };
        let submitted = |job, client: &AccountId| MarketEvent::JobSubmitted {
            job,
            client: client.clone(),
            model: ModelVersion { model: 0, version: 1 },
            input_digest: H256::zero(),
            ceiling: 9,
        };
        let mut tracker = Tracker::new(client.clone());
        assert!(tracker.take(&submitted(1, &client), at(3)));
        assert!(!tracker.take(&submitted(2, &worker), at(3)));
        tracker.take(
            &MarketEvent::JobAssigned {
                job: 1,
                worker: worker.clone(),
                price: 7,
                deadline: 20,
            },
            at(3),
        );
        let claimed = MarketEvent::JobClaimed {
            job: 1,
            worker: worker.clone(),
            output_digest: H256::zero(),
            window_until: 14,
            output: None,
        };
        tracker.take(&claimed, at(4));
        let phase = |tracker: &Tracker| tracker.story(1).map(|story| story.phase);
        let disputed = MarketEvent::ClaimDisputed {
            job: 1,
            worker: worker.clone(),
        };
        tracker.take(&disputed, at(5));
        assert_eq!(phase(&tracker), Some(Phase::Disputed));
        let upheld = MarketEvent::ClaimUpheld {
            job: 1,
            worker: worker.clone(),
            window_until: 14,
        };
        tracker.take(&upheld, at(6));
        assert_eq!(phase(&tracker), Some(Phase::Claimed));
        let reason = CloseReason::WindowPassed;
        tracker.take(
            &MarketEvent::JobClosed {
                job: 1,
                client,
                reason,
                worker: Some(worker),
                paid: 7,
            },
            at(15),
        );
        let story = tracker.story(1).expect("tracked");
        assert_eq!(
            (story.matched(), story.phase, story.price),
            ("offer", Phase::Settled, Some(7))
        );
        assert!(story.is_closed());
        assert!(tracker.story(2).is_none());
    }
}
