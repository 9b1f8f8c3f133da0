//! Parts that all answers have: who computed them, their price, and how much was used.

use crate::{
    app::App,
    backend::{Finish, Report},
    error::ApiError,
    ledger,
    money::{Amount, Currency},
    run::{Frame, Frames},
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

/// Headers of every answer that was computed, besides the id of its request.
pub const HEADERS: [&str; 5] = [
    "x-assay-worker",
    "x-assay-price",
    "x-assay-receipt",
    "x-assay-checked",
    "x-assay-max-price",
];
/// Value of those headers that are not known yet when a stream begins; its last chunk has them.
const PENDING: &str = "pending";

/// An answer's report on itself.
#[derive(Clone, Debug)]
pub struct About {
    /// Id of the request.
    pub request: String,
    /// The currency of prices.
    pub currency: Currency,
    /// The maximum that was set aside.
    pub max_price: Amount,
    /// The seed of each answer; none for embeddings.
    pub seeds: Vec<i64>,
    /// When the answer began, in seconds since 1970.
    pub created: u64,
    /// The model.
    pub model: String,
}

/// An answer that is complete.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Text of each choice, and why it ended.
    pub choices: Vec<(String, Finish)>,
    /// Report of each choice.
    pub reports: Vec<Report>,
}

impl About {
    /// Facts that are known when money is set aside.
    pub fn new(app: &App, request: &str, model: &str, max_price: Amount) -> Self {
        Self {
            request: request.to_owned(),
            currency: app.backend.currency(),
            max_price,
            seeds: Vec::new(),
            created: ledger::now(),
            model: model.to_owned(),
        }
    }

    /// The object `assay` of an answer.
    pub fn object(&self, reports: &[Report]) -> Value {
        let price: Amount = reports.iter().map(|report| report.price).sum();
        let run = |(index, report): (usize, &Report)| {
            json!({
                "worker": report.worker,
                "price": self.currency.show(report.price),
                "receipt": report.receipt,
                "checked": report.checked,
                "seed": self.seeds.get(index),
            })
        };
        json!({
            "request": self.request,
            "price": self.currency.show(price),
            "currency": self.currency.symbol,
            "runs": reports.iter().enumerate().map(run).collect::<Vec<_>>(),
        })
    }

    /// The headers of an answer that is complete; those of several runs stand one after another.
    pub fn headers(&self, reports: &[Report]) -> HeaderMap {
        let all = |field: fn(&Report) -> &str| reports.iter().map(field).collect::<Vec<_>>().join(", ");
        let price: Amount = reports.iter().map(|report| report.price).sum();
        self.headers_of([
            all(|report| &report.worker),
            format!("{} {}", self.currency.show(price), self.currency.symbol),
            all(|report| &report.receipt),
            all(|report| &report.checked),
        ])
    }

    /// The headers of a stream, which begins before these things are known.
    pub fn pending_headers(&self) -> HeaderMap {
        self.headers_of([PENDING; 4].map(str::to_owned))
    }

    fn headers_of(&self, values: [String; 4]) -> HeaderMap {
        let max = format!("{} {}", self.currency.show(self.max_price), self.currency.symbol);
        let mut headers = HeaderMap::new();
        for (name, value) in HEADERS.into_iter().zip(values.into_iter().chain([max])) {
            // A backend's words that no header can carry are in the object.
            let value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("see-body"));
            headers.insert(HeaderName::from_static(name), value);
        }
        headers
    }
}

impl Answer {
    /// Waits for the last frame.
    pub async fn collect(mut frames: Frames) -> Result<Self, ApiError> {
        let mut answer = Self::default();
        while let Some(frame) = frames.recv().await {
            match frame? {
                Frame::Accepted => {}
                Frame::Piece { index, text } => answer.choice(index).0.push_str(&text),
                Frame::Finished { index, finish } => answer.choice(index).1 = finish,
                Frame::Settled(reports) => {
                    answer.reports = reports;
                    return Ok(answer);
                }
            }
        }
        Err(ApiError::internal())
    }

    fn choice(&mut self, index: usize) -> &mut (String, Finish) {
        if self.choices.len() <= index {
            self.choices.resize_with(index + 1, || (String::new(), Finish::Stop));
        }
        &mut self.choices[index]
    }
}

/// Why an answer ended, in the words of completions.
pub fn finish_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::Stopped => "stop",
        Finish::Length => "length",
    }
}

/// The tokens that were used, in the words of completions. The tokens of a prompt count for every answer to it, since
/// each answer is computed and paid by itself.
pub fn usage(reports: &[Report]) -> Value {
    let (prompt, generated) = totals(reports);
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": generated,
        "total_tokens": prompt + generated,
    })
}

/// Tokens of prompts, and tokens that were made.
pub fn totals(reports: &[Report]) -> (u64, u64) {
    reports.iter().fold((0, 0), |(prompt, generated), report| {
        (
            prompt + u64::from(report.prompt_tokens),
            generated + u64::from(report.generated_tokens),
        )
    })
}
