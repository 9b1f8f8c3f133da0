//! Benchmarks of the market, each of a call or of a part of one: full books of which every offer is looked at, auctions
//! with all bids, full batches.

mod scenes;

use crate::{
    Agenda, BalanceOf, Bids, Call, Claim, Config, Demands, Event, Inputs, JobStateOf, Jobs, NextJobId, Outputs, Pallet,
    Seal, versions::Versions,
};
use alloc::vec::Vec;
use assay_exact::digest::CHUNK_BYTES;
use assay_types::{
    AssayTime, Assignment, JobId, JobInput, JobState, Lock, ModelRegistry, Outcome, Phase, Purpose, WorkerRegistry,
    audit::{Police, Seed},
    benchmarking::{Scene, Seeds, Stage},
    delivery::MAX_PIECE_CHUNKS,
    limits::{MAX_BATCH, MAX_BIDS, MAX_INLINE_INPUT_BYTES, MAX_INLINE_OUTPUT_BYTES, MAX_OFFERS_PER_MODEL, MAX_STEPS},
};
use polkadot_sdk::{
    frame_benchmarking::v2::*,
    frame_support::{BoundedVec, traits::Get},
    frame_system::RawOrigin,
    sp_runtime::{
        Perbill,
        traits::{One, Saturating, Zero},
    },
};
use scenes::*;

/// Half of a full batch.
const HALF: u32 = MAX_BATCH / 2;
/// Times that seeds are made known before one is looked for.
const ROUNDS: u32 = 512;
/// Bytes of an inline input or output where its length does not matter.
const FEW_BYTES: u32 = 64;

/// Jobs of the client that have been claimed: one of each of so many workers, and more of the first of them.
fn claimed<T: Config>(more: u32, workers: u32) -> Result<Vec<JobId>, BenchmarkError> {
    let model = largest::<T>();
    for index in 0..workers {
        let capacity = if index == 0 { more.saturating_add(1) } else { 1 };
        let price = BalanceOf::<T>::from(index.saturating_add(1));
        T::BenchmarkHelper::offer(&worker::<T>("settled", index), model, price, capacity);
    }
    let count = more.saturating_add(workers);
    let jobs = submitted::<T>((0..count).map(|_| request::<T>(model)).collect())?;
    for job in &jobs {
        make::<T>(&holder::<T>(*job)?, digest_claim(*job))?;
    }
    Ok(jobs)
}

/// Convicts a worker, of nothing in particular.
fn ruin<T: Config>(ruined: &T::AccountId, job: JobId) -> Result<(), BenchmarkError> {
    let model = Jobs::<T>::get(job).ok_or("the job is open")?.model;
    let stake = T::Workers::stake_for(Zero::zero());
    T::Workers::take(ruined, model, Purpose::Session { stake }).map_err(|_| "the worker has stake")?;
    let nobody = || (ruined.clone(), BalanceOf::<T>::zero());
    let outcome = Outcome::Convicted {
        share: Perbill::from_percent(50),
        awards: [nobody(), nobody()],
    };
    let lock = Lock {
        worker: ruined,
        model,
        stake,
    };
    T::Workers::release(lock, outcome)?;
    Ok(())
}

