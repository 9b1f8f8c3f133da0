//! One dispute as it is remembered between blocks. All of it can be lost.

use super::descent;
use crate::skeleton::InFlight;
use assay_client::chain::{AccountId, BlockNumber, Dispute, Game, Stakes};
use assay_player::{Attack, Defence, InFlight as Played, PlayError, Reveals, Sent, View, attack, defend};
use assay_types::dispute::{Committed, Place, Side};
use std::collections::BTreeMap;

/// Blocks in which a transaction that was included shows in the best state, unless its block was replaced.
const SETTLING_BLOCKS: BlockNumber = 3;
/// Blocks of rest after a first failure; they double with each, up to the most.
const REST_BLOCKS: BlockNumber = 2;
const MOST_REST_BLOCKS: BlockNumber = 16;
/// Blocks after a clock has run out within which saying so becomes urgent: an answer that is late may still be on its
/// way.
const TIMEOUT_BLOCKS: BlockNumber = 12;

/// State of our own execution of the job, where the archive has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Executing {
    /// It is to be made, from this block on.
    From(BlockNumber),
    /// It is being made.
    Running,
}

/// A dispute, what was revealed in it, and what is under way.
#[derive(Debug)]
pub(super) struct GameDriver {
    dispute: Dispute,
    reveals: Reveals,
    in_flight: InFlight<Sent<AccountId>>,
    failures: BTreeMap<Sent<AccountId>, u32>,
    executing: Executing,
    executions_failed: u32,
    /// Whether the job was executed once already.
    executed: bool,
    agreed: bool,
}

/// Duties in a dispute.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    /// The job has to be executed first.
    pub(super) execute: bool,
    /// Places to reveal, the most urgent first.
    pub(super) reveal: Vec<Place>,
    /// Places to reveal late, for a fee.
    pub(super) late: Vec<Place>,
    /// Place that our own challenge has to answer.
    pub(super) answer: Option<Place>,
    /// Challengers whose games are over by time.
    pub(super) timeouts: Vec<AccountId>,
}

impl GameDriver {
    /// A dispute that was just read.
    pub(super) fn new(dispute: Dispute) -> Self {
        Self {
            dispute,
            reveals: Reveals::new(),
            in_flight: InFlight::default(),
            failures: BTreeMap::new(),
            executing: Executing::From(0),
            executions_failed: 0,
            executed: false,
            agreed: false,
        }
    }

    /// Takes what was read of the same job's dispute.
    pub(super) fn read(&mut self, dispute: Dispute) {
        // Another trace, after a block was replaced, or another dispute: what was revealed before says nothing.
        let root = |dispute: &Dispute| (dispute.id, dispute.trace.as_ref().map(|head| head.root));
        let (before, now) = (root(&self.dispute), root(&dispute));
        if before.0 != now.0 || (before.1.is_some() && before.1 != now.1) {
            *self = Self {
                executing: self.executing,
                executed: self.executed,
                ..Self::new(dispute)
            };
        } else {
            self.dispute = dispute;
        }
    }

    pub(super) fn dispute(&self) -> &Dispute {
        &self.dispute
    }

    /// Facts on which both sides agree: the model and the inputs.
    pub(super) fn committed(&self) -> &Committed {
        &self.dispute.committed
    }

    /// The game that this account plays as a challenger.
    pub(super) fn game(&self, me: &AccountId) -> Option<&Game> {
        self.dispute.games.iter().find(|game| game.challenger == *me)
    }

    pub(super) fn reveals(&self) -> &Reveals {
        &self.reveals
    }

    /// Notes what was revealed.
    pub(super) fn note_revealed(&mut self, revealed: Reveals) {
        self.reveals.extend(revealed);
    }

    /// The places that have to be read before this account can answer: those that its game has come through.
    pub(super) fn unread(&self, me: &AccountId) -> Vec<Place> {
        let Some((game, head)) = self.game(me).zip(self.dispute.trace.as_ref()) else {
            return Vec::new();
        };
        if game.turn != Side::Challenger {
            return Vec::new();
        }
        let mut places = descent(&game.place, head.model.operators, game.tensor.as_ref()).unwrap_or_default();
        places.retain(|place| !self.reveals.contains_key(place));
        places
    }

