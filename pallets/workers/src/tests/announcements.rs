//! Announcements of workers about their nodes, and the time for which the chain keeps them.

use crate::{Error, Event, mock::*};
use assay_types::{
    Announcement,
    limits::{MAX_ADDRESS_BYTES, MAX_ADDRESSES, MAX_PEER_BYTES},
};
use codec::{Decode, Encode};
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok},
    sp_runtime::DispatchError,
};

fn place(peer: u8, addresses: &[&[u8]]) -> Announcement {
    let addresses = addresses.iter().map(|bytes| bytes.to_vec().try_into().expect("short"));
    Announcement {
        peer: vec![peer; 38].try_into().expect("short"),
        addresses: addresses.collect::<Vec<_>>().try_into().expect("few"),
    }
}

fn announce(worker: u64, place: &Announcement) {
    assert_ok!(Workers::announce(signed(worker), Some(place.clone())));
}

#[test]
fn a_worker_is_found_where_it_said_last() {
    story(|| {
        register(ALICE, MIN_STAKE);
        announce(ALICE, &place(1, &[b"here"]));
        let there = place(2, &[b"there", b"and there"]);
        announce(ALICE, &there);
        System::assert_last_event(
            Event::Announced {
                worker: ALICE,
                announcement: Some(there.clone()),
            }
            .into(),
        );
        assert_eq!(Workers::announcement_of(&ALICE), Some(there));
        assert_ok!(Workers::announce(signed(ALICE), None));
        assert_eq!(Workers::announcement_of(&ALICE), None);
    });
}

#[test]
fn an_identity_is_enough_and_nothing_is_not() {
    story(|| {
        register(ALICE, MIN_STAKE);
        announce(ALICE, &place(1, &[]));
        let nobody = Announcement {
            peer: Default::default(),
            ..place(1, &[b"here"])
        };
        for empty in [nobody, place(1, &[b"here", b""])] {
            assert_noop!(
                Workers::announce(signed(ALICE), Some(empty)),
                Error::<Test>::EmptyAnnouncement
            );
        }
    });
}

#[test]
fn who_is_no_worker_announces_nothing() {
    story(|| {
        let place = || Some(place(1, &[b"here"]));
        assert_noop!(Workers::announce(signed(ALICE), place()), Error::<Test>::NotRegistered);
        register(ALICE, MIN_STAKE);
        assert_ok!(Workers::leave(signed(ALICE)));
        assert_noop!(Workers::announce(signed(ALICE), place()), Error::<Test>::HasLeft);
        assert_noop!(Workers::announce(RuntimeOrigin::none(), None), DispatchError::BadOrigin);
    });
}

#[test]
fn what_was_announced_outlasts_a_pause_and_is_forgotten_on_leaving() {
    story(|| {
        register(ALICE, MIN_STAKE);
        announce(ALICE, &place(1, &[b"here"]));
        assert_ok!(Workers::pause(signed(ALICE)));
        assert_ok!(Workers::drain(signed(ALICE)));
        assert_eq!(Workers::announcement_of(&ALICE), Some(place(1, &[b"here"])));
        assert_ok!(Workers::leave(signed(ALICE)));
        assert_eq!(Workers::announcement_of(&ALICE), None);
        // A worker that comes back is somewhere else.
        register(ALICE, MIN_STAKE);
        assert_eq!(Workers::announcement_of(&ALICE), None);
    });
}

#[test]
fn all_places_are_listed_page_by_page() {
    story(|| {
        for worker in [ALICE, BOB, CHARLIE] {
            register(worker, MIN_STAKE);
            announce(worker, &place(worker as u8, &[]));
        }
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = Workers::announcements_from(after, 2);
            after = page.last().map(|(worker, _)| *worker);
            listed.extend(page);
            if after.is_none() {
                break;
            }
        }
        listed.sort_by_key(|(worker, _)| *worker);
        let expected = [ALICE, BOB, CHARLIE].map(|worker| (worker, place(worker as u8, &[])));
        assert_eq!(listed, expected);
    });
}

#[test]
fn an_announcement_is_bounded() {
    let bytes = |count: u32| vec![1u8; count as usize];
    let encoded = |peer: u32, address: u32, count: u32| (bytes(peer), vec![bytes(address); count as usize]).encode();
    let taken = |bytes: Vec<u8>| Announcement::decode(&mut &bytes[..]).is_ok();
    assert!(taken(encoded(MAX_PEER_BYTES, MAX_ADDRESS_BYTES, MAX_ADDRESSES)));
    assert!(!taken(encoded(MAX_PEER_BYTES + 1, MAX_ADDRESS_BYTES, MAX_ADDRESSES)));
    assert!(!taken(encoded(MAX_PEER_BYTES, MAX_ADDRESS_BYTES + 1, MAX_ADDRESSES)));
    assert!(!taken(encoded(MAX_PEER_BYTES, MAX_ADDRESS_BYTES, MAX_ADDRESSES + 1)));
}
