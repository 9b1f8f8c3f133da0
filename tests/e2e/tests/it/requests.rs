//! Clients that are interrupted, killed, and come back: nothing that is paid is lost, and nothing is submitted twice.

use anyhow::ensure;
use assay_client::chain::MarketEvent;
use assay_e2e::{
    Network, Ran,
    jobs::{CLOSE_BLOCKS, Digits, Ticket, inputs_dir},
    worker::{self, Worker},
};
use serde_json::Value;

const CHARLIE: worker::Terms = worker::Terms {
    name: "Charlie",
    price: "0.4",
    capacity: 16,
    bid: None,
};
/// Said when jobs are on chain.
const SUBMITTED: &str = "submitted as jobs";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_request_is_gone_on_with() {
    let mut network = Network::start().await;
    let mut stage = None;
    network
        .story(
            "a request is interrupted, resumed, and its results are fetched",
            async |network| {
                let digits = Digits::register(network).await?;
                let charlie = Worker::start(network, CHARLIE).await?;
                interrupted(network, &digits).await?;
                stage = Some((digits, charlie));
                Ok(())
            },
        )
        .await;
    let (digits, _charlie) = stage.expect("the story was told");
    network
        .story(
            "a request is killed while it submits, and each input has one job",
            async |network| killed(network, &digits).await,
        )
        .await;
}

async fn interrupted(network: &Network, digits: &Digits) -> anyhow::Result<()> {
    let since = network.client().finalized().await?.number();
    let input = inputs_dir().display().to_string();
    let arguments = [
        "request", "digits", "--input", &input, "--limit", "3", "--wait", "closed",
    ];
    let ran = network.signalled("Bob", &arguments, SUBMITTED, "INT").await?;
    assert_eq!(ran.code, Some(130), "{ran:?}");
    for words in ["jobs 0-2", "request --resume 1", "results --request 1"] {
        ensure!(ran.errors.contains(words), "no `{words}`:\n{}", ran.errors);
    }

    let resumed = network.assay_worker("Bob", &["request", "--resume", "--json"]).await?;
    ensure!(resumed.succeeded, "{resumed:?}");
    the_answers(digits, &outcomes(&resumed)?, &["claimed", "settled"])?;

    let fetched = network.assay_worker("Bob", &["results", "--json"]).await?;
    ensure!(fetched.succeeded, "{fetched:?}");
    the_answers(digits, &outcomes(&fetched)?, &["claimed", "settled"])?;

    // Closed jobs are found in events, without a journal and by anybody.
    for job in 0..3 {
        network.tale(Ticket { job, since }, CLOSE_BLOCKS).await?;
    }
    let elsewhere = network.folder().join("elsewhere").display().to_string();
    let save = network.folder().join("outputs");
    let saved = save.display().to_string();
    let arguments = [
        "results",
        "0",
        "1",
        "2",
        "--json",
        "--journal",
        &elsewhere,
        "--save",
        &saved,
    ];
    let fetched = network.assay_worker("Dave", &arguments).await?;
    ensure!(fetched.succeeded, "{fetched:?}");
    let found = outcomes(&fetched)?;
    the_answers(digits, &found, &["settled"])?;
    ensure!(found.iter().all(|outcome| outcome["final"] == true), "{found:?}");
    for job in 0..3 {
        ensure!(
            save.join(format!("job-{job}.safetensors")).is_file(),
            "job {job} is not saved"
        );
    }
    let unknown = network.assay_worker("Bob", &["results", "7"]).await?;
    ensure!(unknown.errors.contains("job 7: it is not open"), "{unknown:?}");
    Ok(())
}

async fn killed(network: &Network, digits: &Digits) -> anyhow::Result<()> {
    let since = network.client().finalized().await?.number();
    let input = inputs_dir().display().to_string();
    let arguments = ["request", "digits", "--input", &input, "--limit", "3"];
    // It is about to submit, or has just done so.
    let ran = network
        .signalled("Bob", &arguments, "request 2: 3 jobs", "KILL")
        .await?;
    assert_eq!(ran.code, None, "{ran:?}");
    let resumed = network
        .assay_worker("Bob", &["request", "--resume", "2", "--json"])
        .await?;
    ensure!(resumed.succeeded, "{resumed:?}");
    the_answers(digits, &outcomes(&resumed)?, &["claimed", "settled"])?;

    let mut submitted = 0;
    let head = network.client().finalized().await?.number();
    for block in since + 1..=head {
        let events = network.client().at(block).await?.events().await?;
        let is_submission = |event: &&_| {
            matches!(
                event,
                assay_client::chain::Event::Market(MarketEvent::JobSubmitted { .. })
            )
        };
        submitted += events.iter().filter(is_submission).count();
    }
    assert_eq!(submitted, 3, "each input is submitted once");
    Ok(())
}

fn outcomes(ran: &Ran) -> anyhow::Result<Vec<Value>> {
    Ok(serde_json::from_str(&ran.output)?)
}

/// The outcomes are those of the first digits, in order.
fn the_answers(digits: &Digits, outcomes: &[Value], states: &[&str]) -> anyhow::Result<()> {
    assert_eq!(outcomes.len(), 3, "{outcomes:?}");
    for (index, outcome) in outcomes.iter().enumerate() {
        let digest = format!("{:?}", digits.answer(index)?.digest);
        ensure!(outcome["output_digest"] == digest, "{outcome}");
        ensure!(outcome["digest_matches"] == true, "{outcome}");
        ensure!(states.iter().any(|state| outcome["state"] == *state), "{outcome}");
    }
    Ok(())
}
