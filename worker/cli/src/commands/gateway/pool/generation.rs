//! Generations in sessions, whose tokens come as they are made.

use super::{Held, Pool, refused};
use crate::commands::gateway::catalogue::Known;
use assay_gateway::{
    backend::{BackendError, Event, Finish, GenerateRequest, Generation, Report, Stop},
    money::Amount,
};
use assay_package::generation::MAX_CANDIDATES;
use assay_session::{Answer, Piece, Sampling, Session, SessionError, request::CheckedRequest};
use assay_text::language::Language;
use futures::{StreamExt, stream::unfold};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Events that wait for the gateway.
const QUEUE: usize = 16;

/// Order of a generation, and its customer.
pub(super) struct Order {
    known: Arc<Known>,
    request: GenerateRequest,
    prompt: Vec<i64>,
    sampling: Sampling,
    /// Prompt and sampling, checked together.
    checked: CheckedRequest,
    stop: Stop,
    sender: mpsc::Sender<Result<Event, BackendError>>,
}

/// Why no session has answered.
enum Unanswered {
    /// The session's budget is used up, and nothing was asked.
    Budget(u128),
    Failed(BackendError),
}

impl Order {
    /// An order that fits its model, and where its events come out.
    pub fn new(known: Arc<Known>, request: GenerateRequest, stop: Stop) -> Result<(Self, Generation), BackendError> {
        let sampling = Sampling {
            temperature: request.sampling.temperature,
            top_p: request.sampling.top_p,
            top_k: request.sampling.top_k.unwrap_or(MAX_CANDIDATES),
            seed: request.sampling.seed,
            max_tokens: request.max_tokens,
        };
        let prompt: Vec<i64> = request.prompt.iter().map(|token| i64::from(*token)).collect();
        let checked = CheckedRequest::generation(&known.model.record.parts, &prompt, &sampling)
            .map_err(|error| refused(error.into()))?;
        let (sender, events) = mpsc::channel(QUEUE);
        let order = Self {
            known,
            request,
            prompt,
            sampling,
            checked,
            stop,
            sender,
        };
        let stream = unfold(events, |mut events| async move { Some((events.recv().await?, events)) });
        Ok((order, stream.boxed()))
    }

    /// Generates in this session, which goes back to the pool.
    pub fn begin(self, pool: Pool, held: Held) {
        tokio::spawn(async move {
            let outcome = self.answered(&pool, held).await;
            // Whoever asked may be gone.
            let _ = self.sender.send(outcome).await;
        });
    }

    /// The last event. A session whose budget does not cover the request is topped up, or replaced by a new one.
    async fn answered(&self, pool: &Pool, mut held: Held) -> Result<Event, BackendError> {
        let version = self.known.model.version;
        let mut is_new = false;
        loop {
            let outcome = self.ask(pool, &held.session).await;
            let price = match outcome {
                Ok(event) => {
                    pool.put_back(version, held).await;
                    return Ok(event);
                }
                Err(Unanswered::Failed(error)) => {
                    pool.put_away(held).await;
                    return Err(error);
                }
                Err(Unanswered::Budget(price)) => price,
            };
            held = pool.cover(version, held, price, &mut is_new).await?;
        }
    }

    async fn ask(&self, pool: &Pool, session: &Session) -> Result<Event, Unanswered> {
        let failed = |error: SessionError| match error {
            SessionError::Budget { price } => Unanswered::Budget(price),
            error => Unanswered::Failed(refused(error)),
        };
        let mut generation = session.generate(&self.prompt, &self.sampling).map_err(failed)?;
        let mut words = self.known.language.as_ref().map(Language::detokeniser);
        let mut is_void = false;
        while let Some(piece) = generation.next().await {
            let Piece::Tokens(tokens) = piece else {
                is_void = true;
                continue;
            };
            let mut text = String::new();
            if let Some(words) = &mut words {
                for token in &tokens {
                    text += &words.push(*token).map_err(|error| {
                        let reason = error.to_string();
                        Unanswered::Failed(BackendError::Failed(reason))
                    })?;
                }
            }
            self.tell(text, &tokens).await;
        }
        let answer = generation.answer().await.map_err(failed)?;
        if is_void {
            let reason = "a worker broke off, and another one answered differently: one of the two is wrong. Ask again";
            return Err(Unanswered::Failed(BackendError::Failed(reason.to_owned())));
        }
        if let Some(rest) = words
            .and_then(|words| words.finish().ok())
            .filter(|rest| !rest.is_empty())
        {
            self.tell(rest, &[]).await;
        }
        let receipt = pool.remember(&self.known, &self.checked, &answer).await;
        Ok(Event::Done {
            finish: finish(&self.known, &self.request, &answer.tokens, &self.stop),
            report: report(&self.request, &answer, receipt),
        })
    }

    /// One that is gone hears nothing; the answer goes on and is paid.
    async fn tell(&self, text: String, tokens: &[i64]) {
        let tokens = tokens.iter().filter_map(|token| u32::try_from(*token).ok()).collect();
        let _ = self.sender.send(Ok(Event::Piece { text, tokens })).await;
    }
}

/// Why a generation ended.
pub(in crate::commands::gateway) fn finish(
    known: &Known,
    request: &GenerateRequest,
    tokens: &[i64],
    stop: &Stop,
) -> Finish {
    let ends = known.language.as_ref().map(Language::ends).unwrap_or_default();
    let has_ended = tokens.last().is_some_and(|last| ends.contains(last));
    match (stop.is_stopped(), has_ended) {
        (true, _) => Finish::Stopped,
        (false, false) if tokens.len() >= request.max_tokens as usize => Finish::Length,
        (false, _) => Finish::Stop,
    }
}

fn report(request: &GenerateRequest, answer: &Answer, receipt: String) -> Report {
    Report {
        worker: answer.worker.to_string(),
        price: Amount(answer.price),
        receipt,
        // The signature and the digests are verified before anything is paid; an execution comes after it.
        checked: match answer.is_drawn {
            true => "drawn-for-execution".to_owned(),
            false => "signed-receipt".to_owned(),
        },
        prompt_tokens: request.prompt.len() as u32,
        generated_tokens: answer.tokens.len() as u32,
    }
}
