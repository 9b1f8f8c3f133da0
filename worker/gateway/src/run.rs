//! A request's generations: money is set aside, pieces are passed on, and what it did cost is settled.
//!
//! One task owns the generations of a request, whatever becomes of its client.
//! A client that vanishes, or reads nothing for too long, stops them; the task then waits for what is owed.

use crate::{
    app::{App, Caller, Held},
    backend::{BackendError, Event, Finish, GenerateRequest, Generation, ModelInfo, Report, Stop, Work},
    error::ApiError,
    limits::Place,
    metrics::ModelLabels,
    money::Amount,
    stops::Stops,
};
use futures::{StreamExt, future::try_join_all, stream::SelectAll};
use std::time::Duration;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};

/// Frames that wait for their reader.
const QUEUE: usize = 16;

/// Order of a generation for a request.
pub struct Order {
    /// The customer that pays.
    pub caller: Caller,
    /// The model.
    pub model: ModelInfo,
    /// Each answer's request; the prices are filled in.
    pub choices: Vec<GenerateRequest>,
    /// Sequences before which answers end.
    pub stops: Vec<String>,
    /// Field of the request that the prompt came from.
    pub prompt_field: &'static str,
    /// The request's place among those that are served.
    pub place: Place,
    /// Whether pieces are passed on as they come, so that a client has something of an answer that fails.
    pub streams: bool,
}

/// Frames of an order. The last frame is [`Frame::Settled`], or an error.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// Every generation is accepted.
    Accepted,
    /// Text of an answer.
    Piece {
        /// Number of the answer.
        index: usize,
        /// The text, which is not empty.
        text: String,
    },
    /// An answer is complete.
    Finished {
        /// Number of the answer.
        index: usize,
        /// Why.
        finish: Finish,
    },
    /// All answers are complete and paid.
    Settled(Vec<Report>),
}

/// Frames as they come.
pub type Frames = mpsc::Receiver<Result<Frame, ApiError>>;

/// End of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Complete,
    Failed,
    Timeout,
    Abandoned,
}

struct Choice {
    stops: Stops,
    stop: Stop,
    /// Why no more text of it is passed on.
    finish: Option<Finish>,
    report: Option<Report>,
}

struct Pump {
    app: App,
    model: String,
    frames: mpsc::Sender<Result<Frame, ApiError>>,
    choices: Vec<Choice>,
    prompt_field: &'static str,
    deadline: Instant,
    begun: Instant,
    has_piece: bool,
}

impl Order {
    /// Sets money and tokens aside, and begins.
    pub async fn begin(mut self, app: &App) -> Result<(Frames, Amount), ApiError> {
        let mut max = Amount::default();
        for choice in &mut self.choices {
            let work = Work {
                prompt: choice.prompt.len() as u32,
                generated: choice.max_tokens,
            };
            let quote = app.backend.quote(&self.model.id, work).await;
            choice.max_price = quote.map_err(|error| ApiError::backend(error, self.prompt_field))?.max;
            max = max.plus(choice.max_price);
        }
        let tokens = self
            .choices
            .iter()
            .map(|choice| choice.prompt.len() as u64 + u64::from(choice.max_tokens))
            .sum();
        app.usage.take_tokens(&self.caller.key, &self.caller.limits, tokens)?;
        let held = match app.reserve(&self.caller, max).await {
            Ok(held) => held,
            Err(error) => {
                app.usage.give_back_tokens(&self.caller.key, tokens);
                return Err(error);
            }
        };
        let (sender, frames) = mpsc::channel(QUEUE);
        let now = Instant::now();
        let choice = |_: &GenerateRequest| Choice {
            stops: Stops::new(self.stops.clone()),
            stop: Stop::default(),
            finish: None,
            report: None,
        };
        let pump = Pump {
            app: app.clone(),
            model: self.model.id.clone(),
            frames: sender,
            choices: self.choices.iter().map(choice).collect(),
            prompt_field: self.prompt_field,
            deadline: now + app.config.timeouts.request,
            begun: now,
            has_piece: false,
        };
        app.tasks.spawn(pump.run(self, held, tokens));
        Ok((frames, max))
    }
}

