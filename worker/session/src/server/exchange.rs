//! One stream of a client: greeting, requests one after the other, answers.

use super::{
    Facts, Live, PIECE_BYTES, Shared,
    side::{Answered, Next, OwnRequest, WorkerState},
};
use crate::{
    executor::{Execution, ExecutorError, MAX_WAITING_PIECES},
    journal::{JournalError, KeptRequest},
    message::{Ask, Decline},
    request::{self, CheckedRequest},
    types::{Balance, SignedReceipt, SignedVoucher},
    wire::{Content, Wire, WireError},
};
use assay_network::session::{Frame, RefusalReason, SessionRefusal, SessionStream, StreamError};
use assay_ops::tensor::Tensor;
use assay_types::{SessionKey, schema::ModelKind};
use codec::{DecodeAll, Encode};
use std::time::Duration;
use tokio::{
    sync::{SemaphorePermit, mpsc},
    time::timeout,
};

/// Time after which a client asks again whose request found no place.
const BUSY: Duration = Duration::from_millis(100);
/// Time that the client may be silent while its request is executed: for as long as it takes.
const WHILE_EXECUTING: Duration = Duration::from_secs(24 * 60 * 60);
/// Bytes of outputs that wait for their receipt and are sent with it, which takes one packet and not two.
const MAX_TOGETHER_BYTES: usize = 16 * 1024;
/// Tokens in one frame of an answer that is sent again.
const TOKENS_AT_ONCE: usize = 1024;

/// Why an exchange has no receipt.
enum End {
    /// The client is told why, and may ask something else on the same stream.
    Refuse(SessionRefusal),
    /// The stream is of no more use: it broke, the client gave up, or it broke the protocol.
    Close(WireError),
}

impl From<SessionRefusal> for End {
    fn from(refusal: SessionRefusal) -> Self {
        Self::Refuse(refusal)
    }
}

impl From<Decline> for End {
    fn from(reason: Decline) -> Self {
        Self::Refuse(reason.refusal())
    }
}

impl From<WireError> for End {
    fn from(error: WireError) -> Self {
        Self::Close(error)
    }
}

impl From<JournalError> for End {
    fn from(error: JournalError) -> Self {
        tracing::error!(%error, "promises nothing that is not kept");
        Self::Refuse(SessionRefusal::finally(RefusalReason::Failed))
    }
}

/// Subject of an answer.
struct Asked<'a> {
    facts: &'a Facts,
    ask: Ask,
    units: u64,
    price: Balance,
}

/// Serves a stream to its end.
pub(super) async fn serve(shared: &Shared, stream: SessionStream) {
    let peer = stream.peer();
    let Some((mut wire, key)) = greet(shared, stream).await else {
        return;
    };
    loop {
        let ended = match wire.receive(shared.config.idle).await {
            Ok(Some(Frame::Request(content))) => match Ask::decode_all(&mut content.as_slice()) {
                Ok(ask) => exchange(shared, &mut wire, &key, ask).await,
                Err(_) => Err(SessionRefusal::finally(RefusalReason::Protocol).into()),
            },
            Ok(Some(Frame::Voucher(content))) => {
                // Nobody waits for a word, and a refusal here would be taken for one of the next request. What is
                // good of it comes again with that.
                if voucher(shared, &content).await.is_err() {
                    tracing::debug!(%peer, "does not take a voucher");
                }
                Ok(())
            }
            Ok(Some(other)) => Err(WireError::Unexpected(other.kind()).into()),
            Ok(None) => break,
            Err(error) => Err(error.into()),
        };
        match ended {
            Ok(()) => {}
            Err(End::Refuse(refusal)) => {
                tracing::debug!(%peer, reason = %refusal.reason, "refuses a request");
                if wire.refuse(refusal).await.is_err() {
                    return;
                }
            }
            Err(End::Close(error)) => {
                tracing::debug!(%peer, %error, "a stream ends");
                return;
            }
        }
    }
    // The other side has ended it, and may be gone.
    let _ = wire.writer.close().await;
}

