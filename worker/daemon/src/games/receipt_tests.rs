//! Receipts are disputed as jobs are: from what is kept of a request, by both sides.

use super::{GameSet, Honest};
use crate::{
    dispute::{Execution, JobExecution, Reveals},
    job_input::{KeptRequests, RequestId, Sources, lists},
    serve::sessions::with_one,
    skeleton::tests::{MODEL, TIMING, Tested, author_until, key},
};
use assay_adversary::{Liar, Lie, Manner, Random};
use assay_client::chain::{
    Account, Call, ChainView, DisputesCall, Key, Receipt, Session, SessionTerms, SessionsCall, SignedReceipt, Wait,
    fake::FakeChain,
};
use assay_ops::tensor::tensors_digest;
use assay_player::Statements;
use assay_types::{
    ClaimId, ClaimSource, H256, SessionAccount, SessionKey, SessionSignature, SessionState,
    dispute::{Place, Revealed, Side, Statement, TraceHead, check_trace},
};
use polkadot_sdk::{
    sp_core::{ed25519, sr25519},
    sp_runtime::BoundedVec,
};
use std::{path::Path, sync::Arc};

const SESSION: u64 = 7;
const SEQUENCE: u32 = 3;

fn claim() -> ClaimId {
    let source = ClaimSource::Receipt {
        session: SESSION,
        sequence: SEQUENCE,
    };
    source.id().expect("within the bounds")
}

fn stranger() -> Key {
    Key::load("//Ferdie").expect("a development key")
}

