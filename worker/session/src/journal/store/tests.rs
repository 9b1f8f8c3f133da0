//! Kept state is there after a crash.

use super::*;
use crate::journal::disk::Disk;
use futures::executor::block_on;

fn store(disk: Disk) -> Store {
    Store::with_backend(disk).expect("opens")
}

fn entry(store: &Store, key: Key) -> Option<u64> {
    store.get(Table::State, key).expect("reads")
}

#[test]
fn what_was_written_is_there_after_a_kill_and_after_a_power_failure() {
    let disk = Disk::default();
    let before = store(disk.clone());
    block_on(before.write(vec![put(Table::State, (1, 0), &7u64)])).expect("writes");
    for after in [disk.after_kill(), disk.after_power_failure()] {
        assert_eq!(entry(&store(after), (1, 0)), Some(7));
    }
}

#[test]
fn changes_that_are_written_together_are_there_together_or_not_at_all() {
    let disk = Disk::default();
    let before = store(disk.clone());
    for number in 0..20u64 {
        let changes = vec![put(Table::State, (1, 0), &number), put(Table::Answer, (1, 0), &number)];
        block_on(before.write_soon(changes)).expect("hands over");
        let after = store(disk.after_kill());
        let answer: Option<u64> = after.get(Table::Answer, (1, 0)).expect("reads");
        assert_eq!(entry(&after, (1, 0)), answer);
        assert!(answer.is_none_or(|answer| answer <= number));
    }
}

#[test]
fn what_was_handed_over_is_written_in_its_order_and_before_the_last_handle_goes() {
    let disk = Disk::default();
    let first = store(disk.clone());
    for number in 0..100u64 {
        block_on(first.write_soon(vec![put(Table::State, (1, 0), &number)])).expect("hands over");
    }
    drop(first);
    assert_eq!(entry(&store(disk.after_power_failure()), (1, 0)), Some(99));
}

#[test]
fn all_that_wait_for_the_disk_are_written_by_one_sync() {
    const GROUPS: u64 = 200;
    let disk = Disk::default();
    let store = store(disk.clone());
    let before = disk.syncs();
    disk.hold(true);
    let written: Vec<Written> = (0..GROUPS)
        .map(|session| {
            let changes = vec![
                put(Table::State, (session, 0), &session),
                put(Table::Answer, (session, 0), &session),
            ];
            block_on(store.write_behind(changes)).expect("hands over")
        })
        .collect();
    let lost = Store::with_backend(disk.after_power_failure()).expect("opens");
    assert!(
        lost.all::<u64>(Table::State).expect("reads").is_empty(),
        "nothing was synced"
    );
    disk.hold(false);
    for one in written {
        block_on(one.wait()).expect("writes");
    }
    let syncs = disk.syncs() - before;
    // The thread may have taken some of them before the others were there.
    assert!(syncs <= 4, "{syncs} syncs for {GROUPS} groups");
    let after = Store::with_backend(disk.after_power_failure()).expect("opens");
    for table in [Table::State, Table::Answer] {
        let expected: Vec<_> = (0..GROUPS).map(|session| ((session, 0), session)).collect();
        assert_eq!(after.all::<u64>(table).expect("reads"), expected);
    }
}

#[test]
fn whoever_was_told_finds_its_entry_after_a_power_failure_whatever_was_written_with_it() {
    const WRITERS: u64 = 8;
    let disk = Disk::default();
    let store = store(disk.clone());
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (store, disk) = (store.clone(), disk.clone());
            scope.spawn(move || {
                for number in 0..12u64 {
                    block_on(store.write(vec![put(Table::State, (writer, 0), &number)])).expect("writes");
                    let after = Store::with_backend(disk.after_power_failure()).expect("opens");
                    assert_eq!(entry(&after, (writer, 0)), Some(number));
                }
            });
        }
    });
}

#[test]
fn what_was_handed_over_before_is_read_once_the_store_is_settled() {
    let store = store(Disk::default());
    for number in 0..50u64 {
        let _written = block_on(store.write_behind(vec![put(Table::State, (1, 0), &number)])).expect("hands over");
        block_on(store.settle()).expect("settles");
        assert_eq!(entry(&store, (1, 0)), Some(number));
    }
}

/// Changes of few entries, as often of the same one as can be.
fn random_changes(random: &mut u64) -> Vec<Change> {
    let mut below = |bound: u64| {
        *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (*random >> 33) % bound
    };
    let mut changes = Vec::new();
    for _ in 0..=below(4) {
        let table = [Table::State, Table::Receipt, Table::Input][below(3) as usize];
        let key = (below(3), below(2) as u32);
        changes.push(match below(8) {
            0 => Change::Forget(key.0),
            1 | 2 => Change::Remove(table, key),
            _ => put(table, key, &below(1_000)),
        });
    }
    changes
}

#[test]
fn groups_that_are_written_together_are_what_they_are_one_after_the_other() {
    let mut random = 7;
    for _ in 0..40 {
        let groups: Vec<Vec<Change>> = (0..10).map(|_| random_changes(&mut random)).collect();
        let disk = Disk::default();
        let (together, alone) = (store(disk.clone()), store(Disk::default()));
        disk.hold(true);
        for changes in &groups {
            block_on(together.write_soon(changes.clone())).expect("hands over");
            block_on(alone.write(changes.clone())).expect("writes");
        }
        disk.hold(false);
        block_on(together.settle()).expect("settles");
        for table in Table::ALL {
            let (ours, theirs) = (together.all::<u64>(table), alone.all::<u64>(table));
            assert_eq!(ours.expect("reads"), theirs.expect("reads"), "{groups:?}");
        }
    }
}

#[test]
fn a_session_is_forgotten_with_everything_about_it_and_others_are_not() {
    let store = store(Disk::default());
    let changes = vec![
        put(Table::State, (1, 0), &1u64),
        put(Table::Receipt, (1, 5), &1u64),
        put(Table::Input, (1, u32::MAX), &1u64),
        put(Table::State, (2, 0), &2u64),
    ];
    block_on(store.write(changes)).expect("writes");
    block_on(store.write(vec![Change::Forget(1), Change::Remove(Table::Case, (2, 0))])).expect("writes");
    assert_eq!(store.all::<u64>(Table::State).expect("reads"), [((2, 0), 2)]);
    assert!(store.all::<u64>(Table::Receipt).expect("reads").is_empty());
    assert!(store.all::<u64>(Table::Input).expect("reads").is_empty());
}

#[test]
fn an_entry_of_another_version_is_an_error_with_the_session() {
    let store = store(Disk::default());
    block_on(store.write(vec![put(Table::State, (3, 0), &7u8)])).expect("writes");
    let read = store.get::<u64>(Table::State, (3, 0));
    assert_eq!(read, Err(JournalError::Entry { session: 3 }));
}

#[test]
fn a_journal_in_a_file_is_opened_again_and_by_one_process_at_a_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let first = Store::open(&path).expect("opens");
    block_on(first.write(vec![put(Table::State, (1, 0), &7u64)])).expect("writes");
    assert!(matches!(Store::open(&path), Err(JournalError::Open { .. })));
    drop(first);
    assert_eq!(entry(&Store::open(&path).expect("opens"), (1, 0)), Some(7));
}
