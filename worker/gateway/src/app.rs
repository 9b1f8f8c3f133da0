//! State that all requests share.

use crate::{
    backend::{Ability, BackendError, ModelInfo, SharedBackend},
    config::GatewayConfig,
    error::ApiError,
    ledger::{ApiKey, KeyLimits, Ledger},
    limits::{Place, Usage},
    metrics::Metrics,
    money::Amount,
};
use axum::http::{HeaderMap, header::AUTHORIZATION};
use std::{future::Future, sync::Arc};
use tokio::sync::watch;

/// Name under which requests without keys are counted, on a gateway that is open.
const OPEN: &str = "open";

/// State that all requests share. Clones are handles of the same one.
#[derive(Clone)]
pub struct App {
    /// The configuration.
    pub config: Arc<GatewayConfig>,
    /// The backend, which sells.
    pub backend: SharedBackend,
    /// Keys and money; nothing on a gateway that is open.
    pub ledger: Option<Ledger>,
    /// Usage at this moment.
    pub usage: Usage,
    /// The counters.
    pub metrics: Metrics,
    /// Work that goes on after its request, such as settling.
    pub tasks: Tasks,
    /// Whether the gateway is being shut down.
    pub draining: Arc<watch::Sender<bool>>,
}

/// Customer that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Number of the key.
    pub key: String,
    /// Limits of the key.
    pub limits: KeyLimits,
}

/// Money that is set aside; nothing on a gateway that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held(Option<u64>);

/// Counts work that must end before the process does.
#[derive(Clone)]
pub struct Tasks(Arc<watch::Sender<usize>>);

/// One piece of such work; it has ended when this is dropped.
struct Running(Arc<watch::Sender<usize>>);

impl App {
    /// The caller, by the key in the header `authorization`.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        let Some(ledger) = &self.ledger else {
            return Ok(Caller {
                key: OPEN.to_owned(),
                limits: KeyLimits::default(),
            });
        };
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(header) = header else {
            let message = "no API key: send it as the header `Authorization: Bearer assay-…`";
            return Err(ApiError::unauthorized(message));
        };
        let (scheme, text) = header.split_once(' ').unwrap_or((header, ""));
        let key = scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| ApiKey::parse(text.trim()))
            .flatten();
        let record = match key {
            Some(key) => ledger.store().authenticate(&key)?,
            None => None,
        };
        let record = record.ok_or_else(|| {
            ApiError::unauthorized("this API key is unknown or revoked: ask the gateway's operator for one")
        })?;
        Ok(Caller {
            key: record.id,
            limits: record.limits,
        })
    }

    /// A place among the requests that are served.
    pub fn enter(&self, caller: &Caller) -> Result<Place, ApiError> {
        if *self.draining.borrow() {
            return Err(ApiError::unavailable("the gateway is being shut down: ask again", 5));
        }
        self.usage.enter(&caller.key, &caller.limits)
    }

    /// The model of this name, if it can do this.
    pub async fn model(&self, id: &str, able: &[Ability]) -> Result<ModelInfo, ApiError> {
        let model = self.named(id).await?;
        if able.contains(&model.ability) {
            return Ok(model);
        }
        let path = match model.ability {
            Ability::Chat => "/v1/chat/completions, /v1/completions or /v1/responses",
            Ability::Complete => "/v1/completions",
            Ability::Embed => "/v1/embeddings",
            Ability::Job => "assay_submitJob of /rpc",
        };
        let mut error = ApiError::invalid("model", format!("`{id}` cannot do this: ask it by {path}"));
        error.code = "model_not_able";
        Err(error)
    }

    /// The model of this name.
    pub async fn named(&self, id: &str) -> Result<ModelInfo, ApiError> {
        let found = self.backend.model(id).await.map_err(|error| match error {
            // Names can be as long as a body.
            BackendError::UnknownModel(id) => BackendError::UnknownModel(id.chars().take(100).collect()),
            error => error,
        });
        found.map_err(|error| ApiError::backend(error, "model"))
    }

    /// Sets money aside.
    pub async fn reserve(&self, caller: &Caller, amount: Amount) -> Result<Held, ApiError> {
        let Some(ledger) = &self.ledger else {
            return Ok(Held(None));
        };
        match ledger.reserve(&caller.key, amount).await? {
            Ok(id) => Ok(Held(Some(id))),
            Err(refusal) => Err(ApiError::refusal(
                &refusal,
                self.backend.currency(),
                &self.config.top_up,
            )),
        }
    }

    /// Says which job money is set aside for.
    pub async fn attach(&self, held: Held, job: &str) -> Result<(), ApiError> {
        match (&self.ledger, held.0) {
            (Some(ledger), Some(id)) => Ok(ledger.attach(id, job).await?),
            _ => Ok(()),
        }
    }

    /// Pays what was spent, and releases the rest.
    pub async fn settle(&self, held: Held, model: &str, price: Amount) {
        let unit = 10f64.powi(self.backend.currency().decimals as i32);
        self.metrics.count_paid(model, price.0 as f64 / unit);
        let (Some(ledger), Some(id)) = (&self.ledger, held.0) else {
            return;
        };
        if let Err(error) = ledger.settle(id, price).await {
            tracing::error!(%error, reservation = id, price = price.0, "a price is not settled");
        }
    }

    /// Waits for the jobs that an earlier process has submitted, and settles them.
    pub fn settle_jobs(&self, jobs: Vec<crate::ledger::OpenJob>) {
        for open in jobs {
            let app = self.clone();
            self.tasks.spawn_background(async move {
                app.settle_job(Held(Some(open.reservation)), "", &open.job).await;
            });
        }
    }

    /// Follows a job to its end, and pays for it.
    pub async fn settle_job(&self, held: Held, model: &str, job: &str) {
        use futures::StreamExt;
        loop {
            match self.backend.follow_job(job).await {
                Ok(mut statuses) => {
                    while let Some(Ok(status)) = statuses.next().await {
                        if status.closed {
                            self.settle(held, model, status.paid.unwrap_or_default()).await;
                            return;
                        }
                    }
                }
                // What the chain does not know was never paid.
                Err(BackendError::NotFound { .. }) => {
                    tracing::error!(job, "a job that is not found any more is settled at nothing");
                    self.settle(held, model, Amount::default()).await;
                    return;
                }
                Err(error) => tracing::warn!(%error, job, "a job cannot be followed now"),
            }
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        }
    }
}

impl Default for Tasks {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Tasks {
    /// Begins work that a shutdown waits for.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.send_modify(|running| *running += 1);
        let running = Running(self.0.clone());
        tokio::spawn(async move {
            work.await;
            drop(running);
        });
    }

    /// Begins work that the next process takes up again if this one ends.
    pub fn spawn_background(&self, work: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(work);
    }

    /// Pieces of work that run.
    pub fn count(&self) -> usize {
        *self.0.borrow()
    }

    /// Returns when nothing runs.
    pub async fn idle(&self) {
        let mut running = self.0.subscribe();
        // The sender lives in `self`, so that the wait ends only when nothing runs.
        let _ = running.wait_for(|running| *running == 0).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}
