//! Goods of the gateway: the chain's models, bought in sessions or as jobs in this account's name.

use super::{
    catalogue::{Catalogue, Known, Listed, Read, unreached},
    disputes::Chronicle,
    embedding,
    jobs::Jobs,
    overview,
    pool::Pool,
    verification,
};
use assay_client::{
    chain::{Account, BlockNumber, Client, WorkerInfo as WorkerRecord},
    units,
};
use assay_gateway::{
    backend::{
        Ability, Backend, BackendError, Balance, DisputeInfo, EmbedRequest, Embedded, GenerateRequest, Generation,
        Health, JobRequest, JobStatus, Later, Message, ModelInfo, Money, NetworkInfo, Prompt, Quote, Role, SessionInfo,
        Stop, Token, Verification, Work, WorkerInfo,
    },
    money::{Amount, Currency},
};
use assay_text::language::{self, Language, LanguageError};
use futures::{FutureExt, stream::BoxStream};
use serde_json::{Value, json};
use std::{convert::Infallible, path::PathBuf, sync::Arc, time::Duration};
use tokio::time::timeout;

/// Decimals of one ASY.
const DECIMALS: u32 = units::UNIT.ilog10();

/// Time in which the node must answer before sessions are closed at the end.
const REACH: Duration = Duration::from_secs(5);
/// Time in which sessions are closed at the end.
const CLOSE: Duration = Duration::from_secs(30);

/// The market as this account sees it. Clones are handles of the same one.
#[derive(Clone)]
pub(super) struct Market(Arc<Shared>);

struct Shared {
    client: Client,
    account: Account,
    catalogue: Catalogue,
    disputes: Chronicle,
    jobs: Jobs,
    /// Sessions, where the workers' network is joined.
    pool: Option<Pool>,
}

impl Market {
    pub fn new(client: Client, account: Account, models_dir: PathBuf, pool: Option<Pool>) -> Self {
        Self(Arc::new(Shared {
            jobs: Jobs::new(client.clone(), account.clone()),
            catalogue: Catalogue::new(models_dir),
            disputes: Chronicle::default(),
            client,
            account,
            pool,
        }))
    }

