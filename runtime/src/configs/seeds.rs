//! Seeds: random numbers of the relay chain, from the proof of its state that every block carries.

use crate::{
    configs::consensus::RELAY_PARENT_OFFSET,
    units::{BLOCKS_PER_RELAY_SLOT, DAYS},
    *,
};
use cumulus_pallet_parachain_system::{OnSystemEvent, RelayChainStateProof, ValidationData};
use cumulus_primitives_core::{PersistedValidationData, relay_chain::well_known_keys::CURRENT_BLOCK_RANDOMNESS};
use frame_support::{
    traits::{ConstU32, Get},
    weights::Weight,
};

/// Relay blocks by which a relay parent may be older than the relay chain's tip when a block is handed in, besides our
/// offset: what relay chains allow today is 3.
const RELAY_PARENT_AGE: u32 = 3;

/// Relay blocks from a relay parent to the first one that nobody can have known in a block on it.
const MARGIN: u32 = RELAY_PARENT_OFFSET + RELAY_PARENT_AGE + 2;

/// The margin. A development chain makes its numbers up, so nothing is gained by waiting for them.
pub struct Margin;

impl Get<u32> for Margin {
    fn get() -> u32 {
        match Seeds::is_stand_in() {
            true => 1,
            false => MARGIN,
        }
    }
}

impl pallet_seeds::Config for Runtime {
    /// A day of relay blocks.
    type KeptRounds = ConstU32<{ DAYS / BLOCKS_PER_RELAY_SLOT }>;
    type Margin = Margin;
    type Time = Time;
    type WeightInfo = weights::pallet_seeds::AssayWeight<Self>;
}

/// Notes the random number of each relay parent.
pub struct NotesRandomness;

impl OnSystemEvent for NotesRandomness {
    fn on_validation_data(_data: &PersistedValidationData) {}

    fn on_validation_code_applied() {}

    /// A proof without the entry makes the block invalid: an author that could leave the number out could choose among
    /// numbers. Only a development chain, whose relay chain is made up, has no such entry.
    fn on_relay_state_proof(proof: &RelayChainStateProof) -> Weight {
        let Some(data) = ValidationData::<Runtime>::get() else {
            return Weight::zero();
        };
        let number = match proof.read_optional_entry::<Option<[u8; 32]>>(CURRENT_BLOCK_RANDOMNESS) {
            Ok(number) => number.flatten(),
            Err(_) if Seeds::is_stand_in() => None,
            Err(error) => panic!("the proof of the relay chain's state lacks its random number: {error:?}"),
        };
        Seeds::note(data.relay_parent_number, number)
    }
}
