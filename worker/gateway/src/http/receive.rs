//! Steps of every request before its endpoint sees it: who asks, a place, a body that is bounded.

use crate::{
    app::{App, Caller},
    error::ApiError,
    limits::Place,
    params::{Fields, Param},
};
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{
        HeaderMap, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN},
    },
};
use tokio::{sync::Semaphore, time::timeout};

/// Bodies above this many bytes are read into values a few at a time, since a value is up to 32 times its text.
const HEAVY_BYTES: usize = 64 << 10;
static HEAVY: Semaphore = Semaphore::const_new(4);

/// Id of a request, in its answer's header `x-request-id` and in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

/// A request whose body is as its endpoint's table says.
pub struct Received {
    /// The caller.
    pub caller: Caller,
    /// Its place among those that are served.
    pub place: Place,
    /// The fields of its body.
    pub fields: Fields,
}

impl RequestId {
    /// A new one. It is no secret, so that time will do where randomness fails.
    pub fn generate() -> Self {
        let mut bytes = [0; 12];
        if getrandom::fill(&mut bytes).is_err() {
            bytes[..8].copy_from_slice(&crate::ledger::now().to_le_bytes());
        }
        Self(hex::encode(bytes))
    }
}

/// Reads a request.
pub async fn receive(app: &App, request: Request, table: &[Param]) -> Result<Received, ApiError> {
    let (parts, body) = request.into_parts();
    let caller = admit(app, &parts.headers)?;
    let place = app.enter(&caller)?;
    let is_json = |value: &str| {
        value
            .split(';')
            .next()
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case(JSON))
    };
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !kind.is_some_and(is_json) {
        // A web page can send other types without having asked.
        let message = format!("the body must be JSON: send the header `Content-Type: {JSON}`");
        return Err(ApiError {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ..ApiError::request("unsupported_media_type", message)
        });
    }
    let body = read_body(app, &parts.headers, body).await?;
    let _heavy = match body.len() > HEAVY_BYTES {
        // It is never closed; qed.
        true => HEAVY.acquire().await.ok(),
        false => None,
    };
    let fields = Fields::read(&body, table)?;
    Ok(Received { caller, place, fields })
}

/// The caller. On a gateway that is open, web pages of others must not ask in somebody's name.
pub fn admit(app: &App, headers: &HeaderMap) -> Result<Caller, ApiError> {
    if app.config.open {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let forbidden = |message: String| ApiError {
            status: StatusCode::FORBIDDEN,
            ..ApiError::request("forbidden", message)
        };
        if !text(HOST).is_none_or(is_local_host) {
            let message = "this gateway is open to its own machine alone: ask it as localhost".to_owned();
            return Err(forbidden(message));
        }
        let allowed = |origin: &str| {
            app.config
                .cors
                .iter()
                .any(|allowed| allowed == "*" || allowed == origin)
        };
        // The console is served by this gateway, so that its origin is the host that it asks.
        let is_own = |origin: &str| {
            let host = origin
                .strip_prefix("http://")
                .or_else(|| origin.strip_prefix("https://"));
            host.is_some() && host == text(HOST)
        };
        if let Some(origin) = text(ORIGIN).filter(|origin| !allowed(origin) && !is_own(origin)) {
            let origin: String = origin.chars().take(100).collect();
            return Err(forbidden(format!(
                "`{origin}` may not ask this gateway: its operator can allow it with --cors"
            )));
        }
    }
    app.authenticate(headers)
}

/// Whether a header `host` names this machine as itself, so that no other name was made to point at it.
fn is_local_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    };
    let is_loopback = |name: &str| {
        name.parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
    };
    name.is_some_and(|name| name.eq_ignore_ascii_case("localhost") || is_loopback(name))
}

/// Reads a body, within its size and time.
pub async fn read_body(app: &App, headers: &HeaderMap, body: Body) -> Result<Bytes, ApiError> {
    let limit = app.config.limits.body_bytes;
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit as u64) {
        return Err(ApiError::too_large(limit));
    }
    let patience = app.config.timeouts.body;
    match timeout(patience, to_bytes(body, limit)).await {
        Ok(Ok(body)) => Ok(body),
        // Either it is longer than it may be, or its sender is gone and reads nothing any more.
        Ok(Err(_)) => Err(ApiError::too_large(limit)),
        Err(_) => Err(ApiError::slow_body(patience.as_secs())),
    }
}

const JSON: &str = "application/json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_known() {
        for host in [
            "localhost",
            "LOCALHOST:80",
            "127.0.0.1",
            "127.0.0.1:8080",
            "[::1]",
            "[::1]:80",
        ] {
            assert!(is_local_host(host), "{host}");
        }
        for host in [
            "",
            "example.org",
            "localhost.example.org",
            "10.0.0.1",
            "[2001:db8::1]:80",
            "127.0.0.1.example.org",
        ] {
            assert!(!is_local_host(host), "{host}");
        }
    }

    #[test]
    fn ids_differ() {
        assert_ne!(RequestId::generate(), RequestId::generate());
    }
}
