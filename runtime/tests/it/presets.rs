//! The named first states.

use crate::chain::{genesis, genesis_config};
use assay_runtime::{
    AllPalletsWithSystem, AuraId, Balances, Block, CollatorSelection, ParachainInfo, Runtime, Session, apis,
    genesis_presets::PARA_ID,
    units::{EXISTENTIAL_DEPOSIT, UNIT},
};
use polkadot_sdk::{
    frame_support::traits::IntegrityTest,
    pallet_sudo,
    sp_consensus_aura::runtime_decl_for_aura_api::AuraApi,
    sp_genesis_builder::{
        DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET, runtime_decl_for_genesis_builder::GenesisBuilder,
    },
    sp_keyring::Sr25519Keyring::{self, Alice, Bob},
};

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
