//! Metrics of `assay-worker watch`: what it has checked, challenged and earned.

use super::{Counter, Gauge, place::Place};
use prometheus_client::registry::Registry;
use std::sync::LazyLock;

/// Everything that a watcher counts.
pub struct WatcherMetrics {
    registry: Registry,
    /// Account, node and peers.
    pub place: Place,
    /// Claims that were executed again.
    pub checks: Counter,
    /// Claims whose output differs from our own.
    pub differences: Counter,
    /// Claims that are known and not checked yet.
    pub waiting: Gauge,
}

/// The metrics of this process's watcher.
pub fn watcher() -> &'static WatcherMetrics {
    static WATCHER: LazyLock<WatcherMetrics> = LazyLock::new(WatcherMetrics::default);
    &WATCHER
}

impl Default for WatcherMetrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("assay_watcher"),
            place: Place::default(),
            checks: Counter::default(),
            differences: Counter::default(),
            waiting: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        metrics.place.register(registry);
        registry.register("checks", "Claims that were executed again", metrics.checks.clone());
        let differences = metrics.differences.clone();
        registry.register("differences", "Claims whose output differs from our own", differences);
        let waiting = metrics.waiting.clone();
        registry.register("waiting_claims", "Claims that are not checked yet", waiting);
        metrics
    }
}

impl WatcherMetrics {
    /// Everything in the text format of OpenMetrics.
    pub fn text(&self) -> String {
        self.place.refresh();
        super::text(&self.registry)
    }
}
