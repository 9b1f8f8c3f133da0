//! Authors of blocks, and the time in which blocks come and become final.

use crate::figures::Figures;
use anyhow::ensure;
use assay_zombienet::{Network, rpc::Rpc};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Collators, of which each makes the blocks of every other slot.
const COLLATORS: u64 = 2;
/// Blocks over which the pace is measured: ten relay chain blocks' worth.
const MEASURED: u32 = 30;
/// Longest time for them.
const PATIENCE: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_millis(250);

pub async fn both_collators_author(network: &Network, figures: &mut Figures) -> anyhow::Result<()> {
    let rpc = network.rpc("full-node")?;
    let (first, began) = (rpc.finalized().await?, Instant::now());
    until_final(&rpc, first + MEASURED).await?;
    let pace = began.elapsed() / MEASURED;
    figures.note(
        "time between final parachain blocks",
        format!("{:.2} s", pace.as_secs_f64()),
    );
    let behind = rpc.best().await? - rpc.finalized().await?;
    figures.note("blocks that are not yet final", behind.to_string());

    let authors = authors(&rpc, first + 1, first + MEASURED).await?;
    ensure!(
        authors.len() as u64 == COLLATORS,
        "only one collator has made blocks {} to {}",
        first + 1,
        first + MEASURED
    );
    for (author, blocks) in authors {
        figures.note(
            &format!("blocks of {MEASURED} by collator {}", author + 1),
            blocks.to_string(),
        );
    }
    let relay = network.rpc("validator-1")?;
    ensure!(relay.finalized().await? > 0, "the relay chain finalizes its blocks");
    Ok(())
}

/// Waits until a parachain block is final.
pub async fn until_final(rpc: &Rpc, block: u32) -> anyhow::Result<()> {
    let until = Instant::now() + PATIENCE;
    while rpc.finalized().await? < block {
        ensure!(
            Instant::now() < until,
            "block {block} is not final after {} s",
            PATIENCE.as_secs()
        );
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Blocks that each collator has made, of these: the slot says who it was.
pub async fn authors(rpc: &Rpc, first: u32, last: u32) -> anyhow::Result<BTreeMap<u64, u32>> {
    let mut authors = BTreeMap::new();
    for block in first..=last {
        *authors.entry(rpc.slot(block).await? % COLLATORS).or_default() += 1;
    }
    Ok(authors)
}
