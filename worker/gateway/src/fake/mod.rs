//! A backend without a market: models that are functions of their prompt, with every way to go wrong.
//!
//! It is complete, so that clients can be tried against it, and it computes nothing of worth.
//! A model's name says what it does: see [`MODELS`].

mod jobs;
mod overview;
mod stream;
mod vocabulary;

pub use vocabulary::{VOCABULARY, encode};

use crate::{
    backend::{
        Ability, Backend, BackendError, Balance, Check, DisputeInfo, EmbedRequest, Embedded, GenerateRequest,
        Generation, Health, JobRequest, JobStatus, Later, ModelInfo, Money, NetworkInfo, Prompt, Quote, Report,
        SessionInfo, Stop, Token, Verification, Work, WorkerInfo,
    },
    money::{Amount, Currency},
};
use futures::{FutureExt, future::ready, stream::BoxStream};
use jobs::Jobs;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// The models: name, ability, context length.
pub const MODELS: [(&str, Ability, u32); 10] = [
    // Answers at once.
    ("fake-chat", Ability::Chat, 2048),
    // Continues texts, and takes no conversation.
    ("fake-base", Ability::Complete, 2048),
    // Makes embeddings of 16 elements.
    ("fake-embed", Ability::Embed, 256),
    // Makes a token every 20 ms, and ends only at the maximum.
    ("fake-slow", Ability::Chat, 2048),
    // Makes long texts as fast as they are taken, and ends only at the maximum.
    ("fake-loud", Ability::Chat, 1 << 20),
    // Breaks off after three tokens.
    ("fake-broken", Ability::Chat, 2048),
    // Never accepts anything.
    ("fake-stuck", Ability::Chat, 2048),
    // Has no worker.
    ("fake-gone", Ability::Chat, 2048),
    // Adds numbers, as jobs.
    ("fake-sum", Ability::Job, 0),
    // Takes a picture of 8 × 8 pixels, as jobs, and gives a digit that depends on its ink.
    ("fake-digits", Ability::Job, 0),
];
/// Elements of an embedding.
pub const DIMENSIONS: u32 = 16;
/// Price of every request.
const BASE: u128 = 1_000_000;
/// Price of a token of a prompt.
const PER_PROMPT: u128 = 2_000_000;
/// Price of a token that is made.
const PER_GENERATED: u128 = 6_000_000;
const WORKER: &str = "5FakeWorkerAccountThatComputesNothingOfWorth0001";

/// The backend. Clones are handles of the same one.
#[derive(Clone)]
pub struct Fake(Arc<Shared>);

struct Shared {
    receipts: Mutex<HashMap<String, Value>>,
    jobs: Jobs,
    running: AtomicUsize,
    made: AtomicU64,
    is_ready: AtomicBool,
    begun: Instant,
}

/// A generation that runs; it has ended when this is dropped.
struct Running(Fake);

impl Default for Fake {
    fn default() -> Self {
        Self(Arc::new(Shared {
            receipts: Mutex::default(),
            jobs: Jobs::new(Duration::from_millis(100)),
            running: AtomicUsize::new(0),
            made: AtomicU64::new(0),
            is_ready: AtomicBool::new(true),
            begun: Instant::now(),
        }))
    }
}

impl Fake {
    /// Generations that run now.
    pub fn running(&self) -> usize {
        self.0.running.load(SeqCst)
    }

    /// Tokens that were made so far.
    pub fn made(&self) -> u64 {
        self.0.made.load(SeqCst)
    }

    /// Says from now on that it can answer, or that it cannot.
    pub fn set_ready(&self, is_ready: bool) {
        self.0.is_ready.store(is_ready, SeqCst);
    }

    /// The price of work.
    pub fn price(work: Work) -> Amount {
        Amount(BASE + PER_PROMPT * u128::from(work.prompt) + PER_GENERATED * u128::from(work.generated))
    }

    fn begin(&self) -> Running {
        self.0.running.fetch_add(1, SeqCst);
        Running(self.clone())
    }

    fn count(&self, tokens: u64) {
        self.0.made.fetch_add(tokens, SeqCst);
    }

