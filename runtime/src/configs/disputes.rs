//! Disputes: what a challenge costs, who gets what is lost, and how much time there is.
//!
//! What is a `storage` parameter can be changed by governance with `System::set_storage`, at the key that
//! `twox_128(":NAME:")` gives, as its SCALE encoding; the others are compiled in.

use crate::{
    units::{MINUTES, UNIT},
    *,
};
use frame_support::{parameter_types, traits::ConstU128};
use sp_runtime::Perbill;

parameter_types! {
    /// Half of the price of a job that locks ten times its price.
    pub const BondPerStake: Perbill = Perbill::from_percent(5);
    pub const LostBondToWorker: Perbill = Perbill::from_percent(50);
    pub const SlashToChallenger: Perbill = Perbill::from_percent(30);
    pub const SlashToClient: Perbill = Perbill::from_percent(20);

    /// A side may be gone for so long, to restart a machine for example, and lose nothing.
    pub storage ClockBlocks: BlockNumber = 30 * MINUTES;
    /// Blocks until the last turn is finalized and the answer included, with as much again to spare.
    pub storage LeastTurnBlocks: BlockNumber = 2 * MINUTES;
    /// A challenger that was kept out sees the end of the last game in a finalized block, and gets its challenge in.
    pub storage ReopenBlocks: BlockNumber = 5 * MINUTES;
}

impl pallet_disputes::Config for Runtime {
    type BondPerStake = BondPerStake;
    type ClockBlocks = ClockBlocks;
    type Currency = Balances;
    type Jobs = Market;
    /// Half of it pays the worker for its statements several times over.
    type LeastBond = ConstU128<UNIT>;
    type LeastTurnBlocks = LeastTurnBlocks;
    type LostBondToWorker = LostBondToWorker;
    type ReopenBlocks = ReopenBlocks;
    type RuntimeHoldReason = RuntimeHoldReason;
    type SlashToChallenger = SlashToChallenger;
    type SlashToClient = SlashToClient;
    type WeightInfo = pallet_disputes::weights::ComputedWeight<Self>;
}
