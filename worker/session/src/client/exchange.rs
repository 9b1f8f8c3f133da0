//! One request with one worker: asked as often as it takes, verified, and paid.

use super::{
    Answer, Piece, Shared,
    link::{Link, ended, refused},
    lock,
    side::ClientState,
};
use crate::{
    chain::{Equivocation, ModelRecord},
    error::{SessionError, WorkerFault},
    journal::{JournalError, KeptCase},
    message::{Ask, Decline, MAX_INLINE_BYTES, RequestHead},
    request::{self, CheckedRequest},
    types::SignedReceipt,
    wire::{Wire, WireError},
};
use assay_network::session::{Frame, SessionRefusal, StreamError};
use assay_types::{payload::max_delivered_bytes, schema::ModelKind, session::SideError};
use codec::{DecodeAll, Encode};
use std::time::Duration;
use tokio::{sync::mpsc, time::sleep};

/// Time after which a request is asked again whose stream broke.
const AGAIN: Duration = Duration::from_millis(50);

/// Why a worker has not answered.
pub(super) enum Trouble {
    /// It is not the worker's doing.
    Ours(SessionError),
    /// Another worker is asked.
    Theirs(WorkerFault),
}

/// Why an attempt has no answer.
enum Failure {
    Ours(SessionError),
    /// The same worker may be asked again, after this time.
    Again(WorkerFault, Duration),
    Over(WorkerFault),
}

/// Events that an application was told of an answer that is being made.
pub(super) struct Told {
    listener: Option<mpsc::Sender<Piece>>,
    tokens: Vec<i64>,
}

/// An answer that has come in full, with the receipt that came with it.
struct Received {
    made: Vec<i64>,
    bytes: Vec<u8>,
    receipt: SignedReceipt,
}

impl Told {
    /// Tells this listener.
    pub fn with(listener: mpsc::Sender<Piece>) -> Self {
        Self {
            listener: Some(listener),
            tokens: Vec::new(),
        }
    }

    /// Tells nobody.
    pub fn nobody() -> Self {
        Self {
            listener: None,
            tokens: Vec::new(),
        }
    }

    /// Tells what is new in the tokens that were made so far, of which the last `new` have just come. Where they differ
    /// from those that were told before, all are told anew.
    async fn update(&mut self, made: &[i64], new: usize) {
        let first = made.len().saturating_sub(new);
        let is_same = made
            .iter()
            .zip(&self.tokens)
            .skip(first)
            .all(|(made, told)| made == told);
        if !is_same {
            self.tokens.clear();
            self.tell(Piece::Again).await;
        }
        let untold = made.get(self.tokens.len()..).unwrap_or_default().to_vec();
        if !untold.is_empty() {
            self.tokens.extend(&untold);
            self.tell(Piece::Tokens(untold)).await;
        }
    }

    /// Tells that these are all tokens.
    async fn finish(&mut self, made: &[i64]) {
        if made.len() < self.tokens.len() {
            self.tokens.clear();
            self.tell(Piece::Again).await;
            self.update(made, made.len()).await;
        }
    }

    async fn tell(&mut self, piece: Piece) {
        if let Some(listener) = &self.listener
            && listener.send(piece).await.is_err()
        {
            self.listener = None;
        }
    }
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        match error {
            // Who stalls once will do so again, and another worker is not slower than that.
            WireError::Stream(StreamError::Stall) => Self::Over(StreamError::Stall.into()),
            WireError::Stream(error @ StreamError::Broken { .. }) => Self::Again(error.into(), AGAIN),
            WireError::Stream(error @ StreamError::Protocol { .. }) => Self::Over(error.into()),
            WireError::Seal(_) => Self::Over(WorkerFault::Key),
            WireError::Unexpected(what) => Self::Over(WorkerFault::Unexpected(what)),
        }
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::Ours(error.into())
    }
}

impl Link {
    /// Has a request answered by this worker. One that was left open is answered and paid before.
    pub async fn ask(
        &mut self,
        shared: &Shared,
        model: &ModelRecord,
        request: &CheckedRequest,
        told: &mut Told,
    ) -> Result<Answer, Trouble> {
        if std::mem::replace(&mut self.is_asking, true) {
            let reloaded = self.reload(shared).await;
            reloaded.map_err(|error| Trouble::Ours(error.into()))?;
        }
        let answered = self.ask_in_turn(shared, model, request, told).await;
        // The state here may be ahead of a journal that failed.
        self.is_asking = matches!(answered, Err(Trouble::Ours(SessionError::Journal(_))));
        answered
    }

