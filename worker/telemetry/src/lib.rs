//! Logs of the programs, on standard error, where results do not go; and their metrics.

mod json;
pub mod metrics;

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Form of a line of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Text for people.
    #[default]
    Text,
    /// One JSON object a line, with job, session and request ids as fields.
    Json,
}

/// Starts logging as text: see [`log`].
pub fn log_to_stderr(filter: Option<&str>, default: &str) {
    log(filter, default, LogFormat::Text);
}

/// Starts logging at what `filter` says, such as `info` or `assay_daemon=debug`, and at `default` without it.
///
/// A filter that cannot be read is reported, and `default` is used instead.
pub fn log(filter: Option<&str>, default: &str, format: LogFormat) {
    let filter = filter.unwrap_or(default);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|error| {
        eprintln!("warning: --log {filter}: {error}; logging {default} instead");
        EnvFilter::new(default)
    });
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // Without a reader, there is nobody to tell it to.
        .log_internal_errors(false);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.event_format(json::Json).init(),
    }
}
