//! `assay-worker request`

use super::{
    demand::Demanding,
    journal::{JournalArgs, ranges},
    outcomes::{self, EXIT_CODES, INTERRUPTED, SHOWN_CLASSES},
    provide::{fetch_outputs, provide},
    session::{Asking, SessionArgs},
    visitor::Visitor,
};
use crate::{
    cli::{KeyArgs, NodeArgs},
    config::NetworkArgs,
};
use anyhow::{Context, ensure};
use assay_client::{
    chain::{Account, BlockNumber, Client, Key},
    request::{
        Prepared,
        chain::NodeSender,
        generation::{Sampling, Wish, put_into_words},
        outcome::Outcome,
        plan::{Ask, Plan},
        progress::{Progress, Summary},
        resume::{Kept, resume},
        run::{Following, Request, Until},
        terms::Wishes,
    },
    units,
};
use assay_daemon::shutdown::Shutdown;
use assay_types::{JobId, ModelParts};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::IsTerminal,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

/// Pause between two lines of progress where standard error is no terminal.
const LINE_PAUSE: Duration = Duration::from_secs(10);

/// Options of `request`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct RequestArgs {
    /// The model: its name or number, with @VERSION for one that is not the latest
    #[arg(required_unless_present = "resume")]
    model: Option<String>,
    /// Inputs: a .safetensors or .json file, or a folder of them, of which each row of a batch is a job; or, for a
    /// model with a tokenizer, a .txt file, of which each line is one
    #[arg(long, short, value_name = "FILE|DIR", required_unless_present_any = ["text", "image", "wav", "prompt", "resume"])]
    input: Option<PathBuf>,
    /// Input for a model with a tokenizer, such as a sentence, or what a language model is asked; give it again for
    /// more jobs
    #[arg(long, value_name = "TEXT")]
    text: Vec<String>,
    /// A picture (JPEG or PNG) for a model whose package says how it takes one; give it again for more jobs. The best
    /// classes are named where the package has labels
    #[arg(long, value_name = "FILE")]
    image: Vec<PathBuf>,
    /// A recording (WAV) for a model whose package says how it takes one, step by step
    #[arg(long, value_name = "FILE", conflicts_with_all = ["input", "text", "image", "prompt"])]
    wav: Option<PathBuf>,
    #[command(flatten)]
    generation: GenerationArgs,
    /// Go on with the latest request, or with the one of this number: nothing is submitted twice
    #[arg(
        long,
        value_name = "ID",
        num_args = 0..=1,
        conflicts_with_all = [
            "model", "input", "text", "image", "wav", "prompt", "raw", "temperature", "top_k", "top_p", "seed", "max_tokens", "limit",
            "ceiling", "auction", "deadline", "window", "no_output", "digest"
        ]
    )]
    resume: Option<Option<u64>>,
    /// Submit only this many jobs, from the first input on
    #[arg(long, value_name = "JOBS")]
    limit: Option<usize>,
    /// The most to pay for one job, in ASY; without it what the cheapest offer asks for the largest one
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
    /// Blocks that a worker has to claim; without it 50, or as many as the cheapest offer asks for
    #[arg(long, value_name = "BLOCKS")]
    deadline: Option<BlockNumber>,
    /// Blocks from the claim to the payment, in which the result can be challenged; without it the minimum that chain
    /// and cheapest offer allow
    #[arg(long, value_name = "BLOCKS")]
    window: Option<BlockNumber>,
    /// Get only the output's digest, not the output itself
    #[arg(long)]
    no_output: bool,
    /// Demand outputs on the chain that were claimed by digest and do not come over the network: the worker gives them
    /// there for a deposit that pays its fees, or is not paid
    #[arg(long, conflicts_with = "accept")]
    demand: bool,
    /// Submit only the inputs' digests, and write the inputs to this folder for the workers
    #[arg(long, value_name = "DIR")]
    digest: Option<PathBuf>,
    /// Accept each result whose output has the digest claimed, so that the worker is paid at once
    #[arg(long)]
    accept: bool,
    /// State to wait for
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
    /// With these, the inputs are submitted by digest and given to the workers over their network
    #[command(flatten)]
    network: NetworkArgs,
    #[command(flatten)]
    session: SessionArgs,
    #[command(flatten)]
    journal: JournalArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    node: NodeArgs,
}

