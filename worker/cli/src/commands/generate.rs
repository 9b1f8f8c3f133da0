//! `assay-worker generate`
//!
//! Tokens go in and come out. A tokenizer among the package's assets belongs between these and text.

use crate::config::EngineArg;
use anyhow::Context;
use assay_engine::generate::{Generator, Sampling};
use assay_package::{Package, generation::MAX_CANDIDATES};
use clap::Args;
use std::{
    io::{Write, stdout},
    path::PathBuf,
    process::ExitCode,
};

/// Options of `generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// Folder of the package
    package: PathBuf,
    /// The tokens to go on from, such as 1,15,7
    #[arg(long, value_delimiter = ',', required = true, allow_negative_numbers = true)]
    prompt: Vec<i64>,
    /// What the logits are divided by; 0 takes the best token every time
    #[arg(long, default_value_t = 0.0)]
    temperature: f32,
    /// Choose among this many of the best tokens
    #[arg(long, default_value_t = MAX_CANDIDATES)]
    top_k: u32,
    /// Choose among the best tokens that together have this probability
    #[arg(long, default_value_t = 1.0)]
    top_p: f32,
    /// The same seed gives the same tokens
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    seed: i64,
    /// Maximum number of tokens to make
    #[arg(long, default_value_t = 64)]
    max_tokens: u32,
    /// What runs the model
    #[arg(long, value_enum, default_value_t = EngineArg::Cpu)]
    engine: EngineArg,
    /// The GPU for the engine, by its index [default: 0]
    #[arg(long, value_name = "INDEX")]
    gpu: Option<usize>,
    /// Threads
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

/// Generates, and prints every token as it is made.
pub fn run(args: &GenerateArgs) -> anyhow::Result<ExitCode> {
    let package = Package::load(&args.package).with_context(|| format!("package {}", args.package.display()))?;
    args.engine.check_gpu(args.gpu)?;
    let engine = assay_engine::open(args.engine.into(), args.gpu, args.threads)?;
    let model = engine.load(&package)?;
    let mut generator = Generator::new(&model)?;
    let longest = package
        .generation()
        .map_or(0, |generation| generation.max_length.saturating_sub(1));
    let sampling = Sampling {
        temperature: args.temperature,
        top_p: args.top_p,
        top_k: args.top_k,
        seed: args.seed,
        max_tokens: args.max_tokens.min(longest),
    };
    let mut out = stdout();
    let mut printed = Ok(());
    generator.generate(&args.prompt, sampling, |token| {
        if printed.is_ok() {
            printed = write!(out, "{token} ").and_then(|()| out.flush());
        }
    })?;
    printed?;
    writeln!(out)?;
    Ok(ExitCode::SUCCESS)
}
