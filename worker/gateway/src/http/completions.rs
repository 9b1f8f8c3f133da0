//! `/v1/completions`.

use super::{
    answer::{Answer, finish_reason, usage},
    chunks::{self, Shape},
    order::{Names, begin},
    prompts,
    receive::{Received, RequestId, receive},
};
use crate::{app::App, backend::Ability, error::ApiError, params};
use axum::{
    Extension, Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

const NAMES: Names = Names {
    prompt: "prompt",
    max_tokens: &["max_tokens"],
    default_tokens: Some(16),
};

/// Continues texts.
pub async fn completions(
    State(app): State<App>,
    Extension(RequestId(id)): Extension<RequestId>,
    request: Request,
) -> Result<Response, ApiError> {
    let Received {
        caller,
        place,
        mut fields,
    } = receive(&app, request, params::COMPLETIONS).await?;
    let name = fields.text("model").unwrap_or_default();
    let model = app.model(name, &[Ability::Chat, Ability::Complete]).await?;
    let max = app.config.limits.choices as usize;
    let prompts = prompts::inputs(fields.take("prompt"), "prompt", max, model.vocabulary)?;
    let (frames, about) = begin(&app, &id, NAMES, &fields, (caller, place), model, prompts).await?;
    if fields.flag("stream") {
        return chunks::stream::<TextChunk>(&app, frames, about, &fields).await;
    }
    let answer = Answer::collect(frames).await?;
    let choices = answer.choices.iter().enumerate();
    let choices = choices.map(|(index, (text, finish))| choice(index, text, Some(finish_reason(*finish))));
    let mut body = about.completion("text_completion");
    body["choices"] = choices.collect();
    body["usage"] = usage(&answer.reports);
    body["assay"] = about.object(&answer.reports);
    Ok((about.headers(&answer.reports), Json(body)).into_response())
}

fn choice(index: usize, text: &str, finish: Option<&str>) -> Value {
    json!({ "index": index, "text": text, "logprobs": null, "finish_reason": finish })
}

struct TextChunk;

impl Shape for TextChunk {
    const OBJECT: &'static str = "text_completion";

    fn piece(index: usize, text: &str) -> Value {
        choice(index, text, None)
    }

    fn end(index: usize, reason: &str) -> Value {
        choice(index, "", Some(reason))
    }
}
