//! Decisions of an operator about a gateway, checked once.

use crate::error::GatewayError;
use serde::Deserialize;
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

/// Configuration of a gateway; a file in TOML has the same fields.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// Address and port; the default is port 8080 of this machine alone.
    pub listen: SocketAddr,
    /// Folder of the API keys and their money; the default is `gateway` in the current folder.
    pub folder: PathBuf,
    /// Whether everybody who reaches the port is served without a key; only on a loopback address.
    pub open: bool,
    /// Origins whose web pages may ask, or `*`; none by default.
    pub cors: Vec<String>,
    /// Advice on getting money onto a key, as an imperative that ends no sentence.
    pub top_up: String,
    /// Certificate and key, in PEM; without them a proxy in front does TLS.
    pub tls: Option<TlsConfig>,
    /// The limits.
    pub limits: Limits,
    /// The time limits.
    pub timeouts: Timeouts,
}

/// Files for TLS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// Certificates, the gateway's own first.
    pub certificate: PathBuf,
    /// The key of the first one.
    pub key: PathBuf,
}

/// Limits of the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// Requests at a time, of all keys.
    pub requests: usize,
    /// Requests at a time of one key, where the key has no limit of its own.
    pub requests_per_key: u32,
    /// Tokens in a minute of one key, prompts and answers, where the key has no limit of its own.
    pub tokens_per_minute: u64,
    /// Bytes of a body.
    pub body_bytes: usize,
    /// Answers to one request: prompts times `n`.
    pub choices: u32,
    /// Inputs of one request for embeddings.
    pub inputs: usize,
    /// WebSocket connections at a time.
    pub websockets: u32,
    /// Subscriptions of one WebSocket connection.
    pub subscriptions: u32,
}

/// Time limits, in seconds where a file says them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// Until the head of a request has arrived.
    #[serde(with = "seconds")]
    pub head: Duration,
    /// Until a body has arrived.
    #[serde(with = "seconds")]
    pub body: Duration,
    /// Until an answer is complete.
    #[serde(with = "seconds")]
    pub request: Duration,
    /// Until a backend has accepted a stream; the answer begins after it, and pings with it.
    #[serde(with = "seconds")]
    pub accept: Duration,
    /// Between two pings of a stream; 10 s at most.
    #[serde(with = "seconds")]
    pub ping: Duration,
    /// In which a reader must take something of what is written to it.
    #[serde(with = "seconds")]
    pub write: Duration,
    /// In which a generation that was stopped must say what is owed.
    #[serde(with = "seconds")]
    pub settle: Duration,
    /// In which running requests end when the gateway is shut down.
    #[serde(with = "seconds")]
    pub drain: Duration,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            folder: PathBuf::from("gateway"),
            open: false,
            cors: Vec::new(),
            top_up: "ask the gateway's operator to add to it with `assay-worker gateway keys top-up`".to_owned(),
            tls: None,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2048,
            requests: 512,
            requests_per_key: 64,
            tokens_per_minute: 1_000_000,
            body_bytes: 1 << 20,
            choices: 8,
            inputs: 256,
            websockets: 256,
            subscriptions: 64,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(15),
            body: Duration::from_secs(30),
            request: Duration::from_secs(600),
            accept: Duration::from_secs(5),
            ping: Duration::from_secs(10),
            write: Duration::from_secs(60),
            settle: Duration::from_secs(3600),
            drain: Duration::from_secs(30),
        }
    }
}

impl GatewayConfig {
    /// Reads a file's text.
    pub fn from_toml(text: &str) -> Result<Self, GatewayError> {
        let config: Self = toml::from_str(text).map_err(|error| GatewayError::Config {
            field: "configuration",
            reason: error.to_string(),
        })?;
        config.check()?;
        Ok(config)
    }

