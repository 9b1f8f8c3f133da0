//! `assay-worker models`

use super::import::{self, ImportArgs};
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
use assay_package::{Package, picture};
use assay_types::ModelVersion;
use clap::{Args, Subcommand};
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Tasks about models.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// Turn a torch.export archive (.pt2) or a language model for llama.cpp (.gguf) into a package
    Import(ImportArgs),
    /// Show what a package takes and gives, what its operators cost in which precision, and its root
    Inspect(InspectArgs),
    /// Compare a package's exact outputs with stored fp32 outputs
    Check(CheckArgs),
    /// Show the models that are registered on chain
    List(NodeArgs),
    /// Register a package as a new model line
    Register(RegisterArgs),
    /// Publish a package as the next version of a model line
    Publish(PublishArgs),
}

/// Options of `models inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Folder of the package
    package: PathBuf,
    /// Write the graph as a picture for Graphviz to this file
    #[arg(long, value_name = "FILE")]
    dot: Option<PathBuf>,
    /// Write the graph as an SVG to this file, which a browser shows
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
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
        ModelsCommand::Import(args) => import::run(args).await,
        ModelsCommand::Inspect(args) => inspect(&args),
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

fn inspect(args: &InspectArgs) -> anyhow::Result<ExitCode> {
    let package = load(&args.package)?;
    type Draw = fn(&Package) -> String;
    let pictures: [(&Option<PathBuf>, Draw); 2] = [(&args.dot, picture::dot), (&args.svg, picture::svg)];
    for (file, draw) in pictures {
        if let Some(file) = file {
            fs::write(file, draw(&package)).with_context(|| format!("cannot write {}", file.display()))?;
        }
    }
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
