//! Accounts that make the calls of our pallets, and calls that their proxies may make.

use crate::{
    chain::{genesis, in_first_block},
    scene::voucher_of,
};
use assay_runtime::{
    Address, AllPalletsWithSystem, Proxy, ProxyType, RuntimeCall, RuntimeEvent, RuntimeOrigin, System,
    calls::{CALLS, Key, Role, class_of},
};
use assay_types::{
    H256, SlashId,
    dispute::{Nodes, Statement},
};
use polkadot_sdk::{
    frame_support::{
        assert_ok,
        traits::{GetCallMetadata, InstanceFilter, PalletsInfoAccess},
    },
    pallet_proxy,
    sp_core::{Pair as _, sr25519::Pair},
    sp_keyring::Sr25519Keyring::{Bob, Charlie},
    sp_runtime::DispatchError,
};
use std::collections::BTreeSet;

/// The first index of the pallets that this chain is for.
const FIRST_OWN_PALLET: usize = 50;

#[test]
fn every_call_of_our_pallets_has_one_line_in_the_table() {
    let pallets = AllPalletsWithSystem::infos();
    let ours = pallets.iter().filter(|pallet| pallet.index >= FIRST_OWN_PALLET);
    let calls: BTreeSet<(&str, &str)> = ours
        .flat_map(|pallet| {
            RuntimeCall::get_call_names(pallet.name)
                .iter()
                .map(|call| (pallet.name, *call))
        })
        .collect();
    let lines: BTreeSet<(&str, &str)> = CALLS.iter().map(|class| (class.pallet, class.call)).collect();
    assert_eq!(lines, calls, "classify each call in runtime/src/calls.rs");
    assert_eq!(lines.len(), CALLS.len(), "a call has two lines");
    assert!(calls.contains(&("Disputes", "reveal")));
}

#[test]
fn a_worker_proxy_may_make_every_call_by_whose_omission_the_worker_loses_money() {
    for class in CALLS
        .iter()
        .filter(|class| class.omission_costs.contains(&Role::Worker))
    {
        assert!(class.is_for_proxy_of(Role::Worker), "{class:?}");
    }
}

#[test]
fn no_proxy_moves_a_stake_a_deposit_or_a_bond() {
    for class in CALLS.iter().filter(|class| class.key == Key::Owning) {
        for role in [Role::Worker, Role::Client, Role::Challenger] {
            assert!(!class.is_for_proxy_of(role), "{class:?}");
        }
    }
    let owning: BTreeSet<_> = CALLS
        .iter()
        .filter(|class| class.key == Key::Owning && class.pallet == "Workers")
        .map(|class| class.call)
        .collect();
    let stake = ["bond_more", "cancel_slash", "leave", "register", "unbond", "withdraw"];
    assert_eq!(owning, BTreeSet::from(stake));
}

fn reveal() -> RuntimeCall {
    let statement = Box::new(Statement::TraceSpan {
        level: 1,
        index: 0,
        nodes: Nodes::new(vec![[7; 32]]).expect("as many as there may be"),
    });
    pallet_disputes::Call::reveal { job: 0, statement }.into()
}

fn claim_timeout() -> RuntimeCall {
    let challenger = Bob.to_account_id();
    pallet_disputes::Call::claim_timeout { job: 0, challenger }.into()
}

#[test]
fn the_filters_are_the_tables() {
    let commit: RuntimeCall = pallet_market::Call::commit_bid {
        job: 0,
        commitment: H256::zero(),
    }
    .into();
    let accept: RuntimeCall = pallet_market::Call::accept { job: 0 }.into();
    let unbond: RuntimeCall = pallet_workers::Call::unbond { amount: 1 }.into();
    let slash: SlashId = 0;
    let cancel: RuntimeCall = pallet_workers::Call::cancel_slash { slash }.into();
    let pair = Pair::from_seed(&[1; 32]);
    let voucher = genesis("development").execute_with(|| voucher_of(0, 1, &pair));
    let redeem: RuntimeCall = pallet_sessions::Call::redeem { voucher }.into();
    let top_up: RuntimeCall = pallet_sessions::Call::top_up { session: 0, amount: 1 }.into();
    for (call, worker, client) in [
        (redeem, true, false),
        (top_up, false, true),
        (reveal(), true, false),
        (claim_timeout(), true, false),
        (commit, true, false),
        (accept, false, true),
        (unbond, false, false),
        (cancel, false, false),
    ] {
        assert!(class_of(&call).is_some());
        assert_eq!(ProxyType::Worker.filter(&call), worker, "{call:?}");
        assert_eq!(ProxyType::Client.filter(&call), client, "{call:?}");
    }
    let remark = polkadot_sdk::frame_system::Call::remark { remark: vec![] };
    assert_eq!(class_of(&remark.into()), None);
}

#[test]
fn a_worker_proxy_defends_a_claim() {
    in_first_block(|| {
        let bob = RuntimeOrigin::signed(Bob.to_account_id());
        let charlie = Address::Id(Charlie.to_account_id());
        assert_ok!(Proxy::add_proxy(bob, charlie, ProxyType::Worker, 0));
        for call in [reveal(), claim_timeout()] {
            let charlie = RuntimeOrigin::signed(Charlie.to_account_id());
            assert_ok!(Proxy::proxy(
                charlie,
                Address::Id(Bob.to_account_id()),
                None,
                Box::new(call)
            ));
            let result = System::events()
                .into_iter()
                .rev()
                .find_map(|record| match record.event {
                    RuntimeEvent::Proxy(pallet_proxy::Event::ProxyExecuted { result }) => Some(result),
                    _ => None,
                });
            // The call was made; there is just no dispute.
            let refusal: DispatchError = pallet_disputes::Error::<assay_runtime::Runtime>::NotDisputed.into();
            assert_eq!(result, Some(Err(refusal)));
        }
    });
}
