//! Named first states: `development` for a node by itself, `local` for a network on one machine.

use crate::{
    configs::xcm::FeePot,
    units::{EXISTENTIAL_DEPOSIT, UNIT},
    *,
};
use alloc::{vec, vec::Vec};
use frame_support::build_struct_json_patch;
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET, PresetId};
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie};
use staging_xcm::latest::{NetworkId, WESTEND_GENESIS_HASH};

/// The name that we use for the local network; the standard one, [`LOCAL_TESTNET_RUNTIME_PRESET`], is answered as well.
pub const LOCAL_PRESET: &str = "local";

/// The parachain's id on a relay chain: the first that anybody may register.
pub const PARA_ID: u32 = 2_000;

/// Balance with which each well-known account starts.
const ENDOWMENT: Balance = 1_000_000 * UNIT;

/// Bond of a collator that becomes a candidate.
const CANDIDACY_BOND: Balance = 100 * UNIT;

/// The technical committee.
const COMMITTEE: [Sr25519Keyring; 3] = [Alice, Bob, Charlie];

/// Collators, their keys, Alice as the superuser, and a committee that can take her place. The relay chain is Westend,
/// of which local ones take the name. A chain without a relay chain makes up its random numbers.
fn genesis(collators: Vec<Sr25519Keyring>, has_relay_chain: bool) -> serde_json::Value {
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
            key: Some(Alice.to_account_id())
        },
        technical_committee: TechnicalCommitteeConfig {
            members: COMMITTEE.map(|who| who.to_account_id()).to_vec()
        },
        governance: GovernanceConfig {
            relay_network: Some(NetworkId::ByGenesis(WESTEND_GENESIS_HASH))
        },
        seeds: SeedsConfig {
            stand_in: !has_relay_chain
        },
    })
}

/// The preset of that name, as JSON over the defaults.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
    let preset = match id.as_ref() {
        DEV_RUNTIME_PRESET => genesis(vec![Alice], false),
        LOCAL_PRESET | LOCAL_TESTNET_RUNTIME_PRESET => genesis(vec![Alice, Bob], true),
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
