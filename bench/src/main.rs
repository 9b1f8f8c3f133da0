//! `make bench`: exact inference and the kernels under it against libtorch, in one run, with the same number of threads.
//!
//! Prints a table, and writes the same as JSON. There is nothing to pass or to fail here.

mod kernels;
mod machine;
mod measure;
mod minilm;
mod models;
mod report;

use anyhow::Result;
use assay_kernels::threads::Threads;
use clap::Parser;
use std::{num::NonZeroUsize, path::PathBuf};

/// Measures exact inference against what it replaces.
#[derive(Parser)]
struct Options {
    /// Where the report goes.
    #[arg(long, default_value = "target/bench/report.json")]
    output: PathBuf,
    /// Folder of the models.
    #[arg(long, default_value = "models")]
    models: PathBuf,
    /// Threads that everything is measured with; as many as there are processors by default.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let count = match options.threads {
        Some(count) => count,
        None => std::thread::available_parallelism()?,
    };
    let _no_grad = tch::no_grad_guard();
    tch::set_num_threads(i32::try_from(count.get())?);
    let threads = Threads::new(count.get());
    let mut report = report::Report {
        machine: machine::Machine::new(count.get()),
        entries: Vec::new(),
    };
    println!("{:?}", report.machine);
    models::minilm(&mut report, count, &options.models)?;
    kernels::products(&mut report, &threads);
    kernels::rows(&mut report, &threads);
    report.write(&options.output)
}
