//! Every endpoint, in one table: the routes, the document of OpenAPI and the page for people are made of it.

use crate::params::{self, Param};

/// Which endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointId {
    /// `/v1/models`
    Models,
    /// `/v1/models/{model}`
    Model,
    /// `/v1/chat/completions`
    Chat,
    /// `/v1/completions`
    Completions,
    /// `/v1/embeddings`
    Embeddings,
    /// `/v1/responses`
    Responses,
    /// `/rpc`
    Rpc,
    /// `/health`
    Health,
    /// `/ready`
    Ready,
    /// `/metrics`
    Metrics,
    /// `/openapi.json`
    OpenApi,
    /// `/docs`
    Docs,
    /// `/console`
    Console,
}

/// Method of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// GET, and HEAD.
    Get,
    /// POST.
    Post,
    /// POST for single calls, and GET for a WebSocket.
    Rpc,
}

/// An endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    /// Which one.
    pub id: EndpointId,
    /// Its method.
    pub verb: Verb,
    /// Its path, as OpenAPI writes it.
    pub path: &'static str,
    /// Summary of the endpoint.
    pub summary: &'static str,
    /// Whether it needs a key.
    pub needs_key: bool,
    /// The fields of its body.
    pub body: Option<&'static [Param]>,
    /// Content type of its answer.
    pub answer: &'static str,
    /// Whether its answer can be a stream.
    pub streams: bool,
}

const JSON: &str = "application/json";

const fn get(id: EndpointId, path: &'static str, answer: &'static str, summary: &'static str) -> Endpoint {
    Endpoint {
        id,
        verb: Verb::Get,
        path,
        summary,
        needs_key: false,
        body: None,
        answer,
        streams: false,
    }
}

const fn post(id: EndpointId, path: &'static str, body: &'static [Param], summary: &'static str) -> Endpoint {
    Endpoint {
        id,
        verb: Verb::Post,
        path,
        summary,
        needs_key: true,
        body: Some(body),
        answer: JSON,
        streams: true,
    }
}

const fn with_key(endpoint: Endpoint) -> Endpoint {
    Endpoint {
        needs_key: true,
        ..endpoint
    }
}

/// Every endpoint.
pub const ENDPOINTS: &[Endpoint] = &[
    with_key(get(
        EndpointId::Models,
        "/v1/models",
        JSON,
        "Lists the models with their prices and context lengths.",
    )),
    with_key(get(
        EndpointId::Model,
        "/v1/models/{model}",
        JSON,
        "Describes one model.",
    )),
    post(
        EndpointId::Chat,
        "/v1/chat/completions",
        params::CHAT,
        "Answers a conversation.",
    ),
    post(
        EndpointId::Completions,
        "/v1/completions",
        params::COMPLETIONS,
        "Continues texts.",
    ),
    Endpoint {
        streams: false,
        ..post(
            EndpointId::Embeddings,
            "/v1/embeddings",
            params::EMBEDDINGS,
            "Makes embeddings of texts.",
        )
    },
    post(
        EndpointId::Responses,
        "/v1/responses",
        params::RESPONSES,
        "Answers a text or a conversation.",
    ),
    Endpoint {
        verb: Verb::Rpc,
        ..with_key(get(
            EndpointId::Rpc,
            "/rpc",
            JSON,
            "JSON-RPC 2.0 for jobs, quotes, workers and receipts; the method rpc.discover describes it.",
        ))
    },
    get(EndpointId::Health, "/health", JSON, "Says that the gateway runs."),
    get(
        EndpointId::Ready,
        "/ready",
        JSON,
        "Says whether requests can be answered now, and why not.",
    ),
    get(
        EndpointId::Metrics,
        "/metrics",
        crate::metrics::CONTENT_TYPE,
        "The counters, for Prometheus.",
    ),
    get(EndpointId::OpenApi, "/openapi.json", JSON, "This API, in OpenAPI 3.1."),
    get(
        EndpointId::Docs,
        "/docs",
        "text/html; charset=utf-8",
        "This API, for people.",
    ),
    get(
        EndpointId::Console,
        "/console",
        "text/html; charset=utf-8",
        "The console: a page that shows the market, tries models, and follows jobs and disputes.",
    ),
];
