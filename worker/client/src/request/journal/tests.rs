//! Journals on disk: what is written, what is torn, and who may go on.

use super::*;
use crate::{
    chain::{AccountId, H256},
    request::stories::{jobs, terms},
};
use tempfile::{TempDir, tempdir};

fn begin(inputs: &[u8]) -> (TempDir, Journal) {
    let folder = tempdir().expect("a temporary folder");
    let journal = another(folder.path(), inputs);
    (folder, journal)
}

fn header(jobs: &[Prepared]) -> Header {
    let origin = Origin {
        genesis: H256::repeat_byte(3),
        after: 17,
        after_hash: H256::repeat_byte(5),
    };
    Header::new(&origin, &AccountId::new([1; 32]), H256::repeat_byte(4), &terms(), jobs)
}

fn another(folder: &Path, inputs: &[u8]) -> Journal {
    let jobs = jobs(inputs);
    let header = header(&jobs);
    Journal::create(folder, header, &jobs).expect("a new journal")
}

fn sending(inputs: &[usize]) -> Entry {
    Entry::Sending {
        inputs: inputs.to_vec(),
        after: 17,
    }
}

fn submitted(jobs: &[(usize, u64)]) -> Entry {
    Entry::Submitted {
        jobs: jobs.to_vec(),
        by: 19,
    }
}

#[test]
fn what_is_about_to_be_submitted_comes_back_whole() {
    let (folder, journal) = begin(&[5, 6]);
    assert_eq!(journal.id(), 1);
    drop(journal);
    let (journal, record) = Journal::open(folder.path(), None).expect("it is there");
    let inputs = journal.inputs(&record.header).expect("the inputs are there");
    let again = record.prepared(inputs).expect("sound");
    for (job, original) in again.iter().zip(jobs(&[5, 6])) {
        assert_eq!(job.request, original.request);
        assert_eq!(
            (&job.name, job.digest, job.label),
            (&original.name, original.digest, original.label)
        );
    }
    assert_eq!(record.header.terms.terms(), Some(terms()));
    assert_eq!((record.followed, record.jobs.len(), record.unknown.len()), (17, 0, 0));
}

#[test]
fn a_journal_is_numbered_after_the_last_one_and_the_last_one_is_gone_on_with() {
    let (folder, first) = begin(&[5]);
    let second = another(folder.path(), &[6]);
    assert_eq!((first.id(), second.id()), (1, 2));
    drop((first, second));
    let (id, record) = Journal::read(folder.path(), None).expect("it is there");
    assert_eq!((id, record.header.inputs[0].name.as_str()), (2, "input-6"));
    let (id, _) = Journal::read(folder.path(), Some(1)).expect("it is there");
    assert_eq!(id, 1);
    let unknown = Journal::read(folder.path(), Some(7)).expect_err("there is none");
    assert!(unknown.to_string().contains("there are: 1, 2"), "{unknown}");
    let empty = Journal::read(&folder.path().join("elsewhere"), None).expect_err("there is none");
    assert!(empty.to_string().contains("--journal"), "{empty}");
}

#[test]
fn a_line_that_was_cut_off_is_ignored_and_overwritten() {
    for torn in [&b"{\"submitted\":{\"jobs\":[[0,"[..], b"{\"subm\n", b"\0\0\0\0\0", b"{"] {
        let (folder, mut journal) = begin(&[5, 6]);
        journal.write(&sending(&[0, 1])).expect("written");
        let path = journal.path().to_owned();
        drop(journal);
        let whole = fs::read(&path).expect("readable");
        fs::write(&path, [&whole[..], torn].concat()).expect("writable");
        let (mut journal, record) = Journal::open(folder.path(), None).expect("the rest is sound");
        assert_eq!(record.unknown.len(), 2);
        journal.write(&submitted(&[(0, 7), (1, 8)])).expect("written");
        drop(journal);
        let (_, record) = Journal::read(folder.path(), None).expect("sound again");
        assert_eq!((record.jobs[&0], record.jobs[&1]), ((7, 19), (8, 19)));
        assert!(record.unknown.is_empty());
    }
}

#[test]
fn damage_in_the_middle_is_named() {
    let (folder, mut journal) = begin(&[5]);
    journal.write(&sending(&[0])).expect("written");
    journal.write(&submitted(&[(0, 7)])).expect("written");
    let path = journal.path().to_owned();
    drop(journal);
    let text = fs::read_to_string(&path).expect("readable");
    fs::write(&path, text.replace("\"sending\"", "\"ending\"")).expect("writable");
    let error = Journal::open(folder.path(), None).expect_err("line 2 is none");
    assert!(matches!(error, JournalError::Damaged { line: 2, .. }), "{error}");
}

#[test]
fn a_request_that_ended_before_its_first_line_was_whole_submitted_nothing() {
    let (folder, journal) = begin(&[5]);
    let path = journal.path().to_owned();
    drop(journal);
    fs::write(&path, b"{\"request\":{\"wri").expect("writable");
    let error = Journal::open(folder.path(), None).expect_err("there is nothing");
    assert!(error.to_string().contains("nothing was submitted"), "{error}");
}

#[test]
fn two_programs_do_not_go_on_with_one_request() {
    let (folder, journal) = begin(&[5]);
    let error = Journal::open(folder.path(), None).expect_err("it is being written");
    assert!(matches!(error, JournalError::Locked { id: 1 }), "{error}");
    Journal::read(folder.path(), None).expect("it may be read");
    drop(journal);
    Journal::open(folder.path(), None).expect("it is free");
}

#[test]
fn events_of_jobs_survive_being_written_and_read() {
    let (client, worker) = (AccountId::new([1; 32]), AccountId::new([2; 32]));
    let events = [
        crate::chain::MarketEvent::JobAssigned {
            job: 3,
            worker: worker.clone(),
            price: 1_500_000_000_001,
            deadline: 60,
        },
        crate::chain::MarketEvent::JobClaimed {
            job: 3,
            worker: worker.clone(),
            output_digest: H256::repeat_byte(8),
            window_until: 90,
            output: Some(vec![0, 1, 255]),
        },
        crate::chain::MarketEvent::JobClosed {
            job: 3,
            client: client.clone(),
            reason: assay_types::CloseReason::Fraud,
            worker: Some(worker),
            paid: 0,
        },
    ];
    for event in events {
        let line = JobEvent::from_chain(&event).expect("it is kept");
        let text = serde_json::to_string(&line).expect("text");
        let read: JobEvent = serde_json::from_str(&text).expect("the same text");
        assert_eq!(read.to_chain(&client), Some(event));
    }
}

#[test]
fn a_journal_that_cannot_be_written_says_where_and_what_to_do() {
    let folder = tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    fs::write(&file, b"").expect("writable");
    let jobs = jobs(&[5]);
    let header = header(&jobs);
    let error = Journal::create(&file, header, &jobs).expect_err("a file is no folder");
    assert!(error.to_string().contains("--journal names another folder"), "{error}");
}
