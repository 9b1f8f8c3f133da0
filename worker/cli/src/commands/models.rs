//! `assay-worker models`

use crate::{
    cli::{KeyArgs, NodeArgs},
    config::EngineArg,
};
use anyhow::{Context, bail};
use assay_client::{
    chain::{Account, Client},
    registration, units,
};
use assay_engine::check;
use assay_exact::quantise::Precision;
use assay_import::{GgufOptions, ImportOptions};
use assay_package::{Details, Package};
use assay_types::ModelVersion;
use clap::{Args, Subcommand, ValueEnum};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Tasks about models.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// Turn a torch.export archive (.pt2) or a language model for llama.cpp (.gguf) into a package
    Import(ImportArgs),
    /// Show what a package takes and gives, its operators and its root
    Inspect(PackageArgs),
    /// Compare a package's exact outputs with stored fp32 outputs
    Check(CheckArgs),
    /// Show the models that are registered on chain
    List(NodeArgs),
    /// Register a package as a new model line
    Register(RegisterArgs),
    /// Publish a package as the next version of a model line
    Publish(PublishArgs),
}

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

/// A package.
#[derive(Debug, Args)]
pub struct PackageArgs {
    /// Folder of the package
    package: PathBuf,
}

/// Options of `models check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Folder of the package
    package: PathBuf,
    /// File of inputs and fp32 outputs (.safetensors)
    golden: PathBuf,
    /// Engine that runs the model
    #[arg(long, value_enum, default_value_t = EngineArg::Cpu)]
    engine: EngineArg,
    /// The GPU for the engine, by its index [default: 0 for cuda, none for torch]
    #[arg(long, value_name = "INDEX")]
    gpu: Option<usize>,
    /// Threads
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

/// Options of `models register`.
#[derive(Debug, Args)]
pub struct RegisterArgs {
    /// Folder of the package
    package: PathBuf,
    /// Name on chain; the package's own without it
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    node: NodeArgs,
}

/// Options of `models publish`.
#[derive(Debug, Args)]
pub struct PublishArgs {
    /// Folder of the package
    package: PathBuf,
    /// Name or number of the model line; the package's name without it
    #[arg(long)]
    model: Option<String>,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    node: NodeArgs,
}

pub(super) async fn run(command: ModelsCommand) -> anyhow::Result<ExitCode> {
    match command {
        ModelsCommand::Import(args) => import(args),
        ModelsCommand::Inspect(args) => {
            print!("{}", assay_package::inspect(&load(&args.package)?));
            Ok(ExitCode::SUCCESS)
        }
        ModelsCommand::Check(args) => check(args),
        ModelsCommand::List(node) => list(node).await,
        ModelsCommand::Register(args) => {
            let package = load(&args.package)?;
            let account = open(&args.node, &args.key).await?;
            let version = registration::register(&account, &package, args.name.as_deref()).await?;
            println!(
                "registered {} as model {version}, root 0x{}",
                package.manifest().name,
                hex::encode(package.root())
            );
            Ok(ExitCode::SUCCESS)
        }
        ModelsCommand::Publish(args) => publish(args).await,
    }
}

fn load(folder: &Path) -> anyhow::Result<Package> {
    Package::load(folder).with_context(|| format!("package {}", folder.display()))
}

async fn open(node: &NodeArgs, key: &KeyArgs) -> anyhow::Result<Account> {
    let key = super::load_key(key)?;
    Ok(Account::open(super::connect(node).await?, key)?)
}

fn import(args: ImportArgs) -> anyhow::Result<ExitCode> {
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
    } = args;
    let is_gguf = model.extension().is_some_and(|extension| extension == "gguf");
    let precision = match precision {
        Some(PrecisionChoice::Int8) => Precision::Int8,
        Some(PrecisionChoice::Int16) => Precision::Int16,
        Some(PrecisionChoice::Int16Int8) => Precision::Int16Int8,
        None if is_gguf => Precision::Int16Int8,
        None => Precision::Int16,
    };
    if is_gguf && weights.is_some() {
        bail!("--weights is for an archive that was exported without its weights; a GGUF file has its own")
    }
    if is_gguf && calibrate.is_some() {
        bail!("--calibrate is for an archive; the matrices of a GGUF file are integers already")
    }
    if !is_gguf && max_length.is_some() {
        bail!("--max-length is for a GGUF file; an archive has the lengths that it was exported with")
    }
    let details = Details {
        name,
        version,
        licence,
        description,
    };
    let package = if is_gguf {
        let options = GgufOptions {
            details,
            precision,
            max_length,
            generation: generation.then_some(stop_tokens),
            assets,
        };
        assay_import::import_gguf(&model, options)?
    } else {
        let options = ImportOptions {
            details,
            precision,
            weights,
            assets,
        };
        match (calibrate, generation) {
            (Some(file), _) => super::calibrate::smoothed(&model, options, &file)?,
            (None, true) => assay_import::import_generation(&model, options, &stop_tokens)?,
            (None, false) => assay_import::import(&model, options)?,
        }
    };
    package.save(&output)?;
    print!("{}", assay_package::inspect(&package));
    Ok(ExitCode::SUCCESS)
}

fn check(args: CheckArgs) -> anyhow::Result<ExitCode> {
    let package = load(&args.package)?;
    args.engine.check_gpu(args.gpu)?;
    let engine = assay_engine::open(args.engine.into(), args.gpu, args.threads)?;
    let report = check::check(&package, engine.as_ref(), &args.golden)?;
    println!("{report}");
    Ok(match report.is_comparable() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

async fn list(node: NodeArgs) -> anyhow::Result<ExitCode> {
    let snapshot = super::connect(&node).await?.finalized().await?;
    for model in 0..snapshot.next_model_id().await? {
        let Some(line) = snapshot.model(model).await? else {
            continue;
        };
        let version = ModelVersion {
            model,
            version: line.latest_version,
        };
        let name = String::from_utf8_lossy(&line.name);
        print!("{version:<8} {name:<24} owner {}", line.owner);
        match snapshot.version(version).await? {
            Some(record) => {
                print!("  root {:?}  {:?}", record.root, record.status);
            }
            None => print!("  (latest version removed)"),
        }
        let offers = snapshot.offers(version).await?;
        match offers
            .iter()
            .map(|offer| offer.terms)
            .min_by_key(|terms| (terms.base, terms.rate))
        {
            Some(terms) => println!(
                "  {} offers, from {}",
                offers.len(),
                units::price(terms.base, terms.rate)
            ),
            None => println!("  no offer"),
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn publish(args: PublishArgs) -> anyhow::Result<ExitCode> {
    let package = load(&args.package)?;
    let key = super::load_key(&args.key)?;
    let client: Client = super::connect(&args.node).await?;
    let name = args.model.unwrap_or_else(|| package.manifest().name.clone());
    let model = match name.parse() {
        Ok(id) => Some(id),
        Err(_) => client.finalized().await?.model_by_name(&name).await?,
    };
    let Some(model) = model else {
        bail!("no model `{name}` on this chain: register it first")
    };
    let account = Account::open(client, key)?;
    let (version, root) = registration::publish(&account, &package, model).await?;
    println!("published {name} as model {version}, root {root:?}");
    Ok(ExitCode::SUCCESS)
}
