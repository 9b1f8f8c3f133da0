//! Blocks that a job must have for this worker to take it: what the configuration says, and what follows from the model
//! where it says nothing. Nothing here knows the chain but for its limits.

use crate::config::BlockPolicy;
use assay_client::chain::{BlockNumber, Constants};

/// Units of work that an engine does in a second: a processor of a few cores does several times as much. Nothing
/// measures the speed of the largest job before the worker offers, so the bound is low.
const WORK_PER_SECOND: u64 = 10_000_000_000;
/// Milliseconds between the blocks of a chain that has its core.
const BLOCK_MS: u64 = 2_000;
/// Blocks until a worker has seen its job and its input, and until its claim is in a block.
const OVERHEAD_BLOCKS: u64 = 20;
/// Maximum challenge window where the configuration says none: an hour. A window locks the stake.
const MAX_WINDOW_BLOCKS: u64 = 1_800;

/// Blocks that a job must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobBlocks {
    /// Minimum number of blocks until the deadline.
    pub min_deadline: BlockNumber,
    /// Minimum number of blocks of the challenge window.
    pub min_window: BlockNumber,
    /// Maximum number of blocks of the challenge window.
    pub max_window: BlockNumber,
}

/// A configured number of blocks that no job can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {given} blocks, and jobs on this chain have {least} to {greatest}: give a number of these")]
pub struct BlocksError {
    field: &'static str,
    given: BlockNumber,
    least: BlockNumber,
    greatest: BlockNumber,
}

impl JobBlocks {
    /// The blocks for a model whose largest job is of this work.
    ///
    /// The minimum deadline leaves twice the time that the largest job takes at a low speed, besides the time in which
    /// nothing is computed. The minimum window lets a challenger execute it again, after the chain's own minimum.
    pub fn new(policy: &BlockPolicy, constants: &Constants, largest_work: u64) -> Result<Self, BlocksError> {
        let run = run_blocks(largest_work).saturating_mul(2);
        let deadline = given("min_deadline", policy.min_deadline, (0, constants.deadline.1))?;
        let min_window = given("min_window", policy.min_window, (0, constants.window.1))?;
        let max_window = given("max_window", policy.max_window, (constants.window.0, BlockNumber::MAX))?;

        let default_deadline = moved_into(OVERHEAD_BLOCKS.saturating_add(run), constants.deadline);
        let default_window = moved_into(u64::from(constants.window.0).saturating_add(run), constants.window);
        let longest = moved_into(MAX_WINDOW_BLOCKS, constants.window);
        let (min_window, max_window) = match (min_window, max_window) {
            (Some(least), Some(greatest)) => (least, greatest),
            (Some(least), None) => (least, longest.max(least)),
            (None, Some(greatest)) => (default_window.min(greatest), greatest),
            (None, None) => (default_window, longest.max(default_window)),
        };
        Ok(Self {
            min_deadline: deadline.unwrap_or(default_deadline),
            min_window,
            max_window,
        })
    }

    /// Whether a job has them.
    pub fn fit(&self, deadline_blocks: BlockNumber, window_blocks: BlockNumber) -> bool {
        self.min_deadline <= deadline_blocks && (self.min_window..=self.max_window).contains(&window_blocks)
    }
}

/// Blocks in which a job of this work is executed.
fn run_blocks(work: u64) -> u64 {
    let milliseconds = u128::from(work).saturating_mul(1_000) / u128::from(WORK_PER_SECOND);
    u64::try_from(milliseconds / u128::from(BLOCK_MS)).unwrap_or(u64::MAX)
}

fn moved_into(blocks: u64, (least, greatest): (BlockNumber, BlockNumber)) -> BlockNumber {
    let blocks = BlockNumber::try_from(blocks).unwrap_or(BlockNumber::MAX);
    blocks.min(greatest).max(least)
}

fn given(
    field: &'static str,
    given: Option<BlockNumber>,
    (least, greatest): (BlockNumber, BlockNumber),
) -> Result<Option<BlockNumber>, BlocksError> {
    match given {
        Some(given) if given < least || given > greatest => Err(BlocksError {
            field,
            given,
            least,
            greatest,
        }),
        given => Ok(given),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use polkadot_sdk::sp_runtime::FixedU128;

    const CONSTANTS: Constants = Constants {
        deadline: (30, 1_800),
        window: (30, 43_200),
        auction_phase: (1, 1),
        bid_deposit: 0,
        min_stake: 0,
        stake_floor: 0,
        stake_per_price: FixedU128::from_u32(10),
        existential_deposit: 0,
    };

    fn blocks(policy: BlockPolicy, work: u64) -> (BlockNumber, BlockNumber, BlockNumber) {
        let blocks = JobBlocks::new(&policy, &CONSTANTS, work).expect("within the limits");
        (blocks.min_deadline, blocks.min_window, blocks.max_window)
    }

    #[test]
    fn without_a_word_the_blocks_follow_from_the_work_of_the_largest_job() {
        let none = BlockPolicy::default();
        assert_eq!(blocks(none, 1_000_000), (30, 30, 1_800));
        // 100 s, which are 50 blocks.
        assert_eq!(blocks(none, 100 * WORK_PER_SECOND), (120, 130, 1_800));
        assert_eq!(blocks(none, 10_000 * WORK_PER_SECOND), (1_800, 10_030, 10_030));
        assert_eq!(blocks(none, u64::MAX), (1_800, 43_200, 43_200));
    }

    #[test]
    fn what_is_configured_counts_and_leaves_a_range() {
        let policy = BlockPolicy {
            min_deadline: Some(0),
            min_window: Some(2_000),
            max_window: None,
        };
        assert_eq!(blocks(policy, 0), (0, 2_000, 2_000));
        let policy = BlockPolicy {
            max_window: Some(40),
            ..BlockPolicy::default()
        };
        assert_eq!(blocks(policy, 100 * WORK_PER_SECOND), (120, 40, 40));
    }

    #[test]
    fn blocks_that_no_job_can_have_are_refused_with_the_field() {
        for (policy, field) in [
            (
                BlockPolicy {
                    min_deadline: Some(1_801),
                    ..BlockPolicy::default()
                },
                "min_deadline",
            ),
            (
                BlockPolicy {
                    min_window: Some(43_201),
                    ..BlockPolicy::default()
                },
                "min_window",
            ),
            (
                BlockPolicy {
                    max_window: Some(29),
                    ..BlockPolicy::default()
                },
                "max_window",
            ),
        ] {
            let error = JobBlocks::new(&policy, &CONSTANTS, 0).expect_err("outside of the limits");
            assert!(error.to_string().starts_with(field), "{error}");
        }
    }

    #[test]
    fn a_job_fits_within_the_blocks() {
        let blocks = JobBlocks::new(&BlockPolicy::default(), &CONSTANTS, 0).expect("within the limits");
        assert!(blocks.fit(30, 30) && blocks.fit(1_800, 1_800));
        assert!(!blocks.fit(29, 30) && !blocks.fit(30, 29) && !blocks.fit(30, 1_801));
    }
}
