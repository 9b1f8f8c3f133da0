//! Disputes: how the disagreement about a claim is narrowed down to one element. The worker reveals, the challenger
//! points.
//!
//! A *dispute* is about one claimed job. Each of its challengers plays a *game* of its own against the worker: the
//! worker makes every statement, the challenger says only where to go on. What has been revealed once serves all games.
//!
//! A game stands at a [`Place`], and it is one side's [turn](Side). At the worker's turn, the worker owes the
//! [`Statement`] of that place; at the challenger's, the place has been revealed and the challenger points into it, or
//! proves that it is wrong. Whoever lets its clock run out loses. [`MOVES`] is the table of all that may happen.
//!
//! Everything here is pure: the pallet and the daemons of both sides use the same rules.

mod clock;
mod place;
mod stakes;
mod statement;
mod table;

pub use clock::{Clock, ClockTerms};
pub use place::{MAX_NODES, Nodes, Place, PlaceKind, PointError, Revealed, Window, point, window};
pub use stakes::{LostBond, SlashShares, bond, lost_bond, slash_awards};
pub use statement::{Committed, Statement, StatementError, TraceHead, TraceStatement, check, check_trace};
pub use table::{After, MOVES, Move, MoveKind, may};

use crate::{H256, JobId};
use alloc::vec::Vec;
use assay_exact::judge::{Computed, TensorOpening};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{sp_core::ConstU32, sp_runtime::BoundedVec};
use scale_info::TypeInfo;

/// A dispute, numbered from 0 and never used again; a job that is disputed a second time has a second one.
pub type DisputeId = u64;

/// Challengers that may play at a time over one job.
pub const MAX_GAMES: u32 = 8;

/// One of the two sides of a game.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Side {
    /// Who made the claim.
    #[codec(index = 0)]
    Worker,
    /// Who doubts it.
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
pub struct Game<AccountId, Balance, BlockNumber> {
    /// Who plays it.
    pub challenger: AccountId,
    /// What is held of the challenger's money.
    pub bond: Balance,
    /// Where it stands.
    pub place: Place,
    /// What the statement of that place must hash to; zero for the trace, which nothing has been said of before.
    pub digest: H256,
    /// The tensor that the game has gone into.
    pub tensor: Option<TensorOpening>,
    /// Whose turn it is.
    pub turn: Side,
    /// How long it may take.
    pub clock: Clock<BlockNumber>,
}

/// The games over one job.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Dispute<AccountId, Balance, BlockNumber> {
    /// Its number, under which what is revealed is stored.
    pub id: DisputeId,
    /// Who made the claim.
    pub worker: AccountId,
    /// Who pays for the job.
    pub client: AccountId,
    /// The worker's stake that secures the claim.
    pub locked: Balance,
    /// What the claim committed to.
    pub committed: Committed,
    /// What is known of the trace once it has been revealed.
    pub trace: Option<TraceHead>,
    /// The games that are being played, in the order of their beginning. Never empty.
    pub games: BoundedVec<Game<AccountId, Balance, BlockNumber>, ConstU32<MAX_GAMES>>,
}

/// Why a worker was convicted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Fault {
    /// It did not reveal what it owed in time.
    #[codec(index = 0)]
    Silence {
        /// The place of which it owed the statement.
        place: Place,
    },
    /// The type or the shape that it revealed of an operator's output is not what the operator gives.
    #[codec(index = 1)]
    Header {
        /// Position of the operator in the graph.
        operator: u32,
        /// What the runtime computed.
        computed: Computed,
    },
    /// An element that it revealed is not what the operator gives.
    #[codec(index = 2)]
    Element {
        /// Position of the operator in the graph.
        operator: u32,
        /// Position of the element in row-major order.
        element: u64,
        /// Its little-endian bytes as they were claimed.
        claimed: Vec<u8>,
        /// What the runtime computed.
        computed: Computed,
    },
}

/// A dispute as the runtime API lists it.
pub type Listed<AccountId, Balance, BlockNumber> = (JobId, Dispute<AccountId, Balance, BlockNumber>);

#[cfg(test)]
mod tests;
