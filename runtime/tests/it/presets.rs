//! The named first states.

use crate::chain::{genesis, genesis_config, in_first_block};
use assay_runtime::{
    AllPalletsWithSystem, AuraId, Balances, Block, CollatorSelection, Disputes, Governance, Market, Migrations,
    ParachainInfo, Runtime, Session, System, TechnicalCollective, apis,
    genesis_presets::PARA_ID,
    units::{EXISTENTIAL_DEPOSIT, UNIT},
};
use polkadot_sdk::{
    frame_support::{
        migrations::MultiStepMigrator,
        traits::{Get, GetStorageVersion, IntegrityTest},
    },
    pallet_collective, pallet_sudo, pallet_xcm,
    sp_consensus_aura::runtime_decl_for_aura_api::AuraApi,
    sp_genesis_builder::{
        DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET, runtime_decl_for_genesis_builder::GenesisBuilder,
    },
    sp_io::TestExternalities,
    sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie},
    staging_xcm::latest::{NetworkId, WESTEND_GENESIS_HASH},
};
use serde_json::json;

#[test]
fn the_constants_of_all_pallets_agree() {
    genesis("development").execute_with(AllPalletsWithSystem::integrity_test);
}

#[test]
fn every_name_that_is_listed_is_answered() {
    let names = <Runtime as GenesisBuilder<Block>>::preset_names();
    for expected in [DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET, "local"] {
        assert!(
            names.iter().any(|name| name.as_ref() as &str == expected),
            "{expected} is not listed"
        );
    }
    for name in names {
        assert!(
            <Runtime as GenesisBuilder<Block>>::get_preset(&Some(name.clone())).is_some(),
            "{name:?}"
        );
    }
}

#[test]
fn an_unknown_name_has_no_preset() {
    assert_eq!(
        <Runtime as GenesisBuilder<Block>>::get_preset(&Some("mainnet".into())),
        None
    );
}

#[test]
fn the_standard_name_of_the_local_network_means_the_same() {
    assert_eq!(genesis_config("local"), genesis_config(LOCAL_TESTNET_RUNTIME_PRESET));
}

#[test]
fn development_has_one_collator_and_a_superuser() {
    genesis("development").execute_with(|| {
        assert_eq!(Session::validators(), vec![Alice.to_account_id()]);
        assert_eq!(
            <Runtime as AuraApi<Block, AuraId>>::authorities(),
            vec![AuraId::from(Alice.public())]
        );
        assert_eq!(pallet_sudo::Key::<Runtime>::get(), Some(Alice.to_account_id()));
        assert_eq!(ParachainInfo::parachain_id(), PARA_ID.into());
        assert_eq!(Governance::relay_network(), Some(westend()));
    });
}

/// The public test network, and, by the same genesis constant, local ones.
fn westend() -> NetworkId {
    NetworkId::ByGenesis(WESTEND_GENESIS_HASH)
}

#[test]
fn a_committee_of_three_can_take_the_superusers_place() {
    for preset in ["development", "local"] {
        genesis(preset).execute_with(|| {
            let mut members = [Alice, Bob, Charlie].map(|who| who.to_account_id()).to_vec();
            members.sort();
            let stored = pallet_collective::Members::<Runtime, TechnicalCollective>::get();
            assert_eq!(stored.to_vec(), members);
        });
    }
}

#[test]
fn the_relay_chain_is_what_genesis_says_and_a_chain_by_itself_is_its_own_network() {
    let mut config = genesis_config("development");
    for (field, expected) in [
        (json!("Polkadot"), Some(NetworkId::Polkadot)),
        (
            json!({ "ByGenesis": vec![7u8; 32] }),
            Some(NetworkId::ByGenesis([7; 32])),
        ),
        (json!(null), None),
    ] {
        config["governance"]["relayNetwork"] = field;
        let mut state = TestExternalities::default();
        let bytes = serde_json::to_vec(&config).expect("JSON is written back");
        state
            .execute_with(|| <Runtime as GenesisBuilder<Block>>::build_state(bytes))
            .expect("the genesis builds");
        state.execute_with(|| {
            assert_eq!(Governance::relay_network(), expected);
            let universal = <Runtime as pallet_xcm::Config>::UniversalLocation::get();
            let own = NetworkId::ByGenesis(System::block_hash(0).0);
            assert_eq!(universal.global_consensus(), Ok(expected.unwrap_or(own)));
        });
    }
}

#[test]
fn a_chain_that_begins_with_this_version_has_its_storage_versions_and_migrates_nothing() {
    in_first_block(|| {
        assert_eq!(
            Disputes::on_chain_storage_version(),
            Disputes::in_code_storage_version()
        );
        assert_eq!(Market::on_chain_storage_version(), Market::in_code_storage_version());
        assert!(!Migrations::ongoing());
    });
}

#[test]
fn local_has_two_collators() {
    genesis("local").execute_with(|| {
        let mut collators = vec![Alice.to_account_id(), Bob.to_account_id()];
        collators.sort();
        assert_eq!(Session::validators(), collators);
        assert_eq!(<Runtime as AuraApi<Block, AuraId>>::authorities().len(), 2);
    });
}

#[test]
fn the_well_known_accounts_and_the_pot_have_money() {
    genesis("development").execute_with(|| {
        for who in Sr25519Keyring::well_known() {
            assert!(Balances::free_balance(who.to_account_id()) >= 100_000 * UNIT, "{who}");
        }
        assert_eq!(
            Balances::free_balance(CollatorSelection::account_id()),
            EXISTENTIAL_DEPOSIT
        );
    });
}

#[test]
fn the_node_finds_the_apis_that_it_asks_for() {
    use polkadot_sdk::{
        cumulus_primitives_aura::AuraUnincludedSegmentApi,
        cumulus_primitives_core::{
            CollectCollationInfo, GetParachainInfo, RelayParentOffsetApi, SchedulingV3EnabledApi, TargetBlockRate,
        },
        sp_api::RuntimeApiInfo,
    };

    fn version_of<Api: RuntimeApiInfo + ?Sized>() -> Option<u32> {
        apis::RUNTIME_API_VERSIONS
            .iter()
            .find(|(id, _)| *id == Api::ID)
            .map(|(_, version)| *version)
    }
    assert_eq!(version_of::<dyn AuraUnincludedSegmentApi<Block>>(), Some(2));
    assert_eq!(version_of::<dyn CollectCollationInfo<Block>>(), Some(3));
    assert_eq!(version_of::<dyn RelayParentOffsetApi<Block>>(), Some(2));
    assert!(version_of::<dyn GetParachainInfo<Block>>().is_some());
    assert!(version_of::<dyn TargetBlockRate<Block>>().is_some());
    assert!(version_of::<dyn SchedulingV3EnabledApi<Block>>().is_some());
}
