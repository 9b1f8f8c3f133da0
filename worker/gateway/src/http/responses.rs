//! `/v1/responses`, of which nothing is kept.

use super::{
    answer::{About, Answer, totals},
    order::{Names, begin},
    prompts,
    receive::{Received, RequestId, receive},
    sse::{self, Scribe},
};
use crate::{
    app::App,
    backend::{Ability, Finish, Message, Prompt, Report, Role},
    error::ApiError,
    params::{self, Fields},
    run::Frame,
};
use axum::{
    Extension, Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

const NAMES: Names = Names {
    prompt: "input",
    max_tokens: &["max_output_tokens"],
    default_tokens: None,
};

/// Answers a text or a conversation.
pub async fn responses(
    State(app): State<App>,
    Extension(RequestId(id)): Extension<RequestId>,
    request: Request,
) -> Result<Response, ApiError> {
    let Received {
        caller,
        place,
        mut fields,
    } = receive(&app, request, params::RESPONSES).await?;
    let mut messages = prompts::items(fields.take("input"))?;
    if let Some(instructions) = fields.text("instructions") {
        let content = instructions.to_owned();
        messages.insert(
            0,
            Message {
                role: Role::System,
                content,
            },
        );
    }
    let model = app
        .model(fields.text("model").unwrap_or_default(), &[Ability::Chat])
        .await?;
    let prompts = vec![Prompt::Messages(messages)];
    let (frames, about) = begin(&app, &id, NAMES, &fields, (caller, place), model, prompts).await?;
    let is_stream = fields.flag("stream");
    let sheet = Sheet::new(about, &mut fields);
    if is_stream {
        let headers = sheet.about.pending_headers();
        let scribe = ResponseScribe {
            sheet,
            sequence: 0,
            text: String::new(),
            finish: Finish::Stop,
        };
        return sse::respond(&app, frames, scribe, headers).await;
    }
    let answer = Answer::collect(frames).await?;
    let (text, finish) = answer
        .choices
        .into_iter()
        .next()
        .unwrap_or((String::new(), Finish::Stop));
    let body = sheet.complete(&text, finish, &answer.reports);
    Ok((sheet.about.headers(&answer.reports), Json(body)).into_response())
}

/// Fields that every state of a response has.
struct Sheet {
    about: About,
    /// The response as long as nothing is made.
    empty: Value,
}

impl Sheet {
    fn new(about: About, fields: &mut Fields) -> Self {
        let empty = json!({
            "id": format!("resp_{}", about.request),
            "object": "response",
            "created_at": about.created,
            "status": "in_progress",
            "background": false,
            "error": null,
            "incomplete_details": null,
            "instructions": fields.text("instructions"),
            "max_output_tokens": fields.integer("max_output_tokens"),
            "metadata": fields.take("metadata").unwrap_or(json!({})),
            "model": about.model,
            "output": [],
            "parallel_tool_calls": false,
            "previous_response_id": null,
            "reasoning": { "effort": null, "summary": null },
            "store": false,
            "temperature": fields.number("temperature").unwrap_or(1.0),
            "text": { "format": { "type": "text" } },
            "tool_choice": "auto",
            "tools": [],
            "top_p": fields.number("top_p").unwrap_or(1.0),
            "truncation": "disabled",
            "usage": null,
        });
        Self { about, empty }
    }

    fn item_id(&self) -> String {
        format!("msg_{}", self.about.request)
    }

    fn item(&self, status: &str, content: Value) -> Value {
        json!({
            "type": "message",
            "id": self.item_id(),
            "status": status,
            "role": "assistant",
            "content": content,
        })
    }

    /// The response that is complete, or that ended at the maximum of tokens.
    fn complete(&self, text: &str, finish: Finish, reports: &[Report]) -> Value {
        let status = status(finish);
        let (input, output) = totals(reports);
        let mut response = self.empty.clone();
        response["status"] = status.into();
        if finish == Finish::Length {
            response["incomplete_details"] = json!({ "reason": "max_output_tokens" });
        }
        response["output"] = json!([self.item(status, json!([part(text)]))]);
        response["usage"] = json!({
            "input_tokens": input,
            "input_tokens_details": { "cached_tokens": 0 },
            "output_tokens": output,
            "output_tokens_details": { "reasoning_tokens": 0 },
            "total_tokens": input + output,
        });
        response["assay"] = self.about.object(reports);
        response
    }
}

fn status(finish: Finish) -> &'static str {
    match finish {
        Finish::Length => "incomplete",
        Finish::Stop | Finish::Stopped => "completed",
    }
}

fn part(text: &str) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
}

struct ResponseScribe {
    sheet: Sheet,
    sequence: u64,
    text: String,
    finish: Finish,
}

impl ResponseScribe {
    fn event(&mut self, kind: &str, mut fields: Value) -> String {
        fields["type"] = kind.into();
        fields["sequence_number"] = self.sequence.into();
        self.sequence += 1;
        sse::event(kind, &fields)
    }

    fn of_part(&self, mut fields: Value) -> Value {
        fields["item_id"] = self.sheet.item_id().into();
        fields["output_index"] = 0.into();
        fields["content_index"] = 0.into();
        fields
    }

    fn done(&mut self, reports: &[Report]) -> String {
        let (text, status) = (std::mem::take(&mut self.text), status(self.finish));
        let response = self.sheet.complete(&text, self.finish, reports);
        let item = self.sheet.item(status, json!([part(&text)]));
        let mut events = self.event(
            "response.output_text.done",
            self.of_part(json!({ "text": text, "logprobs": [] })),
        );
        events += &self.event(
            "response.content_part.done",
            self.of_part(json!({ "part": part(&text) })),
        );
        events += &self.event("response.output_item.done", json!({ "output_index": 0, "item": item }));
        let kind = format!("response.{status}");
        events + &self.event(&kind, json!({ "response": response }))
    }
}

impl Scribe for ResponseScribe {
    fn begin(&mut self) -> String {
        let empty = self.sheet.empty.clone();
        let mut events = self.event("response.created", json!({ "response": empty }));
        events += &self.event("response.in_progress", json!({ "response": empty }));
        let item = self.sheet.item("in_progress", json!([]));
        events += &self.event("response.output_item.added", json!({ "output_index": 0, "item": item }));
        let added = self.of_part(json!({ "part": part("") }));
        events + &self.event("response.content_part.added", added)
    }

    fn frame(&mut self, frame: Frame) -> String {
        match frame {
            Frame::Accepted => String::new(),
            Frame::Piece { text, .. } => {
                self.text.push_str(&text);
                let delta = self.of_part(json!({ "delta": text, "logprobs": [] }));
                self.event("response.output_text.delta", delta)
            }
            Frame::Finished { finish, .. } => {
                self.finish = finish;
                String::new()
            }
            Frame::Settled(reports) => self.done(&reports),
        }
    }

    fn failed(&mut self, error: &ApiError) -> String {
        let mut response = self.sheet.empty.clone();
        response["status"] = "failed".into();
        response["error"] = json!({ "code": error.code, "message": error.message });
        let item = self.sheet.item("incomplete", json!([part(&self.text)]));
        response["output"] = json!([item]);
        self.event("response.failed", json!({ "response": response }))
    }
}
