//! Stories of requests on a scripted chain: every way to end, and how they go on.

use super::{
    Prepared, RequestError,
    chain::JobView,
    fake::{FakeChain, Fate, WINDOW, worker},
    journal::{Header, Journal, Origin},
    numbers::EXPIRY_BLOCKS,
    outcome::Outcome,
    progress::{Progress, Summary},
    recover::{Source, look_up},
    run::{Following, Request, Start, Until},
    terms::Terms,
    tracker::Tracker,
};
use crate::chain::{AccountId, H256, JobRequest, SubmitError};
use assay_exact::{DEFINITION_NUMBER, graph::Value, judge::ModelHead};
use assay_types::{
    DataType, Delivery, Dimension, JobId, JobInput, Matching, ModelParts, ModelVersion, Payload, Precision, Schema,
    TensorSchema,
    schema::{ModelKind, Polynomial},
};
use std::{collections::BTreeSet, path::Path, time::Duration};
use tempfile::TempDir;

/// Four bytes in, four bytes out.
pub(super) fn schema() -> Schema {
    let tensor = TensorSchema {
        name: b"bytes".to_vec().try_into().expect("short"),
        data_type: DataType::Uint8,
        dimensions: vec![Dimension::Fixed(4)].try_into().expect("one"),
        range: None,
    };
    Schema {
        symbols: Default::default(),
        inputs: vec![tensor.clone()].try_into().expect("one"),
        outputs: vec![tensor].try_into().expect("one"),
    }
}

/// A plain model with this schema.
pub(super) fn parts() -> ModelParts {
    ModelParts {
        definition: DEFINITION_NUMBER,
        kind: ModelKind::Plain,
        head: ModelHead {
            operators: 1,
            nodes_root: [0; 32],
            weights_root: [0; 32],
        },
        outputs: vec![Value::Node(0)].try_into().expect("one"),
        schema: schema(),
        precision: Precision::Int16,
        work: Polynomial::default(),
        trace_bytes: Polynomial::default(),
        manifest_hash: [0; 32],
    }
}

pub(super) fn terms() -> Terms {
    Terms {
        ceiling: 7,
        matching: Matching::Offers,
        deadline_blocks: 10,
        window_blocks: WINDOW,
        delivery: Delivery::Inline,
        by_digest: false,
    }
}

pub(super) fn jobs(inputs: &[u8]) -> Vec<Prepared> {
    let job = |byte: &u8| Prepared {
        name: format!("input-{byte}"),
        label: Some(i64::from(*byte)),
        request: JobRequest {
            model: ModelVersion { model: 0, version: 1 },
            input: JobInput::Inline(Payload {
                symbols: Default::default(),
                bytes: vec![*byte; 4],
            }),
            ceiling: 7,
            matching: Matching::Offers,
            deadline_blocks: 10,
            window_blocks: WINDOW,
            delivery: Delivery::Inline,
        },
        digest: H256::repeat_byte(*byte),
        bytes: vec![*byte; 4],
    };
    inputs.iter().map(job).collect()
}

fn header(jobs: &[Prepared], after: u32) -> Header {
    let origin = Origin {
        genesis: H256::zero(),
        after,
        after_hash: H256::zero(),
    };
    Header::new(&origin, &client(), H256::zero(), &terms(), jobs)
}

fn client() -> AccountId {
    AccountId::new([1; 32])
}

fn following(until: Until) -> Following {
    Following {
        until,
        accept: false,
        patience: Duration::from_secs(20),
    }
}

/// A request for these inputs with a journal in this folder.
async fn begin(chain: &FakeChain, folder: &Path, inputs: &[u8], until: Until) -> Request {
    let (jobs, after) = (jobs(inputs), chain.head().await.expect("there"));
    let header = header(&jobs, after);
    let journal = Journal::create(folder, header, &jobs).expect("a new journal");
    let start = Start::fresh(&client(), jobs, parts(), Some(journal), after);
    Request::start(chain.clone(), start, following(until))
}

/// The latest request of this folder, gone on with.
fn resume(chain: &FakeChain, folder: &Path, until: Until) -> Request {
    let (journal, record) = Journal::open(folder, None).expect("the journal is there");
    let others = journal.others().into_iter().flat_map(|other| other.jobs.into_values());
    let others = others.map(|(job, _)| job).collect();
    let start = Start::resumed(journal, &record, parts(), others).expect("the journal is sound");
    Request::start(chain.clone(), start, following(until))
}

/// Waits for a request's end.
async fn end(mut request: Request) -> Result<Summary, RequestError> {
    loop {
        match request
            .next()
            .await
            .expect("a request ends with a summary or an error")?
        {
            Progress::Finished(summary) => return Ok(summary),
            _ => continue,
        }
    }
}

