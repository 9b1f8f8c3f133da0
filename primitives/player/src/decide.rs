//! Moves that are due in a dispute, as pure functions of the chain's state and of what is under way.
//!
//! A call that is sent after block `best` gets into block `best + 1` at the earliest. So a move is worth sending while
//! that block is not after the deadline, and a timeout counts from the first block that is.

use crate::{Execution, Finding, PlayError, Reveals, find};
use assay_types::dispute::{Dispute, Game, Place, Side};
use polkadot_sdk::sp_runtime::traits::{AtLeast32BitUnsigned, One};
use std::collections::BTreeMap;

/// The chain's view of a dispute.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, AccountId, Balance, BlockNumber> {
    /// The best block's number.
    pub best: BlockNumber,
    /// The dispute.
    pub dispute: &'a Dispute<AccountId, Balance, BlockNumber>,
    /// Statements that have been revealed in it.
    pub reveals: &'a Reveals,
}

/// A transaction about a dispute, as it is remembered while it is under way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sent<AccountId> {
    /// The worker's statement of a place, in time or late.
    Reveal(Place),
    /// The challenger's pointer or proof at a place.
    Answer(Place),
    /// Claim that this challenger's game is over by time.
    Timeout(AccountId),
}

/// Calls that are under way in one dispute. All of it can be lost: whatever was not included is sent anew, and whatever
/// was is refused the second time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFlight<AccountId, BlockNumber>(BTreeMap<Sent<AccountId>, BlockNumber>);

impl<AccountId, BlockNumber> Default for InFlight<AccountId, BlockNumber> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<AccountId: Ord, BlockNumber: Ord + Copy> InFlight<AccountId, BlockNumber> {
    /// Notes that this was sent and need not be thought of before block `until`.
    pub fn note(&mut self, sent: Sent<AccountId>, until: BlockNumber) {
        self.0.insert(sent, until);
    }

    /// Notes that this failed, or that the chain shows what came of it.
    pub fn forget(&mut self, sent: &Sent<AccountId>) {
        self.0.remove(sent);
    }

    /// Forgets everything: the connection is new, or the dispute has changed.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether it was sent and may still be included.
    pub fn is_busy(&self, sent: &Sent<AccountId>, best: BlockNumber) -> bool {
        self.0.get(sent).is_some_and(|until| best < *until)
    }
}

/// Duty of the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Defence<AccountId> {
    /// Execute the job again: its statements are owed, and nothing is there to make them from.
    Execute,
    /// Reveal this place, for every game that stands there.
    Reveal(Place),
    /// Reveal this place although its time has passed: it costs a fee, and saves the rest.
    AnswerLate(Place),
    /// Say that this challenger has let its time pass.
    Timeout(AccountId),
}

impl<AccountId: Clone> Defence<AccountId> {
    /// Note to keep once it is sent.
    pub fn sent(&self) -> Option<Sent<AccountId>> {
        match self {
            Self::Execute => None,
            Self::Reveal(place) | Self::AnswerLate(place) => Some(Sent::Reveal(*place)),
            Self::Timeout(challenger) => Some(Sent::Timeout(challenger.clone())),
        }
    }
}

/// Duty of a challenger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attack<AccountId> {
    /// Execute the job again: nothing is there to compare with.
    Execute,
    /// Point at this entry of what was revealed at the place.
    Point {
        /// Where the game stands.
        place: Place,
        /// The first entry that differs.
        entry: u32,
    },
    /// Prove that this element of what was revealed is wrong.
    Prove {
        /// Where the game stands.
        place: Place,
        /// The element, by its position in row-major order.
        element: u64,
    },
    /// Say that the time has passed of the side whose turn it is in this challenger's game: the worker's in the own
    /// game, or either side's in an older game that must end before a proof.
    Timeout(AccountId),
    /// Nothing that was revealed here is wrong: the game is lost, or was played by somebody else's hand.
    Agree {
        /// Where the game stands.
        place: Place,
    },
}

impl<AccountId: Clone> Attack<AccountId> {
    /// Note to keep once it is sent.
    pub fn sent(&self) -> Option<Sent<AccountId>> {
        match self {
            Self::Execute | Self::Agree { .. } => None,
            Self::Point { place, .. } | Self::Prove { place, .. } => Some(Sent::Answer(*place)),
            Self::Timeout(challenger) => Some(Sent::Timeout(challenger.clone())),
        }
    }
}

/// Everything that is due of the worker, the most urgent first; nothing if the dispute is about somebody else's claim.
///
/// A place is revealed once for all games that wait for it, and late ones after those that are not. Nothing is due in a
/// dispute that waits until the worker has answered older ones. `has_execution` says whether statements can be made.
pub fn defend<AccountId, Balance, BlockNumber>(
    view: &View<'_, AccountId, Balance, BlockNumber>,
    me: &AccountId,
    has_execution: bool,
    in_flight: &InFlight<AccountId, BlockNumber>,
) -> Vec<Defence<AccountId>>
where
    AccountId: Clone + Ord,
    BlockNumber: AtLeast32BitUnsigned + Copy,
{
    if view.dispute.worker != *me || view.dispute.waits {
        return Vec::new();
    }
    let mut due: Vec<Defence<AccountId>> = owed(view, |game| in_time(game, view.best))
        .map(Defence::Reveal)
        .collect();
    // A place that is revealed in time now is late for another game, which is answered in the next block.
    let may_answer = view.dispute.late_until.is_none_or(|until| next(view.best) <= until);
    if may_answer {
        let late = owed(view, |game| timed_out(game, view.best));
        let late: Vec<Place> = late.filter(|place| !due.contains(&Defence::Reveal(*place))).collect();
        due.extend(late.into_iter().map(Defence::AnswerLate));
    }
    if !due.is_empty() && !has_execution {
        due = vec![Defence::Execute];
    }
    let over = view.dispute.games.iter().enumerate().filter(|(index, game)| {
        game.turn == Side::Challenger && timed_out(game, view.best) && !view.dispute.is_kept(*index)
    });
    due.extend(over.map(|(_, game)| Defence::Timeout(game.challenger.clone())));
    due.retain(|action| action.sent().is_none_or(|sent| !in_flight.is_busy(&sent, view.best)));
    due
}

