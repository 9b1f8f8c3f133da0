//! The demo's last act: a thousand requests in sessions, a worker that lies about every tenth, and a client that finds
//! one of the lies by its own checks.

use super::{
    DemoArgs, LOOK, Scene, Stage,
    processes::{self, SessionTerms},
};
use anyhow::{Context, ensure};
use assay_client::chain::{BlockNumber, DisputesEvent, Event, Key};
use assay_engine::{Engine, ReferenceEngine};
use assay_ops::tensor::tensors_digest;
use assay_text::inputs::JobInput;
use assay_types::H256;
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};

/// Alice undercuts Dave, and answers every tenth request with what a cheaper model gives.
const LIAR: SessionTerms<'static> = SessionTerms {
    name: "Alice",
    model: "package,session-base=0.001,min-budget=1,max-budget=50",
    stake: "104",
    lie: Some(("cheaper-model", "10")),
};

/// An answer, as `assay-worker request --session --json` prints it.
#[derive(Debug, Deserialize)]
struct Answer {
    worker: String,
    output_digest: String,
}

/// Plays the act; true if everything is as it must be.
pub(super) async fn play(
    args: &DemoArgs,
    scene: &Scene,
    read: &[JobInput],
    stage: &mut Stage,
    url: &str,
) -> anyhow::Result<bool> {
    ensure!(!read.is_empty(), "there are inputs");
    let models_dir = stage.folder.join("models");
    let liar = processes::start_joined_worker(&LIAR, &models_dir, &stage.folder, url)?;
    stage.processes.push(liar);
    reached(scene, stage).await?;
    let since = scene.client.finalized().await?.number();
    let times = args.requests.div_ceil(u32::try_from(read.len())?);
    println!(
        "\nSessions: Bob asks {} times over the workers' network. Alice asks for less than Dave, and lies about every tenth.",
        times as usize * read.len()
    );
    let model = scene.model.version.to_string();
    let ask = (model.as_str(), args.input.as_path(), times);
    let ran = processes::ask_in_sessions("Bob", ask, &models_dir, &stage.folder, url)?
        .output()
        .await?;
    let said = String::from_utf8_lossy(&ran.stderr);
    for line in said.lines().filter(|line| !line.contains("WARN")) {
        println!("  {line}");
    }
    ensure!(ran.status.success(), "the requests were not answered:\n{said}");
    let answers: Vec<Answer> = serde_json::from_slice(&ran.stdout).context("what the client prints")?;
    let (liar, by_liar, wrong, faults) = judge(scene, read, &answers)?;
    println!(
        "  {} answers: {by_liar} by Alice, of which {wrong} were wrong, and {} by Dave after a check had found one",
        answers.len(),
        answers.len() - by_liar
    );
    let convicted = convictions(scene, &liar, since).await?;
    println!("  Alice was convicted by {convicted} of her receipts");
    faults.iter().for_each(|fault| println!("  {fault}"));
    let fine = faults.is_empty() && wrong > 0 && convicted > 0 && by_liar < answers.len();
    if !fine {
        println!("  The sessions did not go as they must.");
    }
    Ok(fine)
}

/// Waits until the workers of sessions have said where they are reached.
async fn reached(scene: &Scene, stage: &mut Stage) -> anyhow::Result<()> {
    loop {
        stage.ensure_running()?;
        let snapshot = scene.client.finalized().await?;
        let offers = snapshot.session_offers(scene.model.version).await?.len();
        if offers.min(snapshot.announcements().await?.len()) >= 2 {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The liar, how many answers are its, how many of them are wrong, and wrong answers of others.
fn judge(scene: &Scene, read: &[JobInput], answers: &[Answer]) -> anyhow::Result<(String, usize, usize, Vec<String>)> {
    let liar = Key::load(&format!("//{}", LIAR.name))?.account().to_string();
    let reference = ReferenceEngine.load(&scene.package)?;
    let right = read.iter().map(|input| {
        let outputs = reference.run(&input.tensors)?;
        Ok(format!("{:?}", H256(tensors_digest(&outputs))))
    });
    let right = right.collect::<anyhow::Result<Vec<String>>>()?;
    let mut wrong: BTreeMap<&str, usize> = BTreeMap::new();
    for (answer, right) in answers.iter().zip(right.iter().cycle()) {
        if answer.output_digest != *right {
            *wrong.entry(answer.worker.as_str()).or_default() += 1;
        }
    }
    let by_liar = answers.iter().filter(|answer| answer.worker == liar).count();
    let lies = wrong.remove(liar.as_str()).unwrap_or(0);
    let others = wrong.into_iter();
    let faults = others.map(|(worker, count)| format!("{count} answers of {worker} are not exact"));
    let faults = faults.collect();
    Ok((liar, by_liar, lies, faults))
}

/// Number of a worker's claims that were proved wrong after this block.
async fn convictions(scene: &Scene, worker: &str, since: BlockNumber) -> anyhow::Result<usize> {
    let last = scene.client.finalized().await?.number();
    let mut blocks = scene.client.blocks(Some(since)).await?;
    let mut convicted = 0;
    loop {
        let snapshot = blocks.next(Duration::from_secs(30)).await?;
        for event in snapshot.events().await? {
            if let Event::Disputes(DisputesEvent::WorkerConvicted { worker: of, .. }) = event
                && of.to_string() == worker
            {
                convicted += 1;
            }
        }
        // The client reads the best block, which may be ahead of the last final one.
        if snapshot.number() >= last + 3 {
            return Ok(convicted);
        }
    }
}
