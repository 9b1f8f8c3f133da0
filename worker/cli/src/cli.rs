//! The command line.

use crate::{
    commands::{
        self, chat::ChatArgs, dispute::DisputeArgs, doctor::DoctorArgs, gateway::GatewayCommand,
        generate::GenerateArgs, models::ModelsCommand, network::NetworkCommand, request::RequestArgs,
        results::ResultsArgs, stake::StakeCommand, verify::VerifyArgs,
    },
    config::{DEFAULT_NODE, ServeArgs, WatchArgs},
};
use assay_telemetry::LogFormat;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;

/// Runs AI models for pay on the Assay chain, in exact arithmetic, and asks others to
///
/// Amounts are in ASY, such as 2 or 0.25. What help shows as [env: ASSAY_…] can also be given in the environment.
#[derive(Debug, Parser)]
#[command(name = "assay-worker", version, max_term_width = 110)]
pub struct Cli {
    /// Events that are logged: error, warn, info, debug, or a filter such as assay_worker=debug
    #[arg(long, env = "ASSAY_LOG", global = true, value_name = "FILTER")]
    pub log: Option<String>,
    /// Form of the log
    #[arg(long, env = "ASSAY_LOG_FORMAT", global = true, value_enum, default_value_t)]
    pub log_format: LogFormatArg,
    /// Task of the program
    #[command(subcommand)]
    pub command: Command,
}

/// Form of the log, as flags name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormatArg {
    /// Text for people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

impl From<LogFormatArg> for LogFormat {
    fn from(format: LogFormatArg) -> Self {
        match format {
            LogFormatArg::Text => Self::Text,
            LogFormatArg::Json => Self::Json,
        }
    }
}

/// Tasks of the program.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take jobs, run them, claim, and be paid
    Serve(ServeCommand),
    /// Execute claims again, challenge those that are wrong, and earn a share of what their authors lose
    Watch(WatchCommand),
    /// Submit inputs as jobs, wait, and give back the results
    Request(RequestArgs),
    /// Fetch results of jobs that were submitted before
    Results(ResultsArgs),
    /// Import, check, register and list models
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Serve applications: OpenAI's endpoints and JSON-RPC over this account's sessions and jobs
    #[command(subcommand)]
    Gateway(GatewayCommand),
    /// Talk with a language model behind a gateway
    Chat(ChatArgs),
    /// Check the receipt of an answer: signature, digests, an execution, and the chain
    Verify(VerifyArgs),
    /// Execute receipts again, challenge those that are wrong with a bond, and play the disputes to their end
    Dispute(DisputeArgs),
    /// Generate with a language model on this machine, without a chain
    Generate(GenerateArgs),
    /// Say why a worker did not get a job, or was not paid for it
    Why(commands::status::WhyArgs),
    /// Look at everything that a worker needs, and say what is wrong, what to do, and why no work comes
    Doctor(DoctorArgs),
    /// Show what a worker has earned and lost, per day and model
    Earnings(commands::earnings::EarningsArgs),
    /// Show an account: its money, its worker's stake and offers, its open jobs
    Status(commands::status::StatusArgs),
    /// Show who offers a model, with what the chain has counted of each and a score
    Workers(commands::workers::WorkersArgs),
    /// Add to a worker's stake, take of it, or leave with all of it
    #[command(subcommand)]
    Stake(StakeCommand),
    /// Look at the workers' network: who is reached from here
    #[command(subcommand)]
    Network(NetworkCommand),
    /// Print a script that completes this program's command lines in a shell
    Completions(commands::manual::CompletionsArgs),
    /// Print this program's manual page, or write one for each subcommand
    Man(commands::manual::ManArgs),
    /// Execute models for the assay-worker that starts this
    #[command(hide = true)]
    Engine,
    /// Run a program for as long as standard input stays open
    #[command(hide = true)]
    Guard(commands::guard::GuardArgs),
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct ServeCommand {
    /// The options that the configuration file can give as well
    #[command(flatten)]
    pub options: ServeArgs,
    /// Serve metrics for Prometheus at /metrics on this address, such as 127.0.0.1:9620
    #[arg(long, env = "ASSAY_METRICS", value_name = "IP:PORT")]
    pub metrics: Option<SocketAddr>,
    /// Shut down when standard input is closed: for programs that start workers
    #[arg(long)]
    pub exit_with_parent: bool,
    /// Check the configuration and stop
    #[arg(long)]
    pub check: bool,
}

/// Options of `watch`.
#[derive(Debug, Args)]
pub struct WatchCommand {
    /// The options that the configuration file can give as well
    #[command(flatten)]
    pub options: WatchArgs,
    /// Serve metrics for Prometheus at /metrics on this address, such as 127.0.0.1:9621
    #[arg(long, env = "ASSAY_METRICS", value_name = "IP:PORT")]
    pub metrics: Option<SocketAddr>,
    /// Shut down when standard input is closed: for programs that start watchers
    #[arg(long)]
    pub exit_with_parent: bool,
    /// Check the configuration and stop
    #[arg(long)]
    pub check: bool,
}

/// Options of the connection to a node.
#[derive(Clone, Debug, Args)]
pub struct NodeArgs {
    /// WebSocket address of a node; give several for fail-over
    #[arg(long, env = "ASSAY_NODE", value_name = "URL", value_delimiter = ',', default_value = DEFAULT_NODE)]
    pub node: Vec<String>,
}

/// Options of the key that signs.
#[derive(Clone, Debug, Args)]
pub struct KeyArgs {
    /// The key that signs: a file that holds the secret (mode 600), or, on a development chain, a secret such as
    /// //Alice
    #[arg(long, env = "ASSAY_KEY", value_name = "FILE|SECRET", hide_env_values = true)]
    pub key: String,
}
