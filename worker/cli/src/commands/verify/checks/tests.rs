//! Receipts of the digits, right and wrong in every part.

use super::*;
use crate::commands::verify::{read, verdict, written};
use assay_client::chain::{AccountId, SessionTerms};
use assay_engine::ReferenceEngine;
use assay_session::{SessionPair, request::delivery, types::ReceiptOf};
use assay_types::{ModelVersion, SessionAccount, SessionState};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn models(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models").join(path)
}

fn package(name: &str) -> Package {
    Package::load(&models(name)).expect("a committed package")
}

fn pair() -> SessionPair {
    SessionPair::ed25519(&[5; 32])
}

fn worker() -> AccountId {
    AccountId::new([7; 32])
}

/// The receipt of one digit as a gateway gives it, whose answer was changed before the worker signed.
pub fn receipt(lie: impl FnOnce(&mut Vec<u8>)) -> Value {
    let package = package("digits/package");
    let parts = package.parts();
    let inputs = assay_text::inputs::read(&models("digits/inputs/digits.safetensors"), package.graph());
    let inputs = inputs.expect("committed inputs").swap_remove(0).tensors;
    let model = ReferenceEngine.load(&package).expect("it loads");
    let request = CheckedRequest::plain(parts, &inputs).expect("it fits");
    let mut output = delivery(parts, &model.run(&inputs).expect("it runs"));
    lie(&mut output);
    let (_, output_digest) = outputs(parts, &request.symbols, &output).expect("it has the size");
    let signed = pair().sign_receipt(ReceiptOf {
        genesis: H256([1; 32]),
        session: 4,
        sequence: 2,
        model_root: H256(package.root()),
        input_digest: request.digest,
        output_digest,
        units: request.units,
        owed: 300,
        block: 40,
    });
    written(&signed, (&worker(), Some(&pair().public())), &request, &output)
}

fn told(value: &Value) -> Told {
    read(value).expect("a receipt").swap_remove(0)
}

/// All checks without a chain.
fn checked(value: &Value) -> Vec<Check> {
    let (package, told) = (package("digits/package"), told(value));
    let (mut checks, exchange) = on_paper(&told, &package);
    checks.push(by_execution(&told, exchange, &package, &ReferenceEngine));
    checks
}

fn having(checks: &[Check], finding: Finding) -> Vec<&'static str> {
    let having = checks.iter().filter(|check| check.finding == finding);
    having.map(|check| check.name).collect()
}

#[test]
fn right_receipt_holds_in_every_part() {
    let checks = checked(&receipt(|_| {}));
    assert_eq!(
        having(&checks, Finding::Holds),
        ["quotation", "signature", "model", "input", "output", "execution"]
    );
    assert_eq!(verdict(checks.iter()), Finding::Holds);
}

#[test]
fn lie_that_is_signed_is_found_by_the_execution_alone() {
    let checks = checked(&receipt(|output| output[0] ^= 1));
    assert_eq!(having(&checks, Finding::Fails), ["execution"]);
    assert_eq!(verdict(checks.iter()), Finding::Fails);
}

#[test]
fn what_was_changed_after_the_signature_is_found_by_its_part() {
    let right = receipt(|_| {});
    let changed = |name: &str, value: Value| {
        let mut receipt = right.clone();
        receipt[name] = value;
        checked(&receipt)
    };
    let other = receipt(|output| output[0] ^= 1);
    let checks = changed("output", other["output"].clone());
    assert_eq!(having(&checks, Finding::Fails), ["output"]);
    assert_eq!(having(&checks, Finding::Unknown), ["execution"]);
    assert_eq!(having(&changed("input", json!("0x00")), Finding::Fails), ["input"]);
    assert_eq!(having(&changed("owed", json!("1")), Finding::Fails), ["quotation"]);
    let key = SessionPair::ed25519(&[6; 32]).public();
    let key = format!("0x{}", hex::encode(codec::Encode::encode(&key)));
    assert_eq!(
        having(&changed("worker_key", json!(key)), Finding::Fails),
        ["signature"]
    );
    // The signed bytes of another answer: nothing else fits them.
    let checks = changed("signed", other["signed"].clone());
    assert_eq!(having(&checks, Finding::Fails), ["quotation", "output"]);
}

