//! Acknowledged writes are there after a crash, and a disk that fails stops nothing else.

use super::*;
use assay_exact::trace::Trace;
use std::{io::Write, os::unix::fs::PermissionsExt};

const INPUT: H256 = H256([5; 32]);

fn open(folder: &Path) -> Result<Store, StoreError> {
    Store::open(folder, H256::repeat_byte(7), &AccountId::new([1; 32]))
}

fn folder_of(folder: &Path) -> PathBuf {
    let stores = fs::read_dir(folder).expect("readable");
    stores.into_iter().next().expect("one store").expect("readable").path()
}

/// The store as it is on disk at this moment, opened elsewhere: what a `kill -9` or a power cut would leave.
fn as_after_a_crash(from: &Path, change: impl FnOnce(&File)) -> (tempfile::TempDir, Result<Store, StoreError>) {
    let copy = tempfile::tempdir().expect("temporary folder");
    let to = copy.path().join(folder_of(from).file_name().expect("it has a name"));
    fs::create_dir(&to).expect("made");
    fs::copy(folder_of(from).join("store.redb"), to.join("store.redb")).expect("copied");
    let database = File::options().read(true).write(true).open(to.join("store.redb"));
    change(&database.expect("there"));
    let store = open(copy.path());
    (copy, store)
}

#[test]
fn a_bid_survives_a_crash_and_a_closed_one_does_not() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = open(folder.path()).expect("new");
    let kept = store.seal(1, 50).expect("written");
    store.seal(2, 60).expect("written");
    store.forget(2).expect("written");
    let (_copy, crashed) = as_after_a_crash(folder.path(), |_| {});
    assert_eq!(crashed.expect("whole").bids(), BTreeMap::from([(1, kept.clone())]));
    drop(store);
    let store = open(folder.path()).expect("reopened");
    assert_eq!(store.bids(), BTreeMap::from([(1, kept)]));
}

#[test]
fn what_was_not_committed_is_gone_and_what_was_acknowledged_is_there() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = open(folder.path()).expect("new");
    let kept: BTreeMap<_, _> = (0..50)
        .map(|job| (job, store.seal(job, 50).expect("written")))
        .collect();
    let committed = fs::metadata(folder_of(folder.path()).join("store.redb"))
        .expect("there")
        .len();
    let database = store.database().expect("open");
    let transaction = database.begin_write().expect("begun");
    {
        // More than the file has room for, so that it grows.
        let mut table = transaction.open_table(BIDS).expect("there");
        for job in 1000..60_000 {
            table.insert(job, (1, [9; 32])).expect("inserted");
        }
    }
    let (_copy, crashed) = as_after_a_crash(folder.path(), |_| {});
    assert_eq!(crashed.expect("repaired").bids(), kept);
    // The file's new length may not have reached the disk.
    let (_copy, crashed) = as_after_a_crash(folder.path(), |file| file.set_len(committed).expect("cut off"));
    assert_eq!(crashed.expect("repaired").bids(), kept);
    // No crash cuts a file off at a length that it never had. What did is named, and nothing is taken for lost.
    let (_copy, crashed) = as_after_a_crash(folder.path(), |file| file.set_len(committed - 1).expect("cut off"));
    let error = crashed.expect_err("damaged").to_string();
    assert!(error.contains("store.redb"), "{error}");
    transaction.abort().expect("aborted");
}

#[test]
fn a_damaged_database_is_named_and_nothing_in_it_is_lost_silently() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = open(folder.path()).expect("new");
    store.seal(1, 50).expect("written");
    let (_copy, crashed) = as_after_a_crash(folder.path(), |mut file| {
        file.write_all(b"this is no database").expect("written");
    });
    let error = crashed.expect_err("damaged").to_string();
    assert!(error.contains("store.redb"), "{error}");
}

#[test]
fn the_file_of_an_earlier_version_is_taken_over_once() {
    let folder = tempfile::tempdir().expect("temporary folder");
    drop(open(folder.path()).expect("new"));
    let log = folder_of(folder.path()).join("bids.jsonl");
    let salt = "ab".repeat(32);
    let cut_off = r#"{"record":"bid","job":4,"pri"#;
    let records = format!(
        "{{\"record\":\"bid\",\"job\":1,\"price\":\"50\",\"salt\":\"{salt}\"}}\n\
         {{\"record\":\"bid\",\"job\":2,\"price\":\"60\",\"salt\":\"{salt}\"}}\n\
         {{\"record\":\"closed\",\"job\":2}}\n{cut_off}"
    );
    fs::write(&log, records).expect("written");
    let store = open(folder.path()).expect("taken over");
    let bid = SealedBid {
        price: 50,
        salt: [0xab; 32],
    };
    assert_eq!(store.bids(), BTreeMap::from([(1, bid)]));
    store.forget(1).expect("forgotten");
    drop(store);
    assert!(!log.exists(), "it would be read again");
    assert!(open(folder.path()).expect("reopened").bids().is_empty());
}

#[test]
fn a_spoilt_line_of_that_file_is_named_and_not_skipped() {
    let folder = tempfile::tempdir().expect("temporary folder");
    drop(open(folder.path()).expect("new"));
    let log = folder_of(folder.path()).join("bids.jsonl");
    fs::write(log, "nonsense\n{\"record\":\"closed\",\"job\":1}\n").expect("written");
    assert!(matches!(open(folder.path()), Err(StoreError::Corrupt { line: 1, .. })));
}

