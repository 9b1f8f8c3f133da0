//! Logs of the programs, on standard error, where results do not go; and their metrics.

pub mod metrics;

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging at what `filter` says, such as `info` or `assay_daemon=debug`, and at `default` without it.
///
/// A filter that cannot be read is reported, and `default` is used instead.
pub fn log_to_stderr(filter: Option<&str>, default: &str) {
    let filter = filter.unwrap_or(default);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|error| {
        eprintln!("warning: --log {filter}: {error}; logging {default} instead");
        EnvFilter::new(default)
    });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // Without a reader, there is nobody to tell it to.
        .log_internal_errors(false)
        .init();
}
