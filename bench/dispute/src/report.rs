//! What was measured, as a table for people and as JSON for programs.

use crate::{chain::Applied, dispute::Played};
use anyhow::{Context, Result};
use assay_runtime::units::UNIT;
use assay_types::dispute::Fault;
use serde::Serialize;
use std::{fs, path::Path};

/// Picoseconds in a millisecond, the unit of `ref_time`.
const PER_MS: f64 = 1e9;

/// All that one run measured.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    entries: Vec<Entry>,
}

/// One number.
#[derive(Debug, Serialize)]
struct Entry {
    name: String,
    value: f64,
    unit: &'static str,
    /// What it is to be at most.
    goal: Option<f64>,
}

impl Report {
    /// Adds a number, and prints it.
    pub fn add(&mut self, name: &str, value: f64, unit: &'static str, goal: Option<f64>) {
        let said = match goal {
            Some(goal) if value <= goal => format!("at most {goal}: met"),
            Some(goal) => format!("at most {goal}: missed"),
            None => String::new(),
        };
        println!("  {name:<52} {value:>12.3} {unit:<6} {said}");
        self.entries.push(Entry {
            name: name.to_owned(),
            value,
            unit,
            goal,
        });
    }

    /// Adds a whole dispute.
    pub fn add_dispute(&mut self, name: &str, played: &Played) {
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
        self.add(&format!("{name}: transactions"), count, "", Some(9.0));
        self.add(&format!("{name}: bytes"), sum(|a| a.bytes as f64), "B", Some(102_400.0));
        self.add(
            &format!("{name}: ref_time"),
            sum(|a| a.weight.ref_time() as f64) / PER_MS,
            "ms",
            None,
        );
        self.add(
            &format!("{name}: proof size"),
            sum(|a| a.weight.proof_size() as f64) / 1024.0,
            "KiB",
            None,
        );
        self.add(&format!("{name}: the worker's fees"), fees(true), "ASY", None);
        self.add(&format!("{name}: the challenger's fees"), fees(false), "ASY", None);
        self.add(
            &format!("{name}: state while it lasts"),
            played.stored_bytes as f64,
            "B",
            None,
        );
    }

    /// Writes the report as JSON.
    pub fn write(&self, path: &Path) -> Result<()> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        }
        let json = serde_json::to_vec_pretty(self)?;
        fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
        println!("\nWritten to {}.", path.display());
        Ok(())
    }
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
