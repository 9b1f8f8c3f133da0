//! Workers that cheat: what each of them gets, in numbers. A request of one element costs 11.

use super::{
    fake::{FakeChain, FakeChecker, FakeExecutor, plus_one},
    fixtures::{PLAIN, account, model, row, worker_pair},
    nodes::{client, client_config, stranger, until, worker},
};
use crate::{
    SessionError,
    check::{Checker, SecondOpinion},
    client::{ClientConfig, Session, Sessions},
    journal::disk::Disk,
    message::Ask,
    request::{CheckedRequest, outputs},
    seal::SealKey,
    types::{Balance, H256, ReceiptOf, SignedReceipt},
    wire::Wire,
};
use assay_network::session::{Frame, SessionHandler, SessionStream};
use codec::{DecodeAll, Encode};
use futures::future::BoxFuture;
use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

const BUDGET: Balance = 10_000;
const PRICE: Balance = 11;
const WAIT: Duration = Duration::from_secs(20);

/// Conduct of a worker from its second request on; its first one is answered by the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Malice {
    /// It sends the answer and no receipt.
    WithholdsReceipt,
    /// It sends nothing at all.
    Stalls,
    /// Its receipts name another model: it serves other weights, and would not be bound to these.
    NamesOtherRoot,
    /// It sends the receipt of the first request again.
    Replays,
    /// It asks for more.
    AsksForMore,
    /// It signs another answer than the one it sent.
    SignsOtherAnswer,
    /// It signs a second receipt of the first request.
    SignsTwice,
    /// It sends more than the outputs have.
    SendsTooMuch,
    /// Somebody else's key signs.
    SignsWithOtherKey,
}

/// Speaks the protocol, and cheats.
struct Cheat {
    malice: Malice,
    seal: SealKey,
    first: Arc<Mutex<Option<SignedReceipt>>>,
}

impl Cheat {
    fn new(malice: Malice) -> Arc<Self> {
        Arc::new(Self {
            malice,
            seal: SealKey::generate().expect("a key"),
            first: Arc::default(),
        })
    }
}

impl SessionHandler for Cheat {
    fn serve(&self, stream: SessionStream) -> BoxFuture<'static, ()> {
        let (malice, seal, first) = (self.malice, self.seal.clone(), self.first.clone());
        Box::pin(async move {
            // It ends with its stream.
            let _ = cheat(malice, seal, first, stream).await;
        })
    }
}

async fn cheat(
    malice: Malice,
    seal: SealKey,
    first: Arc<Mutex<Option<SignedReceipt>>>,
    mut stream: SessionStream,
) -> Option<()> {
    let Some(Frame::Hello(hello)) = stream.receive(WAIT).await.ok()? else {
        return None;
    };
    let (sealed, welcome) = seal.welcome(seal.hello(&hello).ok()?, &worker_pair(1)).ok()?;
    stream.send(&Frame::Welcome(welcome)).await.ok()?;
    let (reader, writer) = stream.split();
    let mut wire = Wire { reader, writer, sealed };
    loop {
        let content = match wire.receive(WAIT).await.ok()?? {
            Frame::Request(content) => content,
            Frame::Voucher(_) => continue,
            _ => return None,
        };
        let ask = Ask::decode_all(&mut content.as_slice()).ok()?;
        let (answer, honest) = answered(&ask);
        if ask.head.message.sequence == 0 {
            let signed = worker_pair(1).sign_receipt(honest);
            wire.send_pieces(Frame::Output, &answer).await.ok()?;
            wire.send(Frame::Receipt, &signed.encode()).await.ok()?;
            *first.lock().expect("nobody panics with it") = Some(signed);
            continue;
        }
        let known = first.lock().expect("nobody panics with it").clone()?;
        let Some(receipt) = dishonest(malice, honest, known) else {
            if malice == Malice::WithholdsReceipt {
                wire.send_pieces(Frame::Output, &answer).await.ok()?;
            }
            tokio::time::sleep(WAIT).await;
            return None;
        };
        wire.send_pieces(Frame::Output, &answer).await.ok()?;
        if malice == Malice::SendsTooMuch {
            wire.send_pieces(Frame::Output, &answer).await.ok()?;
        }
        wire.send(Frame::Receipt, &receipt.encode()).await.ok()?;
    }
}

