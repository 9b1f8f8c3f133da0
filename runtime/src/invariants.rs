//! The invariants of Assay's pallets over a whole state, for tools and tests that have loaded one.

use crate::{Disputes, Market, Models, Time, Workers};
use polkadot_sdk::sp_runtime::TryRuntimeError;

/// Checks that records and money agree in the state of the surrounding externalities.
pub fn check_invariants() -> Result<(), TryRuntimeError> {
    Time::do_try_state()?;
    Models::do_try_state()?;
    Workers::do_try_state()?;
    Market::do_try_state()?;
    Disputes::do_try_state()
}
