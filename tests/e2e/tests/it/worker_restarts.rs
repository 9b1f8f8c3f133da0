//! Workers that are killed with SIGKILL, at the worst moments, and what becomes of their jobs.

use anyhow::{Context, ensure};
use assay_client::{chain::MarketEvent, request::terms::Terms, units::UNIT};
use assay_e2e::{
    Network,
    books::Books,
    jobs::{CLOSE_BLOCKS, Digits, auction, bounds, cost_of_a_missed_deadline, terms},
    worker::{self, START_BLOCKS, Worker},
};
use assay_types::{CloseReason, JobState, Matching, Phase, Slashed};

const CHARLIE: worker::Terms = worker::Terms {
    name: "Charlie",
    price: "0.4",
    capacity: 16,
    bid: Some("0.35"),
};
const DAVE: worker::Terms = worker::Terms {
    name: "Dave",
    price: "0.5",
    capacity: 16,
    bid: None,
};
const TENTH: i128 = UNIT as i128 / 10;
/// Blocks in which a worker that runs must have begun a job.
const BEGIN_BLOCKS: u32 = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_worker_is_slashed_and_the_next_one_claims() {
    let mut network = Network::start().await;
    network
        .story("a job of a killed worker goes to the next", async |network| {
            let digits = Digits::register(network).await?;
            let mut charlie = Worker::start(network, CHARLIE).await?;
            let dave = Worker::start(network, DAVE).await?;
            let stake = charlie.info(network).await?.stake;
            let bob = network.account("Bob")?;
            let books = Books::open(network, &["Bob", "Charlie", "Dave"]).await?;

            let deadline_blocks = bounds().deadline.0.max(20);
            let job = digits.job(
                0,
                &Terms {
                    by_digest: true,
                    deadline_blocks,
                    ..terms()
                },
            )?;
            let held = charlie.hold_input(&job)?;
            dave.give_input(&job)?;
            let ticket = network.submit(&bob, &job.request).await?;
            let awaited = held.reached(network, BEGIN_BLOCKS).await?;
            charlie.kill()?;
            drop(awaited);

            let tale = network.accepted(&bob, ticket, CLOSE_BLOCKS).await?;
            let (first, second) = (charlie.account().clone(), dave.account().clone());
            assert_eq!(
                tale.assignments(),
                [(first.clone(), 4 * UNIT / 10), (second.clone(), 5 * UNIT / 10)]
            );
            // Ten times the price is locked.
            let Slashed { paid, burned } = cost_of_a_missed_deadline(4 * UNIT);
            let missed = MarketEvent::DeadlineMissed {
                job: ticket.job,
                worker: first,
                paid,
                burned,
            };
            assert_eq!(tale.count(|event| *event == missed), 1, "{tale:?}");
            let answer = digits.answer(0)?;
            assert_eq!(tale.claims(), [(second, answer.digest, Some(answer.bytes))]);
            assert_eq!(tale.end()?, (CloseReason::Accepted, 5 * UNIT / 10));
            let (compensation, slashed) = (paid as i128, (paid + burned) as i128);
            let gains = [
                ("Bob", compensation - 5 * TENTH),
                ("Charlie", -slashed),
                ("Dave", 5 * TENTH),
            ];
            books.close(network, &gains).await?;
            let info = charlie.info(network).await?;
            assert_eq!((info.missed, info.locked, info.stake), (1, 0, stake - paid - burned));
            Ok(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_in_the_middle_of_a_job_claims_it_once_after_its_restart() {
    let mut network = Network::start().await;
    network
        .story("a restarted worker goes on with its job", async |network| {
            let digits = Digits::register(network).await?;
            let mut charlie = Worker::start(network, CHARLIE).await?;
            let bob = network.account("Bob")?;
            let books = Books::open(network, &["Bob", "Charlie"]).await?;
            let job = digits.job(
                0,
                &Terms {
                    by_digest: true,
                    deadline_blocks: START_BLOCKS,
                    ..terms()
                },
            )?;
            let held = charlie.hold_input(&job)?;
            let ticket = network.submit(&bob, &job.request).await?;
            let awaited = held.reached(network, BEGIN_BLOCKS).await?;
            charlie.kill()?;
            drop(awaited);
            network.phase(ticket, Phase::Assigned, 1).await?;

            charlie.give_input(&job)?;
            charlie.restart(network)?;
            let tale = network.accepted(&bob, ticket, START_BLOCKS + CLOSE_BLOCKS).await?;
            let (me, answer) = (charlie.account().clone(), digits.answer(0)?);
            assert_eq!(tale.assignments(), [(me.clone(), 4 * UNIT / 10)]);
            assert_eq!(tale.claims(), [(me, answer.digest, Some(answer.bytes))]);
            assert_eq!(
                tale.count(|event| matches!(event, MarketEvent::ClaimRejected { .. })),
                0,
                "{tale:?}"
            );
            assert_eq!(tale.end()?, (CloseReason::Accepted, 4 * UNIT / 10));
            books
                .close(network, &[("Bob", -4 * TENTH), ("Charlie", 4 * TENTH)])
                .await?;
            let info = charlie.info(network).await?;
            assert_eq!((info.completed, info.missed, info.locked), (1, 0, 0));
            Ok(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_between_bid_and_reveal_reveals_after_its_restart() {
    let mut network = Network::start().await;
    network
        .story("the secret of a sealed bid survives", async |network| {
            let digits = Digits::register(network).await?;
            let mut charlie = Worker::start(network, CHARLIE).await?;
            let bob = network.account("Bob")?;
            let books = Books::open(network, &["Bob", "Charlie"]).await?;
            let Matching::Auction { bidding_blocks, .. } = auction() else {
                anyhow::bail!("not an auction")
            };
            let matching = Matching::Auction {
                bidding_blocks,
                reveal_blocks: START_BLOCKS,
            };
            let request = digits.job(0, &Terms { matching, ..terms() })?.request;
            let ticket = network.submit(&bob, &request).await?;
            let until = network
                .until("the bid is committed", bidding_blocks, async |snapshot| {
                    let job = snapshot.job(ticket.job).await?.context("the auction is open")?;
                    let JobState::Bidding { until, .. } = job.state else {
                        anyhow::bail!("no bid was made in time")
                    };
                    Ok((!snapshot.bids(ticket.job).await?.is_empty()).then_some(until))
                })
                .await?;
            charlie.kill()?;
            network.pass(until).await?;
            let bids = network.client().finalized().await?.bids(ticket.job).await?;
            ensure!(
                bids.iter().all(|bid| bid.price.is_none()),
                "the bid was revealed before the worker was killed"
            );

            charlie.restart(network)?;
            let tale = network.accepted(&bob, ticket, START_BLOCKS + CLOSE_BLOCKS).await?;
            let me = charlie.account().clone();
            assert_eq!(
                tale.count(|event| matches!(event, MarketEvent::BidCommitted { .. })),
                1,
                "{tale:?}"
            );
            let revealed = MarketEvent::BidRevealed {
                job: ticket.job,
                worker: me.clone(),
                price: 35 * UNIT / 100,
            };
            assert_eq!(tale.count(|event| *event == revealed), 1, "{tale:?}");
            assert_eq!(tale.assignments(), [(me.clone(), 35 * UNIT / 100)]);
            let answer = digits.answer(0)?;
            assert_eq!(tale.claims(), [(me, answer.digest, Some(answer.bytes))]);
            assert_eq!(tale.end()?, (CloseReason::Accepted, 35 * UNIT / 100));
            let price = 35 * TENTH / 10;
            books.close(network, &[("Bob", -price), ("Charlie", price)]).await
        })
        .await;
}
