//! The fake chain's state, and what calls do to it: enough for a daemon to see that its call was taken, once.

use crate::chain::{
    calls::{AuditsCall, Call, Claim, DisputesCall, MarketCall, Seal, SessionsCall, WorkersCall},
    error::SubmitError,
    events::{AuditsEvent, DisputesEvent, Event, MarketEvent},
    types::*,
};
use assay_ops::tensor::Blake2b256;
use assay_types::{
    Announcement, ClaimId, JobId, ModelVersion, SealStatus, SessionId, SlashId, WorkerStatus,
    audit::{AuditState, seal},
    delivery::OutputPiece,
    dispute::{Place, Revealed, Side},
};
use polkadot_sdk::sp_runtime::DispatchError;
use std::collections::BTreeMap;

/// Blocks that a worker has for its claim after its seal.
const CLAIM_BLOCKS: BlockNumber = 100;

/// State of a fake chain. Tests write to it; of calls, it knows those of a job's steps, of audits, of disputes, of
/// sessions' offers, and of a worker's own state.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "named after what they hold")]
pub struct Ledger {
    pub nonces: BTreeMap<AccountId, u64>,
    pub jobs: BTreeMap<JobId, Job>,
    pub inputs: BTreeMap<JobId, Vec<u8>>,
    pub outputs: BTreeMap<JobId, Vec<u8>>,
    pub demands: BTreeMap<JobId, Demand>,
    pub bids: BTreeMap<JobId, Vec<Bid>>,
    pub workers: BTreeMap<AccountId, WorkerInfo>,
    pub versions: BTreeMap<ModelVersion, VersionRecord>,
    pub audits: BTreeMap<ClaimId, Audit>,
    pub disputes: BTreeMap<JobId, Dispute>,
    pub revealed: BTreeMap<(JobId, Place), Revealed>,
    pub awards: BTreeMap<SlashId, OpenAward>,
    pub sessions: BTreeMap<SessionId, Session>,
    pub session_offers: BTreeMap<(AccountId, ModelVersion), SessionOffer>,
    pub announcements: BTreeMap<AccountId, Announcement>,
    pub offers: BTreeMap<ModelVersion, Vec<Offer>>,
    pub money: BTreeMap<AccountId, AccountData>,
    pub timestamp_ms: u64,
}

pub(super) fn refused(pallet: &str, error: &str) -> SubmitError {
    SubmitError::Refused {
        pallet: pallet.into(),
        error: error.into(),
        advice: "the fake chain says no".into(),
    }
}

impl Ledger {
    pub(super) fn jobs_of(&self, account: &AccountId) -> Vec<(JobId, Job)> {
        self.select(|id, job| {
            let bids = self.bids.get(&id).into_iter().flatten();
            let assigned = job
                .state
                .assignment()
                .is_some_and(|assignment| assignment.worker == *account);
            job.client == *account || assigned || bids.into_iter().any(|bid| bid.worker == *account)
        })
    }

    pub(super) fn open_jobs(&self, version: ModelVersion) -> Vec<(JobId, Job)> {
        self.select(|_, job| job.model == version && matches!(job.state, JobState::Bidding { .. }))
    }

    pub(super) fn claimed_jobs(&self) -> Vec<(JobId, Job)> {
        self.select(|_, job| matches!(job.state, JobState::Claimed { .. } | JobState::Disputed { .. }))
    }

    pub(super) fn disputes_of(&self, account: &AccountId) -> Vec<(JobId, Dispute)> {
        let plays = |dispute: &Dispute| dispute.games.iter().any(|game| game.challenger == *account);
        let disputes = self.disputes.iter();
        let mine = disputes.filter(|(_, dispute)| dispute.worker == *account || plays(dispute));
        mine.map(|(job, dispute)| (*job, dispute.clone())).collect()
    }

    fn select(&self, wanted: impl Fn(JobId, &Job) -> bool) -> Vec<(JobId, Job)> {
        let jobs = self.jobs.iter().filter(|(id, job)| wanted(**id, job));
        jobs.map(|(id, job)| (*id, job.clone())).collect()
    }

