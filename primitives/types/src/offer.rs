//! Standing offers: their terms, and whether a job fits them and for how much. Nothing here touches storage.

use crate::{ModelParts, ModelVersion};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_runtime::{SaturatedConversion, traits::AtLeast32BitUnsigned};
use scale_info::TypeInfo;

/// Units of work that an offer's rate is the price of, so that small rates are whole numbers.
pub const WORK_PER_RATE: u64 = 1_000_000_000;

/// The terms on which a worker takes jobs on one model version; it is bound to no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct OfferTerms<Balance, BlockNumber> {
    /// Price of a job, whatever its size.
    pub base: Balance,
    /// Price of 1,000,000,000 units of a job's work, on top of the base.
    pub rate: Balance,
    /// Minimum number of blocks from the assignment to the deadline.
    pub min_deadline: BlockNumber,
    /// Minimum number of blocks of the challenge window.
    pub min_window: BlockNumber,
    /// Maximum number of blocks of the challenge window, which locks the stake.
    pub max_window: BlockNumber,
}

/// Terms that a job asks of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobTerms<BlockNumber> {
    /// The job's work: see [`work_at`].
    pub work: u64,
    /// Blocks from the assignment to the deadline.
    pub deadline_blocks: BlockNumber,
    /// Blocks of the challenge window.
    pub window_blocks: BlockNumber,
    /// Block of the job's submission.
    pub submitted_at: BlockNumber,
}

/// The term of an offer that a job does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum Misfit<BlockNumber> {
    /// The job gives its worker fewer blocks than the offer asks for.
    #[codec(index = 0)]
    DeadlineTooShort {
        /// The minimum of the offer.
        min_deadline: BlockNumber,
    },
    /// The job's challenge window is shorter than the offer asks for.
    #[codec(index = 1)]
    WindowTooShort {
        /// The minimum of the offer.
        min_window: BlockNumber,
    },
    /// The job's challenge window locks the stake for longer than the offer allows.
    #[codec(index = 2)]
    WindowTooLong {
        /// The maximum of the offer.
        max_window: BlockNumber,
    },
    /// The job was submitted before the offer took effect.
    #[codec(index = 3)]
    OfferTooNew {
        /// Block of the first submissions that the offer takes.
        from: BlockNumber,
    },
}

/// A standing offer: the terms on which a worker takes jobs on one model version.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Offer<AccountId, Balance, BlockNumber> {
    /// The worker that offers.
    pub worker: AccountId,
    /// The terms.
    pub terms: OfferTerms<Balance, BlockNumber>,
    /// Jobs on this model version that the worker will have unclaimed at a time.
    pub capacity: u32,
    /// Block of the first submissions that the offer takes.
    pub from: BlockNumber,
}

/// An offer as the record of its worker shows it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct OfferInfo<Balance, BlockNumber> {
    /// The model version.
    pub version: ModelVersion,
    /// The terms.
    pub terms: OfferTerms<Balance, BlockNumber>,
    /// Jobs that the worker will have unclaimed at a time.
    pub capacity: u32,
    /// Jobs that are assigned to the worker and not claimed.
    pub load: u32,
    /// Block of the first submissions that the offer takes.
    pub from: BlockNumber,
    /// Whether it lost its place in the book while its worker was not eligible. It takes no jobs until it has one.
    pub waits: bool,
}

impl<Balance, BlockNumber> OfferTerms<Balance, BlockNumber>
where
    Balance: AtLeast32BitUnsigned + Copy,
    BlockNumber: Copy + PartialOrd,
{
    /// Price of a job of this work: the base, and the rate for each [`WORK_PER_RATE`] units, rounded up.
    ///
    /// It saturates: a price that does not fit the type is more than anybody has.
    pub fn price(&self, work: u64) -> Balance {
        price(self.base, self.rate, work)
    }

    /// Whether a client is no worse off with these terms than with `other`, whatever its job.
    pub fn are_no_worse_than(&self, other: &Self) -> bool {
        self.base <= other.base
            && self.rate <= other.rate
            && self.min_deadline <= other.min_deadline
            && self.min_window <= other.min_window
            && self.max_window >= other.max_window
    }

    /// Whether some job fits, where deadlines have this maximum and windows this range.
    pub fn can_fit(&self, max_deadline: BlockNumber, window: (BlockNumber, BlockNumber)) -> bool {
        self.min_deadline <= max_deadline
            && self.min_window <= self.max_window
            && self.min_window <= window.1
            && self.max_window >= window.0
    }
}

impl<AccountId, Balance, BlockNumber: Copy + PartialOrd> Offer<AccountId, Balance, BlockNumber> {
    /// Checks that a job fits the terms, whatever its price.
    pub fn fits(&self, job: &JobTerms<BlockNumber>) -> Result<(), Misfit<BlockNumber>> {
        fits(&self.terms, self.from, job)
    }
}

impl<Balance, BlockNumber: Copy + PartialOrd> OfferInfo<Balance, BlockNumber> {
    /// Checks that a job fits the terms, whatever its price.
    pub fn fits(&self, job: &JobTerms<BlockNumber>) -> Result<(), Misfit<BlockNumber>> {
        fits(&self.terms, self.from, job)
    }
}

