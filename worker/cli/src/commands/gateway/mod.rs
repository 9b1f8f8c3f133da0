//! `assay-worker gateway`: OpenAI's endpoints and JSON-RPC over this account's sessions and jobs.

mod catalogue;
mod disputes;
mod embedding;
mod jobs;
mod keys;
mod market;
mod overview;
mod packages;
mod pool;
mod verification;

pub use keys::KeysCommand;

use super::{
    checks::{self, ReceiptCheckArgs},
    journal::JournalArgs,
    visitor::Visitor,
};
use crate::{
    cli::{KeyArgs, NodeArgs},
    config::NetworkArgs,
};
use anyhow::Context;
use assay_client::units;
use assay_daemon::shutdown::Shutdown;
use assay_gateway::{Gateway, GatewayConfig};
use clap::{Args, Subcommand};
use market::Market;
use pool::{Limits, Pool};
use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

/// Tasks about a gateway.
#[derive(Debug, Subcommand)]
pub enum GatewayCommand {
    /// Serve applications until a signal comes
    Run(Box<RunArgs>),
    /// Make, list and revoke API keys, and add to their money; also while the gateway runs
    #[command(subcommand)]
    Keys(KeysCommand),
}

/// Options of `gateway run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// File in TOML with the gateway's configuration; docs/api.md lists its fields
    #[arg(long, value_name = "FILE")]
    gateway_config: Option<PathBuf>,
    /// Address and port of the gateway [default: 127.0.0.1:8080]
    #[arg(long, env = "ASSAY_GATEWAY_ADDRESS", value_name = "ADDRESS")]
    address: Option<SocketAddr>,
    /// Folder of the API keys and their money [default: gateway]
    #[arg(long, env = "ASSAY_GATEWAY_DIR", value_name = "DIR")]
    gateway_dir: Option<PathBuf>,
    /// Serve this machine without keys, at the cost of this account
    #[arg(long)]
    open: bool,
    /// An origin whose web pages may ask, such as https://example.org; give several
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',')]
    cors: Vec<String>,
    /// Budget of each session that is opened, in ASY, and what is added to one whose budget is used up; several may be
    /// open at a time, where requests come together
    #[arg(long, value_name = "ASY", default_value = "1")]
    session_budget: String,
    /// Maximum number of sessions that are open at a time; a request waits for one, for half a minute at most
    #[arg(long, value_name = "SESSIONS", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    max_sessions: u16,
    #[command(flatten)]
    checks: ReceiptCheckArgs,
    /// Folder in which the models' packages are
    #[arg(long, env = "ASSAY_MODELS_DIR", default_value = "models", value_name = "DIR")]
    models_dir: PathBuf,
    /// Shut down when standard input is closed: for programs that start gateways
    #[arg(long)]
    exit_with_parent: bool,
    /// With these, generations are asked in sessions, whose answers come in pieces; without them each is a job on chain
    #[command(flatten)]
    network: NetworkArgs,
    #[command(flatten)]
    journal: JournalArgs,
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    key: KeyArgs,
}

/// Runs a subcommand.
pub(super) async fn run(command: GatewayCommand) -> anyhow::Result<ExitCode> {
    match command {
        GatewayCommand::Run(args) => serve(*args).await,
        GatewayCommand::Keys(command) => keys::run(command),
    }
}

async fn serve(args: RunArgs) -> anyhow::Result<ExitCode> {
    let config = args.config()?;
    let key = super::load_key(&args.key)?;
    let limits = Limits {
        budget: units::parse(&args.session_budget).context("--session-budget")?,
        sessions: args.max_sessions.into(),
    };
    let mut shutdown = Shutdown::on_signal(args.exit_with_parent);
    let client = super::connect(&args.node).await?;
    let account = checks::account(&client, &key)?;
    let pool = match Visitor::join(&args.network).await? {
        Some(visitor) => {
            visitor.meet(super::visitor::announced(&client).await?).await?;
            let folder = args.journal.folder()?;
            let folders = (folder.as_path(), args.models_dir.as_path());
            let pool = Pool::open((&client, &account, &key), visitor, folders, &limits, &args.checks)?;
            pool.recover().await;
            Some(pool)
        }
        None => None,
    };
    let market = Market::new(client, account, args.models_dir, pool);
    let mut gateway = Gateway::start(config, Arc::new(market.clone()))?;
    println!("http://{}", gateway.address());
    let failed = tokio::select! {
        error = gateway.failed() => Some(error),
        never = market.look_after() => match never {},
        () = shutdown.requested() => None,
    };
    match failed {
        Some(error) => Err(error.into()),
        None => {
            gateway.shutdown().await;
            market.close().await;
            Ok(ExitCode::SUCCESS)
        }
    }
}

impl RunArgs {
    fn config(&self) -> anyhow::Result<GatewayConfig> {
        let mut config = match &self.gateway_config {
            None => GatewayConfig::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
                GatewayConfig::from_toml(&text).with_context(|| path.display().to_string())?
            }
        };
        if let Some(address) = self.address {
            config.listen = address;
        }
        if let Some(folder) = &self.gateway_dir {
            config.folder = folder.clone();
        }
        config.open |= self.open;
        config.cors.extend(self.cors.iter().cloned());
        config.check()?;
        Ok(config)
    }
}
