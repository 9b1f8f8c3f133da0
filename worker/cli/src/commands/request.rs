//! `assay-worker request`

use crate::cli::{KeyArgs, NodeArgs};
use anyhow::{Context, bail};
use assay_client::{
    chain::{Account, BlockNumber, Call, Client, Event, MarketCall, Wait},
    request::{
        Model, Prepared, RequestError, find_model, find_package,
        outcome::Outcome,
        prepare_all,
        send::{Submitted, submit_all},
        terms::{TermsError, Wishes},
        tracker::{Moment, Tracker},
    },
    units,
};
use assay_daemon::shutdown::Shutdown;
use assay_package::Package;
use assay_text::inputs::{self, JobInput, text};
use assay_types::{JobId, Phase, limits};
use clap::{ArgGroup, Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use polkadot_sdk::sp_runtime::BoundedVec;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

/// Options of `request`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("inputs").args(["input", "text"]).required(true).multiple(true))]
pub struct RequestArgs {
    /// The model: its name or number, with @VERSION for one that is not the latest
    model: String,
    /// Inputs: a .safetensors or .json file, or a folder of them, of which each row of a batch is a job; or, for a model with
    /// a tokenizer, a .txt file, of which each line is one
    #[arg(long, short, value_name = "FILE|DIR")]
    input: Option<PathBuf>,
    /// Input for a model with a tokenizer, such as a sentence; give it again for more jobs
    #[arg(long, value_name = "TEXT")]
    text: Vec<String>,
    /// Submit only the first so many
    #[arg(long, value_name = "JOBS")]
    limit: Option<usize>,
    /// The most to pay for one job, in ASY; without it what the cheapest offer asks
    #[arg(long, value_name = "ASY")]
    ceiling: Option<String>,
    /// Let workers bid, sealed, instead of taking the cheapest standing offer
    #[arg(long)]
    auction: bool,
    /// Blocks in which bids are made
    #[arg(long, value_name = "BLOCKS", requires = "auction")]
    bidding: Option<BlockNumber>,
    /// Blocks in which bids are revealed
    #[arg(long, value_name = "BLOCKS", requires = "auction")]
    reveal: Option<BlockNumber>,
    /// Blocks that a worker has to claim
    #[arg(long, value_name = "BLOCKS")]
    deadline: Option<BlockNumber>,
    /// Blocks from the claim to the payment, in which the result can be challenged
    #[arg(long, value_name = "BLOCKS")]
    window: Option<BlockNumber>,
    /// Get only the output's digest, not the output itself
    #[arg(long)]
    no_output: bool,
    /// Submit only the inputs' digests, and write the inputs to this folder for the workers
    #[arg(long, value_name = "DIR")]
    digest: Option<PathBuf>,
    /// Accept each result whose output has the digest claimed, so that the worker is paid at once
    #[arg(long)]
    accept: bool,
    /// How long to wait
    #[arg(long, value_enum, default_value_t = WaitFor::Claimed)]
    wait: WaitFor,
    /// Longest wait for the workers, in seconds
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    patience: u64,
    /// Write the outputs to this folder
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Folder in which the model's package is
    #[arg(long, env = "ASSAY_MODELS_DIR", default_value = "models", value_name = "DIR")]
    models_dir: PathBuf,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    node: NodeArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum WaitFor {
    /// Until the jobs are on chain
    Submitted,
    /// Until they have results
    Claimed,
    /// Until they are paid or refunded
    Closed,
}

pub(super) async fn run(args: RequestArgs) -> anyhow::Result<ExitCode> {
    let key = super::load_key(&args.key)?;
    let client = super::connect(&args.node).await?;
    let account = Account::open(client.clone(), key)?;
    let (model, jobs) = plan(&args, &client, &account).await?;
    if let Some(folder) = &args.digest {
        write_inputs(folder, &jobs)?;
    }
    let wait = if args.accept { WaitFor::Closed } else { args.wait };
    let patience = Duration::from_secs(args.patience);
    let bar = progress_bar(jobs.len(), args.json);
    let mut tracker = Tracker::new(account.id().clone());
    let start = client.finalized().await?.number();

    bar.set_message("submitting");
    let submitted = submit_all(&account, &jobs, patience, |batch| bar.inc(batch.len() as u64)).await?;
    if wait > WaitFor::Submitted {
        bar.set_position(0);
        bar.set_message(if wait == WaitFor::Closed {
            "waiting until they are closed"
        } else {
            "waiting for results"
        });
        let mut shutdown = Shutdown::on_signal(false);
        let follow = Follow {
            client: &client,
            account: &account,
            model: &model,
            jobs: &jobs,
            submitted: &submitted,
        };
        follow
            .until(wait, args.accept, start, patience, &bar, &mut tracker, &mut shutdown)
            .await?;
    }
    bar.finish_and_clear();
    let outcomes: Vec<Outcome> = submitted
        .iter()
        .map(|job| Outcome::new(&model, &jobs[job.input], job.job, tracker.story(job.job)))
        .collect();
    if let Some(folder) = &args.save {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        outcomes.iter().try_for_each(|outcome| outcome.save(folder, &model))?;
    }
    print_outcomes(&outcomes, args.json)?;
    Ok(verdict(&outcomes, wait))
}

/// Reads the inputs and checks everything that can be known before a transaction.
async fn plan(args: &RequestArgs, client: &Client, account: &Account) -> anyhow::Result<(Model, Vec<Prepared>)> {
    let snapshot = client.finalized().await?;
    let model = find_model(&snapshot, &args.model).await?;
    let package = find_package(&args.models_dir, &model)?;
    let mut read = read_inputs(args.input.as_deref(), &args.text, &package)?;
    read.truncate(args.limit.unwrap_or(usize::MAX));
    if read.is_empty() {
        bail!("--limit is 0, so there is nothing to submit: leave it out, or make it 1 or more");
    }
    let constants = snapshot.constants()?;
    let quote = snapshot.quote(model.version).await?;
    let wishes = Wishes {
        ceiling: args
            .ceiling
            .as_deref()
            .map(units::parse)
            .transpose()
            .context("--ceiling")?,
        auction: args.auction,
        phases: (args.bidding, args.reveal),
        deadline_blocks: args.deadline,
        window_blocks: args.window,
        inline_output: !args.no_output,
        by_digest: args.digest.is_some(),
    };
    let terms = wishes.settle(&constants, &quote).map_err(|error| match error {
        TermsError::AllBusy => anyhow::Error::from(error).context(format!("after block {}", snapshot.number())),
        error => error.into(),
    })?;
    let money = snapshot.account(account.id()).await?;
    terms.ensure_affordable(read.len(), money.free, constants.existential_deposit)?;
    Ok((model.clone(), prepare_all(&read, &package, &model, &terms)?))
}

/// The texts of the command line, then those of the file, or its tensors.
fn read_inputs(input: Option<&Path>, texts: &[String], package: &Package) -> Result<Vec<JobInput>, RequestError> {
    let mut texts = text::named("text", texts.iter().map(String::as_str));
    let is_text = |path: &&Path| path.extension().is_some_and(|extension| extension == "txt");
    if let Some(path) = input.filter(is_text) {
        texts.extend(text::read_texts(path)?);
    }
    let mut read = if texts.is_empty() {
        Vec::new()
    } else {
        text::from_texts(&texts, &text::tokenizer(package)?, package.graph())?
    };
    if let Some(path) = input.filter(|path| !is_text(path)) {
        read.extend(inputs::read(path, package.graph())?);
    }
    match input {
        Some(path) if read.is_empty() => Err(RequestError::NoInputs(path.to_owned())),
        _ => Ok(read),
    }
}

fn write_inputs(folder: &Path, jobs: &[Prepared]) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for job in jobs {
        if let assay_types::JobInput::Digest { digest, .. } = &job.request.input {
            let path = folder.join(format!("{}.bin", hex::encode(digest)));
            std::fs::write(&path, &job.bytes).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

struct Follow<'a> {
    client: &'a Client,
    account: &'a Account,
    model: &'a Model,
    jobs: &'a [Prepared],
    submitted: &'a [Submitted],
}

impl Follow<'_> {
    #[allow(
        clippy::too_many_arguments,
        reason = "one call, of a function that was cut out for length"
    )]
    async fn until(
        &self,
        wait: WaitFor,
        accept: bool,
        start: BlockNumber,
        patience: Duration,
        bar: &ProgressBar,
        tracker: &mut Tracker,
        shutdown: &mut Shutdown,
    ) -> anyhow::Result<()> {
        let mut blocks = self.client.blocks(Some(start)).await?;
        let mut accepted = BTreeSet::new();
        let began = Instant::now();
        loop {
            let snapshot = tokio::select! {
                snapshot = blocks.next(patience) => snapshot?,
                () = shutdown.requested() => bail!("interrupted; the jobs go on, see `assay-worker status`"),
            };
            let now = Moment {
                block: snapshot.number(),
                seen: Instant::now(),
            };
            for event in snapshot.events().await? {
                if let Event::Market(event) = event {
                    tracker.take(&event, now);
                }
            }
            if accept {
                self.accept(tracker, &mut accepted).await?;
            }
            let done = self.submitted.iter().filter(|job| {
                tracker.story(job.job).is_some_and(|story| {
                    story.is_closed() || (wait == WaitFor::Claimed && story.phase == Phase::Claimed)
                })
            });
            let done = done.count();
            bar.set_position(done as u64);
            if done == self.submitted.len() {
                return Ok(());
            }
            if began.elapsed() > patience {
                tracing::warn!(
                    "{} jobs have no result after {} s; they go on, see `assay-worker status`",
                    self.submitted.len() - done,
                    patience.as_secs()
                );
                return Ok(());
            }
        }
    }

    /// Accepts the results whose outputs are right.
    async fn accept(&self, tracker: &Tracker, accepted: &mut BTreeSet<JobId>) -> anyhow::Result<()> {
        let right: Vec<JobId> = self
            .submitted
            .iter()
            .filter(|job| !accepted.contains(&job.job))
            .filter(|job| {
                tracker
                    .story(job.job)
                    .is_some_and(|story| story.phase == Phase::Claimed)
            })
            .filter(|job| {
                let outcome = Outcome::new(self.model, &self.jobs[job.input], job.job, tracker.story(job.job));
                outcome.digest_matches != Some(false)
            })
            .map(|job| job.job)
            .collect();
        for batch in right.chunks(limits::MAX_BATCH as usize) {
            let jobs = BoundedVec::truncate_from(batch.to_vec());
            self.account
                .send(Call::Market(MarketCall::AcceptBatch { jobs }), Wait::InBlock)
                .await?;
            accepted.extend(batch);
        }
        Ok(())
    }
}

