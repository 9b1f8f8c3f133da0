//! Weights of the calls, as the benchmarks measure them, and how a call is put together of them.
//!
//! Every function without a body is a benchmark of the same name (`benchmarking.rs`), and the runtime has the numbers.
//! A batch is charged for what its jobs share once, and for what is beside that by the item.

use crate::terms::AUDIT_ITEMS;
use assay_types::limits::{MAX_BIDS, MAX_OFFERS_PER_MODEL};
use polkadot_sdk::frame_support::weights::Weight;

/// Weights of the calls and steps.
pub trait WeightInfo {
    /// Submission of one job by digest, with `c` offers whose workers are looked at.
    fn submit(c: u32) -> Weight;
    /// Submission of `n` jobs on one model by digest, with `c` offers whose workers are looked at.
    fn submit_batch(n: u32, c: u32) -> Weight;
    /// Submission of `n` auctions on one model, by digest.
    fn auction(n: u32) -> Weight;
    /// An inline input of `b` bytes.
    fn input(b: u32) -> Weight;
    /// Commitment of the last bid that an auction takes.
    fn commit_bid() -> Weight;
    /// Reveal of a bid that opens the reveals.
    fn reveal_bid() -> Weight;
    /// Claim of one job, whose runners-up are forgotten.
    fn claim() -> Weight;
    /// Claims of `n` jobs without outputs, which have one place on the agenda before and one after.
    fn claim_batch(n: u32) -> Weight;
    /// An inline output of `b` bytes.
    fn output(b: u32) -> Weight;
    /// A job that is given back after an auction, with the search for another worker.
    fn decline() -> Weight;
    /// Payment of one claimed job and its removal, with input and output.
    fn accept() -> Weight;
    /// Payment and removal of claimed jobs of one client, which have one place on the agenda and no input or output:
    /// `w` of as many workers, and `n` more of the first one.
    fn accept_batch(n: u32, w: u32) -> Weight;
    /// The end of an auction of `b` bids, with the search for a cheaper offer.
    fn advance(b: u32) -> Weight;
    /// Missed deadlines of `n` jobs, each with the search for another worker.
    fn advance_batch(n: u32) -> Weight;
    /// A job that is taken from a convicted worker after an auction, with the search for another worker.
    fn reassign() -> Weight;
    /// One more place on the agenda, or one more load of a worker.
    fn item() -> Weight;
    /// Removal of an input, an output or a list of bids.
    fn removal() -> Weight;
    /// A look at the next job of the agenda.
    fn look() -> Weight;
    /// Seals of `n` jobs on one model, which have one place on the agenda before and one after.
    fn seal(n: u32) -> Weight;
    /// The beginning of `n` audits, each with the search for an auditor in a full book.
    fn draw(n: u32) -> Weight;
    /// The seed of one more block.
    fn seed() -> Weight;
    /// A demand for the output of a model with the largest parts.
    fn demand_output() -> Weight;
    /// The last piece of an output, of `c` chunks.
    fn deliver_output(c: u32) -> Weight;

    /// Submission of jobs on one model by standing offers.
    fn submissions(jobs: u32, offers: u32) -> Weight {
        match jobs {
            1 => Self::submit(offers),
            _ => Self::submit_batch(jobs, offers),
        }
    }

    /// Submission of auctions, of which there may be none.
    fn auctions(jobs: u32) -> Weight {
        match jobs {
            0 => Weight::zero(),
            _ => Self::auction(jobs),
        }
    }

    /// Payment of one claimed job and its removal.
    fn settle() -> Weight {
        Self::accept()
    }

    /// Payment and removal of claimed jobs of one client: one of each of so many workers, and more.
    fn settlements(more: u32, workers: u32) -> Weight {
        Self::accept_batch(more, workers)
    }

    /// The end of an auction of this many bids.
    fn close_auction(bids: u32) -> Weight {
        Self::advance(bids)
    }

    /// A missed deadline and the search for another worker.
    fn miss() -> Weight {
        Self::advance_batch(1)
    }

