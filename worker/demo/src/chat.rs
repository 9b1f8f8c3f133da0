//! From nothing to a conversation: a chain, two workers with a language model of which one cheats now and then, a
//! gateway that checks every answer, and a chat in the terminal.

use super::{
    LOOK, SLASH_DELAY, Stage,
    disputes::Disputes,
    processes::{self, SessionTerms},
    superuser,
    table::Names,
    wait_for_node,
};
use anyhow::{Context, bail, ensure};
use assay_client::{
    chain::{Account, Client, Event, Key, Wait},
    registration::register,
};
use assay_daemon::shutdown::Shutdown;
use assay_gateway::client::Client as Gateway;
use assay_package::Package;
use assay_types::ModelVersion;
use clap::Parser;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

/// The workers. Eve is cheaper, so she is asked first; every second answer of hers ends in another token than the
/// model's.
const WORKERS: [SessionTerms<'static>; 2] = [
    SessionTerms {
        name: "Dave",
        model: "package,session-base=0.02,min-budget=1,max-budget=50,sessions=8",
        stake: "1000",
        lie: None,
    },
    SessionTerms {
        name: "Eve",
        model: "package,session-base=0.01,min-budget=1,max-budget=50,sessions=8",
        stake: "104",
        lie: Some(("changed-token", "2")),
    },
];
/// Whose account the gateway buys with.
const BUYER: &str = "Bob";
/// Time in which node, workers and gateway are ready.
const PATIENCE: Duration = Duration::from_secs(240);
/// Time in which a cheat that was found is convicted, after the last question of a run without a terminal.
const CONVICTION: Duration = Duration::from_secs(240);

/// Starts a local chain, two workers with a language model of which one cheats now and then, a gateway, and a
/// conversation in the terminal
#[derive(Clone, Debug, Parser)]
#[command(name = "assay-chat", version, max_term_width = 110)]
pub struct ChatArgs {
    /// Program of the node [default: assay-node in the folder of this program]
    #[arg(long, env = "ASSAY_NODE_BINARY", value_name = "FILE")]
    pub node_binary: Option<PathBuf>,
    /// Folder of the language model's package, the check graph of what it generates
    #[arg(
        long,
        default_value = "models/smollm2-135m-instruct/package-generation",
        value_name = "DIR"
    )]
    pub package: PathBuf,
    /// Port of the gateway [default: a free one]
    #[arg(long)]
    pub port: Option<u16>,
    /// Ask this instead of reading the terminal, and end when a cheat is convicted; give several
    #[arg(long, value_name = "TEXT")]
    pub ask: Vec<String>,
    /// Events that are logged: error, warn, info, debug, or a filter such as assay_demo=debug
    #[arg(long, env = "ASSAY_LOG", value_name = "FILTER")]
    pub log: Option<String>,
}

/// Runs until the conversation ends. Everything that it started has ended when this returns.
pub async fn run(args: ChatArgs, mut shutdown: Shutdown) -> anyhow::Result<ExitCode> {
    let folder = std::env::temp_dir().join(format!("assay-chat-{}", std::process::id()));
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let mut stage = Stage {
        folder: folder.clone(),
        processes: Vec::new(),
    };
    let outcome = tokio::select! {
        outcome = converse(&args, &mut stage) => outcome,
        () = shutdown.requested() => Ok(()),
    };
    stage.stop().await;
    match outcome {
        Ok(()) => {
            // The logs are of no use any more; what cannot be removed is left to the system.
            let _ = std::fs::remove_dir_all(&folder);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            println!("\nThe logs are in {}.", folder.display());
            Err(error)
        }
    }
}

async fn converse(args: &ChatArgs, stage: &mut Stage) -> anyhow::Result<()> {
    let began = Instant::now();
    let node = processes::node_binary(args.node_binary.clone())?;
    ensure!(
        args.package.is_dir(),
        "{} is not there: `make models` fetches the model, and `make chat` does so by itself",
        args.package.display()
    );
    let folder = std::path::absolute(&args.package)?;
    let package = Package::load(&folder).with_context(|| format!("package {}", folder.display()))?;
    println!("Starting a node with a local chain, one block each second …");
    let port = processes::free_port()?;
    let url = format!("ws://127.0.0.1:{port}");
    stage.processes.push(processes::start_node(&node, &stage.folder, port)?);
    let client = tokio::time::timeout(PATIENCE, wait_for_node(stage, &url)).await;
    let client = client.context("the node does not start")??;
    let ready = tokio::time::timeout(PATIENCE, set_up(args, &client, &package, &folder, stage, &url)).await;
    let gateway = ready.context("the workers or the gateway do not start")??;
    println!("Ready after {:.0} s.", began.elapsed().as_secs_f64());
    invite(&gateway, &package.manifest().name);

    let mut told = tokio::spawn(tell(client, package));
    if args.ask.is_empty() {
        let mut chat = processes::chat(&gateway, None)?.spawn()?;
        let ended = tokio::select! {
            ended = chat.wait() => ended,
            // Whatever became of the account of disputes, the conversation goes on.
            _ = &mut told => chat.wait().await,
        };
        told.abort();
        ended?;
        return Ok(());
    }
    for text in &args.ask {
        println!("> {text}");
        let answered = processes::chat(&gateway, Some(text))?.status().await?;
        ensure!(answered.success(), "the gateway does not answer");
    }
    match tokio::time::timeout(CONVICTION, told).await {
        Ok(told) => told?,
        Err(_) => bail!("no cheat was convicted within {} s", CONVICTION.as_secs()),
    }
}

