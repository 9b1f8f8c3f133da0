//! Time that judging one element takes in Wasm, for every kind of operator and the largest operands there are.

use crate::dispute::play;
use anyhow::{Context, Result};
use assay_adversary::{Downstream, InMemory, Lie};
use assay_bench::slices::{Slice, slices};
use assay_bench_chain::{chain::Chain, report::Report};
use assay_player::node;

/// Milliseconds that a judged element may take.
const GOAL_MS: f64 = 5.0;
/// Number of times that each is judged.
const RUNS: u32 = 5;

/// Disputes about one element of each.
pub fn all(report: &mut Report) -> Result<()> {
    println!("\none element of the largest operands there are, judged in Wasm: `prove` without what `point` takes");
    for Slice { name, graph, inputs } in slices()? {
        one(report, name, InMemory::new(graph, Vec::new(), inputs)?).with_context(|| name.to_owned())?;
    }
    Ok(())
}

fn one(report: &mut Report, name: &str, execution: InMemory) -> Result<()> {
    let output = node(&execution, 0)?;
    let lie = Lie::Element {
        operator: 0,
        element: (output.bytes().len() / output.dtype().size_bytes()) as u64 - 1,
        bits: 1,
        downstream: Downstream::Kept,
    };
    // The best of several, since other work on the machine only adds.
    let (mut best, mut size) = ([f64::INFINITY; 2], 0);
    for _ in 0..RUNS {
        let played = play(&mut Chain::new()?, &execution, &lie)?;
        let took = |call: &str| {
            let of_call = played.transactions.iter().rev().find(|applied| applied.call == call);
            of_call.map(|applied| (applied.took.as_secs_f64() * 1e3, applied.bytes))
        };
        let (prove, bytes) = took("prove").context("nothing was proved")?;
        let (point, _) = took("point").context("nothing was pointed at")?;
        (best, size) = ([best[0].min(prove), best[1].min(point)], bytes);
    }
    let judged = (best[0] - best[1]).max(0.0);
    let name = format!("{name}, a proof of {size} bytes");
    report.add(&name, judged, "ms", Some(GOAL_MS));
    Ok(())
}