#[test]
fn two_workers_cannot_share_a_store() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let _first = open(folder.path()).expect("new");
    assert!(matches!(open(folder.path()), Err(StoreError::InUse { .. })));
}

#[test]
fn an_input_is_kept_until_the_last_job_that_has_it_is_closed() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = open(folder.path()).expect("new");
    for job in [1, 2] {
        assert_eq!(store.keep_input(job, INPUT, b"input").expect("written"), Copied::Kept);
    }
    drop(store);
    let store = open(folder.path()).expect("reopened");
    assert_eq!(store.jobs_with_inputs().expect("read"), [1, 2]);
    store.drop_input(1).expect("dropped");
    assert_eq!(store.input(INPUT).expect("read").as_deref(), Some(b"input".as_slice()));
    store.drop_input(2).expect("dropped");
    assert_eq!(store.input(INPUT).expect("read"), None);
    assert!(store.jobs_with_inputs().expect("read").is_empty());
}

#[test]
fn inputs_are_bounded_in_total() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = open(folder.path()).expect("new");
    let keep = |job: u8| store.keep_input_within(job.into(), H256([job; 32]), &[0; 1000], 2500);
    assert_eq!(keep(1).expect("written"), Copied::Kept);
    assert_eq!(keep(2).expect("written"), Copied::Kept);
    assert_eq!(keep(3).expect("written"), Copied::NoRoom);
    store.drop_input(1).expect("dropped");
    assert_eq!(keep(3).expect("written"), Copied::Kept);
}

#[test]
fn the_oldest_traces_make_room_for_new_ones() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = open(folder.path()).expect("new");
    let trace = |salt: u8| Trace {
        inputs: vec![[salt; 32]],
        nodes: vec![[salt; 32]; 10],
        outputs: vec![[salt; 32]],
        symbols: vec![u32::from(salt)],
    };
    let keep = |salt: u8| store.keep_trace_within(INPUT, H256([salt; 32]), &trace(salt), 900);
    for salt in 1..=2 {
        keep(salt).expect("written");
    }
    keep(1).expect("written anew");
    keep(3).expect("written");
    let there = |salt: u8| store.trace(INPUT, H256([salt; 32])).expect("read");
    assert_eq!([there(1), there(2), there(3)], [Some(trace(1)), None, Some(trace(3))]);
}

/// A folder that nobody may write to, or on a disk that is full.
#[test]
fn a_disk_that_fails_is_named_and_is_used_again_once_it_works() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = open(folder.path()).expect("new");
    let kept = store.seal(1, 50).expect("written");
    // The file is replaced by a folder, in which nothing can be written even by root.
    let path = folder_of(folder.path()).join("store.redb");
    let aside = path.with_extension("aside");
    *guard(&store.0.database) = None;
    fs::rename(&path, &aside).expect("moved");
    fs::create_dir(&path).expect("made");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o500)).expect("set");
    let error = store.seal(2, 60).expect_err("no database").to_string();
    assert!(error.contains("store.redb") && error.contains("data_dir"), "{error}");
    assert_eq!(
        store.bids(),
        BTreeMap::from([(1, kept.clone())]),
        "known without the disk"
    );
    fs::remove_dir(&path).expect("removed");
    fs::rename(&aside, &path).expect("moved back");
    let second = store.seal(2, 60).expect("works again");
    drop(store);
    let store = open(folder.path()).expect("reopened");
    assert_eq!(store.bids(), BTreeMap::from([(1, kept), (2, second)]));
}

#[test]
fn trees_are_found_by_their_jobs_until_they_are_dropped_and_unfinished_ones_do_not_survive_a_start() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = open(folder.path()).expect("new");
    assert!(store.jobs_with_trees().expect("read").is_empty());
    let trees = store.folder().join("trees");
    fs::create_dir(&trees).expect("made");
    for name in ["7.trees", "8.trees", "9.new", "something else"] {
        fs::write(trees.join(name), "leaves").expect("written");
    }
    assert_eq!(store.trees_at(7).path, trees.join("7.trees"));
    let jobs = |store: &Store| {
        let mut jobs = store.jobs_with_trees().expect("read");
        jobs.sort();
        jobs
    };
    assert_eq!(jobs(&store), [7, 8]);
    store.drop_trees(7).expect("dropped");
    store.drop_trees(7).expect("it is gone");
    drop(store);
    let store = open(folder.path()).expect("reopened");
    assert_eq!(jobs(&store), [8]);
    assert!(!trees.join("9.new").exists() && trees.join("something else").exists());
}

#[test]
fn a_salt_is_drawn_once_and_survives_a_crash_until_its_job_is_closed() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let store = open(folder.path()).expect("new");
    let (salts, written) = store.salts(&[1, 2]);
    written.expect("written");
    assert_ne!(salts[&1], salts[&2]);
    let (again, written) = store.salts(&[2, 1]);
    written.expect("nothing is to be written");
    assert_eq!(again, salts);
    let (_copy, crashed) = as_after_a_crash(folder.path(), |_| {});
    let crashed = crashed.expect("whole");
    assert_eq!(
        [1, 2].map(|job| crashed.salt(job)),
        [1, 2].map(|job| salts.get(&job).copied())
    );
    store.drop_salt(1).expect("written");
    assert_eq!(store.jobs_with_salts(), [2]);
    drop(store);
    let store = open(folder.path()).expect("reopened");
    assert_eq!((store.salt(1), store.salt(2)), (None, salts.get(&2).copied()));
}
