//! The table of all moves of a game.

use super::{PlaceKind, Side};

/// Kinds of moves in a game.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveKind {
    /// The worker reveals the place in time.
    Reveal,
    /// The worker reveals the place after its time has passed, for a fee.
    AnswerLate,
    /// The challenger points into what is revealed.
    Point,
    /// The challenger proves that an element of what is revealed is wrong.
    Prove,
    /// Anybody says that the time of the side whose turn it is has passed.
    Timeout,
}

/// Results of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// The challenger's turn, at the same place.
    Challenger,
    /// A place of one of these kinds: the worker's turn, or the challenger's if it has been revealed before.
    Below(&'static [PlaceKind]),
    /// The client is refunded, and the worker may answer late; after that time, the same move convicts it.
    Late,
    /// The worker is convicted; all games of the dispute are over.
    Convicted,
    /// The challenger has lost; its game is over.
    Lost,
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// Kind of the place where the game stands.
    pub place: PlaceKind,
    /// The side whose turn it is.
    pub turn: Side,
    /// Kind of the move.
    pub kind: MoveKind,
    /// The result.
    pub after: After,
}

const fn line(place: PlaceKind, turn: Side, kind: MoveKind, after: After) -> Move {
    Move {
        place,
        turn,
        kind,
        after,
    }
}

use After::{Below, Challenger as Opens, Convicted, Late, Lost};
use MoveKind::{AnswerLate, Point, Prove, Reveal, Timeout};
use PlaceKind::{Chunk, Tensor, TensorSpan, Trace, TraceSpan};
use Side::{Challenger, Worker};

/// Every move of a game. It begins at the trace, with the worker's turn.
pub const MOVES: &[Move] = &[
    line(Trace, Worker, Reveal, Opens),
    line(Trace, Worker, Timeout, Late),
    line(Trace, Worker, AnswerLate, Opens),
    line(Trace, Challenger, Point, Below(&[TraceSpan, Tensor])),
    line(Trace, Challenger, Timeout, Lost),
    line(TraceSpan, Worker, Reveal, Opens),
    line(TraceSpan, Worker, Timeout, Late),
    line(TraceSpan, Worker, AnswerLate, Opens),
    line(TraceSpan, Challenger, Point, Below(&[TraceSpan, Tensor])),
    line(TraceSpan, Challenger, Timeout, Lost),
    line(Tensor, Worker, Reveal, Opens),
    line(Tensor, Worker, Timeout, Late),
    line(Tensor, Worker, AnswerLate, Opens),
    line(Tensor, Challenger, Point, Below(&[TensorSpan, Chunk])),
    line(Tensor, Challenger, Timeout, Lost),
    line(TensorSpan, Worker, Reveal, Opens),
    line(TensorSpan, Worker, Timeout, Late),
    line(TensorSpan, Worker, AnswerLate, Opens),
    line(TensorSpan, Challenger, Point, Below(&[TensorSpan, Chunk])),
    line(TensorSpan, Challenger, Timeout, Lost),
    line(Chunk, Worker, Reveal, Opens),
    line(Chunk, Worker, Timeout, Late),
    line(Chunk, Worker, AnswerLate, Opens),
    line(Chunk, Challenger, Prove, Convicted),
    line(Chunk, Challenger, Timeout, Lost),
];

/// The result of the move; `None` if it is not in the table.
pub fn may(place: PlaceKind, turn: Side, kind: MoveKind) -> Option<After> {
    MOVES
        .iter()
        .find(|line| line.place == place && line.turn == turn && line.kind == kind)
        .map(|line| line.after)
}
