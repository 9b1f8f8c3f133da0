//! Records of disputes, in this runtime's types, and the longest that a game and a dispute can last.

use crate::Config;
use assay_types::{
    ClaimInfo,
    dispute::{ClockTerms, Dispute, Game, LateTerms, MAX_DEFENCES, OpenAward, SlashShares},
    kept::AllKept,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
    frame_support::traits::{Get, fungible},
    frame_system::{self, pallet_prelude::BlockNumberFor},
    sp_runtime::{Perbill, traits::Saturating},
};
use scale_info::TypeInfo;

/// The currency's unit of account.
pub type BalanceOf<T> = <<T as Config>::Currency as fungible::Inspect<<T as frame_system::Config>::AccountId>>::Balance;
/// A stored dispute.
pub type DisputeOf<T> = Dispute<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;
/// A game of it.
pub type GameOf<T> = Game<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;
/// A claim that can be doubted.
pub type ClaimInfoOf<T> = ClaimInfo<<T as frame_system::Config>::AccountId, BalanceOf<T>>;
/// The award of a conviction by proof.
pub type AwardOf<T> = OpenAward<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;
/// The rules of a dispute.
pub type DisputeRulesOf<T> = DisputeRules<BalanceOf<T>, BlockNumberFor<T>>;
/// Earlier rules of disputes.
pub type KeptRulesOf<T> = AllKept<DisputeRulesOf<T>, BlockNumberFor<T>>;

/// Costs, gains and times of a dispute: the values in force when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct DisputeRules<Balance, BlockNumber> {
    /// The time that its games have.
    pub clock: ClockTerms<BlockNumber>,
    /// Costs of a late answer.
    pub late: LateTerms<Balance>,
    /// Blocks for which a worker that has let a clock run out may still answer.
    pub late_answer_blocks: BlockNumber,
    /// Blocks after a conviction by proof in which finders may claim the award.
    pub award_blocks: BlockNumber,
    /// Blocks for which the window stays open after the last game is lost.
    pub reopen_blocks: BlockNumber,
    /// Share of the worker's whole stake that a conviction costs.
    pub fault_slash: Perbill,
    /// Parts of it for others.
    pub shares: SlashShares,
    /// The minimum bond.
    pub least_bond: Balance,
    /// The bond of the first challenge as a part of the lock.
    pub bond_per_stake: Perbill,
    /// The worker's part of a lost bond.
    pub lost_bond_to_worker: Perbill,
}

/// Entries that one call of `sweep` removes.
pub const SWEEP_ENTRIES: u32 = 16;

/// Turns that the longest game can have: one statement and one answer to it for each place from the top of the largest
/// trace to a chunk of the largest tensor. A trace of 2^32 entries is revealed in 4 steps, a tensor of 2^53 chunks in
/// 6.
const MOST_TURNS: u32 = 2 * (4 + 6 + 1);

/// The longest that a game in which nobody is late can last, in blocks: both clocks run down, and then each turn takes
/// its minimum time.
pub struct LongestGame<T>(core::marker::PhantomData<T>);

impl<T: Config> Get<BlockNumberFor<T>> for LongestGame<T> {
    fn get() -> BlockNumberFor<T> {
        // Saturating: a bound that saturates fails the integrity tests of those who must outlast it.
        let clocks = T::ClockBlocks::get().saturating_add(T::ChallengerClockBlocks::get());
        clocks.saturating_add(T::LeastTurnBlocks::get().saturating_mul(MOST_TURNS.into()))
    }
}

/// The longest that a dispute can last, in blocks: it waits for the disputes before it in its worker's queue; then a
/// game is played, the worker answers late for as long as it may, and the game is played to its end.
pub struct LongestDispute<T>(core::marker::PhantomData<T>);

impl<T: Config> Get<BlockNumberFor<T>> for LongestDispute<T> {
    fn get() -> BlockNumberFor<T> {
        let rounds = MAX_DEFENCES.div_ceil(T::CalledDisputes::get().max(1));
        // Saturating, as above.
        let one = LongestGame::<T>::get()
            .saturating_mul(2u32.into())
            .saturating_add(T::LateAnswerBlocks::get());
        one.saturating_mul(rounds.into())
    }
}

/// Bytes of what a call carries, for its weight.
pub(crate) fn encoded_bytes(value: &impl Encode) -> u32 {
    // Saturating: no block has room for a call of 4 GiB.
    u32::try_from(value.encoded_size()).unwrap_or(u32::MAX)
}
