//! `assay-worker results`

use super::{
    demand::Demanding,
    journal::JournalArgs,
    outcomes::{self, EXIT_CODES},
};
use crate::cli::NodeArgs;
use anyhow::Context;
use assay_client::{
    chain::{Account, AccountId, BlockNumber, Client, Key},
    request::{
        chain::{JobView, NodeView},
        journal::{Journal, Record},
        outcome::{Outcome, Subject},
        recover::{Findings, Source, look_up},
        resume::{ensure_same_chain, is_of_chain},
        run::Until,
        tracker::Tracker,
    },
};
use assay_types::{JobId, ModelParts, ModelVersion, Schema};
use clap::Args;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// Options of `results`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct ResultsArgs {
    /// Numbers of jobs; without any, all of the latest request
    #[arg(value_name = "JOB")]
    jobs: Vec<JobId>,
    /// All jobs of this request
    #[arg(long, value_name = "ID", conflicts_with = "jobs")]
    request: Option<u64>,
    /// A block before the jobs were submitted, up to which the chain is searched for jobs that no request here knows
    #[arg(long, value_name = "BLOCK")]
    since: Option<BlockNumber>,
    /// Demand outputs on the chain that were claimed by their digests: the worker gives them there for a deposit that
    /// pays its fees, or is not paid
    #[arg(long, requires = "key")]
    demand: bool,
    /// The key of the jobs' client: a file that holds the secret (mode 600), or, on a development chain, a secret such
    /// as //Alice
    #[arg(long, env = "ASSAY_KEY", value_name = "FILE|SECRET", hide_env_values = true)]
    key: Option<String>,
    /// Longest wait for a demanded output, in seconds
    #[arg(long, default_value_t = 600, value_name = "SECONDS", requires = "demand")]
    patience: u64,
    /// Write the outputs to this folder
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    journal: JournalArgs,
    #[command(flatten)]
    node: NodeArgs,
}

/// Jobs of one request, or of none that is known here.
struct Group {
    record: Option<Record>,
    jobs: BTreeSet<JobId>,
}

pub(super) async fn run(args: ResultsArgs) -> anyhow::Result<ExitCode> {
    let client = super::connect(&args.node).await?;
    let view = NodeView::new(client.clone());
    let account = match &args.key {
        Some(key) if args.demand => {
            let key = Key::load(key).context("--key")?;
            Some(Account::open(client.clone(), key)?)
        }
        _ => None,
    };
    let mut outcomes = Vec::new();
    for group in groups(&args, &client).await? {
        outcomes.extend(group.outcomes(&args, &client, &view, account.as_ref()).await?);
    }
    outcomes.sort_by_key(|outcome| outcome.job);
    outcomes::print(&outcomes, args.json)?;
    Ok(outcomes::verdict(&outcomes, Until::Claimed, 0))
}

/// The jobs that are asked for, by the requests that they belong to.
async fn groups(args: &ResultsArgs, client: &Client) -> anyhow::Result<Vec<Group>> {
    let folder = args.journal.folder()?;
    if args.jobs.is_empty() {
        let (id, record) = Journal::read(&folder, args.request)?;
        ensure_same_chain(client, id, &record).await?;
        let jobs: BTreeSet<JobId> = record.jobs.values().map(|(job, _)| *job).collect();
        let missing = record.header.inputs.len() - jobs.len();
        if missing > 0 {
            let command = args.journal.command("request --resume", id);
            eprintln!("{missing} inputs of request {id} have no job that is known: `{command}` goes on with them");
        }
        let record = Some(record);
        return Ok(vec![Group { record, jobs }]);
    }
    let mut rest: BTreeSet<JobId> = args.jobs.iter().copied().collect();
    let mut groups = Vec::new();
    for (_, record) in Journal::all(&folder) {
        let has = |job: &JobId| record.input_of(*job).is_some();
        let jobs: BTreeSet<JobId> = rest.iter().copied().filter(has).collect();
        if !jobs.is_empty() && is_of_chain(client, &record.header).await? {
            rest.retain(|job| !jobs.contains(job));
            let record = Some(record);
            groups.push(Group { record, jobs });
        }
    }
    if !rest.is_empty() {
        groups.push(Group {
            record: None,
            jobs: rest,
        });
    }
    Ok(groups)
}

