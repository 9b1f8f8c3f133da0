//! Honest work that is challenged all the same.

use super::*;
use assay_client::chain::{DisputesCall, DisputesEvent, MarketEvent};
use assay_e2e::{
    books::Books,
    watcher::{BadChallenger, Watcher},
    worker::Worker,
};
use assay_types::{
    CloseReason,
    dispute::{Place, Side},
};

/// A challenger that lets its time pass loses its bond; half of it is the worker's.
fn failed(record: &Record) -> bool {
    record
        .moves
        .iter()
        .any(|event| matches!(event, DisputesEvent::ChallengeFailed { .. }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenger_without_a_case_loses_its_bond() {
    let mut network = Network::start().await;
    network
        .story(
            "honest work is upheld, paid, and not challenged by watchers",
            async |network| {
                set_clocks(network, 30).await?;
                let digits = Digits::register(network).await?;
                let charlie = Worker::start(network, CHARLIE).await?;
                let watcher = Watcher::start(network, "Eve").await?;
                for (index, kind) in ["stop", "flood"].into_iter().enumerate() {
                    let books = Books::open(network, &["Bob", "Charlie", "Ferdie"]).await?;
                    let ticket = claimed(network, &digits, index).await?;
                    let challenger = BadChallenger::start(network, "Ferdie", kind, ticket.job)?;
                    let tale = network.tale(ticket, CLOSE_BLOCKS + GAME_BLOCKS).await?;
                    assert_eq!(tale.end()?, (CloseReason::WindowPassed, 4 * UNIT / 10), "{kind}");
                    let upheld = |event: &MarketEvent| matches!(event, MarketEvent::ClaimUpheld { .. });
                    assert_eq!(tale.count(upheld), 1, "{kind}: {tale:?}");
                    let record = network
                        .dispute_record("a failed challenge", ticket, GAME_BLOCKS * 3, failed)
                        .await?;
                    let half = BOND as u128 / 2;
                    let lost = DisputesEvent::ChallengeFailed {
                        job: ticket.job,
                        challenger: network.id("Ferdie")?,
                        paid: half,
                        burned: half,
                    };
                    ensure!(record.moves.contains(&lost), "{kind}: {record:?}");
                    let gains = [
                        ("Bob", -4 * TENTH),
                        ("Charlie", 4 * TENTH + BOND / 2),
                        ("Ferdie", -BOND),
                    ];
                    books.close(network, &gains).await?;
                    ensure_said(
                        &challenger.finished(network, GAME_BLOCKS).await?,
                        &["THIS CHALLENGER HAS NO CASE"],
                    )?;
                }
                ensure_said(&charlie.said()?, &["the claim is challenged", "a challenge has failed"])?;
                let said = watcher.stop(network, GAME_BLOCKS).await?;
                ensure_said(&said, &["2 seen, 2 checked", "0 wrong", "0 challenged"])
            },
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_worker_killed_in_the_middle_of_a_dispute_defends_its_claim() {
    let mut network = Network::start().await;
    network
        .story("the chain is all that a worker needs", async |network| {
            // A turn of the worker's is as long as it takes to start it again.
            set_clocks(network, 120).await?;
            let digits = Digits::register(network).await?;
            let mut charlie = Worker::start(network, CHARLIE).await?;
            let ticket = claimed(network, &digits, 0).await?;
            charlie.kill()?;
            let ferdie = network.account("Ferdie")?;
            play(&ferdie, challenge(ticket.job)).await?;
            charlie.restart(network)?;
            challengers_turn(network, ticket, "the trace").await?;

            charlie.kill()?;
            let (job, tensor) = (ticket.job, Place::Tensor { operator: 1 });
            let point = |place, entry| DisputesCall::Point { job, place, entry };
            play(&ferdie, point(Place::Trace, 1)).await?;
            charlie.restart(network)?;
            challengers_turn(network, ticket, "the tensor").await?;
            play(&ferdie, point(tensor, 0)).await?;
            challengers_turn(network, ticket, "the chunk").await?;

            let record = network
                .dispute_record("a failed challenge", ticket, 6 * GAME_BLOCKS, failed)
                .await?;
            assert_eq!(
                record.revealed(),
                [Place::Trace, tensor, Place::Chunk { operator: 1, chunk: 0 }]
            );
            let tale = network.tale(ticket, 6 * GAME_BLOCKS).await?;
            assert_eq!(tale.end()?, (CloseReason::WindowPassed, 4 * UNIT / 10));
            ensure_said(
                &charlie.said()?,
                &["going on with the disputes that the chain has", "revealing"],
            )
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_to_stop_defends_its_claims_first() {
    let mut network = Network::start().await;
    network
        .story("a worker shuts down in the middle of a dispute", async |network| {
            set_clocks(network, 30).await?;
            let digits = Digits::register(network).await?;
            let charlie = Worker::start(network, CHARLIE).await?;
            let ticket = claimed(network, &digits, 0).await?;
            let ferdie = network.account("Ferdie")?;
            play(&ferdie, challenge(ticket.job)).await?;
            network
                .until("the worker hears of it", GAME_BLOCKS, async |_| {
                    Ok(charlie.said()?.contains("the claim is challenged").then_some(()))
                })
                .await?;
            let status = charlie.stop(network, 3 * GAME_BLOCKS).await?;
            ensure!(status.success(), "the worker ends with {status}");

            // It has revealed its trace and, as its challenger did nothing more, claimed the bond before it went.
            let ended = network.client().finalized().await?.dispute(ticket.job).await?;
            ensure!(ended.is_none(), "the worker has left a dispute: {ended:?}");
            let record = network
                .dispute_record("a failed challenge", ticket, 3 * GAME_BLOCKS, failed)
                .await?;
            assert_eq!(record.revealed(), [Place::Trace]);
            let tale = network.tale(ticket, 6 * GAME_BLOCKS).await?;
            assert_eq!(tale.end()?, (CloseReason::WindowPassed, 4 * UNIT / 10));
            Ok(())
        })
        .await;
}

/// Waits until the worker has revealed what it was asked for.
async fn challengers_turn(network: &Network, ticket: Ticket, what: &str) -> anyhow::Result<()> {
    network
        .disputed(&format!("{what} is revealed"), ticket, GAME_BLOCKS, |dispute| {
            dispute
                .games
                .iter()
                .all(|game| game.turn == Side::Challenger)
                .then_some(())
        })
        .await
}
