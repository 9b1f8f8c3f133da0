//! What was measured, as a table for people and as JSON for programs.

use crate::machine::Machine;
use anyhow::{Context, Result};
use serde::Serialize;
use std::{fs, path::Path};

/// One measurement, next to what it is compared with in the same run.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// What was measured.
    pub name: String,
    /// The measured value.
    pub value: f64,
    /// Its unit: `ms`, or `GOP/s` where more is better.
    pub unit: &'static str,
    /// What it is compared with.
    pub baseline: Option<String>,
    /// The value of that, in the same unit.
    pub baseline_value: Option<f64>,
    /// How many times as fast it is as the baseline.
    pub ratio: Option<f64>,
}

/// All that one run measured.
#[derive(Serialize)]
pub struct Report {
    /// Where it ran.
    pub machine: Machine,
    /// What it measured, in order.
    pub entries: Vec<Entry>,
}

impl Report {
    /// Adds a time in milliseconds, with baselines in the same unit, and prints it.
    pub fn add_times(&mut self, name: &str, milliseconds: f64, baselines: &[(&str, f64)]) {
        for (baseline, value) in baselines {
            self.add(Entry {
                name: name.to_owned(),
                value: milliseconds,
                unit: "ms",
                baseline: Some((*baseline).to_owned()),
                baseline_value: Some(*value),
                ratio: Some(value / milliseconds),
            });
        }
        if baselines.is_empty() {
            self.add(Entry {
                name: name.to_owned(),
                value: milliseconds,
                unit: "ms",
                baseline: None,
                baseline_value: None,
                ratio: None,
            });
        }
    }

    /// Adds a speed in billions of operations a second, with baselines in the same unit, and prints it.
    pub fn add_speed(&mut self, name: &str, speed: f64, (baseline, value): (&str, f64)) {
        self.add(Entry {
            name: name.to_owned(),
            value: speed,
            unit: "GOP/s",
            baseline: Some(baseline.to_owned()),
            baseline_value: Some(value),
            ratio: Some(speed / value),
        });
    }

    fn add(&mut self, entry: Entry) {
        let comparison = match (&entry.baseline, entry.baseline_value, entry.ratio) {
            (Some(baseline), Some(value), Some(ratio)) => format!("{ratio:7.2} x {baseline} ({value:.3})"),
            _ => String::new(),
        };
        println!("{:58} {:10.3} {:6} {comparison}", entry.name, entry.value, entry.unit);
        self.entries.push(entry);
    }

    /// Writes the report as JSON.
    pub fn write(&self, path: &Path) -> Result<()> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        }
        let json = serde_json::to_vec_pretty(self)?;
        fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))
    }
}
