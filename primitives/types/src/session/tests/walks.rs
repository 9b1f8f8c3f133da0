//! Whole sessions: both sides and the chain as state machines, any order of messages that are lost, repeated and
//! forged, and processes that die between.
//!
//! A message is a record with the name of who has signed it; a forger can sign for nobody else. Answers are taken for
//! right: what is wrong goes to the court, which has tests of its own.

use crate::session::{Begin, Payee, Payer, SessionAccount, SessionPhase, SessionState};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Price of the most expensive request.
const MAX_PRICE: u64 = 9;
const BUDGET: u64 = 40;
const MAX_BUDGET: u64 = 80;
/// Balance of the client before the session.
const FUNDS: u64 = 200;
const OPEN_BLOCKS: u64 = 30;
const CLOSING_BLOCKS: u64 = 4;
const WINDOW_BLOCKS: u64 = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signer {
    Client,
    Worker,
    Nobody,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    Request { sequence: u32, price: u64 },
    Receipt { sequence: u32, owed: u64 },
    Voucher { owed: u64 },
}

/// A message on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    by: Signer,
    message: Message,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    Honest,
    /// Never signs a voucher.
    DoesNotPay,
    /// Sends another request under the number of the latest one.
    AsksAgainForMore,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worker {
    Honest,
    /// Executes nothing before it is paid, and sends no receipt.
    Withholds,
    /// Asks for more than the price.
    Overcharges,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Ask {
        price: u64,
    },
    AskAgain,
    SendVoucherAgain,
    /// A message arrives, and may arrive again later. The process of the receiver may die before it has kept anything,
    /// or after that and before it has sent anything.
    Deliver {
        which: usize,
        dies: Dies,
    },
    Lose {
        which: usize,
    },
    Forge {
        message: Message,
    },
    TopUp {
        amount: u64,
    },
    Redeem,
    CloseByClient,
    CloseByWorker,
    Wait {
        blocks: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dies {
    No,
    BeforeKeeping,
    BeforeSending,
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        (0..6u32, 1..=MAX_PRICE).prop_map(|(sequence, price)| Message::Request { sequence, price }),
        (0..6u32, 0..=MAX_BUDGET).prop_map(|(sequence, owed)| Message::Receipt { sequence, owed }),
        (0..=2 * MAX_BUDGET).prop_map(|owed| Message::Voucher { owed }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let dies = prop_oneof![
        6 => Just(Dies::No),
        1 => Just(Dies::BeforeKeeping),
        1 => Just(Dies::BeforeSending),
    ];
    prop_oneof![
        8 => (1..=MAX_PRICE).prop_map(|price| Step::Ask { price }),
        3 => Just(Step::AskAgain),
        3 => Just(Step::SendVoucherAgain),
        24 => (any::<usize>(), dies).prop_map(|(which, dies)| Step::Deliver { which, dies }),
        3 => any::<usize>().prop_map(|which| Step::Lose { which }),
        2 => message().prop_map(|message| Step::Forge { message }),
        1 => (1..30u64).prop_map(|amount| Step::TopUp { amount }),
        2 => Just(Step::Redeem),
        1 => Just(Step::CloseByClient),
        1 => Just(Step::CloseByWorker),
        2 => (1..6u64).prop_map(|blocks| Step::Wait { blocks }),
    ]
}

fn client() -> impl Strategy<Value = Client> {
    prop_oneof![
        2 => Just(Client::Honest),
        1 => Just(Client::DoesNotPay),
        1 => Just(Client::AsksAgainForMore),
    ]
}

fn worker() -> impl Strategy<Value = Worker> {
    prop_oneof![
        2 => Just(Worker::Honest),
        1 => Just(Worker::Withholds),
        1 => Just(Worker::Overcharges),
    ]
}

/// The chain's part, by the rules of the pallet.
struct Chain {
    now: u64,
    account: SessionAccount<u64>,
    state: Option<SessionState<u64>>,
    client: u64,
    worker: u64,
}

impl Chain {
    fn phase(&self) -> SessionPhase {
        self.state.map_or(SessionPhase::Over, |state| state.phase())
    }

    fn enter(&mut self, next: Option<SessionState<u64>>) {
        let to = next.map_or(SessionPhase::Over, |state| state.phase());
        assert!(self.phase().may_become(to), "{:?} to {to:?}", self.phase());
        self.state = next;
    }

    /// Whatever is due; late steps are taken one after the other.
    fn advance(&mut self) {
        while let Some(until) = self
            .state
            .and_then(|state| state.until())
            .filter(|until| *until < self.now)
        {
            match self.phase() {
                SessionPhase::Open => self.enter(Some(SessionState::Closing {
                    until: until + CLOSING_BLOCKS,
                })),
                SessionPhase::Closing => self.settle(until),
                _ => self.enter(None),
            }
        }
    }

    fn settle(&mut self, at: u64) {
        self.client += self.account.settle();
        self.enter(Some(SessionState::Settled {
            until: at + WINDOW_BLOCKS,
        }));
    }

    fn may_redeem(&self) -> bool {
        matches!(self.phase(), SessionPhase::Open | SessionPhase::Closing)
    }

    fn redeem(&mut self, owed: u64) {
        if self.may_redeem() {
            self.worker += self.account.redeem(owed);
        }
    }

    fn held(&self) -> u64 {
        self.account.held()
    }
}

/// State that the worker keeps.
#[derive(Clone, Copy)]
struct WorkersBooks {
    side: Payee<u64>,
    /// Number, price and sum of the latest receipt.
    latest: Option<(u32, u64, u64)>,
}

struct World {
    chain: Chain,
    client: Client,
    worker: Worker,
    payer: Payer<u64>,
    books: WorkersBooks,
    wire: Vec<Sent>,
    /// Sum of the prices of all answers that the client has.
    received: u64,
    /// Sum of the prices of all requests that the worker has executed.
    executed: u64,
    /// Every receipt that the worker has signed, by its request.
    receipts: BTreeMap<u32, u64>,
}

impl World {
    fn new(client: Client, worker: Worker) -> Self {
        Self {
            chain: Chain {
                now: 0,
                account: SessionAccount::new(BUDGET),
                state: Some(SessionState::Open { until: OPEN_BLOCKS }),
                client: FUNDS - BUDGET,
                worker: 0,
            },
            client,
            worker,
            payer: Payer::new(BUDGET),
            books: WorkersBooks {
                side: Payee::new(BUDGET, 0),
                latest: None,
            },
            wire: Vec::new(),
            received: 0,
            executed: 0,
            receipts: BTreeMap::new(),
        }
    }

    fn send(&mut self, by: Signer, message: Message) {
        self.wire.push(Sent { by, message });
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Ask { price } => self.ask(price),
            Step::AskAgain => self.ask_again(),
            Step::SendVoucherAgain => self.send_voucher(),
            Step::Deliver { which, dies } => {
                if !self.wire.is_empty() {
                    let sent = self.wire[which % self.wire.len()];
                    self.deliver(sent, dies);
                }
            }
            Step::Lose { which } => {
                if !self.wire.is_empty() {
                    let which = which % self.wire.len();
                    self.wire.remove(which);
                }
            }
            Step::Forge { message } => self.send(Signer::Nobody, message),
            Step::TopUp { amount } => self.top_up(amount),
            Step::Redeem => self.chain.redeem(self.books.side.vouchered),
            Step::CloseByClient => {
                if self.chain.phase() == SessionPhase::Open {
                    let until = self.chain.now + CLOSING_BLOCKS;
                    self.chain.enter(Some(SessionState::Closing { until }));
                }
            }
            Step::CloseByWorker => {
                if self.chain.may_redeem() {
                    self.chain.redeem(self.books.side.vouchered);
                    self.chain.settle(self.chain.now);
                }
            }
            Step::Wait { blocks } => self.wait(blocks),
        }
    }

    fn ask(&mut self, price: u64) {
        if let Ok(asked) = self.payer.ask(price) {
            let sequence = asked.sequence;
            self.send(Signer::Client, Message::Request { sequence, price });
        }
    }

    fn ask_again(&mut self) {
        let Some(asked) = self.payer.asked else { return };
        let price = match self.client {
            Client::AsksAgainForMore => asked.price % MAX_PRICE + 1,
            Client::Honest | Client::DoesNotPay => asked.price,
        };
        let sequence = asked.sequence;
        self.send(Signer::Client, Message::Request { sequence, price });
    }

    fn send_voucher(&mut self) {
        if self.client != Client::DoesNotPay && self.payer.signed > 0 {
            let owed = self.payer.signed;
            self.send(Signer::Client, Message::Voucher { owed });
        }
    }

    fn deliver(&mut self, sent: Sent, dies: Dies) {
        match (sent.by, sent.message) {
            (Signer::Client, Message::Request { sequence, price }) => self.serve(sequence, price, dies),
            (Signer::Client, Message::Voucher { owed }) => {
                let mut side = self.books.side;
                if side.accept(owed) && dies != Dies::BeforeKeeping {
                    self.books.side = side;
                }
            }
            (Signer::Worker, Message::Receipt { sequence, owed }) => self.receive(sequence, owed, dies),
            // Signed by nobody, or by the one who should receive it.
            _ => {}
        }
    }

    fn serve(&mut self, sequence: u32, price: u64, dies: Dies) {
        if self.worker == Worker::Withholds || !self.chain.may_redeem() {
            return;
        }
        let mut books = self.books;
        match books.side.begin(sequence, price) {
            Ok(Begin::Execute) => {
                self.executed += price;
                let asked = match self.worker {
                    Worker::Overcharges => price + 1,
                    Worker::Honest | Worker::Withholds => price,
                };
                let owed = books.side.finish(asked);
                books.latest = Some((sequence, price, owed));
                if dies == Dies::BeforeKeeping {
                    // The work is done for nothing, and done again; that is its own loss and no more than one request.
                    self.executed -= price;
                    return;
                }
                self.books = books;
            }
            Ok(Begin::SendAgain) => {}
            Err(_) => return,
        }
        let Some((_, _, owed)) = books.latest.filter(|latest| (latest.0, latest.1) == (sequence, price)) else {
            return;
        };
        let signed = *self.receipts.entry(sequence).or_insert(owed);
        assert_eq!(signed, owed, "two receipts of one request");
        if dies == Dies::No {
            self.send(Signer::Worker, Message::Receipt { sequence, owed });
        }
    }

    fn receive(&mut self, sequence: u32, owed: u64, dies: Dies) {
        let mut side = self.payer;
        let price = side.asked.map_or(0, |asked| asked.price);
        let is_new = sequence == side.sequence;
        let Ok(signed) = side.receive(sequence, owed) else {
            return;
        };
        if dies == Dies::BeforeKeeping {
            return;
        }
        self.payer = side;
        if is_new {
            self.received += price;
        }
        if dies == Dies::No && self.client != Client::DoesNotPay {
            self.send(Signer::Client, Message::Voucher { owed: signed });
        }
    }

    fn top_up(&mut self, amount: u64) {
        let is_open = self.chain.phase() == SessionPhase::Open;
        if is_open && self.chain.client >= amount && self.chain.account.top_up(amount, MAX_BUDGET).is_some() {
            self.chain.client -= amount;
            // Both sides read the chain.
            self.payer.budget = self.chain.account.budget;
            self.books.side.budget = self.chain.account.budget;
        }
    }

    /// An honest worker is awake once in the time for its last voucher.
    fn wait(&mut self, blocks: u64) {
        for _ in 0..blocks {
            if self.worker == Worker::Honest && self.chain.phase() == SessionPhase::Closing {
                self.chain.redeem(self.books.side.vouchered);
            }
            self.chain.now += 1;
            self.chain.advance();
        }
    }

    /// Invariant after every step.
    fn check(&self) {
        let chain = &self.chain;
        assert_eq!(
            chain.client + chain.worker + chain.held(),
            FUNDS,
            "money came from nowhere, or went there"
        );
        assert!(chain.account.redeemed <= chain.account.budget);
        assert_eq!(chain.worker, chain.account.redeemed);
        assert!(
            chain.worker <= self.payer.signed,
            "the worker has more than the client has signed"
        );
        assert!(
            self.payer.signed <= self.received,
            "the client has signed for what it does not have"
        );
        assert!(self.payer.signed <= self.payer.budget);
        assert!(
            self.books.side.vouchered <= self.payer.signed,
            "a forged voucher was taken"
        );
    }

    /// Invariant at the end: the client has what it has paid for, and the worker is paid for all but one request.
    fn end(mut self) {
        self.wait(OPEN_BLOCKS + CLOSING_BLOCKS + WINDOW_BLOCKS + 3);
        self.check();
        assert_eq!(self.chain.phase(), SessionPhase::Over);
        assert_eq!(self.chain.held(), 0, "the client has its rest back");
        assert!(self.chain.worker <= self.received);
        if self.worker == Worker::Honest {
            let unpaid = self.executed - self.chain.worker;
            assert!(unpaid <= MAX_PRICE, "an honest worker has lost {unpaid}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12_000))]

    #[test]
    fn nobody_loses_more_than_one_request_and_no_money_is_lost(
        client in client(),
        worker in worker(),
        steps in prop::collection::vec(step(), 0..80),
    ) {
        let mut world = World::new(client, worker);
        for step in steps {
            world.take(step);
            world.check();
        }
        world.end();
    }

    #[test]
    fn honest_sides_finish_a_session_over_a_bad_line(losses in prop::collection::vec(any::<bool>(), 40)) {
        let mut world = World::new(Client::Honest, Worker::Honest);
        let mut losses = losses.into_iter();
        for sequence in 0..4u32 {
            world.ask(MAX_PRICE);
            // Each side sends its latest message again until the other one has moved on.
            while world.payer.sequence == sequence || world.books.side.vouchered < world.payer.signed {
                world.ask_again();
                world.send_voucher();
                for sent in std::mem::take(&mut world.wire) {
                    if !losses.next().unwrap_or(false) {
                        world.deliver(sent, Dies::No);
                    }
                }
            }
            world.check();
        }
        prop_assert_eq!(world.received, 4 * MAX_PRICE);
        prop_assert_eq!(world.books.side.vouchered, 4 * MAX_PRICE);
        world.end();
    }
}
