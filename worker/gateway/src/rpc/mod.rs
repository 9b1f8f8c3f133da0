//! JSON-RPC over HTTP and WebSocket: jobs, quotes, workers and receipts.

mod methods;
mod overview;

pub use methods::{METHODS, MethodId, MethodInfo, openrpc_document};

use crate::{
    app::{App, Caller, Held},
    backend::{BackendError, JobRequest, JobStatus, SessionInfo, Work, WorkerInfo},
    error::ApiError,
    http,
    ledger::today,
    params::{Fields, Param},
};
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, StatusCode, header::UPGRADE},
    response::{IntoResponse, Response},
};
use futures::{FutureExt, StreamExt, future::BoxFuture};
use jsonrpsee::{
    Extensions, PendingSubscriptionSink, RpcModule, SubscriptionMessage, SubscriptionSink,
    server::{BatchRequestConfig, HttpResponse, PingConfig, RegisterMethodError, Server, ServerHandle, stop_channel},
    types::{ErrorObjectOwned, Params, error::INTERNAL_ERROR_CODE, error::INVALID_PARAMS_CODE},
};
use methods::{
    DISCOVER, JOB, JOB_PARAMS, SESSION, SESSION_PARAMS, SUBSCRIBE_JOB, SUBSCRIBE_SESSION, UNSUBSCRIBE_JOB,
    UNSUBSCRIBE_SESSION,
};
use serde_json::{Value, json};
use std::{error::Error, sync::Arc, time::Duration};
use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};
use tower::Service;

/// Calls of one batch.
const MAX_BATCH: u32 = 64;
/// Bytes of an answer.
const MAX_ANSWER: u32 = 16 << 20;
/// Messages that wait for the reader of a WebSocket.
const QUEUE: u32 = 64;
/// Pause between two looks at a session that somebody follows.
const LOOK: Duration = Duration::from_secs(3);
/// Codes of errors that the specification leaves to servers.
const UNAUTHORIZED: i32 = -32001;
const PAYMENT_REQUIRED: i32 = -32002;
const TOO_MANY: i32 = -32005;
const UNAVAILABLE: i32 = -32010;

type Answered = Result<HttpResponse, Box<dyn Error + Send + Sync>>;

/// JSON-RPC as a service. Clones are handles of the same one.
#[derive(Clone)]
pub struct Rpc {
    call: Arc<dyn Fn(Request) -> BoxFuture<'static, Answered> + Send + Sync>,
}

/// The headers with which a request or a WebSocket came, so that a key that is revoked works no more.
#[derive(Clone)]
struct Credentials(HeaderMap);

impl Rpc {
    /// The service, and a handle that ends its WebSockets.
    pub fn new(app: &App) -> Result<(Self, ServerHandle), RegisterMethodError> {
        let methods = module(app)?;
        let (stop, handle) = stop_channel();
        let limits = &app.config.limits;
        let builder = Server::builder()
            .max_request_body_size(u32::try_from(limits.body_bytes).unwrap_or(u32::MAX))
            .max_response_body_size(MAX_ANSWER)
            .max_connections(limits.websockets)
            .max_subscriptions_per_connection(limits.subscriptions)
            .set_batch_request_config(BatchRequestConfig::Limit(MAX_BATCH))
            .set_message_buffer_capacity(QUEUE)
            .enable_ws_ping(PingConfig::new().ping_interval(Duration::from_secs(20)))
            .to_service_builder();
        let call = move |request: Request| {
            let mut service = builder.clone().build(methods.clone(), stop.clone());
            async move { service.call(request).await }.boxed()
        };
        Ok((Self { call: Arc::new(call) }, handle))
    }

    /// Answers a call, or begins a WebSocket.
    pub async fn serve(&self, app: &App, request: Request) -> Response {
        match self.answer(app, request).await {
            Ok(response) => response,
            Err(error) => error.into_response(),
        }
    }

