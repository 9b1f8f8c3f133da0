//! Values that version 1 kept under keys of their own become parameters, and the relay chain that it was compiled with
//! becomes part of the state.

use crate::{
    Runtime,
    parameters::{
        RuntimeParameters,
        dynamic_params::{
            disputes::{self, ChallengerClockBlocks, ClockBlocks, LateAnswerBlocks, LeastTurnBlocks, ReopenBlocks},
            workers::SlashDelay,
        },
    },
};
use pallet_governance::RelayNetwork;
use polkadot_sdk::{
    frame_support::{
        storage::unhashed,
        traits::{OnRuntimeUpgrade, dynamic_params::AggregatedKeyValue},
        weights::{Weight, constants::RocksDbWeight},
    },
    pallet_parameters,
    sp_io::hashing::twox_128,
    staging_xcm::latest::{NetworkId, WESTEND_GENESIS_HASH},
};

/// Moves the values. Done a second time it finds none.
pub struct ToParameters;

/// Keys of version 1: those of `parameter_types! { storage NAME }`.
const NAMES: [&str; 6] = [
    ":SlashDelay:",
    ":ClockBlocks:",
    ":ChallengerClockBlocks:",
    ":LeastTurnBlocks:",
    ":ReopenBlocks:",
    ":LateAnswerBlocks:",
];

impl ToParameters {
    /// Takes the value of version 1 under this name.
    fn take(name: &str) -> Option<u32> {
        unhashed::take(&twox_128(name.as_bytes()))
    }

    /// The parameters that have the values of version 1.
    fn taken() -> [Option<RuntimeParameters>; 6] {
        let [slash_delay, clock, challenger_clock, least_turn, reopen, late_answer] = NAMES.map(Self::take);
        let in_disputes = |change: disputes::Parameters| RuntimeParameters::Disputes(change);
        [
            slash_delay.map(|blocks| RuntimeParameters::Workers((SlashDelay, blocks).into())),
            clock.map(|blocks| in_disputes((ClockBlocks, blocks).into())),
            challenger_clock.map(|blocks| in_disputes((ChallengerClockBlocks, blocks).into())),
            least_turn.map(|blocks| in_disputes((LeastTurnBlocks, blocks).into())),
            reopen.map(|blocks| in_disputes((ReopenBlocks, blocks).into())),
            late_answer.map(|blocks| in_disputes((LateAnswerBlocks, blocks).into())),
        ]
    }
}

impl OnRuntimeUpgrade for ToParameters {
    fn on_runtime_upgrade() -> Weight {
        for parameter in Self::taken().into_iter().flatten() {
            // Whether it is in its range is not asked: an upgrade changes no value.
            let (key, value) = parameter.into_parts();
            pallet_parameters::Parameters::<Runtime>::set(&key, value);
        }
        if !RelayNetwork::<Runtime>::exists() {
            RelayNetwork::<Runtime>::put(NetworkId::ByGenesis(WESTEND_GENESIS_HASH));
        }
        let writes = 2 * NAMES.len() as u64 + 1;
        RocksDbWeight::get().reads_writes(NAMES.len() as u64 + 1, writes)
    }

    #[cfg(feature = "try-runtime")]
    fn pre_upgrade() -> Result<alloc::vec::Vec<u8>, polkadot_sdk::sp_runtime::TryRuntimeError> {
        Ok(alloc::vec::Vec::new())
    }

    #[cfg(feature = "try-runtime")]
    fn post_upgrade(_state: alloc::vec::Vec<u8>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
        let is_left = |name: &str| unhashed::exists(&twox_128(name.as_bytes()));
        polkadot_sdk::frame_support::ensure!(
            !NAMES.into_iter().any(is_left),
            "a value of version 1 is left where nobody reads it"
        );
        Ok(())
    }
}