/// The places that the worker owes to games of which this is so, the most urgent first.
fn owed<A, B, N: AtLeast32BitUnsigned + Copy>(
    view: &View<'_, A, B, N>,
    counts: impl Fn(&Game<A, B, N>) -> bool,
) -> impl Iterator<Item = Place> {
    let mut owed: BTreeMap<Place, N> = BTreeMap::new();
    for game in &view.dispute.games {
        if game.turn == Side::Worker && counts(game) {
            let deadline = owed.entry(game.place).or_insert(game.clock.deadline);
            *deadline = game.clock.deadline.min(*deadline);
        }
    }
    let mut owed: Vec<(N, Place)> = owed.into_iter().map(|(place, deadline)| (deadline, place)).collect();
    owed.sort();
    owed.into_iter().map(|(_, place)| place)
}

/// Move that is due of the challenger `me`; nothing if it plays no game here, or it is the worker's turn.
///
/// May execute the model again, to have the tensor that a place is about.
pub fn attack<AccountId, Balance, BlockNumber>(
    view: &View<'_, AccountId, Balance, BlockNumber>,
    me: &AccountId,
    execution: Option<&dyn Execution>,
    in_flight: &InFlight<AccountId, BlockNumber>,
) -> Result<Option<Attack<AccountId>>, PlayError>
where
    AccountId: Clone + Ord,
    BlockNumber: AtLeast32BitUnsigned + Copy,
{
    let Some(index) = view.dispute.games.iter().position(|game| game.challenger == *me) else {
        return Ok(None);
    };
    let Some(game) = view.dispute.games.get(index) else {
        return Ok(None);
    };
    let is_kept = view.dispute.is_kept(index);
    let older = view.dispute.goes_before(index).filter(|_| is_kept);
    if older.is_some() || (game.turn == Side::Worker && timed_out(game, view.best)) {
        // Nothing can be proved before the older game is over, so its end is this challenger's business too.
        return Ok(accuse(view, older.unwrap_or(game), in_flight));
    }
    if !in_time(game, view.best) {
        return Ok(None);
    }
    let Some(execution) = execution else {
        return Ok(Some(Attack::Execute));
    };
    if game.turn == Side::Worker || in_flight.is_busy(&Sent::Answer(game.place), view.best) {
        return Ok(None);
    }
    is_of_job(execution, view.dispute)?;
    let place = game.place;
    Ok(Some(match find(execution, &place, view.reveals)? {
        Finding::Entry(entry) => Attack::Point { place, entry },
        Finding::Element(element) => Attack::Prove { place, element },
        Finding::Agree => Attack::Agree { place },
    }))
}

/// Says that a game's clock has run out, if it has. Of a worker it is said once when the clock has run out, and once
/// more when the worker may not answer late either.
fn accuse<AccountId, Balance, BlockNumber>(
    view: &View<'_, AccountId, Balance, BlockNumber>,
    game: &Game<AccountId, Balance, BlockNumber>,
    in_flight: &InFlight<AccountId, BlockNumber>,
) -> Option<Attack<AccountId>>
where
    AccountId: Clone + Ord,
    BlockNumber: AtLeast32BitUnsigned + Copy,
{
    let counts = match game.turn {
        Side::Challenger => true,
        Side::Worker => view.dispute.late_until.is_none_or(|until| next(view.best) > until),
    };
    let busy = in_flight.is_busy(&Sent::Timeout(game.challenger.clone()), view.best);
    let due = timed_out(game, view.best) && counts && !busy;
    due.then(|| Attack::Timeout(game.challenger.clone()))
}

/// Checks that the execution is of the disputed model and inputs; the outputs are what the dispute is about.
fn is_of_job<A, B, N>(execution: &dyn Execution, dispute: &Dispute<A, B, N>) -> Result<(), PlayError> {
    let (own, claimed) = (crate::committed(execution), &dispute.committed);
    if own.model_root != claimed.model_root {
        return Err(PlayError::AnotherJob { what: "model" });
    }
    if own.input_digest != claimed.input_digest {
        return Err(PlayError::AnotherJob { what: "input" });
    }
    Ok(())
}

/// Whether a move that is sent now can arrive in time.
fn in_time<A, B, N: AtLeast32BitUnsigned + Copy>(game: &Game<A, B, N>, best: N) -> bool {
    !game.clock.is_over(next(best))
}

/// Whether a timeout that is sent now counts when it arrives.
fn timed_out<A, B, N: AtLeast32BitUnsigned + Copy>(game: &Game<A, B, N>, best: N) -> bool {
    game.clock.is_over(next(best))
}

/// The first block that something sent now can get into.
fn next<N: AtLeast32BitUnsigned + Copy>(best: N) -> N {
    best.saturating_add(One::one())
}

#[cfg(test)]
mod tests;
