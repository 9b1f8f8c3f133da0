//! Sessions between real processes: a client asks a worker over the workers' network, and the worker is paid.

use anyhow::{Context, ensure};
use assay_client::{
    chain::{BlockNumber, SessionsEvent},
    units,
};
use assay_e2e::{
    Network,
    jobs::{Digits, inputs_dir, models_dir},
    sessions::OpenSession,
    worker::{self, SESSION_PRICE, Worker},
};
use serde_json::Value;
use std::cell::Cell;

/// Serves jobs and sessions.
const DAVE: worker::Terms = worker::Terms {
    name: "Dave",
    price: "0.3",
    capacity: 16,
    bid: None,
};
/// Blocks in which a worker that was started again has announced its node.
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
            let account = network.id("Dave")?;
            network.offers_sessions("Dave", digits.model.version).await?;
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
            // The worker says so once its transaction is final.
            network
                .until("Dave says that he has it", REDEEMED_BLOCKS, async |_| {
                    Ok(dave.said()?.contains("redeemed a voucher").then_some(()))
                })
                .await
        })
        .await;
}

/// Times that each of the fifty digits is asked in a session that is to be met in its middle.
const TIMES: &str = "4";
/// Answers after which it is.
const ANSWERS: usize = 5;
/// Line that is printed with every answer.
const RECEIPT: &str = ", receipt ";

/// The session that a command has asked in, by what it has printed, which was opened after this block.
fn session(printed: &str, since: BlockNumber) -> anyhow::Result<OpenSession> {
    let (_, said) = printed.split_once(" of session ").context("a receipt is printed")?;
    let digits: String = said.chars().take_while(char::is_ascii_digit).collect();
    Ok(OpenSession {
        id: digits.parse()?,
        since,
    })
}

/// Payment of the worker of a session when it is settled.
async fn redeemed(network: &Network, session: OpenSession) -> anyhow::Result<u128> {
    let sum = Cell::new(0);
    network
        .session_event(
            "the session is settled",
            session,
            REDEEMED_BLOCKS,
            |event| match event {
                SessionsEvent::SessionSettled { redeemed, .. } => {
                    sum.set(*redeemed);
                    true
                }
                _ => false,
            },
        )
        .await?;
    Ok(sum.get())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_killed_in_a_session_pays_what_it_promised_and_asks_again() {
    let mut network = Network::start().await;
    network
        .story("a client is killed in the middle of a session", async |network| {
            let digits = Digits::register(network).await?;
            let _dave = Worker::start_joined(network, DAVE, &models_dir(), "package").await?;
            network.offers_sessions("Dave", digits.model.version).await?;
            let input = inputs_dir().display().to_string();
            let since = network.client().finalized().await?.number();
            let ask = ["request", "digits", "--session", "--input", &input];
            let mut asking = network.running("Bob", &[&ask[..], &["--repeat", TIMES]].concat())?;
            asking.until_printed(RECEIPT, ANSWERS).await?;
            let first = session(asking.output(), since)?;
            asking.kill().await?;

            let ran = network
                .assay_worker("Bob", &[&ask[..], &["--limit", "3"]].concat())
                .await?;
            ensure!(ran.succeeded, "{ran:?}");
            ensure!(ran.errors.contains("which was left open, is closed"), "{}", ran.errors);
            let price = units::parse(SESSION_PRICE)?;
            let first = redeemed(network, first).await?;
            ensure!(first % price == 0, "a part of a request was paid: {first}");
            ensure!(
                first >= price * ANSWERS as u128,
                "what was promised is not paid: {first}"
            );
            let second = redeemed(network, session(&ran.output, since)?).await?;
            assert_eq!(second, price * 3);
            Ok(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_killed_in_a_session_has_its_vouchers_and_serves_again() {
    let mut network = Network::start().await;
    network
        .story("a worker is killed in the middle of a session", async |network| {
            let digits = Digits::register(network).await?;
            let mut dave = Worker::start_joined(network, DAVE, &models_dir(), "package").await?;
            let (account, model) = (network.id("Dave")?, digits.model.version);
            network.offers_sessions("Dave", model).await?;
            let before = network.client().finalized().await?.announcement(&account).await?;
            let input = inputs_dir().display().to_string();
            let since = network.client().finalized().await?.number();
            let ask = ["request", "digits", "--session", "--input", &input];
            let mut asking = network.running("Bob", &[&ask[..], &["--repeat", TIMES]].concat())?;
            asking.until_printed(RECEIPT, ANSWERS).await?;
            dave.kill()?;
            let (asked, succeeded) = asking.end().await?;
            ensure!(!succeeded, "there is no other worker");
            let answered = asked.printed(RECEIPT) as u128;
            let first = session(asked.output(), since)?;

            dave.restart(network)?;
            network
                .until("Dave says where it is now", READY_BLOCKS, async |snapshot| {
                    let now = snapshot.announcement(&account).await?;
                    Ok((now.is_some() && now != before).then_some(()))
                })
                .await?;
            let ran = network
                .assay_worker("Bob", &[&ask[..], &["--limit", "3"]].concat())
                .await?;
            ensure!(ran.succeeded, "{ran:?}");
            let price = units::parse(SESSION_PRICE)?;
            let first = redeemed(network, first).await?;
            // The voucher for the last answer goes with the next request.
            ensure!(
                first == price * answered || first + price == price * answered,
                "{first} was paid for {answered} answers"
            );
            let second = redeemed(network, session(&ran.output, since)?).await?;
            assert_eq!(second, price * 3);
            Ok(())
        })
        .await;
}
