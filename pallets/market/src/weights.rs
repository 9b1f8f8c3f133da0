//! Weights of the calls: upper bounds computed from the storage that each touches ([`assay_types::weighing`]), not
//! measured.
//!
//! An account and its holds are counted with every hold that is placed, paid from or released.

use crate::{BidsOf, Config, JobOf};
use assay_types::{
    JobId,
    limits::{MAX_BIDS, MAX_OFFERS_PER_MODEL},
    weighing::{
        CALL_REF_TIME, ENTRY_REF_TIME, account_proof, book_proof, bytes_ref_time, key_proof, load_proof, version_proof,
        worker_proof,
    },
};
use core::marker::PhantomData;
use polkadot_sdk::{
    frame_support::{traits::Get, weights::Weight},
    frame_system::pallet_prelude::BlockNumberFor,
};

/// Weights of the calls and steps.
pub trait WeightInfo {
    /// Submission of one job with an inline input of this many bytes, without the search for a worker.
    fn submit(input_bytes: u32) -> Weight;
    /// The search for workers by standing offers, for this many jobs on this many model versions.
    fn search(jobs: u32, models: u32) -> Weight;
    /// Commitment of a bid.
    fn commit_bid() -> Weight;
    /// Reveal of a bid, and the end of an auction of this many bids if it is the last one; 0 if it is not.
    fn reveal_bid(ended: u32) -> Weight;
    /// Claim of one job with an inline output of this many bytes.
    fn claim(output_bytes: u32) -> Weight;
    /// Payment of one claimed job and its removal.
    fn settle() -> Weight;
    /// The end of an auction of this many bids.
    fn close_auction(bids: u32) -> Weight;
    /// A missed deadline and the search for another worker.
    fn miss() -> Weight;
    /// The most expensive step that can be due for one job: one of the two above.
    fn step() -> Weight;
    /// A look at the next entry of the agenda.
    fn look() -> Weight;
}

/// The bounds described above, for a runtime `T`.
pub struct ComputedWeight<T>(PhantomData<T>);

impl<T: Config> ComputedWeight<T> {
    fn call(reads: u64, writes: u64, proof_bytes: u64) -> Weight {
        Weight::from_parts(CALL_REF_TIME, proof_bytes).saturating_add(T::DbWeight::get().reads_writes(reads, writes))
    }

    fn job() -> u64 {
        key_proof::<JobId, JobOf<T>>()
    }

    fn bids() -> u64 {
        key_proof::<JobId, BidsOf<T>>()
    }

    fn agenda() -> u64 {
        key_proof::<(BlockNumberFor<T>, JobId), ()>()
    }

    /// An input, an output or a mark: its key is written or removed, and its value is not read.
    fn unread() -> u64 {
        key_proof::<JobId, ()>()
    }

    /// The end of this many bids: for each the worker's record, its account and its holds; and the search for a cheaper
    /// offer.
    fn end_bids(bids: u32) -> Weight {
        let bids = u64::from(bids);
        let accesses = bids.saturating_mul(3);
        let proof = bids.saturating_mul(worker_proof().saturating_add(account_proof()));
        T::DbWeight::get()
            .reads_writes(accesses, accesses)
            .saturating_add(Weight::from_parts(ENTRY_REF_TIME.saturating_mul(bids), proof))
            .saturating_add(Self::search(1, 1))
    }

    /// Closes a job, or moves it on to another worker that is found by `search`.
    fn close_or_assign(search: Weight) -> Weight {
        Self::settle()
            .saturating_add(T::DbWeight::get().reads_writes(2, 2))
            .saturating_add(Weight::from_parts(0, Self::agenda() + load_proof()))
            .saturating_add(search)
    }

    /// The runners-up of an auction, tried one by one: for each the worker's record.
    fn try_runners_up() -> Weight {
        let bids = u64::from(MAX_BIDS);
        T::DbWeight::get().reads(bids).saturating_add(Weight::from_parts(
            ENTRY_REF_TIME.saturating_mul(bids),
            bids.saturating_mul(worker_proof()),
        ))
    }
}

impl<T: Config> WeightInfo for ComputedWeight<T> {
    /// Reads the version; reads and writes the next number, the client's account and holds, the job, its input, its
    /// place on the agenda, and the worker that takes it with its load.
    fn submit(input_bytes: u32) -> Weight {
        let client = key_proof::<(), JobId>() + account_proof();
        let job = Self::job() + Self::unread() + Self::agenda();
        Self::call(9, 8, version_proof() + client + job + worker_proof() + load_proof()).saturating_add(
            Weight::from_parts(bytes_ref_time(input_bytes.into()), input_bytes.into()),
        )
    }

