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
