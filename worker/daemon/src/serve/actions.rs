//! Begins what is due: searches, executions, claims, bids.

use super::{
    claims,
    decide::{Action, decide},
    job_loop::{Done, JobLoop, Searched, Sent},
    memory::{Kind, Progress},
};
use crate::job_input::{self, Sources};
use assay_client::{
    chain::{BlockNumber, Call, Claim, JobState, MarketCall, Stakes, StateView, Wait, tip::HORIZON_BLOCKS},
    units,
};
use assay_ops::tensor::Blake2b256;
use assay_types::{JobId, bid_commitment};
use polkadot_sdk::sp_runtime::BoundedVec;
use std::sync::Arc;
use tokio::time::Instant;

impl<S: StateView> JobLoop<'_, S> {
    /// Does what is due now; true if more is due because of it.
    pub(super) fn step(&mut self, state: &Arc<S>) -> bool {
        let (mut seals, mut claims) = (Vec::new(), Vec::new());
        let mut to_run = Vec::new();
        for action in decide(&self.view, &self.kept.memory, &self.policy) {
            match action {
                Action::Execute(job) => to_run.push(job),
                Action::Seal(job) => seals.push(job),
                Action::Draw(job) => self.draw(job),
                Action::Claim(job) => claims.extend(self.claim(job)),
                Action::Deliver(job) => self.deliver(job),
                Action::Decline(job) => {
                    if let Some(Progress::Impossible(reason)) = self.kept.memory.progress(job) {
                        tracing::warn!(job, reason, "declining the job");
                    }
                    self.send(Kind::Decline, vec![job], Call::Market(MarketCall::Decline { job }));
                }
                Action::Commit { .. } | Action::Forget(_) if self.view.now < self.store_rests_until => {}
                Action::Commit { job, price } => match self.store.seal(job, price) {
                    Ok(_) => {
                        self.kept.memory.note_sealed(job);
                        tracing::info!(job, price = units::format(price), "bidding");
                        self.commit(job);
                    }
                    Err(error) => self.note_store_trouble(&error),
                },
                Action::CommitAgain(job) => self.commit(job),
                Action::Reveal(job) => {
                    if let Some(bid) = self.store.bid(job) {
                        let call = MarketCall::RevealBid {
                            job,
                            price: bid.price,
                            salt: bid.salt,
                        };
                        self.send(Kind::Reveal, vec![job], Call::Market(call));
                    }
                }
                Action::Forget(job) => self.forget(job),
            }
        }
        let impossible = self.seal(seals);
        self.send_claims(claims);
        self.search(to_run, state) || impossible
    }

    fn commit(&mut self, job: JobId) {
        let Some(bid) = self.store.bid(job) else { return };
        let commitment = bid_commitment::<Blake2b256, _, _>(job, &self.policy.me, &bid.price, &bid.salt);
        self.send(
            Kind::Commit,
            vec![job],
            Call::Market(MarketCall::CommitBid { job, commitment }),
        );
    }

    fn claim(&mut self, id: JobId) -> Option<Claim> {
        let Some(Progress::Ready(output)) = self.kept.memory.progress(id) else {
            return None;
        };
        let Some(salt) = self.store.salt(id) else {
            let reason = "the salt of its seal is not in the store, so the claim cannot be made";
            tracing::error!(job = id, reason);
            self.kept.memory.note(id, Progress::Impossible(reason.into()));
            return None;
        };
        claims::claim(id, self.view.jobs.get(&id)?.delivery, output, salt)
    }

    /// Sends claims in batches; those whose deadlines are near in small ones, which get in where blocks are full.
    fn send_claims(&mut self, claims: Vec<Claim>) {
        let is_urgent = |claim: &Claim| self.blocks_left(claim.job) <= HORIZON_BLOCKS;
        let (urgent, others): (Vec<Claim>, Vec<Claim>) = claims.into_iter().partition(is_urgent);
        let mut batches = claims::batches(urgent, self.largest_batch.min(claims::URGENT_CLAIMS));
        batches.extend(claims::batches(others, self.largest_batch));
        for batch in batches {
            let jobs: Vec<JobId> = batch.iter().map(|claim| claim.job).collect();
            tracing::info!(jobs = jobs.len(), first = jobs.first(), "claiming");
            // No batch has more than a call takes, so nothing is cut off.
            let claims = BoundedVec::truncate_from(batch);
            self.send(Kind::Claim, jobs, Call::Market(MarketCall::ClaimBatch { claims }));
        }
    }

    pub(super) fn send(&mut self, kind: Kind, jobs: Vec<JobId>, call: Call) {
        for job in &jobs {
            self.kept.memory.note_sent(*job);
        }
        let (account, stakes) = (self.account.clone(), self.stakes(kind, &jobs));
        self.kept.work.begin(async move {
            let outcome = match stakes {
                Some(stakes) => account.send_in_time(call, Wait::InBlock, stakes).await,
                None => account.send(call, Wait::InBlock).await,
            };
            Done::Sent(Sent { kind, jobs, outcome })
        });
    }

    /// Loss if a transaction about these jobs comes too late.
    fn stakes(&self, kind: Kind, jobs: &[JobId]) -> Option<Stakes> {
        let at_stake = jobs.iter().filter_map(|id| {
            let job = self.view.jobs.get(id)?;
            let (amount, deadline): (_, BlockNumber) = match (kind, &job.state) {
                (Kind::Seal | Kind::Decline, JobState::Assigned { assignment, deadline }) => {
                    (assignment.locked, *deadline)
                }
                (Kind::Claim, JobState::Sealed { assignment, until, .. }) => (assignment.locked, *until),
                (
                    Kind::Deliver,
                    JobState::Claimed {
                        assignment,
                        window_until,
                        ..
                    },
                ) => (assignment.locked, *window_until),
                (
                    Kind::Reveal,
                    JobState::Bidding {
                        reveal_until: until, ..
                    }
                    | JobState::Revealing { until },
                ) => (*self.deposits.get(id)?, *until),
                _ => return None,
            };
            Some(Stakes { amount, deadline })
        });
        at_stake.reduce(|all, one| Stakes {
            amount: all.amount.saturating_add(one.amount),
            deadline: all.deadline.min(one.deadline),
        })
    }

    /// Looks for the inputs of these jobs; true if one of them is impossible. Their number is bounded by what this
    /// worker offers and bids.
    fn search(&mut self, jobs: Vec<JobId>, state: &Arc<S>) -> bool {
        let mut impossible = false;
        for id in jobs {
            self.busy_at = Instant::now();
            let Some(job) = self.view.jobs.get(&id).cloned() else {
                continue;
            };
            let Some(served) = self.served.get(&job.model).cloned() else {
                let reason = format!("its model {} is not among those served", job.model);
                self.kept.memory.note(id, Progress::Impossible(reason));
                impossible = true;
                continue;
            };
            self.kept.memory.note(id, Progress::Searching);
            let state = state.clone();
            let sources = Sources {
                folder: self.config.common.inputs_dir.clone(),
                store: Some(self.store.clone()),
                copy: true,
                network: self.kept.network.clone(),
                requests: None,
            };
            self.kept.work.begin(async move {
                let found = job_input::find_in(&*state, id, &job, &served.parts, &sources).await;
                Done::Searched(Searched {
                    job: id,
                    model: served.root,
                    found,
                })
            });
        }
        impossible
    }
}