fn progress_bar(jobs: usize, json: bool) -> ProgressBar {
    if json {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(jobs as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} jobs  {msg}  {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn print_outcomes(outcomes: &[Outcome], json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(outcomes)?);
        return Ok(());
    }
    println!(
        "{:>6}  {:<9} {:<8} {:>10}  {:>6} {:>6}  {:<8} input",
        "job", "state", "matched", "price", "answer", "label", "digest"
    );
    for outcome in outcomes {
        let number = |value: Option<String>| value.unwrap_or_else(|| "-".into());
        let digest = match outcome.digest_matches {
            Some(true) => "right",
            Some(false) => "WRONG",
            None => "-",
        };
        println!(
            "{:>6}  {:<9} {:<8} {:>10}  {:>6} {:>6}  {:<8} {}",
            outcome.job,
            outcome.state,
            outcome.matched,
            number(outcome.price.clone()),
            number(outcome.answer.map(|answer| answer.to_string())),
            number(outcome.label.map(|label| label.to_string())),
            digest,
            outcome.input
        );
    }
    Ok(())
}

/// Success if everything that was waited for came and is right.
fn verdict(outcomes: &[Outcome], wait: WaitFor) -> ExitCode {
    let fine = |outcome: &Outcome| {
        let done = match wait {
            WaitFor::Submitted => true,
            WaitFor::Claimed => outcome.state == "claimed" || outcome.state == "settled",
            WaitFor::Closed => outcome.state == "settled",
        };
        done && outcome.digest_matches != Some(false)
    };
    if outcomes.iter().all(fine) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
