//! `assay-worker stake`

use crate::cli::{KeyArgs, NodeArgs};
use anyhow::{Context, bail, ensure};
use assay_client::{
    chain::{Account, Balance, BlockNumber, Call, Client, Snapshot, SubmitError, Wait, WorkerInfo, WorkersCall},
    units,
};
use assay_types::WorkerStatus;
use clap::{Args, Subcommand};
use std::{process::ExitCode, time::Duration};

/// Longest wait for a block.
const PATIENCE: Duration = Duration::from_secs(120);
/// Times that a call is sent which another transaction of the account was put in place of.
const TRIES: u32 = 5;

/// Tasks about a stake.
#[derive(Debug, Subcommand)]
pub enum StakeCommand {
    /// Add to the stake
    Add {
        /// Amount
        #[arg(value_name = "ASY", value_parser = amount)]
        amount: Balance,
        /// Whose, and where
        #[command(flatten)]
        signer: Signer,
    },
    /// Take free stake out, to be withdrawn when it is unbonded
    Unbond {
        /// Amount
        #[arg(value_name = "ASY", value_parser = amount)]
        amount: Balance,
        /// Whose, and where
        #[command(flatten)]
        signer: Signer,
    },
    /// Get back what is unbonded
    Withdraw(Signer),
    /// Take no more jobs, wait until no stake is locked, and unbond all of it
    ///
    /// Keep `serve` running meanwhile: it finishes and defends what the worker has.
    Leave(Signer),
}

/// Whose stake, and where.
#[derive(Debug, Args)]
pub struct Signer {
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    node: NodeArgs,
}

fn amount(text: &str) -> Result<Balance, String> {
    match units::parse(text) {
        Ok(0) => Err("give more than nothing".into()),
        Ok(amount) => Ok(amount),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) async fn run(command: StakeCommand) -> anyhow::Result<ExitCode> {
    let signer = match &command {
        StakeCommand::Add { signer, .. } | StakeCommand::Unbond { signer, .. } => signer,
        StakeCommand::Withdraw(signer) | StakeCommand::Leave(signer) => signer,
    };
    let key = super::load_key(&signer.key)?;
    let client = super::connect(&signer.node).await?;
    let account = Account::open(client.clone(), key)?;
    let info = worker(&client.finalized().await?, &account).await?;
    match command {
        StakeCommand::Add { amount, .. } => send(&account, WorkersCall::BondMore { amount }).await?,
        StakeCommand::Unbond { amount, .. } => unbond(&account, &info, amount).await?,
        StakeCommand::Withdraw(_) => withdraw(&client, &account, &info).await?,
        StakeCommand::Leave(_) => leave(&client, &account, &info).await?,
    }
    let snapshot = client.finalized().await?;
    report(&snapshot, snapshot.worker(account.id()).await?.as_ref());
    Ok(ExitCode::SUCCESS)
}

async fn unbond(account: &Account, info: &WorkerInfo, amount: Balance) -> anyhow::Result<()> {
    let free = info.stake.saturating_sub(info.locked);
    ensure!(
        amount <= free,
        "{} ASY are to be unbonded, and {} of the stake are free: jobs and bids lock the rest until they are closed",
        units::format(amount),
        units::format(free)
    );
    send(account, WorkersCall::Unbond { amount }).await
}

async fn worker(snapshot: &Snapshot, account: &Account) -> anyhow::Result<WorkerInfo> {
    let info = snapshot.worker(account.id()).await?;
    info.with_context(|| {
        format!(
            "{} is not a worker: `assay-worker serve` with --stake registers it",
            account.id()
        )
    })
}

/// Sends a call, again where a running worker with the same account was faster: then it had no effect.
async fn send(account: &Account, call: WorkersCall) -> anyhow::Result<()> {
    let mut tries = TRIES;
    loop {
        tries -= 1;
        match account.send(Call::Workers(call.clone()), Wait::Finalized).await {
            Err(SubmitError::Replaced) if tries > 0 => continue,
            sent => return Ok(sent.map(drop)?),
        }
    }
}

async fn withdraw(client: &Client, account: &Account, info: &WorkerInfo) -> anyhow::Result<()> {
    let now = client.finalized().await?.now();
    let first = info.unbonding.iter().map(|(_, block)| *block).min();
    match first {
        None => bail!("nothing unbonds: `stake unbond` or `stake leave` comes first"),
        Some(block) if block > now => {
            bail!("nothing is unbonded yet: the first part is at moment {block}, and the chain is at {now}")
        }
        Some(_) => send(account, WorkersCall::Withdraw).await,
    }
}

async fn leave(client: &Client, account: &Account, info: &WorkerInfo) -> anyhow::Result<()> {
    ensure!(info.status != WorkerStatus::Left, "the worker has left already");
    if info.status != WorkerStatus::Draining {
        send(account, WorkersCall::Drain).await?;
        eprintln!("the worker takes no more jobs");
    }
    let mut blocks = client.blocks(None).await?;
    let mut shown = None;
    loop {
        let snapshot = blocks.next(PATIENCE).await?;
        if !blocks.is_at_head() {
            continue;
        }
        let info = worker(&snapshot, account).await?;
        ensure!(
            info.status == WorkerStatus::Draining,
            "the worker was made {:?} again, so it does not leave: start `serve` no more, and try again",
            info.status
        );
        let unclaimed: u32 = info.offers.iter().map(|offer| offer.load).sum();
        if info.locked == 0 && unclaimed == 0 {
            break;
        }
        if shown != Some(info.locked) {
            eprintln!(
                "waiting: {} ASY are locked by jobs and bids that are not closed",
                units::format(info.locked)
            );
            shown = Some(info.locked);
        }
    }
    send(account, WorkersCall::Leave).await
}

fn report(snapshot: &Snapshot, info: Option<&WorkerInfo>) {
    let Some(info) = info else {
        println!("the worker has left, and has no stake any more");
        return;
    };
    println!(
        "{:?}: {} ASY staked, of which {} are locked",
        info.status,
        units::format(info.stake),
        units::format(info.locked)
    );
    for (amount, block) in &info.unbonding {
        println!(
            "{} ASY unbond {}",
            units::format(*amount),
            until(*block, snapshot.now())
        );
    }
}

fn until(block: BlockNumber, now: BlockNumber) -> String {
    if block <= now {
        "and can be withdrawn: `stake withdraw`".to_owned()
    } else {
        format!("until moment {block}, and the chain is at {now}")
    }
}
