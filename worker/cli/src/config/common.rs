//! Settings of every daemon, whatever it does: nodes, key, folders, engine.

use super::{ConfigError, DEFAULT_DATA_DIR, DEFAULT_NODE, EngineArg, File, NetworkArgs, check_node, network};
use assay_client::chain::Key;
use assay_daemon::{
    config::Common,
    engine::{EngineProgram, default_limit},
};
use clap::Args;
use polkadot_sdk::sp_runtime::Perbill;
use std::{path::PathBuf, time::Duration};

/// Settings of every daemon by flags and environment.
#[derive(Clone, Debug, Default, Args)]
pub struct CommonArgs {
    /// Configuration file (TOML); flags and environment count more
    #[arg(long, env = "ASSAY_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// WebSocket address of a node; give several for fail-over [default: ws://127.0.0.1:9944]
    #[arg(long, env = "ASSAY_NODE", value_name = "URL", value_delimiter = ',')]
    pub node: Vec<String>,
    /// The key that signs: a file that holds the secret (mode 600), or, on a development chain, a secret such as
    /// //Alice
    #[arg(long, env = "ASSAY_KEY", value_name = "FILE|SECRET", hide_env_values = true)]
    pub key: Option<String>,
    /// Folder of model packages, one folder each [default: models]
    #[arg(long, env = "ASSAY_MODELS_DIR", value_name = "DIR")]
    pub models_dir: Option<PathBuf>,
    /// Folder of inputs that jobs name by digest: <hex digest>.bin [default: inputs]
    #[arg(long, env = "ASSAY_INPUTS_DIR", value_name = "DIR")]
    pub inputs_dir: Option<PathBuf>,
    /// Folder of what must survive a crash: the secrets of sealed bids, the seed of a sample [default: assay-data]
    #[arg(long, env = "ASSAY_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Engine that runs the models [default: cpu]
    #[arg(long, env = "ASSAY_ENGINE")]
    pub engine: Option<EngineArg>,
    /// The GPU for the engine, by its index [default: 0 for cuda, none for torch]
    #[arg(long, env = "ASSAY_GPU", value_name = "INDEX")]
    pub gpu: Option<usize>,
    /// Threads for the models [default: one per core]
    #[arg(long, env = "ASSAY_THREADS")]
    pub threads: Option<usize>,
    /// Memory for the engine, such as 12GiB: a job that needs more is declined [default: 80 % of the machine's]
    #[arg(long, env = "ASSAY_MAX_MEMORY", value_name = "SIZE")]
    pub max_memory: Option<String>,
    /// Seconds without a block after which another connection is tried; ten times as many without a final one
    /// [default: 120]
    #[arg(long, env = "ASSAY_STALL_SECONDS")]
    pub stall_seconds: Option<u64>,
    /// Maximum tip for a call that must be in a block in time, in percent of what is lost otherwise; 0 for none
    /// [default: 1]
    #[arg(long, env = "ASSAY_MAX_TIP_PERCENT", value_name = "PERCENT")]
    pub max_tip_percent: Option<f64>,
    /// Percent of the jobs that are executed once more and compared with the model's definition [default: 0.5]
    #[arg(long, env = "ASSAY_AUDIT_PERCENT", value_name = "PERCENT")]
    pub audit_percent: Option<f64>,
    /// The daemon's part in the workers' network
    #[command(flatten)]
    pub network: NetworkArgs,
}

/// Maximum tip, in percent of what is at stake, where the configuration does not say.
const DEFAULT_MAX_TIP_PERCENT: f64 = 1.0;
/// Share of jobs that are audited, in percent, where the configuration does not say.
const DEFAULT_AUDIT_PERCENT: f64 = 0.5;

