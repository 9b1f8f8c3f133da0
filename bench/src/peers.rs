//! SmolLM2 in OpenVINO GenAI and llama.cpp: the process of `bench/peers.py`.

use crate::{measure::median, process::Process};
use anyhow::Result;
use serde::Serialize;
use std::{env, num::NonZeroUsize, path::PathBuf};

/// Number of turns that all take: one takes seconds.
const TURNS: usize = 3;

/// Program that executes SmolLM2 elsewhere, if there is one.
pub struct Peers {
    process: Option<Process>,
    names: Vec<String>,
}

/// A way to execute that is measured.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub enum Measured {
    /// A step that makes a token of each sequence, the mean of this many after this many tokens.
    Step {
        /// Sequences at once.
        sequences: usize,
        /// Tokens before.
        before: usize,
        /// Number of steps.
        steps: u32,
    },
    /// The time until the first token after a prompt.
    Prompt {
        /// Its tokens.
        prompt: usize,
    },
}

#[derive(Serialize)]
struct Request {
    way: usize,
    #[serde(flatten)]
    measured: Measured,
}

impl Peers {
    /// Nothing to compare with.
    pub fn none() -> Self {
        Self {
            process: None,
            names: Vec::new(),
        }
    }

    /// Starts the process. Says what is missing, if something is.
    pub fn start(threads: NonZeroUsize) -> Result<Self> {
        let file = model_file();
        if !file.is_file() {
            println!(
                "there is no {}, which `make models` fetches, so SmolLM2 is compared with nothing else",
                file.display()
            );
            return Ok(Self::none());
        }
        let started = Process::start("bench/peers.py", threads, &file)?;
        Ok(started.map_or_else(Self::none, |(process, names)| Self {
            process: Some(process),
            names,
        }))
    }

    /// Our own milliseconds, and those of every peer by name: medians of turns.
    pub fn beside(
        &mut self,
        measured: Measured,
        mut own: impl FnMut() -> Result<f64>,
    ) -> Result<(f64, Vec<(String, f64)>)> {
        let (mut own_times, mut times) = (Vec::new(), vec![Vec::new(); self.names.len()]);
        for _ in 0..TURNS {
            own_times.push(own()?);
            for (way, times) in times.iter_mut().enumerate() {
                if let Some(process) = &mut self.process {
                    times.push(process.ask(&Request { way, measured })?);
                }
            }
        }
        let names = self.names.iter().cloned();
        Ok((median(own_times), names.zip(times.into_iter().map(median)).collect()))
    }
}

/// The file that `scripts/models` makes the package of.
fn model_file() -> PathBuf {
    let cache = env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty());
    let cache = cache.map(PathBuf::from).unwrap_or_else(|| {
        let home = env::var_os("HOME").unwrap_or_default();
        PathBuf::from(home).join(".cache")
    });
    cache.join("assay/models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf")
}
