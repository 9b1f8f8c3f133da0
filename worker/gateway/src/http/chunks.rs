//! Streams of chunks: what chat and completions have in common.

use super::{
    answer::{About, finish_reason, usage},
    sse::{self, Scribe},
};
use crate::{
    app::App,
    error::ApiError,
    params::Fields,
    run::{Frame, Frames},
};
use axum::response::Response;
use serde_json::{Value, json};
use std::marker::PhantomData;

/// Form of the choices in an endpoint's chunks.
pub trait Shape: Send + 'static {
    /// Name of every chunk's kind.
    const OBJECT: &'static str;

    /// The choice with which an answer begins, before anything is made of it.
    fn first(_index: usize) -> Option<Value> {
        None
    }

    /// The choice with a piece of an answer.
    fn piece(index: usize, text: &str) -> Value;

    /// The choice that ends an answer.
    fn end(index: usize, reason: &str) -> Value;
}

/// The answer as a stream of chunks.
pub async fn stream<S: Shape>(app: &App, frames: Frames, about: About, fields: &Fields) -> Result<Response, ApiError> {
    let headers = about.pending_headers();
    let scribe = ChunkScribe::<S> {
        about,
        includes_usage: fields.object("stream_options").flag("include_usage"),
        held: None,
        shape: PhantomData,
    };
    sse::respond(app, frames, scribe, headers).await
}

struct ChunkScribe<S> {
    about: About,
    includes_usage: bool,
    /// The chunk that ends an answer. The last one waits for the report: a chunk without choices is for those who ask
    /// for the usage.
    held: Option<Value>,
    shape: PhantomData<S>,
}

impl<S: Shape> ChunkScribe<S> {
    fn chunk(&self, choices: Value) -> Value {
        let mut chunk = self.about.completion(S::OBJECT);
        chunk["choices"] = choices;
        if self.includes_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    fn choice(&self, choice: Value) -> Value {
        self.chunk(json!([choice]))
    }
}

impl<S: Shape> Scribe for ChunkScribe<S> {
    fn begin(&mut self) -> String {
        // Each answer has a seed.
        let first = (0..self.about.seeds.len()).filter_map(S::first);
        first.map(|choice| sse::data(&self.choice(choice))).collect()
    }

    fn frame(&mut self, frame: Frame) -> String {
        match frame {
            Frame::Accepted => String::new(),
            Frame::Piece { index, text } => sse::data(&self.choice(S::piece(index, &text))),
            Frame::Finished { index, finish } => {
                let chunk = self.choice(S::end(index, finish_reason(finish)));
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
        let mut chunk = self.choice(S::end(0, "error"));
        chunk["error"] = error.object();
        sse::data(&chunk)
    }
}
