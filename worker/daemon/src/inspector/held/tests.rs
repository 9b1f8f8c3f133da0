//! Receipts that somebody holds are disputed on a fake chain.

use super::{
    super::tests::{SEQUENCE, SESSION, inspector, session, worker},
    *,
};
use crate::skeleton::tests::{Tested, author_until, key};
use assay_client::chain::{DisputesCall, Session, SessionsCall, fake::FakeChain};
use assay_ops::tensor::tensors_digest;
use assay_session::{SessionPair, types::ReceiptOf};
use assay_types::{ClaimSource, SessionState, dispute};
use std::path::Path;
use tokio::{sync::watch, task::JoinHandle};

/// The first block of the fake chain.
const GENESIS: H256 = H256([1; 32]);

fn pair() -> SessionPair {
    SessionPair::ed25519(&[5; 32])
}

fn claim() -> ClaimId {
    let source = ClaimSource::Receipt {
        session: SESSION,
        sequence: SEQUENCE,
    };
    source.id().expect("within the bounds")
}

/// A receipt that the worker has signed for the tested inputs, with something changed before.
fn held(tested: &Tested, output_digest: H256, change: impl FnOnce(&mut ReceiptOf)) -> HeldReceipt {
    let mut receipt = ReceiptOf {
        genesis: GENESIS,
        session: SESSION,
        sequence: SEQUENCE,
        model_root: H256(tested.package.root()),
        input_digest: H256(tensors_digest(tested.inputs())),
        output_digest,
        units: 0,
        owed: 1,
        block: 1,
    };
    change(&mut receipt);
    HeldReceipt {
        receipt: pair().sign_receipt(receipt),
        symbols: Vec::new(),
        inputs: tested.inputs().to_vec(),
        outputs: Vec::new(),
    }
}

fn lie(tested: &Tested) -> HeldReceipt {
    held(tested, H256::repeat_byte(7), |_| {})
}

/// A chain with the session, in which something is changed.
fn chain(tested: &Tested, change: impl FnOnce(&mut Session)) -> FakeChain {
    let chain = FakeChain::new();
    tested.register(&chain);
    let mut record = Session {
        worker_key: pair().public(),
        ..session(tested)
    };
    change(&mut record);
    chain.author_with(|ledger, _| {
        ledger.sessions.insert(SESSION, record);
    });
    chain
}

/// A run that goes on until everything is decided.
struct Disputing {
    running: watch::Sender<bool>,
    ended: JoinHandle<Result<Vec<Option<ReceiptOutcome>>, InspectorError>>,
}

fn disputing(tested: &Tested, chain: &FakeChain, folder: &Path, receipts: Vec<HeldReceipt>) -> Disputing {
    let (inspector, chain) = (inspector(tested, folder), chain.clone());
    let (running, mut shutdown) = Shutdown::channel();
    let ended = tokio::spawn(async move { inspector.dispute(chain, receipts, &mut shutdown).await });
    Disputing { running, ended }
}

impl Disputing {
    async fn outcomes(self, chain: &FakeChain) -> Vec<Option<ReceiptOutcome>> {
        author_until(chain, "all is decided", || self.ended.is_finished()).await;
        let outcomes = self.ended.await.expect("it does not panic");
        outcomes.expect("the chain can be read")
    }
}

fn challenges(calls: &[Call]) -> usize {
    let is_challenge = |call: &&Call| matches!(call, Call::Sessions(SessionsCall::ChallengeReceipt { .. }));
    calls.iter().filter(is_challenge).count()
}

/// Makes blocks until the receipt is disputed.
async fn until_disputed(chain: &FakeChain) {
    author_until(chain, "the receipt is disputed", || {
        chain.ledger().disputes.contains_key(&claim())
    })
    .await;
}

/// Makes a block in which the worker is convicted.
fn convict(chain: &FakeChain) {
    chain.author_with(|ledger, events| {
        ledger.disputes.remove(&claim());
        events.push(Event::Disputes(DisputesEvent::WorkerConvicted {
            job: claim(),
            worker: worker().account(),
            challenger: key().account(),
            fault: dispute::Fault::Silence {
                place: dispute::Place::Trace,
            },
            slash: 0,
            slashed: 50,
            to_challenger: 20,
            to_client: 10,
        }));
    });
}

#[tokio::test]
async fn a_right_receipt_costs_nothing_and_a_wrong_one_is_challenged_and_its_worker_convicted() {
    let (tested, folder) = (Tested::new(), tempfile::tempdir().expect("a temporary folder"));
    let chain = chain(&tested, |_| {});
    let right = held(&tested, tested.output_digest(), |receipt| receipt.sequence += 1);
    let run = disputing(&tested, &chain, folder.path(), vec![right, lie(&tested)]);
    until_disputed(&chain).await;
    convict(&chain);
    let outcomes = run.outcomes(&chain).await;
    assert_eq!(outcomes, [Some(ReceiptOutcome::Right), Some(ReceiptOutcome::Convicted)]);
    assert_eq!(challenges(&chain.sent()), 1);
}

