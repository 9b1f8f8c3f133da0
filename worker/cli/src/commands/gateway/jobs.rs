//! Jobs on chain in this account's name: generations that wait for their claim, and jobs that are followed.

mod embedding;

use super::{
    catalogue::{Known, unreached},
    embedding::input_of,
    market::{language, unfit},
    pool::finish,
};
use assay_client::{
    chain::{Account, BlockNumber, Client, Snapshot, SubmitError},
    request::{
        Prepared, RequestError,
        chain::{JobSender, JobView, NodeSender, NodeView},
        generation::{GenerationRequest, Sampling},
        largest,
        outcome::{Outcome, Subject},
        plan::agree,
        prepare_all,
        progress::Progress,
        recover::{Source, look_up},
        run::{Following, Request, Start, Until},
        terms::{TermsError, Wishes},
        tracker::{Story, Tracker},
    },
    units,
};
use assay_gateway::{
    backend::{BackendError, Event, GenerateRequest, Generation, JobRequest, JobStatus, Report, Stop, Token, Work},
    money::Amount,
};
use assay_text::{
    inputs::{self, JobInput, text},
    language::{Language, Message, Role},
};
use assay_types::JobId;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::sleep;

/// Longest wait for a worker, and then for its claim.
const PATIENCE: Duration = Duration::from_secs(300);
/// Pause between two looks at a job.
const LOOK: Duration = Duration::from_secs(3);
/// Jobs whose inputs are remembered; of older ones the chain alone knows.
const MAX_REMEMBERED: usize = 4096;

/// The jobs of this account. Clones are handles of the same ones.
#[derive(Clone)]
pub(super) struct Jobs {
    client: Client,
    account: Account,
    /// Jobs that were submitted by this process.
    submitted: Arc<Mutex<BTreeMap<JobId, Arc<Submission>>>>,
}

/// A job that this process has submitted.
struct Submission {
    known: Arc<Known>,
    prepared: Prepared,
    /// The block before it.
    after: BlockNumber,
}

impl Jobs {
    pub fn new(client: Client, account: Account) -> Self {
        Self {
            client,
            account,
            submitted: Arc::default(),
        }
    }

    /// The price of a generation, or of an embedding, as a job now.
    pub async fn quote(&self, known: &Known, work: Work) -> Result<Amount, BackendError> {
        let prompt = vec![0; work.prompt as usize];
        let input = match &known.embedder {
            Some(embedder) => input_of(known, embedder, "the input", &prompt)?,
            None => {
                let sampling = Sampling {
                    max_tokens: Some(work.generated),
                    ..Sampling::default()
                };
                generation_input(known, prompt, sampling)?
            }
        };
        let snapshot = self.client.finalized().await.map_err(unreached)?;
        let prepared = prepare(&snapshot, known, &input, None).await?;
        Ok(Amount(prepared.request.ceiling))
    }

    /// Buys a generation as a job. A job on chain cannot be taken back, so that a stop saves nothing.
    pub fn generate(&self, known: Arc<Known>, request: GenerateRequest, stop: Stop) -> Generation {
        let jobs = self.clone();
        let bought = async move {
            match jobs.bought(&known, &request, &stop).await {
                Ok(events) => events.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            }
        };
        stream::once(bought).flat_map(stream::iter).boxed()
    }

    async fn bought(&self, known: &Known, request: &GenerateRequest, stop: &Stop) -> Result<Vec<Event>, BackendError> {
        let sampling = Sampling {
            temperature: Some(request.sampling.temperature),
            top_p: Some(request.sampling.top_p),
            top_k: request.sampling.top_k,
            seed: Some(request.sampling.seed),
            max_tokens: Some(request.max_tokens),
        };
        let prompt = request.prompt.iter().map(|token| i64::from(*token)).collect();
        let input = generation_input(known, prompt, sampling)?;
        let snapshot = self.client.finalized().await.map_err(unreached)?;
        let prepared = prepare(&snapshot, known, &input, Some(request.max_price)).await?;
        let outcomes = self.followed(known, vec![prepared], snapshot.number()).await?;
        let missing = || BackendError::Timeout("no worker took the job".to_owned());
        let outcome = outcomes.into_iter().next().ok_or_else(missing)?;
        let Some(tokens) = outcome.tokens.clone().filter(|_| outcome.digest_matches == Some(true)) else {
            return Err(BackendError::Failed(format!("job {}: {}", outcome.job, outcome.result)));
        };
        let mut events = pieces(known, &tokens)?;
        events.push(Event::Done {
            finish: finish(known, request, &tokens, stop),
            report: Report {
                worker: outcome.worker.clone().unwrap_or_default(),
                price: price_of(&outcome),
                receipt: format!("job-{}", outcome.job),
                checked: "claim-digest".to_owned(),
                prompt_tokens: request.prompt.len() as u32,
                generated_tokens: tokens.len() as u32,
            },
        });
        Ok(events)
    }