    async fn ask_in_turn(
        &mut self,
        shared: &Shared,
        model: &ModelRecord,
        request: &CheckedRequest,
        told: &mut Told,
    ) -> Result<Answer, Trouble> {
        let is_other =
            |open: &super::side::Open| (open.input_digest, &open.symbols) != (request.digest, &request.symbols);
        if let Some(open) = self.state.open.clone().filter(is_other) {
            let kept = shared.journal.open_bytes(self.session());
            let bytes = kept.map_err(|error| Trouble::Ours(error.into()))?.unwrap_or_default();
            match CheckedRequest::of_bytes(&model.parts, open.symbols, bytes) {
                Ok(left) => {
                    tracing::debug!(session = self.session(), "asks an open request again");
                    self.persist(shared, model, &left, &mut Told::nobody()).await?;
                }
                Err(error) => return Err(Trouble::Ours(error.into())),
            }
        }
        self.persist(shared, model, request, told).await
    }

    /// Asks a request until it is answered, or the worker is not asked again.
    async fn persist(
        &mut self,
        shared: &Shared,
        model: &ModelRecord,
        request: &CheckedRequest,
        told: &mut Told,
    ) -> Result<Answer, Trouble> {
        let mut asked = 0;
        loop {
            // Looked at before every attempt: a check may have ended meanwhile.
            if shared.past(self.worker()).is_out {
                return Err(Trouble::Theirs(WorkerFault::Wrong));
            }
            asked += 1;
            match self.attempt(shared, model, request, told).await {
                Ok(answer) => return Ok(answer),
                Err(Failure::Ours(error)) => return Err(Trouble::Ours(error)),
                Err(Failure::Again(fault, wait))
                    if asked < shared.config.max_asked && wait <= shared.config.max_wait =>
                {
                    tracing::debug!(session = self.session(), %fault, "asks a request again");
                    sleep(wait).await;
                }
                Err(Failure::Again(fault, _) | Failure::Over(fault)) => return Err(Trouble::Theirs(fault)),
            }
        }
    }

    async fn attempt(
        &mut self,
        shared: &Shared,
        model: &ModelRecord,
        request: &CheckedRequest,
        told: &mut Told,
    ) -> Result<Answer, Failure> {
        let mut wire = self.connect(shared).await.map_err(unconnected)?;
        let head = self.begin(shared, request).await?;
        let is_inline = request.bytes.len() <= MAX_INLINE_BYTES;
        let ask = Ask {
            voucher: self.latest_voucher(shared).await?,
            head: ClientState::signed(head, &shared.pair),
            input: is_inline.then(|| request.bytes.clone()),
        };
        wire.send(Frame::Request, &ask.encode()).await?;
        self.note_sent();
        let received = match receive(shared, model, &mut wire, request, told).await {
            Ok(received) => received,
            Err(Unanswered::Refused(refusal)) => {
                // The stream is as good as before.
                self.wire = Some(wire);
                return Err(after(&refusal));
            }
            Err(Unanswered::Failed(failure)) => return Err(failure),
        };
        told.finish(&received.made).await;
        self.pay(shared, model, wire, request, received).await
    }

    /// The head of the request, which is kept before it is sent.
    async fn begin(&mut self, shared: &Shared, request: &CheckedRequest) -> Result<RequestHead, Failure> {
        if let Some(head) = self.state.head(&self.contract) {
            return Ok(head);
        }
        let step = self.state.ask(&self.contract, request).map_err(|error| match error {
            SideError::BudgetTooSmall => Failure::Ours(SessionError::Budget {
                price: request.price(&self.contract.terms),
            }),
            error => Failure::Over(WorkerFault::Side(error)),
        })?;
        let kept = shared.journal.keep_asked(self.session(), step, &request.bytes).await?;
        let (state, head) = kept;
        self.state = state;
        Ok(head)
    }