/// Greets a client; `None` if it does not ask for a key of this worker.
async fn greet(shared: &Shared, mut stream: SessionStream) -> Option<(Wire, SessionKey)> {
    let hello = match stream.receive(shared.config.next_frame).await {
        Ok(Some(Frame::Hello(hello))) => shared.seal.hello(&hello).ok()?,
        Ok(Some(_)) | Ok(None) | Err(_) => return None,
    };
    let key = hello.key.clone();
    let Some(pair) = shared.pair(&key) else {
        let refused = Frame::Refused(Decline::NotOpen.refusal());
        // The stream ends with this in any case.
        let _ = stream.send(&refused).await;
        return None;
    };
    let (sealed, welcome) = shared.seal.welcome(hello, pair).ok()?;
    stream.send(&Frame::Welcome(welcome)).await.ok()?;
    let (reader, writer) = stream.split();
    let wire = Wire { reader, writer, sealed };
    Some((wire, key))
}

/// Takes a voucher that comes without a request.
async fn voucher(shared: &Shared, content: &[u8]) -> Result<(), End> {
    let voucher = SignedVoucher::decode_all(&mut &*content).map_err(|_| Decline::NotSigned)?;
    let session = voucher.message.session;
    let (live, facts) = shared.live(session, false).await?;
    if !voucher.is_by(&facts.contract.client_key, facts.contract.place) {
        return Err(Decline::NotSigned.into());
    }
    let mut state = turn(shared, &live).await?;
    take(shared, &facts, &mut state, &voucher).await
}

/// Waits for the request before this one in its session.
async fn turn<'a>(shared: &Shared, live: &'a Live) -> Result<tokio::sync::MutexGuard<'a, WorkerState>, SessionRefusal> {
    let waited = timeout(shared.config.turn, live.state.lock()).await;
    waited.map_err(|_| SessionRefusal::for_now(RefusalReason::Busy, BUSY))
}

async fn take(shared: &Shared, facts: &Facts, state: &mut WorkerState, voucher: &SignedVoucher) -> Result<(), End> {
    if let Some(step) = state.voucher(&facts.contract, voucher)? {
        *state = shared.journal.keep_soon(facts.contract.place.session, step).await?;
    }
    Ok(())
}

/// Answers one request.
async fn exchange(shared: &Shared, wire: &mut Wire, key: &SessionKey, ask: Ask) -> Result<(), End> {
    let place = ask.head.message.place;
    if place.genesis != shared.genesis {
        return Err(Decline::NotOpen.into());
    }
    let (live, mut facts) = shared.live(place.session, false).await?;
    if facts.contract.worker_key != *key {
        return Err(Decline::NotSigned.into());
    }
    // Nobody but the client takes a turn in its session.
    let own = facts.contract.own(&ask.head)?;
    if !shared.config.redeem.takes_requests(&facts.record, facts.now) {
        return Err(Decline::NotOpen.into());
    }
    let priced = request::price_of(&facts.model, &facts.contract.terms, &ask.head.message.symbols);
    let (units, price) = priced.ok_or(Decline::Input)?;
    let mut state = turn(shared, &live).await?;
    if let Some(voucher) = &ask.voucher {
        take(shared, &facts, &mut state, voucher).await?;
    }
    let mut next = decide(shared, &facts, &mut state, &own, price);
    if next == Err(Decline::Budget) {
        // The client may have added to it since the chain was read.
        facts = shared.live(place.session, true).await?.1;
        next = decide(shared, &facts, &mut state, &own, price);
    }
    let next = next?;
    let asked = Asked {
        facts: &facts,
        ask,
        units,
        price,
    };
    match next {
        Next::SendAgain(receipt) => send_again(shared, wire, &asked, &receipt).await,
        Next::Execute(begun) => {
            *state = *begun;
            execute(shared, wire, &mut state, asked).await
        }
    }
}

fn decide(
    shared: &Shared,
    facts: &Facts,
    state: &mut WorkerState,
    own: &OwnRequest,
    price: Balance,
) -> Result<Next, Decline> {
    *state = state.clone().with_terms(facts.contract.budget, shared.config.credit);
    state.ask(own, price, shared.config.max_tries)
}

/// Sends an answer and its receipt again, as the journal has them.
async fn send_again(shared: &Shared, wire: &mut Wire, asked: &Asked<'_>, receipt: &SignedReceipt) -> Result<(), End> {
    let answer = shared.journal.answer(asked.facts.contract.place.session)?;
    let answer = answer.ok_or(SessionRefusal::finally(RefusalReason::Failed))?;
    // The client sends an input that is not in its request once it is told to. It is not needed again.
    if asked.facts.model.parts.kind == ModelKind::Generation {
        let prompt = prompt_bytes(asked);
        let tokens = request::tokens(answer.get(prompt..).unwrap_or_default());
        for tokens in tokens.chunks(TOKENS_AT_ONCE) {
            wire.send(Frame::Token, &tokens.encode()).await?;
        }
    } else {
        wire.send_pieces(Frame::Output, &answer).await?;
    }
    Ok(wire.send(Frame::Receipt, &receipt.encode()).await?)
}

