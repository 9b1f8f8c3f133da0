//! Scenes with which benchmarks of the market begin: books of which all offers are looked at, auctions with all bids,
//! and jobs that workers hold.

use crate::{BalanceOf, Claim, Config, JobRequestOf, Jobs, NextJobId, Pallet, Seal};
use alloc::{vec, vec::Vec};
use assay_types::{
    AssayTime, Delivery, H256, HostBlake2, JobId, JobInput, JobRequest, Matching, ModelRegistry, ModelVersion, Payload,
    Purpose, WorkerRegistry, audit,
    benchmarking::{Scene, Seeds, Stage, bytes_parts, largest_parts, symbols_of_largest},
    bid_commitment,
    delivery::{Cursor, OutputPiece},
    limits::{MAX_BIDS, MAX_OFFERS_PER_MODEL},
    payload::delivered,
};
use polkadot_sdk::{
    frame_benchmarking::v2::{BenchmarkError, account},
    frame_support::traits::Get,
    sp_runtime::traits::{One, Saturating},
};

/// The lowest price of an offer.
const LOWEST: u32 = 1_000;
/// The price of a bid that no offer is cheaper than.
pub const CHEAP_BID: u32 = 10;
/// The price of a bid that every offer is cheaper than.
pub const EXPENSIVE_BID: u32 = 10_000;
/// Maximum that every client pays.
const CEILING: u32 = 100_000;
/// The salt of every bid and every seal.
pub const SALT: [u8; 32] = [4; 32];

/// The account that pays for jobs where it does not send the transaction.
pub fn client<T: Config>() -> T::AccountId {
    let client: T::AccountId = account("client", 0, 0);
    T::BenchmarkHelper::endow(&client);
    client
}

/// A worker with much stake.
pub fn worker<T: Config>(name: &'static str, index: u32) -> T::AccountId {
    let worker: T::AccountId = account(name, index, 0);
    T::BenchmarkHelper::worker(&worker);
    worker
}

/// A version with the largest parts.
pub fn largest<T: Config>() -> ModelVersion {
    T::BenchmarkHelper::register(largest_parts(1))
}

/// A version that takes and gives rows of bytes.
pub fn bytes<T: Config>(max: u32) -> ModelVersion {
    T::BenchmarkHelper::register(bytes_parts(1, max))
}

/// A job by digest on a version with the largest parts, by standing offers.
pub fn request<T: Config>(model: ModelVersion) -> JobRequestOf<T> {
    JobRequest {
        model,
        input: JobInput::Digest {
            digest: H256::repeat_byte(1),
            symbols: symbols_of_largest(),
        },
        ceiling: CEILING.into(),
        matching: Matching::Offers,
        deadline_blocks: T::MinDeadline::get(),
        window_blocks: T::MinWindow::get(),
        delivery: Delivery::Digest,
    }
}

/// The same by auction.
pub fn auctioned<T: Config>(model: ModelVersion) -> JobRequestOf<T> {
    let phase = T::MinAuctionPhase::get();
    JobRequest {
        matching: Matching::Auction {
            bidding_blocks: phase,
            reveal_blocks: phase,
        },
        ..request::<T>(model)
    }
}

/// A row of this many bytes.
pub fn payload(bytes: u32) -> Payload {
    Payload {
        symbols: vec![bytes],
        bytes: vec![1; bytes as usize],
    }
}

/// A job on rows of bytes with an inline input and an inline output of this many.
pub fn inline<T: Config>(model: ModelVersion, bytes: u32) -> JobRequestOf<T> {
    JobRequest {
        input: JobInput::Inline(payload(bytes)),
        delivery: Delivery::Inline,
        ..request::<T>(model)
    }
}