/// Options for a language model that generates.
#[derive(Debug, Args)]
struct GenerationArgs {
    /// Tokens to go on from instead of a text, such as 1,15,7
    #[arg(long, value_name = "TOKENS", value_delimiter = ',', allow_negative_numbers = true)]
    prompt: Option<Vec<i64>>,
    /// Continue the text as it is, without the model's chat template
    #[arg(long)]
    raw: bool,
    /// Divisor of the logits; without it 0, which takes the best token every time
    #[arg(long, allow_negative_numbers = true)]
    temperature: Option<f32>,
    /// Choose among this many of the best tokens
    #[arg(long)]
    top_k: Option<u32>,
    /// Choose among the best tokens that together have this probability
    #[arg(long, allow_negative_numbers = true)]
    top_p: Option<f32>,
    /// The same seed gives the same tokens
    #[arg(long, allow_negative_numbers = true)]
    seed: Option<i64>,
    /// Maximum number of tokens to make, up to which the price counts; without it 256, or what the model can do
    #[arg(long)]
    max_tokens: Option<u32>,
}

impl GenerationArgs {
    fn wish(&self) -> Wish {
        Wish {
            prompts: self.prompt.iter().cloned().collect(),
            raw: self.raw,
            sampling: Sampling {
                temperature: self.temperature,
                top_p: self.top_p,
                top_k: self.top_k,
                seed: self.seed,
                max_tokens: self.max_tokens,
            },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum WaitFor {
    /// Until the jobs are on chain
    Submitted,
    /// Until they have results
    Claimed,
    /// Until they are paid or refunded
    Closed,
}

pub(super) async fn run(args: RequestArgs) -> anyhow::Result<ExitCode> {
    if args.session.session {
        let asking = Asking {
            ask: args.ask()?,
            session: args.session,
            network: args.network,
            folder: args.journal.folder()?,
            json: args.json,
        };
        return asking.run(&super::load_key(&args.key)?, &args.node).await;
    }
    ensure!(
        !args.network.joins() || args.wait != WaitFor::Submitted,
        "--wait submitted: the inputs are given to the workers by this program, so it must run until they have claimed"
    );
    let mut shutdown = Shutdown::on_signal(false);
    let key = super::load_key(&args.key)?;
    let (chain, kept) = tokio::select! {
        kept = args.kept(&key) => kept?,
        () = shutdown.requested() => {
            eprintln!("interrupted: nothing was sent");
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    let (id, jobs, following) = (kept.id, kept.start.jobs().to_vec(), args.following());
    let parts = kept.start.parts().clone();
    let client = super::connect(&args.node).await?;
    let visitor = tokio::select! {
        visitor = provide(&args.network, &client, &parts, &jobs) => visitor?,
        () = shutdown.requested() => {
            eprintln!("interrupted: nothing was sent now; request {id} is kept");
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    let mut shown = Shown::new(jobs.len(), args.json, following.until);
    let mut request = Request::start(chain, kept.start, following);
    let summary = loop {
        let step = tokio::select! {
            step = request.next() => step.context("the request ended without a word")?,
            () = shutdown.requested() => {
                shown.close();
                request.stop().await;
                eprintln!("interrupted. {}", args.way_on(&shown, id));
                return Ok(ExitCode::from(INTERRUPTED));
            }
        };
        match step {
            Ok(Progress::Finished(summary)) => break summary,
            Ok(step) => shown.take(&step, id),
            Err(error) => {
                shown.close();
                eprintln!("{}", args.way_on(&shown, id));
                return Err(error.into());
            }
        }
    };
    shown.close();
    let outcomes = args
        .outcomes(&client, key, visitor.as_ref(), &parts, &jobs, &summary)
        .await?;
    args.finish(id, &parts, &outcomes, summary.unfinished)
}

impl RequestArgs {
    /// A new request, of which all is written down and nothing sent, or one that is gone on with.
    async fn kept(&self, key: &Key) -> anyhow::Result<(NodeSender, Kept)> {
        let folder = self.journal.folder()?;
        let (client, me) = (super::connect(&self.node).await?, key.account());
        let chain = NodeSender::new(client.clone(), Account::open(client.clone(), key.clone())?);
        if let Some(id) = self.resume {
            let kept = resume(&client, &me, &folder, id).await?;
            let (known, all) = (kept.start.submitted(), kept.start.jobs().len());
            eprintln!("request {}: {known} of {all} jobs are known to be submitted", kept.id);
            return Ok((chain, kept));
        }
        let plan = Plan::make(&client, key, &self.ask()?).await?;
        if let Some(folder) = &self.digest {
            plan.write_inputs(folder)?;
        }
        let (ceiling, fees) = (units::format(plan.cost.ceiling), units::short(plan.cost.fees));
        let quote = plan.quote.map_or_else(String::new, |price| {
            format!("; the largest costs {} ASY now", units::format(price))
        });
        let kept = plan.keep(&folder, &me)?;
        let jobs = kept.start.jobs().len();
        eprintln!(
            "request {}: {jobs} jobs of at most {ceiling} ASY each, and about {fees} ASY in fees{quote}",
            kept.id
        );
        Ok((chain, kept))
    }

    /// Everything that is known of the jobs, with the outputs that are fetched or demanded.
    async fn outcomes(
        &self,
        client: &Client,
        key: Key,
        visitor: Option<&Visitor>,
        parts: &ModelParts,
        jobs: &[Prepared],
        summary: &Summary,
    ) -> anyhow::Result<Vec<Outcome>> {
        let numbers: Vec<(usize, JobId)> = summary.submitted.iter().map(|job| (job.input, job.job)).collect();
        let mut outcomes = Outcome::all(parts, jobs, &numbers, &summary.tracker);
        if let Some(visitor) = visitor {
            fetch_outputs(visitor, parts, jobs, summary, &mut outcomes).await;
        }
        if self.demand {
            let account = &Account::open(client.clone(), key)?;
            let patience = self.following().patience;
            let demanding = Demanding {
                client,
                account,
                patience,
            };
            demanding.get_all(parts, jobs, summary, &mut outcomes).await;
        }
        if let Some(job) = jobs.first() {
            let classes = if self.image.is_empty() { 0 } else { SHOWN_CLASSES };
            put_into_words(&mut outcomes, job.request.model, parts, &self.models_dir, classes);
        }
        Ok(outcomes)
    }

    fn ask(&self) -> anyhow::Result<Ask> {
        let ceiling = self.ceiling.as_deref().map(units::parse).transpose();
        Ok(Ask {
            model: self.model.clone().unwrap_or_default(),
            input: self.input.clone(),
            texts: self.text.clone(),
            pictures: self.image.clone(),
            recording: self.wav.clone(),
            generation: self.generation.wish(),
            limit: self.limit,
            models_dir: self.models_dir.clone(),
            wishes: Wishes {
                ceiling: ceiling.context("--ceiling")?,
                auction: self.auction,
                phases: (self.bidding, self.reveal),
                deadline_blocks: self.deadline,
                window_blocks: self.window,
                inline_output: !self.no_output,
                by_digest: self.digest.is_some() || self.network.joins(),
            },
            accept: self.accept,
        })
    }

    fn following(&self) -> Following {
        let until = match self.wait {
            _ if self.accept => Until::Closed,
            WaitFor::Submitted => Until::Submitted,
            WaitFor::Claimed => Until::Claimed,
            WaitFor::Closed => Until::Closed,
        };
        Following {
            until,
            accept: self.accept,
            patience: Duration::from_secs(self.patience),
        }
    }

    /// State on chain, and the command that goes on with it.
    fn way_on(&self, shown: &Shown, id: u64) -> String {
        let jobs = match shown.jobs.len() {
            0 => "No job is known to be on chain".to_owned(),
            _ => format!("Jobs {} are on chain and go on", ranges(shown.jobs.iter().copied())),
        };
        let (on, fetch) = (
            self.journal.command("request --resume", id),
            self.journal.command("results --request", id),
        );
        format!("{jobs}; request {id} is kept.\n  go on:             {on}\n  fetch its results: {fetch}")
    }

    /// Prints and saves the results. What cannot be saved is still in the journal.
    fn finish(&self, id: u64, parts: &ModelParts, outcomes: &[Outcome], unfinished: usize) -> anyhow::Result<ExitCode> {
        outcomes::print(outcomes, self.json)?;
        if unfinished > 0 {
            let again = self.journal.command("request --resume", id);
            eprintln!(
                "{unfinished} jobs have not come that far after {} s; they go on.\n  go on: {again}",
                self.patience
            );
        }
        if let Some(folder) = &self.save {
            let again = self.journal.command("results --save DIR --request", id);
            outcomes::save(outcomes, folder, &parts.schema)
                .with_context(|| format!("the results are kept and can be saved again with `{again}`"))?;
        }
        Ok(outcomes::verdict(outcomes, self.following().until, unfinished))
    }
}

/// Progress of a request, shown on standard error.
struct Shown {
    bar: ProgressBar,
    /// Whether lines are written instead of a bar.
    lines: bool,
    until: Until,
    total: usize,
    jobs: BTreeSet<JobId>,
    /// State that each job has reached.
    reached: BTreeMap<JobId, Until>,
    assigned: BTreeSet<JobId>,
    printed: (Instant, String),
}

impl Shown {
    fn new(total: usize, json: bool, until: Until) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = if json || !terminal {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(total as u64)
        };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} jobs  {msg}  {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message("submitting");
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            bar,
            lines: json || !terminal,
            until,
            total,
            jobs: BTreeSet::new(),
            reached: BTreeMap::new(),
            assigned: BTreeSet::new(),
            printed: (Instant::now(), String::new()),
        }
    }

    fn take(&mut self, step: &Progress, id: u64) {
        match step {
            Progress::Searching { inputs, until } => self.say(&format!(
                "request {id}: looking for {inputs} jobs that may have been submitted, up to block {until} if need be"
            )),
            Progress::Submitted(jobs) => {
                let numbers = jobs.iter().map(|job| job.job);
                self.jobs.extend(numbers.clone());
                self.say(&format!("request {id}: submitted as jobs {}", ranges(numbers)));
            }
            Progress::Waiting { inputs } => {
                self.bar.set_message(format!("{inputs} wait for a free worker"));
                self.write(format!("{inputs} of {} jobs wait for a free worker", self.total));
            }
            Progress::Assigned { job, .. } => {
                self.assigned.insert(*job);
            }
            Progress::Claimed { job, .. } | Progress::Disputed { job } => {
                self.reached.entry(*job).or_insert(Until::Claimed);
            }
            Progress::Closed { job, .. } => {
                self.reached.insert(*job, Until::Closed);
            }
            Progress::Block(block) => self.show(*block),
            Progress::Finished(_) => {}
        }
    }

    fn show(&mut self, block: BlockNumber) {
        let reached = |until: Until| self.reached.values().filter(|reached| **reached >= until).count();
        let (claimed, closed) = (reached(Until::Claimed), reached(Until::Closed));
        let text = format!("{} assigned, {claimed} claimed, {closed} closed", self.assigned.len());
        let done = match self.until {
            Until::Submitted => self.jobs.len(),
            Until::Claimed => claimed,
            Until::Closed => closed,
        };
        self.bar.set_position(done as u64);
        self.bar.set_message(format!("{text}, block {block}"));
        self.write(format!("of {} jobs {text}", self.total));
    }

    /// Writes a line of progress where there is no bar, now and then.
    fn write(&mut self, text: String) {
        if self.lines && text != self.printed.1 && self.printed.0.elapsed() >= LINE_PAUSE {
            eprintln!("{text}");
            self.printed = (Instant::now(), text);
        }
    }

    fn say(&self, line: &str) {
        if self.lines {
            eprintln!("{line}");
        } else {
            self.bar.println(line);
        }
    }

    fn close(&self) {
        self.bar.finish_and_clear();
    }
}
