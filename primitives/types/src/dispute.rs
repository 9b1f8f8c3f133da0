//! Disputes: how the disagreement about a claim is narrowed down to one element. The worker reveals, the challenger
//! points.
//!
//! A *dispute* is about one [claim](crate::ClaimSource): on a job, or by a receipt of a session. Each of its
//! challengers plays a *game* of its own against the worker: the worker makes every statement, the challenger says only
//! where to go on. What has been revealed once serves all games.
//!
//! A game stands at a [`Place`], and it is one side's [turn](Side). At the worker's turn, the worker owes the
//! [`Statement`] of that place; at the challenger's, the place has been revealed and the challenger points into it, or
//! proves that it is wrong. A side that lets its clock run out loses, the worker after a time in which it may still
//! answer, for a fee. [`MOVES`] is the table of all that may happen.
//!
//! A challenger has found the fault before: it commits to its own trace ([`commitment`]), and shows it when the worker
//! is convicted ([`FindingOpening`]).
//!
//! Everything here is pure: the pallet and the daemons of both sides use the same rules.

mod clock;
mod finding;
mod place;
mod stakes;
mod statement;
mod table;

pub use clock::{Clock, ClockTerms};
pub use finding::{FINDING_DOMAIN, Finder, FindingError, FindingOpening, OpenAward, WrongElement, commitment};
pub use place::{MAX_NODES, Nodes, Place, PlaceKind, PointError, Revealed, Window, point, window};
pub use stakes::{LateTerms, LostBond, SlashShares, base_bond, bond, late_fee, lost_bond, slash_awards};
pub use statement::{Committed, Statement, StatementError, TraceHead, TraceStatement, check, check_trace};
pub use table::{After, MOVES, Move, MoveKind, may};

use crate::{H256, ModelVersion};
use alloc::vec::Vec;
use assay_exact::judge::TensorOpening;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{sp_core::ConstU32, sp_runtime::BoundedVec};
use scale_info::TypeInfo;

/// A dispute, numbered from 0 and never used again; a claim that is disputed a second time has a second one.
pub type DisputeId = u64;

/// Challengers that may play at a time over one job.
pub const MAX_GAMES: u32 = 8;

/// Auditors that may play besides them, so that nobody can keep an auditor out.
pub const MAX_SENIORS: u32 = 2;

/// Games that there can be over one job.
pub const ALL_GAMES: u32 = MAX_GAMES + MAX_SENIORS;

/// Disputes that one worker's queue can hold. The bond grows by half with each game, so nobody can pay for the last
/// places.
pub const MAX_DEFENCES: u32 = 32;

/// One of the two sides of a game.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum Side {
    /// The worker that made the claim.
    #[codec(index = 0)]
    Worker,
    /// The challenger.
    #[codec(index = 1)]
    Challenger,
}

impl Side {
    /// The one that is not this one.
    pub fn other(self) -> Self {
        match self {
            Self::Worker => Self::Challenger,
            Self::Challenger => Self::Worker,
        }
    }
}

/// One challenger's game against the worker.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Game<AccountId, Balance, BlockNumber> {
    /// The challenger that plays the game.
    pub challenger: AccountId,
    /// Hash of the challenger's own trace, see [`commitment`].
    pub commitment: H256,
    /// The amount held of the challenger's money; nothing of an auditor's.
    pub bond: Balance,
    /// The state of the job.
    pub place: Place,
    /// Hash that the statement of that place must have; zero for the trace, which no earlier statement names.
    pub digest: H256,
    /// The tensor that the game has gone into.
    pub tensor: Option<TensorOpening>,
    /// The side whose turn it is.
    pub turn: Side,
    /// The time that is left to both sides.
    pub clock: Clock<BlockNumber>,
}

/// The games over one claim.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Dispute<AccountId, Balance, BlockNumber> {
    /// Its number, under which what is revealed is stored.
    pub id: DisputeId,
    /// The worker that made the claim.
    pub worker: AccountId,
    /// The client, who pays for the result.
    pub client: AccountId,
    /// The model version that the claim names.
    pub version: ModelVersion,
    /// Number of the definition of that model, by which the claim is judged.
    pub definition: u32,
    /// The worker's stake that secures the claim, without what late answers have cost.
    pub locked: Balance,
    /// The digests that the claim committed to.
    pub committed: Committed,
    /// Head of the trace, once the trace has been revealed.
    pub trace: Option<TraceHead>,
    /// Whether the worker has older disputes to answer first. Then no clock of this one runs, and nothing is revealed.
    pub waits: bool,
    /// The last block in which the worker may answer late, once it has let a clock run out. The client is refunded
    /// then.
    pub late_until: Option<BlockNumber>,
    /// The games that are being played: those of auditors, then the others, each in the order of their beginning. Never
    /// empty.
    pub games: BoundedVec<Game<AccountId, Balance, BlockNumber>, ConstU32<ALL_GAMES>>,
}

impl<AccountId, Balance, BlockNumber> Dispute<AccountId, Balance, BlockNumber> {
    /// The oldest game that comes before a proof in the game at `index`: an older one that has not gone into an
    /// operator yet, or into an earlier operator.
    ///
    /// The runtime's computation of an operator follows from the worker's operands. They are those of the right trace
    /// only at the first wrong operator, so only there an older challenger can show that it has found the fault.
    pub fn goes_before(&self, index: usize) -> Option<&Game<AccountId, Balance, BlockNumber>> {
        let operator = self.games.get(index)?.place.operator();
        self.games
            .iter()
            .take(index)
            .find(|older| older.place.operator() < operator)
    }

    /// Whether the challenger of the game at `index` has only its proof left, and an older game comes before it. Its
    /// clock cannot run out meanwhile.
    pub fn is_kept(&self, index: usize) -> bool {
        let may_prove = self
            .games
            .get(index)
            .is_some_and(|game| game.turn == Side::Challenger && game.place.kind() == PlaceKind::Chunk);
        may_prove && self.goes_before(index).is_some()
    }
}

/// Faults for which a worker is convicted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum Fault {
    /// It did not reveal what it owed in time.
    #[codec(index = 0)]
    Silence {
        /// The place of which it owed the statement.
        place: Place,
    },
    /// An element that it revealed is not what the operator gives.
    #[codec(index = 1)]
    Element {
        /// Position of the operator in the graph.
        operator: u32,
        /// Position of the element in row-major order.
        element: u64,
        /// Its little-endian bytes as they were claimed.
        claimed: Vec<u8>,
        /// Its bytes as the runtime computed them.
        computed: Vec<u8>,
    },
}

#[cfg(test)]
mod tests;
