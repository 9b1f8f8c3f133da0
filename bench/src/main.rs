//! `make bench`: exact inference and the kernels under it against libtorch, and against ONNX Runtime, OpenVINO and
//! llama.cpp where `make bench-setup` has fetched them, in one run, with the same number of threads; and what a
//! dispute's last step costs.
//!
//! Prints a table, and writes the same as JSON. There is nothing to pass or to fail here.

mod baselines;
mod gpt;
mod judge;
mod kernels;
mod machine;
mod measure;
mod minilm;
mod models;
mod peers;
mod process;
mod report;
mod smollm2;

use anyhow::Result;
use assay_kernels::threads::Threads;
use clap::{Parser, ValueEnum};
use std::{num::NonZeroUsize, path::PathBuf};

/// Measures exact inference against what it replaces.
#[derive(Parser)]
struct Options {
    /// File to which the report is written.
    #[arg(long, default_value = "target/bench/report.json")]
    output: PathBuf,
    /// Folder of the models.
    #[arg(long, default_value = "models")]
    models: PathBuf,
    /// Threads that everything is measured with; as many as there are processors by default.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Measure models on this GPU, by its index, against libtorch on it; needs a libtorch with CUDA.
    #[arg(long, value_name = "INDEX")]
    gpu: Option<usize>,
    /// Measure only this; may be repeated.
    #[arg(long, value_enum)]
    only: Vec<Part>,
}

/// Parts that can be measured by themselves.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// all-MiniLM-L6-v2, if `make models` has made its packages.
    Minilm,
    /// The GPT of the repository: prefill and decoding.
    Gpt,
    /// SmolLM2-135M-Instruct, if `make models` has made its package.
    Smollm2,
    /// Products, functions and normalisations.
    Kernels,
    /// Digests, and the judge of one element.
    Judge,
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
    let wanted = |part| options.only.is_empty() || options.only.contains(&part);
    let place = models::Place::new(count, options.gpu)?;
    if wanted(Part::Minilm) {
        models::minilm(&mut report, &place, &options.models)?;
    }
    if wanted(Part::Gpt) {
        models::gpt(&mut report, &place, &options.models)?;
    }
    if wanted(Part::Smollm2) {
        smollm2::smollm2(&mut report, &place, &options.models)?;
    }
    if options.gpu.is_some() {
        return report.write(&options.output);
    }
    if wanted(Part::Kernels) {
        kernels::products(&mut report, &threads);
        kernels::rows(&mut report, &threads);
    }
    if wanted(Part::Judge) {
        judge::digests(&mut report)?;
        judge::operators(&mut report)?;
    }
    report.write(&options.output)
}
