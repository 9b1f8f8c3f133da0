//! On what terms a job is submitted, checked against what the chain allows before anything is sent.

use super::supply::{Supply, Taken, Unfit};
use crate::{
    chain::{AccountData, Balance, BlockNumber, Constants, Offer, OfferTerms},
    units,
};
use assay_types::{Delivery, Matching, limits};

/// Blocks that a worker has, where neither the caller says nor an offer asks for more.
const DEFAULT_DEADLINE: BlockNumber = 50;
/// Blocks of each phase of an auction, where the caller does not say.
const DEFAULT_PHASE: BlockNumber = 5;

/// The caller's wishes; a field that is left out has a default.
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

/// Blocks of a job that the chain takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockTerms {
    /// Until the deadline.
    pub deadline: BlockNumber,
    /// Of the challenge window.
    pub window: BlockNumber,
}

/// Terms that the chain takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The most to pay for one job.
    pub ceiling: Balance,
    /// Way in which a worker is found.
    pub matching: Matching<BlockNumber>,
    /// Blocks for the worker.
    pub deadline_blocks: BlockNumber,
    /// Blocks of the challenge window.
    pub window_blocks: BlockNumber,
    /// Way in which the output comes back.
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
        /// The number that was given.
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
    /// Workers offer the model, and on other terms.
    #[error("{0}")]
    DoesNotFit(Unfit),
    /// Workers offer the model, and none takes a job now.
    #[error("{0}")]
    NoneFree(Taken),
    /// The offers cost more.
    #[error("the cheapest offer for this job is {} ASY, and --ceiling is {}: raise it to at least that", units::format(*.price), units::format(*.ceiling))]
    CeilingTooLow {
        /// Of the cheapest offer.
        price: Balance,
        /// The amount that was given.
        ceiling: Balance,
    },
    /// The money is not there.
    #[error(
        "{jobs} jobs of at most {} ASY each hold {} ASY until they are closed{}, and the account has {} free, of which it \
         must keep {}: send it money, submit fewer, or lower --ceiling",
        units::format(.cost.ceiling), units::format(.cost.held(*.jobs)), .cost.fees_in_words(),
        units::format(*.free), units::format(*.keep)
    )]
    NotEnoughMoney {
        /// Number of jobs.
        jobs: usize,
        /// Their costs.
        cost: Cost,
        /// Free balance of the account.
        free: Balance,
        /// Part of it that the account must keep.
        keep: Balance,
    },
    /// Too large to come back in a claim.
    #[error(
        "the output has {bytes} bytes, and a claim carries {} at most. With --no-output the worker publishes the \
         output's digest alone: you can compare it with an execution of your own, but the output itself does not reach \
         you. Ask for less at once (fewer rows, shorter texts), or for a model with a smaller output",
        limits::MAX_INLINE_OUTPUT_BYTES
    )]
    OutputTooLarge {
        /// Its size.
        bytes: u64,
    },
}

/// The given number, within its range.
fn within(
    field: &'static str,
    given: Option<BlockNumber>,
    (least, greatest): (BlockNumber, BlockNumber),
) -> Result<Option<BlockNumber>, TermsError> {
    match given {
        Some(given) if given < least || given > greatest => Err(TermsError::OutOfRange {
            field,
            given,
            least,
            greatest,
        }),
        given => Ok(given),
    }
}

/// A default, moved into its range.
fn moved_into(default: BlockNumber, (least, greatest): (BlockNumber, BlockNumber)) -> BlockNumber {
    default.min(greatest).max(least)
}

impl Wishes {
    /// The blocks that are asked for. Where none are, those that the cheapest offer for this work takes, which takes
    /// the others too.
    pub fn blocks(&self, constants: &Constants, offers: &[Offer], work: u64) -> Result<BlockTerms, TermsError> {
        let deadline = within("--deadline", self.deadline_blocks, constants.deadline)?;
        let window = within("--window", self.window_blocks, constants.window)?;
        let fits = |terms: &OfferTerms| {
            deadline.is_none_or(|blocks| terms.min_deadline <= blocks)
                && window.is_none_or(|blocks| (terms.min_window..=terms.max_window).contains(&blocks))
        };
        let offered = offers.iter().map(|offer| offer.terms);
        let cheapest = offered
            .filter(|terms| !self.auction && fits(terms))
            .min_by_key(|terms| terms.price(work));
        let (least_deadline, least_window) = cheapest.map_or((0, 0), |terms| (terms.min_deadline, terms.min_window));
        let default_deadline = DEFAULT_DEADLINE.max(least_deadline);
        let default_window = constants.window.0.max(least_window);
        Ok(BlockTerms {
            deadline: deadline.unwrap_or(moved_into(default_deadline, constants.deadline)),
            window: window.unwrap_or(moved_into(default_window, constants.window)),
        })
    }