/// Puts flags, environment and file together. `listens` says whether the daemon's node in the workers' network listens
/// where nothing is said.
pub(super) fn merge(args: &CommonArgs, file: &File, listens: bool) -> Result<Common, ConfigError> {
    let nodes = match (args.node.is_empty(), &file.node) {
        (false, _) => args.node.clone(),
        (true, Some(nodes)) if !nodes.is_empty() => nodes.clone(),
        (true, _) => vec![DEFAULT_NODE.to_owned()],
    };
    for node in &nodes {
        check_node(node)?;
    }
    let key = args.key.clone().or(file.key.clone());
    let missing = || ConfigError::field("key", "is missing: give --key, ASSAY_KEY or `key` in the file");
    let key = Key::load(&key.ok_or_else(missing)?).map_err(|error| ConfigError::field("key", error))?;
    let threads = args.threads.or(file.threads).unwrap_or_else(cores);
    if !(1..=1024).contains(&threads) {
        return Err(ConfigError::field("threads", "must be between 1 and 1024"));
    }
    let stall = args.stall_seconds.or(file.stall_seconds).unwrap_or(120);
    if stall < 5 {
        return Err(ConfigError::field("stall_seconds", "must be at least 5"));
    }
    let max_memory = match args.max_memory.as_ref().or(file.max_memory.as_ref()) {
        None => default_limit(),
        Some(size) => bytes(size).ok_or_else(|| {
            let reason = format!("`{size}` is no size of 64 MiB or more, such as 12GiB or 900MiB");
            ConfigError::field("max_memory", reason)
        })?,
    };
    let max_tip = args.max_tip_percent.or(file.max_tip_percent);
    let max_tip = share("max_tip_percent", max_tip.unwrap_or(DEFAULT_MAX_TIP_PERCENT))?;
    let audit_share = args.audit_percent.or(file.audit_percent);
    let audit_share = share("audit_percent", audit_share.unwrap_or(DEFAULT_AUDIT_PERCENT))?;
    let engine = args.engine.or(file.engine).unwrap_or(EngineArg::Cpu);
    let gpu = args.gpu.or(file.gpu);
    engine.check_gpu(gpu)?;
    let path = |flag: &Option<PathBuf>, file: &Option<PathBuf>, default: &str| {
        flag.as_ref()
            .or(file.as_ref())
            .map_or_else(|| PathBuf::from(default), Clone::clone)
    };
    let models_dir = path(&args.models_dir, &file.models_dir, "models");
    if !models_dir.is_dir() {
        return Err(ConfigError::field(
            "models_dir",
            format!("{} is not a folder", models_dir.display()),
        ));
    }
    let data_dir = path(&args.data_dir, &file.data_dir, DEFAULT_DATA_DIR);
    Ok(Common {
        network: network::merge(&args.network, file.network.as_ref(), &data_dir, listens)?,
        nodes,
        key,
        models_dir,
        inputs_dir: path(&args.inputs_dir, &file.inputs_dir, "inputs"),
        data_dir,
        engine: engine.into(),
        gpu,
        threads,
        max_memory,
        engine_program: EngineProgram::this_one(&["engine"]),
        stall: Duration::from_secs(stall),
        max_tip,
        audit_share,
    })
}

/// A share that is given in percent.
fn share(field: &'static str, percent: f64) -> Result<Perbill, ConfigError> {
    if !(0.0..=100.0).contains(&percent) {
        return Err(ConfigError::field(field, "must be between 0 and 100"));
    }
    // A percentage within bounds fits; the fraction beyond a millionth is of no interest.
    Ok(Perbill::from_parts((percent * 1e7) as u32))
}

/// Bytes of a size in GiB or MiB; `None` if it is none, or too small for any engine.
fn bytes(size: &str) -> Option<u64> {
    let units = [("GiB", 1 << 30), ("MiB", 1 << 20)];
    let (number, unit) = units
        .into_iter()
        .find_map(|(name, unit)| Some((size.strip_suffix(name)?, unit)))?;
    let bytes = number.trim().parse::<u64>().ok()?.checked_mul(unit)?;
    (bytes >= 64 << 20).then_some(bytes)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}
