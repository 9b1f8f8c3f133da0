//! `assay-worker models import`

use super::pricing;
use crate::cli::NodeArgs;
use anyhow::bail;
use assay_exact::quantise::Precision;
use assay_import::{Form, GgufOptions, ImportOptions, Progress, Stage, import_with};
use assay_package::{Details, Package};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use std::{io::IsTerminal, path::PathBuf, process::ExitCode};

/// Options of `models import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The archive that torch.export.save wrote, or a GGUF file of a Llama model
    model: PathBuf,
    /// Folder for the package
    #[arg(long, short)]
    output: PathBuf,
    /// Name: lower-case letters, digits, '-', '_' and '.'
    #[arg(long)]
    name: String,
    /// Version, such as 1.0.0
    #[arg(long = "model-version", default_value = "1.0.0")]
    version: String,
    /// SPDX expression
    #[arg(long)]
    licence: String,
    /// One line for people
    #[arg(long, default_value = "")]
    description: String,
    /// Precision of the contractions [default: int16, and int16int8 for a GGUF file]
    #[arg(long, value_enum)]
    precision: Option<PrecisionChoice>,
    /// Maximum length of a sequence, for a GGUF file [default: its context, and 2048 at most]
    #[arg(long, value_name = "TOKENS")]
    max_length: Option<u32>,
    /// The weights that the archive leaves out (.safetensors), under their names in the module
    #[arg(long)]
    weights: Option<PathBuf>,
    /// A file that travels with the model, such as a tokenizer
    #[arg(long = "asset")]
    assets: Vec<PathBuf>,
    /// Inputs by which int8 and int16int8 are made to lose less: texts, one a line (.txt), for a model with a
    /// tokenizer.json among its assets, or tensors (.safetensors, .json)
    #[arg(long, value_name = "FILE", conflicts_with = "generation")]
    calibrate: Option<PathBuf>,
    /// Import a language model, tokens [batch, length] to logits, as the check graph of what it generates
    #[arg(long)]
    generation: bool,
    /// A token after which a generated sequence ends [default: those that a GGUF file names]
    #[arg(long = "stop-token", value_name = "TOKEN", requires = "generation")]
    stop_tokens: Vec<i64>,
    /// Do not run the model for some seconds to say how fast it is here
    #[arg(long)]
    no_measure: bool,
    /// WebSocket address of a node whose offers say what to charge
    #[arg(long, value_name = "URL", value_delimiter = ',', conflicts_with = "no_measure")]
    node: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PrecisionChoice {
    /// 8-bit integers: the fastest
    Int8,
    /// 15-bit integers: as accurate as binary32 in practice
    Int16,
    /// 15-bit integers with weights, keys and values of 8 bits: between the two in time and accuracy
    #[value(name = "int16int8")]
    Int16Int8,
}

/// Imports a model, and says how fast it is here and what to charge for it.
pub(super) async fn run(args: ImportArgs) -> anyhow::Result<ExitCode> {
    let ImportArgs {
        model,
        output,
        name,
        version,
        licence,
        description,
        precision,
        max_length,
        weights,
        assets,
        calibrate,
        generation,
        stop_tokens,
        no_measure,
        node,
    } = args;
    let is_gguf = model.extension().is_some_and(|extension| extension == "gguf");
    if is_gguf && weights.is_some() {
        bail!("--weights is for an archive that was exported without its weights; a GGUF file has its own")
    }
    if is_gguf && calibrate.is_some() {
        bail!("--calibrate is for an archive; the matrices of a GGUF file are integers already")
    }
    if !is_gguf && max_length.is_some() {
        bail!("--max-length is for a GGUF file; an archive has the lengths that it was exported with")
    }
    let precision = precision_of(precision, is_gguf);
    let details = Details {
        name,
        version,
        licence,
        description,
    };
    let mut shown = Shown::new();
    let mut on_progress = |progress| shown.take(progress);
    let package = if is_gguf {
        let options = GgufOptions {
            details,
            precision,
            max_length,
            generation: generation.then_some(stop_tokens),
            assets,
        };
        assay_import::import_gguf_with(&model, options, &mut on_progress)?
    } else {
        let options = ImportOptions {
            details,
            precision,
            weights,
            assets,
        };
        match (calibrate, generation) {
            (Some(file), _) => super::calibrate::smoothed(&model, options, &file, &mut on_progress)?,
            (None, true) => import_with(&model, options, Form::Generation(&stop_tokens), &mut on_progress)?,
            (None, false) => import_with(&model, options, Form::Model, &mut on_progress)?,
        }
    };
    shown.close();
    package.save(&output)?;
    print!("{}", assay_package::inspect(&package));
    if !no_measure {
        advise(&package, node).await?;
    }
    Ok(ExitCode::SUCCESS)
}

fn precision_of(chosen: Option<PrecisionChoice>, is_gguf: bool) -> Precision {
    match chosen {
        Some(PrecisionChoice::Int8) => Precision::Int8,
        Some(PrecisionChoice::Int16) => Precision::Int16,
        Some(PrecisionChoice::Int16Int8) => Precision::Int16Int8,
        None if is_gguf => Precision::Int16Int8,
        None => Precision::Int16,
    }
}

/// Says how fast a package is here, and what to charge for it by the offers that a node knows, if one is given.
async fn advise(package: &Package, node: Vec<String>) -> anyhow::Result<()> {
    let quotes = match node.is_empty() {
        true => None,
        false => Some(pricing::quotes(&NodeArgs { node }).await),
    };
    pricing::advise(package, quotes)
}

/// Bar of an import that goes on, on standard error; nothing where that is no terminal.
struct Shown {
    bar: ProgressBar,
    stage: Option<Stage>,
}

impl Shown {
    fn new() -> Self {
        let bar = match std::io::stderr().is_terminal() {
            true => ProgressBar::new(0),
            false => ProgressBar::hidden(),
        };
        Self { bar, stage: None }
    }

    fn take(&mut self, progress: Progress) {
        if self.stage != Some(progress.stage) {
            self.stage = Some(progress.stage);
            let (template, message) = match progress.stage {
                Stage::Operators => ("{bar:30} {pos}/{len} {msg}  {elapsed}", "operators"),
                Stage::Weights => ("{bar:30} {bytes}/{total_bytes} {msg}  {elapsed}", "of weights"),
                _ => ("{spinner} {msg}  {elapsed}", "hashing and checking the package"),
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.bar.set_style(style);
            }
            self.bar.set_message(message);
        }
        self.bar.set_length(progress.total);
        self.bar.set_position(progress.done);
    }

    fn close(&self) {
        self.bar.finish_and_clear();
    }
}
