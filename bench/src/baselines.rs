//! MiniLM in ONNX Runtime and OpenVINO: the process of `bench/baselines.py`, which executes one at a time when it is
//! asked to.

use anyhow::{Context, Result, ensure};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    io::{BufRead, BufReader, ErrorKind, Write},
    num::NonZeroUsize,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// Where it lies in the repository, from whose root `make bench` is run.
const SCRIPT: &str = "bench/baselines.py";

/// The process, which ends with this.
pub struct Baselines {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// What it has to execute the network, in its order.
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
        let mut command = Command::new("python3");
        command.args([SCRIPT, "--threads", &threads.to_string()]).arg(weights);
        let mut process = match command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                println!("there is no python3, so there is no comparison with ONNX Runtime and OpenVINO");
                return Ok(None);
            }
            started => started.with_context(|| format!("cannot start {SCRIPT}"))?,
        };
        let (Some(requests), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            anyhow::bail!("{SCRIPT} was started without pipes");
        };
        let mut baselines = Self {
            process,
            requests,
            answers: BufReader::new(answers),
            names: Vec::new(),
        };
        match baselines.answer() {
            Ok(names) => baselines.names = names,
            // It has said on standard error what is missing.
            Err(_) => return Ok(None),
        }
        Ok(Some(baselines))
    }

    /// Takes an input, and gives the embeddings that each way makes of it.
    pub fn embed(&mut self, job: &Job) -> Result<Vec<Vec<Vec<f32>>>> {
        self.ask(job)
    }

    /// Executes one of the ways, and gives its milliseconds.
    pub fn run(&mut self, way: usize) -> Result<f64> {
        self.ask(&Run { run: way })
    }

    fn ask<Answer: DeserializeOwned>(&mut self, request: &impl Serialize) -> Result<Answer> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        self.requests
            .write_all(&line)
            .with_context(|| format!("{SCRIPT} has ended"))?;
        self.answer()
    }

    fn answer<Answer: DeserializeOwned>(&mut self) -> Result<Answer> {
        let mut line = String::new();
        let bytes = self.answers.read_line(&mut line)?;
        ensure!(bytes > 0, "{SCRIPT} has ended");
        serde_json::from_str(&line).with_context(|| format!("{SCRIPT} answered {line:.60}"))
    }
}

impl Drop for Baselines {
    fn drop(&mut self) {
        // It has no state to lose. If it has ended by itself, there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
