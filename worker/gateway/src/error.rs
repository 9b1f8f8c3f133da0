//! Why a request is refused, in the form of OpenAI's API, and why a gateway does not start.

use crate::{
    backend::BackendError,
    ledger::{LedgerError, Refusal},
    money::Currency,
};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Why a gateway does not start, or ends.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// A field of the configuration is wrong.
    #[error("{field}: {reason}")]
    Config {
        /// The field.
        field: &'static str,
        /// The fault, and advice.
        reason: String,
    },
    /// The port cannot be had.
    #[error("cannot listen on {address}: {error}; choose another address with --address")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// The system's error.
        error: std::io::Error,
    },
    /// A certificate or its key cannot be used.
    #[error("{file}: {reason}")]
    Certificate {
        /// The file.
        file: PathBuf,
        /// The fault.
        reason: String,
    },
    /// The file of keys and money.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Serving broke off.
    #[error("serving ended: {0}")]
    Serve(#[from] std::io::Error),
}

/// Why a request is refused, as its sender sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    /// Status of the answer.
    pub status: StatusCode,
    /// Class of the error, in OpenAI's words.
    pub kind: &'static str,
    /// Name of the error, for programs.
    pub code: &'static str,
    /// Field of the request that is at fault.
    pub param: Option<String>,
    /// The fault, and advice.
    pub message: String,
    /// When to try again, in seconds.
    pub retry_after: Option<u32>,
    /// Numbers that belong to it.
    pub assay: Option<Box<Value>>,
}

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            code,
            param: None,
            message: message.into(),
            retry_after: None,
            assay: None,
        }
    }

    /// A field has a wrong value.
    pub fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            param: Some(param.into()),
            ..Self::request("invalid_value", message)
        }
    }

    /// A field, or a value of it, is not supported.
    pub fn unsupported(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            param: Some(param.into()),
            ..Self::request("unsupported_parameter", message)
        }
    }

    /// The request as a whole is wrong.
    pub fn request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", code, message)
    }

    /// The key is missing, unknown or revoked.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "authentication_error",
            "invalid_api_key",
            message,
        )
    }

    /// There is no such path.
    pub fn no_path(path: &str) -> Self {
        let message = format!("no such path `{path}`: GET /openapi.json lists those that are there");
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", "unknown_url", message)
    }

    /// The path is there, and takes another method.
    pub fn wrong_method(allowed: &str) -> Self {
        let message = format!("this path takes {allowed}");
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(status, "invalid_request_error", "method_not_allowed", message)
    }

    /// The body is too large.
    pub fn too_large(limit: usize) -> Self {
        let message = format!("the body has more than {limit} bytes: shorten it, or split it into several requests");
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Self::new(status, "invalid_request_error", "body_too_large", message)
    }

    /// The body came too slowly.
    pub fn slow_body(seconds: u64) -> Self {
        let message = format!("the body did not arrive within {seconds} s");
        let status = StatusCode::REQUEST_TIMEOUT;
        Self::new(status, "invalid_request_error", "request_timeout", message)
    }

    /// Too much at once.
    pub fn too_many(code: &'static str, message: impl Into<String>, retry_after: u32) -> Self {
        let status = StatusCode::TOO_MANY_REQUESTS;
        Self {
            retry_after: Some(retry_after),
            ..Self::new(status, "rate_limit_error", code, message)
        }
    }

    /// No answer came in time.
    pub fn timeout(message: impl Into<String>) -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, "server_error", "timeout", message)
    }

    /// Nobody can do it now.
    pub fn unavailable(message: impl Into<String>, retry_after: u32) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self {
            retry_after: Some(retry_after),
            ..Self::new(status, "server_error", "unavailable", message)
        }
    }

    /// Something of the gateway's own went wrong; the log has the cause.
    pub fn internal() -> Self {
        let message = "the gateway failed; its operator finds the cause in the log under this request's id";
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            "internal_error",
            message,
        )
    }

    /// Error of a backend, for the field that holds the prompt.
    pub fn backend(error: BackendError, prompt_field: &str) -> Self {
        let message = error.to_string();
        match error {
            BackendError::UnknownModel(_) => Self {
                status: StatusCode::NOT_FOUND,
                code: "model_not_found",
                ..Self::invalid("model", message)
            },
            BackendError::NotFound { .. } => {
                Self::new(StatusCode::NOT_FOUND, "invalid_request_error", "not_found", message)
            }
            BackendError::Unfit { field, .. } => Self::invalid(field.as_deref().unwrap_or(prompt_field), message),
            BackendError::Unavailable { retry_after, .. } => Self::unavailable(message, retry_after),
            BackendError::NoMoney(_) => Self::unavailable(message, 60),
            BackendError::Timeout(_) => Self::timeout(message),
            BackendError::Failed(_) => Self::new(StatusCode::BAD_GATEWAY, "server_error", "worker_failed", message),
            BackendError::NotShown(_) => Self::new(StatusCode::NOT_IMPLEMENTED, "server_error", "not_shown", message),
        }
    }

    /// The ledger's answer to a reservation.
    pub fn refusal(refusal: &Refusal, currency: Currency, top_up: &str) -> Self {
        match refusal {
            Refusal::Unknown => Self::unauthorized("this API key is unknown or revoked: ask the operator for another"),
            Refusal::Balance { needed, available } => {
                let (needed, available) = (currency.show(*needed), currency.show(*available));
                let symbol = currency.symbol;
                let message = format!(
                    "this request may cost {needed} {symbol}, and {available} {symbol} are left on this key: {top_up}, \
                     or lower max_tokens"
                );
                let status = StatusCode::PAYMENT_REQUIRED;
                Self {
                    assay: Some(Box::new(
                        json!({ "needed": needed, "available": available, "currency": symbol }),
                    )),
                    ..Self::new(status, "insufficient_quota", "insufficient_balance", message)
                }
            }
            Refusal::Budget {
                needed,
                available,
                resets_in,
            } => {
                let (needed, available) = (currency.show(*needed), currency.show(*available));
                let symbol = currency.symbol;
                let message = format!(
                    "this request may cost {needed} {symbol}, and {available} {symbol} are left of this key's budget \
                     of today: wait until midnight UTC, lower max_tokens, or ask the operator for a larger budget"
                );
                Self {
                    kind: "insufficient_quota",
                    assay: Some(Box::new(
                        json!({ "needed": needed, "available": available, "currency": symbol }),
                    )),
                    ..Self::too_many("daily_budget_exhausted", message, *resets_in)
                }
            }
        }
    }

    /// The object under `error`.
    pub fn object(&self) -> Value {
        let mut object = json!({
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        });
        if let (Some(assay), Some(fields)) = (&self.assay, object.as_object_mut()) {
            fields.insert("assay".to_owned(), Value::clone(assay));
        }
        object
    }
}

impl From<LedgerError> for ApiError {
    fn from(error: LedgerError) -> Self {
        tracing::error!(%error, "the ledger fails");
        Self::internal()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({ "error": self.object() }))).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let value = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(axum::http::header::WWW_AUTHENTICATE, value);
        }
        response
    }
}