    /// Refuses what cannot work or must not be, with the field named.
    pub fn check(&self) -> Result<(), GatewayError> {
        let wrong = |field, reason: String| Err(GatewayError::Config { field, reason });
        if self.open && !self.listen.ip().is_loopback() {
            let reason = format!(
                "{} can be reached by others, and everybody could spend the gateway's money: leave it out and make \
                 keys with `assay-worker gateway keys add`, or listen on 127.0.0.1",
                self.listen
            );
            return wrong("open", reason);
        }
        if let Some(origin) = self.cors.iter().find(|origin| !is_origin(origin)) {
            return wrong(
                "cors",
                format!("`{origin}` is no origin: write https://example.org, or *"),
            );
        }
        let (limits, timeouts) = (&self.limits, &self.timeouts);
        let positive = [
            ("limits.connections", limits.connections),
            ("limits.requests", limits.requests),
            ("limits.requests_per_key", limits.requests_per_key as usize),
            ("limits.choices", limits.choices as usize),
            ("limits.inputs", limits.inputs),
            ("limits.websockets", limits.websockets as usize),
            ("limits.subscriptions", limits.subscriptions as usize),
        ];
        if let Some((field, _)) = positive.into_iter().find(|(_, number)| *number == 0) {
            return wrong(field, "it must be 1 or more".to_owned());
        }
        if limits.tokens_per_minute == 0 {
            return wrong("limits.tokens_per_minute", "it must be 1 or more".to_owned());
        }
        if !(1024..=MAX_BODY_BYTES).contains(&limits.body_bytes) {
            return wrong("limits.body_bytes", format!("it must be 1024 to {MAX_BODY_BYTES}"));
        }
        let durations = [
            ("timeouts.head", timeouts.head),
            ("timeouts.body", timeouts.body),
            ("timeouts.request", timeouts.request),
            ("timeouts.accept", timeouts.accept),
            ("timeouts.ping", timeouts.ping),
            ("timeouts.write", timeouts.write),
            ("timeouts.settle", timeouts.settle),
        ];
        if let Some((field, _)) = durations.into_iter().find(|(_, duration)| duration.is_zero()) {
            return wrong(field, "it must be more than 0 s".to_owned());
        }
        if timeouts.ping > Duration::from_secs(10) || timeouts.accept > Duration::from_secs(10) {
            let reason = "it must be 10 s at most: clients take longer silence for a broken connection";
            let field = if timeouts.ping > Duration::from_secs(10) {
                "timeouts.ping"
            } else {
                "timeouts.accept"
            };
            return wrong(field, reason.to_owned());
        }
        Ok(())
    }
}

/// Bytes of a body that no configuration goes beyond: a body becomes up to 32 times as large in memory.
const MAX_BODY_BYTES: usize = 16 << 20;

fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let bare = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
    text == "*" || rest.is_some_and(bare)
}

/// Durations as numbers of seconds.
mod seconds {
    use serde::{Deserialize, Deserializer, de::Error};
    use std::time::Duration;

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds).map_err(|error| D::Error::custom(format!("{seconds}: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_allowed() {
        assert!(GatewayConfig::default().check().is_ok());
        assert_eq!(GatewayConfig::from_toml("").unwrap(), GatewayConfig::default());
    }

    #[test]
    fn a_file_has_the_fields_of_the_configuration() {
        let text =
            "listen = \"0.0.0.0:80\"\ncors = [\"https://example.org\"]\n[limits]\nchoices = 2\n[timeouts]\nping = 2.5";
        let config = GatewayConfig::from_toml(text).unwrap();
        assert_eq!(config.limits.choices, 2);
        assert_eq!(config.timeouts.ping, Duration::from_millis(2500));
        assert!(GatewayConfig::from_toml("lissten = 1").is_err());
        assert!(GatewayConfig::from_toml("[timeouts]\nping = -1.0").is_err());
    }

    #[test]
    fn what_must_not_be_is_refused_by_field() {
        let refused = |text: &str, field: &str| {
            let error = GatewayConfig::from_toml(text).unwrap_err().to_string();
            assert!(error.starts_with(field), "{error}");
        };
        refused("open = true\nlisten = \"0.0.0.0:80\"", "open");
        refused("cors = [\"example.org\"]", "cors");
        refused("cors = [\"https://example.org/path\"]", "cors");
        refused("[limits]\nrequests = 0", "limits.requests");
        refused("[limits]\nbody_bytes = 100000000", "limits.body_bytes");
        refused("[timeouts]\nping = 11.0", "timeouts.ping");
        refused("[timeouts]\naccept = 11.0", "timeouts.accept");
        refused("[timeouts]\nrequest = 0.0", "timeouts.request");
    }
}