#[tokio::test]
async fn a_silent_worker_is_told_on_and_a_dispute_without_a_conviction_is_named() {
    let (tested, folder) = (Tested::new(), tempfile::tempdir().expect("a temporary folder"));
    let chain = chain(&tested, |_| {});
    let run = disputing(&tested, &chain, folder.path(), vec![lie(&tested)]);
    // The fake chain ends a dispute by a timeout, without a conviction.
    assert_eq!(run.outcomes(&chain).await, [Some(ReceiptOutcome::Acquitted)]);
    let timed_out = |call: &Call| matches!(call, Call::Disputes(DisputesCall::ClaimTimeout { .. }));
    assert!(chain.included().iter().any(timed_out));
}

#[tokio::test]
async fn a_run_that_was_killed_is_taken_up_without_a_second_challenge() {
    let (tested, folder) = (Tested::new(), tempfile::tempdir().expect("a temporary folder"));
    let chain = chain(&tested, |_| {});
    let killed = disputing(&tested, &chain, folder.path(), vec![lie(&tested)]);
    until_disputed(&chain).await;
    killed.ended.abort();
    let run = disputing(&tested, &chain, folder.path(), vec![lie(&tested)]);
    for _ in 0..10 {
        chain.author();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    convict(&chain);
    assert_eq!(run.outcomes(&chain).await, [Some(ReceiptOutcome::Convicted)]);
    assert_eq!(challenges(&chain.sent()), 1);
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_of_a_dispute_is_replaced() {
    let (tested, folder) = (Tested::new(), tempfile::tempdir().expect("a temporary folder"));
    let chain = chain(&tested, |_| {});
    let run = disputing(&tested, &chain, folder.path(), vec![lie(&tested)]);
    until_disputed(&chain).await;
    chain.break_off();
    convict(&chain);
    tokio::time::sleep(Duration::from_millis(50)).await;
    chain.restore();
    assert_eq!(run.outcomes(&chain).await, [Some(ReceiptOutcome::Convicted)]);
    assert_eq!(challenges(&chain.sent()), 1);
}

#[tokio::test]
async fn an_end_that_nobody_read_for_too_many_blocks_is_not_guessed() {
    let (tested, folder) = (Tested::new(), tempfile::tempdir().expect("a temporary folder"));
    let chain = chain(&tested, |_| {});
    let run = disputing(&tested, &chain, folder.path(), vec![lie(&tested)]);
    until_disputed(&chain).await;
    // The block of the challenge is read before the connection breaks.
    for _ in 0..10 {
        chain.author();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    chain.break_off();
    convict(&chain);
    for _ in 0..=READ_BLOCKS {
        chain.author();
    }
    chain.restore();
    assert_eq!(run.outcomes(&chain).await, [Some(ReceiptOutcome::Missed)]);
}

#[tokio::test]
async fn what_the_chain_would_refuse_is_not_sent() {
    let tested = Tested::new();
    let untouched = |_: &mut Session| {};
    let mut forged = lie(&tested);
    forged.receipt = SessionPair::ed25519(&[6; 32]).sign_receipt(forged.receipt.message);
    let cases = [
        (
            chain(&tested, untouched),
            held(&tested, H256::zero(), |receipt| receipt.genesis = H256::zero()),
            "another chain",
        ),
        (
            chain(&tested, untouched),
            held(&tested, H256::zero(), |receipt| receipt.session += 1),
            "never opened",
        ),
        (
            chain(&tested, untouched),
            held(&tested, H256::zero(), |receipt| receipt.model_root = H256::zero()),
            "another model",
        ),
        (chain(&tested, untouched), forged, "has not signed"),
        (
            chain(&tested, |session| session.worker = key().account()),
            lie(&tested),
            "another account",
        ),
        (
            chain(&tested, |session| session.state = SessionState::Convicted),
            lie(&tested),
            "convicted already",
        ),
    ];
    for (chain, receipt, words) in cases {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let run = disputing(&tested, &chain, folder.path(), vec![receipt]);
        let outcomes = run.outcomes(&chain).await;
        let [Some(ReceiptOutcome::Unchecked { reason })] = outcomes.as_slice() else {
            panic!("{words}: {outcomes:?}");
        };
        assert!(reason.contains(words), "{reason}");
        assert_eq!(chain.sent(), []);
    }
}

#[tokio::test]
async fn an_account_without_money_is_told_so() {
    let (tested, folder) = (Tested::new(), tempfile::tempdir().expect("a temporary folder"));
    let chain = chain(&tested, |_| {});
    chain.faults(|faults| faults.broke = true);
    let run = disputing(&tested, &chain, folder.path(), vec![lie(&tested)]);
    let outcomes = run.outcomes(&chain).await;
    let [Some(ReceiptOutcome::NotChallenged { reason })] = outcomes.as_slice() else {
        panic!("{outcomes:?}");
    };
    assert!(reason.contains("cannot pay"), "{reason}");
}

#[tokio::test]
async fn a_shutdown_leaves_open_what_is_not_decided() {
    let (tested, folder) = (Tested::new(), tempfile::tempdir().expect("a temporary folder"));
    let chain = chain(&tested, |_| {});
    let run = disputing(&tested, &chain, folder.path(), vec![lie(&tested)]);
    until_disputed(&chain).await;
    run.running.send_replace(true);
    let outcomes = tokio::time::timeout(Duration::from_secs(5), run.ended).await;
    assert!(matches!(outcomes, Ok(Ok(Ok(outcomes))) if outcomes == [None]));
}
