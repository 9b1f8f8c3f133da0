//! Named first states: `development` for a node by itself, `local` for a network on one machine.

use crate::{
    configs::xcm::FeePot,
    units::{EXISTENTIAL_DEPOSIT, UNIT},
    *,
};
use alloc::{vec, vec::Vec};
use frame_support::build_struct_json_patch;
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET, PresetId};
use sp_keyring::Sr25519Keyring;

/// The name that we use for the local network; the standard one, [`LOCAL_TESTNET_RUNTIME_PRESET`], is answered as well.
pub const LOCAL_PRESET: &str = "local";

/// The parachain's id on a relay chain: the first that anybody may register.
pub const PARA_ID: u32 = 2_000;

/// What each well-known account starts with.
const ENDOWMENT: Balance = 1_000_000 * UNIT;

/// What a collator bonds to become a candidate.
const CANDIDACY_BOND: Balance = 100 * UNIT;

/// Collators, their keys, and Alice as the superuser.
fn genesis(collators: Vec<Sr25519Keyring>) -> serde_json::Value {
    let accounts = Sr25519Keyring::well_known().map(|who| (who.to_account_id(), ENDOWMENT));
    // Without the existential deposit the pot would drop every fee that is smaller than it.
    let pot = (FeePot::get(), EXISTENTIAL_DEPOSIT);

    build_struct_json_patch!(RuntimeGenesisConfig {
        balances: BalancesConfig {
            balances: accounts.chain([pot]).collect::<Vec<_>>()
        },
        parachain_info: ParachainInfoConfig {
            parachain_id: PARA_ID.into()
        },
        collator_selection: CollatorSelectionConfig {
            invulnerables: collators.iter().map(|who| who.to_account_id()).collect::<Vec<_>>(),
            candidacy_bond: CANDIDACY_BOND,
        },
        session: SessionConfig {
            keys: collators
                .into_iter()
                .map(|who| (
                    who.to_account_id(),
                    who.to_account_id(),
                    SessionKeys {
                        aura: who.public().into()
                    }
                ))
                .collect::<Vec<_>>(),
        },
        sudo: SudoConfig {
            key: Some(Sr25519Keyring::Alice.to_account_id())
        },
    })
}

/// The preset of that name, as JSON over the defaults.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
    let preset = match id.as_ref() {
        DEV_RUNTIME_PRESET => genesis(vec![Sr25519Keyring::Alice]),
        LOCAL_PRESET | LOCAL_TESTNET_RUNTIME_PRESET => genesis(vec![Sr25519Keyring::Alice, Sr25519Keyring::Bob]),
        _ => return None,
    };
    serde_json::to_vec(&preset).ok()
}

/// The names that [`get_preset`] answers.
pub fn preset_names() -> Vec<PresetId> {
    [DEV_RUNTIME_PRESET, LOCAL_PRESET, LOCAL_TESTNET_RUNTIME_PRESET]
        .map(PresetId::from)
        .to_vec()
}