    /// Fills in what was left out and checks everything. The blocks are those of [`Self::blocks`].
    pub fn settle(&self, constants: &Constants, blocks: BlockTerms, supply: &Supply) -> Result<Terms, TermsError> {
        let matching = if self.auction {
            let phase = |field, given| {
                let given = within(field, given, constants.auction_phase)?;
                Ok::<_, TermsError>(given.unwrap_or(moved_into(DEFAULT_PHASE, constants.auction_phase)))
            };
            Matching::Auction {
                bidding_blocks: phase("--bidding", self.phases.0)?,
                reveal_blocks: phase("--reveal", self.phases.1)?,
            }
        } else {
            Matching::Offers
        };
        Ok(Terms {
            ceiling: self.ceiling(supply)?,
            matching,
            deadline_blocks: blocks.deadline,
            window_blocks: blocks.window,
            delivery: if self.inline_output {
                Delivery::Inline
            } else {
                Delivery::Digest
            },
            by_digest: self.by_digest,
        })
    }

    fn ceiling(&self, supply: &Supply) -> Result<Balance, TermsError> {
        match (self.ceiling, self.auction, supply) {
            (Some(0), ..) => Err(TermsError::ZeroCeiling),
            (Some(ceiling), true, _) => Ok(ceiling),
            (None, true, _) => Err(TermsError::NoCeiling),
            (_, false, Supply::None) => Err(TermsError::NoOffer),
            (_, false, Supply::Unfit(unfit)) => Err(TermsError::DoesNotFit(*unfit)),
            (Some(ceiling), false, Supply::Free { price, .. }) if ceiling < *price => {
                Err(TermsError::CeilingTooLow { price: *price, ceiling })
            }
            (Some(ceiling), false, Supply::Taken(taken)) if ceiling < taken.cheapest => {
                Err(TermsError::CeilingTooLow {
                    price: taken.cheapest,
                    ceiling,
                })
            }
            (_, false, Supply::Taken(taken)) if taken.is_hopeless() => Err(TermsError::NoneFree(taken.clone())),
            (Some(ceiling), false, _) => Ok(ceiling),
            (None, false, Supply::Free { price, .. }) => Ok(*price),
            // Which of them will be free first is not known, and what it asks neither.
            (None, false, Supply::Taken(taken)) => Err(TermsError::NoneFree(taken.clone())),
        }
    }
}

/// Costs of jobs before they are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Held of each job.
    pub ceiling: Balance,
    /// Fees of all transactions, as far as they can be known.
    pub fees: Balance,
}

impl Cost {
    /// Amount that this number of jobs holds.
    fn held(&self, jobs: usize) -> Balance {
        // Saturates far above the total issuance.
        self.ceiling.saturating_mul(jobs as Balance)
    }

    fn fees_in_words(&self) -> String {
        match self.fees {
            0 => String::new(),
            fees => format!(" and cost about {} ASY in fees", units::format(fees)),
        }
    }

    /// Whether the account can have this many jobs open at once, pay the fees, and keep what it must.
    pub fn ensure_affordable(&self, jobs: usize, money: &AccountData, existential: Balance) -> Result<(), TermsError> {
        // What is held for other reasons counts towards what is frozen.
        let keep = money.frozen.saturating_sub(money.reserved).max(existential);
        let needed = self.held(jobs).saturating_add(self.fees).saturating_add(keep);
        if needed <= money.free {
            return Ok(());
        }
        Err(TermsError::NotEnoughMoney {
            jobs,
            cost: *self,
            free: money.free,
            keep: keep.min(money.free),
        })
    }
}