/// Registers the model, and starts the workers and the gateway; the gateway's address.
async fn set_up(
    args: &ChatArgs,
    client: &Client,
    package: &Package,
    folder: &Path,
    stage: &mut Stage,
    url: &str,
) -> anyhow::Result<String> {
    let alice = Account::open(client.clone(), Key::load("//Alice")?)?;
    let version = register(&alice, package, None).await?;
    println!("Alice has registered {} as {version}.", package.manifest().name);
    alice
        .send(superuser::set_slash_delay(SLASH_DELAY), Wait::Finalized)
        .await?;
    let models_dir = stage.folder.join("models");
    std::fs::create_dir_all(&models_dir)?;
    let link = models_dir.join("package");
    std::os::unix::fs::symlink(folder, &link).with_context(|| link.display().to_string())?;
    for terms in &WORKERS {
        let worker = processes::start_joined_worker(terms, &models_dir, &stage.folder, url)?;
        stage.processes.push(worker);
    }
    offered(client, version, stage).await?;
    println!("Dave and Eve offer sessions on it; Eve asks for less, and cheats now and then.");
    let port = match args.port {
        Some(port) => port,
        None => processes::free_port()?,
    };
    let gateway = processes::start_gateway(BUYER, &models_dir, &stage.folder, url, port)?;
    stage.processes.push(gateway);
    let address = format!("http://127.0.0.1:{port}");
    let asked = Gateway::new(&address, None)?;
    loop {
        stage.ensure_running()?;
        match asked.send("/ready", None).await {
            Ok(reply) if reply.status == 200 => return Ok(address),
            Ok(_) | Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

/// Waits until all workers offer sessions where they are reached.
async fn offered(client: &Client, version: ModelVersion, stage: &mut Stage) -> anyhow::Result<()> {
    loop {
        stage.ensure_running()?;
        let snapshot = client.finalized().await?;
        let offers = snapshot.session_offers(version).await?.len();
        let announced = snapshot.announcements().await?.len();
        if offers.min(announced) >= WORKERS.len() {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn invite(gateway: &str, model: &str) {
    println!("\nThe gateway is at {gateway} and speaks OpenAI's API. From another terminal:\n");
    println!("  curl {gateway}/v1/chat/completions -H 'content-type: application/json' \\");
    println!(
        "    -d '{{\"model\": \"{model}\", \"max_tokens\": 60, \"messages\": [{{\"role\": \"user\", \"content\": \"Hello!\"}}]}}'"
    );
    println!("\nIn Python:\n");
    println!("  from openai import OpenAI");
    println!("  client = OpenAI(base_url=\"{gateway}/v1\", api_key=\"none\")");
    println!("  messages = [{{\"role\": \"user\", \"content\": \"Hello!\"}}]");
    println!("  answer = client.chat.completions.create(model=\"{model}\", messages=messages, max_tokens=60)");
    println!("  print(answer.choices[0].message.content)");
    println!("\nThe gateway executes every answer again, and challenges those that are wrong.\n");
}

/// Tells of disputes as they go, until a worker is convicted.
async fn tell(client: Client, package: Package) -> anyhow::Result<()> {
    let mut names = Names::new();
    for name in WORKERS.iter().map(|terms| terms.name).chain([BUYER]) {
        names.insert(Key::load(&format!("//{name}"))?.account(), name);
    }
    let mut disputes = Disputes::new(names, &package);
    let mut blocks = client.blocks(None).await?;
    loop {
        let snapshot = blocks.next(Duration::from_secs(60)).await?;
        for event in snapshot.events().await? {
            let Event::Disputes(event) = event else {
                continue;
            };
            if let Some(line) = disputes.line(&event) {
                println!("\n  [block {}] {line}", snapshot.number());
            }
        }
        if disputes.convictions() > 0 {
            println!("  The cheat is caught. Nobody asks Eve any more.");
            return Ok(());
        }
    }
}
