//! Answers for the runtime API: nothing here changes state.

use crate::{BalanceOf, Bids, Config, JobOf, Jobs, Pallet, seal::Seeds};
use alloc::{vec, vec::Vec};
use assay_types::{
    AssayTime, JobId, JobState, JobTerms, ModelRegistry, ModelVersion, NoOffer, Page, Quote, SealStatus, Unavailable,
    WhyNot, WorkerInfo, WorkerRegistry, WorkerStatus,
    limits::{MAX_BATCH, MAX_LISTED_JOBS},
    offer::work_at,
    payload::{given_layouts, max_delivered_bytes},
    runtime_api::{JobLayout, NoLayout, TensorSize},
};
use polkadot_sdk::{
    frame_support::{ensure, storage::with_transaction_unchecked},
    frame_system::{self, pallet_prelude::BlockNumberFor},
    sp_runtime::{TransactionOutcome, traits::Bounded},
};

/// A price and the worker that asks it, in this runtime.
type QuoteOf<T> = Quote<<T as frame_system::Config>::AccountId, BalanceOf<T>>;
/// The reason for which a worker does not have a job, in this runtime.
pub type WhyNotOf<T> = WhyNot<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;
/// A worker, as others see it.
pub type WorkerInfoOf<T> = WorkerInfo<BalanceOf<T>, BlockNumberFor<T>>;

impl<T: Config> Pallet<T> {
    /// The open jobs that an account pays for, has been assigned, or has a bid on.
    pub fn jobs_of(account: &T::AccountId, after: Option<JobId>, limit: u32) -> Page<JobOf<T>> {
        Page::of(Self::jobs_after(after), limit, |id, job| {
            let assigned = job
                .state
                .assignment()
                .is_some_and(|assignment| assignment.worker == *account);
            job.client == *account || assigned || Self::is_bidder(id, job, account)
        })
    }

    /// The jobs on a model version for which bids may be committed now.
    pub fn jobs_open_for_bids(model: ModelVersion, after: Option<JobId>, limit: u32) -> Page<JobOf<T>> {
        let now = T::Time::now();
        let is_open = |job: &JobOf<T>| matches!(job.state, JobState::Bidding { until, .. } if now <= until);
        Page::of(Self::jobs_after(after), limit, |_, job| {
            job.model == model && is_open(job)
        })
    }

    /// The jobs that are claimed or disputed.
    pub fn claimed_jobs(after: Option<JobId>, limit: u32) -> Page<JobOf<T>> {
        let is_claimed = |job: &JobOf<T>| matches!(job.state, JobState::Claimed { .. } | JobState::Disputed { .. });
        Page::of(Self::jobs_after(after), limit, |_, job| is_claimed(job))
    }

    /// Where the sealed claims of these jobs stand, in their order.
    pub fn seal_statuses(jobs: &[JobId]) -> Vec<SealStatus> {
        let mut seeds = Seeds::<T>::new();
        let jobs = jobs.iter().take(MAX_LISTED_JOBS as usize);
        jobs.map(|id| Self::seal_status(*id, &mut seeds)).collect()
    }

    /// The price of a job with these values of the symbols and these terms by standing offers now, whatever the
    /// ceiling.
    pub fn quote(
        model: ModelVersion,
        symbols: &[u32],
        deadline_blocks: BlockNumberFor<T>,
        window_blocks: BlockNumberFor<T>,
    ) -> Result<Quote<T::AccountId, BalanceOf<T>>, NoOffer> {
        let job = Self::terms_of(model, symbols, deadline_blocks, window_blocks)?;
        let (worker, price) = T::Workers::cheapest(model, &job, BalanceOf::<T>::max_value(), &[])?;
        Ok(Quote { worker, price })
    }

