//! The engine's process, asked directly.

use anyhow::{Context, Result, ensure};
use assay_daemon::engine::{self, Engine, EngineProgram, Patience, Reply, Setup, Task, Tasks, default_limit};
use assay_ops::tensor::Tensor;
use assay_package::Package;
use assay_types::H256;
use std::{
    os::unix::ffi::OsStrExt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// Longest time that a request may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// A package, and the process that executes it.
pub struct Executes {
    /// The package.
    pub package: Arc<Package>,
    /// The process.
    pub engine: Engine,
}

/// Starts the engine with the package in this folder.
pub fn start(folder: &Path) -> Result<Executes> {
    ensure!(
        folder.is_dir(),
        "{} is not there: `make models` makes it",
        folder.display()
    );
    let package = Arc::new(Package::load(folder)?);
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    let setup = Setup {
        engine: "cpu".to_owned(),
        gpu: None,
        threads: u32::try_from(threads)?,
        max_memory: default_limit(),
        packages: vec![folder.as_os_str().as_bytes().to_vec()],
    };
    let program = EngineProgram::this_one(&["engine"]);
    let engine = engine::start(program, setup, std::slice::from_ref(&package), Patience::default())?;
    Ok(Executes { package, engine })
}

/// Has a request executed; the bytes of its outputs, and when the first token came.
pub async fn ask(tasks: &Tasks, model: H256, inputs: Vec<Tensor>) -> Result<(Vec<u8>, Option<Instant>)> {
    let (outcome, mut ended) = mpsc::channel(1);
    let (tokens, mut made) = mpsc::unbounded_channel();
    let task = Task {
        job: u64::MAX,
        model,
        inputs,
        until: Instant::now() + PATIENCE,
        reply: Some(Reply { outcome, tokens }),
    };
    tasks.try_run(task)?;
    let mut first = None;
    loop {
        tokio::select! {
            // Tokens first: of a short answer the end is there as soon as the first one.
            biased;
            Some(_) = made.recv() => {
                first.get_or_insert_with(Instant::now);
            }
            ended = ended.recv() => {
                let output = ended.context("the engine's supervisor has ended")??;
                return Ok((output.bytes, first));
            }
        }
    }
}