    /// Writes a receipt, and what is said of the answer.
    fn report(&self, model: &str, prompt: &[Token], generated: &[Token], price: Amount) -> Report {
        let mut receipt = json!({
            "model": model,
            "prompt": prompt,
            "generated": generated,
            "price": price,
            "worker": WORKER,
        });
        let digest = digest(&receipt);
        receipt["digest"] = digest.clone().into();
        let mut receipts = self.0.receipts.lock().unwrap_or_else(PoisonError::into_inner);
        receipts.insert(digest.clone(), receipt);
        Report {
            worker: WORKER.to_owned(),
            price,
            receipt: digest,
            checked: "digest".to_owned(),
            prompt_tokens: prompt.len() as u32,
            generated_tokens: generated.len() as u32,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.running.fetch_sub(1, SeqCst);
    }
}

/// Hash of a receipt without its own digest.
fn digest(receipt: &Value) -> String {
    let mut receipt = receipt.clone();
    if let Some(fields) = receipt.as_object_mut() {
        fields.remove("digest");
    }
    let hash = blake2b_simd::Params::new()
        .hash_length(32)
        .hash(receipt.to_string().as_bytes());
    hex::encode(hash.as_bytes())
}

fn ability(model: &str) -> Result<Ability, BackendError> {
    let found = MODELS.iter().find(|(name, ..)| *name == model);
    found
        .map(|(_, ability, _)| *ability)
        .ok_or_else(|| BackendError::UnknownModel(model.to_owned()))
}

fn info((id, ability, context_length): (&str, Ability, u32)) -> ModelInfo {
    let is_job = ability == Ability::Job;
    let million = |price: u128| Amount(if is_job { 0 } else { price * 1_000_000 });
    ModelInfo {
        id: id.to_owned(),
        created: 1_700_000_000,
        owner: "5FakeOwner".to_owned(),
        ability,
        context_length,
        vocabulary: if is_job { 0 } else { VOCABULARY },
        dimensions: if ability == Ability::Embed { DIMENSIONS } else { 0 },
        price_base: Amount(BASE),
        price_prompt: million(PER_PROMPT),
        price_generated: million(if ability == Ability::Embed { 0 } else { PER_GENERATED }),
        root: format!("0x{}", digest(&json!({ "model": id }))),
        workers: u32::from(id != "fake-gone"),
    }
}

fn tokens_of(model: &str, prompt: &Prompt) -> Result<Vec<Token>, BackendError> {
    let ability = ability(model)?;
    match prompt {
        Prompt::Text(text) => Ok(encode(text)),
        Prompt::Tokens(tokens) => Ok(tokens.clone()),
        Prompt::Messages(messages) if ability == Ability::Chat => Ok(vocabulary::render(messages)),
        Prompt::Messages(_) => Err(BackendError::Unfit {
            field: Some("model".to_owned()),
            reason: format!("`{model}` has no chat template: ask it by /v1/completions"),
        }),
    }
}

/// An embedding of length 1 that depends on every token.
fn vector(tokens: &[Token]) -> Vec<f32> {
    let mut sums = vec![0f64; DIMENSIONS as usize];
    for (position, token) in tokens.iter().enumerate() {
        let hash = stream::mix(u64::from(*token) << 32 | position as u64);
        for (index, sum) in sums.iter_mut().enumerate() {
            *sum += f64::from((hash >> (index % 8 * 8)) as u8 as i8) / (1.0 + index as f64);
        }
    }
    let length = sums
        .iter()
        .map(|sum| sum * sum)
        .sum::<f64>()
        .sqrt()
        .max(f64::MIN_POSITIVE);
    sums.into_iter().map(|sum| (sum / length) as f32).collect()
}

impl Backend for Fake {
    fn currency(&self) -> Currency {
        Currency {
            symbol: "ASY",
            decimals: 12,
        }
    }

    fn models(&self) -> Later<'_, Vec<ModelInfo>> {
        ready(Ok(MODELS.into_iter().map(info).collect())).boxed()
    }