    /// The prices of this many such jobs, at most [`MAX_BATCH`], as `submit_batch` would give them to workers now: each
    /// takes a place of its worker's capacity and stake. An error if one of them finds no worker.
    pub fn quote_batch(
        model: ModelVersion,
        symbols: &[u32],
        deadline_blocks: BlockNumberFor<T>,
        window_blocks: BlockNumberFor<T>,
        jobs: u32,
    ) -> Result<Vec<QuoteOf<T>>, NoOffer> {
        let job = Self::terms_of(model, symbols, deadline_blocks, window_blocks)?;
        let asked = vec![(job, BalanceOf::<T>::max_value()); jobs.min(MAX_BATCH) as usize];
        let assigned = with_transaction_unchecked(|| TransactionOutcome::Rollback(T::Workers::assign(model, &asked)))?;
        let quotes = assigned.assignments.into_iter().map(|assignment| Quote {
            worker: assignment.worker,
            price: assignment.price,
        });
        Ok(quotes.collect())
    }

    /// The terms of a job that is submitted now.
    fn terms_of(
        model: ModelVersion,
        symbols: &[u32],
        deadline_blocks: BlockNumberFor<T>,
        window_blocks: BlockNumberFor<T>,
    ) -> Result<JobTerms<BlockNumberFor<T>>, NoOffer> {
        let version = T::Models::version(model).ok_or(NoOffer::UnknownModel)?;
        ensure!(version.active, NoOffer::ModelDeprecated);
        Ok(JobTerms {
            work: work_at(&version.parts, symbols),
            deadline_blocks,
            window_blocks,
            submitted_at: T::Time::now(),
        })
    }

    /// The tensors of a job with these values of the symbols: what the client gives, and what a claim delivers at most.
    pub fn layout(model: ModelVersion, symbols: &[u32]) -> Result<JobLayout, NoLayout> {
        let parts = T::Models::version(model).ok_or(NoLayout::UnknownModel)?.parts;
        let given = given_layouts(&parts, symbols)?;
        let outputs = parts.schema.output_layouts(symbols)?;
        Ok(JobLayout {
            // Saturating: a registered schema bounds the sum.
            input_bytes: given.iter().map(|tensor| tensor.bytes).fold(0, u64::saturating_add),
            inputs: given.into_iter().map(TensorSize::from).collect(),
            outputs: outputs.into_iter().map(TensorSize::from).collect(),
            delivered_bytes: max_delivered_bytes(&parts, symbols)?,
            work: work_at(&parts, symbols),
        })
    }

    /// The reason for which `worker` does not have the job, or is not paid for it yet. `info` is the worker's record.
    pub fn why_not(worker: &T::AccountId, info: Option<WorkerInfoOf<T>>, id: JobId) -> WhyNotOf<T> {
        let Some(job) = Jobs::<T>::get(id) else {
            return WhyNot::UnknownJob;
        };
        match &job.state {
            JobState::Claimed {
                assignment,
                window_until,
                ..
            } if assignment.worker == *worker => {
                return WhyNot::AwaitingSettlement {
                    window_until: *window_until,
                };
            }
            JobState::Disputed { assignment, .. } if assignment.worker == *worker => return WhyNot::UnderDispute,
            JobState::Assigned { assignment, deadline } if assignment.worker == *worker => {
                return WhyNot::AwaitingClaim { deadline: *deadline };
            }
            JobState::Sealed { assignment, until, .. } if assignment.worker == *worker => {
                return WhyNot::AwaitingClaim { deadline: *until };
            }
            _ => {}
        }
        let Some(info) = info else { return WhyNot::NotRegistered };
        if job.tried.contains(worker) {
            return WhyNot::AlreadyTried;
        }
        if let Some(auction) = Self::why_not_in_auction(worker, id, &job) {
            return auction;
        }
        if info.status != WorkerStatus::Active {
            return WhyNot::NotActive(info.status);
        }
        let now = T::Time::now();
        if let Some(until) = info.rests_until.filter(|until| *until > now) {
            return WhyNot::Resting { until };
        }
        Self::why_not_by_offer(worker, &info, &job)
    }

