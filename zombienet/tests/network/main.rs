//! Assay on a real relay chain: validators check its blocks, two collators make them, and a job is bought, done and
//! paid.
//!
//! One network serves all stories, since it takes longer to start than most of them take to tell. After each the
//! runtime's invariants are checked over the whole state, as in `tests/e2e`, from which this has its words. What a
//! story measures is printed at the end.

mod blocks;
mod definition;
mod figures;
mod fraud;
mod jobs;
mod late;
mod outages;
mod sessions;
mod slice;
mod upgrade;

use assay_e2e::{
    flood::{Flood, Sr25519Keyring::Ferdie},
    jobs::Digits,
    worker::Worker,
};
use assay_zombienet::{Definition, Network};
use figures::Figures;
use std::{path::PathBuf, time::Instant};

/// Where the programs under test lie: beside this one, which is in `debug/deps`.
fn programs() -> PathBuf {
    let test = std::env::current_exe().expect("a program has a path");
    test.ancestors()
        .nth(2)
        .expect("a test lies in a folder of the target directory")
        .to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn assay_works_on_a_relay_chain() {
    let mut figures = Figures::default();
    let began = Instant::now();
    let report = |what: &str| println!("{:4} s  {what}", began.elapsed().as_secs());
    let definition = Definition::built_in()
        .expect("the network that comes with the source")
        .without_ports();
    let network = Network::start(&definition, &programs(), None, report)
        .await
        .expect("the network starts");
    network
        .until_final(1, report)
        .await
        .expect("parachain blocks become final");
    figures.seconds("from nothing to a final parachain block", began.elapsed());
    let full_node = network.url("full-node").expect("the network has a full node");
    let others = vec![network.url("collator-1").expect("the network has a collator")];
    let mut assay = assay_e2e::Network::attach(&full_node, others)
        .await
        .expect("the full node serves clients");

    assay
        .story("both collators make blocks, which become final", async |_| {
            blocks::both_collators_author(&network, &mut figures).await
        })
        .await;
    let mut stage = None;
    assay
        .story("a model is registered, and a worker offers it", async |assay| {
            let digits = Digits::register(assay).await?;
            let charlie = Worker::start(assay, jobs::CHARLIE).await?;
            stage = Some((digits, charlie));
            Ok(())
        })
        .await;
    let (digits, mut charlie) = stage.expect("the story was told");
    assay
        .story("a job is bought through the full node, and paid for", async |assay| {
            jobs::an_honest_job(assay, &network, &digits, &charlie, &mut figures).await
        })
        .await;
    assay
        .story("validators accept blocks with the largest inputs", async |assay| {
            jobs::the_largest_inputs(assay, &network, &digits, &mut figures).await
        })
        .await;
    assay
        .story("validators accept the largest proof", async |assay| {
            fraud::the_largest_proof(assay, &network, &mut figures).await
        })
        .await;
    assay
        .story("a collator dies while jobs run, and comes back", async |assay| {
            outages::a_collator_dies(assay, &network, &digits, &mut figures).await
        })
        .await;
    assay
        .story(
            "the worker's node dies, and it goes on through another",
            async |assay| outages::the_full_node_dies(assay, &network, &digits, &mut figures).await,
        )
        .await;
    assay
        .story("a job is bought by auction, with the default phases", async |assay| {
            jobs::an_auction(assay, &mut figures).await
        })
        .await;
    assay
        .story("a session is opened, used, closed and redeemed", async |assay| {
            sessions::a_session_is_used_and_redeemed(assay, &digits, &mut figures).await
        })
        .await;
    assay
        .story("a worker that was away answers late, for a fee", async |assay| {
            late::a_worker_answers_late(assay, &digits, &mut charlie, &mut figures).await
        })
        .await;
    assay
        .story(
            "a receipt of a session is wrong, and its worker convicted",
            async |assay| sessions::a_wrong_receipt_is_convicted(assay, &digits, &mut figures).await,
        )
        .await;
    assay
        .story("a worker lies while blocks are full, and is convicted", async |assay| {
            let flood = Flood::start(assay, Ferdie)?;
            fraud::a_lie_is_convicted(assay, &digits, &mut figures).await?;
            figures.note(
                "transactions of somebody who fills blocks",
                flood.end().await?.to_string(),
            );
            Ok(())
        })
        .await;
    // The last one, since nothing here signs transactions for the next version.
    assay
        .story("the runtime is replaced, and jobs go on", async |assay| {
            upgrade::the_runtime_is_replaced(assay, &programs(), &digits, &mut figures).await
        })
        .await;

    drop(charlie);
    network.end().await.expect("the network ends");
}
