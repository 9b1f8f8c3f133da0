//! An honest worker that is away while its claim is disputed, comes back late, and keeps everything but a fee.

use crate::figures::Figures;
use anyhow::ensure;
use assay_client::{
    chain::{BlockNumber, Call, DisputesCall, DisputesEvent, H256, Wait},
    request::terms::Terms,
};
use assay_e2e::{
    Network as Assay,
    disputes::Record,
    jobs::{CLOSE_BLOCKS, Digits, terms},
    worker::Worker,
};
use assay_types::Phase;
use std::time::Instant;

/// Blocks for each side of a game. Each side answers what is final, some twenty blocks after it was made.
const CLOCK_BLOCKS: BlockNumber = 60;
/// Blocks for which a worker that was late may still answer.
const LATE_BLOCKS: BlockNumber = 600;
/// Blocks in which a challenge must be made.
const WINDOW_BLOCKS: BlockNumber = 90;
/// Blocks in which all is over.
const PATIENCE_BLOCKS: BlockNumber = 900;

/// The challenger has found nothing, and is there only to say that the worker is late. Its bond goes to the worker once
/// the worker has answered, since it goes on with nothing.
pub async fn a_worker_answers_late(
    assay: &Assay,
    digits: &Digits,
    charlie: &mut Worker,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    assay
        .set_parameters(&[
            ("ClockBlocks", CLOCK_BLOCKS),
            ("ChallengerClockBlocks", CLOCK_BLOCKS),
            ("LeastTurnBlocks", CLOCK_BLOCKS / 2),
            ("LateAnswerBlocks", LATE_BLOCKS),
            ("ReopenBlocks", CLOCK_BLOCKS / 2),
        ])
        .await?;
    let terms = Terms {
        window_blocks: WINDOW_BLOCKS,
        ..terms()
    };
    let bob = assay.account("Bob")?;
    let ticket = assay.submit(&bob, &digits.job(1, &terms)?.request).await?;
    assay.phase(ticket, Phase::Claimed, CLOSE_BLOCKS).await?;
    charlie.kill()?;
    let (ferdie, job) = (assay.account("Ferdie")?, ticket.job);
    let commitment = H256::zero();
    let challenge = DisputesCall::Challenge { job, commitment };
    ferdie.send(Call::Disputes(challenge), Wait::Finalized).await?;
    let began = Instant::now();
    let start = assay.client().finalized().await?.now();
    assay.pass(start + CLOCK_BLOCKS).await?;
    let challenger = assay.id("Ferdie")?;
    let timeout = DisputesCall::ClaimTimeout { job, challenger };
    ferdie.send(Call::Disputes(timeout), Wait::Finalized).await?;

    charlie.restart(assay)?;
    let answered = |record: &Record| {
        let late = |event: &DisputesEvent| matches!(event, DisputesEvent::AnsweredLate { .. });
        record.moves.iter().any(late)
    };
    let record = assay
        .dispute_record("the worker answers late", ticket, PATIENCE_BLOCKS, answered)
        .await?;
    figures.seconds(
        "from a challenge to a late answer of a worker that was away",
        began.elapsed(),
    );
    let fees = record.moves.iter().filter_map(|event| match event {
        DisputesEvent::AnsweredLate { paid, burned, .. } => Some(paid + burned),
        _ => None,
    });
    figures.note("what a late answer costs", assay_client::units::format(fees.sum()));
    let over = |record: &Record| {
        let failed = |event: &DisputesEvent| matches!(event, DisputesEvent::ChallengeFailed { .. });
        record.moves.iter().any(failed)
    };
    let record = assay
        .dispute_record("the challenge fails", ticket, PATIENCE_BLOCKS, over)
        .await?;
    ensure!(
        record.conviction().is_err(),
        "an honest worker is convicted: {record:?}"
    );
    let info = charlie.info(assay).await?;
    ensure!(info.convicted == 0, "{info:?}");
    Ok(())
}