    /// Compares an answer with its receipt, and promises its price. The voucher goes with the next request, or soon.
    async fn pay(
        &mut self,
        shared: &Shared,
        model: &ModelRecord,
        wire: Wire,
        request: &CheckedRequest,
        received: Received,
    ) -> Result<Answer, Failure> {
        let Received { made, bytes, receipt } = received;
        let answer = match model.parts.kind {
            ModelKind::Plain => bytes,
            ModelKind::Generation => sequence(request, model, &made),
        };
        let fitting = request::outputs(&model.parts, &request.symbols, &answer);
        let (outputs, digest) =
            fitting.map_err(|_| Failure::Over(WorkerFault::Unexpected("an answer that does not fit the model")))?;
        self.examine(shared, &receipt).await?;
        let step = match self.state.receive(&self.contract, &receipt, digest, &shared.pair) {
            Ok(step) => step,
            Err(fault) => {
                self.keep_evidence(shared, &receipt).await?;
                return Err(Failure::Over(WorkerFault::Receipt(fault)));
            }
        };
        let (place, sequence) = (self.contract.place, receipt.message.sequence);
        let price = request.price(&self.contract.terms);
        let is_drawn = lock(&shared.sampler).draws(place, sequence, price);
        let case = is_drawn.then(|| KeptCase {
            symbols: request.symbols.clone(),
            input: request.bytes.clone(),
            answer,
            receipt: receipt.clone(),
            is_wrong: false,
        });
        let kept = shared
            .journal
            .keep_paid(place.session, step, &receipt, case.as_ref())
            .await?;
        let (state, pending) = kept;
        self.state = state;
        let promise = self.promise(pending);
        shared.note(self.worker(), |past| past.good = past.good.saturating_add(1));
        if is_drawn {
            // The application has no answer whose check a crash may forget. Any other answer need not wait: what is
            // forgotten with its promise is that the request was paid, and so it is asked and paid again.
            promise.await?;
            shared.drawn.notify_one();
        }
        self.wire = Some(wire);
        Ok(Answer {
            outputs,
            tokens: made,
            receipt,
            worker: self.worker().clone(),
            price,
            is_drawn,
        })
    }

    /// Compares a receipt with the one of the same request that is known. Two that contradict each other go to the
    /// chain.
    async fn examine(&mut self, shared: &Shared, receipt: &SignedReceipt) -> Result<(), Failure> {
        let known = shared.journal.receipt(self.session(), receipt.message.sequence)?;
        // The signature is looked at last: it takes time, and is verified anyway before the receipt is paid.
        let known = known.filter(|known| {
            known.message.contradicts(&receipt.message) && receipt.is_by(&self.contract.worker_key, self.contract.place)
        });
        let Some(known) = known else {
            return Ok(());
        };
        shared.note(self.worker(), |past| past.is_out = true);
        let evidence = Equivocation {
            first: known,
            second: receipt.clone(),
        };
        if let Err(error) = shared.chain.convict_equivocation(evidence).await {
            tracing::error!(session = self.session(), %error, "does not show two receipts of one request");
        }
        Err(Failure::Over(WorkerFault::Equivocation))
    }

    /// Keeps a receipt that is not paid, if the session's key has signed it and none of its request is known.
    async fn keep_evidence(&self, shared: &Shared, receipt: &SignedReceipt) -> Result<(), Failure> {
        let is_known = shared
            .journal
            .receipt(self.session(), receipt.message.sequence)?
            .is_some();
        if !is_known && receipt.is_by(&self.contract.worker_key, self.contract.place) {
            shared.journal.keep_evidence(self.session(), receipt).await?;
        }
        Ok(())
    }
}

/// Why no answer came on a stream.
enum Unanswered {
    Refused(SessionRefusal),
    Failed(Failure),
}

impl From<WireError> for Unanswered {
    fn from(error: WireError) -> Self {
        Self::Failed(error.into())
    }
}