impl Pump {
    async fn run(mut self, order: Order, held: Held, tokens: u64) {
        let (key, place, streams) = (order.caller.key.clone(), order.place, order.streams);
        let outcome = self.serve(order.choices).await;
        let (end, error) = match outcome {
            Ok(()) => (End::Complete, None),
            Err((end, error)) => (end, error),
        };
        // The client hears of an error at once, and not only when everything is settled.
        if let Some(error) = error {
            let _ = timeout(self.app.config.timeouts.write, self.frames.send(Err(error))).await;
        }
        let reports = self.choices.iter().filter_map(|choice| choice.report.as_ref());
        // A customer pays for answers: where the worker or the gateway fails, nothing is paid.
        let owed = match end {
            End::Failed => Amount::default(),
            End::Complete | End::Timeout | End::Abandoned => reports.clone().map(|report| report.price).sum(),
        };
        let (prompt, generated) = reports.clone().fold((0, 0), |(prompt, generated), report| {
            (
                prompt + u64::from(report.prompt_tokens),
                generated + u64::from(report.generated_tokens),
            )
        });
        self.app
            .usage
            .give_back_tokens(&key, tokens.saturating_sub(prompt + generated));
        self.app.metrics.count_tokens(&self.model, prompt, generated);
        self.app.settle(held, &self.model, owed).await;
        let name = match end {
            End::Complete => "complete",
            End::Failed => "failed",
            End::Timeout => "timeout",
            End::Abandoned => "abandoned",
        };
        self.app.metrics.end(&self.model, name);
        let labels = ModelLabels {
            model: self.model.clone(),
        };
        self.app
            .metrics
            .generation
            .get_or_create(&labels)
            .observe(self.begun.elapsed().as_secs_f64());
        tracing::info!(
            model = self.model,
            key,
            end = name,
            owed = owed.0,
            streams,
            "a request has ended"
        );
        drop(place);
        if end == End::Complete {
            let reports = self.choices.into_iter().filter_map(|choice| choice.report).collect();
            let _ = timeout(
                self.app.config.timeouts.write,
                self.frames.send(Ok(Frame::Settled(reports))),
            )
            .await;
        }
    }

    /// Passes pieces on until every generation has reported, or the order ends otherwise; then stops what runs, and
    /// waits for what is owed.
    async fn serve(&mut self, requests: Vec<GenerateRequest>) -> Result<(), (End, Option<ApiError>)> {
        let mut generations = SelectAll::new();
        let outcome = match self.accept(requests).await {
            Ok(accepted) => {
                for (index, generation) in accepted.into_iter().enumerate() {
                    generations.push(generation.map(move |event| (index, event)).boxed());
                }
                self.pass_on(&mut generations).await
            }
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            self.choices.iter().for_each(|choice| choice.stop.stop());
            self.wait_for_reports(&mut generations).await;
        }
        outcome
    }

    async fn accept(&mut self, requests: Vec<GenerateRequest>) -> Result<Vec<Generation>, (End, Option<ApiError>)> {
        let stops = self.choices.iter().map(|choice| choice.stop.clone());
        let begun = requests
            .into_iter()
            .zip(stops)
            .map(|(request, stop)| self.app.backend.generate(request, stop));
        let begun = try_join_all(begun.collect::<Vec<_>>());
        let accepted = tokio::select! {
            accepted = timeout_at(self.deadline, begun) => accepted,
            () = self.frames.closed() => return Err((End::Abandoned, None)),
        };
        match accepted {
            Ok(Ok(generations)) => {
                self.send(Frame::Accepted).await?;
                Ok(generations)
            }
            Ok(Err(error)) => Err((End::Failed, Some(ApiError::backend(error, self.prompt_field)))),
            Err(_) => Err(self.late()),
        }
    }