/// A session of this worker's, whose keys sign nothing here: the fake chain looks at no signature.
fn session(worker: &Key, tested: &Tested) -> Session {
    Session {
        client: stranger().account(),
        worker: worker.account(),
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

/// A receipt of the request, for these outputs.
fn receipt(tested: &Tested, chain: &FakeChain, output_digest: H256) -> SignedReceipt {
    SignedReceipt {
        message: Receipt {
            genesis: chain.connection().genesis(),
            session: SESSION,
            sequence: SEQUENCE,
            model_root: H256(tested.package.root()),
            input_digest: H256(tensors_digest(tested.inputs())),
            output_digest,
            units: 0,
            owed: 1,
            block: 1,
        },
        signature: SessionSignature::Sr25519(sr25519::Signature::from_raw([0; 64])),
    }
}

async fn challenge(account: &Account, receipt: SignedReceipt) {
    let call = SessionsCall::ChallengeReceipt {
        receipt: Box::new(receipt),
        symbols: BoundedVec::new(),
        commitment: H256::zero(),
    };
    let sent = account.send(Call::Sessions(call), Wait::InBlock).await;
    sent.expect("the fake chain takes it");
}

/// Plays the disputes of this key until the test ends.
fn play(tested: &Tested, chain: &FakeChain, me: &Key, sources: Sources) -> tokio::task::JoinHandle<()> {
    let salts = me.salts(chain.connection().genesis());
    let (mut games, _) = GameSet::new(tested.models.clone(), sources, Arc::new(Honest), me.account(), salts);
    let (connection, account) = (chain.connection(), chain.account(me));
    tokio::spawn(async move {
        games.play(&connection, account, TIMING).await;
    })
}

fn sources(folder: &Path, requests: Option<Arc<dyn KeptRequests>>) -> Sources {
    Sources {
        folder: folder.into(),
        store: None,
        copy: false,
        network: None,
        requests,
    }
}

fn revealed_trace(chain: &FakeChain) -> bool {
    chain.included().iter().any(|call| {
        matches!(call, Call::Disputes(DisputesCall::Reveal { job, statement })
            if *job == claim() && statement.place() == Place::Trace)
    })
}

#[tokio::test]
async fn a_worker_defends_a_receipt_from_what_it_has_kept() {
    let (tested, chain) = (Tested::new(), FakeChain::new());
    let folder = tempfile::tempdir().expect("a temporary folder");
    tested.register(&chain);
    chain.author_with(|ledger, _| {
        ledger.sessions.insert(SESSION, session(&key(), &tested));
    });
    let request = RequestId {
        session: SESSION,
        sequence: SEQUENCE,
    };
    let requests = with_one(folder.path(), &tested, request).await;
    let playing = play(
        &tested,
        &chain,
        &key(),
        sources(folder.path(), Some(Arc::new(requests))),
    );
    chain.faults(|faults| faults.instant_seal = true);
    challenge(
        &chain.account(&stranger()),
        receipt(&tested, &chain, tested.output_digest()),
    )
    .await;
    author_until(&chain, "the trace is revealed", || revealed_trace(&chain)).await;
    playing.abort();
}

#[tokio::test]
async fn a_receipt_of_somebody_else_is_none_of_a_workers_business() {
    let (tested, chain) = (Tested::new(), FakeChain::new());
    let folder = tempfile::tempdir().expect("a temporary folder");
    tested.register(&chain);
    let other = Key::load("//Bob").expect("a development key");
    chain.author_with(|ledger, _| {
        ledger.sessions.insert(SESSION, session(&other, &tested));
    });
    let playing = play(&tested, &chain, &key(), sources(folder.path(), None));
    chain.faults(|faults| faults.instant_seal = true);
    challenge(
        &chain.account(&stranger()),
        receipt(&tested, &chain, tested.output_digest()),
    )
    .await;
    for _ in 0..20 {
        chain.author();
        tokio::time::sleep(TIMING.gather).await;
    }
    assert_eq!(chain.sent().len(), 1, "the challenge alone");
    assert!(!playing.is_finished());
    playing.abort();
}

/// A wrong claim about this execution, and what its worker has revealed of its trace.
fn lie(execution: &dyn Execution) -> (H256, TraceHead, Reveals) {
    for seed in 1..1_000 {
        let mut random = Random(seed);
        let lie = Lie::random(&mut random, execution).expect("an execution");
        let Some(liar) = Liar::new(execution, &lie, Manner::Answers).expect("an execution") else {
            continue;
        };
        let committed = liar.committed();
        let Ok(Some(Statement::Trace(trace))) = liar.statement(&Place::Trace) else {
            continue;
        };
        if let Ok(head) = check_trace::<assay_player::Hash>(execution.parts(), &committed, &trace)
            && committed.output_digest != assay_player::committed(execution).output_digest
        {
            let reveals = Reveals::from([(Place::Trace, Revealed::Nodes(trace.nodes))]);
            return (committed.output_digest, head, reveals);
        }
    }
    panic!("no lie in a thousand can be opened")
}

#[tokio::test]
async fn a_challenger_points_at_what_is_wrong_in_a_receipts_trace() {
    let (tested, chain) = (Tested::new(), FakeChain::new());
    let folder = tempfile::tempdir().expect("a temporary folder");
    tested.register(&chain);
    let worker = Key::load("//Bob").expect("a development key");
    chain.author_with(|ledger, _| {
        ledger.sessions.insert(SESSION, session(&worker, &tested));
    });
    let model = tested.models.get(&H256(tested.package.root())).expect("loaded");
    let subject = model.subject().expect("the same package");
    let execution = JobExecution::new(subject, tested.inputs().to_vec()).expect("inputs that fit");
    let (claimed, head, reveals) = lie(&execution);

    // All that a challenger has is the request, in its folder of inputs.
    let digest = H256(tensors_digest(tested.inputs()));
    let file = folder.path().join(lists::file_name(digest));
    std::fs::write(file, lists::encode(tested.inputs())).expect("the folder can be written");
    let playing = play(&tested, &chain, &key(), sources(folder.path(), None));
    chain.faults(|faults| faults.instant_seal = true);
    challenge(&chain.account(&key()), receipt(&tested, &chain, claimed)).await;
    chain.author_with(|ledger, _| {
        let dispute = ledger.disputes.get_mut(&claim()).expect("challenged");
        dispute.trace = Some(head);
        dispute.games.iter_mut().for_each(|game| game.turn = Side::Challenger);
        let revealed = reveals.into_iter();
        ledger
            .revealed
            .extend(revealed.map(|(place, found)| ((claim(), place), found)));
    });
    let pointed = |call: &Call| {
        matches!(call, Call::Disputes(DisputesCall::Point { job, place, .. })
            if *job == claim() && *place == Place::Trace)
    };
    author_until(&chain, "the challenger points", || chain.included().iter().any(pointed)).await;
    playing.abort();
}
