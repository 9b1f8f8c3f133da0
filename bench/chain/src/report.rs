//! The measurements, as a table for people and as JSON for programs.

use anyhow::{Context, Result};
use serde::Serialize;
use std::{fs, path::Path};

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
    /// The bound that it has to keep.
    goal: Option<f64>,
}

impl Report {
    /// Adds a number, which is to be at most the goal if there is one, and prints it.
    pub fn add(&mut self, name: &str, value: f64, unit: &'static str, goal: Option<f64>) {
        self.add_entry(name, value, unit, goal.map(|goal| ("at most", goal, value <= goal)));
    }

    /// Adds a number that is to be at least the goal, and prints it.
    pub fn add_at_least(&mut self, name: &str, value: f64, unit: &'static str, goal: f64) {
        self.add_entry(name, value, unit, Some(("at least", goal, value >= goal)));
    }

    fn add_entry(&mut self, name: &str, value: f64, unit: &'static str, goal: Option<(&str, f64, bool)>) {
        let said = match goal {
            Some((how, goal, true)) => format!("{how} {goal}: met"),
            Some((how, goal, false)) => format!("{how} {goal}: missed"),
            None => String::new(),
        };
        println!("  {name:<60} {value:>12.3} {unit:<6} {said}");
        self.entries.push(Entry {
            name: name.to_owned(),
            value,
            unit,
            goal: goal.map(|(_, goal, _)| goal),
        });
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
