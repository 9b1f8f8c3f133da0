//! A worker that lies, on a chain whose blocks become final half a minute after they are made.

use crate::{
    figures::Figures,
    slice::{OPERAND_BYTES, Slice},
};
use anyhow::ensure;
use assay_client::{
    chain::{BlockNumber, WorkersEvent},
    request::terms::Terms,
    units::UNIT,
};
use assay_e2e::{
    Network as Assay,
    books::Books,
    jobs::{CLOSE_BLOCKS, Digits, terms},
    watcher::Watcher,
    worker::{self, Worker},
};
use assay_types::{CloseReason, dispute::Fault};
use assay_zombienet::Network;
use std::time::Instant;

/// Dave is cheaper than the honest worker, so the job is his.
const DAVE: worker::Terms = worker::Terms {
    name: "Dave",
    price: "0.3",
    capacity: 16,
    bid: None,
};
/// Another one, since Dave's offer of the first model stays on chain.
const FERDIE: worker::Terms = worker::Terms { name: "Ferdie", ..DAVE };
/// A job for 0.3 locks ten times that.
const LOCK: i128 = 3 * UNIT as i128;
/// Blocks in which a challenge must be made: the claim is final after some twenty, and then has to be checked.
const WINDOW_BLOCKS: BlockNumber = 90;
/// Blocks in which the game must be over. A side answers what is final, so each of eight turns takes some twenty
/// blocks.
const GAME_BLOCKS: BlockNumber = 400;
/// Blocks after which a slash is applied, for the story to see it.
const SLASH_DELAY_BLOCKS: BlockNumber = 10;

/// The clocks are those of the chain; nobody has more time to answer than on a real one.
pub async fn a_lie_is_convicted(assay: &Assay, digits: &Digits, figures: &mut Figures) -> anyhow::Result<()> {
    assay.set_parameters(&[("SlashDelay", SLASH_DELAY_BLOCKS)]).await?;
    let dave = Worker::start_lying(assay, DAVE, &["--lie", "wrong-output"]).await?;
    let watcher = Watcher::start(assay, "Eve").await?;
    let (stake, convicted) = {
        let info = dave.info(assay).await?;
        (info.stake, info.convicted)
    };
    let books = Books::open(assay, &["Bob", "Dave", "Eve"]).await?;

    let terms = Terms {
        window_blocks: WINDOW_BLOCKS,
        ..terms()
    };
    let began = Instant::now();
    let ticket = assay
        .submit(&assay.account("Bob")?, &digits.job(0, &terms)?.request)
        .await?;
    let tale = assay.tale(ticket, CLOSE_BLOCKS + GAME_BLOCKS).await?;
    figures.seconds(
        "from a job's submission to its worker's conviction being final",
        began.elapsed(),
    );
    assert_eq!(tale.end()?, (CloseReason::Fraud, 0));
    let info = dave.info(assay).await?;
    let slashed = stake / 2;
    assert_eq!(
        (info.locked, info.stake, info.convicted),
        (0, stake - slashed, convicted + 1)
    );

    let applied = |event: &WorkersEvent| matches!(event, WorkersEvent::SlashApplied { .. });
    let blocks = CLOSE_BLOCKS + GAME_BLOCKS;
    let record = assay
        .dispute_record("the slash is applied", ticket, blocks, |record| {
            record.slashes.iter().any(applied)
        })
        .await?;
    let fault = record.conviction()?.fault;
    ensure!(
        matches!(fault, Fault::Element { .. }),
        "convicted by proof, not by {fault:?}"
    );
    figures.note("reveals before the proof", record.revealed().len().to_string());
    let (lost, award) = (slashed as i128, (slashed * 30 / 100) as i128);
    let gains = [("Bob", LOCK / 5), ("Dave", -lost), ("Eve", award)];
    books.close(assay, &gains).await?;
    watcher.stop(assay, GAME_BLOCKS).await?;
    Ok(())
}

/// A lie about an element that depends on as much as one may. Its proof is one transaction, which validators execute as
/// well.
pub async fn the_largest_proof(assay: &Assay, network: &Network, figures: &mut Figures) -> anyhow::Result<()> {
    let terms = Terms {
        window_blocks: WINDOW_BLOCKS,
        ..terms()
    };
    // Slashes are applied in order, so this one must not be what the next one waits for.
    assay.set_parameters(&[("SlashDelay", SLASH_DELAY_BLOCKS)]).await?;
    let slice = Slice::register(assay, &terms).await?;
    let _ferdie = Worker::start_in(assay, FERDIE, &slice.models_dir, Some(vec!["--lie", "wrong-output"])).await?;
    let watcher = Watcher::start_in(assay, "Eve", &slice.models_dir).await?;
    let ticket = assay.submit(&assay.account("Bob")?, &slice.request).await?;
    let blocks = CLOSE_BLOCKS + GAME_BLOCKS;
    let tale = assay.tale(ticket, blocks).await?;
    assert_eq!(tale.end()?, (CloseReason::Fraud, 0));
    let fault = assay.conviction(ticket, blocks).await?.fault;
    ensure!(
        matches!(fault, Fault::Element { .. }),
        "convicted by proof, not by {fault:?}"
    );

    let rpc = network.rpc("full-node")?;
    let mut largest = (0, 0);
    // The input is in the first of these blocks, the proof in a later one.
    for block in ticket.since + WINDOW_BLOCKS / 3..=rpc.finalized().await? {
        largest = largest.max((rpc.size(block).await?, block));
    }
    ensure!(
        largest.0 > OPERAND_BYTES,
        "no block has a proof of two rows of 64 KiB; the largest, {}, has {} bytes of transactions",
        largest.1,
        largest.0
    );
    figures.note(
        "block with the largest proof",
        format!("{} KiB of transactions", largest.0 / 1024),
    );
    watcher.stop(assay, GAME_BLOCKS).await?;
    Ok(())
}