    /// The most expensive step that can be due for one job. A job that an auction assigns has its whole deadline before
    /// it, so the two are never due at once.
    fn step() -> Weight {
        let others = Self::close_auction(MAX_BIDS).max(Self::miss()).max(Self::end_audited());
        others.max(Self::draw(1)).max(Self::end_demanded())
    }

    /// The end of a job that was audited.
    fn end_audited() -> Weight {
        Self::settle().saturating_add(Self::removal().saturating_mul(AUDIT_ITEMS))
    }

    /// The end of a job whose output was demanded and not delivered, which may have been audited.
    fn end_demanded() -> Weight {
        let end = Self::settle().max(Self::miss());
        end.saturating_add(Self::removal().saturating_mul(AUDIT_ITEMS.saturating_add(1)))
    }

    /// Steps of this many jobs, whatever they are.
    fn steps(jobs: u32) -> Weight {
        Self::step().saturating_mul(jobs.into()).max(Self::advance_batch(jobs))
    }
}

/// For tests: weights that are there, and nothing more.
impl WeightInfo for () {
    fn submit(c: u32) -> Weight {
        Self::submit_batch(1, c)
    }

    fn submit_batch(n: u32, c: u32) -> Weight {
        Weight::from_parts(1_000, 0)
            .saturating_mul(n.into())
            .saturating_add(Weight::from_parts(10, 0).saturating_mul(c.min(MAX_OFFERS_PER_MODEL).into()))
    }

    fn auction(n: u32) -> Weight {
        Weight::from_parts(1_000, 0).saturating_mul(n.into())
    }

    fn input(b: u32) -> Weight {
        Weight::from_parts(b.into(), 0)
    }

    fn commit_bid() -> Weight {
        Weight::from_parts(1_000, 0)
    }

    fn reveal_bid() -> Weight {
        Weight::from_parts(1_000, 0)
    }

    fn claim() -> Weight {
        Self::claim_batch(1)
    }

    fn claim_batch(n: u32) -> Weight {
        Weight::from_parts(1_000, 0).saturating_mul(n.into())
    }

    fn output(b: u32) -> Weight {
        Weight::from_parts(b.into(), 0)
    }

    fn decline() -> Weight {
        Weight::from_parts(1_500, 0)
    }

    fn accept() -> Weight {
        Weight::from_parts(1_000, 0)
    }

    fn accept_batch(n: u32, w: u32) -> Weight {
        Weight::from_parts(500, 0)
            .saturating_mul(n.into())
            .saturating_add(Weight::from_parts(800, 0).saturating_mul(w.into()))
    }

    fn advance(b: u32) -> Weight {
        Weight::from_parts(1_000, 0).saturating_add(Weight::from_parts(10, 0).saturating_mul(b.into()))
    }

    fn advance_batch(n: u32) -> Weight {
        Weight::from_parts(1_500, 0).saturating_mul(n.into())
    }

    fn reassign() -> Weight {
        Weight::from_parts(1_500, 0)
    }

    fn item() -> Weight {
        Weight::from_parts(100, 0)
    }

    fn removal() -> Weight {
        Weight::from_parts(50, 0)
    }

    fn look() -> Weight {
        Weight::from_parts(100, 0)
    }

    fn seal(n: u32) -> Weight {
        Weight::from_parts(500, 0).saturating_mul(n.into())
    }

    fn draw(n: u32) -> Weight {
        Weight::from_parts(1_500, 0).saturating_mul(n.into())
    }

    fn seed() -> Weight {
        Weight::from_parts(200, 0)
    }

    fn demand_output() -> Weight {
        Weight::from_parts(1_000, 0)
    }

    fn deliver_output(c: u32) -> Weight {
        Weight::from_parts(1_000, 0).saturating_add(Weight::from_parts(10, 0).saturating_mul(c.into()))
    }

    fn step() -> Weight {
        Weight::from_parts(2_500, 0)
    }
}
