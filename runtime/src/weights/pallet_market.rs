//! Weights of `pallet_market`: bounds computed from the storage that each benchmark touches, until `make weights` has
//! measured them.

use assay_types::{
    JobId,
    limits::{MAX_BIDS, MAX_OFFERS_PER_MODEL},
    weighing::{
        CALL_REF_TIME, ENTRY_REF_TIME, account_proof, book_proof, bytes_ref_time, key_proof, load_proof, version_proof,
        worker_proof,
    },
};
use core::marker::PhantomData;
use pallet_audits::WeightInfo as _;
use pallet_market::{BidsOf, Config, DemandOf, JobOf, WeightInfo};
use polkadot_sdk::{
    frame_support::{traits::Get, weights::Weight},
    frame_system::pallet_prelude::BlockNumberFor,
};

/// Picoseconds of one job of a batch besides storage: its part of the call is decoded, it is checked and stored, and
/// two events are deposited.
const JOB_REF_TIME: u64 = 40_000_000;

/// Picoseconds of one seal of a batch besides storage: it is decoded, its hazard is computed, and an event is deposited.
const SEAL_REF_TIME: u64 = 30_000_000;
/// Rounds that are looked at for a seed: a search through a day of them, and those that make it.
const ROUNDS: u64 = 18;
/// Lengths of a round and of a worker's record with auditors, with room to spare.
type RoundBytes = [u8; 48];

/// Weights of `pallet_market`.
pub struct AssayWeight<T>(PhantomData<T>);

impl<T: Config> AssayWeight<T> {
    fn call(reads: u64, writes: u64, proof_bytes: u64) -> Weight {
        Weight::from_parts(CALL_REF_TIME, proof_bytes).saturating_add(T::DbWeight::get().reads_writes(reads, writes))
    }

    /// This many jobs of a batch, each with these accesses.
    fn jobs(count: u32, reads: u64, writes: u64) -> Weight {
        Weight::from_parts(JOB_REF_TIME, Self::job())
            .saturating_add(T::DbWeight::get().reads_writes(reads, writes))
            .saturating_mul(count.into())
    }

    fn job() -> u64 {
        key_proof::<JobId, JobOf<T>>()
    }

    fn bids() -> u64 {
        key_proof::<JobId, BidsOf<T>>()
    }

    fn page() -> u64 {
        key_proof::<(BlockNumberFor<T>, u64), u64>()
    }

    /// An input or an output: its key is written or removed, and its value is not read.
    fn unread() -> u64 {
        key_proof::<JobId, ()>()
    }

    /// This many workers of offers, each with its record and its load.
    fn offers(count: u32) -> Weight {
        let count = u64::from(count);
        T::DbWeight::get()
            .reads(count.saturating_mul(2))
            .saturating_add(Weight::from_parts(
                ENTRY_REF_TIME.saturating_mul(count),
                count.saturating_mul(worker_proof() + load_proof()),
            ))
    }

    /// The search through a full book for one job.
    fn search() -> Weight {
        Self::offers(MAX_OFFERS_PER_MODEL)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(Weight::from_parts(0, book_proof()))
    }

    /// The end of this many bids: for each the worker's record, its account and its holds.
    fn end_bids(bids: u32) -> Weight {
        let bids = u64::from(bids);
        let accesses = bids.saturating_mul(3);
        let proof = bids.saturating_mul(worker_proof().saturating_add(account_proof()));
        T::DbWeight::get()
            .reads_writes(accesses, accesses)
            .saturating_add(Weight::from_parts(ENTRY_REF_TIME.saturating_mul(bids), proof))
    }

    /// A job that is closed, or that another worker gets: the job with all that is kept of it, two pages, the accounts
    /// and holds of client and worker, and two workers with their loads.
    fn close_or_assign() -> Weight {
        let job = Self::job() + 2 * Self::unread() + Self::bids() + 2 * Self::page();
        Self::call(13, 13, job + 2 * account_proof() + 2 * (worker_proof() + load_proof()))
    }

    /// A job that its worker loses: as above; and the runners-up and a full book are looked through.
    fn lose() -> Weight {
        let runners_up = u64::from(MAX_BIDS);
        Self::close_or_assign()
            .saturating_add(T::DbWeight::get().reads(runners_up))
            .saturating_add(Weight::from_parts(
                ENTRY_REF_TIME.saturating_mul(runners_up),
                runners_up.saturating_mul(worker_proof()),
            ))
            .saturating_add(Self::search())
    }
}

impl<T: Config> WeightInfo for AssayWeight<T> {
    fn submit(c: u32) -> Weight {
        Self::submit_batch(1, c)
    }

    /// Reads the version and the book, and of each offer the worker's record and load; reads and writes the next
    /// number, the client's account and holds, two pages, and the worker that takes the jobs with its load; writes the
    /// jobs.
    fn submit_batch(n: u32, c: u32) -> Weight {
        let shared = version_proof() + book_proof() + key_proof::<(), JobId>() + account_proof() + 2 * Self::page();
        let compared = ENTRY_REF_TIME.saturating_mul(u64::from(n).saturating_mul(MAX_OFFERS_PER_MODEL.into()));
        Self::call(7, 7, shared)
            .saturating_add(Self::offers(c))
            .saturating_add(Weight::from_parts(compared, 0))
            .saturating_add(Self::jobs(n, 0, 1))
    }