    /// Submits jobs and waits for their claims: the outcomes of those that were submitted, in their order.
    async fn followed(
        &self,
        known: &Known,
        jobs: Vec<Prepared>,
        after: BlockNumber,
    ) -> Result<Vec<Outcome>, BackendError> {
        let parts = &known.model.record.parts;
        let start = Start::fresh(self.account.id(), jobs.clone(), parts.clone(), None, after);
        let sender = NodeSender::new(self.client.clone(), self.account.clone());
        let following = Following {
            until: Until::Claimed,
            accept: false,
            patience: PATIENCE,
        };
        let mut request = Request::start(sender, start, following);
        let summary = loop {
            match request.next().await {
                Some(Ok(Progress::Finished(summary))) => break summary,
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(refused(error)),
                None => return Err(BackendError::Failed("the request ended without a word".to_owned())),
            }
        };
        let mut numbers: Vec<(usize, JobId)> = summary.submitted.iter().map(|job| (job.input, job.job)).collect();
        numbers.sort_unstable();
        Ok(Outcome::all(parts, &jobs, &numbers, &summary.tracker))
    }

    /// Submits a job, and gives its number.
    pub async fn submit(&self, known: Arc<Known>, request: JobRequest) -> Result<JobStatus, BackendError> {
        let input = job_input(&known, &request.input)?;
        let snapshot = self.client.finalized().await.map_err(unreached)?;
        let prepared = prepare(&snapshot, &known, &input, Some(request.ceiling)).await?;
        let sender = NodeSender::new(self.client.clone(), self.account.clone());
        let (numbers, _) = sender
            .submit(vec![prepared.request.clone()])
            .await
            .map_err(not_submitted)?;
        let missing = || BackendError::Failed("the chain does not tell the job's number".to_owned());
        let job = *numbers.first().ok_or_else(missing)?;
        let submission = Submission {
            known,
            prepared,
            after: snapshot.number(),
        };
        let mut submitted = self.submitted.lock().unwrap_or_else(PoisonError::into_inner);
        submitted.insert(job, Arc::new(submission));
        while submitted.len() > MAX_REMEMBERED {
            submitted.pop_first();
        }
        Ok(waiting(job))
    }

    /// State of a job.
    pub async fn status(&self, id: &str) -> Result<JobStatus, BackendError> {
        let job = number(id)?;
        Ok(match self.story(job).await? {
            Some(story) => status(job, &story),
            // It may be in a block that is not final yet.
            None if self.submission(job).is_some() => waiting(job),
            None => return Err(not_found(id)),
        })
    }

    /// Result of a job, as far as this process knows its input.
    pub async fn result(&self, id: &str) -> Result<Option<Value>, BackendError> {
        let job = number(id)?;
        let submission = self.submission(job);
        let story = match (self.story(job).await?, &submission) {
            (Some(story), _) => story,
            (None, Some(_)) => return Ok(None),
            (None, None) => return Err(not_found(id)),
        };
        if story.claimed.is_none() && story.closed.is_none() {
            return Ok(None);
        }
        let mut outcome = match &submission {
            Some(submission) => {
                let parts = &submission.known.model.record.parts;
                Outcome::of(parts, Subject::of(&submission.prepared), job, Some(&story))
            }
            None => Outcome::unchecked(job, Some(&story)),
        };
        let language = submission
            .as_ref()
            .and_then(|submission| submission.known.language.as_ref());
        if let (Some(tokens), Some(language)) = (&outcome.tokens, language) {
            outcome.text = language.decode(tokens).ok();
        }
        let value = serde_json::to_value(&outcome).map_err(|error| BackendError::Failed(error.to_string()))?;
        Ok(Some(value))
    }

