//! The demonstration: a chain of its own, two honest workers and one that cheats, a watcher, fifty handwritten digits,
//! and an account of what happened.

pub mod chat;
mod disputes;
mod ledger;
mod processes;
mod session;
mod summary;
pub mod superuser;
mod table;

use anyhow::{Context, bail, ensure};
use assay_client::{
    chain::{Account, AccountId, Balance, BlockNumber, Client, Event, Key, Wait},
    registration::register,
    request::{
        Model, Prepared,
        chain::NodeSender,
        find_model, largest,
        plan::agree,
        prepare_all,
        progress::{Progress, Summary},
        run::{Following, Request, Start, Until},
        terms::Wishes,
        tracker::{Moment, Tracker},
    },
    units::UNIT,
};
use assay_daemon::shutdown::Shutdown;
use assay_package::Package;
use assay_text::inputs;
use clap::Parser;
use disputes::Disputes;
use ledger::Ledger;
use processes::{Process, WorkerTerms};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};
use summary::Report;
use table::{Names, Table};

/// The most that the client pays for a job.
const CEILING: Balance = 6 * UNIT / 10;
/// Pause between two looks at something that will come.
const LOOK: Duration = Duration::from_millis(250);
/// Blocks from a conviction to the payment of what it brings. A real chain takes a day, in which governance can cancel
/// it.
const SLASH_DELAY: BlockNumber = 8;
/// The workers. Charlie's offer is cheaper than Dave's, Dave bids lower; they compute in different ways, to the same
/// bits. Eve is the cheapest of all: for every second job she answers with what a cheaper model gives. Once she is
/// convicted, half of her stake is gone, and what is left is below what a worker needs.
const WORKERS: [WorkerTerms<'static>; 3] = [
    WorkerTerms {
        name: "Charlie",
        model: "package,price=0.4,capacity=20,bid=0.45,max-bids=64",
        stake: "1000",
        engine: "torch",
        lies: false,
        joins: false,
    },
    WorkerTerms {
        name: "Dave",
        model: "package,price=0.5,capacity=64,bid=0.35,max-bids=64,session-base=0.002,min-budget=1,max-budget=50",
        stake: "1000",
        engine: "cpu",
        lies: false,
        joins: true,
    },
    WorkerTerms {
        name: "Eve",
        model: "package,price=0.3,capacity=4",
        stake: "104",
        engine: "cpu",
        lies: true,
        joins: false,
    },
];
/// Account that executes every claim again, and challenges those that are wrong.
const WATCHER: &str = "Ferdie";

/// Runs a demonstration on a local chain: a node, three workers of which one cheats, a watcher, and 50 handwritten
/// digits
#[derive(Clone, Debug, Parser)]
#[command(name = "assay-demo", version, max_term_width = 110)]
pub struct DemoArgs {
    /// Program of the node [default: assay-node in the folder of this program]
    #[arg(long, env = "ASSAY_NODE_BINARY", value_name = "FILE")]
    pub node_binary: Option<PathBuf>,
    /// Folder of the package
    #[arg(long, default_value = "models/digits/package", value_name = "DIR")]
    pub package: PathBuf,
    /// File of inputs with labels
    #[arg(long, default_value = "models/digits/inputs", value_name = "FILE|DIR")]
    pub input: PathBuf,
    /// Jobs to submit
    #[arg(long, default_value_t = 50)]
    pub jobs: usize,
    /// Number of jobs that are auctioned
    #[arg(long, default_value_t = 16)]
    pub auctioned: usize,
    /// Requests in sessions after the jobs, rounded up to a multiple of the inputs; 0 for none
    #[arg(long, default_value_t = 1_000)]
    pub requests: u32,
    /// Events that are logged: error, warn, info, debug, or a filter such as assay_demo=debug
    #[arg(long, env = "ASSAY_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// Keep the node and the workers running until Ctrl-C, and keep the logs
    #[arg(long)]
    pub keep: bool,
    /// Maximum duration of the demo, in seconds
    #[arg(long, default_value_t = 360, value_name = "SECONDS")]
    pub patience: u64,
}