    fn tokenize<'b>(&'b self, model: &'b str, prompt: &'b Prompt) -> Later<'b, Vec<Token>> {
        ready(tokens_of(model, prompt)).boxed()
    }

    fn quote<'b>(&'b self, model: &'b str, work: Work) -> Later<'b, Quote> {
        let max = Self::price(work);
        ready(ability(model).map(|_| Quote { max })).boxed()
    }

    fn generate(&self, request: GenerateRequest, stop: Stop) -> Later<'_, Generation> {
        async move {
            match request.model.as_str() {
                "fake-gone" => Err(BackendError::Unavailable {
                    reason: "no worker offers `fake-gone` now: try again later, or ask another model".to_owned(),
                    retry_after: 7,
                }),
                "fake-stuck" => {
                    stop.stopped().await;
                    Err(BackendError::Timeout("the worker never answered".to_owned()))
                }
                _ => Ok(stream::generation(self.clone(), request, stop)),
            }
        }
        .boxed()
    }

    fn embed(&self, request: EmbedRequest, stop: Stop) -> Later<'_, Embedded> {
        async move {
            let _running = self.begin();
            let count = request.inputs.len();
            let mut vectors = Vec::with_capacity(count);
            for input in &request.inputs {
                if stop.is_stopped() {
                    break;
                }
                // Long inputs take time, so that a client can vanish meanwhile.
                sleep(Duration::from_micros(100 * input.len() as u64)).await;
                vectors.push(vector(input));
            }
            let all: Vec<Token> = request.inputs.iter().take(vectors.len()).flatten().copied().collect();
            let price = request.inputs.iter().take(vectors.len()).map(|input| {
                Self::price(Work {
                    prompt: input.len() as u32,
                    generated: 0,
                })
            });
            let price = price.sum();
            self.count(all.len() as u64);
            let report = self.report(&request.model, &all, &[], price);
            Ok(Embedded { vectors, report })
        }
        .boxed()
    }

    fn balance(&self) -> Later<'_, Balance> {
        let balance = Balance {
            free: Amount(1_000_000_000_000_000),
            held: Amount(0),
        };
        ready(Ok(balance)).boxed()
    }

    fn workers(&self) -> Later<'_, Vec<WorkerInfo>> {
        let offered = MODELS.iter().filter(|(name, ..)| *name != "fake-gone");
        let offers = offered.map(|(name, ..)| WorkerInfo {
            worker: WORKER.to_owned(),
            model: (*name).to_owned(),
            price: Amount(BASE),
            capacity: 16,
            stake: Amount(100_000_000_000_000),
        });
        ready(Ok(offers.collect())).boxed()
    }

    fn submit_job(&self, request: JobRequest) -> Later<'_, JobStatus> {
        ready(self.0.jobs.submit(&request, WORKER)).boxed()
    }

    fn job<'b>(&'b self, id: &'b str) -> Later<'b, JobStatus> {
        ready(self.0.jobs.status(id)).boxed()
    }

    fn job_result<'b>(&'b self, id: &'b str) -> Later<'b, Option<Value>> {
        ready(self.0.jobs.result(id)).boxed()
    }

    fn follow_job<'b>(&'b self, id: &'b str) -> Later<'b, BoxStream<'static, Result<JobStatus, BackendError>>> {
        ready(self.0.jobs.follow(id)).boxed()
    }

    fn receipt<'b>(&'b self, id: &'b str) -> Later<'b, Value> {
        let receipts = self.0.receipts.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = || BackendError::NotFound {
            what: "receipt",
            id: id.to_owned(),
        };
        ready(receipts.get(id).cloned().ok_or_else(missing)).boxed()
    }

    fn verify(&self, receipt: Value) -> Later<'_, Verification> {
        let (told, computed) = (receipt["digest"].as_str().unwrap_or_default(), digest(&receipt));
        let holds = told == computed;
        let check = Check {
            name: "digest".to_owned(),
            holds,
            detail: format!("the receipt says {told}, and its content has {computed}"),
        };
        ready(Ok(Verification {
            valid: holds,
            checks: vec![check],
        }))
        .boxed()
    }

    fn health(&self) -> Later<'_, Health> {
        let is_ready = self.0.is_ready.load(SeqCst);
        let detail = if is_ready {
            "the fake market is here"
        } else {
            "the fake market is away"
        };
        ready(Ok(Health {
            ready: is_ready,
            detail: detail.to_owned(),
        }))
        .boxed()
    }
    fn jobs(&self) -> Later<'_, Vec<JobStatus>> {
        ready(Ok(self.0.jobs.latest())).boxed()
    }

    fn sessions(&self) -> Later<'_, Vec<SessionInfo>> {
        ready(Ok(overview::sessions())).boxed()
    }

    fn disputes(&self) -> Later<'_, Vec<DisputeInfo>> {
        ready(Ok(overview::disputes(self.0.begun.elapsed()))).boxed()
    }

    fn money(&self) -> Later<'_, Money> {
        ready(Ok(overview::money())).boxed()
    }

    fn network(&self) -> Later<'_, NetworkInfo> {
        ready(Ok(overview::network(self.0.begun.elapsed()))).boxed()
    }
}