impl Group {
    /// Looks the jobs up, saves their outputs, and says of each that was not found where it was looked for.
    async fn outcomes(
        &self,
        args: &ResultsArgs,
        client: &Client,
        view: &NodeView,
        account: Option<&Account>,
    ) -> anyhow::Result<Vec<Outcome>> {
        let tracker = self.record.as_ref().map(|record| record.tracker());
        let mut tracker = match tracker {
            Some(tracker) => tracker.context("the journal was changed by hand: an account or amount does not read")?,
            // Whose the jobs are does not matter for their results.
            None => Tracker::new(AccountId::new([0; 32])),
        };
        let is_open = |job: &&JobId| !tracker.story(**job).is_some_and(|story| story.is_closed());
        let open: BTreeSet<JobId> = self.jobs.iter().filter(is_open).copied().collect();
        let since = self.record.as_ref().map(|record| record.header.after).or(args.since);
        let head = view.head().await?;
        let findings = look_up(view, &open, since, head, &mut tracker).await?;
        let snapshot = client.finalized().await?;
        let mut models: BTreeMap<ModelVersion, Option<ModelParts>> = BTreeMap::new();
        let mut outcomes = Vec::new();
        for job in &self.jobs {
            if let Some(words) = findings
                .sources
                .get(job)
                .and_then(|source| where_found(*job, *source, head))
            {
                eprintln!("{words}");
            }
            let subject = self.subject(*job, &findings);
            let parts = match &subject {
                None => None,
                Some((model, _)) if models.contains_key(model) => models[model].clone(),
                Some((model, _)) => {
                    let parts = snapshot.version(*model).await?.map(|version| version.parts);
                    models.insert(*model, parts.clone());
                    parts
                }
            };
            let story = tracker.story(*job);
            let mut outcome = match (&subject, &parts) {
                (Some((_, subject)), Some(parts)) => Outcome::of(parts, *subject, *job, story),
                _ => Outcome::unchecked(*job, story),
            };
            if let (Some(account), Some((_, subject)), Some(parts), Some(story)) = (account, &subject, &parts, story) {
                let demanding = Demanding {
                    client,
                    account,
                    patience: Duration::from_secs(args.patience),
                };
                demanding.get(parts, subject.symbols, story, &mut outcome).await;
            }
            if let Some(folder) = &args.save {
                save(
                    folder,
                    &outcome,
                    parts.as_ref().map(|parts| &parts.schema),
                    story.and_then(|story| story.output.as_deref()),
                )?;
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// Subject of the job, if the journal or the chain says it.
    fn subject<'a>(&'a self, job: JobId, findings: &'a Findings) -> Option<(ModelVersion, Subject<'a>)> {
        if let Some(record) = &self.record {
            let input = record.header.inputs.get(record.input_of(job)?)?;
            let subject = Subject {
                name: &input.name,
                label: input.label,
                symbols: &input.symbols,
                given: None,
            };
            return Some((record.header.model(), subject));
        }
        let about = findings.about.get(&job)?;
        let subject = Subject {
            name: "",
            label: None,
            symbols: &about.symbols,
            given: None,
        };
        Some((about.model, subject))
    }
}

/// Writes an output: as tensors where their shapes are known, and as it came where not.
fn save(folder: &Path, outcome: &Outcome, schema: Option<&Schema>, output: Option<&[u8]>) -> anyhow::Result<()> {
    if let Some(schema) = schema {
        return outcomes::save(std::slice::from_ref(outcome), folder, schema);
    }
    let Some(output) = output else { return Ok(()) };
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let path = folder.join(format!("job-{}.bin", outcome.job));
    std::fs::write(&path, output).with_context(|| path.display().to_string())?;
    eprintln!(
        "job {}: the shapes of its output are not known here, so {} has the bytes alone",
        outcome.job,
        path.display()
    );
    Ok(())
}

/// Note on the place where a result was found, or was not.
fn where_found(job: JobId, source: Source, head: BlockNumber) -> Option<String> {
    match source {
        Source::State | Source::Events(_) => None,
        Source::Transaction(block) => Some(format!(
            "job {job}: the output is that of a claim in block {block}; this node has pruned the block's events, so whether \
             the claim was paid for is not known here (an archive node knows)"
        )),
        Source::Pruned => Some(format!(
            "job {job}: it is closed, and this node has pruned the blocks that tell of it: name an archive node with --node \
             (one that runs with --state-pruning archive)"
        )),
        Source::Absent => Some(format!(
            "job {job}: it is not open, and the blocks up to {head} that were searched do not tell of it: check the number and \
             the chain, or name an earlier block with --since"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_has_pruned_is_said_with_the_way_out() {
        let text = where_found(7, Source::Pruned, 900).expect("it is said");
        for words in ["job 7", "pruned", "archive", "--node"] {
            assert!(text.contains(words), "{text}");
        }
        let text = where_found(7, Source::Transaction(40), 900).expect("it is said");
        assert!(text.contains("block 40") && text.contains("not known"), "{text}");
        let text = where_found(7, Source::Absent, 900).expect("it is said");
        assert!(text.contains("--since"), "{text}");
        assert_eq!(where_found(7, Source::State, 900), None);
    }
}