    /// A job's status now and after every change.
    pub fn follow(&self, id: &str) -> BoxStream<'static, Result<JobStatus, BackendError>> {
        let state = (self.clone(), id.to_owned(), None::<JobStatus>);
        stream::unfold(state, |(jobs, id, last)| async move {
            if last.as_ref().is_some_and(|last| last.closed) {
                return None;
            }
            loop {
                match jobs.status(&id).await {
                    Ok(status) if last.as_ref() == Some(&status) => sleep(LOOK).await,
                    Ok(status) => return Some((Ok(status.clone()), (jobs, id, Some(status)))),
                    Err(error) => {
                        sleep(LOOK).await;
                        return Some((Err(error), (jobs, id, last)));
                    }
                }
            }
        })
        .boxed()
    }

    fn submission(&self, job: JobId) -> Option<Arc<Submission>> {
        let submitted = self.submitted.lock().unwrap_or_else(PoisonError::into_inner);
        submitted.get(&job).cloned()
    }

    /// The chain's facts about a job; `None` if there are none.
    async fn story(&self, job: JobId) -> Result<Option<Story>, BackendError> {
        let view = NodeView::new(self.client.clone());
        let mut tracker = Tracker::new(self.account.id().clone());
        let head = view.head().await.map_err(unreached)?;
        let since = self.submission(job).map(|submission| submission.after);
        let wanted = BTreeSet::from([job]);
        let findings = look_up(&view, &wanted, since, head, &mut tracker)
            .await
            .map_err(unreached)?;
        if findings.sources.get(&job) == Some(&Source::Absent) {
            return Ok(None);
        }
        Ok(tracker.story(job).cloned())
    }
}

/// Price of a job, as its outcome says.
fn price_of(outcome: &Outcome) -> Amount {
    let price = outcome.price.as_deref().and_then(|price| units::parse(price).ok());
    Amount(price.unwrap_or(0))
}

/// Turns an input into a request, on the terms of the cheapest offer.
async fn prepare(
    snapshot: &Snapshot,
    known: &Known,
    input: &JobInput,
    ceiling: Option<Amount>,
) -> Result<Prepared, BackendError> {
    let prepared = prepare_several(snapshot, known, std::slice::from_ref(input), ceiling).await?;
    let missing = || BackendError::Failed("the input is no job".to_owned());
    prepared.into_iter().next().ok_or_else(missing)
}

/// The same for inputs of one shape, each of which may cost the ceiling.
async fn prepare_several(
    snapshot: &Snapshot,
    known: &Known,
    inputs: &[JobInput],
    ceiling: Option<Amount>,
) -> Result<Vec<Prepared>, BackendError> {
    let (model, package) = (&known.model, &known.package);
    let constants = snapshot.constants().map_err(unreached)?;
    let symbols = largest(inputs, package, model).map_err(refused)?;
    let wishes = Wishes {
        ceiling: ceiling.map(|ceiling| ceiling.0),
        inline_output: true,
        ..Wishes::default()
    };
    let (terms, _) = agree(snapshot, &constants, model, &symbols, &wishes)
        .await
        .map_err(refused)?;
    prepare_all(inputs, package, model, &terms).map_err(refused)
}

fn generation_input(known: &Known, prompt: Vec<i64>, sampling: Sampling) -> Result<JobInput, BackendError> {
    let request = GenerationRequest {
        name: "the prompt".to_owned(),
        prompt,
        sampling,
    };
    let input = request.input(&known.model.record.parts);
    input.map_err(|error| refused(error.into()))
}

