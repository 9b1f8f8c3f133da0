//! A language model: when the first token comes, in a session and from the engine alone.

use crate::{
    engine,
    place::{Serves, root},
    plain::percentile,
};
use anyhow::{Context, Result, ensure};
use assay_bench_chain::report::Report;
use assay_session::{Piece, Sampling, request::CheckedRequest};
use assay_text::language::Language;
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// The question; each time with another number, so that nothing is remembered.
const QUESTION: &str = "Name a city by the sea, and say in one sentence why people go there. Number";
/// Requests that are measured.
const MEASURED: usize = 15;
/// Milliseconds that a session may add to the engine's own time.
const GOAL_MS: f64 = 3.0;

/// Measures it, if the model is there.
pub async fn measure(report: &mut Report, models: &Path) -> Result<()> {
    let folder = models.join("smollm2-135m-instruct/package-generation");
    if !folder.is_dir() {
        println!("  SmolLM2 is not measured: `make models` fetches it");
        return Ok(());
    }
    let serves = Serves::start(engine::start(&folder)?).await?;
    let language = Language::of(&serves.executes.package)?;
    let parts = serves.executes.package.parts();
    let client = serves.client().await?;
    let session = client.open().await?;
    let (mut alone, mut in_session) = (Vec::new(), Vec::new());
    // The first one warms up.
    for turn in 0..=MEASURED {
        // Both questions are of the same length, and neither has been asked.
        let (one, two) = (10 + 2 * turn, 11 + 2 * turn);
        let prompt = |number: usize| language.encode(&format!("{QUESTION} {number}."));
        let sampling = Sampling {
            max_tokens: 4,
            ..Sampling::default()
        };
        let request = CheckedRequest::generation(parts, &prompt(one)?, &sampling)?;
        let began = Instant::now();
        let (_, first) = engine::ask(
            &serves.executes.engine.tasks,
            root(&serves.executes),
            request.inputs(parts)?,
        )
        .await?;
        let engine = first
            .context("the engine tells its tokens")?
            .saturating_duration_since(began);
        let began = Instant::now();
        let mut generation = session.generate(&prompt(two)?, &sampling)?;
        let piece = generation.next().await;
        let first = began.elapsed();
        ensure!(matches!(piece, Some(Piece::Tokens(_))), "tokens come first");
        generation.answer().await?;
        if turn > 0 {
            alone.push(engine);
            in_session.push(first);
        }
    }
    told(report, &mut alone, &mut in_session);
    Ok(())
}

fn told(report: &mut Report, alone: &mut [Duration], in_session: &mut [Duration]) {
    for (percent, goal) in [(50, Some(GOAL_MS)), (99, None)] {
        let engine = percentile(alone, percent);
        let session = percentile(in_session, percent);
        report.add(
            &format!("smollm2 first token of the engine alone p{percent}"),
            engine,
            "ms",
            None,
        );
        report.add(
            &format!("smollm2 first token in a session p{percent}"),
            session,
            "ms",
            None,
        );
        report.add(
            &format!("smollm2 first token over engine p{percent}"),
            session - engine,
            "ms",
            goal,
        );
    }
}
