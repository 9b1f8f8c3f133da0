//! MiniLM in ONNX Runtime and OpenVINO: the process of `bench/baselines.py`.

use crate::process::Process;
use anyhow::Result;
use serde::Serialize;
use std::{num::NonZeroUsize, path::Path};

/// Programs that execute MiniLM elsewhere.
pub struct Baselines {
    process: Process,
    /// Programs that can execute the network, in its order.
    pub names: Vec<String>,
}

/// An input, as lists of rows.
#[derive(Serialize)]
pub struct Job {
    /// Token ids.
    pub tokens: Vec<Vec<i64>>,
    /// 1 for a token, 0 for padding.
    pub mask: Vec<Vec<i64>>,
}

#[derive(Serialize)]
struct Run {
    run: usize,
}

impl Baselines {
    /// Starts the process, with the weights of a package. Says how to get what is missing, if something is, and gives
    /// `None`.
    pub fn start(threads: NonZeroUsize, weights: &Path) -> Result<Option<Self>> {
        let started = Process::start("bench/baselines.py", threads, weights)?;
        Ok(started.map(|(process, names)| Self { process, names }))
    }

    /// Takes an input, and gives the embeddings that each way makes of it.
    pub fn embed(&mut self, job: &Job) -> Result<Vec<Vec<Vec<f32>>>> {
        self.process.ask(job)
    }

    /// Executes one of the ways, and gives its milliseconds.
    pub fn run(&mut self, way: usize) -> Result<f64> {
        self.process.ask(&Run { run: way })
    }
}
