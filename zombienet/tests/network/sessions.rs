//! Sessions on a chain whose blocks become final half a minute after they are made.

use crate::{figures::Figures, jobs::COMMAND_PATIENCE};
use anyhow::{Context, ensure};
use assay_client::{chain::BlockNumber, units::parse};
use assay_e2e::{
    Network as Assay,
    jobs::{Digits, PACKAGE, inputs_dir, models_dir},
    sessions::OpenSession,
    worker::{self, SESSION_PRICE, Worker},
};
use assay_types::dispute::Fault;
use serde_json::Value;
use std::time::Instant;

const DAVE: worker::Terms = worker::Terms {
    name: "Dave",
    price: "0.3",
    capacity: 16,
    bid: None,
};
/// Requests of the honest session: each of the fifty digits as often as this.
const TIMES: u32 = 4;
const REQUESTS: u32 = 50 * TIMES;
/// Blocks in which a worker has redeemed what it is owed: the session is closed, and becomes final, before it does.
const REDEEMED_BLOCKS: BlockNumber = 900;
/// Blocks in which a worker has shut down.
const STOP_BLOCKS: BlockNumber = 300;
/// Blocks after which a slash is applied.
const SLASH_DELAY_BLOCKS: BlockNumber = 10;

/// A session is opened, used and closed by the client's command, and its worker redeems one voucher for everything.
pub async fn a_session_is_used_and_redeemed(
    assay: &Assay,
    digits: &Digits,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let dave = Worker::start_joined(assay, DAVE, &models_dir(), PACKAGE).await?;
    assay.offers_sessions("Dave", digits.model.version).await?;
    let (input, times) = (inputs_dir().display().to_string(), TIMES.to_string());
    let arguments = [
        "request",
        "digits",
        "--session",
        "--input",
        &input,
        "--repeat",
        &times,
        "--json",
    ];
    let began = Instant::now();
    let ran = assay.assay_worker_within(COMMAND_PATIENCE, "Bob", &arguments).await?;
    ensure!(ran.succeeded, "{ran:?}");
    figures.seconds(
        &format!("a session from before its opening to its closing, with {REQUESTS} requests"),
        began.elapsed(),
    );
    let answers: Vec<Value> = serde_json::from_str(&ran.output)?;
    assert_eq!(answers.len(), REQUESTS as usize);
    for answer in &answers {
        assert_eq!(answer["price"], SESSION_PRICE, "{answer}");
    }
    assert_eq!(answers[0]["output_digest"], format!("{:?}", digits.answer(0)?.digest));

    let (bob, owed) = (assay.id("Bob")?, parse(SESSION_PRICE)? * u128::from(REQUESTS));
    assay
        .until("the worker has what it is owed", REDEEMED_BLOCKS, async |snapshot| {
            let sessions = snapshot.sessions_of(&bob).await?;
            Ok(sessions
                .iter()
                .any(|(_, session)| session.account.redeemed == owed)
                .then_some(()))
        })
        .await?;
    let status = dave.stop(assay, STOP_BLOCKS).await?;
    ensure!(status.success(), "the worker ends with {status}");
    Ok(())
}

/// A worker lies to the client of a session, which checks every answer, and plays the dispute itself.
pub async fn a_wrong_receipt_is_convicted(assay: &Assay, digits: &Digits, figures: &mut Figures) -> anyhow::Result<()> {
    assay.set_parameters(&[("SlashDelay", SLASH_DELAY_BLOCKS)]).await?;
    let lie = ["--lie", "wrong-output"];
    let mut dave = Worker::start_joined_lying(assay, DAVE, &models_dir(), &lie).await?;
    assay.offers_sessions("Dave", digits.model.version).await?;
    let since = assay.client().finalized().await?.number();
    let input = inputs_dir().display().to_string();
    let arguments = [
        "request",
        "digits",
        "--session",
        "--input",
        &input,
        "--limit",
        "1",
        "--json",
    ];
    let arguments = [&arguments[..], &["--check-percent", "100"]].concat();
    let began = Instant::now();
    let ran = assay.assay_worker_within(COMMAND_PATIENCE, "Bob", &arguments).await?;
    ensure!(ran.succeeded, "{ran:?}");
    figures.seconds(
        "a session with a wrong receipt, to the end of its dispute",
        began.elapsed(),
    );
    let answers: Vec<Value> = serde_json::from_str(&ran.output)?;
    assert_eq!(answers[0]["is_drawn"], true, "{answers:?}");
    let id = answers[0]["session"].as_u64().context("a session has a number")?;
    let ticket = OpenSession { id, since }.claim(0)?;
    let fault = assay.conviction(ticket, REDEEMED_BLOCKS).await?.fault;
    ensure!(
        matches!(fault, Fault::Element { .. }),
        "convicted by proof, not by {fault:?}"
    );
    dave.kill()
}