    /// Reads the models' packages, follows disputes, and looks after sessions, where there are any, for as long as it
    /// is polled.
    pub async fn look_after(&self) -> Infallible {
        if let Err(error) = self.0.catalogue.listed(&self.0.client).await {
            tracing::warn!(%error, "the models are read when they are first asked for");
        }
        let sessions = async {
            match &self.0.pool {
                Some(pool) => pool.look_after().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            never = sessions => never,
            never = self.0.disputes.follow(&self.0.client) => never,
        }
    }

    /// Closes what is open, as far as the node answers and in a bounded time. The next run closes what is left.
    pub async fn close(&self) {
        let Some(pool) = &self.0.pool else { return };
        let closed = match timeout(REACH, self.0.client.finalized()).await {
            Ok(Ok(_)) => timeout(CLOSE, pool.close()).await.is_ok(),
            Ok(Err(_)) | Err(_) => false,
        };
        if !closed {
            tracing::warn!("sessions may be left open, since the node does not answer: the next start closes them");
        }
    }

    async fn find(&self, name: &str) -> Result<Listed, BackendError> {
        self.0.catalogue.find(&self.0.client, name).await
    }

    /// Whether generations of this model are asked in sessions.
    fn in_sessions(&self, listed: &Listed) -> bool {
        self.0.pool.is_some() && !listed.sessions.is_empty()
    }

    async fn quoted(&self, name: &str, work: Work) -> Result<Quote, BackendError> {
        let listed = self.find(name).await?;
        let units = listed
            .known
            .units(work.prompt, work.generated)
            .ok_or_else(|| BackendError::Unfit {
                field: None,
                reason: format!(
                    "`{name}` makes no {} tokens after a prompt of {}",
                    work.generated, work.prompt
                ),
            })?;
        if self.in_sessions(&listed) {
            // Which worker answers is not known yet: the most expensive one may.
            let prices = listed.sessions.iter().map(|offer| offer.terms.price(units));
            return Ok(Quote {
                max: Amount(prices.max().unwrap_or(0)),
            });
        }
        let max = self.0.jobs.quote(&listed.known, work).await?;
        Ok(Quote { max })
    }

    async fn embedded(&self, request: EmbedRequest, stop: Stop) -> Result<Embedded, BackendError> {
        let listed = self.find(&request.model).await?;
        let known = &listed.known;
        let inputs = embedding::inputs(known, &request)?;
        let (made, named) = match &self.0.pool {
            Some(pool) if self.in_sessions(&listed) => {
                let made = pool.execute(known.clone(), inputs, stop).await?;
                let names = made.iter().map(|made| made.receipt.clone()).collect();
                (made, (pool.bundle(names), "signed-receipt"))
            }
            _ => {
                let made = self.0.jobs.execute(known, &inputs, request.max_price).await?;
                let numbers: Vec<&str> = made.iter().map(|made| made.receipt.as_str()).collect();
                let name = format!("job-{}", numbers.join("-"));
                (made, (name, "claim-digest"))
            }
        };
        embedding::embedded(embedding::embedder(known, &request.model)?, &request, &made, named)
    }

    /// The receipt of a job, which is what the chain has of it; of several, the list of their names.
    async fn receipt_of(&self, id: &str) -> Result<Value, BackendError> {
        let missing = || BackendError::NotFound {
            what: "receipt",
            id: id.to_owned(),
        };
        if let Some(receipt) = self.0.pool.as_ref().and_then(|pool| pool.receipt(id)) {
            return Ok(receipt);
        }
        let jobs: Vec<&str> = id.strip_prefix("job-").ok_or_else(missing)?.split('-').collect();
        match jobs.as_slice() {
            [job] => self.0.jobs.result(job).await?.ok_or_else(missing),
            jobs => {
                let names: Vec<String> = jobs.iter().map(|job| format!("job-{job}")).collect();
                Ok(json!({ "receipts": names }))
            }
        }
    }

    /// Checks a receipt, which may be given by its name.
    async fn verified(&self, receipt: Value) -> Result<Verification, BackendError> {
        let name = receipt.as_str().map(str::to_owned);
        let receipt = match name {
            Some(name) => self.receipt_of(&name).await?,
            None => receipt,
        };
        if let Some(job) = receipt.get("job").and_then(Value::as_u64) {
            let id = job.to_string();
            let missing = || BackendError::NotFound {
                what: "claim of job",
                id: id.clone(),
            };
            let now = self.0.jobs.result(&id).await?.ok_or_else(missing)?;
            return Ok(verification::of_job(&receipt, &now));
        }
        let receipts = verification::receipts(&receipt)?;
        let listed = self.0.catalogue.listed(&self.0.client).await?;
        verification::of_sessions(&receipts, &listed, &self.0.client).await
    }

    fn healthy(&self, block: BlockNumber, read: &Read) -> Health {
        let listed = &read.listed;
        let offered = listed
            .iter()
            .filter(|listed| listed.info(self.in_sessions(listed)).workers > 0)
            .count();
        let generate = listed
            .iter()
            .filter(|listed| matches!(listed.known.ability(), Ability::Chat | Ability::Complete))
            .count();
        let mut detail = format!(
            "block {block} of {}; {} models of which {generate} generate, {offered} are offered",
            self.0.client.url(),
            listed.len()
        );
        if !read.pending.is_empty() {
            detail += &format!("; the packages of {} more are being read", read.pending.len());
        }
        if read.absent > 0 {
            detail += &format!("; the packages of {} more are not in --models-dir", read.absent);
        }
        Health {
            ready: offered > 0,
            detail,
        }
    }

    async fn offers(&self) -> Result<Vec<WorkerInfo>, BackendError> {
        let snapshot = self.0.client.finalized().await.map_err(unreached)?;
        let mut all = Vec::new();
        for listed in self.0.catalogue.listed(&self.0.client).await? {
            for offer in &listed.offers {
                let record: Option<WorkerRecord> = snapshot.worker(&offer.worker).await.map_err(unreached)?;
                let capacity = record.as_ref().and_then(|record| {
                    let own = record
                        .offers
                        .iter()
                        .find(|own| own.version == listed.known.model.version);
                    own.map(|own| own.capacity)
                });
                all.push(WorkerInfo {
                    worker: offer.worker.to_string(),
                    model: listed.name.clone(),
                    price: Amount(offer.terms.price(0)),
                    capacity: capacity.unwrap_or(0),
                    stake: Amount(record.map_or(0, |record| record.stake)),
                });
            }
        }
        Ok(all)
    }
}

/// The tokens of a prompt, or of an input of embeddings.
fn tokens(known: &Known, prompt: &Prompt) -> Result<Vec<Token>, BackendError> {
    let encoded = match (prompt, &known.embedder) {
        (Prompt::Tokens(tokens), _) => return Ok(tokens.clone()),
        (Prompt::Text(text), Some(embedder)) => {
            let encoded = embedder.encode("the input", text);
            return Ok(numbers(encoded.map_err(|error| BackendError::Unfit {
                field: None,
                reason: error.to_string(),
            })?));
        }
        (Prompt::Text(text), None) => language(known)?.encode(text),
        (Prompt::Messages(messages), _) => {
            let messages: Vec<language::Message> = messages.iter().map(message).collect();
            language(known)?.chat(&messages)
        }
    };
    Ok(numbers(encoded.map_err(unfit)?))
}

fn numbers(tokens: Vec<i64>) -> Vec<Token> {
    tokens
        .into_iter()
        .filter_map(|token| Token::try_from(token).ok())
        .collect()
}

fn message(message: &Message) -> language::Message {
    language::Message {
        role: match message.role {
            Role::System => language::Role::System,
            Role::User => language::Role::User,
            Role::Assistant => language::Role::Assistant,
        },
        content: message.content.clone(),
    }
}

/// The language of a model, which may have none.
pub(super) fn language(known: &Known) -> Result<&Language, BackendError> {
    known.language.as_ref().ok_or_else(|| unfit(LanguageError::NoTokenizer))
}

/// Answer of a tokenizer or a template to a text.
pub(super) fn unfit(error: LanguageError) -> BackendError {
    BackendError::Unfit {
        field: None,
        reason: error.to_string(),
    }
}

impl Backend for Market {
    fn currency(&self) -> Currency {
        Currency {
            symbol: "ASY",
            decimals: DECIMALS,
        }
    }

