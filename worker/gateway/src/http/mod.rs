//! The endpoints over HTTP: routes, and what is done for all of them.

mod answer;
mod chat;
mod chunks;
mod completions;
mod console;
mod embeddings;
mod endpoints;
mod models;
mod openapi;
mod order;
mod prompts;
mod receive;
mod responses;
mod sse;

pub use endpoints::{ENDPOINTS, Endpoint, EndpointId, Verb};
pub use models::object as model_object;
pub use openapi::document as openapi_document;
pub use receive::{admit, read_body};

use crate::{
    app::App,
    error::ApiError,
    metrics::{PathLabels, RequestLabels},
    rpc::Rpc,
};
use answer::HEADERS;
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use receive::RequestId;
use std::{any::Any, time::Instant};
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowHeaders, AllowOrigin, CorsLayer},
};

/// Header with the id of a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// All routes.
pub fn router(app: &App, rpc: Rpc) -> Router {
    let mut router = Router::new();
    for endpoint in ENDPOINTS {
        let handler = handler(endpoint.id, &rpc);
        let observed = handler.layer(from_fn_with_state((app.clone(), endpoint.path), observe));
        // A model's name may have a slash.
        router = router.route(&endpoint.path.replace("{model}", "{*model}"), observed);
    }
    let file = get(console::file).layer(from_fn_with_state((app.clone(), console::FILES), observe));
    router = router.route(console::FILES, file);
    let other = || from_fn_with_state((app.clone(), "other"), observe);
    let fallback = get(no_path).fallback(no_path).layer(other());
    router
        .method_not_allowed_fallback(wrong_method)
        .fallback_service(fallback.with_state(app.clone()))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(cors(&app.config.cors))
        .with_state(app.clone())
}

fn handler(id: EndpointId, rpc: &Rpc) -> MethodRouter<App> {
    match id {
        EndpointId::Models => get(models::models),
        EndpointId::Model => get(models::model),
        EndpointId::Chat => post(chat::chat),
        EndpointId::Completions => post(completions::completions),
        EndpointId::Embeddings => post(embeddings::embeddings),
        EndpointId::Responses => post(responses::responses),
        EndpointId::Rpc => {
            let (call, socket) = (rpc.clone(), rpc.clone());
            post(move |State(app): State<App>, request: Request| async move { call.serve(&app, request).await })
                .get(move |State(app): State<App>, request: Request| async move { socket.serve(&app, request).await })
        }
        EndpointId::Health => get(models::health),
        EndpointId::Ready => get(models::ready),
        EndpointId::Metrics => get(models::metrics),
        EndpointId::OpenApi => get(openapi::openapi),
        EndpointId::Docs => get(openapi::docs),
        EndpointId::Console => get(console::page),
    }
}

/// Gives every request an id, and counts its answer.
async fn observe(State((app, path)): State<(App, &'static str)>, mut request: Request, next: Next) -> Response {
    let id = RequestId::generate();
    request.extensions_mut().insert(id.clone());
    let (method, begun) = (request.method().clone(), Instant::now());
    let mut response = next.run(request).await;
    let (status, seconds) = (response.status().as_u16(), begun.elapsed().as_secs_f64());
    app.metrics
        .requests
        .get_or_create(&RequestLabels { path, status })
        .inc();
    app.metrics.seconds.get_or_create(&PathLabels { path }).observe(seconds);
    tracing::info!(request = id.0, %method, path, status, seconds, "answered");
    if let Ok(value) = HeaderValue::try_from(format!("req_{}", id.0)) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

async fn no_path(request: Request) -> ApiError {
    let path: String = request.uri().path().chars().take(100).collect();
    ApiError::no_path(&path)
}

async fn wrong_method(request: Request) -> ApiError {
    let path = request.uri().path();
    let is_it = |endpoint: &&Endpoint| {
        let fixed = endpoint.path.split('{').next().unwrap_or_default();
        if fixed == endpoint.path {
            path == fixed
        } else {
            path.starts_with(fixed)
        }
    };
    let verb = ENDPOINTS.iter().find(is_it).map(|endpoint| endpoint.verb);
    ApiError::wrong_method(match verb {
        Some(Verb::Post) => "POST",
        Some(Verb::Rpc) => "POST, or GET for a WebSocket",
        Some(Verb::Get) | None => "GET",
    })
}

/// A request whose handler panics must not take the connection along.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request's handler panicked");
    ApiError::internal().into_response()
}

fn cors(origins: &[String]) -> CorsLayer {
    let exposed = HEADERS
        .into_iter()
        .map(HeaderName::from_static)
        .chain([REQUEST_ID, header::RETRY_AFTER]);
    if origins.is_empty() {
        // Without an origin that may ask, no header is given, and browsers refuse.
        return CorsLayer::new();
    }
    // The official client sends headers about itself, so that a page that may ask may send any.
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(exposed.collect::<Vec<_>>());
    if origins.iter().any(|origin| origin == "*") {
        return layer.allow_origin(AllowOrigin::any());
    }
    let origins = origins.iter().filter_map(|origin| HeaderValue::try_from(origin).ok());
    layer.allow_origin(AllowOrigin::list(origins))
}