/// The input of a job: a text, or an object of numbers in nested lists by the names of the model's inputs.
fn job_input(known: &Known, value: &Value) -> Result<JobInput, BackendError> {
    let unfit_input = |reason: String| BackendError::Unfit {
        field: Some("input".to_owned()),
        reason,
    };
    let (package, is_generation) = (&known.package, known.package.generation().is_some());
    match value {
        Value::String(content) if is_generation => {
            let language = language(known)?;
            generation_input(known, prompt(language, content)?, Sampling::default())
        }
        Value::String(content) => {
            let tokenizer = text::tokenizer(package).map_err(|error| unfit_input(error.to_string()))?;
            let texts = text::named("input", std::iter::once(content.as_str()));
            let read = text::from_texts(&texts, &tokenizer, package.graph());
            let read = read.map_err(|error| unfit_input(error.to_string()))?;
            read.into_iter()
                .next()
                .ok_or_else(|| unfit_input("`input` is blank".to_owned()))
        }
        _ if is_generation => Err(unfit_input(
            "`input` must be a text for a model that generates".to_owned(),
        )),
        value => {
            let read = inputs::from_json("input", value.to_string().as_bytes(), package.graph());
            let mut read = read.map_err(|error| unfit_input(error.to_string()))?;
            match (read.pop(), read.is_empty()) {
                (Some(input), true) => Ok(input),
                _ => Err(unfit_input(
                    "`input` must be one job: submit the others by themselves".to_owned(),
                )),
            }
        }
    }
}

fn prompt(language: &Language, content: &str) -> Result<Vec<i64>, BackendError> {
    if !language.converses() {
        return language.encode(content).map_err(unfit);
    }
    let message = Message {
        role: Role::User,
        content: content.to_owned(),
    };
    language.chat(&[message]).map_err(unfit)
}

/// The pieces of an answer that is complete: one for each token, or for as many as make a character.
fn pieces(known: &Known, tokens: &[i64]) -> Result<Vec<Event>, BackendError> {
    let numbers = |tokens: &[i64]| tokens.iter().filter_map(|token| Token::try_from(*token).ok()).collect();
    let Some(language) = &known.language else {
        return Ok(vec![Event::Piece {
            text: String::new(),
            tokens: numbers(tokens),
        }]);
    };
    let failed = |error: assay_text::language::LanguageError| BackendError::Failed(error.to_string());
    let mut words = language.detokeniser();
    let mut events = Vec::with_capacity(tokens.len() + 2);
    for token in tokens {
        events.push(Event::Piece {
            text: words.push(*token).map_err(failed)?,
            tokens: numbers(&[*token]),
        });
    }
    events.push(Event::Piece {
        text: words.finish().map_err(failed)?,
        tokens: Vec::new(),
    });
    Ok(events)
}

fn number(id: &str) -> Result<JobId, BackendError> {
    id.parse().map_err(|_| not_found(id))
}

fn not_found(id: &str) -> BackendError {
    BackendError::NotFound {
        what: "job",
        id: id.to_owned(),
    }
}

fn waiting(job: JobId) -> JobStatus {
    JobStatus {
        id: job.to_string(),
        phase: "Submitted".to_owned(),
        closed: false,
        worker: None,
        paid: None,
    }
}

fn status(job: JobId, story: &Story) -> JobStatus {
    let closed = story.closed.is_some() || story.is_gone;
    let paid = match &story.closed {
        Some((_, _, paid)) => Some(Amount(*paid)),
        // The node has pruned how it was closed. A claim that nobody refuted is paid.
        None if story.is_gone => Some(Amount(story.claimed.and(story.price).unwrap_or(0))),
        None => None,
    };
    JobStatus {
        id: job.to_string(),
        phase: format!("{:?}", story.phase),
        closed,
        worker: story.worker.as_ref().map(ToString::to_string),
        paid,
    }
}

/// Why a job is not made, for applications.
fn refused(error: RequestError) -> BackendError {
    let reason = error.to_string();
    match error {
        RequestError::Terms(TermsError::NotEnoughMoney { .. }) => BackendError::NoMoney(reason),
        RequestError::Terms(TermsError::OutputTooLarge { .. })
        | RequestError::Generation(_)
        | RequestError::Unfit { .. }
        | RequestError::OutOfRange { .. }
        | RequestError::Shapes { .. }
        | RequestError::TooLargeForInline { .. } => BackendError::Unfit { field: None, reason },
        RequestError::Terms(_) | RequestError::Chain(_) | RequestError::Deprecated(_) => BackendError::Unavailable {
            reason,
            retry_after: 30,
        },
        RequestError::Submit(error) => not_submitted(error),
        _ => BackendError::Failed(reason),
    }
}

fn not_submitted(error: SubmitError) -> BackendError {
    BackendError::Unavailable {
        reason: error.to_string(),
        retry_after: 10,
    }
}
