//! A session as an application has it.

use super::{
    Sessions, Shared,
    exchange::{Told, Trouble},
    link::Link,
};
use crate::{
    chain::ModelRecord,
    error::SessionError,
    request::{CheckedRequest, Sampling},
    types::{AccountId, Balance, ModelVersion, SessionId, SignedReceipt},
};
use assay_ops::tensor::Tensor;
use futures::Stream;
use std::{
    collections::HashSet,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinHandle,
};

/// Pieces that wait for the application; the worker waits when there are more.
const MAX_WAITING: usize = 64;

/// A session: a budget for requests on one model, with one worker at a time. A clone is another handle.
///
/// Requests are answered one after the other. Open several sessions to have requests answered beside each other.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    model: ModelVersion,
    record: ModelRecord,
    line: Mutex<Line>,
}

/// State of a session with workers.
struct Line {
    budget: Balance,
    /// Promised in the sessions on chain that were given up.
    spent: Balance,
    link: Option<Link>,
    /// Workers that are not asked again in this session.
    out: HashSet<AccountId>,
    is_closed: bool,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The next tokens.
    Tokens(Vec<i64>),
    /// Earlier pieces are void: another worker generates other tokens, and one of the two is wrong.
    Again,
}

/// An answer that is here in full, verified against its receipt, and paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The model's outputs: for a generation, the sequence and `valid`.
    pub outputs: Vec<Tensor>,
    /// The tokens that were generated; none for a plain model.
    pub tokens: Vec<i64>,
    /// The receipt.
    pub receipt: SignedReceipt,
    /// The worker that signed it.
    pub worker: AccountId,
    /// The price that was promised for it.
    pub price: Balance,
    /// Whether the receipt was drawn for a check.
    pub is_drawn: bool,
}

/// A generation that is being made: a stream of pieces, and an answer in the end.
///
/// Dropping it leaves the request to be answered and paid in the background, so that the session can go on.
#[derive(Debug)]
pub struct Generation {
    pieces: mpsc::Receiver<Piece>,
    task: JoinHandle<Result<Answer, SessionError>>,
}

impl Session {
    /// Opens a session on a model with a budget, with the worker that suits best.
    pub async fn open(sessions: &Sessions, model: ModelVersion, budget: Balance) -> Result<Self, SessionError> {
        Self::open_without(sessions, model, budget, HashSet::new()).await
    }

    /// Opens a session with none of these workers.
    pub async fn open_without(
        sessions: &Sessions,
        model: ModelVersion,
        budget: Balance,
        out: HashSet<AccountId>,
    ) -> Result<Self, SessionError> {
        let shared = sessions.shared.clone();
        let record = shared.model(model).await?;
        let mut line = Line {
            budget,
            spent: 0,
            link: None,
            out,
            is_closed: false,
        };
        let units = assay_types::offer::smallest_work(&record.parts);
        line.link = Some(Link::open(&shared, model, line.left(), units, &line.out).await?);
        Ok(Self::with(shared, model, record, line))
    }

    /// Takes up a session where the journal left it, such as after a crash. A request that was open is asked again, and
    /// paid, before the next one.
    pub async fn resume(sessions: &Sessions, session: SessionId) -> Result<Self, SessionError> {
        let shared = sessions.shared.clone();
        let state = shared.journal.state(session)?.filter(|state| !state.is_over);
        let state = state.ok_or(SessionError::NoSession(session))?;
        let model = state.model;
        let record = shared.model(model).await?;
        let link = Link::resume(&shared, session, state).await?;
        let line = Line {
            budget: link.budget(),
            spent: 0,
            link: Some(link),
            out: HashSet::new(),
            is_closed: false,
        };
        Ok(Self::with(shared, model, record, line))
    }

