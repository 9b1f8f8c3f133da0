//! The measurements, as a table for people and as JSON for programs.

use crate::machine::Machine;
use anyhow::{Context, Result};
use serde::Serialize;
use std::{fs, path::Path};

/// One measurement, next to what it is compared with in the same run.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// Name of the measurement.
    pub name: String,
    /// The measured value.
    pub value: f64,
    /// Its unit: `ms`, or `GOP/s` where more is better.
    pub unit: &'static str,
    /// Name of the baseline that it is compared with.
    pub baseline: Option<String>,
    /// The value of that, in the same unit.
    pub baseline_value: Option<f64>,
    /// Factor by which it is faster than the baseline.
    pub ratio: Option<f64>,
    /// The least cosine of a row of the result to that of fp32, where it is compared.
    pub cosine: Option<f64>,
    /// The same of the baseline.
    pub baseline_cosine: Option<f64>,
}

/// A time that another one is compared with.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// Its name.
    pub name: String,
    /// Its time in milliseconds.
    pub milliseconds: f64,
    /// The least cosine of a row of its result to that of fp32, where it is compared.
    pub cosine: Option<f64>,
}

/// All that one run measured.
#[derive(Serialize)]
pub struct Report {
    /// Where it ran.
    pub machine: Machine,
    /// The measurements, in order.
    pub entries: Vec<Entry>,
}

impl Report {
    /// Adds a time in milliseconds, with baselines in the same unit, and prints it.
    pub fn add_times(&mut self, name: &str, milliseconds: f64, baselines: &[(&str, f64)]) {
        let baselines = baselines.iter().map(|(name, milliseconds)| Baseline {
            name: (*name).to_owned(),
            milliseconds: *milliseconds,
            cosine: None,
        });
        self.add_compared(name, (milliseconds, None), &baselines.collect::<Vec<_>>());
    }

    /// Adds a time in milliseconds and a cosine, one entry for each baseline, and prints them.
    pub fn add_compared(&mut self, name: &str, (milliseconds, cosine): (f64, Option<f64>), baselines: &[Baseline]) {
        let entry = |baseline: Option<&Baseline>| Entry {
            name: name.to_owned(),
            value: milliseconds,
            unit: "ms",
            baseline: baseline.map(|baseline| baseline.name.clone()),
            baseline_value: baseline.map(|baseline| baseline.milliseconds),
            ratio: baseline.map(|baseline| baseline.milliseconds / milliseconds),
            cosine,
            baseline_cosine: baseline.and_then(|baseline| baseline.cosine),
        };
        if baselines.is_empty() {
            self.add(entry(None));
        }
        baselines.iter().for_each(|baseline| self.add(entry(Some(baseline))));
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
            cosine: None,
            baseline_cosine: None,
        });
    }

    fn add(&mut self, entry: Entry) {
        let at = |cosine: Option<f64>| cosine.map_or(String::new(), |cosine| format!(", cosine {cosine:.7}"));
        let comparison = match (&entry.baseline, entry.baseline_value, entry.ratio) {
            (Some(baseline), Some(value), Some(ratio)) => {
                format!("{ratio:7.2} x {baseline} ({value:.3}{})", at(entry.baseline_cosine))
            }
            _ => String::new(),
        };
        let name = format!("{}{}", entry.name, at(entry.cosine));
        println!("{name:58} {:10.3} {:6} {comparison}", entry.value, entry.unit);
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
