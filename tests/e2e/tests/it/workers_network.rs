//! The workers' network between real processes: packages, inputs and outputs by digest, and who is reached.

use anyhow::ensure;
use assay_client::chain::BlockNumber;
use assay_e2e::{
    Network,
    jobs::{Digits, inputs_dir, models_dir},
    watcher::Watcher,
    worker::{self, Worker},
};
use serde_json::Value;
use std::fs;

/// Has the package, and asks more for it.
const CHARLIE: worker::Terms = worker::Terms {
    name: "Charlie",
    price: "0.5",
    capacity: 16,
    bid: None,
};
/// Begins with nothing.
const DAVE: worker::Terms = worker::Terms {
    name: "Dave",
    price: "0.3",
    ..CHARLIE
};
/// Blocks in which a worker has announced its node.
const ANNOUNCED_BLOCKS: BlockNumber = 60;
/// Blocks in which a watcher has fetched an input and executed the job.
const CHECKED_BLOCKS: BlockNumber = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_with_an_empty_folder_fetches_its_model_and_earns() {
    let mut network = Network::start().await;
    network
        .story("packages, inputs and outputs go by digest", async |network| {
            let digits = Digits::register(network).await?;
            let charlie = Worker::start_joined(network, CHARLIE, &models_dir(), "package").await?;
            announced(network, "Charlie").await?;

            let empty = network.folder().join("empty");
            fs::create_dir(&empty)?;
            let dave = Worker::start_joined(network, DAVE, &empty, "digits").await?;
            announced(network, "Dave").await?;
            ensure!(dave.said()?.contains("the package is here"), "{}", dave.said()?);
            ensure!(empty.join("digits/manifest.toml").is_file(), "the package has no place");

            let watcher = Watcher::start_joined(network, "Eve").await?;
            let input = inputs_dir().display().to_string();
            let saved = network.folder().join("outputs").display().to_string();
            let arguments = [
                "request",
                "digits",
                "--input",
                &input,
                "--limit",
                "1",
                "--network",
                "--no-output",
                "--wait",
                "closed",
                "--save",
                &saved,
                "--json",
            ];
            let ran = network.assay_worker("Bob", &arguments).await?;
            ensure!(ran.succeeded, "{ran:?}");
            let outcomes: Vec<Value> = serde_json::from_str(&ran.output)?;
            assert_eq!(outcomes.len(), 1, "{outcomes:?}");
            assert_eq!(outcomes[0]["worker"], network.id("Dave")?.to_string());
            assert_eq!(outcomes[0]["state"], "settled");
            assert_eq!(outcomes[0]["output_digest"], format!("{:?}", digits.answer(0)?.digest));
            // It did not come with the claim.
            assert_eq!(outcomes[0]["digest_matches"], true, "{}", ran.errors);
            ensure!(fs::read_dir(&saved)?.count() == 1, "the output is not saved");
            watcher
                .until_said(network, "the claim is right", 1, CHECKED_BLOCKS)
                .await?;
            ensure!(
                charlie.said()?.contains("gives the package to whoever asks"),
                "{}",
                charlie.said()?
            );
            Ok(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_reaches_nobody_is_told_why() {
    let mut network = Network::start().await;
    network
        .story("the state of the workers' network is told", async |network| {
            let nobody = network.assay_worker("Bob", &["network", "status"]).await?;
            assert_eq!(nobody.code, Some(1), "{nobody:?}");
            said(
                &nobody.output,
                &["0 workers are announced", "NOBODY IS KNOWN", "--bootnode"],
            )?;
            let stranger = "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
            let gone = network
                .assay_worker("Bob", &["network", "status", "--bootnode", stranger])
                .await?;
            assert_eq!(gone.code, Some(1), "{gone:?}");
            said(
                &gone.output,
                &["FAILED    bootnode 12D3KooWDpJ7", "NOBODY IS REACHED: 1 nodes"],
            )?;
            // A request whose inputs nobody can have is not made.
            let input = inputs_dir().display().to_string();
            let arguments = ["request", "digits", "--input", &input, "--limit", "1", "--network"];
            Digits::register(network).await?;
            let _charlie = Worker::start(network, CHARLIE).await?;
            network
                .refuses("Bob", &arguments, &["nobody in the workers' network is reached"])
                .await?;

            let _dave = Worker::start_joined(network, DAVE, &models_dir(), "package").await?;
            announced(network, "Dave").await?;
            let account = network.id("Dave")?.to_string();
            let reached = network.assay_worker("Bob", &["network", "status"]).await?;
            assert_eq!(reached.code, Some(0), "{reached:?}");
            let words = [format!("reached   worker {account}"), "1 of 1 nodes answer".to_owned()];
            said(&reached.output, &words.each_ref().map(String::as_str))?;
            let pinged = network.assay_worker("Bob", &["network", "ping", &account]).await?;
            assert_eq!(pinged.code, Some(0), "{pinged:?}");
            let unknown = network.id("Eve")?.to_string();
            network
                .refuses("Bob", &["network", "ping", &unknown], &["has announced no node"])
                .await
        })
        .await;
}

/// Waits until a worker has announced its node.
async fn announced(network: &Network, name: &str) -> anyhow::Result<()> {
    let account = network.id(name)?;
    let what = format!("{name} has announced its node");
    network
        .until(&what, ANNOUNCED_BLOCKS, async |snapshot| {
            Ok(snapshot.announcement(&account).await?.map(drop))
        })
        .await
}

fn said(output: &str, words: &[&str]) -> anyhow::Result<()> {
    for word in words {
        ensure!(output.contains(word), "no `{word}`:\n{output}");
    }
    Ok(())
}
