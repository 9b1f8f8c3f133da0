//! Claims that are drawn for audits: workers audit each other, and whoever lies is found without a watcher.

use super::*;
use assay_client::chain::{AccountId, AuditsCall, AuditsEvent, DisputesEvent};
use assay_e2e::{books::Books, worker::Worker};
use assay_types::{CloseReason, dispute::Fault};

/// Worker that is dearer than the one that has the jobs, so that it audits them.
const AUDITOR: worker::Terms = worker::Terms {
    name: "Charlie",
    price: "0.5",
    ..DAVE
};
/// Half of the price of a job, which is what an audit costs here.
const FEE: i128 = 2 * TENTH;
/// Blocks in which a claim must be sealed, audited, made and settled, if everybody answers.
const AUDIT_BLOCKS: BlockNumber = 4 * CLOSE_BLOCKS;

/// Has every claim audited, by one auditor that is paid half of the price.
async fn draw_every_claim(network: &Network, clock: BlockNumber) -> anyhow::Result<()> {
    set_clocks(network, clock).await?;
    network
        .set_parameters(&[
            ("AuditFee", 50),
            // Of a job for 0.4, and a stake of which 500 are at risk, this is a hazard of 3,200.
            ("AuditWeight", 4_000_000_000),
            ("Levy", 5),
            ("SecondShare", 0),
        ])
        .await?;
    // The first audit is paid before its claim's levy comes.
    let amount = 10 * UNIT;
    let fund = Call::Audits(AuditsCall::Fund { amount });
    network.account("Alice")?.send(fund, Wait::Finalized).await?;
    Ok(())
}

/// Submits a job of Bob's.
async fn submitted(network: &Network, digits: &Digits) -> anyhow::Result<Ticket> {
    let terms = Terms {
        window_blocks: WINDOW_BLOCKS,
        ..terms()
    };
    let bob = network.account("Bob")?;
    network.submit(&bob, &digits.job(0, &terms)?.request).await
}

fn is_paid(events: &[AuditsEvent]) -> bool {
    events
        .iter()
        .any(|event| matches!(event, AuditsEvent::AuditorPaid { .. }))
}

fn is_convicted(events: &[AuditsEvent]) -> bool {
    events
        .iter()
        .any(|event| matches!(event, AuditsEvent::AuditorConvicted { .. }))
}

