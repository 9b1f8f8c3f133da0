//! On what terms a job is submitted, checked against what the chain allows before anything is sent.

use crate::{
    chain::{Balance, BlockNumber, Constants, Quote},
    units,
};
use assay_types::{Delivery, Matching, NoOffer, limits};

/// Blocks that a worker has, where the caller does not say.
const DEFAULT_DEADLINE: BlockNumber = 50;
/// Blocks of each phase of an auction, where the caller does not say.
const DEFAULT_PHASE: BlockNumber = 5;

/// What the caller says; what is left out has a default.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// The most to pay for one job.
    pub ceiling: Option<Balance>,
    /// Whether workers are to bid.
    pub auction: bool,
    /// Blocks for bids, and for reveals.
    pub phases: (Option<BlockNumber>, Option<BlockNumber>),
    /// Blocks for the worker.
    pub deadline_blocks: Option<BlockNumber>,
    /// Blocks of the challenge window.
    pub window_blocks: Option<BlockNumber>,
    /// Whether the output is to come back in the claim.
    pub inline_output: bool,
    /// Whether only the input's digest is submitted.
    pub by_digest: bool,
}

/// Terms that the chain takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The most to pay for one job.
    pub ceiling: Balance,
    /// How a worker is found.
    pub matching: Matching<BlockNumber>,
    /// Blocks for the worker.
    pub deadline_blocks: BlockNumber,
    /// Blocks of the challenge window.
    pub window_blocks: BlockNumber,
    /// How the output comes back.
    pub delivery: Delivery,
    /// Whether only the input's digest is submitted.
    pub by_digest: bool,
}

/// Why the terms are not ones that the chain takes, or the money is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// Outside what the chain allows.
    #[error("{field} is {given} blocks; this chain takes {least} to {greatest}")]
    OutOfRange {
        /// The option.
        field: &'static str,
        /// What was said.
        given: BlockNumber,
        /// Least allowed.
        least: BlockNumber,
        /// Greatest allowed.
        greatest: BlockNumber,
    },
    /// An auction needs a ceiling.
    #[error("--ceiling is missing: say the most that one job may cost, which bids stay below")]
    NoCeiling,
    /// Nothing can be free.
    #[error("--ceiling must be more than zero")]
    ZeroCeiling,
    /// Nobody offers the model.
    #[error("nobody offers this model: start a worker that does, or ask for bids with --auction")]
    NoOffer,
    /// Somebody offers the model, and nobody takes a job now.
    #[error(
        "all workers that offer this model are busy or paused: try again later, or give --ceiling, with which the jobs are \
         submitted as soon as a worker is free (within --patience)"
    )]
    AllBusy,
    /// The offers cost more.
    #[error("the cheapest offer is {} ASY, and --ceiling is {}: raise it to at least that", units::format(*.price), units::format(*.ceiling))]
    CeilingTooLow {
        /// Of the cheapest offer.
        price: Balance,
        /// What was said.
        ceiling: Balance,
    },
    /// The money is not there.
    #[error(
        "{jobs} jobs of at most {} ASY each hold {} ASY until they are closed, and the account has {} free: send it \
         money, submit fewer, or lower --ceiling",
        units::format(*.ceiling), units::format(ceiling.saturating_mul(*.jobs as Balance)), units::format(*.free)
    )]
    NotEnoughMoney {
        /// Number of jobs.
        jobs: usize,
        /// What each holds.
        ceiling: Balance,
        /// What the account may spend.
        free: Balance,
    },
    /// Too large to come back in a claim.
    #[error(
        "the output has {bytes} bytes, more than the {} that a claim carries: add --no-output",
        limits::MAX_INLINE_OUTPUT_BYTES
    )]
    OutputTooLarge {
        /// Its size.
        bytes: u64,
    },
}

impl Wishes {
    /// Fills in what was left out and checks everything.
    pub fn settle(&self, constants: &Constants, quote: &Result<Quote, NoOffer>) -> Result<Terms, TermsError> {
        let within = |field, given: Option<BlockNumber>, default: BlockNumber, (least, greatest)| match given {
            Some(given) if given < least || given > greatest => Err(TermsError::OutOfRange {
                field,
                given,
                least,
                greatest,
            }),
            Some(given) => Ok(given),
            None => Ok(default.clamp(least, greatest)),
        };
        let matching = if self.auction {
            Matching::Auction {
                bidding_blocks: within("--bidding", self.phases.0, DEFAULT_PHASE, constants.auction_phase)?,
                reveal_blocks: within("--reveal", self.phases.1, DEFAULT_PHASE, constants.auction_phase)?,
            }
        } else {
            Matching::Offers
        };
        Ok(Terms {
            ceiling: self.ceiling(quote)?,
            matching,
            deadline_blocks: within("--deadline", self.deadline_blocks, DEFAULT_DEADLINE, constants.deadline)?,
            window_blocks: within("--window", self.window_blocks, constants.window.0, constants.window)?,
            delivery: if self.inline_output {
                Delivery::Inline
            } else {
                Delivery::Digest
            },
            by_digest: self.by_digest,
        })
    }

