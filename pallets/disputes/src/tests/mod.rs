//! Stories of disputes, each on a chain of its own that is checked at the end, and random games.

mod challenges;
mod court;
mod games;
mod large;
mod silence;
mod verdicts;

use crate::mock::*;
use assay_types::{H256, JobId, dispute::Committed};

/// A claim of something that nobody can open.
fn nothing() -> Committed {
    Committed {
        model_root: H256::repeat_byte(1),
        input_digest: H256::repeat_byte(2),
        output_digest: H256::repeat_byte(3),
    }
}

/// A job with such a claim.
fn claimed_nothing() -> JobId {
    claimed(&nothing())
}
