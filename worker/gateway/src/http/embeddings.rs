//! `/v1/embeddings`.

use super::{
    answer::About,
    prompts,
    receive::{Received, RequestId, receive},
};
use crate::{
    app::{App, Held},
    backend::{Ability, EmbedRequest, Embedded, ModelInfo, Prompt, Stop, Work},
    error::ApiError,
    limits::Place,
    money::Amount,
    params::{self, Fields},
};
use axum::{
    Extension, Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::collections::HashMap;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout, timeout_at},
};

/// Makes embeddings of texts.
pub async fn embeddings(
    State(app): State<App>,
    Extension(RequestId(id)): Extension<RequestId>,
    request: Request,
) -> Result<Response, ApiError> {
    let Received {
        caller,
        place,
        mut fields,
    } = receive(&app, request, params::EMBEDDINGS).await?;
    let model = app
        .model(fields.text("model").unwrap_or_default(), &[Ability::Embed])
        .await?;
    check_dimensions(&fields, &model)?;
    let prompts = prompts::inputs(
        fields.take("input"),
        "input",
        app.config.limits.inputs,
        model.vocabulary,
    )?;
    let inputs = tokens(&app, &model, &prompts).await?;
    let max_price = quoted(&app, &model, &inputs).await?;
    let number = inputs.iter().map(|input| input.len() as u64).sum();
    app.usage.take_tokens(&caller.key, &caller.limits, number)?;
    let held = match app.reserve(&caller, max_price).await {
        Ok(held) => held,
        Err(error) => {
            app.usage.give_back_tokens(&caller.key, number);
            return Err(error);
        }
    };
    let request = EmbedRequest {
        model: model.id.clone(),
        inputs,
        max_price,
    };
    let (reply, answer) = oneshot::channel();
    app.tasks.spawn(work(app.clone(), request, held, place, reply));
    let embedded = answer.await.map_err(|_| ApiError::internal())??;
    let about = About::new(&app, &id, &model.id, max_price);
    Ok(answer_of(
        &about,
        &embedded,
        fields.text("encoding_format") == Some("base64"),
    ))
}

/// The maximum that all inputs together can cost; inputs of one length have one price.
async fn quoted(app: &App, model: &ModelInfo, inputs: &[Vec<u32>]) -> Result<Amount, ApiError> {
    let mut prices: HashMap<usize, Amount> = HashMap::new();
    let mut total = Amount::default();
    for length in inputs.iter().map(Vec::len) {
        let price = match prices.get(&length) {
            Some(price) => *price,
            None => {
                let work = Work {
                    prompt: length as u32,
                    generated: 0,
                };
                let quote = app.backend.quote(&model.id, work).await;
                let price = quote.map_err(|error| ApiError::backend(error, "input"))?.max;
                prices.insert(length, price);
                price
            }
        };
        total = total.plus(price);
    }
    Ok(total)
}

fn check_dimensions(fields: &Fields, model: &ModelInfo) -> Result<(), ApiError> {
    let own = i64::from(model.dimensions);
    match fields.integer("dimensions") {
        Some(dimensions) if dimensions != own => {
            let message = format!(
                "`dimensions` must be {own}, which is what this model has: an embedding is not shortened, so leave it out"
            );
            Err(ApiError::unsupported("dimensions", message))
        }
        _ => Ok(()),
    }
}

async fn tokens(app: &App, model: &ModelInfo, prompts: &[Prompt]) -> Result<Vec<Vec<u32>>, ApiError> {
    let mut inputs = Vec::new();
    for (index, prompt) in prompts.iter().enumerate() {
        let field = if prompts.len() > 1 {
            format!("input[{index}]")
        } else {
            "input".to_owned()
        };
        let tokens = app.backend.tokenize(&model.id, prompt).await;
        let tokens = tokens.map_err(|error| ApiError::backend(error, &field))?;
        let (number, context) = (tokens.len(), model.context_length);
        if tokens.is_empty() || number > context as usize {
            let message = format!("`{field}` has {number} tokens, and this model takes 1 to {context}");
            let mut error = ApiError::invalid(field, message);
            error.code = "context_length_exceeded";
            return Err(error);
        }
        inputs.push(tokens);
    }
    Ok(inputs)
}

/// Computes and settles, whatever becomes of the client.
async fn work(
    app: App,
    request: EmbedRequest,
    held: Held,
    place: Place,
    mut reply: oneshot::Sender<Result<Embedded, ApiError>>,
) {
    let (model, number) = (request.model.clone(), request.inputs.len());
    let stop = Stop::default();
    let mut computed = std::pin::pin!(app.backend.embed(request, stop.clone()));
    let deadline = Instant::now() + app.config.timeouts.request;
    let outcome = tokio::select! {
        outcome = timeout_at(deadline, &mut computed) => outcome.ok(),
        () = reply.closed() => None,
    };
    let (outcome, end) = match outcome {
        Some(Ok(embedded)) if embedded.vectors.len() == number => {
            app.metrics
                .count_tokens(&model, u64::from(embedded.report.prompt_tokens), 0);
            app.settle(held, &model, embedded.report.price).await;
            (Ok(embedded), "complete")
        }
        Some(Ok(_)) => {
            app.settle(held, &model, Amount::default()).await;
            let error = crate::backend::BackendError::Failed("the worker gave another number of embeddings".to_owned());
            (Err(ApiError::backend(error, "input")), "failed")
        }
        Some(Err(error)) => {
            app.settle(held, &model, Amount::default()).await;
            (Err(ApiError::backend(error, "input")), "failed")
        }
        None => {
            // What was computed in spite of it is paid.
            stop.stop();
            let owed = timeout(app.config.timeouts.settle, computed).await;
            let owed = owed.ok().and_then(Result::ok).map(|embedded| embedded.report.price);
            app.settle(held, &model, owed.unwrap_or_default()).await;
            let end = if reply.is_closed() { "abandoned" } else { "timeout" };
            (
                Err(ApiError::timeout(
                    "the embeddings were not complete in time: ask for fewer at a time",
                )),
                end,
            )
        }
    };
    app.metrics.end(&model, end);
    drop(place);
    // Whoever asked may be gone.
    let _ = reply.send(outcome);
}

fn answer_of(about: &About, embedded: &Embedded, is_base64: bool) -> Response {
    let vector = |vector: &Vec<f32>| {
        if is_base64 {
            let bytes: Vec<u8> = vector.iter().flat_map(|element| element.to_le_bytes()).collect();
            Value::from(BASE64_STANDARD.encode(bytes))
        } else {
            json!(vector)
        }
    };
    let data = embedded.vectors.iter().enumerate();
    let data = data.map(|(index, row)| json!({ "object": "embedding", "index": index, "embedding": vector(row) }));
    let tokens = embedded.report.prompt_tokens;
    let reports = std::slice::from_ref(&embedded.report);
    let body = json!({
        "object": "list",
        "data": data.collect::<Vec<_>>(),
        "model": about.model,
        "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
        "assay": about.object(reports),
    });
    (about.headers(reports), Json(body)).into_response()
}
