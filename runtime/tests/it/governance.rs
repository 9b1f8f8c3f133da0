//! The committee: it decides after a delay, cancels and pauses at once, and takes the superuser's place.

use crate::{
    chain::{in_first_block, pass},
    parameters::set,
    pause::name,
    scene::{applied, apply, origin},
};
use assay_runtime::{
    BlockNumber, Runtime, RuntimeCall, Time, TxPause,
    parameters::{
        RuntimeParameters,
        dynamic_params::{governance::EnactmentBlocks, market},
    },
    units::{HOURS, MINUTES},
};
use codec::Encode;
use pallet_governance::{BoundedCallOf, NextDecisionId};
use polkadot_sdk::{
    frame_support::{
        assert_ok,
        dispatch::{DispatchClass, GetDispatchInfo},
        traits::{Bounded, Get},
        weights::Weight,
    },
    frame_system, pallet_collective, pallet_sudo, pallet_tx_pause,
    sp_core::H256,
    sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Dave},
    sp_runtime::traits::{BlakeTwo256, Hash},
};

type Collective = pallet_collective::Call<Runtime, assay_runtime::TechnicalCollective>;

/// A proposal's length, as a bound.
fn length(call: &RuntimeCall) -> u32 {
    call.encode().len() as u32
}

/// Has members of the committee decide on a call by their votes, each with a transaction.
fn decide(members: &[Sr25519Keyring], call: &RuntimeCall) {
    let (first, others) = members.split_first().expect("somebody proposes");
    let index = pallet_collective::ProposalCount::<Runtime, assay_runtime::TechnicalCollective>::get();
    let proposal: H256 = BlakeTwo256::hash_of(call);
    let propose = Collective::propose {
        threshold: members.len() as u32,
        proposal: Box::new(call.clone()),
        length_bound: length(call),
    };
    assert_eq!(applied(*first, propose.into()), DispatchClass::Operational);
    if others.is_empty() {
        return;
    }
    for member in members {
        let vote = Collective::vote {
            proposal,
            index,
            approve: true,
        };
        assert_eq!(applied(*member, vote.into()), DispatchClass::Operational);
    }
    let close = Collective::close {
        proposal_hash: proposal,
        index,
        proposal_weight_bound: call
            .get_dispatch_info()
            .call_weight
            .saturating_add(Weight::from_parts(1, 1)),
        length_bound: length(call),
    };
    applied(*first, close.into());
}

/// The call by which the committee decides on another one.
fn enact(call: impl Into<RuntimeCall>) -> RuntimeCall {
    let call: RuntimeCall = call.into();
    let call: BoundedCallOf<Runtime> = Bounded::Inline(call.encode().try_into().expect("it is short"));
    pallet_governance::Call::<Runtime>::enact { call }.into()
}

fn delay() -> BlockNumber {
    <Runtime as pallet_governance::Config>::EnactmentBlocks::get()
}

/// The development state with the shortest delay that there may be.
fn with_a_short_delay(test: impl FnOnce()) {
    in_first_block(|| {
        assert_ok!(set(RuntimeParameters::Governance((EnactmentBlocks, HOURS).into())));
        test();
    });
}

fn superuser() -> bool {
    pallet_sudo::Key::<Runtime>::exists()
}

#[test]
fn the_committee_removes_the_superuser_and_goes_on_without() {
    with_a_short_delay(|| {
        decide(&[Alice, Charlie], &enact(pallet_sudo::Call::<Runtime>::remove_key {}));
        pass(delay());
        assert!(superuser());
        pass(1);
        assert!(!superuser());

        let change = RuntimeParameters::Market((market::MinDeadline, 40).into());
        let change = pallet_governance::Call::<Runtime>::set_parameter {
            change: Box::new(change),
        };
        decide(&[Bob, Charlie], &enact(change));
        pass(delay() + 1);
        assert_eq!(<market::MinDeadline as Get<BlockNumber>>::get(), 40);
    });
}

#[test]
fn one_member_cancels_what_two_have_decided() {
    with_a_short_delay(|| {
        let decision = NextDecisionId::<Runtime>::get();
        decide(&[Alice, Bob], &enact(pallet_sudo::Call::<Runtime>::remove_key {}));
        pass(delay() - 1);
        let cancel = pallet_governance::Call::<Runtime>::cancel { decision };
        decide(&[Charlie], &cancel.into());
        pass(HOURS);
        assert!(superuser());
    });
}

#[test]
fn one_member_decides_on_nothing_and_a_stranger_not_even_that() {
    in_first_block(|| {
        let call = enact(pallet_sudo::Call::<Runtime>::remove_key {});
        decide(&[Charlie], &call);
        assert_eq!(
            NextDecisionId::<Runtime>::get(),
            0,
            "a third of the committee cannot enact"
        );
        let propose = Collective::propose {
            threshold: 1,
            proposal: Box::new(call.clone()),
            length_bound: length(&call),
        };
        let (refused, class) = apply(Dave, propose.into());
        assert!(refused.expect("it is valid").is_err());
        assert_eq!(class, Some(DispatchClass::Normal), "the lane is for members");
        assert!(apply(Dave, call).0.expect("it is valid").is_err());
    });
}

#[test]
fn most_of_the_committee_pauses_at_once() {
    in_first_block(|| {
        let full_name = name("Market", "submit");
        let pause: RuntimeCall = pallet_tx_pause::Call::<Runtime>::pause {
            full_name: full_name.clone(),
        }
        .into();
        decide(&[Charlie], &pause);
        assert!(!TxPause::is_paused(&full_name));
        decide(&[Alice, Bob], &pause);
        assert!(TxPause::is_paused(&full_name));
    });
}

#[test]
fn most_of_the_committee_makes_no_call_of_the_superusers() {
    in_first_block(|| {
        let call: RuntimeCall = frame_system::Call::<Runtime>::set_heap_pages { pages: 9 }.into();
        let pages = || polkadot_sdk::frame_support::storage::unhashed::get_raw(b":heappages");
        let before = pages();
        decide(&[Alice, Bob], &call);
        assert_eq!(pages(), before);
        assert!(
            pallet_sudo::Pallet::<Runtime>::set_key(origin(Bob), assay_runtime::Address::Id(Bob.to_account_id()))
                .is_err()
        );
    });
}

#[test]
fn a_halted_chain_is_repaired_within_minutes() {
    in_first_block(|| {
        pallet_time::Halted::<Runtime>::put(true);
        decide(
            &[Alice, Bob],
            &enact(frame_system::Call::<Runtime>::set_heap_pages { pages: 9 }),
        );
        let before = Time::moment();
        pass(10 * MINUTES + 1);
        assert!(Time::moment() <= before + 1, "time stands still");
        let pages = polkadot_sdk::frame_support::storage::unhashed::get::<u64>(b":heappages");
        assert_eq!(pages, Some(9));
        assert_ok!(assay_runtime::check_invariants());
    });
}