#[test]
fn what_is_missing_leaves_it_undecided() {
    let mut receipt = receipt(|_| {});
    let fields = receipt.as_object_mut().expect("an object");
    fields.remove("worker_key");
    fields.remove("output");
    let checks = checked(&receipt);
    assert_eq!(having(&checks, Finding::Unknown), ["signature", "output", "execution"]);
    assert_eq!(verdict(checks.iter()), Finding::Unknown);
}

#[test]
fn receipt_of_another_model_is_not_executed() {
    let package = package("gpt/package");
    let (checks, exchange) = on_paper(&told(&receipt(|_| {})), &package);
    assert_eq!(having(&checks, Finding::Fails), ["model"]);
    assert!(exchange.is_none());
}

#[test]
fn receipts_come_alone_in_a_list_or_in_an_answer_of_json_rpc() {
    let receipt = receipt(|_| {});
    let of = |value: Value| read(&value).map(|told| told.len());
    assert_eq!(of(json!({ "jsonrpc": "2.0", "id": 1, "result": receipt })), Ok(1));
    assert_eq!(of(json!([receipt, receipt])), Ok(2));
    for (value, word) in [
        (json!({ "runs": [] }), "assay_receipt"),
        (json!({ "receipts": ["a"] }), "assay_receipt"),
        (json!({ "job": 3 }), "results"),
        (json!({ "session": 1 }), "signed"),
        (json!([]), "no receipt"),
        (json!("session-1-2"), "object"),
        (json!({ "signed": "0x00" }), "SCALE"),
        (json!({ "signed": "00" }), "hexadecimal"),
    ] {
        let error = read(&value).expect_err("no receipt").to_string();
        assert!(error.contains(word), "{value}: {error}");
    }
}

fn session(state: SessionState<u32>) -> Session {
    Session {
        client: AccountId::new([9; 32]),
        worker: worker(),
        model: ModelVersion { model: 0, version: 1 },
        model_root: H256(package("digits/package").root()),
        terms: SessionTerms {
            base: 1,
            rate: 0,
            min_budget: 1,
            max_budget: 100,
            lock_percent: 100,
            max_blocks: 100,
            window_blocks: 100,
        },
        client_key: SessionPair::ed25519(&[8; 32]).public(),
        worker_key: pair().public(),
        account: SessionAccount::new(100),
        locked: 100,
        disputes: 0,
        state,
    }
}

#[test]
fn session_that_knows_the_key_and_the_model_holds() {
    let told = told(&receipt(|_| {}));
    let checks = by_record(&told, &session(SessionState::Open { until: 50 }), Some(500), false);
    assert_eq!(
        having(&checks, Finding::Holds),
        ["session", "worker", "stake", "verdict"]
    );
}

#[test]
fn session_with_another_key_or_worker_fails() {
    let told = told(&receipt(|_| {}));
    let mut record = session(SessionState::Open { until: 50 });
    record.worker_key = SessionPair::ed25519(&[6; 32]).public();
    record.worker = AccountId::new([6; 32]);
    let checks = by_record(&told, &record, Some(500), false);
    assert_eq!(having(&checks, Finding::Fails), ["session", "worker"]);
}

#[test]
fn disputes_and_convictions_leave_it_undecided() {
    let told = told(&receipt(|_| {}));
    let open = session(SessionState::Open { until: 50 });
    assert_eq!(
        having(&by_record(&told, &open, Some(500), true), Finding::Unknown),
        ["verdict"]
    );
    let mut convicted = session(SessionState::Convicted);
    convicted.locked = 0;
    let checks = by_record(&told, &convicted, None, false);
    assert_eq!(having(&checks, Finding::Unknown), ["stake", "verdict"]);
}