    fn models(&self) -> Later<'_, Vec<ModelInfo>> {
        async move {
            let listed = self.0.catalogue.listed(&self.0.client).await?;
            Ok(listed
                .iter()
                .map(|listed| listed.info(self.in_sessions(listed)))
                .collect())
        }
        .boxed()
    }

    fn model<'b>(&'b self, id: &'b str) -> Later<'b, ModelInfo> {
        async move {
            let listed = self.find(id).await?;
            Ok(listed.info(self.in_sessions(&listed)))
        }
        .boxed()
    }

    fn tokenize<'b>(&'b self, model: &'b str, prompt: &'b Prompt) -> Later<'b, Vec<Token>> {
        async move { tokens(&self.find(model).await?.known, prompt) }.boxed()
    }

    fn quote<'b>(&'b self, model: &'b str, work: Work) -> Later<'b, Quote> {
        self.quoted(model, work).boxed()
    }

    fn generate(&self, request: GenerateRequest, stop: Stop) -> Later<'_, Generation> {
        async move {
            let listed = self.find(&request.model).await?;
            match &self.0.pool {
                Some(pool) if self.in_sessions(&listed) => pool.generate(listed.known, request, stop).await,
                _ => Ok(self.0.jobs.generate(listed.known, request, stop)),
            }
        }
        .boxed()
    }

    fn embed(&self, request: EmbedRequest, stop: Stop) -> Later<'_, Embedded> {
        self.embedded(request, stop).boxed()
    }

    fn balance(&self) -> Later<'_, Balance> {
        async move {
            let snapshot = self.0.client.finalized().await.map_err(unreached)?;
            let money = snapshot.account(self.0.account.id()).await.map_err(unreached)?;
            Ok(Balance {
                free: Amount(money.free),
                held: Amount(money.reserved),
            })
        }
        .boxed()
    }

    fn workers(&self) -> Later<'_, Vec<WorkerInfo>> {
        self.offers().boxed()
    }

    fn submit_job(&self, request: JobRequest) -> Later<'_, JobStatus> {
        async move {
            let listed = self.find(&request.model).await?;
            self.0.jobs.submit(listed.known, request).await
        }
        .boxed()
    }

    fn job<'b>(&'b self, id: &'b str) -> Later<'b, JobStatus> {
        self.0.jobs.status(id).boxed()
    }

    fn job_result<'b>(&'b self, id: &'b str) -> Later<'b, Option<Value>> {
        self.0.jobs.result(id).boxed()
    }

    fn follow_job<'b>(&'b self, id: &'b str) -> Later<'b, BoxStream<'static, Result<JobStatus, BackendError>>> {
        async move {
            self.0.jobs.status(id).await?;
            Ok(self.0.jobs.follow(id))
        }
        .boxed()
    }

    fn receipt<'b>(&'b self, id: &'b str) -> Later<'b, Value> {
        self.receipt_of(id).boxed()
    }

    fn verify(&self, receipt: Value) -> Later<'_, Verification> {
        self.verified(receipt).boxed()
    }

    fn health(&self) -> Later<'_, Health> {
        async move {
            let snapshot = self.0.client.finalized().await.map_err(unreached)?;
            let read = self.0.catalogue.current(&self.0.client).await?;
            Ok(self.healthy(snapshot.number(), &read))
        }
        .boxed()
    }

    fn jobs(&self) -> Later<'_, Vec<JobStatus>> {
        overview::jobs(&self.0.client, &self.0.account).boxed()
    }

    fn sessions(&self) -> Later<'_, Vec<SessionInfo>> {
        overview::sessions(&self.0.client, &self.0.account).boxed()
    }

    fn disputes(&self) -> Later<'_, Vec<DisputeInfo>> {
        self.0.disputes.all(&self.0.client).boxed()
    }

    fn money(&self) -> Later<'_, Money> {
        overview::money(&self.0.client, &self.0.account).boxed()
    }

    fn network(&self) -> Later<'_, NetworkInfo> {
        overview::network(&self.0.client).boxed()
    }
}
