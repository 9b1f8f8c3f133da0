//! A decision is carried out after the delay, by nobody else, and not at all if it is cancelled.

use crate::{BoundedCallOf, Error, Event, NextDecisionId, mock::*};
use codec::Encode;
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok, traits::Bounded},
    frame_system,
    sp_runtime::{
        DispatchError,
        traits::{BlakeTwo256, Hash},
    },
    staging_xcm::latest::NetworkId,
};

fn signed(account: u64) -> RuntimeOrigin {
    RuntimeOrigin::signed(account)
}

/// A call that only the superuser can make, and that leaves a trace.
fn set(bytes: usize) -> RuntimeCall {
    let items = vec![(b"decided".to_vec(), vec![7; bytes])];
    frame_system::Call::<Test>::set_storage { items }.into()
}

fn inline(call: &RuntimeCall) -> BoundedCallOf<Test> {
    Bounded::Inline(call.encode().try_into().expect("it is short"))
}

fn by_hash(call: &RuntimeCall) -> BoundedCallOf<Test> {
    let bytes = call.encode();
    Bounded::Lookup {
        hash: BlakeTwo256::hash(&bytes),
        len: bytes.len() as u32,
    }
}

fn was_carried_out() -> bool {
    polkadot_sdk::frame_support::storage::unhashed::exists(b"decided")
}

#[test]
fn a_decision_is_carried_out_after_the_delay_as_the_superuser() {
    story(|| {
        assert_ok!(Governance::enact(signed(COMMITTEE), inline(&set(1))));
        System::assert_last_event(
            Event::<Test>::Decided {
                decision: 0,
                call: BlakeTwo256::hash(&set(1).encode()),
                after: DELAY,
            }
            .into(),
        );
        advance(DELAY);
        assert!(!was_carried_out());
        advance(1);
        assert!(was_carried_out());
        assert_noop!(Governance::cancel(signed(MINORITY), 0), Error::<Test>::NoSuchDecision);
    });
}

#[test]
fn only_the_committee_decides_and_only_its_part_cancels() {
    story(|| {
        for origin in [
            signed(MINORITY),
            signed(9),
            RuntimeOrigin::root(),
            RuntimeOrigin::none(),
        ] {
            assert_noop!(Governance::enact(origin, inline(&set(1))), DispatchError::BadOrigin);
        }
        assert_ok!(Governance::enact(signed(COMMITTEE), inline(&set(1))));
        for origin in [signed(COMMITTEE), signed(9), RuntimeOrigin::none()] {
            assert_noop!(Governance::cancel(origin, 0), DispatchError::BadOrigin);
        }
    });
}

#[test]
fn a_cancelled_decision_is_never_carried_out() {
    story(|| {
        assert_ok!(Governance::enact(signed(COMMITTEE), inline(&set(1))));
        assert_ok!(Governance::enact(signed(COMMITTEE), inline(&set(2))));
        advance(DELAY - 1);
        assert_ok!(Governance::cancel(signed(MINORITY), 0));
        System::assert_last_event(Event::<Test>::Cancelled { decision: 0 }.into());
        assert_noop!(Governance::cancel(signed(MINORITY), 0), Error::<Test>::NoSuchDecision);
        assert_noop!(Governance::cancel(signed(MINORITY), 7), Error::<Test>::NoSuchDecision);
        assert_ok!(Governance::cancel(signed(MINORITY), 1));
        advance(2 * DELAY);
        assert!(!was_carried_out());
    });
}

#[test]
fn the_bytes_of_a_call_that_is_given_by_its_hash_must_be_known_when_it_is_decided() {
    story(|| {
        let large = set(1_000);
        assert_noop!(
            Governance::enact(signed(COMMITTEE), by_hash(&large)),
            Error::<Test>::UnknownPreimage
        );
        assert_eq!(NextDecisionId::<Test>::get(), 0);
        assert_ok!(Preimage::note_preimage(signed(5), large.encode()));
        assert_ok!(Governance::enact(signed(COMMITTEE), by_hash(&large)));
        // The one who noted it cannot take it back before it is carried out.
        assert_ok!(Preimage::unnote_preimage(signed(5), BlakeTwo256::hash(&large.encode())));
        advance(DELAY + 1);
        assert!(was_carried_out());
    });
}

#[test]
fn the_relay_chain_is_what_genesis_says() {
    story(|| assert_eq!(Governance::relay_network(), None));
    for network in [NetworkId::Polkadot, NetworkId::ByGenesis([7; 32])] {
        story_on(Some(network), || assert_eq!(Governance::relay_network(), Some(network)));
    }
}
