//! Workers that lie, and the watcher that finds them.

use super::*;
use assay_client::{chain::WorkersEvent, units};
use assay_e2e::{books::Books, watcher::Watcher, worker::Worker};
use assay_types::{
    CloseReason,
    dispute::{Fault, Place},
};

/// Whether a worker fell silent where it was to.
type Where = fn(&Place) -> bool;
/// Line of a watcher that has won.
const WON: &str = "won: the worker is convicted";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_output_is_convicted_by_proof() {
    let mut network = Network::start().await;
    network
        .story("a worker lies, and a watcher takes its stake", async |network| {
            set_clocks(network, 120).await?;
            let digits = Digits::register(network).await?;
            let dave = Worker::start_lying(network, DAVE, &["--lie", "wrong-output"]).await?;
            let watcher = Watcher::start(network, "Eve").await?;
            let stake = dave.info(network).await?.stake;
            let books = Books::open(network, &["Bob", "Dave", "Eve"]).await?;

            let bob = network.account("Bob")?;
            let terms = Terms {
                window_blocks: WINDOW_BLOCKS,
                ..terms()
            };
            let ticket = network.submit(&bob, &digits.job(0, &terms)?.request).await?;
            let tale = network.tale(ticket, CLOSE_BLOCKS + GAME_BLOCKS).await?;
            assert_eq!(tale.end()?, (CloseReason::Fraud, 0));
            assert_ne!(tale.claims()[0].1, digits.answer(0)?.digest, "the claim was right");
            let info = dave.info(network).await?;
            let slashed = stake / 2;
            assert_eq!((info.locked, info.stake, info.convicted), (0, stake - slashed, 1));

            let record = network
                .dispute_record("the slash is applied", ticket, GAME_BLOCKS * 3, is_slash_applied)
                .await?;
            let conviction = record.conviction()?;
            ensure!(matches!(conviction.fault, Fault::Element { .. }), "{conviction:?}");
            assert_eq!(conviction.challenger, network.id("Eve")?);
            let shares = (conviction.slashed, conviction.to_challenger, conviction.to_client);
            let of_lock = |percent: i128| (LOCK * percent / 100) as u128;
            assert_eq!(shares, (slashed, slashed * 30 / 100, of_lock(20)));
            assert_eq!(record.revealed().len(), 3, "trace, tensor and chunk: {record:?}");
            let pending = |event: &&WorkersEvent| matches!(event, WorkersEvent::SlashPending { amount, .. } if *amount == slashed);
            assert_eq!(record.slashes.iter().filter(pending).count(), 1, "{record:?}");
            let (lost, award) = (slashed as i128, (slashed * 30 / 100) as i128);
            let gains = [("Bob", LOCK / 5), ("Dave", -lost), ("Eve", award)];
            books.close(network, &gains).await?;

            ensure_said(&dave.said()?, &["THIS WORKER LIES", "CONVICTED"])?;
            watcher.until_said(network, "a slash was applied", 1, GAME_BLOCKS).await?;
            let said = watcher.stop(network, GAME_BLOCKS).await?;
            ensure_said(&said, &["the claim is WRONG", "won: the worker is convicted", "a slash was applied"])?;
            let earned = format!("1 won, 0 lost; {} ASY earned", units::format(award as u128));
            ensure_said(&said, &["1 wrong", "the award is claimed", &earned])
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_stays_silent_is_convicted_by_the_clock() {
    let mut network = Network::start().await;
    network
        .story("silence loses, at each of the places", async |network| {
            // A lie is followed by silence, so the clock is what ends every game here.
            set_clocks(network, 30).await?;
            let digits = Digits::register(network).await?;
            let watcher = Watcher::start(network, "Eve").await?;
            let silent: [(&'static str, Where); 2] = [
                ("silence-at-trace", |place| *place == Place::Trace),
                ("silence-at-chunk", |place| matches!(place, Place::Chunk { .. })),
            ];
            for (index, (kind, at)) in silent.into_iter().enumerate() {
                let mut dave = Worker::start_lying(network, DAVE, &["--lie", kind]).await?;
                let ticket = claimed(network, &digits, index).await?;
                let tale = network.tale(ticket, CLOSE_BLOCKS + GAME_BLOCKS).await?;
                assert_eq!(tale.end()?, (CloseReason::Fraud, 0));
                // A convicted worker gets no job before its slash is applied.
                let record = network
                    .dispute_record("the slash is applied", ticket, GAME_BLOCKS * 3, is_slash_applied)
                    .await?;
                let fault = record.conviction()?.fault;
                ensure!(
                    matches!(&fault, Fault::Silence { place } if at(place)),
                    "{kind}: {fault:?}"
                );
                dave.kill()?;
            }
            watcher.until_said(network, WON, 2, GAME_BLOCKS).await?;
            let said = watcher.stop(network, GAME_BLOCKS).await?;
            ensure_said(
                &said,
                &["the other side has let its time pass", "2 wrong", "2 won, 0 lost"],
            )
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_lies_are_convicted_as_well() {
    let mut network = Network::start().await;
    network
        .story(
            "a cheaper model, wrong shapes and wires, and nonsense",
            async |network| {
                set_clocks(network, 30).await?;
                let digits = Digits::register(network).await?;
                let watcher = Watcher::start(network, "Eve").await?;
                let kinds = ["cheaper-model", "wrong-header", "wrong-wiring", "garbage"];
                for (index, kind) in kinds.into_iter().enumerate() {
                    let mut dave = Worker::start_lying(network, DAVE, &["--lie", kind]).await?;
                    let ticket = claimed(network, &digits, index).await?;
                    let tale = network.tale(ticket, CLOSE_BLOCKS + GAME_BLOCKS).await?;
                    assert_eq!(tale.end()?, (CloseReason::Fraud, 0), "{kind}");
                    let record = network
                        .dispute_record("the slash is applied", ticket, GAME_BLOCKS * 3, is_slash_applied)
                        .await?;
                    let fault = record.conviction()?.fault;
                    let fits = match kind {
                        "wrong-header" | "garbage" => matches!(fault, Fault::Silence { .. }),
                        _ => matches!(fault, Fault::Element { .. }),
                    };
                    ensure!(fits, "{kind}: {fault:?}");
                    dave.kill()?;
                }
                watcher.until_said(network, WON, 4, GAME_BLOCKS).await?;
                let said = watcher.stop(network, GAME_BLOCKS).await?;
                ensure_said(&said, &["4 wrong", "4 won, 0 lost"])
            },
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_killed_in_the_middle_of_a_dispute_finishes_it() {
    let mut network = Network::start().await;
    network
        .story("the chain is all that a watcher needs", async |network| {
            set_clocks(network, 240).await?;
            let digits = Digits::register(network).await?;
            let late = ["--lie", "late", "--late-seconds", "5"];
            let _dave = Worker::start_lying(network, DAVE, &late).await?;
            let mut watcher = Watcher::start(network, "Eve").await?;
            let ticket = claimed(network, &digits, 0).await?;
            network
                .disputed("the trace is revealed", ticket, GAME_BLOCKS, |dispute| {
                    dispute.trace.clone()
                })
                .await?;
            watcher.kill()?;
            let still = network.client().finalized().await?.dispute(ticket.job).await?;
            ensure!(still.is_some(), "the dispute was over before the watcher was killed");

            watcher.restart(network).await?;
            let tale = network.tale(ticket, CLOSE_BLOCKS + 3 * GAME_BLOCKS).await?;
            assert_eq!(tale.end()?, (CloseReason::Fraud, 0));
            let conviction = network.conviction(ticket, GAME_BLOCKS * 5).await?;
            ensure!(matches!(conviction.fault, Fault::Element { .. }), "{conviction:?}");
            watcher.until_said(network, WON, 1, GAME_BLOCKS).await?;
            let said = watcher.stop(network, GAME_BLOCKS).await?;
            ensure_said(
                &said,
                &["going on with the disputes that the chain has", "1 won, 0 lost"],
            )
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_output_with_a_wrong_trace_is_convicted_once_it_is_challenged() {
    let mut network = Network::start().await;
    network
        .story("whoever makes a trace up is convicted by it", async |network| {
            set_clocks(network, 240).await?;
            let digits = Digits::register(network).await?;
            let _dave = Worker::start_lying(network, DAVE, &["--lie", "wrong-trace"]).await?;
            let ticket = claimed(network, &digits, 0).await?;
            // No watcher challenges an output that is right, but a client may, and its watcher goes on with that.
            let eve = network.account("Eve")?;
            play(&eve, challenge(ticket.job)).await?;
            let watcher = Watcher::start(network, "Eve").await?;
            let tale = network.tale(ticket, CLOSE_BLOCKS + 3 * GAME_BLOCKS).await?;
            assert_eq!(tale.claims()[0].1, digits.answer(0)?.digest, "the claim was wrong");
            assert_eq!(tale.end()?, (CloseReason::Fraud, 0));
            let conviction = network.conviction(ticket, GAME_BLOCKS * 5).await?;
            ensure!(matches!(conviction.fault, Fault::Element { .. }), "{conviction:?}");
            watcher.until_said(network, WON, 1, GAME_BLOCKS).await
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_killed_in_the_middle_of_a_dispute_loses_nothing() {
    let mut network = Network::start().await;
    network
        .story("both sides go on after the node's restart", async |network| {
            set_clocks(network, 480).await?;
            let digits = Digits::register(network).await?;
            let late = ["--lie", "late", "--late-seconds", "5"];
            let _dave = Worker::start_lying(network, DAVE, &late).await?;
            let watcher = Watcher::start(network, "Eve").await?;
            let ticket = claimed(network, &digits, 0).await?;
            network
                .disputed("the trace is revealed", ticket, GAME_BLOCKS, |dispute| {
                    dispute.trace.clone()
                })
                .await?;
            network.kill_node()?;
            network.restart_node().await?;
            let still = network.client().finalized().await?.dispute(ticket.job).await?;
            ensure!(still.is_some(), "the dispute was over before the node was killed");

            let tale = network.tale(ticket, CLOSE_BLOCKS + 5 * GAME_BLOCKS).await?;
            assert_eq!(tale.end()?, (CloseReason::Fraud, 0));
            let conviction = network.conviction(ticket, GAME_BLOCKS * 8).await?;
            ensure!(matches!(conviction.fault, Fault::Element { .. }), "{conviction:?}");
            watcher.until_said(network, WON, 1, GAME_BLOCKS).await
        })
        .await;
}
