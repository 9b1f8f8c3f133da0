//! Lies to a client of a session: its own check finds one, and it is convicted on chain.

use super::*;
use assay_client::chain::DisputesEvent;
use assay_e2e::{
    jobs::{inputs_dir, models_dir},
    sessions::OpenSession,
    worker::Worker,
};
use assay_types::dispute::Fault;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_a_session_finds_a_lie_and_has_its_worker_convicted() {
    let mut network = Network::start().await;
    network
        .story(
            "a worker lies in a session, and its client plays the dispute",
            async |network| {
                set_clocks(network, 120).await?;
                let digits = Digits::register(network).await?;
                let lie = ["--lie", "wrong-output"];
                let dave = Worker::start_joined_lying(network, DAVE, &models_dir(), &lie).await?;
                network.offers_sessions("Dave", digits.model.version).await?;
                let since = network.client().finalized().await?.number();
                let input = inputs_dir().display().to_string();
                let ran = network
                    .assay_worker(
                        "Bob",
                        &[
                            "request",
                            "digits",
                            "--session",
                            "--input",
                            &input,
                            "--limit",
                            "1",
                            "--json",
                            "--check-percent",
                            "100",
                        ],
                    )
                    .await?;
                ensure!(ran.succeeded, "{ran:?}");
                ensure_said(
                    &ran.errors,
                    &[
                        "a receipt is wrong and challenged",
                        "no dispute of this account is left",
                    ],
                )?;
                let answers: Vec<Value> = serde_json::from_str(&ran.output)?;
                assert_ne!(answers[0]["output_digest"], format!("{:?}", digits.answer(0)?.digest));
                assert_eq!(answers[0]["is_drawn"], true);
                let id = answers[0]["session"].as_u64().expect("a number");
                let ticket = OpenSession { id, since }.claim(0)?;
                let convicted = |record: &Record| {
                    let convicted = |event: &DisputesEvent| matches!(event, DisputesEvent::WorkerConvicted { .. });
                    record.moves.iter().any(convicted)
                };
                let record = network
                    .dispute_record("the conviction", ticket, GAME_BLOCKS * 4, convicted)
                    .await?;
                let conviction = record.conviction()?;
                ensure!(matches!(conviction.fault, Fault::Element { .. }), "{conviction:?}");
                assert_eq!(conviction.worker, network.id("Dave")?);
                assert_eq!(conviction.challenger, network.id("Bob")?);
                assert_eq!(record.revealed().len(), 3, "trace, tensor and chunk: {record:?}");
                ensure_said(&dave.said()?, &["lying to a client of a session", "CONVICTED"])
            },
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_checks_everything_challenges_no_honest_receipt() {
    let mut network = Network::start().await;
    network
        .story("an honest worker is checked and paid", async |network| {
            let digits = Digits::register(network).await?;
            let _charlie = Worker::start_joined(network, CHARLIE, &models_dir(), "package").await?;
            network.offers_sessions("Charlie", digits.model.version).await?;
            let input = inputs_dir().display().to_string();
            let arguments = [
                "request",
                "digits",
                "--session",
                "--input",
                &input,
                "--limit",
                "5",
                "--json",
            ];
            let arguments = [&arguments[..], &["--check-percent", "100"]].concat();
            let ran = network.assay_worker("Bob", &arguments).await?;
            ensure!(ran.succeeded, "{ran:?}");
            let answers: Vec<Value> = serde_json::from_str(&ran.output)?;
            assert_eq!(answers.len(), 5, "{answers:?}");
            for (index, answer) in answers.iter().enumerate() {
                assert_eq!(answer["output_digest"], format!("{:?}", digits.answer(index)?.digest));
                assert_eq!(answer["is_drawn"], true);
            }
            for said in ["challenges a wrong receipt", "are not checked", "a receipt is wrong"] {
                ensure!(!ran.errors.contains(said), "{}", ran.errors);
            }
            let bob = network.id("Bob")?;
            let disputes = network.client().finalized().await?.disputes_of(&bob).await?;
            ensure!(disputes.is_empty(), "{disputes:?}");
            Ok(())
        })
        .await;
}
