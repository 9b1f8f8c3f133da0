//! The market behind the gateway: models, generations, embeddings, jobs and receipts, as one trait.
//!
//! The gateway knows no chain, no session and no network.
//! It knows tokens, prices and reports, and whoever implements [`Backend`] decides where they come from.

mod overview;

pub use overview::{
    DisputeInfo, ElementInfo, ElementValue, GameInfo, HoldInfo, Money, Narrowing, NetworkInfo, OperatorInfo, PeerInfo,
    Range, SessionInfo, Turn, Verdict,
};

use crate::money::{Amount, Currency};
use futures::{
    FutureExt,
    future::{BoxFuture, ready},
    stream::BoxStream,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::watch;

/// Number of a token in a model's vocabulary.
pub type Token = u32;

/// Answer that a backend gives later.
pub type Later<'b, T> = BoxFuture<'b, Result<T, BackendError>>;

/// Steps of a generation. The last one is [`Event::Done`] or an error, and nothing comes after it.
pub type Generation = BoxStream<'static, Result<Event, BackendError>>;

/// Goods of the gateway.
///
/// Methods that can take long end early with an error when what they wait for cannot come any more.
pub trait Backend: Send + Sync + 'static {
    /// The currency of all amounts.
    fn currency(&self) -> Currency;

    /// Every model that can be asked for now.
    fn models(&self) -> Later<'_, Vec<ModelInfo>>;

    /// The model of this name. A backend that does not know yet whether it has the model is unavailable.
    fn model<'b>(&'b self, id: &'b str) -> Later<'b, ModelInfo> {
        async move {
            let found = self.models().await?.into_iter().find(|model| model.id == id);
            found.ok_or_else(|| BackendError::UnknownModel(id.to_owned()))
        }
        .boxed()
    }

    /// The tokens of a prompt; a conversation goes through the model's chat template.
    ///
    /// A prompt of tokens comes back as it is; the gateway has checked it against the vocabulary.
    fn tokenize<'b>(&'b self, model: &'b str, prompt: &'b Prompt) -> Later<'b, Vec<Token>>;

    /// The maximum that this work can cost.
    fn quote<'b>(&'b self, model: &'b str, work: Work) -> Later<'b, Quote>;

    /// Begins a generation. After [`Stop::stop`] the stream ends soon, with a report of what was made and is owed.
    ///
    /// A generation that is stopped, or whose stream is dropped, makes no further tokens that cost money.
    fn generate(&self, request: GenerateRequest, stop: Stop) -> Later<'_, Generation>;

    /// Computes embeddings, one for each input.
    fn embed(&self, request: EmbedRequest, stop: Stop) -> Later<'_, Embedded>;

    /// The money of the account that pays for everything.
    fn balance(&self) -> Later<'_, Balance>;

    /// Workers and their offers.
    fn workers(&self) -> Later<'_, Vec<WorkerInfo>>;

    /// Submits a job. Its price is at most the request's ceiling.
    fn submit_job(&self, request: JobRequest) -> Later<'_, JobStatus>;

    /// State of a job.
    fn job<'b>(&'b self, id: &'b str) -> Later<'b, JobStatus>;

    /// Result of a job; `None` as long as nothing is claimed.
    fn job_result<'b>(&'b self, id: &'b str) -> Later<'b, Option<Value>>;

    /// A job's status now and after every change; the last one is closed.
    fn follow_job<'b>(&'b self, id: &'b str) -> Later<'b, BoxStream<'static, Result<JobStatus, BackendError>>>;

    /// A receipt by the name that a report gives.
    fn receipt<'b>(&'b self, id: &'b str) -> Later<'b, Value>;

    /// Checks a receipt anew.
    fn verify(&self, receipt: Value) -> Later<'_, Verification>;

    /// Whether requests can be answered now, and why not.
    fn health(&self) -> Later<'_, Health>;

    /// Open jobs of the account that pays for everything, and closed ones that are known; newest first, at most 100.
    fn jobs(&self) -> Later<'_, Vec<JobStatus>> {
        not_shown("jobs")
    }

    /// The sessions of that account, the newest first; at most 100.
    fn sessions(&self) -> Later<'_, Vec<SessionInfo>> {
        not_shown("sessions")
    }

    /// Disputes that go on, and those that are over and known; newest first, at most 100.
    fn disputes(&self) -> Later<'_, Vec<DisputeInfo>> {
        not_shown("disputes")
    }

    /// Money of that account, and where it is held.
    fn money(&self) -> Later<'_, Money> {
        not_shown("money by reasons")
    }

    /// The node and the workers' network.
    fn network(&self) -> Later<'_, NetworkInfo> {
        not_shown("the network")
    }
}

