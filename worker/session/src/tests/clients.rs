//! Clients that cheat: what each of them costs a worker, in numbers. A request of one element costs 11.

use super::{
    fake::{FakeChain, FakeExecutor},
    fixtures::{GENERATION, GENESIS, PLAIN, TERMS, client_pair, model, row, worker_pair},
    nodes::{Place as Node, Serves, client, client_config, place, worker},
};
use crate::{
    chain::ClientChain,
    client::{ClientConfig, Session},
    journal::disk::Disk,
    key::SessionPair,
    message::{Ask, Decline, RequestHead},
    request::{CheckedRequest, Sampling},
    seal::Greeting,
    types::{Balance, ModelVersion, OpenRequest, Place, SessionId, Signed, SignedReceipt, SignedVoucher},
    wire::Wire,
};
use assay_network::session::{Frame, RefusalReason, SessionRefusal};
use codec::{DecodeAll, Encode};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

const PRICE: Balance = 11;
const WAIT: Duration = Duration::from_secs(5);

/// A client that sends what it likes.
struct Rogue {
    chain: Arc<FakeChain>,
    serves: Serves,
    node: Node,
    session: SessionId,
    model: ModelVersion,
}

impl Rogue {
    async fn new(model: ModelVersion, budget: Balance, executor: FakeExecutor) -> Self {
        let chain = Arc::new(FakeChain::default());
        let serves = worker(&chain, 1, executor, Disk::default()).await;
        let node = place().await;
        let candidate = chain.ledger().candidates[0].clone();
        node.node
            .connect(candidate.peer, candidate.addresses.clone())
            .await
            .expect("connects");
        let request = OpenRequest {
            worker: candidate.worker,
            model,
            budget,
            blocks: 1_000,
            terms: TERMS,
            worker_key: candidate.offer.key,
            client_key: client_pair().public(),
        };
        let session = chain.open(request).await.expect("opens");
        Self {
            chain,
            serves,
            node,
            session,
            model,
        }
    }

    fn place(&self) -> Place {
        Place {
            genesis: GENESIS,
            session: self.session,
        }
    }

    async fn wire(&self) -> Wire {
        let peer = self.serves.place.node.peer();
        let mut stream = self.node.node.open_session(peer).await.expect("opens");
        let (greeting, hello) = Greeting::new(&worker_pair(1).public()).expect("a hello");
        stream.send(&Frame::Hello(hello)).await.expect("sends");
        let Ok(Some(Frame::Welcome(welcome))) = stream.receive(WAIT).await else {
            panic!("is not welcome");
        };
        let sealed = greeting.finish(&welcome, &worker_pair(1).public()).expect("is greeted");
        let (reader, writer) = stream.split();
        Wire { reader, writer, sealed }
    }

    fn ask(&self, sequence: u32, request: &CheckedRequest, pair: &SessionPair, paid: Option<SignedVoucher>) -> Ask {
        let head = RequestHead {
            place: self.place(),
            sequence,
            model_root: model(self.model).root,
            input_digest: request.digest,
            symbols: request.symbols.clone(),
        };
        Ask {
            head: Signed {
                signature: pair.sign(&head.message()),
                message: head,
            },
            voucher: paid,
            input: Some(request.bytes.clone()),
        }
    }

    fn voucher(&self, owed: Balance) -> SignedVoucher {
        client_pair().sign_voucher(self.place(), owed)
    }

    /// Amounts that the worker is owed and was promised, by its journal.
    async fn books(&self) -> (Balance, Balance) {
        // A voucher is written with what comes after it, or soon.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let disk = self.serves.disk.after_kill();
        let journal = crate::journal::WorkerJournal::with_backend(disk).expect("opens");
        let state = journal.state(self.session).expect("reads");
        state.map_or((0, 0), |state| (state.payee.owed, state.payee.vouchered))
    }
}

fn plain(value: i64) -> CheckedRequest {
    CheckedRequest::plain(&model(PLAIN).parts, &[row(&[value])]).expect("fits")
}

fn generation(prompt: i64, max_tokens: u32) -> CheckedRequest {
    let sampling = Sampling {
        max_tokens,
        ..Sampling::default()
    };
    CheckedRequest::generation(&model(GENERATION).parts, &[prompt], &sampling).expect("fits")
}

