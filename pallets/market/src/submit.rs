//! Submission: everything that can be known of a job is checked before a unit of money is held.
//!
//! The jobs of a call share what they need: each model version, each book of offers and each worker is read once, and
//! the ceilings are held together.

use crate::{
    BalanceOf, Config, Error, HoldReason, Inputs, JobOf, JobRequestOf, JobStateOf, NextJobId, Pallet, WeightInfo,
    terms::Terms, versions::Versions,
};
use alloc::{collections::BTreeMap, vec::Vec};
use assay_types::{
    AssayTime, Delivery, H256, HostBlake2, JobId, JobInput, JobState, JobTerms, Kept, Matching, ModelParts,
    ModelVersion, WorkerRegistry,
    limits::{InlineInputBytes, MAX_INLINE_OUTPUT_BYTES, Symbols},
    offer::work_at,
    payload::{check_request, given_layouts, max_delivered_bytes},
    schema::payload_digest,
};
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{Get, fungible::MutateHold},
        weights::Weight,
    },
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::{
        BoundedVec, DispatchError, DispatchResult,
        traits::{CheckedAdd, Saturating, Zero},
    },
};

/// A job's input, checked against the schema.
pub(crate) struct CheckedInput {
    digest: H256,
    symbols: BoundedVec<u32, Symbols>,
    inline: Option<BoundedVec<u8, InlineInputBytes>>,
}

/// A job whose request was checked.
struct NewJob<T: Config> {
    model: ModelVersion,
    input: CheckedInput,
    ceiling: BalanceOf<T>,
    terms: JobTerms<BlockNumberFor<T>>,
    delivery: Delivery,
    /// None until a standing offer has taken the job.
    state: Option<JobStateOf<T>>,
}

impl<T: Config> Pallet<T> {
    /// Submits jobs, all or none; returns the weight of that.
    pub(crate) fn do_submit(client: &T::AccountId, requests: Vec<JobRequestOf<T>>) -> Result<Weight, DispatchError> {
        let mut versions = Versions::<T>::new();
        let mut escrow = BalanceOf::<T>::zero();
        let mut jobs = Vec::with_capacity(requests.len());
        for request in requests {
            // Nobody has a sum that does not fit the type.
            let sum = escrow.checked_add(&request.ceiling);
            escrow = sum.ok_or(Error::<T>::InsufficientFunds)?;
            jobs.push(Self::new_job(&mut versions, request)?);
        }
        let auctions = jobs.iter().filter(|job| job.state.is_some()).count() as u32; // At most `MAX_BATCH`.
        let matched = Self::match_by_offers(&mut jobs)?;
        T::Currency::hold(&HoldReason::Escrow.into(), client, escrow).map_err(|_| Error::<T>::InsufficientFunds)?;

        // Saturating: these are the weights of at most `MAX_BATCH` jobs.
        let mut used = matched.saturating_add(T::WeightInfo::auctions(auctions));
        for (id, job) in (Self::next_job_ids(jobs.len() as u64)..).zip(jobs) {
            if let Some(bytes) = &job.input.inline {
                used = used.saturating_add(T::WeightInfo::input(bytes.len() as u32)); // At most `MAX_INLINE_INPUT_BYTES`.
            }
            Self::begin(id, client, job)?;
        }
        Ok(used)
    }

    /// Stores a job that has its number.
    fn begin(id: JobId, client: &T::AccountId, job: NewJob<T>) -> DispatchResult {
        let state = job.state.ok_or(Error::<T>::Inconsistent)?;
        let kept = Kept {
            input: job.input.inline.is_some(),
            bids: matches!(state, JobState::Bidding { .. }),
            ..Kept::default()
        };
        if let Some(bytes) = job.input.inline {
            Inputs::<T>::insert(id, bytes);
        }
        Self::open(
            id,
            JobOf::<T> {
                client: client.clone(),
                model: job.model,
                input_digest: job.input.digest,
                symbols: job.input.symbols,
                work: job.terms.work,
                ceiling: job.ceiling,
                deadline_blocks: job.terms.deadline_blocks,
                window_blocks: job.terms.window_blocks,
                delivery: job.delivery,
                submitted_at: job.terms.submitted_at,
                tried: BoundedVec::new(),
                kept,
                state,
            },
        );
        Ok(())
    }

