//! `/v1/completions`.

use super::{
    answer::{About, Answer, finish_reason, usage},
    order::{Names, order},
    prompts,
    receive::{Received, RequestId, receive},
    sse::{self, Scribe},
};
use crate::{app::App, backend::Ability, error::ApiError, params, run::Frame};
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
    let name = model.id.clone();
    let max = app.config.limits.choices as usize;
    let prompts = prompts::inputs(fields.take("prompt"), "prompt", max, model.vocabulary)?;
    let (order, seeds) = order(&app, NAMES, &fields, (caller, place), model, prompts).await?;
    let (frames, max_price) = order.begin(&app).await?;
    let about = About {
        seeds,
        ..About::new(&app, &id, &name, max_price)
    };
    if fields.flag("stream") {
        let headers = about.pending_headers();
        let scribe = TextScribe {
            about,
            includes_usage: fields.object("stream_options").flag("include_usage"),
            held: None,
        };
        let timeouts = &app.config.timeouts;
        let mut response = sse::respond(frames, scribe, timeouts.accept, timeouts.ping).await?;
        response.headers_mut().extend(headers);
        return Ok(response);
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

struct TextScribe {
    about: About,
    includes_usage: bool,
    /// The chunk that ends an answer. The last one waits for the report: a chunk without choices is for those who ask
    /// for the usage.
    held: Option<Value>,
}

fn choice(index: usize, text: &str, finish: Option<&str>) -> Value {
    json!({ "index": index, "text": text, "logprobs": null, "finish_reason": finish })
}

impl TextScribe {
    fn chunk(&self, choices: Value) -> Value {
        let mut chunk = self.about.completion("text_completion");
        chunk["choices"] = choices;
        if self.includes_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }
}

impl Scribe for TextScribe {
    fn begin(&mut self) -> String {
        String::new()
    }

    fn frame(&mut self, frame: Frame) -> String {
        match frame {
            Frame::Accepted => String::new(),
            Frame::Piece { index, text } => sse::data(&self.chunk(json!([choice(index, &text, None)]))),
            Frame::Finished { index, finish } => {
                let chunk = self.chunk(json!([choice(index, "", Some(finish_reason(finish)))]));
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
        let mut chunk = self.chunk(json!([choice(0, "", Some("error"))]));
        chunk["error"] = error.object();
        sse::data(&chunk)
    }
}
