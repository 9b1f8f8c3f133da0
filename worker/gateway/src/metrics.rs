//! Counters and measurements of the gateway, for Prometheus.

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use std::sync::{Arc, atomic::AtomicU64};

/// Content type of what [`Metrics::text`] gives.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that is counted. Clones count together.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    /// Answers by path and status.
    pub requests: Family<RequestLabels, Counter>,
    /// Seconds until an answer's head, by path.
    pub seconds: Family<PathLabels, Histogram, Seconds>,
    /// Seconds until the first piece of a generation, by model.
    pub first_piece: Family<ModelLabels, Histogram, Seconds>,
    /// Seconds of a whole generation, by model.
    pub generation: Family<ModelLabels, Histogram, Seconds>,
    /// Tokens by model and kind.
    pub tokens: Family<TokenLabels, Counter>,
    /// Amount that customers have paid, in whole units of the currency, by model.
    pub paid: Family<ModelLabels, Counter<f64, AtomicU64>>,
    /// Ends of requests that were accepted, by model.
    pub ends: Family<EndLabels, Counter>,
    /// Requests that are served now.
    pub running: Gauge,
    /// Connections that are open now.
    pub connections: Gauge,
}

/// Path and status of an answer.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct RequestLabels {
    /// The path, as the table of endpoints has it.
    pub path: &'static str,
    /// The status.
    pub status: u16,
}

/// Path of a request.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct PathLabels {
    /// The path, as the table of endpoints has it.
    pub path: &'static str,
}

/// Model of a request; models that do not exist have no metrics.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ModelLabels {
    /// The model.
    pub model: String,
}

/// Model and kind of tokens.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct TokenLabels {
    /// The model.
    pub model: String,
    /// `prompt` or `generated`.
    pub kind: &'static str,
}

/// Model and end of a request.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct EndLabels {
    /// The model.
    pub model: String,
    /// `complete`, `failed`, `timeout` or `abandoned`.
    pub end: &'static str,
}

/// Makes histograms of seconds, from 5 ms to about 10 minutes.
#[derive(Clone, Copy, Debug)]
pub struct Seconds;

impl MetricConstructor<Histogram> for Seconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(exponential_buckets(0.005, 2.0, 18))
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("assay_gateway");
        let seconds = || Family::new_with_constructor(Seconds);
        let mut metrics = Self {
            registry: Arc::default(),
            requests: Family::default(),
            seconds: seconds(),
            first_piece: Family::new_with_constructor(Seconds),
            generation: Family::new_with_constructor(Seconds),
            tokens: Family::default(),
            paid: Family::default(),
            ends: Family::default(),
            running: Gauge::default(),
            connections: Gauge::default(),
        };
        registry.register("requests", "Answers by path and status", metrics.requests.clone());
        let unit = || Unit::Seconds;
        registry.register_with_unit("answer", "Time until an answer's head", unit(), metrics.seconds.clone());
        let first = metrics.first_piece.clone();
        registry.register_with_unit(
            "first_piece",
            "Time until the first piece of a generation",
            unit(),
            first,
        );
        let whole = metrics.generation.clone();
        registry.register_with_unit("generation", "Time of a whole generation", unit(), whole);
        registry.register("tokens", "Tokens by model and kind", metrics.tokens.clone());
        registry.register(
            "paid",
            "Amount that customers have paid, in whole units of the currency",
            metrics.paid.clone(),
        );
        registry.register("ends", "Ends of accepted requests", metrics.ends.clone());
        registry.register("running", "Requests that are served now", metrics.running.clone());
        registry.register(
            "connections",
            "Connections that are open now",
            metrics.connections.clone(),
        );
        metrics.registry = Arc::new(registry);
        metrics
    }
}

impl Metrics {
    /// Everything in the text format of OpenMetrics.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.registry) {
            tracing::error!(%error, "metrics are not written");
        }
        text
    }

    /// Counts how an accepted request ended.
    pub fn end(&self, model: &str, end: &'static str) {
        let model = model.to_owned();
        self.ends.get_or_create(&EndLabels { model, end }).inc();
    }

    /// Counts tokens.
    pub fn count_tokens(&self, model: &str, prompt: u64, generated: u64) {
        for (kind, number) in [("prompt", prompt), ("generated", generated)] {
            let model = model.to_owned();
            self.tokens.get_or_create(&TokenLabels { model, kind }).inc_by(number);
        }
    }

    /// Counts what was paid.
    pub fn count_paid(&self, model: &str, amount: f64) {
        let model = model.to_owned();
        self.paid.get_or_create(&ModelLabels { model }).inc_by(amount);
    }
}