    fn ceiling(&self, quote: &Result<Quote, NoOffer>) -> Result<Balance, TermsError> {
        match (self.ceiling, self.auction, quote) {
            (Some(0), ..) => Err(TermsError::ZeroCeiling),
            (Some(ceiling), true, _) => Ok(ceiling),
            (None, true, _) => Err(TermsError::NoCeiling),
            (_, false, Err(NoOffer::NoneForModel)) => Err(TermsError::NoOffer),
            (Some(ceiling), false, Ok(quote)) if ceiling < quote.price => Err(TermsError::CeilingTooLow {
                price: quote.price,
                ceiling,
            }),
            (Some(ceiling), false, _) => Ok(ceiling),
            (None, false, Ok(quote)) => Ok(quote.price),
            // The price that they will take is not known.
            (None, false, Err(NoOffer::AllBusy)) => Err(TermsError::AllBusy),
            // A quote without a ceiling is not below any price.
            (None, false, Err(NoOffer::CeilingTooLow)) => Err(TermsError::NoCeiling),
        }
    }
}

impl Terms {
    /// Whether the account can have this many jobs open at once.
    pub fn ensure_affordable(&self, jobs: usize, free: Balance, keep: Balance) -> Result<(), TermsError> {
        let held = self
            .ceiling
            .checked_mul(jobs as Balance)
            .and_then(|held| held.checked_add(keep));
        if held.is_some_and(|held| held <= free) {
            return Ok(());
        }
        Err(TermsError::NotEnoughMoney {
            jobs,
            ceiling: self.ceiling,
            free,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::AccountId;
    use polkadot_sdk::sp_runtime::FixedU128;

    const CONSTANTS: Constants = Constants {
        deadline: (10, 100),
        window: (10, 50),
        auction_phase: (2, 20),
        bid_deposit: 1,
        min_stake: 1,
        stake_floor: 1,
        stake_per_price: FixedU128::from_u32(10),
        existential_deposit: 1,
    };

    fn quote(price: Balance) -> Result<Quote, NoOffer> {
        Ok(Quote {
            worker: AccountId::new([1; 32]),
            price,
        })
    }

    #[test]
    fn without_a_ceiling_the_cheapest_offer_is_taken() {
        let terms = Wishes::default().settle(&CONSTANTS, &quote(40)).expect("fine");
        assert_eq!(
            (terms.ceiling, terms.window_blocks, terms.deadline_blocks),
            (40, 10, 50)
        );
    }

    #[test]
    fn what_the_chain_would_refuse_is_refused_before() {
        let ceiling = Wishes {
            ceiling: Some(30),
            ..Default::default()
        };
        assert_eq!(
            ceiling.settle(&CONSTANTS, &quote(40)),
            Err(TermsError::CeilingTooLow { price: 40, ceiling: 30 })
        );
        assert_eq!(
            ceiling.settle(&CONSTANTS, &Err(NoOffer::NoneForModel)),
            Err(TermsError::NoOffer)
        );
        let auction = Wishes {
            auction: true,
            ..Default::default()
        };
        assert_eq!(auction.settle(&CONSTANTS, &quote(40)), Err(TermsError::NoCeiling));
        let busy = Err(NoOffer::AllBusy);
        assert_eq!(Wishes::default().settle(&CONSTANTS, &busy), Err(TermsError::AllBusy));
        assert!(ceiling.settle(&CONSTANTS, &busy).is_ok());
        let window = Wishes {
            window_blocks: Some(5),
            ..Default::default()
        };
        let error = TermsError::OutOfRange {
            field: "--window",
            given: 5,
            least: 10,
            greatest: 50,
        };
        assert_eq!(window.settle(&CONSTANTS, &quote(40)), Err(error));
    }

    #[test]
    fn all_jobs_together_must_be_affordable() {
        let terms = Wishes::default().settle(&CONSTANTS, &quote(40)).expect("fine");
        assert_eq!(terms.ensure_affordable(2, 81, 1), Ok(()));
        let error = TermsError::NotEnoughMoney {
            jobs: 2,
            ceiling: 40,
            free: 80,
        };
        assert_eq!(terms.ensure_affordable(2, 80, 1), Err(error));
    }
}
