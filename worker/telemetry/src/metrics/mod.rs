//! Metrics of the programs, for Prometheus: every name ends in its unit, or in what is counted.
//!
//! A program has one set of metrics, which everything in it counts in. Amounts of money are whole ASY, as numbers that
//! graphs can show; nothing is computed from them.

pub mod gateway;
pub mod place;
pub mod server;
#[cfg(test)]
mod tests;
pub mod watcher;
pub mod worker;

pub use prometheus_client::metrics::{counter::Counter, gauge::Gauge};
pub use watcher::watcher;
pub use worker::worker;

use prometheus_client::{
    encoding::text::encode,
    metrics::{
        family::MetricConstructor,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use std::sync::atomic::AtomicU64;

/// Content type of the text of metrics.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// An amount that only grows, in whole ASY.
pub type Amounts = Counter<f64, AtomicU64>;
/// A number that goes up and down, such as an amount in whole ASY.
pub type Level = Gauge<f64, AtomicU64>;

/// Makes histograms of seconds, from 5 ms to about 10 minutes.
#[derive(Clone, Copy, Debug)]
pub struct Seconds;

impl MetricConstructor<Histogram> for Seconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(exponential_buckets(0.005, 2.0, 18))
    }
}

fn asy() -> Unit {
    Unit::Other("asy".to_owned())
}

/// Everything in a registry, in the text format of OpenMetrics.
fn text(registry: &Registry) -> String {
    let mut text = String::new();
    if let Err(error) = encode(&mut text, registry) {
        tracing::error!(%error, "metrics are not written");
    }
    text
}