/// Bytes of the prompt at the beginning of a generated sequence.
fn prompt_bytes(asked: &Asked<'_>) -> usize {
    let lengths = assay_types::payload::lengths(&asked.facts.model.parts);
    let length = lengths.and_then(|lengths| asked.ask.head.message.symbols.get(lengths.prompt).copied());
    length.unwrap_or_default() as usize * size_of::<i64>()
}

/// Room for the input and the answer of a request, before any of it comes.
fn room<'a>(shared: &'a Shared, asked: &Asked<'_>) -> Result<SemaphorePermit<'a>, End> {
    let (parts, config) = (&asked.facts.model.parts, &shared.config);
    let symbols = &asked.ask.head.message.symbols;
    let input = request::given_bytes(parts, symbols).map_err(|_| Decline::Input)?;
    let output = assay_types::payload::max_delivered_bytes(parts, symbols).map_err(|_| Decline::Input)?;
    let both = input.saturating_add(output);
    if input > config.max_input_bytes || output > config.max_output_bytes || both > config.max_bytes {
        return Err(Decline::TooLarge.into());
    }
    let pieces = u32::try_from(both.div_ceil(PIECE_BYTES)).map_err(|_| Decline::TooLarge)?;
    let room = shared.bytes.try_acquire_many(pieces);
    room.map_err(|_| SessionRefusal::for_now(RefusalReason::Busy, BUSY).into())
}

/// The input of a request that was begun, the outputs of its execution, and the room that both of them take.
async fn executed<'a>(
    shared: &'a Shared,
    wire: &mut Wire,
    asked: &mut Asked<'_>,
) -> Result<(CheckedRequest, Vec<Tensor>, SemaphorePermit<'a>), End> {
    let room = room(shared, asked)?;
    let request = input(shared, wire, asked).await?;
    let outputs = run(shared, wire, asked, &request).await?;
    Ok((request, outputs, room))
}

/// Executes a request that was begun, and answers it.
async fn execute(shared: &Shared, wire: &mut Wire, state: &mut WorkerState, mut asked: Asked<'_>) -> Result<(), End> {
    let (request, outputs, _room) = match executed(shared, wire, &mut asked).await {
        Ok(executed) => executed,
        Err(end) => {
            // A request that is refused frees its number. One whose client leaves keeps it.
            if matches!(end, End::Refuse(_)) {
                *state = state.give_up();
            }
            return Err(end);
        }
    };
    let parts = &asked.facts.model.parts;
    let answer = request::delivery(parts, &outputs);
    let (_, output_digest) = request::outputs(parts, &request.symbols, &answer).map_err(|error| {
        tracing::error!(%error, model = %asked.facts.contract.model, "the engine gives what the model does not");
        *state = state.give_up();
        SessionRefusal::finally(RefusalReason::Failed)
    })?;
    let answered = Answered {
        output_digest,
        units: asked.units,
        price: asked.price,
        block: asked.facts.now,
    };
    let pair = shared.pair(&asked.facts.contract.worker_key).ok_or(Decline::NotOpen)?;
    let step = state
        .finish(&asked.facts.contract, &answered, pair)
        .ok_or(Decline::Sequence)?;
    let kept = KeptRequest {
        symbols: request.symbols,
        input: request.bytes,
    };
    let session = asked.facts.contract.place.session;
    let keeping = shared.journal.keep(session, step, &kept, &answer);
    let outputs = match parts.kind {
        ModelKind::Plain => answer.as_slice(),
        ModelKind::Generation => &[],
    };
    let is_small = outputs.len() <= MAX_TOGETHER_BYTES;
    // The outputs promise nothing, so large ones need not wait for the journal. The receipt does.
    let sending = async {
        match is_small {
            true => Ok(()),
            false => wire.send_pieces(Frame::Output, outputs).await,
        }
    };
    let (kept, sent) = tokio::join!(keeping, sending);
    let (next, receipt) = kept?;
    *state = next;
    sent?;
    let mut last: Vec<Content<'_>> = Vec::new();
    if is_small && !outputs.is_empty() {
        last.push((Frame::Output, outputs));
    }
    let receipt = receipt.encode();
    last.push((Frame::Receipt, &receipt));
    Ok(wire.send_together(&last).await?)
}