/// The right answer and the receipt for it.
fn answered(ask: &Ask) -> (Vec<u8>, ReceiptOf) {
    let (parts, head) = (model(PLAIN).parts, &ask.head.message);
    let input = ask.input.clone().expect("small");
    let request = CheckedRequest::of_bytes(&parts, head.symbols.clone(), input).expect("fits");
    let answer = plus_one(&request.inputs(&parts).expect("fits")[0]).into_bytes();
    let (_, output_digest) = outputs(&parts, &request.symbols, &answer).expect("fits");
    let receipt = ReceiptOf {
        genesis: head.place.genesis,
        session: head.place.session,
        sequence: head.sequence,
        model_root: head.model_root,
        input_digest: head.input_digest,
        output_digest,
        units: request.units,
        owed: PRICE * (Balance::from(head.sequence) + 1),
        block: 1,
    };
    (answer, receipt)
}

fn dishonest(malice: Malice, honest: ReceiptOf, first: SignedReceipt) -> Option<SignedReceipt> {
    let other = H256([66; 32]);
    let receipt = match malice {
        Malice::WithholdsReceipt | Malice::Stalls => return None,
        Malice::Replays => return Some(first),
        Malice::SignsWithOtherKey => return Some(worker_pair(9).sign_receipt(honest)),
        Malice::SendsTooMuch => honest,
        Malice::NamesOtherRoot => ReceiptOf {
            model_root: other,
            ..honest
        },
        Malice::AsksForMore => ReceiptOf {
            owed: honest.owed + 1,
            ..honest
        },
        Malice::SignsOtherAnswer => ReceiptOf {
            output_digest: other,
            ..honest
        },
        Malice::SignsTwice => ReceiptOf {
            output_digest: other,
            ..first.message
        },
    };
    Some(worker_pair(1).sign_receipt(receipt))
}

