//! From registration to removal.

use super::{alice_publishes, alice_registers};
use crate::{Error, Event, ModelByName, Models as ModelRecords, NextModelId, VersionByRoot, Versions, mock::*};
use assay_types::{ModelRegistry, traits::VersionInfo};
use polkadot_sdk::frame_support::{assert_noop, assert_ok, traits::Hooks};

/// Deposit for this many versions of `digits`.
fn deposit(versions: u64) -> u64 {
    let version = Versions::<Test>::iter_values().next().expect("a version is registered");
    versions * (PER_VERSION + PER_BYTE * version.deposit_bytes()) + PER_BYTE * "digits".len() as u64
}

#[test]
fn a_registered_model_can_be_run() {
    story(|| {
        alice_registers();

        let info = <Models as ModelRegistry>::version(version(0, 1));
        assert_eq!(
            info,
            Some(VersionInfo {
                root: root(1),
                parts: parts(1, digits()),
                active: true
            })
        );
        assert!(Models::is_active(version(0, 1)));
        System::assert_has_event(
            Event::Registered {
                model: 0,
                owner: ALICE,
                name: name("digits"),
            }
            .into(),
        );
        System::assert_last_event(
            Event::VersionPublished {
                version: version(0, 1),
                root: root(1),
            }
            .into(),
        );
    });
}

#[test]
fn versions_are_listed_in_pages_with_their_names() {
    story(|| {
        alice_registers();
        alice_publishes(2);
        assert_ok!(Models::deprecate(RuntimeOrigin::signed(ALICE), version(0, 1)));

        let first = Models::models_from(None, 1);
        assert_eq!(first.len(), 1);
        let second = Models::models_from(Some(first[0].version), 10);
        let mut all: Vec<_> = first.into_iter().chain(second).collect();
        all.sort_by_key(|info| info.version.version);
        let listed: Vec<_> = all.iter().map(|info| (info.version, info.root, info.active)).collect();
        assert_eq!(
            listed,
            [(version(0, 1), root(1), false), (version(0, 2), root(2), true)]
        );
        assert!(all.iter().all(|info| info.name == b"digits"));
    });
}

#[test]
fn views_find_a_model_by_its_name_and_its_root() {
    story(|| {
        alice_registers();
        alice_publishes(2);

        assert_eq!(Models::model_by_name(name("digits")), Some(version(0, 2)));
        assert_eq!(Models::model_by_name(name("letters")), None);
        assert_eq!(Models::version_by_root(root(1)), Some(version(0, 1)));
        assert_eq!(
            Models::version_record(version(0, 2)).map(|record| record.root),
            Some(root(2))
        );
    });
}

#[test]
fn the_deposit_follows_the_versions() {
    story(|| {
        alice_registers();
        assert_eq!(held(ALICE), deposit(1));
        alice_publishes(2);
        alice_publishes(3);
        assert_eq!(held(ALICE), deposit(3));

        assert_ok!(Models::deprecate(RuntimeOrigin::signed(ALICE), version(0, 2)));
        assert_eq!(held(ALICE), deposit(3));
        advance_to(1 + RETIREMENT_BLOCKS);
        assert_ok!(Models::remove_version(RuntimeOrigin::signed(ALICE), version(0, 2)));
        assert_eq!(held(ALICE), deposit(2));
    });
}

#[test]
fn a_deprecated_version_is_known_and_inactive() {
    story(|| {
        alice_registers();
        assert_ok!(Models::deprecate(RuntimeOrigin::signed(ALICE), version(0, 1)));

        assert!(!Models::is_active(version(0, 1)));
        assert_eq!(
            <Models as ModelRegistry>::version(version(0, 1)).map(|info| info.active),
            Some(false)
        );
        System::assert_last_event(Event::Deprecated { version: version(0, 1) }.into());
        assert_noop!(
            Models::deprecate(RuntimeOrigin::signed(ALICE), version(0, 1)),
            Error::<Test>::AlreadyDeprecated
        );
    });
}