/// The answer of a backend that cannot show something.
fn not_shown<'b, T: Send + 'b>(what: &'static str) -> Later<'b, T> {
    ready(Err(BackendError::NotShown(what))).boxed()
}

/// A backend that several parts of a program share.
pub type SharedBackend = Arc<dyn Backend>;

/// Kind of requests that a model answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ability {
    /// Generates text from a conversation, or from a text.
    Chat,
    /// Continues a text, and has no chat template.
    Complete,
    /// Makes embeddings.
    Embed,
    /// Takes tensors, as jobs.
    Job,
}

/// A model that can be asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelInfo {
    /// Name, as requests give it.
    pub id: String,
    /// When it was registered, in seconds since 1970; 0 if that is not known.
    pub created: u64,
    /// Account that registered it.
    pub owner: String,
    /// Kind of requests that it answers.
    pub ability: Ability,
    /// Maximum number of tokens of a prompt and its answer together, or of an input of embeddings.
    pub context_length: u32,
    /// Number of tokens in the vocabulary.
    pub vocabulary: u32,
    /// Elements of an embedding; 0 if it makes none.
    pub dimensions: u32,
    /// Price of a request that makes nothing.
    pub price_base: Amount,
    /// Price of one million tokens of a prompt.
    pub price_prompt: Amount,
    /// Price of one million tokens that are made.
    pub price_generated: Amount,
    /// The hash of everything that decides the model's answers, in hexadecimal.
    pub root: String,
    /// Workers that offer it now.
    pub workers: u32,
}

/// Speaker in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The author of the instructions on the model's behaviour.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
}

/// Message in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The speaker.
    pub role: Role,
    /// The text.
    pub content: String,
}

/// Beginning that a model is to go on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// A conversation, for the model's chat template.
    Messages(Vec<Message>),
    /// A text.
    Text(String),
    /// Tokens as they are.
    Tokens(Vec<Token>),
}

/// Amount of work of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Tokens of the prompt.
    pub prompt: u32,
    /// Maximum number of tokens that are made.
    pub generated: u32,
}

/// Maximum price of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The maximum.
    pub max: Amount,
}

/// Sampling of the next token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Divisor of the logits; 0 takes the best token every time.
    pub temperature: f32,
    /// The best tokens that together have this probability are chosen from.
    pub top_p: f32,
    /// Number of best tokens that are chosen from; `None` leaves it to the backend's maximum.
    pub top_k: Option<u32>,
    /// The same seed gives the same tokens.
    pub seed: i64,
}

/// A request for one generation.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerateRequest {
    /// The model's name.
    pub model: String,
    /// The tokens to go on from; not empty.
    pub prompt: Vec<Token>,
    /// Maximum number of tokens that are made; the prompt and they fit the model's context length.
    pub max_tokens: u32,
    /// Sampling of the tokens.
    pub sampling: Sampling,
    /// The maximum that the generation may cost, as quoted.
    pub max_price: Amount,
}

/// A request for embeddings.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbedRequest {
    /// The model's name.
    pub model: String,
    /// The tokens of each input; none is empty.
    pub inputs: Vec<Vec<Token>>,
    /// The maximum that all of them together may cost, as quoted.
    pub max_price: Amount,
}

/// Embeddings and how they came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedded {
    /// One vector for each input.
    pub vectors: Vec<Vec<f32>>,
    /// Report on all of them.
    pub report: Report,
}

