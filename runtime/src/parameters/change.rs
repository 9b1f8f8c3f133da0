//! A change of a parameter: checked, and without effect on what goes on.

use super::{
    RuntimeParameters,
    dynamic_params::{disputes, market, sessions, workers},
    ranges::{is_in_range, name_of},
    rules,
};
use crate::{Disputes, Market, Runtime, Sessions, System, configs::assay::OUTLIVE_JOBS};
use assay_types::kept::TooManyKept;
use pallet_governance::{Parameters, RefusedChange};
use polkadot_sdk::{
    frame_support::{ensure, storage::with_transaction, traits::dynamic_params::AggregatedKeyValue},
    pallet_parameters,
    sp_runtime::{DispatchError, TransactionOutcome},
};

/// The parameters of this runtime, as governance changes them.
pub struct CheckedParameters;

impl Parameters for CheckedParameters {
    type Change = RuntimeParameters;

    fn change(change: RuntimeParameters) -> Result<(), RefusedChange> {
        let name = name_of(&change);
        ensure!(is_in_range(&change), RefusedChange::OutOfRange(name));
        // No transaction is opened where too many are open already, which no call reaches.
        let mut changed = Err(RefusedChange::TooManyChanges(name));
        let _opened = with_transaction(|| {
            changed = keep_rules(&change)
                .map_err(|TooManyKept| RefusedChange::TooManyChanges(name))
                .and_then(|()| {
                    store(change);
                    rules::check().map_err(|_| RefusedChange::Contradiction(name))
                });
            match changed {
                Ok(()) => TransactionOutcome::Commit(Ok::<(), DispatchError>(())),
                Err(_) => TransactionOutcome::Rollback(Ok(())),
            }
        });
        changed
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn example() -> RuntimeParameters {
        RuntimeParameters::default()
    }
}

/// Has the pallets keep the values in force for the jobs, sessions and disputes that go on, as far as these depend on
/// the parameter.
fn keep_rules(change: &RuntimeParameters) -> Result<(), TooManyKept> {
    use disputes::Parameters::{FaultSlash, SlashToChallenger, SlashToClient, WorkPrice};
    use market::Parameters::{DeclineSlash, MissCompensation, NonDeliverySlash};
    match change {
        RuntimeParameters::Market(NonDeliverySlash(..) | DeclineSlash(..) | MissCompensation(..))
        | RuntimeParameters::Workers(workers::Parameters::MinStake(..)) => Market::keep_rules(OUTLIVE_JOBS),
        // An equivocation costs and brings what other faults do.
        RuntimeParameters::Disputes(FaultSlash(..) | SlashToChallenger(..) | SlashToClient(..)) => {
            Disputes::keep_rules(OUTLIVE_JOBS)?;
            Sessions::keep_rules(OUTLIVE_JOBS)
        }
        // It sizes a bond when the bond is taken.
        RuntimeParameters::Disputes(WorkPrice(..)) => Ok(()),
        RuntimeParameters::Disputes(_) => Disputes::keep_rules(OUTLIVE_JOBS),
        RuntimeParameters::Sessions(sessions::Parameters::ClosingBlocks(..)) => Sessions::keep_rules(OUTLIVE_JOBS),
        // Nothing that lasts depends on these.
        RuntimeParameters::Market(_)
        | RuntimeParameters::Workers(_)
        | RuntimeParameters::Sessions(_)
        | RuntimeParameters::Models(_)
        | RuntimeParameters::Fees(_)
        | RuntimeParameters::Time(_)
        | RuntimeParameters::Governance(_)
        | RuntimeParameters::Audits(_) => Ok(()),
    }
}

/// Stores a value, and says so in the event of the pallet that stores it.
fn store(change: RuntimeParameters) {
    let (key, new_value) = change.into_parts();
    let old_value = pallet_parameters::Parameters::<Runtime>::get(&key);
    pallet_parameters::Parameters::<Runtime>::set(&key, new_value.clone());
    System::deposit_event(pallet_parameters::Event::<Runtime>::Updated {
        key,
        old_value,
        new_value,
    });
}
