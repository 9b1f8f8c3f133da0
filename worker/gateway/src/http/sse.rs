//! Server-sent events out of frames, with pings in between.

use crate::{
    app::App,
    error::ApiError,
    run::{Frame, Frames},
};
use axum::{
    body::{Body, Bytes},
    http::{
        HeaderMap, HeaderValue,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use futures::stream::unfold;
use serde_json::Value;
use std::convert::Infallible;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

/// A comment, which clients skip. It keeps a connection open.
const PING: &str = ": ping\n\n";

/// Puts frames into the events of an endpoint.
pub trait Scribe: Send + 'static {
    /// Events before the first frame.
    fn begin(&mut self) -> String;
    /// Events of a frame; none where it has nothing to say.
    fn frame(&mut self, frame: Frame) -> String;
    /// Events that end a stream in which something failed.
    fn failed(&mut self, error: &ApiError) -> String;
}

/// An event without a name.
pub fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// An event with a name.
pub fn event(name: &str, value: &Value) -> String {
    format!("event: {name}\ndata: {value}\n\n")
}

struct Source<S> {
    frames: Frames,
    scribe: S,
    pings: Interval,
    /// Frame that is written before the next one is waited for.
    next: Option<String>,
    is_over: bool,
}

/// The answer as a stream.
///
/// Generations are waited for as long as `timeouts.accept` says, so that a refusal has a status of its own.
/// After that the stream begins, with pings, and a refusal is an event in it.
pub async fn respond<S: Scribe>(
    app: &App,
    mut frames: Frames,
    mut scribe: S,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let timeouts = &app.config.timeouts;
    let first = match timeout(timeouts.accept, frames.recv()).await {
        Err(_) => String::new(),
        Ok(Some(Ok(frame))) => scribe.frame(frame),
        Ok(Some(Err(error))) => return Err(error),
        Ok(None) => return Err(ApiError::internal()),
    };
    let mut pings = interval(timeouts.ping);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.reset();
    let source = Source {
        next: Some(format!("{PING}{}{first}", scribe.begin())),
        frames,
        scribe,
        pings,
        is_over: false,
    };
    let body = Body::from_stream(unfold(source, |mut source| async move {
        let text = source.text().await?;
        Some((Ok::<_, Infallible>(Bytes::from(text)), source))
    }));
    let mut response = body.into_response();
    let all = response.headers_mut();
    all.extend(headers);
    all.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    all.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // A proxy that collects an answer before it passes it on would make no stream of it.
    all.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

impl<S: Scribe> Source<S> {
    /// The next text that is not empty; `None` when the stream is over.
    async fn text(&mut self) -> Option<String> {
        if let Some(text) = self.next.take() {
            return Some(text);
        }
        while !self.is_over {
            let frame = tokio::select! {
                biased;
                frame = self.frames.recv() => frame,
                _ = self.pings.tick() => return Some(PING.to_owned()),
            };
            let text = match frame {
                Some(Ok(frame)) => {
                    self.is_over = matches!(frame, Frame::Settled(_));
                    self.scribe.frame(frame)
                }
                Some(Err(error)) => {
                    self.is_over = true;
                    self.scribe.failed(&error)
                }
                None => {
                    self.is_over = true;
                    self.scribe.failed(&ApiError::internal())
                }
            };
            if !text.is_empty() {
                self.pings.reset();
                return Some(text);
            }
        }
        None
    }
}