/// A step of a generation.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Tokens came. The text holds whole characters only, and may be empty.
    Piece {
        /// The text.
        text: String,
        /// The tokens.
        tokens: Vec<Token>,
    },
    /// The generation is over.
    Done {
        /// Why.
        finish: Finish,
        /// Report on it.
        report: Report,
    },
}

/// Why a generation is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model ended its answer, or a stop sequence came.
    Stop,
    /// The maximum number of tokens is reached.
    Length,
    /// It was asked to stop.
    Stopped,
}

/// Report on an answer: who computed it, its price, its receipt, and how it was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The worker's account.
    pub worker: String,
    /// Amount that is owed.
    pub price: Amount,
    /// Name of the receipt; [`Backend::receipt`] gives it.
    pub receipt: String,
    /// Way in which it was checked, such as `signature` or `executed-again`.
    pub checked: String,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens that were made.
    pub generated_tokens: u32,
}

/// An account's money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Amount that can be spent.
    pub free: Amount,
    /// Amount that is held for jobs and sessions.
    pub held: Amount,
}

/// A worker's offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerInfo {
    /// The worker's account.
    pub worker: String,
    /// The model that it offers.
    pub model: String,
    /// Price of the smallest request.
    pub price: Amount,
    /// Requests that it takes at a time.
    pub capacity: u32,
    /// Its stake.
    pub stake: Amount,
}

/// A request for a job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRequest {
    /// The model's name.
    pub model: String,
    /// The input as the backend's models take it: numbers, or a text.
    pub input: Value,
    /// The maximum that it may cost.
    pub ceiling: Amount,
}

/// State of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStatus {
    /// Number of the job.
    pub id: String,
    /// The phase, in the chain's words.
    pub phase: String,
    /// Whether it is over.
    pub closed: bool,
    /// Worker that computes it.
    pub worker: Option<String>,
    /// Amount that was paid, once it is closed: 0 after a refund.
    pub paid: Option<Amount>,
}

/// Findings of a check of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Whether everything holds.
    pub valid: bool,
    /// Each thing that was looked at, and what came of it.
    pub checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Name of the check.
    pub name: String,
    /// Whether it holds.
    pub holds: bool,
    /// Why not, or what was compared.
    pub detail: String,
}

/// Whether requests can be answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Whether they can.
    pub ready: bool,
    /// Why not, or what is connected.
    pub detail: String,
}

/// Why a backend cannot do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// No such model.
    #[error("no model `{0}`: GET /v1/models lists those that are there")]
    UnknownModel(String),
    /// No such job or receipt.
    #[error("no {what} `{id}`")]
    NotFound {
        /// Kind of the thing.
        what: &'static str,
        /// Its name.
        id: String,
    },
    /// A part of the request does not fit the model.
    #[error("{reason}")]
    Unfit {
        /// The field of the request, where one is at fault.
        field: Option<String>,
        /// The fault, and advice.
        reason: String,
    },
    /// Nobody can do it now.
    #[error("{reason}")]
    Unavailable {
        /// Why, and what to do.
        reason: String,
        /// When to ask again, in seconds.
        retry_after: u32,
    },
    /// The operator's account is short of money.
    #[error("the gateway's own account is short of money: {0}")]
    NoMoney(String),
    /// It took too long.
    #[error("no answer came in time: {0}")]
    Timeout(String),
    /// A worker's answer is wrong, or its work broke off.
    #[error("{0}")]
    Failed(String),
    /// The backend does not show this.
    #[error("this gateway does not show {0}: `assay-worker` and any explorer of the chain do")]
    NotShown(&'static str),
}

/// Tells a generation to stop; every clone tells the same one.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    /// Tells it to stop.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was told to.
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns once it is told to.
    pub async fn stopped(&self) {
        let mut told = self.0.subscribe();
        // The sender lives in `self`, so that the wait ends only when it is told.
        let _ = told.wait_for(|told| *told).await;
    }
}