/// A state that ends after this block, for the agenda alone.
fn until<T: Config>(worker: T::AccountId) -> JobStateOf<T> {
    JobState::Assigned {
        assignment: Assignment {
            worker,
            price: Zero::zero(),
            locked: Zero::zero(),
            hazard: 0,
        },
        deadline: T::Time::now().saturating_add(T::MinDeadline::get()),
    }
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn submit(c: Linear<1, MAX_OFFERS_PER_MODEL>) -> Result<(), BenchmarkError> {
        let model = largest::<T>();
        book::<T>(model, Some(c))?;
        let payer: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::endow(&payer);
        let job = NextJobId::<T>::get();

        #[extrinsic_call]
        _(RawOrigin::Signed(payer), request::<T>(model));

        assert!(Jobs::<T>::contains_key(job));
        Ok(())
    }

    #[benchmark]
    fn submit_batch(n: Linear<1, MAX_BATCH>, c: Linear<1, MAX_OFFERS_PER_MODEL>) -> Result<(), BenchmarkError> {
        let model = largest::<T>();
        let taker = book::<T>(model, Some(c))?;
        let payer: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::endow(&payer);
        let requests: Vec<_> = (0..n).map(|_| request::<T>(model)).collect();

        #[extrinsic_call]
        _(RawOrigin::Signed(payer), requests);

        assert_eq!(T::Workers::load(&taker, model), n);
        Ok(())
    }

    /// The part of a batch that is not matched by offers.
    #[benchmark]
    fn auction(n: Linear<1, MAX_BATCH>) -> Result<(), BenchmarkError> {
        let model = largest::<T>();
        let payer: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::endow(&payer);
        let requests: Vec<_> = (0..n).map(|_| auctioned::<T>(model)).collect();

        #[block]
        {
            Pallet::<T>::do_submit(&payer, requests)?;
        }

        assert_eq!(NextJobId::<T>::get(), u64::from(n));
        Ok(())
    }

    /// Surcharge of an inline input on a submission.
    #[benchmark]
    fn input(b: Linear<1, MAX_INLINE_INPUT_BYTES>) -> Result<(), BenchmarkError> {
        let model = scenes::bytes::<T>(b);
        let version = T::Models::version(model).ok_or("the model is registered")?;
        let given = payload(b);

        #[block]
        {
            Pallet::<T>::check_input(&version.parts, JobInput::Inline(given.clone()))?;
            Inputs::<T>::insert(0, BoundedVec::truncate_from(given.bytes));
        }

        assert!(Inputs::<T>::contains_key(0));
        Ok(())
    }

    #[benchmark]
    fn commit_bid() -> Result<(), BenchmarkError> {
        let model = largest::<T>();
        bidders::<T>();
        let jobs = submitted::<T>([auctioned::<T>(model)].into())?;
        let job = *jobs.first().ok_or("one job was submitted")?;
        bid::<T>(job, &worker::<T>("bidder", 0), MAX_BIDS - 1, CHEAP_BID)?;
        let bidder: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::worker(&bidder);

        #[extrinsic_call]
        _(
            RawOrigin::Signed(bidder.clone()),
            job,
            sealed::<T>(job, &bidder, CHEAP_BID),
        );

        assert_eq!(Bids::<T>::decode_len(job), Some(MAX_BIDS as usize));
        Ok(())
    }

    /// The first reveal, which opens the reveals.
    #[benchmark]
    fn reveal_bid() -> Result<(), BenchmarkError> {
        let model = largest::<T>();
        let bidder: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::worker(&bidder);
        bidders::<T>();
        let jobs = submitted::<T>([auctioned::<T>(model)].into())?;
        let job = *jobs.first().ok_or("one job was submitted")?;
        bid::<T>(job, &bidder, MAX_BIDS, CHEAP_BID)?;
        pass_phase::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(bidder), job, CHEAP_BID.into(), SALT);

        assert_eq!(Jobs::<T>::get(job).map(|job| job.state.phase()), Some(Phase::Revealing));
        Ok(())
    }

    /// Of a job with as many runners-up as there can be.
    #[benchmark]
    fn claim() -> Result<(), BenchmarkError> {
        let winner: T::AccountId = whitelisted_caller();
        let jobs = won::<T>(&winner, 1)?;
        let job = *jobs.first().ok_or("one job was won")?;
        seal_claims::<T>(&winner, &[digest_claim(job)]);

        #[extrinsic_call]
        _(RawOrigin::Signed(winner), digest_claim(job));

        assert_eq!(Jobs::<T>::get(job).map(|job| job.state.phase()), Some(Phase::Claimed));
        Ok(())
    }

    #[benchmark]
    fn claim_batch(n: Linear<1, MAX_BATCH>) -> Result<(), BenchmarkError> {
        let model = largest::<T>();
        let holding: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::worker(&holding);
        T::BenchmarkHelper::offer(&holding, model, BalanceOf::<T>::one(), n);
        let jobs = submitted::<T>((0..n).map(|_| request::<T>(model)).collect())?;
        let claims: Vec<Claim> = jobs.iter().map(|job| digest_claim(*job)).collect();
        seal_claims::<T>(&holding, &claims);

        #[extrinsic_call]
        _(RawOrigin::Signed(holding.clone()), claims);

        assert_eq!(T::Workers::load(&holding, model), 0);
        Ok(())
    }

    /// Surcharge of an inline output on a claim.
    #[benchmark]
    fn output(b: Linear<1, MAX_INLINE_OUTPUT_BYTES>) -> Result<(), BenchmarkError> {
        let holding: T::AccountId = account("holder", 0, 0);
        let job = to_deliver::<T>(&holding, b)?;
        let delivery = inline_claim::<T>(job, b)?;
        let record = Jobs::<T>::get(job).ok_or("the job is open")?;
        let digest = delivery.output_digest;

        #[block]
        {
            Pallet::<T>::check_output(&record, &delivery, &mut Versions::<T>::new())?;
            if let Some(bytes) = delivery.output {
                Outputs::<T>::insert(job, BoundedVec::truncate_from(bytes));
            }
            Pallet::<T>::deposit_event(Event::JobClaimed {
                job,
                worker: holding,
                output_digest: digest,
                window_until: Zero::zero(),
                output: Outputs::<T>::get(job),
            });
        }

        assert!(Outputs::<T>::contains_key(job));
        Ok(())
    }

    #[benchmark]
    fn decline() -> Result<(), BenchmarkError> {
        let winner: T::AccountId = whitelisted_caller();
        let jobs = won::<T>(&winner, 1)?;
        let job = *jobs.first().ok_or("one job was won")?;

        #[extrinsic_call]
        _(RawOrigin::Signed(winner.clone()), job);

        assert!(holder::<T>(job)? != winner);
        Ok(())
    }

    #[benchmark]
    fn accept() -> Result<(), BenchmarkError> {
        let holding: T::AccountId = account("holder", 0, 0);
        let job = to_deliver::<T>(&holding, FEW_BYTES)?;
        make::<T>(&holding, inline_claim::<T>(job, FEW_BYTES)?)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(client::<T>()), job);

        assert!(!Jobs::<T>::contains_key(job));
        Ok(())
    }

    #[benchmark]
    fn accept_batch(n: Linear<0, HALF>, w: Linear<1, MAX_OFFERS_PER_MODEL>) -> Result<(), BenchmarkError> {
        let jobs = claimed::<T>(n, w)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(client::<T>()), jobs);

        assert_eq!(Jobs::<T>::iter_keys().count(), 0);
        Ok(())
    }

    /// Of an auction in which one bid is not revealed, and every offer asks for less but is busy.
    #[benchmark]
    fn advance(b: Linear<1, MAX_BIDS>) -> Result<(), BenchmarkError> {
        let model = largest::<T>();
        book::<T>(model, None)?;
        bidders::<T>();
        let first = worker::<T>("bidder", 0);
        let jobs = submitted::<T>([auctioned::<T>(model)].into())?;
        let job = *jobs.first().ok_or("one job was submitted")?;
        bid::<T>(job, &first, b, EXPENSIVE_BID)?;
        pass_phase::<T>();
        reveal::<T>(job, &first, 1..b, EXPENSIVE_BID)?;
        pass_phase::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller()), job);

        assert!(Jobs::<T>::get(job).is_none_or(|job| job.state.phase() == Phase::Assigned));
        Ok(())
    }

    /// Of jobs whose deadlines were missed.
    #[benchmark]
    fn advance_batch(n: Linear<1, MAX_STEPS>) -> Result<(), BenchmarkError> {
        let loser: T::AccountId = account("loser", 0, 0);
        let jobs = won::<T>(&loser, n)?;
        T::BenchmarkHelper::pass(T::MinDeadline::get().saturating_add(One::one()));
        let first = *jobs.first().ok_or("jobs were won")?;

        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller()), jobs);

        assert!(holder::<T>(first)? != loser);
        Ok(())
    }

    #[benchmark]
    fn reassign() -> Result<(), BenchmarkError> {
        let loser: T::AccountId = account("loser", 0, 0);
        let jobs = won::<T>(&loser, 1)?;
        let job = *jobs.first().ok_or("one job was won")?;
        ruin::<T>(&loser, job)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller()), job);

        assert!(holder::<T>(job)? != loser);
        Ok(())
    }

    /// A place on a page of the agenda on which another job stands.
    #[benchmark]
    fn item() {
        let state = until::<T>(whitelisted_caller());
        Pallet::<T>::schedule(0, &state);

        #[block]
        {
            Pallet::<T>::schedule(1, &state);
        }

        assert_eq!(Agenda::<T>::iter().count(), 1);
    }

    /// The removal of the longest input.
    #[benchmark]
    fn removal() {
        Inputs::<T>::insert(0, BoundedVec::truncate_from(payload(MAX_INLINE_INPUT_BYTES).bytes));

        #[block]
        {
            Inputs::<T>::remove(0);
        }

        assert!(!Inputs::<T>::contains_key(0));
    }

    /// Reads of a job in the drain.
    #[benchmark]
    fn look() -> Result<(), BenchmarkError> {
        let jobs = claimed::<T>(0, 1)?;
        let job = *jobs.first().ok_or("one job was claimed")?;
        let last = Jobs::<T>::get(job).and_then(|job| job.state.ends_after());
        let last = last.ok_or("a claimed job has a window")?;
        let found: Option<(u64, u64)>;

        #[block]
        {
            found = Agenda::<T>::iter_prefix(last).next();
            let _job = Jobs::<T>::get(job);
        }

        assert!(found.is_some());
        Ok(())
    }

    #[benchmark]
    fn seal(n: Linear<1, MAX_BATCH>) -> Result<(), BenchmarkError> {
        let model = largest::<T>();
        let holding: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::worker(&holding);
        T::BenchmarkHelper::offer(&holding, model, BalanceOf::<T>::one(), n);
        let jobs = submitted::<T>((0..n).map(|_| request::<T>(model)).collect())?;
        let seals: Vec<Seal> = jobs
            .iter()
            .map(|job| seal_of::<T>(&holding, &digest_claim(*job)))
            .collect();

        #[extrinsic_call]
        _(RawOrigin::Signed(holding), seals);

        let sealed = Jobs::<T>::iter_values().filter(|job| job.state.phase() == Phase::Sealed);
        assert_eq!(sealed.count(), jobs.len());
        Ok(())
    }

    /// Of claims on a model that as many workers offer as there may be.
    #[benchmark]
    fn draw(n: Linear<1, MAX_STEPS>) -> Result<(), BenchmarkError> {
        let model = largest::<T>();
        let taker = book::<T>(model, Some(MAX_OFFERS_PER_MODEL))?;
        let jobs = submitted::<T>((0..n).map(|_| request::<T>(model)).collect())?;
        let claims: Vec<Claim> = jobs.iter().map(|job| digest_claim(*job)).collect();
        seal_claims::<T>(&taker, &claims);
        for job in &jobs {
            Jobs::<T>::mutate_extant(job, |job| {
                if let JobState::Sealed { assignment, .. } = &mut job.state {
                    assignment.hazard = u64::MAX;
                }
            });
        }

        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller()), jobs);

        assert!(Jobs::<T>::iter_values().all(|job| job.kept.audit));
        Ok(())
    }

    /// For an output of one tensor.
    #[benchmark]
    fn demand_output() -> Result<(), BenchmarkError> {
        let holding: T::AccountId = account("holder", 0, 0);
        let (job, _) = owed::<T>(&holding, FEW_BYTES)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(client::<T>()), job);

        assert!(Demands::<T>::contains_key(job));
        Ok(())
    }

    /// Of the one piece of an output.
    #[benchmark]
    fn deliver_output(c: Linear<1, MAX_PIECE_CHUNKS>) -> Result<(), BenchmarkError> {
        let holding: T::AccountId = whitelisted_caller();
        let (job, piece) = owed::<T>(&holding, c.saturating_mul(CHUNK_BYTES as u32))?;
        Pallet::<T>::do_demand_output(&client::<T>(), job)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(holding), job, piece);

        assert!(!Demands::<T>::contains_key(job));
        Ok(())
    }

    /// Of a moment with many rounds before it.
    #[benchmark]
    fn seed() {
        for _ in 0..ROUNDS {
            T::BenchmarkHelper::reveal(T::Time::now());
            T::BenchmarkHelper::pass(One::one());
        }
        let moment = T::Time::now();
        T::BenchmarkHelper::reveal(moment);
        let known: Seed;

        #[block]
        {
            known = T::Police::seed(moment);
        }

        assert!(matches!(known, Seed::Known(_)));
    }
}
