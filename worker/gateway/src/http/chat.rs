//! `/v1/chat/completions`.

use super::{
    answer::{About, Answer, finish_reason, usage},
    order::{Names, order},
    prompts,
    receive::{Received, RequestId, receive},
    sse::{self, Scribe},
};
use crate::{
    app::App,
    backend::{Ability, Prompt},
    error::ApiError,
    params,
    run::Frame,
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
    let name = model.id.clone();
    let prompts = vec![Prompt::Messages(messages)];
    let (order, seeds) = order(&app, NAMES, &fields, (caller, place), model, prompts).await?;
    let number = order.choices.len();
    let (frames, max_price) = order.begin(&app).await?;
    let about = About {
        seeds,
        ..About::new(&app, &id, &name, max_price)
    };
    if fields.flag("stream") {
        let headers = about.pending_headers();
        let scribe = ChatScribe {
            about,
            number,
            includes_usage: fields.object("stream_options").flag("include_usage"),
            held: None,
        };
        let timeouts = &app.config.timeouts;
        let mut response = sse::respond(frames, scribe, timeouts.accept, timeouts.ping).await?;
        response.headers_mut().extend(headers);
        return Ok(response);
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

struct ChatScribe {
    about: About,
    number: usize,
    includes_usage: bool,
    /// The chunk that ends an answer. The last one waits for the report: a chunk without choices is for those who ask
    /// for the usage.
    held: Option<Value>,
}

impl About {
    /// What every object of this kind begins with.
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

impl ChatScribe {
    fn chunk(&self, choices: Value) -> Value {
        let mut chunk = self.about.completion("chat.completion.chunk");
        chunk["choices"] = choices;
        if self.includes_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    fn choice(&self, index: usize, delta: Value, finish: Option<&str>) -> Value {
        let choice = json!({ "index": index, "delta": delta, "logprobs": null, "finish_reason": finish });
        self.chunk(json!([choice]))
    }
}

impl Scribe for ChatScribe {
    fn begin(&mut self) -> String {
        let role = json!({ "role": "assistant", "content": "", "refusal": null });
        (0..self.number)
            .map(|index| sse::data(&self.choice(index, role.clone(), None)))
            .collect()
    }

    fn frame(&mut self, frame: Frame) -> String {
        match frame {
            Frame::Accepted => String::new(),
            Frame::Piece { index, text } => sse::data(&self.choice(index, json!({ "content": text }), None)),
            Frame::Finished { index, finish } => {
                let chunk = self.choice(index, json!({}), Some(finish_reason(finish)));
                self.held.replace(chunk).as_ref().map(sse::data).unwrap_or_default()
            }
            Frame::Settled(reports) => {
                let about = self.about.object(&reports);
                let mut held = self.held.take().unwrap_or_else(|| self.chunk(json!([])));
                held["assay"] = about.clone();
                let mut events = sse::data(&held);
                if self.includes_usage {
                    let mut last = self.chunk(json!([]));
                    last["usage"] = usage(&reports);
                    last["assay"] = about;
                    events += &sse::data(&last);
                }
                events + "data: [DONE]\n\n"
            }
        }
    }

    fn failed(&mut self, error: &ApiError) -> String {
        let mut chunk = self.choice(0, json!({}), Some("error"));
        chunk["error"] = error.object();
        sse::data(&chunk)
    }
}