    /// Each job reads the book, and for each of its offers the worker's record and load. The proof has each of them
    /// once, however many jobs read it.
    fn search(jobs: u32, models: u32) -> Weight {
        let offers = u64::from(MAX_OFFERS_PER_MODEL);
        let reads = offers.saturating_mul(2).saturating_add(1);
        let time = T::DbWeight::get()
            .reads(reads)
            .ref_time()
            .saturating_add(ENTRY_REF_TIME.saturating_mul(offers));
        let proof = book_proof().saturating_add(offers.saturating_mul(worker_proof() + load_proof()));
        Weight::from_parts(time.saturating_mul(jobs.into()), proof.saturating_mul(models.into()))
    }

    /// Reads the job; reads and writes its bids, the worker, its account and holds.
    fn commit_bid() -> Weight {
        Self::call(5, 4, Self::job() + Self::bids() + worker_proof() + account_proof())
    }

    /// Reads and writes the job, its bids, two places on the agenda, its mark, and the bidder's account and holds; then
    /// ends the auction, with the load of the worker that won.
    fn reveal_bid(ended: u32) -> Weight {
        let job = Self::job() + Self::bids() + 2 * Self::agenda() + Self::unread();
        let reveal = Self::call(8, 8, job + account_proof() + load_proof());
        match ended {
            0 => reveal,
            bids => reveal.saturating_add(Self::end_bids(bids)),
        }
    }

    /// Reads the version; reads and writes the job, its bids, its output, two places on the agenda, its mark, and the
    /// worker with its load.
    fn claim(output_bytes: u32) -> Weight {
        let job = Self::job() + Self::bids() + 2 * Self::unread() + 2 * Self::agenda();
        Self::call(9, 8, version_proof() + job + worker_proof() + load_proof()).saturating_add(Weight::from_parts(
            bytes_ref_time(output_bytes.into()),
            output_bytes.into(),
        ))
    }

    /// Reads and writes the job, its input, output, bids, place on the agenda and mark, the accounts and holds of
    /// client and worker, and the worker.
    fn settle() -> Weight {
        let job = Self::job() + 3 * Self::unread() + Self::bids() + Self::agenda();
        Self::call(11, 11, job + 2 * account_proof() + worker_proof())
    }

    /// Closes a job, or gives it to a worker among the bids and the cheaper offers.
    fn close_auction(bids: u32) -> Weight {
        Self::close_or_assign(Self::end_bids(bids))
    }

    /// Closes a job, or gives it to a worker among the runners-up and the offers.
    fn miss() -> Weight {
        Self::close_or_assign(Self::search(1, 1).saturating_add(Self::try_runners_up()))
    }

    /// A job that an auction assigns has its whole deadline before it, so the two are never due at once.
    fn step() -> Weight {
        Self::close_auction(MAX_BIDS).max(Self::miss())
    }

    /// Reads a key of the agenda and, if there is one, its job.
    fn look() -> Weight {
        T::DbWeight::get()
            .reads(2)
            .saturating_add(Weight::from_parts(ENTRY_REF_TIME, Self::agenda() + Self::job()))
    }
}

/// For tests: weights that are there, and nothing more.
impl WeightInfo for () {
    fn submit(_: u32) -> Weight {
        Weight::from_parts(1_000, 0)
    }

    fn search(jobs: u32, _: u32) -> Weight {
        Weight::from_parts(1_000, 0).saturating_mul(jobs.into())
    }

    fn commit_bid() -> Weight {
        Weight::from_parts(1_000, 0)
    }

    fn reveal_bid(_: u32) -> Weight {
        Weight::from_parts(1_000, 0)
    }

    fn claim(_: u32) -> Weight {
        Weight::from_parts(1_000, 0)
    }

    fn settle() -> Weight {
        Weight::from_parts(1_000, 0)
    }

    fn close_auction(bids: u32) -> Weight {
        Weight::from_parts(1_000, 0).saturating_add(Weight::from_parts(10, 0).saturating_mul(bids.into()))
    }

    fn miss() -> Weight {
        Weight::from_parts(1_500, 0)
    }

    fn step() -> Weight {
        Weight::from_parts(2_000, 0)
    }

    fn look() -> Weight {
        Weight::from_parts(100, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn a_step_is_no_lighter_than_any_of_the_steps() {
        type Computed = ComputedWeight<crate::mock::Test>;
        assert!(Computed::settle().all_lte(Computed::step()));
        assert!(Computed::search(1, 1).all_lte(Computed::step()));
        assert!(Computed::close_auction(MAX_BIDS).all_lte(Computed::step()));
        assert!(Computed::miss().all_lte(Computed::step()));
        assert!(Computed::reveal_bid(1).all_lte(Computed::reveal_bid(MAX_BIDS)));
    }
}
