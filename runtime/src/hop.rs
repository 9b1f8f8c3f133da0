//! Hand-off of data through a node's pool: who may use it, for how much, and that nothing of it is stored on chain.
//!
//! A node that is started with `--enable-hop` keeps data of an account until all its recipients have it, or until its
//! time is over. Near that time the node asks the runtime for an extrinsic that stores the data on chain. This runtime
//! stores none: every pool refuses the extrinsic that [`no_promotion`] gives. The node then waits longer each time,
//! tries at most six times, and lets the data expire.

use crate::{AccountId, Balance, Balances, RuntimeCall, UncheckedExtrinsic, units::UNIT};
use alloc::vec::Vec;
use polkadot_sdk::{frame_support::traits::tokens::fungible::Inspect, frame_system};

/// Maximum bytes that are handed off at once.
pub const MAX_BYTES: u32 = 16 << 20;

/// Minimum money of an account that hands off data, in all: free, held and frozen. A worker's stake counts, because it
/// is held on the worker's account.
pub const MIN_MONEY: Balance = 10 * UNIT;

/// Whether an account may hand off this many bytes. The node has quotas and rates for each account beside this.
pub fn may_hand_off(who: &AccountId, bytes: u32) -> bool {
    bytes <= MAX_BYTES && <Balances as Inspect<AccountId>>::total_balance(who) >= MIN_MONEY
}

/// An extrinsic that every pool refuses: a call that only a signed transaction makes, without a signature and without
/// the data.
pub fn no_promotion() -> UncheckedExtrinsic {
    let call = frame_system::Call::remark { remark: Vec::new() };
    UncheckedExtrinsic::new_bare(RuntimeCall::System(call))
}