    async fn pass_on<S>(&mut self, generations: &mut SelectAll<S>) -> Result<(), (End, Option<ApiError>)>
    where
        S: futures::Stream<Item = (usize, Result<Event, BackendError>)> + Unpin,
    {
        loop {
            let step = tokio::select! {
                step = timeout_at(self.deadline, generations.next()) => step,
                () = self.frames.closed() => return Err((End::Abandoned, None)),
            };
            match step {
                Err(_) => return Err(self.late()),
                Ok(Some((index, Ok(event)))) => self.take(index, event).await?,
                Ok(Some((_, Err(error)))) => {
                    return Err((End::Failed, Some(ApiError::backend(error, self.prompt_field))));
                }
                Ok(None) if self.choices.iter().all(|choice| choice.report.is_some()) => return Ok(()),
                Ok(None) => {
                    let error = BackendError::Failed("a generation broke off without a report".to_owned());
                    return Err((End::Failed, Some(ApiError::backend(error, self.prompt_field))));
                }
            }
        }
    }

    async fn take(&mut self, index: usize, event: Event) -> Result<(), (End, Option<ApiError>)> {
        let Some(choice) = self.choices.get_mut(index) else {
            return Ok(());
        };
        let (text, finish) = match event {
            Event::Piece { text, .. } if choice.finish.is_none() => {
                let passed = choice.stops.push(&text);
                if passed.stopped {
                    choice.stop.stop();
                }
                (passed.text, passed.stopped.then_some(Finish::Stop))
            }
            Event::Piece { .. } => return Ok(()),
            Event::Done { finish, report } => {
                choice.report = Some(report);
                if choice.finish.is_some() {
                    return Ok(());
                }
                let held = std::mem::replace(&mut choice.stops, Stops::new(Vec::new())).finish();
                (held, Some(finish))
            }
        };
        choice.finish = finish;
        if !text.is_empty() {
            if !std::mem::replace(&mut self.has_piece, true) {
                let labels = ModelLabels {
                    model: self.model.clone(),
                };
                self.app
                    .metrics
                    .first_piece
                    .get_or_create(&labels)
                    .observe(self.begun.elapsed().as_secs_f64());
            }
            self.send(Frame::Piece { index, text }).await?;
        }
        match finish {
            Some(finish) => self.send(Frame::Finished { index, finish }).await,
            None => Ok(()),
        }
    }

    /// Passes a frame on. A reader that takes nothing for too long is as good as gone.
    async fn send(&self, frame: Frame) -> Result<(), (End, Option<ApiError>)> {
        match timeout(self.app.config.timeouts.write, self.frames.send(Ok(frame))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err((End::Abandoned, None)),
        }
    }

    fn late(&self) -> (End, Option<ApiError>) {
        let seconds = self.app.config.timeouts.request.as_secs_f64();
        let message = format!("the answer was not complete within {seconds} s: ask for fewer tokens");
        (End::Timeout, Some(ApiError::timeout(message)))
    }

    /// Waits for the reports of generations that were stopped. What does not report in time is not charged.
    async fn wait_for_reports<S>(&mut self, generations: &mut SelectAll<S>)
    where
        S: futures::Stream<Item = (usize, Result<Event, BackendError>)> + Unpin,
    {
        let settle: Duration = self.app.config.timeouts.settle;
        let wait = async {
            while let Some((index, event)) = generations.next().await {
                if let (Some(choice), Ok(Event::Done { report, .. })) = (self.choices.get_mut(index), event) {
                    choice.report = Some(report);
                }
            }
        };
        if timeout(settle, wait).await.is_err() {
            tracing::error!(
                model = self.model,
                "a generation that was stopped does not say what is owed"
            );
        }
    }
}