/// Receives an answer and its receipt, within the bounds that the request gives.
async fn receive(
    shared: &Shared,
    model: &ModelRecord,
    wire: &mut Wire,
    request: &CheckedRequest,
    told: &mut Told,
) -> Result<Received, Unanswered> {
    let kind = model.parts.kind;
    let most = max_delivered_bytes(&model.parts, &request.symbols).unwrap_or(0);
    let most = most.min(shared.config.max_answer_bytes) as usize;
    let (mut made, mut bytes): (Vec<i64>, Vec<u8>) = (Vec::new(), Vec::new());
    let mut is_input_sent = request.bytes.len() <= MAX_INLINE_BYTES;
    let unexpected = |what| Unanswered::Failed(Failure::Over(WorkerFault::Unexpected(what)));
    loop {
        let frame = wire.receive(shared.config.next_piece).await?;
        let Some(frame) = frame else {
            return Err(Unanswered::Failed(Failure::Again(ended(), AGAIN)));
        };
        match frame {
            Frame::Accepted(_) if !is_input_sent => {
                wire.send_pieces(Frame::Input, &request.bytes).await?;
                is_input_sent = true;
            }
            Frame::Token(content) if kind == ModelKind::Generation => {
                let tokens = Vec::<i64>::decode_all(&mut content.as_slice());
                let tokens = tokens.map_err(|_| unexpected("tokens that are none"))?;
                made.extend(&tokens);
                if made.len().saturating_mul(size_of::<i64>()) > most {
                    return Err(unexpected("more tokens than were asked for"));
                }
                told.update(&made, tokens.len()).await;
            }
            Frame::Output(content) if kind == ModelKind::Plain => {
                bytes.extend(content);
                if bytes.len() > most {
                    return Err(unexpected("more than the outputs of the model"));
                }
            }
            Frame::Receipt(content) => {
                let receipt = SignedReceipt::decode_all(&mut content.as_slice());
                let receipt = receipt.map_err(|_| unexpected("a receipt that is none"))?;
                return Ok(Received { made, bytes, receipt });
            }
            Frame::Refused(refusal) => return Err(Unanswered::Refused(refusal)),
            other => return Err(unexpected(other.kind())),
        }
    }
}

/// The bytes of a generated sequence: the prompt, and the tokens that were made.
fn sequence(request: &CheckedRequest, model: &ModelRecord, made: &[i64]) -> Vec<u8> {
    let lengths = assay_types::payload::lengths(&model.parts);
    let prompt = lengths.and_then(|lengths| request.symbols.get(lengths.prompt).copied());
    let prompt = prompt.unwrap_or_default() as usize * size_of::<i64>();
    let mut bytes = request.bytes.get(..prompt).unwrap_or_default().to_vec();
    bytes.extend(made.iter().flat_map(|token| token.to_le_bytes()));
    bytes
}

/// Meaning of a refusal for the next attempt.
fn after(refusal: &SessionRefusal) -> Failure {
    let fault = refused(refusal);
    let wait = Duration::from_millis(refusal.retry_after_ms.into());
    // The voucher goes with every request; the one before may have been overtaken.
    if matches!(fault, WorkerFault::Declined(Decline::NotPaid)) {
        return Failure::Again(fault, AGAIN);
    }
    match wait.is_zero() {
        true => Failure::Over(fault),
        false => Failure::Again(fault, wait),
    }
}

/// Meaning of a worker that cannot be reached for the next attempt.
fn unconnected(fault: WorkerFault) -> Failure {
    match fault {
        WorkerFault::Stream(StreamError::Broken { .. }) | WorkerFault::Network(_) => Failure::Again(fault, AGAIN),
        WorkerFault::Refused(_) => Failure::Again(fault, Duration::from_millis(500)),
        fault => Failure::Over(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(updates: &[&[i64]], end: &[i64]) -> Vec<Piece> {
        let (sender, mut pieces) = mpsc::channel(64);
        let mut told = Told::with(sender);
        for attempt in updates {
            let mut made = Vec::new();
            for token in *attempt {
                made.push(*token);
                told.update(&made, 1).await;
            }
        }
        told.finish(end).await;
        drop(told);
        let mut all = Vec::new();
        while let Some(piece) = pieces.recv().await {
            all.push(piece);
        }
        all
    }

    fn tokens(tokens: &[i64]) -> Piece {
        Piece::Tokens(tokens.to_vec())
    }

    #[tokio::test]
    async fn tokens_that_come_again_from_another_worker_are_told_once() {
        let pieces = told(&[&[1, 2], &[1, 2, 3]], &[1, 2, 3]).await;
        assert_eq!(pieces, [tokens(&[1]), tokens(&[2]), tokens(&[3])]);
    }

    #[tokio::test]
    async fn tokens_that_differ_take_the_place_of_those_that_were_told() {
        let pieces = told(&[&[1, 2], &[1, 5]], &[1, 5]).await;
        assert_eq!(pieces, [tokens(&[1]), tokens(&[2]), Piece::Again, tokens(&[1, 5])]);
    }

    #[tokio::test]
    async fn an_answer_that_is_shorter_takes_the_place_of_a_longer_one() {
        let pieces = told(&[&[1, 2, 3], &[1]], &[1]).await;
        assert_eq!(pieces[3..], [Piece::Again, tokens(&[1])]);
    }
}
