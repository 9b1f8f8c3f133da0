//! The invariants of Assay's pallets over a whole state, for tools and tests that have loaded one.

use crate::{AccountId, Audits, Balance, Disputes, Market, Models, Runtime, Seeds, Sessions, Time, Workers};
use alloc::collections::BTreeMap;
use assay_types::WorkerRegistry;
use polkadot_sdk::{frame_support::ensure, frame_system, sp_runtime::TryRuntimeError};

/// Checks that records and money agree in the state of the surrounding externalities.
pub fn check_invariants() -> Result<(), TryRuntimeError> {
    Time::do_try_state()?;
    Seeds::do_try_state()?;
    Models::do_try_state()?;
    Workers::do_try_state()?;
    Market::do_try_state()?;
    Disputes::do_try_state()?;
    Sessions::do_try_state()?;
    Audits::do_try_state()?;
    check_locks()
}

/// The stake that a worker has locked is what its jobs, bids, sessions and audits need, and no more.
fn check_locks() -> Result<(), TryRuntimeError> {
    let locks = [Market::locked_stake(), Sessions::locked_stake(), Audits::locked_stake()];
    for account in frame_system::Account::<Runtime>::iter_keys() {
        let of = |locks: &BTreeMap<AccountId, Balance>| locks.get(&account).copied().unwrap_or_default();
        // Saturating: a sum that saturates differs from any lock.
        let recorded = locks.iter().map(of).fold(0, Balance::saturating_add);
        ensure!(
            Workers::locked(&account) == recorded,
            "locked stake differs from the records"
        );
    }
    Ok(())
}