/// The input of a request, checked against the model and against its digest.
async fn input(shared: &Shared, wire: &mut Wire, asked: &mut Asked<'_>) -> Result<CheckedRequest, End> {
    let (parts, head) = (&asked.facts.model.parts, &asked.ask.head.message);
    let expected = request::given_bytes(parts, &head.symbols).map_err(|_| Decline::Input)?;
    let bytes = match asked.ask.input.take() {
        Some(bytes) => bytes,
        None => {
            wire.send(Frame::Accepted, &[]).await?;
            let mut bytes = Vec::new();
            while (bytes.len() as u64) < expected {
                match wire.receive(shared.config.next_frame).await? {
                    Some(Frame::Input(piece)) if !piece.is_empty() => bytes.extend(piece),
                    Some(other) => return Err(WireError::Unexpected(other.kind()).into()),
                    None => return Err(gone().into()),
                }
            }
            bytes
        }
    };
    let request = CheckedRequest::of_bytes(parts, head.symbols.clone(), bytes).map_err(|error| {
        tracing::debug!(%error, "an input does not fit");
        Decline::Input
    })?;
    match request.digest == head.input_digest {
        true => Ok(request),
        false => Err(Decline::Input.into()),
    }
}

/// Has a request executed, and sends tokens as they come. A client that goes away cancels it.
async fn run(
    shared: &Shared,
    wire: &mut Wire,
    asked: &Asked<'_>,
    request: &CheckedRequest,
) -> Result<Vec<Tensor>, End> {
    let busy = || SessionRefusal::for_now(RefusalReason::Busy, BUSY);
    let _permit = shared.executions.try_acquire().map_err(|_| busy())?;
    let parts = &asked.facts.model.parts;
    let (tokens, mut made) = mpsc::channel(MAX_WAITING_PIECES);
    let mut running = shared.executor.execute(Execution {
        model: asked.facts.contract.model,
        root: asked.facts.contract.model_root,
        inputs: request.inputs(parts).map_err(|_| Decline::Input)?,
        tokens,
    });
    let (mut sent, mut is_making) = (Vec::new(), parts.kind == ModelKind::Generation);
    let done = loop {
        tokio::select! {
            biased;
            piece = made.recv(), if is_making => match piece {
                Some(piece) => send_tokens(wire, &mut sent, piece).await?,
                None => is_making = false,
            },
            done = &mut running => break done,
            // Nothing may come now: whatever ends the wait is the end of the stream, or a breach.
            frame = wire.receive(WHILE_EXECUTING) => return Err(match frame {
                Ok(Some(other)) => WireError::Unexpected(other.kind()).into(),
                Ok(None) => gone().into(),
                Err(error) => error.into(),
            }),
        }
    };
    let outputs = done.map_err(|error| match error {
        ExecutorError::Busy => busy(),
        ExecutorError::NoModel(_) | ExecutorError::Failed(_) => {
            tracing::warn!(%error, "does not execute a request");
            SessionRefusal::finally(RefusalReason::Failed)
        }
    })?;
    if parts.kind == ModelKind::Generation {
        while let Ok(piece) = made.try_recv() {
            send_tokens(wire, &mut sent, piece).await?;
        }
        let sequence = outputs.first().map_or(&[][..], Tensor::bytes);
        let generated = request::tokens(sequence.get(prompt_bytes(asked)..).unwrap_or_default());
        if generated != sent {
            tracing::error!("the engine sends other tokens than it generates");
            return Err(SessionRefusal::finally(RefusalReason::Failed).into());
        }
    }
    Ok(outputs)
}

async fn send_tokens(wire: &mut Wire, sent: &mut Vec<i64>, piece: Vec<i64>) -> Result<(), WireError> {
    for tokens in piece.chunks(TOKENS_AT_ONCE) {
        wire.send(Frame::Token, &tokens.encode()).await?;
    }
    sent.extend(piece);
    Ok(())
}

fn gone() -> WireError {
    WireError::Stream(StreamError::Broken {
        reason: "the client has ended the stream".to_owned(),
    })
}
