//! Stories about disputes: a lie is found and convicted, honest work stands, and whoever is killed goes on.

mod audits;
mod convictions;
mod games;
mod generations;
mod minilm;
mod receipts;
mod sessions;

use anyhow::ensure;
use assay_client::{
    chain::{Account, BlockNumber, Call, DisputesCall, H256, Wait},
    request::terms::Terms,
    units::UNIT,
};
use assay_e2e::{
    Network,
    disputes::Record,
    jobs::{CLOSE_BLOCKS, Digits, Ticket, terms},
    worker,
};
use assay_types::{JobId, Phase};

/// Worker that lies, or is said to.
const DAVE: worker::Terms = worker::Terms {
    name: "Dave",
    price: "0.4",
    capacity: 16,
    bid: None,
};
const CHARLIE: worker::Terms = worker::Terms {
    name: "Charlie",
    ..DAVE
};
const TENTH: i128 = UNIT as i128 / 10;
/// A job for 0.4 locks ten times that.
const LOCK: i128 = 40 * TENTH;
/// The least bond, which is more than its part of that lock.
const BOND: i128 = 10 * TENTH;
/// Blocks in which a challenge must be made: a watcher has to see the claim and to execute the job.
const WINDOW_BLOCKS: BlockNumber = 60;
/// Blocks for which a worker that is late may still answer.
const LATE_BLOCKS: BlockNumber = 20;
/// Blocks in which a game in which everybody answers must be over.
const GAME_BLOCKS: BlockNumber = 120;

/// Clocks for machines that do other work as well, and a slash that is applied within the story.
async fn set_clocks(network: &Network, clock: BlockNumber) -> anyhow::Result<()> {
    network
        .set_parameters(&[
            ("ClockBlocks", clock),
            ("ChallengerClockBlocks", clock),
            ("LeastTurnBlocks", 10),
            ("LateAnswerBlocks", LATE_BLOCKS),
            ("ReopenBlocks", 10),
            ("SlashDelay", 10),
        ])
        .await
}

/// Submits a job of Bob's and waits until it is claimed.
async fn claimed(network: &Network, digits: &Digits, index: usize) -> anyhow::Result<Ticket> {
    let bob = network.account("Bob")?;
    let terms = Terms {
        window_blocks: WINDOW_BLOCKS,
        ..terms()
    };
    let ticket = network.submit(&bob, &digits.job(index, &terms)?.request).await?;
    network.phase(ticket, Phase::Claimed, CLOSE_BLOCKS).await?;
    Ok(ticket)
}

/// A challenge of somebody that has found nothing.
fn challenge(job: JobId) -> DisputesCall {
    DisputesCall::Challenge {
        job,
        commitment: H256::zero(),
    }
}

/// Makes a move in a dispute by hand.
async fn play(account: &Account, call: DisputesCall) -> anyhow::Result<()> {
    account.send(Call::Disputes(call), Wait::Finalized).await?;
    Ok(())
}

/// Fails unless what was said has all of these words.
fn ensure_said(said: &str, words: &[&str]) -> anyhow::Result<()> {
    for word in words {
        ensure!(said.contains(word), "`{word}` was not said, but:\n{said}");
    }
    Ok(())
}

fn is_slash_applied(record: &Record) -> bool {
    use assay_client::chain::WorkersEvent;
    let applied = |event: &WorkersEvent| matches!(event, WorkersEvent::SlashApplied { .. });
    record.slashes.iter().any(applied)
}