#[test]
fn a_version_is_removed_only_after_its_retirement() {
    story(|| {
        alice_registers();
        let remove = || Models::remove_version(RuntimeOrigin::signed(ALICE), version(0, 1));
        assert_noop!(remove(), Error::<Test>::NotDeprecated);

        advance_to(5);
        assert_ok!(Models::deprecate(RuntimeOrigin::signed(ALICE), version(0, 1)));
        advance_to(5 + RETIREMENT_BLOCKS - 1);
        assert_noop!(remove(), Error::<Test>::NotRetired);
        advance_to(5 + RETIREMENT_BLOCKS);
        assert_ok!(remove());
        assert_noop!(remove(), Error::<Test>::UnknownModel);
    });
}

#[test]
fn the_last_version_takes_the_model_with_it() {
    story(|| {
        alice_registers();
        assert_ok!(Models::deprecate(RuntimeOrigin::signed(ALICE), version(0, 1)));
        advance_to(1 + RETIREMENT_BLOCKS);
        assert_ok!(Models::remove_version(RuntimeOrigin::signed(ALICE), version(0, 1)));

        assert_eq!(held(ALICE), 0);
        assert_eq!(ModelRecords::<Test>::iter().count(), 0);
        assert_eq!(Versions::<Test>::iter().count(), 0);
        assert_eq!(VersionByRoot::<Test>::iter().count(), 0);
        assert_eq!(ModelByName::<Test>::iter().count(), 0);
    });
}

#[test]
fn a_freed_name_and_root_get_a_new_number() {
    story(|| {
        alice_registers();
        assert_ok!(Models::deprecate(RuntimeOrigin::signed(ALICE), version(0, 1)));
        advance_to(1 + RETIREMENT_BLOCKS);
        assert_ok!(Models::remove_version(RuntimeOrigin::signed(ALICE), version(0, 1)));

        alice_registers();
        assert!(<Models as ModelRegistry>::version(version(0, 1)).is_none());
        assert!(Models::is_active(version(1, 1)));
        assert_eq!(NextModelId::<Test>::get(), 2);
    });
}

#[test]
fn a_removed_version_number_is_not_used_again() {
    story(|| {
        alice_registers();
        alice_publishes(2);
        assert_ok!(Models::deprecate(RuntimeOrigin::signed(ALICE), version(0, 2)));
        advance_to(1 + RETIREMENT_BLOCKS);
        assert_ok!(Models::remove_version(RuntimeOrigin::signed(ALICE), version(0, 2)));

        alice_publishes(2);
        assert_eq!(Models::version_by_root(root(2)), Some(version(0, 3)));
        assert_noop!(
            Models::remove_version(RuntimeOrigin::signed(ALICE), version(0, 2)),
            Error::<Test>::UnknownVersion
        );
    });
}

#[test]
fn retirement_outlasts_every_job() {
    story(<Models as Hooks<u64>>::integrity_test);
}

#[test]
#[should_panic(expected = "RetirementBlocks must be longer")]
fn a_retirement_shorter_than_a_job_is_caught() {
    story(|| {
        LongestJob::set(RETIREMENT_BLOCKS);
        <Models as Hooks<u64>>::integrity_test();
    });
}

#[test]
fn a_version_is_not_retired_by_blocks_that_others_fill() {
    story(|| {
        alice_registers();
        assert_ok!(Models::deprecate(RuntimeOrigin::signed(ALICE), version(0, 1)));
        advance_to(10 * RETIREMENT_BLOCKS);
        FullBlocks::set(9 * RETIREMENT_BLOCKS);
        let remove = || Models::remove_version(RuntimeOrigin::signed(ALICE), version(0, 1));
        assert_noop!(remove(), Error::<Test>::NotRetired);
        advance_to(10 * RETIREMENT_BLOCKS + 1);
        assert_ok!(remove());
    });
}
