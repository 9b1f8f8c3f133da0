//! `assay-worker demo`

use clap::Args;
use std::{path::PathBuf, process::ExitCode};

/// Options of `demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// The node's program; next to this one without it
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
    /// How many of them are auctioned
    #[arg(long, default_value_t = 16)]
    pub auctioned: usize,
    /// Keep node, workers and logs until Ctrl-C
    #[arg(long)]
    pub keep: bool,
    /// Longest time that it may take, in seconds
    #[arg(long, default_value_t = 240, value_name = "SECONDS")]
    pub patience: u64,
}

pub(super) async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let shutdown = super::shutdown_on_signal(false);
    crate::demo::run(args, shutdown).await
}