    /// Checks a request.
    fn new_job(versions: &mut Versions<T>, request: JobRequestOf<T>) -> Result<NewJob<T>, DispatchError> {
        Self::terms().check(&request).map_err(Error::<T>::from)?;
        let version = versions.get(request.model)?;
        ensure!(version.active, Error::<T>::ModelDeprecated);
        let input = Self::check_input(&version.parts, request.input)?;
        Self::check_delivery(&version.parts, &input.symbols, request.delivery)?;

        let now = T::Time::now();
        Ok(NewJob {
            model: request.model,
            terms: JobTerms {
                work: work_at(&version.parts, &input.symbols),
                deadline_blocks: request.deadline_blocks,
                window_blocks: request.window_blocks,
                submitted_at: now,
            },
            input,
            ceiling: request.ceiling,
            delivery: request.delivery,
            state: match request.matching {
                Matching::Offers => None,
                // Saturating: the phases are bounded by `MaxAuctionPhase`, the block number is far from its end.
                Matching::Auction {
                    bidding_blocks,
                    reveal_blocks,
                } => {
                    let until = now.saturating_add(bidding_blocks);
                    Some(JobState::Bidding {
                        until,
                        reveal_until: until.saturating_add(reveal_blocks),
                    })
                }
            },
        })
    }

    /// Gives the jobs that are not in an auction to standing offers: model by model, and those on one model in their
    /// order.
    fn match_by_offers(jobs: &mut [NewJob<T>]) -> Result<Weight, Error<T>> {
        let mut waiting = BTreeMap::<ModelVersion, Vec<&mut NewJob<T>>>::new();
        for job in jobs.iter_mut().filter(|job| job.state.is_none()) {
            waiting.entry(job.model).or_default().push(job);
        }
        let mut used = Weight::zero();
        for (model, jobs) in waiting {
            let asked: Vec<_> = jobs.iter().map(|job| (job.terms, job.ceiling)).collect();
            let taken = T::Workers::assign(model, &asked).map_err(Error::<T>::from)?;
            // Saturating: as above.
            used = used.saturating_add(T::WeightInfo::submissions(jobs.len() as u32, taken.examined));
            for (job, assignment) in jobs.into_iter().zip(taken.assignments) {
                job.state = Some(Self::assigned(assignment, job.terms.deadline_blocks));
            }
        }
        Ok(used)
    }

    /// The first of this many numbers that no job has.
    fn next_job_ids(count: u64) -> JobId {
        NextJobId::<T>::mutate(|next| {
            let id = *next;
            // Saturating: a chain that took a million jobs a block would need 10^13 blocks to get there.
            *next = next.saturating_add(count);
            id
        })
    }

    pub(crate) fn check_input(parts: &ModelParts, input: JobInput) -> Result<CheckedInput, DispatchError> {
        Ok(match input {
            JobInput::Inline(payload) => {
                let inline: BoundedVec<u8, InlineInputBytes> =
                    BoundedVec::try_from(payload.bytes).map_err(|_| Error::<T>::InputTooLarge)?;
                let layouts = given_layouts(parts, &payload.symbols).map_err(Error::<T>::from)?;
                let digest = payload_digest::<HostBlake2>(&layouts, &inline).map_err(Error::<T>::from)?;
                check_request(parts, &payload.symbols, Some(&inline)).map_err(Error::<T>::from)?;
                CheckedInput {
                    digest,
                    symbols: Self::known_symbols(payload.symbols)?,
                    inline: Some(inline),
                }
            }
            JobInput::Digest { digest, symbols } => {
                given_layouts(parts, &symbols).map_err(Error::<T>::from)?;
                check_request(parts, &symbols, None).map_err(Error::<T>::from)?;
                CheckedInput {
                    digest,
                    symbols: Self::known_symbols(symbols)?,
                    inline: None,
                }
            }
        })
    }

    /// The values of the symbols, of which there are as many as the schema has.
    fn known_symbols(symbols: Vec<u32>) -> Result<BoundedVec<u32, Symbols>, Error<T>> {
        BoundedVec::try_from(symbols).map_err(|_| Error::<T>::WrongNumberOfSymbols)
    }

    fn check_delivery(parts: &ModelParts, symbols: &[u32], delivery: Delivery) -> DispatchResult {
        match delivery {
            // Whoever doubts a sequence has to execute the check graph on it.
            Delivery::Digest => ensure!(parts.kind.advice().is_none(), Error::<T>::SequenceNotInline),
            Delivery::Inline => {
                let bytes = max_delivered_bytes(parts, symbols).map_err(Error::<T>::from)?;
                ensure!(
                    bytes <= u64::from(MAX_INLINE_OUTPUT_BYTES),
                    Error::<T>::OutputTooLargeForInline
                );
            }
        }
        Ok(())
    }

    /// The bounds that a job's terms must keep.
    pub fn terms() -> Terms<BlockNumberFor<T>> {
        Terms {
            deadline: (T::MinDeadline::get(), T::MaxDeadline::get()),
            window: (T::MinWindow::get(), T::MaxWindow::get()),
            auction_phase: (T::MinAuctionPhase::get(), T::MaxAuctionPhase::get()),
        }
    }
}