fn fits<Balance, BlockNumber: Copy + PartialOrd>(
    terms: &OfferTerms<Balance, BlockNumber>,
    from: BlockNumber,
    job: &JobTerms<BlockNumber>,
) -> Result<(), Misfit<BlockNumber>> {
    let OfferTerms {
        min_deadline,
        min_window,
        max_window,
        ..
    } = *terms;
    if job.deadline_blocks < min_deadline {
        return Err(Misfit::DeadlineTooShort { min_deadline });
    }
    if job.window_blocks < min_window {
        return Err(Misfit::WindowTooShort { min_window });
    }
    if job.window_blocks > max_window {
        return Err(Misfit::WindowTooLong { max_window });
    }
    if job.submitted_at < from {
        return Err(Misfit::OfferTooNew { from });
    }
    Ok(())
}

/// Price of this work: `base`, and `rate` for each [`WORK_PER_RATE`] units, rounded up. It saturates.
pub fn price<Balance: AtLeast32BitUnsigned + Copy>(base: Balance, rate: Balance, work: u64) -> Balance {
    let (unit, work) = (u128::from(WORK_PER_RATE), u128::from(work));
    let rate = rate.saturated_into::<u128>();
    // Apart, so that no product is cut before it is divided: the second factor is below 2^30.
    let whole = (rate / unit).saturating_mul(work);
    let part = (rate % unit).saturating_mul(work).div_ceil(unit);
    let for_work = Balance::saturated_from(whole.saturating_add(part));
    base.saturating_add(for_work)
}

/// Work of a job with these values of the symbols. It saturates, which registered parts never do within their ranges.
pub fn work_at(parts: &ModelParts, symbols: &[u32]) -> u64 {
    parts.work.at(symbols).unwrap_or(u64::MAX)
}

/// Work of the smallest job on a model.
pub fn smallest_work(parts: &ModelParts) -> u64 {
    let smallest: Vec<u32> = parts.schema.symbols.iter().map(|symbol| symbol.min).collect();
    work_at(parts, &smallest)
}

/// Work of the largest job on a model.
pub fn largest_work(parts: &ModelParts) -> u64 {
    let largest: Vec<u32> = parts.schema.symbols.iter().map(|symbol| symbol.max).collect();
    work_at(parts, &largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: OfferTerms<u128, u32> = OfferTerms {
        base: 7,
        rate: 3,
        min_deadline: 10,
        min_window: 20,
        max_window: 30,
    };
    const OFFER: Offer<u8, u128, u32> = Offer {
        worker: 1,
        terms: TERMS,
        capacity: 1,
        from: 5,
    };
    const JOB: JobTerms<u32> = JobTerms {
        work: 0,
        deadline_blocks: 10,
        window_blocks: 20,
        submitted_at: 5,
    };

    #[test]
    fn a_price_is_the_base_and_the_rate_rounded_up() {
        let prices = [0, 1, 333_333_333, 333_333_334, 1_000_000_000, 1_000_000_001].map(|work| TERMS.price(work));
        assert_eq!(prices, [7, 8, 8, 9, 10, 11]);
    }

    #[test]
    fn a_price_that_does_not_fit_is_the_maximum() {
        let vast = OfferTerms {
            rate: u128::MAX,
            ..TERMS
        };
        assert_eq!(vast.price(u64::MAX), u128::MAX);
        let small = OfferTerms {
            base: 1u64,
            rate: u64::MAX,
            min_deadline: 0u32,
            min_window: 0,
            max_window: 0,
        };
        assert_eq!(small.price(WORK_PER_RATE), u64::MAX);
        assert_eq!(small.price(0), 1);
    }

    #[test]
    fn a_job_fits_up_to_the_bounds_and_each_misfit_is_named() {
        assert_eq!(OFFER.fits(&JOB), Ok(()));
        let misfit = |change: fn(&mut JobTerms<u32>)| {
            let mut job = JOB;
            change(&mut job);
            OFFER.fits(&job)
        };
        assert_eq!(misfit(|job| job.window_blocks = 30), Ok(()));
        assert_eq!(
            misfit(|job| job.deadline_blocks = 9),
            Err(Misfit::DeadlineTooShort { min_deadline: 10 })
        );
        assert_eq!(
            misfit(|job| job.window_blocks = 19),
            Err(Misfit::WindowTooShort { min_window: 20 })
        );
        assert_eq!(
            misfit(|job| job.window_blocks = 31),
            Err(Misfit::WindowTooLong { max_window: 30 })
        );
        assert_eq!(misfit(|job| job.submitted_at = 4), Err(Misfit::OfferTooNew { from: 5 }));
    }

    #[test]
    fn terms_that_no_job_can_have_are_known() {
        assert!(TERMS.can_fit(10, (1, 20)) && TERMS.can_fit(10, (30, 99)));
        assert!(!TERMS.can_fit(9, (1, 99)));
        assert!(!TERMS.can_fit(99, (1, 19)) && !TERMS.can_fit(99, (31, 99)));
        let reversed = OfferTerms {
            min_window: 31,
            ..TERMS
        };
        assert!(!reversed.can_fit(99, (1, 99)));
    }
}
