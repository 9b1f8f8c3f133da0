//! Things that people look at beside what they buy: sessions, disputes, money and the network.

use crate::money::Amount;
use serde::Serialize;

/// A session of the account that pays for everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// Number of the session.
    pub id: String,
    /// Worker that answers its requests.
    pub worker: String,
    /// The model of its requests.
    pub model: String,
    /// The phase, in the chain's words.
    pub phase: String,
    /// Maximum payment of the worker.
    pub budget: Amount,
    /// Amount that it was paid so far.
    pub redeemed: Amount,
    /// The worker's stake that secures its receipts.
    pub locked: Amount,
    /// Last moment of the phase, where it has one.
    pub until: Option<u32>,
}

/// A dispute over a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeInfo {
    /// Number of the dispute.
    pub id: String,
    /// Subject of the dispute, such as `job 12`.
    pub claim: String,
    /// The model that was executed.
    pub model: String,
    /// Worker that made the claim.
    pub worker: String,
    /// Client that pays for the result.
    pub client: String,
    /// The worker's stake that secures the claim.
    pub locked: Amount,
    /// Whether the worker has older disputes to answer first.
    pub waits: bool,
    /// Last moment at which the worker may answer late, once it has let a clock run out.
    pub late_until: Option<u32>,
    /// Its verdict.
    pub verdict: Verdict,
    /// The games, the oldest first.
    pub games: Vec<GameInfo>,
}

/// End of a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It goes on.
    Open,
    /// The claim stands.
    Upheld,
    /// The worker is convicted.
    Convicted,
}

/// One challenger's game.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GameInfo {
    /// Account that challenges.
    pub challenger: String,
    /// Amount that is held of the challenger's money.
    pub bond: Amount,
    /// Whose turn it is.
    pub turn: Turn,
    /// Blocks that the worker had left when the turn began.
    pub worker_left: u32,
    /// Blocks that the challenger had left when the turn began.
    pub challenger_left: u32,
    /// Place to which the disagreement is narrowed down.
    pub narrowing: Narrowing,
}

/// Side whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// The worker reveals.
    Worker,
    /// The challenger points.
    Challenger,
    /// The game is over.
    Nobody,
}

/// Place to which a disagreement is narrowed down: from the graph to a tensor, a chunk and an element.
///
/// A later part is given only if the earlier ones are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Narrowing {
    /// Operators among which the first wrong one is.
    pub graph: Option<Range>,
    /// The operator, once it is known.
    pub operator: Option<OperatorInfo>,
    /// Chunks of its output among which a wrong one is.
    pub tensor: Option<Range>,
    /// Elements of that chunk among which a wrong one is, by their positions in the tensor.
    pub chunk: Option<Range>,
    /// The element that was judged.
    pub element: Option<ElementInfo>,
}

/// A part of things that are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Range {
    /// Position of the first of all things that are shown.
    pub start: u64,
    /// Number of all things that are shown.
    pub total: u64,
    /// Position of the first thing of the part.
    pub first: u64,
    /// Number of things in the part.
    pub count: u64,
}

/// An operator of a graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OperatorInfo {
    /// Position in the graph.
    pub index: u32,
    /// Its name, such as `linear`; empty if it is not revealed yet.
    pub name: String,
    /// Shape of its output; `None` if it is not revealed yet.
    pub shape: Option<Vec<u32>>,
    /// Type of the output's elements; empty if it is not revealed yet.
    pub data_type: String,
}

/// An element with both values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ElementInfo {
    /// Position in the tensor, in row-major order.
    pub index: u64,
    /// The element that the worker claimed.
    pub claimed: ElementValue,
    /// The element that the chain computed.
    pub computed: ElementValue,
}

/// Value of an element.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ElementValue {
    /// Its little-endian bytes, in hexadecimal.
    pub bytes: String,
    /// The same as a number.
    pub number: String,
}

/// An account's money, and where it is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// The account.
    pub account: String,
    /// Amount that can be spent.
    pub free: Amount,
    /// Amounts that are held.
    pub holds: Vec<HoldInfo>,
}

/// Money that stays on its owner's account and cannot be spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldInfo {
    /// The reason, such as `Escrow`.
    pub reason: String,
    /// Until when, in words.
    pub until: String,
    /// The amount.
    pub amount: Amount,
}

/// The node and the workers' network, as the gateway sees them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NetworkInfo {
    /// The node's address.
    pub node: String,
    /// Hash of the first block, in hexadecimal.
    pub genesis: String,
    /// Number of the latest final block.
    pub finalized: u32,
    /// Number of the best block.
    pub best: u32,
    /// The moment of the latest final block, in Assay time.
    pub moment: u32,
    /// Workers that say where they are reached.
    pub peers: Vec<PeerInfo>,
}

/// A worker's place in the workers' network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeerInfo {
    /// The worker's account.
    pub worker: String,
    /// Identity of its peer, in hexadecimal.
    pub peer: String,
    /// Number of addresses at which it says that it is reached.
    pub addresses: u32,
}
