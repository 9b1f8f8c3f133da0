//! Jobs, as a dApp buys them through the full node.

use crate::{blocks::until_final, figures::Figures};
use anyhow::{Context, ensure};
use assay_client::{
    chain::{Event, MarketEvent},
    units::{UNIT, parse},
};
use assay_e2e::{
    Network as Assay,
    books::Books,
    jobs::{CEILING, CLOSE_BLOCKS, Digits, Tale, Ticket, inputs_dir, terms},
    worker::{self, Worker},
};
use assay_types::{CloseReason, limits::MAX_INLINE_INPUT_BYTES};
use assay_zombienet::Network;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Its nodes are those that [`Assay`] is told of: the full node, and a collator if that fails.
pub const CHARLIE: worker::Terms = worker::Terms {
    name: "Charlie",
    price: "0.4",
    capacity: 64,
    bid: Some("0.4"),
};
const PRICE: u128 = 4 * UNIT / 10;
/// Number of times that an honest job is bought and timed.
const TIMED: usize = 3;
/// Blocks in which a claim must be seen.
const CLAIM_BLOCKS: u32 = 120;
/// Bytes of a digit: 8 × 8 binary32 numbers.
const DIGIT_BYTES: u32 = 8 * 8 * 4;
/// Jobs of the largest input in one transaction: 2 MiB of the 3.3 MiB of proof that a block may have.
const LARGE_JOBS: usize = 32;
const LOOK: Duration = Duration::from_millis(200);
/// Longest time for a command of the client's, which waits for finality several times.
pub const COMMAND_PATIENCE: Duration = Duration::from_secs(900);

/// Bob buys jobs one after the other. Each is timed as somebody sees it who waits for its result; then all are paid.
pub async fn an_honest_job(
    assay: &Assay,
    network: &Network,
    digits: &Digits,
    charlie: &Worker,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let books = Books::open(assay, &["Bob", "Charlie"]).await?;
    let bob = assay.account("Bob")?;
    let rpc = network.rpc("full-node")?;
    let (mut included, mut claimed, mut certain) = (Vec::new(), Vec::new(), Vec::new());
    let mut tickets = Vec::new();
    for index in 0..TIMED {
        let request = digits.job(index, &terms())?.request;
        let began = Instant::now();
        let submitted = assay.submit_all(&bob, vec![request]).await?;
        included.push(began.elapsed());
        let [ticket] = submitted[..] else {
            anyhow::bail!("one job was submitted")
        };
        let block = claim_in_best_chain(assay, ticket).await?;
        claimed.push(began.elapsed());
        until_final(&rpc, block).await?;
        certain.push(began.elapsed());
        tickets.push(ticket);
    }
    figures.spread("from a job's submission to its block", included);
    figures.spread("from a job's submission to its claim in a block", claimed);
    figures.spread("from a job's submission to its claim being final", certain);

    let me = charlie.account().clone();
    for (index, ticket) in tickets.into_iter().enumerate() {
        let (tale, answer) = (assay.tale(ticket, CLOSE_BLOCKS).await?, digits.answer(index)?);
        assert_eq!(tale.assignments(), [(me.clone(), PRICE)]);
        assert_eq!(tale.claims(), [(me.clone(), answer.digest, Some(answer.bytes))]);
        assert_eq!(tale.end()?, (CloseReason::WindowPassed, PRICE));
    }
    let paid = (PRICE * TIMED as u128) as i128;
    books.close(assay, &[("Bob", -paid), ("Charlie", paid)]).await
}

/// Waits until a block of the best chain has a job's claim, and gives its number.
async fn claim_in_best_chain(assay: &Assay, ticket: Ticket) -> anyhow::Result<u32> {
    let mut next = ticket.since + 1;
    loop {
        while next <= assay.client().best_number().await? {
            for event in assay.client().at(next).await?.events().await? {
                if let Event::Market(MarketEvent::JobClaimed { job, .. }) = event
                    && job == ticket.job
                {
                    return Ok(next);
                }
            }
            next += 1;
        }
        ensure!(
            next < ticket.since + CLAIM_BLOCKS,
            "job {} is not claimed in {CLAIM_BLOCKS} blocks",
            ticket.job
        );
        tokio::time::sleep(LOOK).await;
    }
}

/// Bob buys by auction with phases as long as the client's command makes them by itself, and pays what he bids at most.
pub async fn an_auction(assay: &Assay, figures: &mut Figures) -> anyhow::Result<()> {
    let books = Books::open(assay, &["Bob", "Charlie"]).await?;
    let input = inputs_dir().display().to_string();
    let options = ["--limit", "1", "--auction", "--ceiling", "0.6", "--accept", "--json"];
    let arguments = [&["request", "digits", "--input", &input][..], &options].concat();
    let began = Instant::now();
    let ran = assay.assay_worker_within(COMMAND_PATIENCE, "Bob", &arguments).await?;
    ensure!(ran.succeeded, "the request fails: {ran:?}");
    figures.seconds(
        "from a job's submission by auction to its acceptance being final",
        began.elapsed(),
    );
    let outcomes: Vec<Value> = serde_json::from_str(&ran.output)?;
    let [outcome] = &outcomes[..] else {
        anyhow::bail!("one job was bought, not {outcomes:?}")
    };
    assert_eq!(outcome["state"], "settled", "{outcome}");
    assert_eq!(outcome["digest_matches"], true, "{outcome}");
    let paid = parse(outcome["price"].as_str().context("a price is text")?)? as i128;
    ensure!(paid > 0 && paid <= CEILING as i128, "{outcome}");
    books.close(assay, &[("Bob", -paid), ("Charlie", paid)]).await
}

/// As much as one transaction of jobs carries. Validators get it as part of the block's proof, and execute it again.
pub async fn the_largest_inputs(
    assay: &Assay,
    network: &Network,
    digits: &Digits,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let mut requests = Vec::new();
    for seed in 0..LARGE_JOBS {
        let job = digits.large_job(MAX_INLINE_INPUT_BYTES / DIGIT_BYTES, seed as u64, &terms())?;
        requests.push(job.request);
    }
    let bob = assay.account("Bob")?;
    let tickets = assay.submit_all(&bob, requests).await?;
    all_are_paid(assay, &tickets).await?;

    let rpc = network.rpc("full-node")?;
    let since = tickets[0].since;
    let mut largest = 0;
    for block in since + 1..=rpc.finalized().await? {
        largest = largest.max(rpc.size(block).await?);
    }
    let least = LARGE_JOBS * MAX_INLINE_INPUT_BYTES as usize;
    ensure!(
        largest >= least,
        "the largest block has {largest} bytes of transactions, not {least}"
    );
    figures.note(
        "largest block that validators accepted",
        format!("{} KiB of transactions", largest / 1024),
    );
    Ok(())
}

/// Waits until all these jobs have been claimed once and paid for after their windows.
pub async fn all_are_paid(assay: &Assay, tickets: &[Ticket]) -> anyhow::Result<Vec<Tale>> {
    let mut tales = Vec::new();
    for ticket in tickets {
        let tale = assay.tale(*ticket, CLOSE_BLOCKS).await?;
        assert_eq!(tale.claims().len(), 1, "{tale:?}");
        assert_eq!(tale.end()?, (CloseReason::WindowPassed, PRICE), "{tale:?}");
        tales.push(tale);
    }
    Ok(tales)
}