    /// Effect of a call, and its events.
    pub(super) fn apply(&mut self, who: &AccountId, now: BlockNumber, call: &Call) -> Result<Vec<Event>, SubmitError> {
        match call {
            Call::Market(call) => self.market(who, now, call),
            Call::Disputes(call) => self.dispute(who, now, call),
            Call::Audits(call) => self.audit(who, now, call),
            Call::Sessions(SessionsCall::ChallengeReceipt {
                receipt, commitment, ..
            }) => self.challenge_receipt(who, now, &receipt.message, *commitment),
            Call::Sessions(SessionsCall::PublishOffer { model, offer }) => {
                self.session_offers.insert((who.clone(), *model), offer.clone());
                Ok(Vec::new())
            }
            Call::Sessions(SessionsCall::RemoveOffer { model }) => {
                let removed = self.session_offers.remove(&(who.clone(), *model));
                removed.ok_or_else(|| refused("Sessions", "NoSuchOffer"))?;
                Ok(Vec::new())
            }
            Call::Workers(WorkersCall::Announce { announcement }) => {
                match announcement {
                    Some(place) => drop(self.announcements.insert(who.clone(), place.clone())),
                    None => drop(self.announcements.remove(who)),
                }
                Ok(Vec::new())
            }
            Call::Workers(WorkersCall::Pause) => self.step(who, WorkerStatus::Active, WorkerStatus::Paused),
            Call::Workers(WorkersCall::Resume) => self.step(who, WorkerStatus::Paused, WorkerStatus::Active),
            _ => Ok(Vec::new()),
        }
    }

    fn step(&mut self, who: &AccountId, from: WorkerStatus, to: WorkerStatus) -> Result<Vec<Event>, SubmitError> {
        let worker = self.workers.get_mut(who).filter(|worker| worker.status == from);
        worker.ok_or_else(|| refused("Workers", "IllegalStep"))?.status = to;
        Ok(Vec::new())
    }