    /// Duty at this block. `has_execution` says whether the archive has the job.
    pub(super) fn due(&self, me: &AccountId, best: BlockNumber, has_execution: bool) -> Result<Due, PlayError> {
        let view = View {
            best,
            dispute: &self.dispute,
            reveals: &self.reveals,
        };
        let mut due = Due::default();
        let mut in_flight = Played::default();
        for sent in self.in_flight.busy(best) {
            in_flight.note(sent.clone(), BlockNumber::MAX);
        }
        for action in defend(&view, me, has_execution, &in_flight) {
            match action {
                Defence::Execute => due.execute = true,
                Defence::Reveal(place) => due.reveal.push(place),
                Defence::AnswerLate(place) => due.late.push(place),
                Defence::Timeout(challenger) => due.timeouts.push(challenger),
            }
        }
        // Without an execution this compares nothing, so it may be asked here.
        match attack(&view, me, None, &in_flight)? {
            Some(Attack::Timeout(challenger)) => due.timeouts.push(challenger),
            Some(Attack::Execute) if !has_execution => due.execute |= self.is_wanted(me),
            Some(Attack::Execute) => due.answer = self.to_answer(me, best),
            Some(Attack::Point { .. } | Attack::Prove { .. } | Attack::Agree { .. }) | None => {}
        }
        due.execute &= match self.executing {
            Executing::Running => false,
            // A block that is too far away was named by a node that was wrong about the height.
            Executing::From(block) => block.saturating_sub(best) == 0 || block - best > MOST_REST_BLOCKS,
        };
        Ok(due)
    }

    /// Whether a challenger is to execute the job: at once for the first time, while the worker thinks; but an
    /// execution that was made and dropped for others is made again only when something has to be answered.
    fn is_wanted(&self, me: &AccountId) -> bool {
        !self.executed || self.game(me).is_some_and(|game| game.turn == Side::Challenger)
    }

    fn to_answer(&self, me: &AccountId, best: BlockNumber) -> Option<Place> {
        let game = self.game(me)?;
        let busy = self.in_flight.is_busy(&Sent::Answer(game.place), best);
        (game.turn == Side::Challenger && !busy).then_some(game.place)
    }

    /// Notes that the job is being executed.
    pub(super) fn note_executing(&mut self) {
        self.executing = Executing::Running;
    }

    /// Notes what came of it.
    pub(super) fn note_executed(&mut self, made: bool, best: BlockNumber) {
        self.executed |= made;
        self.executions_failed = if made {
            0
        } else {
            self.executions_failed.saturating_add(1)
        };
        let rest = if made { 0 } else { rest(self.executions_failed) };
        self.executing = Executing::From(best.saturating_add(rest));
    }

    /// Notes that this is being worked out, or on its way; it may take long.
    pub(super) fn note_begun(&mut self, sent: Sent<AccountId>) {
        self.in_flight.note_sending(sent);
    }

    /// Forgets what was begun: whoever would have told the outcome is gone.
    pub(super) fn forget_what_was_under_way(&mut self) {
        self.in_flight.clear();
        self.executing = Executing::From(0);
    }

    /// Loss of this account if the call is not in a block in time. `best` is the moment of the best block.
    pub(super) fn stakes(&self, me: &AccountId, sent: &Sent<AccountId>, best: BlockNumber) -> Option<Stakes> {
        match sent {
            Sent::Reveal(place) => {
                let waiting = self.dispute.games.iter().filter(|game| game.place == *place);
                let deadline = waiting.map(|game| game.clock.deadline).min()?;
                let is_late = deadline <= best;
                let deadline = self.dispute.late_until.filter(|_| is_late).unwrap_or(deadline);
                Some(Stakes {
                    amount: self.dispute.locked,
                    deadline,
                })
            }
            Sent::Answer(_) => self.game(me).map(|game| Stakes {
                // An auditor has no bond: it loses what a false claim does.
                amount: match game.bond {
                    0 => self.dispute.locked,
                    bond => bond,
                },
                deadline: game.clock.deadline,
            }),
            Sent::Timeout(challenger) => self.game(challenger).map(|game| Stakes {
                amount: game.bond,
                deadline: game.clock.deadline.saturating_add(TIMEOUT_BLOCKS),
            }),
        }
    }

    /// Notes that this is in a block.
    pub(super) fn note_included(&mut self, sent: Sent<AccountId>, best: BlockNumber) {
        self.failures.remove(&sent);
        self.in_flight.rest(sent, best.saturating_add(SETTLING_BLOCKS));
    }

    /// Notes that this could not be worked out, or had no effect.
    pub(super) fn note_failed(&mut self, sent: Sent<AccountId>, best: BlockNumber) {
        let failures = self.failures.entry(sent.clone()).or_default();
        *failures = failures.saturating_add(1);
        let rest = rest(*failures);
        self.in_flight.rest(sent, best.saturating_add(rest));
    }

    /// Notes that nothing at the place of our own game is wrong; true the first time.
    pub(super) fn note_agreed(&mut self) -> bool {
        !std::mem::replace(&mut self.agreed, true)
    }
}

/// Blocks to leave something alone that has failed so often.
fn rest(failures: u32) -> BlockNumber {
    // Saturating: the most is reached long before.
    REST_BLOCKS.saturating_pow(failures.max(1)).min(MOST_REST_BLOCKS)
}

#[cfg(test)]
#[path = "driver_tests.rs"]
mod tests;