impl Terms {
    /// Whether a standing offer is taken, in the block of submission.
    pub fn is_by_offer(&self) -> bool {
        self.matching == Matching::Offers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{AccountId, JobTerms, Misfit};
    use assay_types::offer::WORK_PER_RATE;
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

    fn quote(price: Balance) -> Supply {
        Supply::Free { price }
    }

    fn settle(wishes: &Wishes, supply: &Supply) -> Result<Terms, TermsError> {
        wishes.settle(&CONSTANTS, wishes.blocks(&CONSTANTS, &[], 0)?, supply)
    }

    fn offer(base: Balance, rate: Balance, min_deadline: BlockNumber, windows: (BlockNumber, BlockNumber)) -> Offer {
        Offer {
            worker: AccountId::new([1; 32]),
            terms: OfferTerms {
                base,
                rate,
                min_deadline,
                min_window: windows.0,
                max_window: windows.1,
            },
            capacity: 1,
            from: 0,
        }
    }

    fn taken(busy: usize, paused: usize, free_by: Option<BlockNumber>) -> Taken {
        Taken {
            busy,
            short: 0,
            paused,
            cheapest: 40,
            dearest: 60,
            free_by,
        }
    }

    fn ceiling(ceiling: Balance) -> Wishes {
        Wishes {
            ceiling: Some(ceiling),
            ..Default::default()
        }
    }

    #[test]
    fn without_a_ceiling_the_cheapest_offer_is_taken() {
        let terms = settle(&Wishes::default(), &quote(40)).expect("fine");
        assert_eq!(
            (terms.ceiling, terms.window_blocks, terms.deadline_blocks),
            (40, 10, 50)
        );
    }

    #[test]
    fn blocks_that_are_left_out_are_those_of_the_cheapest_offer() {
        let offers = [offer(10, 30, 80, (20, 30)), offer(20, 10, 10, (5, 15))];
        let blocks = |wishes: Wishes, work| {
            let blocks = wishes.blocks(&CONSTANTS, &offers, work).expect("within their ranges");
            (blocks.deadline, blocks.window)
        };
        assert_eq!(blocks(Wishes::default(), 0), (80, 20));
        assert_eq!(blocks(Wishes::default(), WORK_PER_RATE), (50, 10));
        let deadline = Wishes {
            deadline_blocks: Some(20),
            ..Default::default()
        };
        assert_eq!(blocks(deadline, 0), (20, 10), "the cheapest one does not take it");
        let auction = Wishes {
            auction: true,
            ..Default::default()
        };
        assert_eq!(blocks(auction, 0), (50, 10), "who bids sees the terms");
    }

    #[test]
    fn a_term_that_fits_no_offer_is_named_with_the_way_out() {
        let unfit = Unfit {
            job: JobTerms {
                work: 0,
                deadline_blocks: 20,
                window_blocks: 10,
                submitted_at: 1,
            },
            misfit: Misfit::DeadlineTooShort { min_deadline: 80 },
            price: 40,
        };
        let error = settle(&ceiling(50), &Supply::Unfit(unfit)).expect_err("nobody takes it");
        assert_eq!(error, TermsError::DoesNotFit(unfit));
        assert!(error.to_string().contains("--deadline 80"), "{error}");
    }

    #[test]
    fn what_the_chain_would_refuse_is_refused_before() {
        let ceiling = Wishes {
            ceiling: Some(30),
            ..Default::default()
        };
        assert_eq!(
            settle(&ceiling, &quote(40)),
            Err(TermsError::CeilingTooLow { price: 40, ceiling: 30 })
        );
        assert_eq!(settle(&ceiling, &Supply::None), Err(TermsError::NoOffer));
        let auction = Wishes {
            auction: true,
            ..Default::default()
        };
        assert_eq!(settle(&auction, &quote(40)), Err(TermsError::NoCeiling));
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
        assert_eq!(settle(&window, &quote(40)), Err(error));
    }

    #[test]
    fn where_all_are_busy_a_ceiling_lets_one_wait_and_its_want_is_explained() {
        let busy = Supply::Taken(taken(2, 1, Some(120)));
        assert_eq!(settle(&ceiling(50), &busy).map(|terms| terms.ceiling), Ok(50));
        let Err(error) = settle(&Wishes::default(), &busy) else {
            panic!("what they will ask is not known")
        };
        let text = error.to_string();
        for words in [
            "3 workers offer this model",
            "2 are busy",
            "1 is paused",
            "moment 120",
            "--ceiling",
        ] {
            assert!(text.contains(words), "{text}");
        }
        let low = Err(TermsError::CeilingTooLow { price: 40, ceiling: 30 });
        assert_eq!(settle(&ceiling(30), &busy), low);
    }

    #[test]
    fn where_all_are_paused_no_ceiling_is_asked_for() {
        let paused = Supply::Taken(taken(0, 2, None));
        for wishes in [Wishes::default(), ceiling(50)] {
            let Err(error) = settle(&wishes, &paused) else {
                panic!("nobody takes it")
            };
            let text = error.to_string();
            assert!(text.contains("2 are paused") && text.contains("--auction"), "{text}");
            assert!(!text.contains("--ceiling"), "{text}");
        }
    }

    #[test]
    fn all_jobs_their_fees_and_the_existential_deposit_must_be_there() {
        let cost = Cost { ceiling: 40, fees: 3 };
        let money = |free, reserved, frozen| AccountData {
            free,
            reserved,
            frozen,
            flags: 0,
        };
        assert_eq!(cost.ensure_affordable(2, &money(84, 0, 0), 1), Ok(()));
        let error = TermsError::NotEnoughMoney {
            jobs: 2,
            cost,
            free: 83,
            keep: 1,
        };
        let text = error.to_string();
        assert!(text.contains("2 jobs") && text.contains("in fees"), "{text}");
        assert_eq!(cost.ensure_affordable(2, &money(83, 0, 0), 1), Err(error));
        // Frozen money may be held, and is no less frozen for it.
        assert_eq!(cost.ensure_affordable(2, &money(93, 5, 15), 1), Ok(()));
        assert!(cost.ensure_affordable(2, &money(92, 5, 15), 1).is_err());
    }

    #[test]
    fn an_output_that_no_claim_carries_is_refused_with_what_no_output_means() {
        let text = TermsError::OutputTooLarge { bytes: 229_000 }.to_string();
        for words in ["229000 bytes", "16384", "--no-output", "digest", "does not reach you"] {
            assert!(text.contains(words), "{text}");
        }
    }
}