    async fn answer(&self, app: &App, request: Request) -> Result<Response, ApiError> {
        let (mut parts, mut body) = request.into_parts();
        http::admit(app, &parts.headers)?;
        if *app.draining.borrow() {
            return Err(ApiError::unavailable("the gateway is being shut down: ask again", 5));
        }
        if !parts.headers.contains_key(UPGRADE) {
            body = Body::from(http::read_body(app, &parts.headers, body).await?);
        }
        parts.extensions.insert(Credentials(parts.headers.clone()));
        let answer = (self.call)(Request::from_parts(parts, body)).await;
        answer.map(|response| response.map(Body::new)).map_err(|error| {
            tracing::error!(%error, "JSON-RPC fails");
            ApiError::internal()
        })
    }
}

fn module(app: &App) -> Result<RpcModule<App>, RegisterMethodError> {
    let mut module = RpcModule::new(app.clone());
    for info in METHODS {
        module.register_async_method(
            info.name,
            move |params: Params<'static>, app: Arc<App>, with: Extensions| async move {
                let answer = async {
                    let (caller, fields) = enter(&app, &with, &params, info.params)?;
                    let _place = app.enter(&caller)?;
                    call(&app, &caller, info.id, fields).await
                };
                answer.await.map_err(error_object)
            },
        )?;
    }
    module.register_method(DISCOVER, |_, _, _| openrpc_document())?;
    module.register_subscription(SUBSCRIBE_JOB, JOB, UNSUBSCRIBE_JOB, follow)?;
    module.register_subscription(SUBSCRIBE_SESSION, SESSION, UNSUBSCRIBE_SESSION, follow_session)?;
    Ok(module)
}

/// The caller, and the method's arguments.
fn enter(app: &App, with: &Extensions, params: &Params<'_>, table: &[Param]) -> Result<(Caller, Fields), ApiError> {
    let headers = with.get::<Credentials>().ok_or_else(ApiError::internal)?;
    let caller = http::admit(app, &headers.0)?;
    let parameters = params.parse::<Option<Value>>().map_err(|error| {
        let message = format!("the parameters cannot be read: {}", error.message());
        ApiError::request("invalid_params", message)
    })?;
    Ok((caller, Fields::of_call(parameters.unwrap_or(Value::Null), table)?))
}

async fn call(app: &App, caller: &Caller, id: MethodId, mut fields: Fields) -> Result<Value, ApiError> {
    let (backend, currency) = (&app.backend, app.backend.currency());
    let refused = |error| ApiError::backend(error, "input");
    let text = |name: &str| fields.text(name).unwrap_or_default().to_owned();
    match id {
        MethodId::Models => {
            let models = backend.models().await.map_err(refused)?;
            Ok(models.iter().map(|model| http::model_object(app, model)).collect())
        }
        MethodId::Workers => {
            let wanted = fields.text("model");
            let workers = backend.workers().await.map_err(refused)?;
            let workers = workers
                .iter()
                .filter(|offer| wanted.is_none_or(|model| offer.model == model));
            Ok(workers.map(|offer| worker(app, offer)).collect())
        }
        MethodId::Quote => {
            let work = Work {
                prompt: tokens(&fields, "prompt_tokens"),
                generated: tokens(&fields, "max_tokens"),
            };
            let quote = backend.quote(&text("model"), work).await.map_err(refused)?;
            Ok(json!({ "max": currency.show(quote.max), "currency": currency.symbol }))
        }
        MethodId::Account => account(app, caller).await,
        MethodId::SubmitJob => {
            let ceiling = currency.parse(&text("ceiling"));
            let ceiling = ceiling.map_err(|error| ApiError::invalid("ceiling", error.to_string()))?;
            let request = JobRequest {
                model: text("model"),
                input: fields.take("input").unwrap_or_default(),
                ceiling,
            };
            let status = submit(app, caller, request).await?;
            Ok(job(app, &status))
        }
        MethodId::Status => Ok(job(app, &backend.job(&text("job")).await.map_err(refused)?)),
        MethodId::Outcome => Ok(backend
            .job_result(&text("job"))
            .await
            .map_err(refused)?
            .unwrap_or_default()),
        MethodId::Receipt => backend.receipt(&text("receipt")).await.map_err(refused),
        MethodId::Verify => {
            let receipt = fields.take("receipt").unwrap_or_default();
            let verified = backend.verify(receipt).await;
            let verified = verified.map_err(|error| ApiError::backend(error, "receipt"))?;
            Ok(json!(verified))
        }
        MethodId::Jobs => {
            let jobs = backend.jobs().await.map_err(refused)?;
            Ok(jobs.iter().map(|status| job(app, status)).collect())
        }
        MethodId::Sessions => {
            let sessions = backend.sessions().await.map_err(refused)?;
            Ok(sessions.iter().map(|info| overview::session(currency, info)).collect())
        }
        MethodId::Disputes => {
            let disputes = backend.disputes().await.map_err(refused)?;
            Ok(disputes.iter().map(|info| overview::dispute(currency, info)).collect())
        }
        MethodId::Money => Ok(overview::money(currency, &backend.money().await.map_err(refused)?)),
        MethodId::Network => Ok(json!(backend.network().await.map_err(refused)?)),
    }
}