/// Runs the demo. Everything that it started has ended when this returns.
pub async fn run(args: DemoArgs, mut shutdown: Shutdown) -> anyhow::Result<ExitCode> {
    let folder = std::env::temp_dir().join(format!("assay-demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let mut stage = Stage {
        folder: folder.clone(),
        processes: Vec::new(),
    };
    let patience = Duration::from_secs(args.patience);
    let outcome = tokio::select! {
        outcome = tokio::time::timeout(patience, play(&args, &mut stage)) => {
            outcome.unwrap_or_else(|_| bail!("the demo took longer than {} s", args.patience))
        }
        () = shutdown.requested() => Err(anyhow::anyhow!("interrupted")),
    };
    if args.keep && outcome.is_ok() {
        println!("\nNode, workers and watcher keep running until Ctrl-C.");
        shutdown.requested().await;
    }
    stage.stop().await;
    match outcome {
        Ok(true) => {
            // The logs are of no use any more; what cannot be removed is left to the system.
            let _ = std::fs::remove_dir_all(&folder);
            Ok(ExitCode::SUCCESS)
        }
        outcome => {
            println!("\nThe logs are in {}.", folder.display());
            outcome.map(|_| ExitCode::FAILURE)
        }
    }
}

/// Processes that the demo has started.
struct Stage {
    folder: PathBuf,
    processes: Vec<Process>,
}

impl Stage {
    fn ensure_running(&mut self) -> anyhow::Result<()> {
        self.processes.iter_mut().try_for_each(Process::ensure_running)
    }

    /// Ends the workers, then the node.
    async fn stop(mut self) {
        let node = (!self.processes.is_empty()).then(|| self.processes.remove(0));
        futures::future::join_all(self.processes.into_iter().map(Process::stop)).await;
        if let Some(node) = node {
            node.stop().await;
        }
        // A chain's database is of no use to anybody.
        let _ = std::fs::remove_dir_all(self.folder.join("node"));
    }
}

/// Parts that everything after the start needs.
struct Scene {
    client: Client,
    bob: Account,
    model: Model,
    package: Package,
    /// The workers, and the watcher.
    others: Vec<(&'static str, AccountId)>,
}

/// Plays the demo; true if everything is as it must be.
async fn play(args: &DemoArgs, stage: &mut Stage) -> anyhow::Result<bool> {
    let began = Instant::now();
    let node = processes::node_binary(args.node_binary.clone())?;
    let package_folder = std::path::absolute(&args.package)?;
    let package = Package::load(&package_folder).with_context(|| format!("package {}", package_folder.display()))?;
    let read = inputs::read(&args.input, package.graph())?;
    ensure!(
        read.len() >= args.jobs,
        "{} has {} inputs, not {}",
        args.input.display(),
        read.len(),
        args.jobs
    );
    ensure!(args.auctioned <= args.jobs, "--auctioned must not be above --jobs");

    println!("Starting a node with a local chain, one block each second …");
    let port = processes::free_port()?;
    let url = format!("ws://127.0.0.1:{port}");
    stage.processes.push(processes::start_node(&node, &stage.folder, port)?);
    let client = wait_for_node(stage, &url).await?;
    let scene = set_up(client, package, &package_folder, stage, &url).await?;

    let jobs = plan(&scene, &read[..args.jobs], args.auctioned).await?;
    let (report, faults) = follow(&scene, &jobs, args.auctioned, stage).await?;
    let mut fine = report.print(&scene, &jobs, &faults)?;
    if args.requests > 0 {
        fine &= session::play(args, &scene, &read, stage, &url).await?;
    }
    println!("\nThe demo took {:.0} s.", began.elapsed().as_secs_f64());
    look_further(args, port, stage);
    Ok(fine)
}

async fn wait_for_node(stage: &mut Stage, url: &str) -> anyhow::Result<Client> {
    loop {
        stage.ensure_running()?;
        match Client::connect(&[url.to_owned()]).await {
            Ok(client) if client.finalized().await?.number() > 0 => return Ok(client),
            Err(error) if !error.is_connection() => return Err(error.into()),
            Ok(_) | Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

/// Registers the model and starts the workers.
async fn set_up(
    client: Client,
    package: Package,
    package_folder: &Path,
    stage: &mut Stage,
    url: &str,
) -> anyhow::Result<Scene> {
    let alice = Account::open(client.clone(), Key::load("//Alice")?)?;
    let version = register(&alice, &package, None).await?;
    println!(
        "Alice has registered the model {} as {version}.",
        package.manifest().name
    );
    alice
        .send(superuser::set_slash_delay(SLASH_DELAY), Wait::Finalized)
        .await?;
    let model = find_model(&client.finalized().await?, &version.to_string()).await?;

    let models_dir = stage.folder.join("models");
    std::fs::create_dir_all(&models_dir)?;
    let link = models_dir.join("package");
    std::os::unix::fs::symlink(package_folder, &link).with_context(|| link.display().to_string())?;
    let mut workers = Vec::new();
    for terms in &WORKERS {
        stage
            .processes
            .push(processes::start_worker(terms, &models_dir, &stage.folder, url)?);
        workers.push((terms.name, Key::load(&format!("//{}", terms.name))?.account()));
    }
    stage
        .processes
        .push(processes::start_watcher(WATCHER, &models_dir, &stage.folder, url)?);
    for (name, account) in &workers {
        loop {
            stage.ensure_running()?;
            let snapshot = client.finalized().await?;
            let info = snapshot.worker(account).await?;
            let offer = info.as_ref().and_then(|info| info.offers.first());
            if let Some(offer) = offer.filter(|offer| offer.from <= snapshot.now()) {
                println!(
                    "{name} offers it for {}, up to {} jobs at once.",
                    assay_client::units::price(offer.terms.base, offer.terms.rate),
                    offer.capacity
                );
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
    println!("{WATCHER} is the watcher and executes every claimed job again.");
    workers.push((WATCHER, Key::load(&format!("//{WATCHER}"))?.account()));
    let bob = Account::open(client.clone(), Key::load("//Bob")?)?;
    Ok(Scene {
        client,
        bob,
        model,
        package,
        others: workers,
    })
}

/// The jobs: those for standing offers first, then those to be auctioned.
async fn plan(scene: &Scene, read: &[inputs::JobInput], auctioned: usize) -> anyhow::Result<Vec<Prepared>> {
    let snapshot = scene.client.finalized().await?;
    let constants = snapshot.constants()?;
    let symbols = largest(read, &scene.package, &scene.model)?;
    let offers = Wishes {
        ceiling: Some(CEILING),
        inline_output: true,
        ..Default::default()
    };
    let shortest = Some(constants.auction_phase.0);
    let auctions = Wishes {
        auction: true,
        phases: (shortest, shortest),
        ..offers.clone()
    };
    let (by_offer, by_auction) = read.split_at(read.len() - auctioned);
    let (by_offer_terms, _) = agree(&snapshot, &constants, &scene.model, &symbols, &offers).await?;
    let (by_auction_terms, _) = agree(&snapshot, &constants, &scene.model, &symbols, &auctions).await?;
    let mut jobs = prepare_all(by_offer, &scene.package, &scene.model, &by_offer_terms)?;
    jobs.extend(prepare_all(
        by_auction,
        &scene.package,
        &scene.model,
        &by_auction_terms,
    )?);
    Ok(jobs)
}

/// Submits the jobs and shows the table until all are closed.
async fn follow(
    scene: &Scene,
    jobs: &[Prepared],
    auctioned: usize,
    stage: &mut Stage,
) -> anyhow::Result<(Report, Vec<String>)> {
    let mut parties = vec![("Bob", scene.bob.id().clone())];
    parties.extend(scene.others.iter().cloned());
    let names: Names = parties.iter().map(|(name, account)| (account.clone(), *name)).collect();
    let first = scene.client.finalized().await?;
    let mut ledger = Ledger::open(&first, &parties).await?;
    let mut blocks = scene.client.blocks(Some(first.number())).await?;
    println!(
        "\nBob submits {} jobs, {} for standing offers and {auctioned} for sealed bids, and pays at most {} ASY each.\n",
        jobs.len(),
        jobs.len() - auctioned,
        assay_client::units::format(CEILING)
    );

    let began = Instant::now();
    let mut request = start(scene, jobs, first.number());
    let mut summary: Option<Summary> = None;
    let mut tracker = Tracker::new(scene.bob.id().clone());
    let mut disputes = Disputes::new(names.clone(), &scene.package);
    let mut table = Table::new(names);
    let (last, submitted) = loop {
        let snapshot = tokio::select! {
            step = request.next(), if summary.is_none() => {
                if let Progress::Finished(finished) = step.context("the request ended without a word")?? {
                    summary = Some(finished);
                }
                continue;
            }
            snapshot = blocks.next(Duration::from_secs(30)) => snapshot?,
        };
        let now = Moment {
            block: snapshot.number(),
            seen: Instant::now(),
        };
        for event in snapshot.events().await? {
            ledger.book(&event);
            disputes.take(&event, now.block);
            if let Event::Market(event) = &event {
                tracker.take(event, now);
            }
        }
        table.show(now.block, began.elapsed().as_secs(), &tracker);
        stage.ensure_running()?;
        let over = tracker.stories().all(|(_, story)| story.is_closed()) && disputes.is_settled();
        if let Some(summary) = summary.take_if(|_| over) {
            let all = tracker.stories().count() == jobs.len() && summary.unfinished == 0;
            ensure!(all, "the chain has a different number of jobs than were submitted");
            break (snapshot, summary.submitted);
        }
    };
    let faults = ledger.close(&last).await?;
    Ok((
        Report {
            tracker,
            submitted,
            ledger,
            disputes,
        },
        faults,
    ))
}

/// Lets Bob's request go on until its jobs are closed. The chain ends with the demo, so nothing is kept on disk.
fn start(scene: &Scene, jobs: &[Prepared], after: BlockNumber) -> Request {
    let parts = scene.model.record.parts.clone();
    let start = Start::fresh(scene.bob.id(), jobs.to_vec(), parts, None, after);
    let following = Following {
        until: Until::Closed,
        accept: false,
        patience: Duration::from_secs(240),
    };
    Request::start(
        NodeSender::new(scene.client.clone(), scene.bob.clone()),
        start,
        following,
    )
}

fn look_further(args: &DemoArgs, port: u16, stage: &Stage) {
    if !args.keep {
        println!("To explore the chain, run the demo with --keep: node and workers then keep running until Ctrl-C.");
        return;
    }
    println!("To explore the chain:");
    println!("  https://polkadot.js.org/apps/?rpc=ws%3A%2F%2F127.0.0.1%3A{port}#/explorer");
    let node = format!("--node ws://127.0.0.1:{port}");
    println!("  assay-worker status //Charlie {node}");
    println!("  assay-worker models list {node}");
    println!(
        "  assay-worker request digits --models-dir {} --input {} --limit 5 --key //Eve {node}",
        args.package.parent().unwrap_or(Path::new(".")).display(),
        args.input.display()
    );
    for process in &stage.processes {
        println!("  tail -f {}", process.log.display());
    }
}
