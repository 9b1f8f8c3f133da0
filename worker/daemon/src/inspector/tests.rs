//! Receipts are checked on a stand-in for the engine.

use super::*;
use crate::skeleton::tests::{MODEL, Tested, author_until, common, key};
use assay_client::chain::{
    Call, DisputesCall, Key, Session, SessionTerms, SessionsCall, SignedReceipt, Wait, fake::FakeChain,
};
use assay_ops::tensor::tensors_digest;
use assay_session::Signed;
use assay_types::{SessionAccount, SessionKey, SessionSignature, SessionState, session::Receipt};
use polkadot_sdk::{
    sp_core::{ed25519, sr25519},
    sp_runtime::BoundedVec,
};
use std::path::Path;

pub(super) const SESSION: u64 = 7;
pub(super) const SEQUENCE: u32 = 3;

/// An inspector whose engine has the tested model.
pub(super) fn inspector(tested: &Tested, folder: &Path) -> Inspector {
    let inspector = Inspector::new(common(folder), H256::zero(), None);
    let ready = inspector.shared.ready_on(tested.engine().engine);
    assert!(inspector.shared.ready.set(ready).is_ok());
    inspector.shared.started.send_replace(true);
    inspector
}

pub(super) fn worker() -> Key {
    Key::load("//Bob").expect("a development key")
}

/// Receipt that a worker has signed for the tested inputs.
fn wrong(tested: &Tested, output_digest: H256) -> WrongReceipt {
    let receipt = Receipt {
        genesis: H256::zero(),
        session: SESSION,
        sequence: SEQUENCE,
        model_root: H256(tested.package.root()),
        input_digest: H256(tensors_digest(tested.inputs())),
        output_digest,
        units: 0,
        owed: 1,
        block: 1,
    };
    WrongReceipt {
        worker: worker().account(),
        model: MODEL,
        receipt: Signed {
            message: receipt,
            signature: SessionSignature::Sr25519(sr25519::Signature::from_raw([0; 64])),
        },
        symbols: Vec::new(),
        inputs: tested.inputs().to_vec(),
        outputs: Vec::new(),
    }
}

fn case(of: WrongReceipt) -> Case {
    Case {
        model: of.model,
        worker: of.worker,
        symbols: of.symbols,
        inputs: of.inputs,
        outputs: of.outputs,
        receipt: of.receipt,
    }
}

#[tokio::test]
async fn a_receipt_is_right_if_an_execution_gives_what_it_says() {
    let (tested, folder) = (Tested::new(), tempfile::tempdir().expect("a temporary folder"));
    let inspector = inspector(&tested, folder.path());
    let right = wrong(&tested, tested.output_digest());
    assert_eq!(inspector.check(case(right)).await, Ok(Verdict::Right));
    let lie = wrong(&tested, H256::repeat_byte(1));
    assert_eq!(inspector.check(case(lie.clone())).await, Ok(Verdict::Wrong));
    let mut unknown = lie;
    unknown.receipt.message.model_root = H256::zero();
    assert!(
        inspector.check(case(unknown)).await.is_err(),
        "what is not executed is not judged"
    );
}

#[tokio::test]
async fn a_challenge_commits_to_a_trace_and_its_request_outlives_the_process() {
    let (tested, folder) = (Tested::new(), tempfile::tempdir().expect("a temporary folder"));
    let inspector = inspector(&tested, folder.path());
    let lie = wrong(&tested, H256::repeat_byte(1));
    let commitment = inspector.prepare(&lie).await.expect("it is wrong");
    assert_eq!(inspector.prepare(&lie).await, Ok(commitment), "the same again");
    let digest = lie.receipt.message.input_digest;
    let kept = std::fs::read(folder.path().join(lists::file_name(digest))).expect("it is kept");
    assert_eq!(lists::decode(digest, &kept), Ok(tested.inputs().to_vec()));
}

#[tokio::test]
async fn a_receipt_that_a_second_execution_gives_is_not_challenged() {
    let (tested, folder) = (Tested::new(), tempfile::tempdir().expect("a temporary folder"));
    let inspector = inspector(&tested, folder.path());
    let right = wrong(&tested, tested.output_digest());
    let refused = inspector.prepare(&right).await.expect_err("it is right");
    assert!(refused.contains("not to be relied on"), "{refused}");
}

#[tokio::test]
async fn an_engine_without_packages_is_named_and_nothing_is_judged() {
    let (tested, folder) = (Tested::new(), tempfile::tempdir().expect("a temporary folder"));
    let inspector = Inspector::new(common(folder.path()), H256::zero(), None);
    let unchecked = inspector.check(case(wrong(&tested, H256::zero()))).await;
    let reason = unchecked.expect_err("there is no package").reason;
    assert!(reason.contains("holds no package"), "{reason}");
}

/// A session of the worker that is challenged; the fake chain looks at no signature.
pub(super) fn session(tested: &Tested) -> Session {
    Session {
        client: key().account(),
        worker: worker().account(),
        model: MODEL,
        model_root: H256(tested.package.root()),
        terms: SessionTerms {
            base: 1,
            rate: 0,
            min_budget: 1,
            max_budget: 100,
            lock_percent: 100,
            max_blocks: 1_000,
            window_blocks: 1_000,
        },
        client_key: SessionKey::Ed25519(ed25519::Public::from_raw([1; 32])),
        worker_key: SessionKey::Ed25519(ed25519::Public::from_raw([2; 32])),
        account: SessionAccount::new(100),
        locked: 100,
        disputes: 0,
        state: SessionState::Open { until: 1_000 },
    }
}

#[tokio::test]
async fn a_challenge_that_was_sent_is_played_by_the_inspector() {
    let (tested, chain) = (Tested::new(), FakeChain::new());
    let folder = tempfile::tempdir().expect("a temporary folder");
    tested.register(&chain);
    chain.author_with(|ledger, _| {
        ledger.sessions.insert(SESSION, session(&tested));
    });
    let inspector = inspector(&tested, folder.path());
    let lie = wrong(&tested, H256::repeat_byte(1));
    let commitment = inspector.prepare(&lie).await.expect("it is wrong");
    chain.faults(|faults| faults.instant_seal = true);
    let (connection, account) = (chain.connection(), chain.account(&key()));
    let Signed { message, signature } = lie.receipt;
    let call = SessionsCall::ChallengeReceipt {
        receipt: Box::new(SignedReceipt { message, signature }),
        symbols: BoundedVec::new(),
        commitment,
    };
    let sent = account.send(Call::Sessions(call), Wait::InBlock).await;
    sent.expect("the fake chain takes it");
    assert!(inspector.has_challenges(&connection).await.expect("the chain answers"));
    // The worker says nothing until its time is over, which the inspector brings to the chain.
    let playing = tokio::spawn({
        let (inspector, account) = (inspector.clone(), account.clone());
        async move { inspector.play(&connection, &account).await }
    });
    let timed_out = |call: &Call| matches!(call, Call::Disputes(DisputesCall::ClaimTimeout { .. }));
    author_until(&chain, "the silence is claimed", || {
        chain.included().iter().any(timed_out)
    })
    .await;
    playing.abort();
}