fn tokens(fields: &Fields, name: &str) -> u32 {
    let number = fields.integer(name);
    number.and_then(|tokens| u32::try_from(tokens).ok()).unwrap_or(0)
}

/// Submits a job, whatever becomes of the caller, and settles it once it is closed.
async fn submit(app: &App, caller: &Caller, request: JobRequest) -> Result<JobStatus, ApiError> {
    let held = app.reserve(caller, request.ceiling).await?;
    let (reply, answer) = oneshot::channel();
    let work = app.clone();
    app.tasks.spawn(async move {
        let outcome = submitted(&work, held, request).await;
        // The caller may be gone; the job is submitted all the same.
        let _ = reply.send(outcome);
    });
    answer.await.map_err(|_| ApiError::internal())?
}

async fn submitted(app: &App, held: Held, request: JobRequest) -> Result<JobStatus, ApiError> {
    let model = request.model.clone();
    match app.backend.submit_job(request).await {
        Ok(status) => {
            app.attach(held, &status.id).await?;
            let (work, id) = (app.clone(), status.id.clone());
            app.tasks
                .spawn_background(async move { work.settle_job(held, &model, &id).await });
            Ok(status)
        }
        Err(error) => {
            app.settle(held, &model, Default::default()).await;
            Err(ApiError::backend(error, "input"))
        }
    }
}

async fn account(app: &App, caller: &Caller) -> Result<Value, ApiError> {
    let currency = app.backend.currency();
    let Some(ledger) = &app.ledger else {
        let balance = app
            .backend
            .balance()
            .await
            .map_err(|error| ApiError::backend(error, "input"))?;
        return Ok(json!({
            "balance": currency.show(balance.free),
            "reserved": currency.show(balance.held),
            "currency": currency.symbol,
        }));
    };
    let states = ledger.store().keys(today())?;
    let state = states
        .into_iter()
        .find(|state| state.record.id == caller.key)
        .ok_or_else(ApiError::internal)?;
    Ok(json!({
        "key": state.record.id,
        "balance": state.record.balance.map(|balance| currency.show(balance)),
        "reserved": currency.show(state.reserved),
        "spent_today": currency.show(state.spent_today),
        "daily_budget": state.record.limits.daily_budget.map(|budget| currency.show(budget)),
        "currency": currency.symbol,
    }))
}

fn worker(app: &App, offer: &WorkerInfo) -> Value {
    let currency = app.backend.currency();
    json!({
        "worker": offer.worker,
        "model": offer.model,
        "price": currency.show(offer.price),
        "capacity": offer.capacity,
        "stake": currency.show(offer.stake),
        "currency": currency.symbol,
    })
}

fn job(app: &App, status: &JobStatus) -> Value {
    let currency = app.backend.currency();
    json!({
        "id": status.id,
        "phase": status.phase,
        "closed": status.closed,
        "worker": status.worker,
        "paid": status.paid.map(|paid| currency.show(paid)),
        "currency": currency.symbol,
    })
}

/// Notifies of a job until it is closed, or until nobody listens.
async fn follow(params: Params<'static>, pending: PendingSubscriptionSink, app: Arc<App>, with: Extensions) {
    let followed = async {
        let (_, fields) = enter(&app, &with, &params, JOB_PARAMS)?;
        let job = app.backend.follow_job(fields.text("job").unwrap_or_default()).await;
        job.map_err(|error| ApiError::backend(error, "job"))
    };
    let mut statuses = match followed.await {
        Ok(statuses) => statuses,
        Err(error) => return pending.reject(error_object(error)).await,
    };
    let Ok(sink) = pending.accept().await else { return };
    let patience = app.config.timeouts.write;
    loop {
        let status = tokio::select! {
            status = statuses.next() => status,
            () = sink.closed() => return,
        };
        let (value, is_last) = match status {
            None => return,
            Some(Ok(status)) => (job(&app, &status), status.closed),
            Some(Err(error)) => (json!({ "error": ApiError::backend(error, "job").object() }), true),
        };
        if !notify(&sink, &value, patience).await || is_last {
            return;
        }
    }
}

