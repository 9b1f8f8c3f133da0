//! Sessions between real processes: a client asks a worker over the workers' network, and the worker is paid.

use anyhow::ensure;
use assay_client::{chain::BlockNumber, units};
use assay_e2e::{
    Network,
    jobs::{Digits, inputs_dir, models_dir},
    worker::{self, SESSION_PRICE, Worker},
};
use serde_json::Value;

/// Serves jobs and sessions.
const DAVE: worker::Terms = worker::Terms {
    name: "Dave",
    price: "0.3",
    capacity: 16,
    bid: None,
};
/// Blocks in which a worker has announced its node and its offer of sessions.
const READY_BLOCKS: BlockNumber = 60;
/// Blocks in which a worker has looked at a session that was closed, which it does every 12 s.
const REDEEMED_BLOCKS: BlockNumber = 600;
/// Requests of the session.
const REQUESTS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_is_answered_in_a_session_and_the_worker_redeems_what_it_is_owed() {
    let mut network = Network::start().await;
    network
        .story("a session is opened, used, closed and redeemed", async |network| {
            let digits = Digits::register(network).await?;
            let limit = REQUESTS.to_string();
            let input = inputs_dir().display().to_string();
            let arguments = [
                "request",
                "digits",
                "--session",
                "--input",
                &input,
                "--limit",
                &limit,
                "--json",
            ];
            network
                .refuses("Bob", &arguments, &["0 workers offer sessions"])
                .await?;

            let dave = Worker::start_joined(network, DAVE, &models_dir(), "package").await?;
            let (account, model) = (network.id("Dave")?, digits.model.version);
            network
                .until(
                    "Dave offers sessions where he is reached",
                    READY_BLOCKS,
                    async |snapshot| {
                        let announced = snapshot.announcement(&account).await?;
                        let offers = snapshot.session_offers(model).await?;
                        Ok(announced.filter(|_| !offers.is_empty()).map(drop))
                    },
                )
                .await?;
            let ran = network.assay_worker("Bob", &arguments).await?;
            ensure!(ran.succeeded, "{ran:?}");
            let answers: Vec<Value> = serde_json::from_str(&ran.output)?;
            assert_eq!(answers.len(), REQUESTS, "{answers:?}");
            for (index, answer) in answers.iter().enumerate() {
                assert_eq!(answer["output_digest"], format!("{:?}", digits.answer(index)?.digest));
                assert_eq!(answer["worker"], account.to_string());
                assert_eq!(answer["price"], SESSION_PRICE);
                assert_eq!(answer["sequence"], index);
            }

            let (bob, price) = (network.id("Bob")?, units::parse(SESSION_PRICE)?);
            let owed = price * REQUESTS as u128;
            network
                .until("Dave has what he is owed", REDEEMED_BLOCKS, async |snapshot| {
                    let sessions = snapshot.sessions_of(&bob).await?;
                    let is_paid = sessions.iter().any(|(_, session)| session.account.redeemed == owed);
                    Ok(is_paid.then_some(()))
                })
                .await?;
            ensure!(dave.said()?.contains("redeemed a voucher"), "{}", dave.said()?);
            Ok(())
        })
        .await;
}