/// Stops a request at its first step of this kind, as Ctrl-C or SIGKILL would.
async fn stop_at(mut request: Request, is_it: impl Fn(&Progress) -> bool) {
    while !is_it(&request.next().await.expect("it comes first").expect("it comes first")) {}
    request.stop().await;
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn numbers(summary: &Summary) -> Vec<(usize, JobId)> {
    summary.submitted.iter().map(|job| (job.input, job.job)).collect()
}

/// Every input has a job of its own, with the output that its digest makes, and none was submitted twice.
fn all_is_there(chain: &FakeChain, summary: &Summary, inputs: &[u8]) {
    let digests: Vec<H256> = inputs.iter().map(|byte| H256::repeat_byte(*byte)).collect();
    let mut submitted = chain.state().submitted.clone();
    submitted.sort();
    let mut expected = digests.clone();
    expected.sort();
    assert_eq!(submitted, expected, "each input is submitted once");
    let jobs = numbers(summary);
    assert_eq!(jobs.len(), inputs.len());
    for outcome in Outcome::all(&parts(), &self::jobs(inputs), &jobs, &summary.tracker) {
        assert_eq!(outcome.digest_matches, Some(true), "{outcome:?}");
    }
}

#[tokio::test]
async fn jobs_are_submitted_followed_and_closed() {
    let (chain, folder) = (FakeChain::new(client()), folder());
    let request = begin(&chain, folder.path(), &[1, 2, 3], Until::Closed).await;
    let summary = end(request).await.expect("all goes well");
    all_is_there(&chain, &summary, &[1, 2, 3]);
    assert_eq!(summary.unfinished, 0);
    assert!(summary.tracker.stories().all(|(_, story)| story.is_closed()));
}

#[tokio::test]
async fn results_that_fit_are_accepted_before_their_windows_end() {
    let chain = FakeChain::new(client());
    let start = Start::fresh(&client(), jobs(&[1, 2]), parts(), None, 0);
    let accepting = Following {
        accept: true,
        ..following(Until::Closed)
    };
    let summary = end(Request::start(chain.clone(), start, accepting))
        .await
        .expect("all goes well");
    let mut accepted = chain.state().accepted.clone();
    accepted.sort_unstable();
    assert_eq!(accepted, [0, 1]);
    assert_eq!(summary.unfinished, 0);
}

#[tokio::test]
async fn a_request_that_is_stopped_anywhere_goes_on_without_submitting_twice() {
    let stops: [fn(&Progress) -> bool; 4] = [
        |step| matches!(step, Progress::Submitted(_)),
        |step| matches!(step, Progress::Assigned { .. }),
        |step| matches!(step, Progress::Claimed { .. }),
        |step| matches!(step, Progress::Closed { .. }),
    ];
    for stop in stops {
        let (chain, folder) = (FakeChain::new(client()), folder());
        let request = begin(&chain, folder.path(), &[1, 2, 3], Until::Closed).await;
        stop_at(request, stop).await;
        chain.pass(3);
        let summary = end(resume(&chain, folder.path(), Until::Closed))
            .await
            .expect("it goes on");
        all_is_there(&chain, &summary, &[1, 2, 3]);
    }
}

#[tokio::test]
async fn a_request_goes_on_after_every_line_of_its_journal() {
    let (chain, whole) = (FakeChain::new(client()), folder());
    let request = begin(&chain, whole.path(), &[1, 2, 1], Until::Closed).await;
    end(request).await.expect("all goes well");
    let text = std::fs::read(whole.path().join("1.jsonl")).expect("the journal");
    let ends: Vec<usize> = (0..text.len())
        .filter(|at| text[*at] == b'\n')
        .map(|at| at + 1)
        .collect();
    assert!(ends.len() > 8, "{}", String::from_utf8_lossy(&text));
    // The transaction is in block 1: only what ended before `sending` does not know of it.
    for end_of_line in &ends[1..] {
        let part = folder();
        std::fs::copy(whole.path().join("1.inputs"), part.path().join("1.inputs")).expect("a copy");
        for torn in [0, 7] {
            let upto = (end_of_line + torn).min(text.len());
            std::fs::write(part.path().join("1.jsonl"), &text[..upto]).expect("a copy");
            let summary = end(resume(&chain, part.path(), Until::Closed)).await;
            let summary = summary.unwrap_or_else(|error| panic!("after {upto} bytes: {error}"));
            all_is_there(&chain, &summary, &[1, 2, 1]);
            assert_eq!(numbers(&summary), [(0, 0), (1, 1), (2, 2)]);
        }
    }
}

#[tokio::test]
async fn a_transaction_whose_outcome_was_not_heard_is_found_on_chain() {
    let (chain, folder) = (FakeChain::new(client()), folder());
    chain.state().fates.push_back(Fate::Unheard);
    let outcome = end(begin(&chain, folder.path(), &[1, 2, 1], Until::Claimed).await).await;
    let Err(RequestError::Submit(SubmitError::Unknown(_))) = outcome else {
        panic!("{outcome:?}")
    };
    chain.pass(2);
    let summary = end(resume(&chain, folder.path(), Until::Claimed))
        .await
        .expect("it goes on");
    all_is_there(&chain, &summary, &[1, 2, 1]);
}

#[tokio::test]
async fn a_transaction_that_was_dropped_is_sent_again_only_when_it_cannot_be_included_any_more() {
    let (chain, folder) = (FakeChain::new(client()), folder());
    chain.state().fates.push_back(Fate::Dropped);
    assert!(
        end(begin(&chain, folder.path(), &[1, 2], Until::Claimed).await)
            .await
            .is_err()
    );
    let mut request = resume(&chain, folder.path(), Until::Claimed);
    let first = request.next().await;
    let Some(Ok(Progress::Searching { inputs: 2, until })) = first else {
        panic!("{first:?}")
    };
    assert_eq!(until, EXPIRY_BLOCKS + 1);
    let summary = end(request).await.expect("it goes on");
    all_is_there(&chain, &summary, &[1, 2]);
    let at = summary.tracker.story(0).expect("submitted").submitted.block;
    assert!(at > until, "submitted again in block {at}, and not before {until}");
}

#[tokio::test]
async fn a_request_that_ends_while_its_transaction_is_under_way_does_not_lose_it() {
    let (chain, folder) = (FakeChain::new(client()), folder());
    chain.state().fates.push_back(Fate::Silent);
    let request = begin(&chain, folder.path(), &[1], Until::Claimed).await;
    stop_at(request, |step| matches!(step, Progress::Block(3))).await;
    // The node includes it after the program's end.
    let submitted = JobView::head(&chain).await.expect("there");
    crate::request::chain::JobSender::submit(&chain, vec![jobs(&[1])[0].request.clone()])
        .await
        .expect("included");
    let summary = end(resume(&chain, folder.path(), Until::Claimed))
        .await
        .expect("it goes on");
    all_is_there(&chain, &summary, &[1]);
    assert!(summary.tracker.story(0).expect("found").submitted.block > submitted);
}

#[tokio::test]
async fn what_a_full_pool_refused_is_sent_again_at_once() {
    let (chain, folder) = (FakeChain::new(client()), folder());
    chain.state().fates.extend([Fate::PoolFull, Fate::PoolFull]);
    let summary = end(begin(&chain, folder.path(), &[1, 2, 3], Until::Claimed).await).await;
    all_is_there(&chain, &summary.expect("it gets there"), &[1, 2, 3]);
}

#[tokio::test]
async fn patience_that_is_over_leaves_the_jobs_to_be_gone_on_with() {
    let (chain, folder) = (FakeChain::new(client()), folder());
    chain.state().idle = true;
    let (jobs, after) = (jobs(&[1, 2]), 0);
    let header = header(&jobs, after);
    let journal = Journal::create(folder.path(), header, &jobs).expect("a new journal");
    let start = Start::fresh(&client(), jobs, parts(), Some(journal), after);
    let impatient = Following {
        patience: Duration::from_millis(30),
        ..following(Until::Claimed)
    };
    let summary = end(Request::start(chain.clone(), start, impatient))
        .await
        .expect("it ends");
    assert_eq!(summary.unfinished, 2);
    chain.state().idle = false;
    let summary = end(resume(&chain, folder.path(), Until::Claimed))
        .await
        .expect("it goes on");
    all_is_there(&chain, &summary, &[1, 2]);
}

#[tokio::test]
async fn two_requests_for_the_same_input_have_a_job_each() {
    let (chain, folder) = (FakeChain::new(client()), folder());
    let first = end(begin(&chain, folder.path(), &[1], Until::Claimed).await)
        .await
        .expect("fine");
    chain.state().fates.push_back(Fate::Unheard);
    assert!(
        end(begin(&chain, folder.path(), &[1], Until::Claimed).await)
            .await
            .is_err()
    );
    let second = end(resume(&chain, folder.path(), Until::Claimed))
        .await
        .expect("it goes on");
    assert_eq!((numbers(&first), numbers(&second)), (vec![(0, 0)], vec![(0, 1)]));
}

#[tokio::test]
async fn a_request_goes_on_where_the_node_has_pruned_what_happened() {
    let (chain, folder) = (FakeChain::new(client()), folder());
    let request = begin(&chain, folder.path(), &[1, 2], Until::Closed).await;
    stop_at(request, |step| matches!(step, Progress::Submitted(_))).await;
    chain.pass(40);
    chain.prune(3);
    let summary = end(resume(&chain, folder.path(), Until::Closed))
        .await
        .expect("it goes on");
    // The outputs are in the claims' transactions; how the jobs were closed is not known.
    all_is_there(&chain, &summary, &[1, 2]);
    let outcome = &Outcome::all(&parts(), &jobs(&[1, 2]), &numbers(&summary), &summary.tracker)[0];
    assert_eq!((outcome.state.as_str(), outcome.is_final), ("closed", false));
    assert!(outcome.result.contains("pruned"), "{}", outcome.result);
}

#[tokio::test]
async fn numbers_that_the_node_has_pruned_are_found_while_the_jobs_are_open() {
    let (chain, folder) = (FakeChain::new(client()), folder());
    chain.state().fates.push_back(Fate::Unheard);
    chain.state().idle = true;
    assert!(
        end(begin(&chain, folder.path(), &[1, 2], Until::Claimed).await)
            .await
            .is_err()
    );
    chain.pass(40);
    chain.prune(3);
    chain.state().idle = false;
    let summary = end(resume(&chain, folder.path(), Until::Claimed))
        .await
        .expect("it goes on");
    all_is_there(&chain, &summary, &[1, 2]);
}

#[tokio::test]
async fn numbers_that_the_node_has_pruned_are_not_taken_for_jobs_that_were_never_sent() {
    let (chain, folder) = (FakeChain::new(client()), folder());
    chain.state().fates.push_back(Fate::Unheard);
    assert!(
        end(begin(&chain, folder.path(), &[1, 2], Until::Claimed).await)
            .await
            .is_err()
    );
    chain.pass(200);
    chain.prune(3);
    let outcome = end(resume(&chain, folder.path(), Until::Claimed)).await;
    let Err(error @ RequestError::NumbersPruned { block: 1, inputs: 2 }) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(error.to_string().contains("archive node"), "{error}");
    assert_eq!(chain.state().submitted.len(), 2);
}

/// Where the result of job 0 is found, and whether its output came, this many blocks after its submission.
async fn found(blocks: usize, kept: Option<u32>) -> (Source, bool, Tracker) {
    let chain = FakeChain::new(client());
    let start = Start::fresh(&client(), jobs(&[1]), parts(), None, 0);
    end(Request::start(chain.clone(), start, following(Until::Submitted)))
        .await
        .expect("fine");
    chain.pass(blocks);
    if let Some(kept) = kept {
        chain.prune(kept);
    }
    let mut tracker = Tracker::new(client());
    let head = chain.head().await.expect("there");
    let findings = look_up(&chain, &BTreeSet::from([0]), None, head, &mut tracker)
        .await
        .expect("readable");
    let output = tracker
        .story(0)
        .is_some_and(|story| story.output.as_deref() == Some(&[1; 4]));
    (findings.sources[&0], output, tracker)
}

#[tokio::test]
async fn results_are_found_in_state_then_in_events_then_in_transactions() {
    let (source, output, _) = found(2, None).await;
    assert_eq!((source, output), (Source::State, true));
    let (source, output, tracker) = found(20, None).await;
    assert!(matches!(source, Source::Events(_)) && output, "{source:?}");
    let story = tracker.story(0).expect("found");
    assert!(story.closed.is_some() && story.worker == Some(worker()));
    let (source, output, tracker) = found(20, Some(2)).await;
    assert!(matches!(source, Source::Transaction(_)) && output, "{source:?}");
    assert!(tracker.story(0).expect("found").is_gone);
}

#[tokio::test]
async fn a_job_that_never_was_is_said_to_be_absent() {
    let chain = FakeChain::new(client());
    chain.pass(10);
    let mut tracker = Tracker::new(client());
    let findings = look_up(&chain, &BTreeSet::from([5]), None, 10, &mut tracker)
        .await
        .expect("readable");
    assert_eq!(findings.sources[&5], Source::Absent);
    let outcome = Outcome::unchecked(5, tracker.story(5));
    assert_eq!(
        (outcome.state.as_str(), outcome.result.as_str()),
        ("unknown", "no such job was found")
    );
    chain.prune(2);
    let findings = look_up(&chain, &BTreeSet::from([5]), None, 10, &mut tracker)
        .await
        .expect("readable");
    assert_eq!(findings.sources[&5], Source::Pruned);
}
