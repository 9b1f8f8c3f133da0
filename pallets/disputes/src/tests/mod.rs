//! Stories of disputes, each on a chain of its own that is checked at the end, and random games.

mod attacks;
mod challenges;
mod court;
mod definitions;
mod games;
mod generations;
mod large;
mod migrations;
mod seniors;
mod silence;
mod verdicts;

use crate::mock::*;
use assay_adversary::{Random, graphs};
use assay_player::{Execution, committed};
use assay_types::{H256, JobId};

/// A job whose claim is of something that nobody can open.
fn claimed_nothing() -> JobId {
    let execution = graphs::random(&mut Random(1), 3);
    let mut claim = committed(&execution);
    claim.output_digest = H256::repeat_byte(3);
    claimed_as(execution.parts(), execution.trace().symbols.clone(), &claim)
}