/// A claim that delivers as many bytes as the job's input has.
pub fn inline_claim<T: Config>(job: JobId, bytes: u32) -> Result<Claim, BenchmarkError> {
    let record = Jobs::<T>::get(job).ok_or("the job is open")?;
    let version = T::Models::version(record.model).ok_or("the model is registered")?;
    let output = payload(bytes).bytes;
    let digest = delivered(&version.parts, &record.symbols, &output)
        .and_then(|outputs| outputs.digest::<HostBlake2>())
        .map_err(|_| "the output has its length")?;
    Ok(Claim {
        job,
        output_digest: digest,
        output: Some(output),
        salt: SALT,
    })
}

/// A job with an inline output that a worker has.
pub fn to_deliver<T: Config>(holding: &T::AccountId, bytes: u32) -> Result<JobId, BenchmarkError> {
    let model = self::bytes::<T>(bytes);
    T::BenchmarkHelper::worker(holding);
    T::BenchmarkHelper::offer(holding, model, BalanceOf::<T>::one(), 1);
    let jobs = submitted::<T>([inline::<T>(model, bytes)].into())?;
    Ok(*jobs.first().ok_or("one job was submitted")?)
}

/// A job of which a worker has claimed the digest of so many bytes, and the first piece of these.
pub fn owed<T: Config>(holding: &T::AccountId, count: u32) -> Result<(JobId, OutputPiece), BenchmarkError> {
    let model = self::bytes::<T>(count);
    T::BenchmarkHelper::worker(holding);
    T::BenchmarkHelper::offer(holding, model, BalanceOf::<T>::one(), 1);
    let by_digest = JobRequest {
        delivery: Delivery::Digest,
        ..inline::<T>(model, count)
    };
    let jobs = submitted::<T>([by_digest].into())?;
    let job = *jobs.first().ok_or("one job was submitted")?;
    let known = inline_claim::<T>(job, count)?;
    let output = known.output.clone().ok_or("it has one")?;
    make::<T>(holding, Claim { output: None, ..known })?;
    let version = T::Models::version(model).ok_or("the model is registered")?;
    let layouts = version.parts.schema.output_layouts(&[count]);
    let layouts = layouts.map_err(|_| "the symbols are in their ranges")?;
    let piece = OutputPiece::at::<HostBlake2>(&layouts, &output, Cursor::default());
    Ok((job, piece.ok_or("there is a piece")?))
}

/// A full book of which `examined` offers are looked at: the first ones have as many jobs as they take, and the last of
/// them, which is returned, takes all that come. With none to take any, all offers are busy.
pub fn book<T: Config>(model: ModelVersion, examined: Option<u32>) -> Result<T::AccountId, BenchmarkError> {
    let last = examined.map(|examined| examined.saturating_sub(1));
    let mut taker = worker::<T>("offer", 0);
    for index in 0..MAX_OFFERS_PER_MODEL {
        let (offering, price) = (
            worker::<T>("offer", index),
            BalanceOf::<T>::from(LOWEST.saturating_add(index)),
        );
        let takes = last == Some(index);
        T::BenchmarkHelper::offer(&offering, model, price, if takes { u32::MAX } else { 1 });
        if last.is_none_or(|last| index < last) {
            T::Workers::take(&offering, model, Purpose::Job { price }).map_err(|_| "the worker has stake")?;
        }
        if takes {
            taker = offering;
        }
    }
    Ok(taker)
}

/// Submits jobs of the client; returns their numbers.
pub fn submitted<T: Config>(requests: Vec<JobRequestOf<T>>) -> Result<Vec<JobId>, BenchmarkError> {
    let (first, count) = (NextJobId::<T>::get(), requests.len() as u64);
    Pallet::<T>::do_submit(&client::<T>(), requests)?;
    Ok((first..first.saturating_add(count)).collect())
}

/// The commitment of a bid.
pub fn sealed<T: Config>(job: JobId, bidder: &T::AccountId, price: u32) -> H256 {
    bid_commitment::<HostBlake2, _, _>(job, bidder, &BalanceOf::<T>::from(price), &SALT)
}

