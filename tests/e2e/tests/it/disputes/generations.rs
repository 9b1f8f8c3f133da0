//! Generations: an answer comes back as text, and a sequence that the model does not generate costs its worker the
//! stake.

use super::*;
use assay_e2e::{
    language::{Babbler, NAME, TEXT, sampling},
    watcher::Watcher,
    worker::Worker,
};
use assay_types::{CloseReason, dispute::Fault};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_comes_back_as_text() {
    let mut network = Network::start().await;
    network
        .story("a language model is asked, and answers", async |network| {
            let babbler = Babbler::register(network).await?;
            let _charlie = Worker::start_in(network, CHARLIE, &babbler.models_dir, None).await?;
            let watcher = Watcher::start_in(network, "Eve", &babbler.models_dir).await?;
            let models_dir = babbler.models_dir.display().to_string();
            let asked = sampling();
            let said = |number: Option<String>| number.unwrap_or_default();
            let (temperature, top_p) = (
                said(asked.temperature.map(|number| number.to_string())),
                said(asked.top_p.map(|number| number.to_string())),
            );
            let (top_k, seed) = (
                said(asked.top_k.map(|number| number.to_string())),
                said(asked.seed.map(|number| number.to_string())),
            );
            let max_tokens = said(asked.max_tokens.map(|number| number.to_string()));
            let arguments = [
                "request",
                NAME,
                "--text",
                TEXT,
                "--models-dir",
                &models_dir,
                "--temperature",
                &temperature,
                "--top-p",
                &top_p,
                "--top-k",
                &top_k,
                "--seed",
                &seed,
                "--max-tokens",
                &max_tokens,
                "--json",
            ];
            let ran = network.assay_worker("Bob", &arguments).await?;
            ensure!(ran.succeeded, "{ran:?}");
            let outcomes: Vec<Value> = serde_json::from_str(&ran.output)?;
            let (tokens, text) = babbler.answer()?;
            assert_eq!(outcomes.len(), 1, "{outcomes:?}");
            assert_eq!(outcomes[0]["tokens"], serde_json::json!(tokens));
            assert_eq!(outcomes[0]["text"], serde_json::json!(text));
            assert_eq!(outcomes[0]["digest_matches"], true);
            watcher
                .until_said(network, "the claim is right", 1, GAME_BLOCKS)
                .await?;

            for (field, value) in [("--max-tokens", "24"), ("--top-k", "65"), ("--temperature", "-1")] {
                let arguments = [
                    "request",
                    NAME,
                    "--text",
                    TEXT,
                    "--models-dir",
                    &models_dir,
                    field,
                    value,
                ];
                network.refuses("Bob", &arguments, &[field]).await?;
            }
            let hidden = [
                "request",
                NAME,
                "--text",
                TEXT,
                "--models-dir",
                &models_dir,
                "--no-output",
            ];
            network.refuses("Bob", &hidden, &["part of the claim"]).await
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sequence_that_the_model_does_not_generate_is_convicted_by_proof() {
    let mut network = Network::start().await;
    network
        .story(
            "a token is changed, drawn otherwise, or left out, and each is found",
            async |network| {
                set_clocks(network, 120).await?;
                let babbler = Babbler::register(network).await?;
                let watcher = Watcher::start_in(network, "Eve", &babbler.models_dir).await?;
                let bob = network.account("Bob")?;
                for (seed, kind) in [(3, "changed-token"), (4, "other-draw"), (5, "stops-early")] {
                    let lie = Some(vec!["--lie", kind]);
                    let mut dave = Worker::start_in(network, DAVE, &babbler.models_dir, lie).await?;
                    let terms = Terms {
                        window_blocks: WINDOW_BLOCKS,
                        ..terms()
                    };
                    let ticket = network.submit(&bob, &babbler.job(seed, &terms)?.request).await?;
                    let tale = network.tale(ticket, CLOSE_BLOCKS + GAME_BLOCKS).await?;
                    assert_eq!(tale.end()?, (CloseReason::Fraud, 0), "{kind}");
                    // A convicted worker gets no job before its slash is applied.
                    let record = network
                        .dispute_record("the slash is applied", ticket, GAME_BLOCKS * 3, is_slash_applied)
                        .await?;
                    let fault = record.conviction()?.fault;
                    ensure!(matches!(fault, Fault::Element { .. }), "{kind}: {fault:?}");
                    dave.kill()?;
                }
                let won = "won: the worker is convicted";
                watcher.until_said(network, won, 3, GAME_BLOCKS).await?;
                ensure_said(
                    &watcher.stop(network, GAME_BLOCKS).await?,
                    &["3 wrong", "3 won, 0 lost"],
                )
            },
        )
        .await;
}
