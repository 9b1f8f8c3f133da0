//! Chess clocks: each side has its own time for the whole game, and never less than a minimum time for a turn.

use super::Side;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_runtime::traits::AtLeast32BitUnsigned;
use scale_info::TypeInfo;

/// Time that each side has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct ClockTerms<BlockNumber> {
    /// Blocks that the worker has for all its turns of a game.
    pub worker_blocks: BlockNumber,
    /// Blocks that the challenger has for all its turns of a game. It has executed the job before it challenged.
    pub challenger_blocks: BlockNumber,
    /// Blocks that a turn may take at least, even if less of the budget is left: a block that is full or missing costs
    /// no one the game.
    pub least_turn_blocks: BlockNumber,
}

/// The clocks of a game's two sides, one of which is running, unless the dispute waits.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
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
        Self::stopped(now, terms).begin(now, first, terms)
    }

    /// Both clocks full, and none running: nobody is late before the clock is started.
    pub fn stopped(now: BlockNumber, terms: &ClockTerms<BlockNumber>) -> Self {
        Self {
            worker_left: terms.worker_blocks,
            challenger_left: terms.challenger_blocks,
            turn_began: now,
            deadline: BlockNumber::max_value(),
        }
    }

    /// The clock after the worker has answered late at `now`: the worker has paid for another full clock, and it is the
    /// challenger's turn.
    pub fn pass_late(mut self, now: BlockNumber, terms: &ClockTerms<BlockNumber>) -> Self {
        self.worker_left = terms.worker_blocks;
        self.begin(now, Side::Challenger, terms)
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

    /// The clock of a challenger that was kept from its proof until now: its turn begins anew, and nothing of its time
    /// is gone.
    pub fn resume(self, now: BlockNumber, terms: &ClockTerms<BlockNumber>) -> Self {
        self.begin(now, Side::Challenger, terms)
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