/// Asks, and reads up to the receipt or the refusal.
async fn asked(wire: &mut Wire, ask: &Ask) -> Result<SignedReceipt, SessionRefusal> {
    wire.send(Frame::Request, &ask.encode()).await.expect("sends");
    loop {
        match wire.receive(WAIT).await.expect("the stream holds") {
            Some(Frame::Receipt(receipt)) => {
                return Ok(SignedReceipt::decode_all(&mut receipt.as_slice()).expect("a receipt"));
            }
            Some(Frame::Refused(refusal)) => return Err(refusal),
            Some(Frame::Output(_) | Frame::Token(_)) => {}
            other => panic!("{other:?} does not belong here"),
        }
    }
}

fn declined(refused: Result<SignedReceipt, SessionRefusal>) -> Decline {
    match refused.expect_err("is refused").reason {
        RefusalReason::Declined { code } => Decline::from_code(code),
        other => panic!("{other} is no rule"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_stops_paying_has_had_one_request() {
    let rogue = Rogue::new(PLAIN, 1_000, FakeExecutor::default()).await;
    let mut wire = rogue.wire().await;
    let first = asked(&mut wire, &rogue.ask(0, &plain(1), &client_pair(), None))
        .await
        .expect("answers");
    assert_eq!(first.message.owed, PRICE);
    for paid in [None, Some(rogue.voucher(PRICE - 1))] {
        let next = asked(&mut wire, &rogue.ask(1, &plain(2), &client_pair(), paid)).await;
        assert_eq!(declined(next), Decline::NotPaid);
    }
    let again = asked(&mut wire, &rogue.ask(0, &plain(1), &client_pair(), None))
        .await
        .expect("answers");
    assert_eq!(again, first, "the same receipt, however often it is asked");
    assert_eq!(rogue.books().await, (PRICE, PRICE - 1));
    let paid = Some(rogue.voucher(PRICE));
    asked(&mut wire, &rogue.ask(1, &plain(2), &client_pair(), paid))
        .await
        .expect("it is paid");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_vouchers_and_requests_of_others_are_worth_nothing() {
    let rogue = Rogue::new(PLAIN, 1_000, FakeExecutor::default()).await;
    let mut wire = rogue.wire().await;
    let thief = SessionPair::ed25519(&[55; 32]);
    let stolen = asked(&mut wire, &rogue.ask(0, &plain(1), &thief, None)).await;
    assert_eq!(declined(stolen), Decline::NotSigned, "nobody else asks in this session");
    asked(&mut wire, &rogue.ask(0, &plain(1), &client_pair(), None))
        .await
        .expect("answers");
    let elsewhere = Place {
        genesis: GENESIS,
        session: 7,
    };
    let forged = [
        thief.sign_voucher(rogue.place(), 500),
        client_pair().sign_voucher(elsewhere, 500),
    ];
    for voucher in forged {
        let next = asked(&mut wire, &rogue.ask(1, &plain(2), &client_pair(), Some(voucher))).await;
        assert_eq!(declined(next), Decline::NotSigned);
    }
    assert_eq!(rogue.books().await, (PRICE, 0));
    let mut skipped = rogue.ask(5, &plain(2), &client_pair(), Some(rogue.voucher(PRICE)));
    assert_eq!(declined(asked(&mut wire, &skipped).await), Decline::Sequence);
    skipped.head.message.place.session = 7;
    assert_eq!(declined(asked(&mut wire, &skipped).await), Decline::NotOpen);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_gets_no_more_than_its_budget_and_a_worker_redeems_all_of_it() {
    let rogue = Rogue::new(PLAIN, 2 * PRICE, FakeExecutor::default()).await;
    let mut wire = rogue.wire().await;
    for sequence in 0..2 {
        let paid = (sequence > 0).then(|| rogue.voucher(PRICE));
        let ask = rogue.ask(sequence, &plain(1), &client_pair(), paid);
        asked(&mut wire, &ask).await.expect("answers");
    }
    let beyond = rogue.ask(2, &plain(1), &client_pair(), Some(rogue.voucher(2 * PRICE)));
    assert_eq!(declined(asked(&mut wire, &beyond).await), Decline::Budget);
    // A voucher for more than the budget is worth the budget.
    let boast = rogue.voucher(1_000_000);
    wire.send(Frame::Voucher, &boast.encode()).await.expect("sends");
    rogue.books().await;
    rogue.serves.server.look().await;
    assert_eq!(rogue.chain.ledger().redeemed(rogue.session), 2 * PRICE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_in_the_middle_is_served_three_times_and_never_something_else_under_the_number() {
    let executor = FakeExecutor {
        pause: Duration::from_millis(20),
        ..FakeExecutor::default()
    };
    let finished = executor.finished.clone();
    let rogue = Rogue::new(GENERATION, 1_000, executor).await;
    let ask = rogue.ask(0, &generation(1, 100), &client_pair(), None);
    for _ in 0..3 {
        let mut wire = rogue.wire().await;
        wire.send(Frame::Request, &ask.encode()).await.expect("sends");
        let first = wire.receive(WAIT).await.expect("the stream holds");
        assert!(matches!(first, Some(Frame::Token(_))));
        drop(wire);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let mut wire = rogue.wire().await;
    assert_eq!(declined(asked(&mut wire, &ask).await), Decline::TooManyTries);
    let other = rogue.ask(0, &generation(2, 100), &client_pair(), None);
    assert_eq!(declined(asked(&mut wire, &other).await), Decline::OtherInput);
    assert_eq!(
        finished.load(Ordering::SeqCst),
        0,
        "no execution went on without somebody who reads"
    );
    assert_eq!(rogue.books().await, (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inputs_that_lie_about_themselves_are_declined() {
    let rogue = Rogue::new(PLAIN, 1_000, FakeExecutor::default()).await;
    let mut wire = rogue.wire().await;
    let mut other = rogue.ask(0, &plain(1), &client_pair(), None);
    other.input = Some(plain(2).bytes);
    assert_eq!(declined(asked(&mut wire, &other).await), Decline::Input);
    let mut short = rogue.ask(0, &plain(1), &client_pair(), None);
    short.input = Some(vec![0; 7]);
    assert_eq!(declined(asked(&mut wire, &short).await), Decline::Input);
    let unknown = CheckedRequest {
        bytes: 5_000i64.to_le_bytes().to_vec(),
        ..plain(1)
    };
    let unknown = rogue.ask(0, &unknown, &client_pair(), None);
    assert_eq!(declined(asked(&mut wire, &unknown).await), Decline::Input);
    let huge = CheckedRequest {
        symbols: vec![u32::MAX],
        ..plain(1)
    };
    let huge = rogue.ask(0, &huge, &client_pair(), None);
    assert_eq!(declined(asked(&mut wire, &huge).await), Decline::Input);
    wire.send(Frame::Request, b"no request").await.expect("sends");
    let answer = wire.receive(WAIT).await.expect("the stream holds");
    assert!(matches!(answer, Some(Frame::Refused(refusal)) if refusal.reason == RefusalReason::Protocol));
    asked(&mut wire, &rogue.ask(0, &plain(1), &client_pair(), None))
        .await
        .expect("an honest one is answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_floods_keeps_no_other_from_being_answered() {
    let rogue = Rogue::new(PLAIN, 1_000, FakeExecutor::default()).await;
    let peer = rogue.serves.place.node.peer();
    let flooding = rogue.node.node.clone();
    let flood = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            // Streams that are kept open, and say nothing.
            if let Ok(stream) = flooding.open_session(peer).await {
                held.push(stream);
                held.truncate(2_000);
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let config = ClientConfig {
        share: 0,
        ..client_config()
    };
    let (sessions, _place) = client(&rogue.chain, config, Disk::default(), None).await;
    let session = Session::open(&sessions, PLAIN, 1_000).await.expect("opens");
    for value in 0..20 {
        let answer = session.run(&[row(&[value])]).await.expect("answers");
        assert_eq!(answer.outputs, [row(&[value + 1])]);
    }
    flood.abort();
    assert_eq!(session.spent().await, 20 * PRICE);
    assert!(
        rogue.serves.place.node.counters().refused_sessions > 0,
        "the flood was bounded"
    );
}