/// Sends a notice; whether it was taken in time.
async fn notify(sink: &SubscriptionSink, value: &Value, patience: Duration) -> bool {
    let Ok(message) = SubscriptionMessage::from_json(value) else {
        return false;
    };
    matches!(timeout(patience, sink.send(message)).await, Ok(Ok(())))
}

/// Notifies of a session until nothing of it is kept, or until nobody listens.
async fn follow_session(params: Params<'static>, pending: PendingSubscriptionSink, app: Arc<App>, with: Extensions) {
    let found = async {
        let (_, fields) = enter(&app, &with, &params, SESSION_PARAMS)?;
        let id = fields.text("session").unwrap_or_default().to_owned();
        let info = session(&app, &id).await?;
        let missing = BackendError::NotFound {
            what: "session",
            id: id.clone(),
        };
        let info = info.ok_or_else(|| ApiError::backend(missing, "session"))?;
        Ok::<_, ApiError>((id, info))
    };
    let (id, mut info) = match found.await {
        Ok(found) => found,
        Err(error) => return pending.reject(error_object(error)).await,
    };
    let Ok(sink) = pending.accept().await else { return };
    let (currency, patience) = (app.backend.currency(), app.config.timeouts.write);
    while notify(&sink, &overview::session(currency, &info), patience).await {
        info = loop {
            tokio::select! {
                () = sleep(LOOK) => {}
                () = sink.closed() => return,
            }
            let last = match session(&app, &id).await {
                Ok(Some(now)) if now == info => continue,
                Ok(Some(now)) => break now,
                Ok(None) => json!({ "id": id, "phase": "Over" }),
                Err(error) => json!({ "error": error.object() }),
            };
            notify(&sink, &last, patience).await;
            return;
        };
    }
}

/// A session of the gateway's account; `None` if the backend has none of this number.
async fn session(app: &App, id: &str) -> Result<Option<SessionInfo>, ApiError> {
    let sessions = app.backend.sessions().await;
    let sessions = sessions.map_err(|error| ApiError::backend(error, "session"))?;
    Ok(sessions.into_iter().find(|session| session.id == id))
}

/// An error as JSON-RPC has it; its data is the object that HTTP has.
fn error_object(error: ApiError) -> ErrorObjectOwned {
    let code = match error.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => UNAUTHORIZED,
        StatusCode::PAYMENT_REQUIRED => PAYMENT_REQUIRED,
        StatusCode::TOO_MANY_REQUESTS => TOO_MANY,
        StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT
        | StatusCode::BAD_GATEWAY
        | StatusCode::NOT_IMPLEMENTED => UNAVAILABLE,
        status if status.is_client_error() => INVALID_PARAMS_CODE,
        _ => INTERNAL_ERROR_CODE,
    };
    ErrorObjectOwned::owned(code, error.message.clone(), Some(error.object()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::Tasks, config::GatewayConfig, fake::Fake, limits::Usage, metrics::Metrics};

    #[tokio::test]
    async fn the_document_has_exactly_the_methods_that_are_there() {
        let config = GatewayConfig::default();
        let app = App {
            usage: Usage::new(&config.limits),
            config: Arc::new(config),
            backend: Arc::new(Fake::default()),
            ledger: None,
            metrics: Metrics::default(),
            tasks: Tasks::default(),
            draining: Arc::default(),
        };
        let mut there: Vec<String> = module(&app).unwrap().method_names().map(str::to_owned).collect();
        let document = openrpc_document();
        let methods = document["methods"].as_array().unwrap();
        let mut told: Vec<String> = methods
            .iter()
            .map(|method| method["name"].as_str().unwrap().to_owned())
            .collect();
        there.sort();
        told.sort();
        assert_eq!(there, told);
    }
}
