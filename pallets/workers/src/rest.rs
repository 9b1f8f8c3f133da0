//! Rests: a worker that gave back or missed a job takes none for a while, and longer each time. Nothing here touches
//! storage.

use assay_types::Outcome;
use polkadot_sdk::sp_runtime::traits::{AtLeast32BitUnsigned, Zero};

/// Strikes that count: after that many a rest is 64 times as long as the first one.
pub const MAX_STRIKES: u8 = 7;

/// Consequence that the end of a bid or a job has for its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduct {
    /// Nothing.
    Neutral,
    /// It gave the job back early enough for that to cost nothing.
    GaveBack,
    /// It held the job for nothing.
    Failed,
    /// It was paid.
    Delivered,
}

impl Conduct {
    /// The consequence of this end.
    pub fn of<AccountId, Balance: Zero>(outcome: &Outcome<AccountId, Balance>) -> Self {
        match outcome {
            Outcome::Missed { .. } | Outcome::Withheld { .. } | Outcome::AuditMissed { .. } => Self::Failed,
            Outcome::Declined { cost, .. } if cost.paid.is_zero() && cost.burned.is_zero() => Self::GaveBack,
            Outcome::Declined { .. } => Self::Failed,
            Outcome::Paid => Self::Delivered,
            // What a claim ends in otherwise is the court's: the job was not held for nothing.
            Outcome::BidLost
            | Outcome::BidWon { .. }
            | Outcome::Claimed
            | Outcome::Late { .. }
            | Outcome::Unpaid
            | Outcome::Convicted { .. } => Self::Neutral,
        }
    }

    /// The strikes of a worker that had this many, and the blocks that it rests from now on, where the first rest has
    /// `base` blocks.
    pub fn judge<N: AtLeast32BitUnsigned + Copy>(self, strikes: u8, base: N) -> (u8, N) {
        match self {
            Self::Neutral => (strikes, Zero::zero()),
            Self::GaveBack => (strikes, base),
            Self::Failed => {
                let strikes = strikes.saturating_add(1).min(MAX_STRIKES);
                (strikes, rest_blocks(strikes, base))
            }
            Self::Delivered => (strikes.saturating_sub(1), Zero::zero()),
        }
    }
}

/// Blocks of a rest: `base` after the first strike, and twice as many after each further one that counts.
fn rest_blocks<N: AtLeast32BitUnsigned + Copy>(strikes: u8, base: N) -> N {
    let doublings = u32::from(strikes.min(MAX_STRIKES).saturating_sub(1));
    // Saturating: at the end of all block numbers a worker rests for good. The shift is below the width.
    base.saturating_mul(N::from(1u32 << doublings))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_types::Slashed;
    use proptest::prelude::*;

    fn conduct() -> impl Strategy<Value = Conduct> {
        prop_oneof![
            Just(Conduct::Neutral),
            Just(Conduct::GaveBack),
            Just(Conduct::Failed),
            Just(Conduct::Delivered),
        ]
    }

    #[test]
    fn a_rest_doubles_with_each_failure_up_to_a_bound() {
        let mut strikes = 0;
        let rests = [(); 9].map(|()| {
            let (more, rest) = Conduct::Failed.judge(strikes, 10u32);
            strikes = more;
            rest
        });
        assert_eq!(rests, [10, 20, 40, 80, 160, 320, 640, 640, 640]);
        assert_eq!(Conduct::Delivered.judge(strikes, 10u32), (MAX_STRIKES - 1, 0));
        assert_eq!(Conduct::GaveBack.judge(strikes, 10u32), (MAX_STRIKES, 10));
    }

    #[test]
    fn a_decline_that_costs_nothing_is_no_failure() {
        let declined = |paid, burned| {
            Conduct::of(&Outcome::Declined {
                beneficiary: 1u8,
                cost: Slashed { paid, burned },
            })
        };
        assert_eq!(declined(0u32, 0), Conduct::GaveBack);
        assert_eq!(declined(0u32, 1), Conduct::Failed);
    }

    proptest! {
        #[test]
        fn rests_are_bounded_and_strikes_are_worked_off(conducts in prop::collection::vec(conduct(), 0..40)) {
            let mut strikes = 0;
            for conduct in conducts {
                let (next, rest) = conduct.judge(strikes, 3u64);
                prop_assert!(next <= MAX_STRIKES);
                prop_assert!(rest <= 3u64 << (MAX_STRIKES - 1));
                prop_assert_eq!(rest == 0, matches!(conduct, Conduct::Neutral | Conduct::Delivered));
                strikes = next;
            }
            let worked_off = strikes;
            for _ in 0..worked_off {
                strikes = Conduct::Delivered.judge(strikes, 3u64).0;
            }
            prop_assert_eq!(strikes, 0);
        }
    }
}