    fn with(shared: Arc<Shared>, model: ModelVersion, record: ModelRecord, line: Line) -> Self {
        let inner = Inner {
            shared,
            model,
            record,
            line: Mutex::new(line),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Generates from a prompt. The tokens come as they are made; [`Generation::answer`] gives the receipt. Must be
    /// called within a tokio runtime.
    pub fn generate(&self, prompt: &[i64], sampling: &Sampling) -> Result<Generation, SessionError> {
        let request = CheckedRequest::generation(&self.inner.record.parts, prompt, sampling)?;
        let (sender, pieces) = mpsc::channel(MAX_WAITING);
        let session = self.clone();
        let task = tokio::spawn(async move { session.inner.answer(request, Told::with(sender)).await });
        Ok(Generation { pieces, task })
    }

    /// Executes a plain model on these inputs.
    pub async fn run(&self, inputs: &[Tensor]) -> Result<Answer, SessionError> {
        self.ask(CheckedRequest::plain(&self.inner.record.parts, inputs)?).await
    }

    /// Asks a request that is checked already, without a stream. It goes on when this is dropped.
    pub async fn ask(&self, request: CheckedRequest) -> Result<Answer, SessionError> {
        let session = self.clone();
        let task = tokio::spawn(async move { session.inner.answer(request, Told::nobody()).await });
        task.await.map_err(|_| SessionError::BrokenOff)?
    }

    /// The number of the session on chain, if it has one now.
    pub async fn number(&self) -> Option<SessionId> {
        let line = self.inner.line.lock().await;
        line.link.as_ref().map(Link::session)
    }

    /// The worker that is asked now.
    pub async fn worker(&self) -> Option<AccountId> {
        let line = self.inner.line.lock().await;
        line.link.as_ref().map(|link| link.worker().clone())
    }

    /// Amount that was promised so far, to all workers.
    pub async fn spent(&self) -> Balance {
        let line = self.inner.line.lock().await;
        line.promised()
    }

    /// Adds to the budget.
    pub async fn top_up(&self, amount: Balance) -> Result<(), SessionError> {
        let mut line = self.inner.line.lock().await;
        if line.is_closed {
            return Err(SessionError::Closed);
        }
        if let Some(link) = &mut line.link {
            link.top_up(&self.inner.shared, amount).await?;
        }
        line.budget = line.budget.saturating_add(amount);
        Ok(())
    }

    /// Closes the session: the worker brings its last voucher, and the rest of the budget comes back.
    pub async fn close(&self) -> Result<(), SessionError> {
        let mut line = self.inner.line.lock().await;
        line.is_closed = true;
        match line.link.take() {
            Some(link) => link.close(&self.inner.shared).await,
            None => Ok(()),
        }
    }
}

impl Line {
    fn promised(&self) -> Balance {
        let open = self.link.as_ref().map_or(0, Link::promised);
        self.spent.saturating_add(open)
    }

    /// Rest of the budget for a new session on chain.
    fn left(&self) -> Balance {
        self.budget.saturating_sub(self.spent)
    }
}

impl Inner {
    /// Has a request answered, by as many workers as it takes.
    async fn answer(self: &Arc<Self>, request: CheckedRequest, mut told: Told) -> Result<Answer, SessionError> {
        let config = &self.shared.config;
        request.check_size(&self.record.parts, config.max_input_bytes, config.max_answer_bytes)?;
        let mut line = self.line.lock().await;
        if line.is_closed {
            return Err(SessionError::Closed);
        }
        let mut tried = Vec::new();
        for _ in 0..self.shared.config.max_workers.max(1) {
            if line.link.is_none() {
                line.link = Some(self.open_link(&line, request.units, &tried).await?);
            }
            // It stays in the line: an exchange that is broken off here leaves it to the next one.
            let asked = match &mut line.link {
                Some(link) => link.ask(&self.shared, &self.record, &request, &mut told).await,
                None => return Err(SessionError::BrokenOff),
            };
            let fault = match asked {
                Ok(answer) => {
                    self.pay_soon(line.link.as_ref());
                    return Ok(answer);
                }
                Err(Trouble::Ours(error)) => return Err(error),
                Err(Trouble::Theirs(fault)) => fault,
            };
            if let Some(link) = line.link.take() {
                let worker = link.worker().clone();
                tracing::info!(%worker, session = link.session(), %fault, "goes on with another worker");
                tried.push(format!("{worker}: {fault}"));
                line.spent = line.spent.saturating_add(link.promised());
                line.out.insert(worker);
                link.give_up(&self.shared).await?;
            }
        }
        Err(SessionError::NoWorker {
            tried: tried.join("; "),
        })
    }

    /// Sends the voucher for an answer as soon as it is kept, unless it goes with the next request before. Nobody waits
    /// for it.
    fn pay_soon(self: &Arc<Self>, link: Option<&Link>) {
        let Some(promise) = link.and_then(Link::unsent) else {
            return;
        };
        let inner = self.clone();
        tokio::spawn(async move {
            // Who asks next is told of a promise that was not kept.
            let Ok(voucher) = promise.await else {
                return;
            };
            if let Some(link) = &mut inner.line.lock().await.link {
                link.tell(&voucher).await;
            }
        });
    }

    async fn open_link(&self, line: &Line, units: u64, tried: &[String]) -> Result<Link, SessionError> {
        let opened = Link::open(&self.shared, self.model, line.left(), units, &line.out).await;
        opened.map_err(|error| match error {
            SessionError::NoWorker { .. } if !tried.is_empty() => SessionError::NoWorker {
                tried: tried.join("; "),
            },
            other => other,
        })
    }
}

impl Generation {
    /// The next piece; `None` when all have come, or the generation has failed.
    pub async fn next(&mut self) -> Option<Piece> {
        self.pieces.recv().await
    }

    /// The answer and its receipt. Pieces that were not read are dropped; the answer has all tokens.
    pub async fn answer(mut self) -> Result<Answer, SessionError> {
        // So that the exchange does not wait for somebody to read.
        self.pieces.close();
        self.task.await.map_err(|_| SessionError::BrokenOff)?
    }

    /// Breaks the generation off: the stream is reset, and the worker stops. The request stays open in the session, so
    /// the next one asks it again and pays for it first.
    pub fn cancel(self) {
        self.task.abort();
    }
}

impl Stream for Generation {
    type Item = Piece;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Piece>> {
        self.pieces.poll_recv(context)
    }
}
