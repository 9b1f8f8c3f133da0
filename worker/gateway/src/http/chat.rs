//! `/v1/chat/completions`.

use super::{
    answer::{About, Answer, finish_reason, usage},
    chunks::{self, Shape},
    order::{Names, begin},
    prompts,
    receive::{Received, RequestId, receive},
};
use crate::{
    app::App,
    backend::{Ability, Prompt},
    error::ApiError,
    params,
};
use axum::{
    Extension, Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

const NAMES: Names = Names {
    prompt: "messages",
    max_tokens: &["max_completion_tokens", "max_tokens"],
    default_tokens: None,
};

/// Answers a conversation.
pub async fn chat(
    State(app): State<App>,
    Extension(RequestId(id)): Extension<RequestId>,
    request: Request,
) -> Result<Response, ApiError> {
    let Received {
        caller,
        place,
        mut fields,
    } = receive(&app, request, params::CHAT).await?;
    let messages = prompts::messages(fields.take("messages"))?;
    let model = app
        .model(fields.text("model").unwrap_or_default(), &[Ability::Chat])
        .await?;
    let prompts = vec![Prompt::Messages(messages)];
    let (frames, about) = begin(&app, &id, NAMES, &fields, (caller, place), model, prompts).await?;
    if fields.flag("stream") {
        return chunks::stream::<ChatChunk>(&app, frames, about, &fields).await;
    }
    let answer = Answer::collect(frames).await?;
    let choice = |(index, (text, finish)): (usize, &(String, _))| {
        json!({
            "index": index,
            "message": { "role": "assistant", "content": text, "refusal": null },
            "logprobs": null,
            "finish_reason": finish_reason(*finish),
        })
    };
    let mut body = about.completion("chat.completion");
    body["choices"] = answer.choices.iter().enumerate().map(choice).collect();
    body["usage"] = usage(&answer.reports);
    body["assay"] = about.object(&answer.reports);
    Ok((about.headers(&answer.reports), Json(body)).into_response())
}

impl About {
    /// Fields with which every object of this kind begins.
    pub fn completion(&self, object: &str) -> Value {
        let prefix = if object.starts_with("chat") { "chatcmpl" } else { "cmpl" };
        json!({
            "id": format!("{prefix}-{}", self.request),
            "object": object,
            "created": self.created,
            "model": self.model,
        })
    }
}

struct ChatChunk;

impl Shape for ChatChunk {
    const OBJECT: &'static str = "chat.completion.chunk";

    fn first(index: usize) -> Option<Value> {
        let role = json!({ "role": "assistant", "content": "", "refusal": null });
        Some(delta(index, role, None))
    }

    fn piece(index: usize, text: &str) -> Value {
        delta(index, json!({ "content": text }), None)
    }

    fn end(index: usize, reason: &str) -> Value {
        delta(index, json!({}), Some(reason))
    }
}

fn delta(index: usize, delta: Value, finish: Option<&str>) -> Value {
    json!({ "index": index, "delta": delta, "logprobs": null, "finish_reason": finish })
}
