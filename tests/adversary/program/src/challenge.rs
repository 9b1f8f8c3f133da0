//! A challenger without a case, on a real chain: it challenges one job and plays it badly to the end.

use anyhow::{Context, bail};
use assay_adversary::{Attempt, BadChallenger, Random};
use assay_client::chain::{Account, AccountId, Call, Client, Dispute, DisputesCall, H256, Key, Snapshot, Wait};
use assay_daemon::{
    dispute::JobExecution,
    games::descent,
    job_input::{self, Found},
    models::{Models, read},
};
use assay_engine::{Engine, ReferenceEngine};
use assay_player::{Reveals, View};
use assay_types::{JobId, JobState, dispute::Side};
use assay_worker::config::DEFAULT_NODE;
use clap::{Args, ValueEnum};
use std::{path::PathBuf, time::Duration};

/// Longest wait for a block.
const PATIENCE: Duration = Duration::from_secs(120);

/// Ways of playing badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Points anywhere, and proves anything
    HonestWork,
    /// Points at entries that do not differ
    EqualEntry,
    /// Points past the end of what is revealed
    PastEnd,
    /// Does nothing more
    Stop,
    /// Sends everything at once, whoever's turn it is
    Flood,
}

/// Options of `challenge`.
#[derive(Debug, Args)]
pub struct ChallengeArgs {
    /// Way of playing badly
    #[arg(long)]
    pub kind: Kind,
    /// The job whose claim is challenged; it is waited for
    #[arg(long)]
    job: JobId,
    /// Folder of the job's model
    #[arg(long, value_name = "DIR")]
    package: PathBuf,
    /// Folder of inputs that jobs name by digest
    #[arg(long, default_value = "inputs", value_name = "DIR")]
    inputs_dir: PathBuf,
    /// WebSocket address of a node
    #[arg(long, env = "ASSAY_NODE", value_name = "URL", default_value = DEFAULT_NODE)]
    node: String,
    /// The key that signs
    #[arg(long, env = "ASSAY_KEY", value_name = "FILE|SECRET", hide_env_values = true)]
    key: String,
}

/// Challenges, and plays until the game is over.
pub async fn run(args: ChallengeArgs) -> anyhow::Result<()> {
    let bad = match args.kind {
        Kind::HonestWork => BadChallenger::Anywhere,
        Kind::EqualEntry => BadChallenger::AtEqual,
        Kind::PastEnd => BadChallenger::PastTheEnd,
        Kind::Stop => BadChallenger::Stops,
        Kind::Flood => BadChallenger::Floods,
    };
    let client = Client::connect(std::slice::from_ref(&args.node)).await?;
    let account = Account::open(client.clone(), Key::load(&args.key)?)?;
    let claimed = wait_for_claim(&client, args.job).await?;
    let execution = execute(&args, &claimed).await?;
    // It has found nothing that it could show.
    let call = Call::Disputes(DisputesCall::Challenge {
        job: args.job,
        commitment: H256::zero(),
    });
    account.send(call, Wait::InBlock).await?;
    tracing::info!(job = args.job, "challenged without a case");

    let mut random = Random(args.job.max(1));
    let mut blocks = client.blocks(None).await?;
    loop {
        let snapshot = blocks.next(PATIENCE).await?;
        if !blocks.is_at_head() {
            continue;
        }
        let Some(dispute) = snapshot.dispute(args.job).await? else {
            break;
        };
        if !dispute.games.iter().any(|game| game.challenger == *account.id()) {
            break;
        }
        let reveals = revealed(&snapshot, args.job, &dispute, account.id()).await?;
        let view = View {
            best: snapshot.now(),
            dispute: &dispute,
            reveals: &reveals,
        };
        for attempt in bad.attempts(&mut random, &view, account.id(), &execution)? {
            let call = attempted(args.job, attempt);
            let shown = call.to_string();
            match account.send(call, Wait::InBlock).await {
                Ok(_) => tracing::info!(call = shown, "taken"),
                Err(error) => tracing::info!(call = shown, %error, "refused"),
            }
        }
    }
    tracing::info!(job = args.job, "the game is over");
    Ok(())
}

fn attempted(job: JobId, attempt: Attempt<AccountId>) -> Call {
    Call::Disputes(match attempt {
        Attempt::Point { place, entry } => DisputesCall::Point { job, place, entry },
        Attempt::Prove {
            challenger,
            proof,
            element,
        } => DisputesCall::Prove {
            job,
            challenger,
            proof,
            element,
            finding: None,
        },
        Attempt::Timeout(challenger) => DisputesCall::ClaimTimeout { job, challenger },
    })
}

async fn wait_for_claim(client: &Client, job: JobId) -> anyhow::Result<Snapshot> {
    let mut blocks = client.blocks(None).await?;
    loop {
        let snapshot = blocks.next(PATIENCE).await?;
        if let Some(JobState::Claimed { .. } | JobState::Disputed { .. }) =
            snapshot.job(job).await?.map(|job| job.state)
        {
            return Ok(snapshot);
        }
    }
}

async fn execute(args: &ChallengeArgs, snapshot: &Snapshot) -> anyhow::Result<JobExecution> {
    let package = read(args.package.clone())?;
    let models = Models::load(&ReferenceEngine as &dyn Engine, [&package])?;
    let job = snapshot.job(args.job).await?.context("the job is open")?;
    let version = snapshot
        .version(job.model)
        .await?
        .context("the job's model is registered")?;
    let model = models
        .get(&version.root)
        .context("the package is not that of the job's model")?;
    match job_input::find(snapshot, args.job, &job, &version.parts, &args.inputs_dir).await? {
        Found::Input(inputs) => Ok(JobExecution::new(model.subject()?, inputs)?),
        Found::Impossible(reason) => bail!(reason),
    }
}

/// Statements that were revealed on the way of this account's game.
async fn revealed(snapshot: &Snapshot, job: JobId, dispute: &Dispute, me: &AccountId) -> anyhow::Result<Reveals> {
    let mut reveals = Reveals::new();
    let game = dispute.games.iter().find(|game| game.challenger == *me);
    let Some((game, head)) = game.zip(dispute.trace.as_ref()) else {
        return Ok(reveals);
    };
    let mut places = descent(&game.place, head.model.operators, game.tensor.as_ref()).unwrap_or_default();
    if game.turn == Side::Worker {
        places.pop();
    }
    for place in places {
        if let Some(found) = snapshot.revealed(job, place).await? {
            reveals.insert(place, found);
        }
    }
    Ok(reveals)
}
