//! `assay-worker gateway keys`

use anyhow::Context;
use assay_client::units;
use assay_gateway::{
    ledger::{KeyLimits, Store, now, today},
    money::Amount,
};
use clap::{Args, Subcommand};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Tasks about API keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key, and print it; it is shown this once
    Add(AddArgs),
    /// List the keys with their money
    List {
        /// Where the keys are
        #[command(flatten)]
        folder: FolderArgs,
    },
    /// Revoke a key from now on
    Revoke {
        /// Number of the key, as `keys list` shows it
        key: String,
        /// Where the keys are
        #[command(flatten)]
        folder: FolderArgs,
    },
    /// Add to what a key has prepaid
    TopUp {
        /// Number of the key, as `keys list` shows it
        key: String,
        /// The amount, in ASY
        amount: String,
        /// Where the keys are
        #[command(flatten)]
        folder: FolderArgs,
    },
}

/// Where a gateway keeps its keys.
#[derive(Clone, Debug, Args)]
pub struct FolderArgs {
    /// Folder of the API keys and their money
    #[arg(long, env = "ASSAY_GATEWAY_DIR", value_name = "DIR", default_value = "gateway")]
    gateway_dir: PathBuf,
}

/// Options of `keys add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Name of the key in lists
    name: String,
    /// Prepaid money of the key, in ASY; without it this gateway's operator pays for it
    #[arg(long, value_name = "ASY")]
    balance: Option<String>,
    /// Maximum that the key spends in a day, in ASY
    #[arg(long, value_name = "ASY")]
    daily_budget: Option<String>,
    /// Maximum number of requests at a time
    #[arg(long, value_name = "NUMBER")]
    requests: Option<u32>,
    /// Maximum number of tokens in a minute, prompts and answers
    #[arg(long, value_name = "NUMBER")]
    tokens_per_minute: Option<u64>,
    #[command(flatten)]
    folder: FolderArgs,
}

/// Runs a subcommand.
pub(super) fn run(command: KeysCommand) -> anyhow::Result<ExitCode> {
    match command {
        KeysCommand::Add(args) => add(&args)?,
        KeysCommand::List { folder } => list(&folder.gateway_dir)?,
        KeysCommand::Revoke { key, folder } => {
            let record = Store::open(&folder.gateway_dir)?.revoke(&key, now())?;
            println!("key {} ({}) is revoked", record.id, record.name);
        }
        KeysCommand::TopUp { key, amount, folder } => {
            let amount = Amount(units::parse(&amount).context("AMOUNT")?);
            let balance = Store::open(&folder.gateway_dir)?.top_up(&key, amount)?;
            println!("key {key} has {} ASY", units::format(balance.0));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn add(args: &AddArgs) -> anyhow::Result<()> {
    let amount = |text: &Option<String>, option: &'static str| {
        let parsed = text.as_deref().map(units::parse).transpose().context(option)?;
        Ok::<_, anyhow::Error>(parsed.map(Amount))
    };
    let balance = amount(&args.balance, "--balance")?;
    let limits = KeyLimits {
        daily_budget: amount(&args.daily_budget, "--daily-budget")?,
        requests: args.requests,
        tokens_per_minute: args.tokens_per_minute,
    };
    let (record, key) = Store::open(&args.folder.gateway_dir)?.add_key(&args.name, balance, limits, now())?;
    eprintln!(
        "key {} is made; its secret is kept nowhere, so write it down:",
        record.id
    );
    println!("{}", key.reveal());
    Ok(())
}

fn list(folder: &Path) -> anyhow::Result<()> {
    for state in Store::open(folder)?.keys(today())? {
        let record = &state.record;
        let balance = match record.balance {
            Some(balance) => format!("{} ASY", units::format(balance.0)),
            None => "the operator's money".to_owned(),
        };
        let revoked = if record.revoked.is_some() { "  revoked" } else { "" };
        println!(
            "{}  {:<24} {balance}, {} reserved, {} spent today{revoked}",
            record.id,
            record.name,
            units::format(state.reserved.0),
            units::format(state.spent_today.0)
        );
    }
    Ok(())
}
