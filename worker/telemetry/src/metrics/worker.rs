//! Metrics of `assay-worker serve`: its engine, its jobs and its money.

use super::{Amounts, Counter, Gauge, Level, Seconds, asy, place::Place};
use prometheus_client::{
    metrics::{
        family::MetricConstructor,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use std::sync::LazyLock;

/// Everything that a worker counts.
pub struct WorkerMetrics {
    registry: Registry,
    /// Account, node and peers.
    pub place: Place,
    /// Jobs and requests of sessions that wait for the engine.
    pub queue: Gauge,
    /// Jobs that the engine executes at once.
    pub batch: Histogram,
    /// Time of one batch in the engine.
    pub batch_time: Histogram,
    /// Tokens of language models that were streamed as they were made.
    pub streamed_tokens: Counter,
    /// Claims that were included in a block.
    pub claims: Counter,
    /// Deadlines that were missed.
    pub misses: Counter,
    /// Jobs that were given back.
    pub declines: Counter,
    /// Claims that were disputed.
    pub challenges: Counter,
    /// Audits of others' claims whose answers were sealed.
    pub audits: Counter,
    /// Audits whose answers differ from their claims.
    pub audit_differences: Counter,
    /// Audits that could not be answered when they came, for want of a model or an input.
    pub unanswered_audits: Counter,
    /// Audits that were not answered or opened in time.
    pub audit_misses: Counter,
    /// Jobs that were closed and paid for.
    pub settled: Counter,
    /// Pay for jobs and sessions, in ASY.
    pub paid: Amounts,
    /// Pay for audits, in ASY.
    pub audit_pay: Amounts,
    /// Stake that was slashed or is to be, in ASY.
    pub slashed: Amounts,
    /// Stake that jobs, bids and sessions lock, in ASY.
    pub stake_locked: Level,
    /// Stake that nothing locks, in ASY.
    pub stake_free: Level,
}

/// The metrics of this process's worker.
pub fn worker() -> &'static WorkerMetrics {
    static WORKER: LazyLock<WorkerMetrics> = LazyLock::new(WorkerMetrics::default);
    &WORKER
}

impl Default for WorkerMetrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("assay_worker"),
            place: Place::default(),
            queue: Gauge::default(),
            batch: Histogram::new(exponential_buckets(1.0, 2.0, 9)),
            batch_time: Seconds.new_metric(),
            streamed_tokens: Counter::default(),
            claims: Counter::default(),
            misses: Counter::default(),
            declines: Counter::default(),
            challenges: Counter::default(),
            audits: Counter::default(),
            audit_differences: Counter::default(),
            unanswered_audits: Counter::default(),
            audit_misses: Counter::default(),
            settled: Counter::default(),
            paid: Amounts::default(),
            audit_pay: Amounts::default(),
            slashed: Amounts::default(),
            stake_locked: Level::default(),
            stake_free: Level::default(),
        };
        metrics.register_engine();
        metrics.register_work();
        metrics
    }
}

impl WorkerMetrics {
    fn register_engine(&mut self) {
        let registry = &mut self.registry;
        self.place.register(registry);
        registry.register("queued_jobs", "Jobs that wait for the engine", self.queue.clone());
        registry.register(
            "batch_jobs",
            "Jobs that the engine executes at once",
            self.batch.clone(),
        );
        let time = self.batch_time.clone();
        registry.register_with_unit("batch", "Time of one batch in the engine", Unit::Seconds, time);
        let tokens = self.streamed_tokens.clone();
        registry.register("streamed_tokens", "Tokens that were streamed as they were made", tokens);
    }

    fn register_work(&mut self) {
        let registry = &mut self.registry;
        let counters = [
            ("claims", "Claims that were included in a block", &self.claims),
            ("misses", "Deadlines that were missed", &self.misses),
            ("declines", "Jobs that were given back", &self.declines),
            ("challenges", "Claims that were disputed", &self.challenges),
            ("audits", "Audits whose answers were sealed", &self.audits),
            (
                "audit_differences",
                "Audits whose answers differ from their claims",
                &self.audit_differences,
            ),
            (
                "unanswered_audits",
                "Audits that could not be answered when they came",
                &self.unanswered_audits,
            ),
            (
                "audit_misses",
                "Audits that were not answered or opened in time",
                &self.audit_misses,
            ),
            ("settled_jobs", "Jobs that were paid for", &self.settled),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        for (name, help, amounts) in [
            ("paid", "Pay for jobs and sessions", &self.paid),
            ("audit_pay", "Pay for audits", &self.audit_pay),
            ("slashed", "Stake that was slashed or is to be", &self.slashed),
        ] {
            registry.register_with_unit(name, help, asy(), amounts.clone());
        }
        for (name, help, level) in [
            ("stake_locked", "Stake that is locked", &self.stake_locked),
            ("stake_free", "Stake that nothing locks", &self.stake_free),
        ] {
            registry.register_with_unit(name, help, asy(), level.clone());
        }
    }

    /// Everything in the text format of OpenMetrics.
    pub fn text(&self) -> String {
        self.place.refresh();
        super::text(&self.registry)
    }
}