    fn market(&mut self, who: &AccountId, now: BlockNumber, call: &MarketCall) -> Result<Vec<Event>, SubmitError> {
        match call {
            MarketCall::Seal { seals } => {
                let seals = seals.iter().map(|seal| self.seal(who, now, seal));
                Ok(seals.map(Event::Market).collect())
            }
            MarketCall::ClaimBatch { claims } => {
                let claims = claims.iter().map(|claim| self.claim(who, now, claim));
                Ok(claims.map(Event::Market).collect())
            }
            MarketCall::Decline { job } => {
                self.jobs.remove(job).ok_or_else(|| refused("Market", "UnknownJob"))?;
                Ok(vec![Event::Market(MarketEvent::JobDeclined {
                    job: *job,
                    worker: who.clone(),
                    slashed: 0,
                })])
            }
            MarketCall::CommitBid { job, commitment } => {
                let bids = self.bids.entry(*job).or_default();
                if bids.iter().any(|bid| bid.worker == *who) {
                    return Err(refused("Market", "AlreadyBid"));
                }
                bids.push(Bid {
                    worker: who.clone(),
                    commitment: *commitment,
                    price: None,
                    locked: 1,
                    deposit: 1,
                });
                Ok(vec![Event::Market(MarketEvent::BidCommitted {
                    job: *job,
                    worker: who.clone(),
                })])
            }
            MarketCall::DeliverOutput { job, piece } => self.deliver(who, *job, piece),
            MarketCall::RevealBid { job, price, .. } => {
                let bids = self.bids.entry(*job).or_default();
                let bid = bids.iter_mut().find(|bid| bid.worker == *who && bid.price.is_none());
                bid.ok_or_else(|| refused("Market", "NoSuchBid"))?.price = Some(*price);
                Ok(vec![Event::Market(MarketEvent::BidRevealed {
                    job: *job,
                    worker: who.clone(),
                    price: *price,
                })])
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Where a sealed claim stands: nothing is drawn here.
    pub(super) fn seal_status(&self, job: JobId) -> SealStatus {
        match self.jobs.get(&job).map(|job| &job.state) {
            Some(JobState::Sealed { .. }) => SealStatus::Claimable,
            _ => SealStatus::NotSealed,
        }
    }

    fn seal(&mut self, who: &AccountId, now: BlockNumber, seal: &Seal) -> MarketEvent {
        let id = seal.job;
        let state = self.jobs.get_mut(&id).map(|job| &mut job.state);
        match state {
            Some(state) if may_seal(state, who, now) => {
                let until = now + CLAIM_BLOCKS;
                if let JobState::Assigned { assignment, .. } = state.clone() {
                    *state = JobState::Sealed {
                        assignment,
                        seal: seal.seal,
                        sealed_at: now,
                        until,
                    };
                }
                MarketEvent::JobSealed {
                    job: id,
                    worker: who.clone(),
                    until,
                }
            }
            _ => MarketEvent::SealRejected {
                job: id,
                error: DispatchError::Other("not to be sealed"),
            },
        }
    }

    fn claim(&mut self, who: &AccountId, now: BlockNumber, claim: &Claim) -> MarketEvent {
        let (id, output_digest) = (claim.job, claim.output_digest);
        let rejected = MarketEvent::ClaimRejected {
            job: id,
            error: DispatchError::Other("not to be claimed"),
        };
        let Some(job) = self.jobs.get_mut(&id) else {
            return rejected;
        };
        match &job.state {
            JobState::Sealed {
                assignment,
                seal: sealed,
                until,
                ..
            } if now <= *until && *sealed == seal::<Blake2b256, _>(id, who, &output_digest, &claim.salt) => {
                let window_until = now + job.window_blocks;
                job.state = JobState::Claimed {
                    assignment: assignment.clone(),
                    output_digest,
                    window_until,
                };
                if let Some(output) = &claim.output {
                    self.outputs.insert(id, output.to_vec());
                }
                MarketEvent::JobClaimed {
                    job: id,
                    worker: who.clone(),
                    output_digest,
                    window_until,
                    output: None,
                }
            }
            _ => rejected,
        }
    }

    /// Takes the next piece of a demanded output, as the pallet does.
    fn deliver(&mut self, who: &AccountId, id: JobId, piece: &OutputPiece) -> Result<Vec<Event>, SubmitError> {
        let unknown = || refused("Market", "OutputNotDemanded");
        let (job, demand) = (self.jobs.get_mut(&id), self.demands.get_mut(&id));
        let (job, demand) = job.zip(demand).ok_or_else(unknown)?;
        let JobState::Claimed { output_digest, .. } = &job.state else {
            return Err(refused("Market", "NotClaimed"));
        };
        let version = self.versions.get(&job.model).ok_or_else(unknown)?;
        let layouts = version.parts.schema.output_layouts(&job.symbols);
        let layouts = layouts.map_err(|_| unknown())?;
        let next = piece.check::<Blake2b256>(&layouts, demand.next, &output_digest.0);
        if let Some(next) = next.map_err(|_| refused("Market", "WrongPiece"))? {
            demand.next = next;
            return Ok(Vec::new());
        }
        let paid = demand.deposit;
        (job.kept.demand, job.kept.delivered) = (false, true);
        self.demands.remove(&id);
        Ok(vec![Event::Market(MarketEvent::OutputDelivered {
            job: id,
            worker: who.clone(),
            paid,
        })])
    }

    fn dispute(&mut self, who: &AccountId, now: BlockNumber, call: &DisputesCall) -> Result<Vec<Event>, SubmitError> {
        let event = match call {
            DisputesCall::Challenge { job, commitment } => self.challenge(who, now, *job, *commitment)?,
            DisputesCall::Reveal { job, statement } | DisputesCall::AnswerLate { job, statement } => {
                let dispute = self
                    .disputes
                    .get_mut(job)
                    .ok_or_else(|| refused("Disputes", "NotDisputed"))?;
                let place = statement.place();
                let mut games = dispute.games.iter_mut();
                let game = games.find(|game| game.place == place && game.turn == Side::Worker);
                game.ok_or_else(|| refused("Disputes", "NotAsked"))?.turn = Side::Challenger;
                DisputesEvent::PlaceRevealed { job: *job, place }
            }
            DisputesCall::ClaimTimeout { job, challenger } => {
                let dispute = self
                    .disputes
                    .remove(job)
                    .ok_or_else(|| refused("Disputes", "NotDisputed"))?;
                let over = dispute
                    .games
                    .iter()
                    .any(|game| game.challenger == *challenger && game.clock.is_over(now));
                if !over {
                    self.disputes.insert(*job, dispute);
                    return Err(refused("Disputes", "DeadlineNotPassed"));
                }
                DisputesEvent::ChallengeFailed {
                    job: *job,
                    challenger: challenger.clone(),
                    paid: 1,
                    burned: 1,
                }
            }
            DisputesCall::ClaimAward { slash, .. } => {
                let award = self.awards.remove(slash);
                let award = award.ok_or_else(|| refused("Disputes", "NoSuchAward"))?;
                DisputesEvent::AwardClaimed {
                    job: award.job,
                    slash: *slash,
                    challenger: who.clone(),
                    amount: award.amount,
                }
            }
            DisputesCall::Point { .. } | DisputesCall::Prove { .. } => return Ok(Vec::new()),
        };
        Ok(vec![Event::Disputes(event)])
    }

    /// An auditor seals or opens its answer. There is never a second auditor.
    fn audit(&mut self, who: &AccountId, now: BlockNumber, call: &AuditsCall) -> Result<Vec<Event>, SubmitError> {
        let (AuditsCall::Answer { claim, .. } | AuditsCall::Open { claim, .. }) = call else {
            return Ok(Vec::new());
        };
        let unknown = || refused("Audits", "UnknownAudit");
        let audit = self.audits.get_mut(claim).ok_or_else(unknown)?;
        let mut auditors = audit.auditors.iter_mut();
        let auditor = auditors.find(|auditor| auditor.who == *who);
        let auditor = auditor.ok_or_else(|| refused("Audits", "NotAuditor"))?;
        match call {
            AuditsCall::Answer { claim, seal } => {
                let is_time = matches!(audit.state, AuditState::Answering { until } if now <= until);
                if !is_time || auditor.seal.is_some() {
                    return Err(refused("Audits", "AlreadySealed"));
                }
                auditor.seal = Some(*seal);
                audit.state = AuditState::Ready;
                Ok(vec![Event::Audits(AuditsEvent::Answered {
                    claim: *claim,
                    auditor: who.clone(),
                })])
            }
            AuditsCall::Open {
                claim,
                output_digest,
                salt,
                commitment,
            } => {
                if !matches!(audit.state, AuditState::Opening { until } if now <= until) {
                    return Err(refused("Audits", "NotOpening"));
                }
                if auditor.seal != Some(seal::<Blake2b256, _>(*claim, who, output_digest, salt)) {
                    return Err(refused("Audits", "WrongSeal"));
                }
                auditor.answer = Some(*output_digest);
                let agrees = audit.output == Some(*output_digest);
                audit.state = match agrees {
                    true => AuditState::Passed,
                    false => AuditState::Disputed,
                };
                let mut events = vec![Event::Audits(AuditsEvent::AnswerOpened {
                    claim: *claim,
                    auditor: who.clone(),
                    output_digest: *output_digest,
                    agrees,
                })];
                if !agrees {
                    let commitment = commitment.ok_or_else(|| refused("Audits", "CommitmentMissing"))?;
                    events.push(Event::Disputes(self.challenge(who, now, *claim, commitment)?));
                }
                Ok(events)
            }
            AuditsCall::Advance { .. } | AuditsCall::Fund { .. } => Ok(Vec::new()),
        }
    }
}

/// Whether the job is this worker's to seal, in time.
fn may_seal(state: &JobState, who: &AccountId, now: BlockNumber) -> bool {
    matches!(state, JobState::Assigned { assignment, deadline } if assignment.worker == *who && now <= *deadline)
}
