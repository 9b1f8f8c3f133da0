//! A dispute about a model of 22 million parameters.

use super::*;
use assay_client::request::find_model;
use assay_client::{registration::register, request::prepare_all};
use assay_e2e::{watcher::Watcher, worker::Worker};
use assay_package::Package;
use assay_text::inputs;
use assay_types::{CloseReason, dispute::Fault};
use std::{fs, path::Path};

/// Blocks for a job whose model is ninety megabytes, of which two programs hash every one.
const SLOW_BLOCKS: BlockNumber = 600;
const SENTENCE: &str = r#"{"tokens": [[101, 7592, 2088, 102]], "mask": [[1, 1, 1, 1]]}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs what `make models` fetches"]
async fn a_lie_in_the_middle_of_minilm_is_convicted_by_proof() {
    let mut network = Network::start().await;
    network
        .story("a sentence is embedded wrongly", async |network| {
            set_clocks(network, SLOW_BLOCKS).await?;
            let models_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/all-minilm-l6-v2");
            let package = Package::load(&models_dir.join("package"))?;
            let version = register(&network.account("Alice")?, &package, None).await?;
            let model = find_model(&network.client().finalized().await?, &version.to_string()).await?;
            let sentence = network.folder().join("sentence.json");
            fs::write(&sentence, SENTENCE)?;
            let terms = Terms {
                window_blocks: SLOW_BLOCKS,
                deadline_blocks: SLOW_BLOCKS,
                ..terms()
            };
            let jobs = prepare_all(&inputs::read(&sentence, package.graph())?, &package, &model, &terms)?;

            let lie = Some(vec!["--lie", "wrong-output"]);
            let dave = Worker::start_in(network, DAVE, &models_dir, lie).await?;
            let watcher = Watcher::start_in(network, "Eve", &models_dir).await?;
            let ticket = network.submit(&network.account("Bob")?, &jobs[0].request).await?;
            let tale = network.tale(ticket, 3 * SLOW_BLOCKS).await?;
            assert_eq!(tale.end()?, (CloseReason::Fraud, 0));
            let record = network
                .dispute_record("a conviction", ticket, 4 * SLOW_BLOCKS, |record| {
                    record.conviction().is_ok()
                })
                .await?;
            let fault = record.conviction()?.fault;
            ensure!(matches!(fault, Fault::Element { .. }), "{fault:?}");
            println!("{fault:?} after {:?}", record.revealed());
            ensure_said(&dave.said()?, &["CONVICTED"])?;
            let won = "won: the worker is convicted";
            watcher.until_said(network, won, 1, GAME_BLOCKS).await?;
            ensure_said(&watcher.stop(network, GAME_BLOCKS).await?, &["1 won, 0 lost"])
        })
        .await;
}
