//! Nodes that are killed with SIGKILL while jobs run.

use crate::{
    blocks::{authors, until_final},
    figures::Figures,
    jobs::all_are_paid,
};
use anyhow::ensure;
use assay_e2e::{
    Network as Assay,
    jobs::{Digits, Ticket, terms},
};
use assay_zombienet::Network;
use std::time::Instant;

/// Jobs under way when a node dies.
const JOBS: usize = 8;
/// Blocks after which a collator that is back has certainly had a slot.
const TURN_BLOCKS: u32 = 30;

/// Submits jobs in the name of this account.
async fn submit(assay: &Assay, client: &str, digits: &Digits) -> anyhow::Result<Vec<Ticket>> {
    let requests = (0..JOBS).map(|index| Ok(digits.job(index, &terms())?.request));
    let requests = requests.collect::<anyhow::Result<Vec<_>>>()?;
    assay.submit_all(&assay.account(client)?, requests).await
}

/// The other collator goes on with the jobs; the one that was killed makes blocks again after its restart.
pub async fn a_collator_dies(
    assay: &Assay,
    network: &Network,
    digits: &Digits,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let rpc = network.rpc("full-node")?;
    let tickets = submit(assay, "Bob", digits).await?;
    network.kill("collator-2").await?;
    let (began, at) = (Instant::now(), rpc.finalized().await?);
    all_are_paid(assay, &tickets).await?;
    let (spent, made) = (began.elapsed(), rpc.finalized().await? - at);
    let pace = spent.as_secs_f64() / f64::from(made.max(1));
    figures.note(
        "time between final blocks with one collator of two",
        format!("{pace:.2} s"),
    );

    network.restart("collator-2").await?;
    let back = rpc.best().await?;
    until_final(&rpc, back + TURN_BLOCKS).await?;
    let authors = authors(&rpc, back + 1, back + TURN_BLOCKS).await?;
    ensure!(authors.len() == 2, "the collator that was restarted makes no blocks");
    Ok(())
}

/// The worker, which has talked to the full node, claims through the collator that is next in its configuration. The
/// client is at the other collator meanwhile.
pub async fn the_full_node_dies(
    assay: &mut Assay,
    network: &Network,
    digits: &Digits,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let beside = Assay::attach(&network.url("collator-2")?, Vec::new()).await?;
    let first = submit(assay, "Bob", digits).await?;
    network.kill("full-node").await?;
    let began = Instant::now();
    // Not Bob's: the other node need not have all of his transactions yet.
    let second = submit(&beside, "Ferdie", digits).await?;
    all_are_paid(&beside, &first).await?;
    all_are_paid(&beside, &second).await?;
    figures.seconds(
        "from the death of a worker's node to all its jobs paid",
        began.elapsed(),
    );
    let log = std::fs::read_to_string(assay.folder().join("Charlie.log"))?;
    let other = network.url("collator-1")?;
    ensure!(log.contains(&other), "the worker never went to {other}");

    network.restart("full-node").await?;
    let height = beside.client().finalized().await?.number();
    until_final(&network.rpc("full-node")?, height).await?;
    assay.reconnect().await
}
