//! Models with their prices, and whether the gateway can answer.

use super::receive::admit;
use crate::{app::App, backend::ModelInfo, error::ApiError, metrics::CONTENT_TYPE};
use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// Time for a backend's answer about its health.
const HEALTH_PATIENCE: Duration = Duration::from_secs(5);

/// Lists the models.
pub async fn models(State(app): State<App>, headers: HeaderMap) -> Result<Json<Value>, ApiError> {
    admit(&app, &headers)?;
    let models = all(&app).await?;
    let data: Vec<Value> = models.iter().map(|model| object(&app, model)).collect();
    Ok(Json(json!({ "object": "list", "data": data })))
}

/// Describes one model.
pub async fn model(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    admit(&app, &headers)?;
    Ok(Json(object(&app, &app.named(&id).await?)))
}

async fn all(app: &App) -> Result<Vec<ModelInfo>, ApiError> {
    app.backend
        .models()
        .await
        .map_err(|error| ApiError::backend(error, "model"))
}

/// A model as clients see it. Prices are of one million tokens, beside what every request costs.
pub fn object(app: &App, model: &ModelInfo) -> Value {
    let currency = app.backend.currency();
    json!({
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": model.owner,
        "context_length": model.context_length,
        "assay": {
            "ability": model.ability,
            "root": model.root,
            "workers": model.workers,
            "vocabulary": model.vocabulary,
            "dimensions": model.dimensions,
            "currency": currency.symbol,
            "price_request": currency.show(model.price_base),
            "price_million_prompt_tokens": currency.show(model.price_prompt),
            "price_million_generated_tokens": currency.show(model.price_generated),
        },
    })
}

/// Says that the gateway runs.
pub async fn health(State(app): State<App>) -> Json<Value> {
    Json(json!({ "status": "ok", "requests": app.usage.requests(), "settling": app.tasks.count() }))
}

/// Says whether requests can be answered.
pub async fn ready(State(app): State<App>) -> Response {
    let (ready, detail) = if *app.draining.borrow() {
        (false, "the gateway is being shut down".to_owned())
    } else {
        match timeout(HEALTH_PATIENCE, app.backend.health()).await {
            Ok(Ok(health)) => (health.ready, health.detail),
            Ok(Err(error)) => (false, error.to_string()),
            Err(_) => (
                false,
                format!("what is behind the gateway does not answer within {HEALTH_PATIENCE:?}"),
            ),
        }
    };
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(json!({ "ready": ready, "detail": detail }))).into_response()
}

/// The counters.
pub async fn metrics(State(app): State<App>) -> Response {
    app.metrics.running.set(app.usage.requests() as i64);
    let mut response = app.metrics.text().into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    response
}
