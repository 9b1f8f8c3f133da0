//! Chess clocks: each side has its own time for the whole game, and never less than a least time for a turn.

use super::Side;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_runtime::traits::AtLeast32BitUnsigned;
use scale_info::TypeInfo;

/// How much time there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockTerms<BlockNumber> {
    /// Blocks that each side has for all its turns of a game.
    pub budget_blocks: BlockNumber,
    /// Blocks that a turn may take at least, even if less of the budget is left: a block that is full or missing costs
    /// no one the game.
    pub least_turn_blocks: BlockNumber,
}

/// The clocks of a game's two sides, one of which is running.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Clock<BlockNumber> {
    /// Blocks that the worker had left when the turn began.
    pub worker_left: BlockNumber,
    /// Blocks that the challenger had left when the turn began.
    pub challenger_left: BlockNumber,
    /// Block in which the turn began.
    pub turn_began: BlockNumber,
    /// Last block in which the side whose turn it is may move.
    pub deadline: BlockNumber,
}

impl<BlockNumber: AtLeast32BitUnsigned + Copy> Clock<BlockNumber> {
    /// Both clocks full, `first`'s running.
    pub fn start(now: BlockNumber, first: Side, terms: &ClockTerms<BlockNumber>) -> Self {
        let clock = Self {
            worker_left: terms.budget_blocks,
            challenger_left: terms.budget_blocks,
            turn_began: now,
            deadline: now,
        };
        clock.begin(now, first, terms)
    }

    /// The clock after `mover` has moved at `now` and `next` is to move: what the turn took is taken off the mover's
    /// time.
    pub fn pass(mut self, now: BlockNumber, mover: Side, next: Side, terms: &ClockTerms<BlockNumber>) -> Self {
        // Saturating: a turn may take longer than its side has left, by the least time for a turn.
        let took = now.saturating_sub(self.turn_began);
        let left = self.left_mut(mover);
        *left = left.saturating_sub(took);
        self.begin(now, next, terms)
    }

    /// Whether the side whose turn it is has let its time pass.
    pub fn is_over(&self, now: BlockNumber) -> bool {
        now > self.deadline
    }

    fn begin(mut self, now: BlockNumber, side: Side, terms: &ClockTerms<BlockNumber>) -> Self {
        let turn = (*self.left_mut(side)).max(terms.least_turn_blocks);
        self.turn_began = now;
        // Saturating: block numbers end far beyond any budget.
        self.deadline = now.saturating_add(turn);
        self
    }

    fn left_mut(&mut self, side: Side) -> &mut BlockNumber {
        match side {
            Side::Worker => &mut self.worker_left,
            Side::Challenger => &mut self.challenger_left,
        }
    }
}