/// Bids on a job by so many workers, the first of which is given and bids the price. The others bid more.
pub fn bid<T: Config>(job: JobId, first: &T::AccountId, bids: u32, price: u32) -> Result<(), BenchmarkError> {
    for index in 0..bids {
        let (bidder, price) = bidder::<T>(first, index, price);
        Pallet::<T>::do_commit_bid(&bidder, job, sealed::<T>(job, &bidder, price))?;
    }
    Ok(())
}

/// Reveals the bids of all but so many of the first workers.
pub fn reveal<T: Config>(
    job: JobId,
    first: &T::AccountId,
    bids: core::ops::Range<u32>,
    price: u32,
) -> Result<(), BenchmarkError> {
    for index in bids {
        let (bidder, price) = bidder::<T>(first, index, price);
        Pallet::<T>::do_reveal_bid(&bidder, job, price.into(), &SALT)?;
    }
    Ok(())
}

fn bidder<T: Config>(first: &T::AccountId, index: u32, price: u32) -> (T::AccountId, u32) {
    let bidder = match index {
        0 => first.clone(),
        index => account("bidder", index, 0),
    };
    (bidder, price.saturating_add(index))
}

/// Makes all bidders but the first one workers.
pub fn bidders<T: Config>() {
    for index in 1..MAX_BIDS {
        worker::<T>("bidder", index);
    }
}

/// Lets the phase of an auction pass.
pub fn pass_phase<T: Config>() {
    T::BenchmarkHelper::pass(T::MinAuctionPhase::get().saturating_add(One::one()));
}

/// Jobs that a worker has won in auctions with all bids, and which another worker gets only after every runner-up was
/// asked in vain and every offer of a full book was looked at.
pub fn won<T: Config>(winner: &T::AccountId, jobs: u32) -> Result<Vec<JobId>, BenchmarkError> {
    let model = largest::<T>();
    T::BenchmarkHelper::worker(winner);
    bidders::<T>();
    book::<T>(model, Some(MAX_OFFERS_PER_MODEL))?;
    let jobs = submitted::<T>((0..jobs).map(|_| auctioned::<T>(model)).collect())?;
    for job in &jobs {
        bid::<T>(*job, winner, MAX_BIDS, CHEAP_BID)?;
    }
    pass_phase::<T>();
    for job in &jobs {
        reveal::<T>(*job, winner, 0..MAX_BIDS, CHEAP_BID)?;
    }
    for index in 1..MAX_BIDS {
        T::BenchmarkHelper::pause(&bidder::<T>(winner, index, 0).0);
    }
    Ok(jobs)
}

/// The worker that has a job.
pub fn holder<T: Config>(job: JobId) -> Result<T::AccountId, BenchmarkError> {
    let job = Jobs::<T>::get(job).ok_or("the job is open")?;
    let assignment = job.state.assignment().ok_or("somebody has the job")?;
    Ok(assignment.worker.clone())
}

/// A claim by digest.
pub fn digest_claim(job: JobId) -> Claim {
    Claim {
        job,
        output_digest: H256::repeat_byte(2),
        output: None,
        salt: SALT,
    }
}

/// The seal of a claim by this worker.
pub fn seal_of<T: Config>(worker: &T::AccountId, claim: &Claim) -> Seal {
    Seal {
        job: claim.job,
        seal: audit::seal::<HostBlake2, _>(claim.job, worker, &claim.output_digest, &claim.salt),
    }
}

/// A worker seals these claims, and their seed becomes known.
pub fn seal_claims<T: Config>(worker: &T::AccountId, claims: &[Claim]) {
    let seals = claims.iter().map(|claim| seal_of::<T>(worker, claim)).collect();
    Pallet::<T>::do_seal(worker, seals);
    T::BenchmarkHelper::reveal(T::Time::now());
}

/// A worker seals a claim and makes it.
pub fn make<T: Config>(worker: &T::AccountId, claim: Claim) -> Result<(), BenchmarkError> {
    seal_claims::<T>(worker, core::slice::from_ref(&claim));
    Ok(Pallet::<T>::do_claim(worker, claim)?)
}