    /// Reads the version; reads and writes the next number, the client's account and holds and two pages; writes the
    /// jobs.
    fn auction(n: u32) -> Weight {
        let shared = version_proof() + key_proof::<(), JobId>() + account_proof() + 2 * Self::page();
        Self::call(6, 5, shared).saturating_add(Self::jobs(n, 0, 1))
    }

    fn input(b: u32) -> Weight {
        Self::call(0, 1, Self::unread()).saturating_add(Weight::from_parts(bytes_ref_time(b.into()), 0))
    }

    /// Reads the job; reads and writes its bids, the worker, its account and holds.
    fn commit_bid() -> Weight {
        Self::call(5, 4, Self::job() + Self::bids() + worker_proof() + account_proof())
    }

    /// Reads and writes the job, its bids, two pages, and the bidder's account and holds.
    fn reveal_bid() -> Weight {
        Self::call(6, 6, Self::job() + Self::bids() + 2 * Self::page() + account_proof())
    }

    fn claim() -> Weight {
        Self::claim_batch(1).saturating_add(Self::removal())
    }

    /// Reads and writes the jobs and two pages; reads a seed.
    fn claim_batch(n: u32) -> Weight {
        Self::call(2, 2, 2 * Self::page())
            .saturating_add(Self::jobs(n, 1, 1))
            .saturating_add(Self::seed())
    }

    /// Reads the version; writes the output, and deposits it.
    fn output(b: u32) -> Weight {
        Self::call(1, 1, version_proof() + Self::unread())
            .saturating_add(Weight::from_parts(bytes_ref_time(u64::from(b).saturating_mul(2)), 0))
    }

    fn decline() -> Weight {
        Self::lose()
    }

    fn accept() -> Weight {
        Self::accept_batch(0, 1).saturating_add(Self::removal().saturating_mul(2))
    }

    /// Reads and writes the jobs, a page, the client's account and holds, and of each worker its record and its
    /// account.
    fn accept_batch(n: u32, w: u32) -> Weight {
        let workers = Weight::from_parts(CALL_REF_TIME, worker_proof() + account_proof())
            .saturating_add(T::DbWeight::get().reads_writes(2, 2))
            .saturating_mul(w.into());
        Self::call(3, 3, Self::page() + account_proof())
            .saturating_add(workers)
            .saturating_add(Self::jobs(n.saturating_add(w), 1, 1))
    }

    fn advance(b: u32) -> Weight {
        Self::close_or_assign()
            .saturating_add(Self::end_bids(b))
            .saturating_add(Self::search())
    }

    fn advance_batch(n: u32) -> Weight {
        Self::lose().saturating_mul(n.into())
    }

    fn reassign() -> Weight {
        Self::lose()
    }

    /// A page or a load, of which the load is longer.
    fn item() -> Weight {
        T::DbWeight::get()
            .reads_writes(1, 1)
            .saturating_add(Weight::from_parts(ENTRY_REF_TIME, Self::page().max(load_proof())))
    }

    fn removal() -> Weight {
        T::DbWeight::get()
            .writes(1)
            .saturating_add(Weight::from_parts(ENTRY_REF_TIME, Self::unread().max(Self::bids())))
    }

    /// Reads a page of the agenda and a job.
    fn look() -> Weight {
        T::DbWeight::get()
            .reads(2)
            .saturating_add(Weight::from_parts(ENTRY_REF_TIME, Self::page() + Self::job()))
    }

    /// Reads and writes the jobs, two pages and the worker's load; reads the worker and its record with auditors.
    fn seal(n: u32) -> Weight {
        let record = key_proof::<[u8; 32], RoundBytes>();
        let jobs = Weight::from_parts(SEAL_REF_TIME, Self::job()).saturating_add(T::DbWeight::get().reads_writes(1, 1));
        Self::call(5, 3, 2 * Self::page() + load_proof() + worker_proof() + record)
            .saturating_add(jobs.saturating_mul(n.into()))
    }

    /// Reads and writes the jobs; each is audited from now on.
    fn draw(n: u32) -> Weight {
        let audits = <crate::Runtime as pallet_audits::Config>::WeightInfo::advance();
        Self::call(0, 0, 0)
            .saturating_add(Self::jobs(n, 1, 1))
            .saturating_add(audits.saturating_mul(n.into()))
    }

    /// Reads the version; reads and writes the job, two pages, the client's account and holds; writes the demand.
    fn demand_output() -> Weight {
        let proof = version_proof() + Self::job() + 2 * Self::page() + account_proof() + Self::unread();
        Self::call(6, 6, proof)
    }

    /// Reads the version; reads and writes the job, the demand, and the accounts and holds of client and worker.
    fn deliver_output(c: u32) -> Weight {
        let demand = key_proof::<JobId, DemandOf<T>>();
        let bytes = u64::from(c).saturating_mul(2 * 1_024); // Decoded, then hashed.
        Self::call(7, 6, version_proof() + Self::job() + demand + 2 * account_proof())
            .saturating_add(Weight::from_parts(bytes_ref_time(bytes), 0))
    }

    /// Reads rounds.
    fn seed() -> Weight {
        let proof = ROUNDS.saturating_mul(key_proof::<u64, RoundBytes>());
        T::DbWeight::get()
            .reads(ROUNDS)
            .saturating_add(Weight::from_parts(0, proof))
    }
}
