//! A node that is killed with SIGKILL while a job is under way.

use assay_client::{request::terms::Terms, units::UNIT};
use assay_e2e::{
    Network,
    books::Books,
    jobs::{Digits, terms},
    worker::{self, Worker},
};
use assay_types::CloseReason;

const CHARLIE: worker::Terms = worker::Terms {
    name: "Charlie",
    price: "0.4",
    capacity: 16,
    bid: None,
};
const PRICE: i128 = 4 * UNIT as i128 / 10;
/// Blocks that the node makes until a worker that has lost it looks for it again: its pauses grow with each attempt.
const RECONNECT_BLOCKS: u32 = 240;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_killed_in_the_middle_of_a_job_loses_nothing() {
    let mut network = Network::start().await;
    network
        .story("worker and chain go on after the node's restart", async |network| {
            let digits = Digits::register(network).await?;
            let charlie = Worker::start(network, CHARLIE).await?;
            let books = Books::open(network, &["Bob", "Charlie"]).await?;
            let job = digits.job(
                0,
                &Terms {
                    by_digest: true,
                    deadline_blocks: RECONNECT_BLOCKS,
                    ..terms()
                },
            )?;
            let held = charlie.hold_input(&job)?;
            let ticket = network.submit(&network.account("Bob")?, &job.request).await?;
            let awaited = held.reached(network, 40).await?;
            let before = network.client().finalized().await?;

            network.kill_node()?;
            // The worker computes the output while nobody can be told of it.
            charlie.give_input(&job)?;
            awaited.give(&job)?;
            network.restart_node().await?;
            let after = network.client().at(before.number()).await?;
            assert_eq!(after.hash(), before.hash(), "a finalized block was replaced");

            let tale = network
                .accepted(&network.account("Bob")?, ticket, RECONNECT_BLOCKS)
                .await?;
            let (me, answer) = (charlie.account().clone(), digits.answer(0)?);
            assert_eq!(tale.assignments(), [(me.clone(), 4 * UNIT / 10)]);
            assert_eq!(tale.claims(), [(me, answer.digest, Some(answer.bytes))]);
            assert_eq!(tale.end()?, (CloseReason::Accepted, 4 * UNIT / 10));
            books.close(network, &[("Bob", -PRICE), ("Charlie", PRICE)]).await
        })
        .await;
}
