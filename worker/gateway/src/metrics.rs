//! Metrics of the gateway, which `assay-telemetry` owns.

pub use assay_telemetry::metrics::{
    CONTENT_TYPE, Gauge,
    gateway::{GatewayMetrics as Metrics, ModelLabels, PathLabels, RequestLabels},
};
