//! What the gateway counts and measures: the metrics are those of `assay-telemetry`.

pub use assay_telemetry::metrics::{
    CONTENT_TYPE, Gauge,
    gateway::{GatewayMetrics as Metrics, ModelLabels, PathLabels, RequestLabels},
};
