//! Where disputes are played: the chain, as players see it and send to it.

use assay_exact::judge::Proof;
use assay_player::Reveals;
use assay_types::dispute::{Dispute, Fault, FindingOpening, Place, Statement};

/// An account: a challenger's place in the list of those who play, or [`WORKER`].
pub type Account = u32;
/// A dispute, with the accounts of the play.
pub type PlayedDispute = Dispute<Account, u128, u32>;

/// Whose claim is disputed.
pub const WORKER: Account = 1_000_000;

/// Why a worker was convicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conviction {
    /// Whose game it was, or who is the oldest challenger if the worker was silent.
    pub challenger: Account,
    /// The fault.
    pub fault: Fault,
}

/// A chain on which one claim is disputed. Every transaction says whether it was accepted.
pub trait Court {
    /// The block's number.
    fn now(&self) -> u32;
    /// Goes on to the next block.
    fn advance(&mut self);
    /// The dispute, while there is one.
    fn dispute(&self) -> Option<PlayedDispute>;
    /// Statements that have been revealed in it.
    fn reveals(&self) -> Reveals;
    /// Challengers that have lost a game, in order.
    fn lost(&self) -> Vec<Account>;
    /// Why the worker was convicted, if it was.
    fn conviction(&self) -> Option<Conviction>;

    /// Doubts the claim, and commits to a trace with this digest.
    fn challenge(&mut self, challenger: Account, trace_digest: [u8; 32], salt: [u8; 32]) -> bool;
    /// The worker reveals a place.
    fn reveal(&mut self, statement: Statement) -> bool;
    /// The worker reveals a place late.
    fn answer_late(&mut self, statement: Statement) -> bool;
    /// A challenger points.
    fn point(&mut self, challenger: Account, place: Place, entry: u32) -> bool;
    /// Anybody proves that what was revealed where `challenger`'s game stands is wrong, and shows what it has found.
    fn prove(
        &mut self,
        challenger: Account,
        proof: Box<Proof>,
        element: u64,
        finding: Option<Box<FindingOpening>>,
    ) -> bool;
    /// A challenger shows what it has found, after the conviction.
    fn claim_award(&mut self, challenger: Account, finding: Box<FindingOpening>) -> bool;
    /// Anybody says that the clock of `challenger`'s game has run out.
    fn claim_timeout(&mut self, challenger: Account) -> bool;
}