    /// The worker's standing in the auction; `None` if the job is not in one, or if the worker may still bid and
    /// only its own state could keep it from that.
    fn why_not_in_auction(worker: &T::AccountId, id: JobId, job: &JobOf<T>) -> Option<WhyNotOf<T>> {
        let now = T::Time::now();
        let bid = Bids::<T>::get(id)
            .unwrap_or_default()
            .into_iter()
            .find(|bid| bid.worker == *worker);
        match (&job.state, bid) {
            (JobState::Bidding { until, .. }, None) if now <= *until => {
                let needed = T::Workers::stake_for(job.ceiling);
                Some(match T::Workers::ensure_available(worker, needed) {
                    Err(Unavailable::StakeTooSmall) => WhyNot::StakeTooSmall { needed },
                    Err(Unavailable::NotActive) => return None,
                    _ => WhyNot::NoBid { until: *until },
                })
            }
            (JobState::Bidding { until, .. }, Some(_)) if now <= *until => {
                Some(WhyNot::AwaitingReveals { until: *until })
            }
            (JobState::Bidding { .. } | JobState::Revealing { .. }, None) => Some(WhyNot::BiddingOver),
            (
                JobState::Bidding {
                    reveal_until: until, ..
                }
                | JobState::Revealing { until },
                Some(bid),
            ) => Some(match bid.price {
                None => WhyNot::BidNotRevealed { until: *until },
                Some(_) => WhyNot::AwaitingClose { until: *until },
            }),
            (
                JobState::Assigned { .. }
                | JobState::Sealed { .. }
                | JobState::Claimed { .. }
                | JobState::Disputed { .. },
                _,
            ) => None,
        }
    }

    /// The reason for which the job went to another although the worker may have an offer.
    fn why_not_by_offer(worker: &T::AccountId, info: &WorkerInfoOf<T>, job: &JobOf<T>) -> WhyNotOf<T> {
        let ceiling = job.ceiling;
        let mut offered = info
            .offers
            .iter()
            .filter(|offer| offer.version == job.model && !offer.waits);
        let Some(offer) = offered.next() else {
            return WhyNot::NoOffer;
        };
        if let Err(misfit) = offer.fits(&job.terms()) {
            return WhyNot::DoesNotFit(misfit);
        }
        let price = offer.terms.price(job.work);
        if price > ceiling {
            return WhyNot::AboveCeiling { price, ceiling };
        }
        let (taken_by, taken_for) = match job.state.assignment() {
            Some(assignment) => (assignment.worker.clone(), assignment.price),
            None => return WhyNot::BiddingOver,
        };
        if taken_for <= price {
            return WhyNot::AssignedTo {
                worker: taken_by,
                price: taken_for,
            };
        }
        let needed = T::Workers::stake_for(price);
        if offer.load >= offer.capacity {
            return WhyNot::AtCapacity;
        }
        match T::Workers::ensure_available(worker, needed) {
            Err(Unavailable::StakeTooSmall) => WhyNot::StakeTooSmall { needed },
            _ => WhyNot::AssignedTo {
                worker: taken_by,
                price: taken_for,
            },
        }
    }

    fn is_bidder(id: JobId, job: &JobOf<T>, account: &T::AccountId) -> bool {
        let in_auction = matches!(job.state, JobState::Bidding { .. } | JobState::Revealing { .. });
        in_auction
            && Bids::<T>::get(id)
                .unwrap_or_default()
                .iter()
                .any(|bid| bid.worker == *account)
    }

    /// The jobs in the order of storage, from the one after this key on; the job itself may be closed by now.
    fn jobs_after(after: Option<JobId>) -> impl Iterator<Item = (JobId, JobOf<T>)> {
        match after {
            None => Jobs::<T>::iter(),
            Some(job) => Jobs::<T>::iter_from(Jobs::<T>::hashed_key_for(job)),
        }
    }
}
