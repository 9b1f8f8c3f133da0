//! Number of jobs that a core settles in a second: blocks are filled with submissions, then with seals, with claims and
//! with acceptances, in full batches, and one transaction for each step in the same run.

use crate::scene::{calls, chain};
use anyhow::{Context, Result, ensure};
use assay_bench_chain::{
    chain::{Applied, Chain},
    report::Report,
};
use assay_runtime::{Market, UncheckedExtrinsic};
use assay_types::{JobId, limits::MAX_BATCH};
use std::time::Duration;

/// Jobs of each run.
const JOBS: u64 = 2_048;
/// Jobs that are settled in a second of one core, at least.
const GOAL: f64 = 1_000.0;
/// Picoseconds in a second, the unit of `ref_time`.
const PER_SECOND: f64 = 1e12;

/// Costs of a run of jobs.
#[derive(Default)]
struct Cost {
    /// Processor time of the Wasm, and of the trie at the end of each block.
    took: Duration,
    /// Picoseconds that were charged.
    ref_time: u64,
    /// Bytes of proof that were charged.
    charged_proof: u64,
    /// Bytes of proof that a validator needs.
    proof: usize,
    /// Bytes of transactions.
    bytes: usize,
    blocks: u32,
    /// Bytes of state while all jobs are claimed.
    state: usize,
    /// Processor time and charged picoseconds of each of the four steps.
    steps: [(Duration, u64); 4],
}

/// Measures all, and says which goal is met.
pub fn all(report: &mut Report) -> Result<()> {
    let runs = [
        ("batches of 64", u64::from(MAX_BATCH), false),
        ("batches of 64 with inline inputs of 256 B", u64::from(MAX_BATCH), true),
        ("one transaction for each step", 1, false),
    ];
    for (index, (name, batch, inline)) in runs.into_iter().enumerate() {
        println!("\n{JOBS} jobs in {name}");
        let cost = run(batch, inline).context(name)?;
        add(report, name, &cost, index == 0);
    }
    Ok(())
}

fn add(report: &mut Report, name: &str, cost: &Cost, is_goal: bool) {
    let jobs = JOBS as f64;
    let measured = jobs / cost.took.as_secs_f64();
    let weighed = jobs * PER_SECOND / cost.ref_time as f64;
    if is_goal {
        report.add_at_least("settled jobs per second and core", measured.min(weighed), "1/s", GOAL);
    }
    let mut one = |what: &str, value: f64, unit| report.add(&format!("{name}: {what}"), value, unit, None);
    one("settled jobs per second and core, measured", measured, "1/s");
    one("settled jobs per second and core, by weights", weighed, "1/s");
    one("proof of a job, compact", cost.proof as f64 / jobs, "B");
    one("proof of a job, charged", cost.charged_proof as f64 / jobs, "B");
    one("state of a claimed job", cost.state as f64 / jobs, "B");
    one("transactions of a job", cost.bytes as f64 / jobs, "B");
    one("blocks that were filled", f64::from(cost.blocks), "");
    for (step, (took, ref_time)) in ["submit", "seal", "claim", "accept"].into_iter().zip(cost.steps) {
        one(&format!("{step}, measured"), took.as_secs_f64() * 1e6 / jobs, "µs");
        one(&format!("{step}, by weights"), ref_time as f64 / 1e6 / jobs, "µs");
    }
}

/// Takes jobs through their four steps, in batches of this many.
fn run(batch: u64, inline: bool) -> Result<Cost> {
    // The second chain applies the same transactions natively, and records what they read.
    let (mut chain, mut recorded) = (chain()?, chain()?);
    let jobs: Vec<JobId> = (0..JOBS).collect();
    let mut cost = Cost::default();
    let empty = chain.stored_bytes("Market");
    for step in 0..4 {
        for chain in [&mut chain, &mut recorded] {
            // The seeds of the step before are known from now on.
            chain.open_block()?;
            chain.note_relay_blocks();
            chain.commit()?;
        }
        let mut waiting = jobs.chunks(batch as usize).peekable();
        while waiting.peek().is_some() {
            chain.open_block()?;
            recorded.open_block()?;
            recorded.commit()?;
            cost.blocks += 1;
            let mut applied = Vec::new();
            while let Some(jobs) = waiting.peek() {
                let (name, who, call) = calls(jobs, inline)[step].clone();
                let transaction = chain.sign(who, call);
                let Some(done) = chain.apply_here(name, transaction.clone())? else {
                    break;
                };
                count(&mut cost, step, &done);
                applied.push(transaction);
                waiting.next();
            }
            ensure!(!applied.is_empty(), "a batch does not fit into a block");
            cost.proof += prove(&mut recorded, applied)?;
            let ended = chain.commit()?;
            cost.took += ended;
            cost.steps[step].0 += ended;
        }
        if step == 2 {
            cost.state = chain.stored_bytes("Market").saturating_sub(empty);
        }
    }
    let left = chain.read(|| (0..JOBS).filter(|job| Market::job(*job).is_some()).count());
    ensure!(left == 0, "{left} jobs were not settled");
    Ok(cost)
}

fn count(cost: &mut Cost, step: usize, done: &Applied) {
    cost.took += done.took;
    cost.ref_time += done.charged.ref_time();
    cost.charged_proof += done.charged.proof_size();
    cost.bytes += done.bytes;
    cost.steps[step].0 += done.took;
    cost.steps[step].1 += done.charged.ref_time();
}

fn prove(recorded: &mut Chain, transactions: Vec<UncheckedExtrinsic>) -> Result<usize> {
    let proof = recorded.prove(transactions)?;
    recorded.commit()?;
    Ok(proof)
}