/// Whether the auditor has opened an answer that agrees, or one that differs.
fn opened(events: &[AuditsEvent], by: &AccountId, agrees_with_it: bool) -> bool {
    events.iter().any(|event| {
        matches!(event, AuditsEvent::AnswerOpened { auditor, agrees, .. } if auditor == by && *agrees == agrees_with_it)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_claim_is_audited_and_its_levy_pays_the_auditor() {
    let mut network = Network::start().await;
    network
        .story("a worker audits another one, and both are paid", async |network| {
            draw_every_claim(network, 120).await?;
            let digits = Digits::register(network).await?;
            let dave = Worker::start(network, DAVE).await?;
            let charlie = Worker::start(network, AUDITOR).await?;
            let books = Books::open(network, &["Bob", "Charlie", "Dave"]).await?;
            let ticket = submitted(network, &digits).await?;
            let tale = network.tale(ticket, AUDIT_BLOCKS).await?;
            let claims: Vec<_> = tale
                .claims()
                .into_iter()
                .map(|(worker, digest, _)| (worker, digest))
                .collect();
            assert_eq!(claims, [(dave.account().clone(), digits.answer(0)?.digest)]);
            assert_eq!(tale.end()?, (CloseReason::WindowPassed, 4 * UNIT / 10));
            let events = network
                .audit_record("the auditor is paid", ticket, AUDIT_BLOCKS, is_paid)
                .await?;
            ensure!(opened(&events, charlie.account(), true), "{events:?}");
            // Bob pays the price; half of it is the levy.
            let gains = [("Bob", -4 * TENTH), ("Dave", 4 * TENTH - FEE), ("Charlie", FEE)];
            books.close(network, &gains).await?;
            let info = charlie.info(network).await?;
            assert_eq!((info.locked, info.missed, info.convicted), (0, 0, 0));
            ensure_said(&dave.said()?, &["the claim was drawn for an audit"])?;
            ensure_said(
                &charlie.said()?,
                &["auditing a claim", "the claim is right; opening the answer"],
            )
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lie_is_convicted_by_its_auditor_without_a_watcher() {
    let mut network = Network::start().await;
    network
        .story("an auditor finds a lie, and a dispute begins by itself", async |network| {
            draw_every_claim(network, 120).await?;
            let digits = Digits::register(network).await?;
            let dave = Worker::start_lying(network, DAVE, &["--lie", "wrong-output"]).await?;
            let charlie = Worker::start(network, AUDITOR).await?;
            let stake = dave.info(network).await?.stake;
            let books = Books::open(network, &["Bob", "Charlie", "Dave"]).await?;
            let ticket = submitted(network, &digits).await?;
            let tale = network.tale(ticket, AUDIT_BLOCKS + GAME_BLOCKS).await?;
            assert_eq!(tale.end()?, (CloseReason::Fraud, 0));
            let record = network
                .dispute_record("the slash is applied", ticket, AUDIT_BLOCKS + 3 * GAME_BLOCKS, is_slash_applied)
                .await?;
            let is_senior = |event: &DisputesEvent| matches!(event, DisputesEvent::Challenged { challenger, bond: 0, .. } if challenger == charlie.account());
            ensure!(record.moves.iter().any(is_senior), "{record:?}");
            let conviction = record.conviction()?;
            ensure!(matches!(conviction.fault, Fault::Element { .. }), "{conviction:?}");
            assert_eq!(conviction.challenger, *charlie.account());
            let events = network
                .audit_record("the auditor is paid", ticket, AUDIT_BLOCKS + GAME_BLOCKS, is_paid)
                .await?;
            ensure!(opened(&events, charlie.account(), false), "{events:?}");
            let lost = (stake / 2) as i128;
            let gains = [("Bob", LOCK / 5), ("Dave", -lost), ("Charlie", lost * 30 / 100 + FEE)];
            books.close(network, &gains).await?;
            ensure_said(&charlie.said()?, &["the claim is WRONG; opening the answer"])
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_auditor_that_accuses_an_honest_worker_loses_what_a_liar_does() {
    let mut network = Network::start().await;
    network
        .story("an auditor lies, and cannot win its game", async |network| {
            draw_every_claim(network, 30).await?;
            let digits = Digits::register(network).await?;
            let dave = Worker::start(network, DAVE).await?;
            let lie = ["--lie", "wrong-output", "--audit", "lie"];
            let charlie = Worker::start_lying(network, AUDITOR, &lie).await?;
            let stake = charlie.info(network).await?.stake;
            let ticket = submitted(network, &digits).await?;
            let events = network
                .audit_record(
                    "the auditor is convicted",
                    ticket,
                    AUDIT_BLOCKS + 3 * GAME_BLOCKS,
                    is_convicted,
                )
                .await?;
            ensure!(opened(&events, charlie.account(), false), "{events:?}");
            let tale = network.tale(ticket, 2 * AUDIT_BLOCKS + 3 * GAME_BLOCKS).await?;
            assert_eq!(tale.end()?, (CloseReason::WindowPassed, 4 * UNIT / 10));
            network
                .until("the slash is applied", 3 * GAME_BLOCKS, async |snapshot| {
                    let info = snapshot.worker(charlie.account()).await?;
                    Ok(info.filter(|info| info.stake == stake / 2).map(drop))
                })
                .await?;
            let info = dave.info(network).await?;
            assert_eq!((info.locked, info.convicted, info.completed), (0, 0, 1));
            ensure_said(&dave.said()?, &["the claim was upheld"])
        })
        .await;
}
