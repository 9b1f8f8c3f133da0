//! Costs of a dispute, as a table for people and in the report.

use crate::dispute::Played;
use assay_bench_chain::{chain::Applied, report::Report};
use assay_runtime::units::UNIT;
use assay_types::dispute::Fault;

/// Picoseconds in a millisecond, the unit of `ref_time`.
const PER_MS: f64 = 1e9;

/// Adds a whole dispute to a report.
pub fn add_dispute(report: &mut Report, name: &str, played: &Played) {
    println!("\n{name}: {}", said(&played.fault));
    println!(
        "  {:<24}{:>10}{:>14}{:>14}{:>14}{:>12}",
        "transaction", "bytes", "ref_time, ms", "proof, KiB", "in Wasm, ms", "fee, ASY"
    );
    for applied in &played.transactions {
        let Applied {
            call,
            bytes,
            weight,
            fee,
            took,
            ..
        } = applied;
        println!(
            "  {call:<24}{bytes:>10}{:>14.3}{:>14.1}{:>14.3}{:>12.6}",
            weight.ref_time() as f64 / PER_MS,
            weight.proof_size() as f64 / 1024.0,
            took.as_secs_f64() * 1e3,
            *fee as f64 / UNIT as f64
        );
    }
    let sum = |value: fn(&Applied) -> f64| played.transactions.iter().map(value).sum::<f64>();
    let reveals = |applied: &&Applied| applied.call.starts_with("reveal");
    let fees = |worker: bool| {
        let paid = played.transactions.iter().filter(|applied| reveals(applied) == worker);
        paid.map(|applied| applied.fee as f64 / UNIT as f64).sum::<f64>()
    };
    let count = played.transactions.len() as f64;
    let mut add = |what: &str, value: f64, unit, goal| report.add(&format!("{name}: {what}"), value, unit, goal);
    add("transactions", count, "", Some(9.0));
    add("bytes", sum(|a| a.bytes as f64), "B", Some(102_400.0));
    add("ref_time", sum(|a| a.weight.ref_time() as f64) / PER_MS, "ms", None);
    add(
        "proof size",
        sum(|a| a.weight.proof_size() as f64) / 1024.0,
        "KiB",
        None,
    );
    add("the worker's fees", fees(true), "ASY", None);
    add("the challenger's fees", fees(false), "ASY", None);
    add("state while it lasts", played.stored_bytes as f64, "B", None);
}

fn said(fault: &Fault) -> String {
    match fault {
        Fault::Silence { place } => format!("the worker said nothing of {place:?}"),
        Fault::Element {
            operator,
            element,
            claimed,
            computed,
        } => format!("element {element} of operator {operator} was claimed as {claimed:?} and is {computed:?}"),
    }
}
