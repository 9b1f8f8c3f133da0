//! Receipts of sessions: a wrong one convicts its worker, and an honest one stands.

use super::*;
use assay_client::chain::{DisputesEvent, SessionsEvent};
use assay_e2e::{books::Books, sessions::PRICE, watcher::Watcher, worker::Worker};
use assay_types::{
    dispute::Fault,
    session::{SessionEnd, SessionPhase},
};

/// Number of the request, which is not the first.
const SEQUENCE: u32 = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_receipt_convicts_its_worker() {
    let mut network = Network::start().await;
    network
        .story("a worker signs a wrong receipt and loses its stake", async |network| {
            set_clocks(network, 120).await?;
            let digits = Digits::register(network).await?;
            let dave = Worker::start_lying(network, DAVE, &["--lie", "wrong-output"]).await?;
            let watcher = Watcher::start(network, "Eve").await?;
            let books = Books::open(network, &["Bob"]).await?;
            let session = network.open_session("Dave", "Bob", digits.model.version).await?;
            let receipt = network.receipt(session, SEQUENCE, Some("wrong-output"), &["Dave", "Eve"])?;
            ensure!(
                receipt.message.output_digest != digits.answer(0)?.digest,
                "the receipt is right"
            );
            network.challenge_receipt(&network.account("Eve")?, &receipt).await?;

            let ticket = session.claim(SEQUENCE)?;
            let record = network
                .dispute_record("the slash is applied", ticket, GAME_BLOCKS * 4, is_slash_applied)
                .await?;
            let conviction = record.conviction()?;
            ensure!(matches!(conviction.fault, Fault::Element { .. }), "{conviction:?}");
            assert_eq!(conviction.worker, network.id("Dave")?);
            assert_eq!(conviction.challenger, network.id("Eve")?);
            assert_eq!(conviction.to_client, (LOCK * 20 / 100) as u128);
            assert_eq!(record.revealed().len(), 3, "trace, tensor and chunk: {record:?}");
            network
                .session_event("the session is broken off", session, GAME_BLOCKS * 4, |event| {
                    let fraud = SessionEnd::Fraud { claim: ticket.job };
                    matches!(event, SessionsEvent::SessionSettled { reason, redeemed: 0, .. } if *reason == fraud)
                })
                .await?;
            // The budget is back.
            books.close(network, &[("Bob", LOCK / 5)]).await?;
            ensure_said(&dave.said()?, &["CONVICTED"])?;
            watcher
                .until_said(network, "won: the worker is convicted", 1, GAME_BLOCKS)
                .await
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_receipt_is_upheld() {
    let mut network = Network::start().await;
    network
        .story("an honest receipt is challenged, and stands", async |network| {
            set_clocks(network, 30).await?;
            let digits = Digits::register(network).await?;
            let charlie = Worker::start(network, CHARLIE).await?;
            let session = network.open_session("Charlie", "Bob", digits.model.version).await?;
            let receipt = network.receipt(session, SEQUENCE, None, &["Charlie"])?;
            assert_eq!(receipt.message.output_digest, digits.answer(0)?.digest);
            let books = Books::open(network, &["Charlie", "Ferdie"]).await?;
            network.challenge_receipt(&network.account("Ferdie")?, &receipt).await?;
            let disputed = network.client().finalized().await?.session(session.id).await?;
            assert_eq!(disputed.map(|session| session.account.withheld), Some(PRICE));

            network
                .session_event(
                    "the receipt is upheld",
                    session,
                    GAME_BLOCKS * 3,
                    |event| matches!(event, SessionsEvent::ReceiptUpheld { sequence, .. } if *sequence == SEQUENCE),
                )
                .await?;
            let failed = |record: &Record| {
                let failed = |event: &DisputesEvent| matches!(event, DisputesEvent::ChallengeFailed { .. });
                record.moves.iter().any(failed)
            };
            network
                .dispute_record("a failed challenge", session.claim(SEQUENCE)?, GAME_BLOCKS * 3, failed)
                .await?;
            let upheld = network.client().finalized().await?.session(session.id).await?;
            let upheld = upheld.map(|session| (session.account.withheld, session.disputes, session.state.phase()));
            assert_eq!(upheld, Some((0, 0, SessionPhase::Open)));
            books
                .close(network, &[("Charlie", BOND / 2), ("Ferdie", -BOND)])
                .await?;
            ensure_said(&charlie.said()?, &["the claim is challenged", "a challenge has failed"])
        })
        .await;
}