/// Two requests: the first is answered by the cheat, and the second in the end by an honest worker. Returns the chain,
/// and what was promised to the cheat.
async fn cheated(malice: Malice) -> (Arc<FakeChain>, Balance) {
    let chain = Arc::new(FakeChain::default());
    let _cheat = stranger(&chain, 1, Cheat::new(malice)).await;
    let honest = worker(&chain, 2, FakeExecutor::default(), Disk::default()).await;
    let config = ClientConfig {
        share: 0,
        next_piece: Duration::from_secs(2),
        ..client_config()
    };
    let (sessions, _place) = client(&chain, config, Disk::default(), None).await;
    let session = Session::open(&sessions, PLAIN, BUDGET).await.expect("opens");
    assert_eq!(session.worker().await, Some(account(1)));
    session.run(&[row(&[1])]).await.expect("answers");
    let answer = session.run(&[row(&[2])]).await.expect("somebody answers");
    assert_eq!(answer.outputs, [row(&[3])], "{malice:?}");
    assert_eq!((answer.worker, answer.price), (account(2), PRICE), "{malice:?}");
    assert_eq!(session.spent().await, 2 * PRICE, "{malice:?}: each answer is paid once");
    let kept = sessions.kept().expect("reads");
    let promised = kept.iter().find(|(_, state)| state.worker == account(1));
    let promised = promised.map(|(_, state)| (state.payer.signed, state.is_over));
    drop(honest);
    let (promised, is_over) = promised.expect("the session with the cheat is known");
    assert!(is_over, "{malice:?}: nothing more is promised to it");
    (chain, promised)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_withholds_the_receipt_or_stalls_after_payment_gets_nothing_for_the_request() {
    for malice in [Malice::WithholdsReceipt, Malice::Stalls] {
        let (_, promised) = cheated(malice).await;
        assert_eq!(promised, PRICE, "{malice:?}: the first request, which it has answered");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_that_say_something_else_are_not_paid() {
    for malice in [
        Malice::NamesOtherRoot,
        Malice::Replays,
        Malice::AsksForMore,
        Malice::SignsOtherAnswer,
        Malice::SendsTooMuch,
        Malice::SignsWithOtherKey,
    ] {
        let (chain, promised) = cheated(malice).await;
        assert_eq!(promised, PRICE, "{malice:?}: the first request, which it has answered");
        assert!(chain.ledger().convicted.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_signs_two_receipts_of_one_request_is_convicted() {
    let (chain, promised) = cheated(Malice::SignsTwice).await;
    assert_eq!(promised, PRICE);
    let ledger = chain.ledger();
    assert_eq!(ledger.convicted.len(), 1);
    assert_eq!(ledger.convicted[0].first.message.sequence, 0);
}

/// A client, a checker that executes, and its handle.
async fn checked(chain: &Arc<FakeChain>, share: u32) -> (Sessions, Arc<FakeChecker>, super::nodes::Place) {
    let checker = Arc::new(FakeChecker::default());
    let config = ClientConfig {
        share,
        ..client_config()
    };
    let (sessions, place) = client(chain, config, Disk::default(), Some(checker.clone())).await;
    (sessions, checker, place)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_lie_in_a_hundred_is_caught_by_sampling_and_costs_the_client_its_price() {
    let chain = Arc::new(FakeChain::default());
    let liar = FakeExecutor {
        lies_at: 100,
        ..FakeExecutor::default()
    };
    let _liar = worker(&chain, 1, liar, Disk::default()).await;
    // Three in ten are checked, and a lie is caught with that chance. The seed is fixed, and with it what is drawn.
    let (sessions, checker, _place) = checked(&chain, 3_000).await;
    let session = Session::open(&sessions, PLAIN, 1_000_000).await.expect("opens");
    let (mut answered, mut lies) = (0u32, 0u32);
    loop {
        let value = i64::from(answered % 1_000);
        match session.run(&[row(&[value])]).await {
            Ok(answer) => {
                answered += 1;
                lies += u32::from(answer.outputs != [row(&[value + 1])]);
            }
            // Nobody is left once the liar is known.
            Err(SessionError::NoWorker { .. }) => break,
            Err(error) => panic!("{error}"),
        }
        assert_eq!(sessions.check().await.expect("checks"), 0);
        assert!(answered < 5_000, "no lie was caught");
    }
    let ledger = chain.ledger();
    assert_eq!(ledger.challenged.len(), 1, "one is enough");
    let wrong = &ledger.challenged[0];
    assert_eq!((wrong.receipt.message.sequence + 1) % 100, 0, "it was a lie");
    assert_eq!(
        wrong.receipt.message.sequence + 1,
        answered,
        "nothing was asked after it"
    );
    assert_ne!(wrong.outputs, [plus_one(&wrong.inputs[0])]);
    assert_eq!(lies, answered / 100);
    let share = checker.checked.load(Ordering::SeqCst) as f64 / f64::from(answered);
    assert!(share > 0.15 && share < 0.5, "{share} of {answered} were checked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_worker_is_asked_and_the_arbiter_only_where_the_two_differ() {
    let chain = Arc::new(FakeChain::default());
    let liar = FakeExecutor {
        lies_at: 3,
        ..FakeExecutor::default()
    };
    let _liar = worker(&chain, 1, liar, Disk::default()).await;
    let _honest = worker(&chain, 2, FakeExecutor::default(), Disk::default()).await;
    let arbiter = Arc::new(FakeChecker::default());
    let second = ClientConfig {
        share: 0,
        ..client_config()
    };
    let (asking, _asking_place) = client(&chain, second, Disk::default(), None).await;
    let opinion: Arc<dyn Checker> = Arc::new(SecondOpinion::new(asking, BUDGET, arbiter.clone()));
    let (sessions, _place) = client(&chain, client_config(), Disk::default(), Some(opinion)).await;
    let session = Session::open(&sessions, PLAIN, BUDGET).await.expect("opens");
    for value in 0..3 {
        session.run(&[row(&[value])]).await.expect("answers");
        assert_eq!(sessions.check().await.expect("checks"), 0);
    }
    assert_eq!(arbiter.checked.load(Ordering::SeqCst), 2, "both answers of one request");
    {
        let ledger = chain.ledger();
        assert_eq!(ledger.challenged.len(), 1);
        assert_eq!(ledger.challenged[0].worker, account(1));
        assert_eq!(ledger.challenged[0].receipt.message.sequence, 2);
    }
    let answer = session.run(&[row(&[9])]).await.expect("the honest one answers");
    assert_eq!(answer.worker, account(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_was_due_is_made_after_a_restart() {
    let chain = Arc::new(FakeChain::default());
    let liar = FakeExecutor {
        lies_at: 1,
        ..FakeExecutor::default()
    };
    let _liar = worker(&chain, 1, liar, Disk::default()).await;
    let disk = Disk::default();
    {
        let checker = Arc::new(FakeChecker::default());
        let (sessions, _place) = client(&chain, client_config(), disk.clone(), Some(checker)).await;
        let session = Session::open(&sessions, PLAIN, BUDGET).await.expect("opens");
        session.run(&[row(&[1])]).await.expect("answers");
    }
    let checker = Arc::new(FakeChecker::default());
    let (sessions, _place) = client(&chain, client_config(), disk.after_kill(), Some(checker)).await;
    let running = sessions.clone();
    let checks = tokio::spawn(async move { running.run().await });
    until(|| chain.ledger().challenged.len() == 1).await;
    checks.abort();
    let session = Session::resume(&sessions, 0).await.expect("goes on");
    let refused = session.run(&[row(&[1])]).await;
    assert!(matches!(refused, Err(SessionError::NoWorker { .. })), "{refused:?}");
}
