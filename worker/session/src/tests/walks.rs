//! Random exchanges of the two sides, in which messages are lost, repeated and overtaken, and both sides crash at any
//! point: nobody ever loses more than one request's price.

use super::fixtures::{TERMS, client_pair, contract, request, worker_pair};
use crate::{
    client::side::ClientState,
    message::RequestHead,
    request::CheckedRequest,
    server::side::{Answered, Contract, Next, WorkerState},
    types::{Balance, H256, Signed, SignedReceipt, SignedVoucher},
};
use assay_types::session::SessionAccount;

const WALKS: u64 = 60;
const EXCHANGES: u32 = 25;
const BUDGET: Balance = 100_000;
/// Elements of the largest request, and so the price that each side risks.
const MOST: u32 = 9;

/// Marsaglia's xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

#[derive(Clone)]
enum ToWorker {
    Request(Box<Signed<RequestHead>>, Option<SignedVoucher>),
    Voucher(SignedVoucher),
}

struct Walk {
    random: Random,
    contract: Contract,
    requests: Vec<CheckedRequest>,
    to_worker: Vec<ToWorker>,
    to_client: Vec<SignedReceipt>,
    /// State that the client has kept: it begins nothing before its steps are on disk.
    client: ClientState,
    worker: WorkerState,
    /// State of the worker's journal, which may lack the latest voucher.
    worker_kept: WorkerState,
    receipts: Vec<SignedReceipt>,
    account: SessionAccount<Balance>,
    /// Prices of the answers that have come in full.
    received: Balance,
    answered: u32,
    redeemed: Balance,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let contract = contract(BUDGET);
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let elements = (0..EXCHANGES).map(|_| 1 + random.below(MOST.into()) as u32);
        let requests = elements.map(request).collect();
        let worker = WorkerState::new(BUDGET, 0);
        Self {
            random,
            requests,
            to_worker: Vec::new(),
            to_client: Vec::new(),
            client: ClientState::new(&contract, vec![]),
            worker_kept: worker.clone(),
            worker,
            receipts: Vec::new(),
            account: SessionAccount::new(BUDGET),
            received: 0,
            answered: 0,
            redeemed: 0,
            contract,
        }
    }

    /// The client asks the next request, or the open one again; it may die before it sends it.
    fn ask(&mut self) {
        let head = match self.client.head(&self.contract) {
            Some(head) => head,
            None => {
                let Some(next) = self.requests.get(self.answered as usize) else {
                    return;
                };
                let step = self.client.ask(&self.contract, next).expect("the budget covers it");
                self.client = step.state;
                step.then
            }
        };
        let voucher = self.client.voucher(&self.contract, &client_pair());
        let signed = ClientState::signed(head, &client_pair());
        if !self.random.one_in(8) {
            self.to_worker.push(ToWorker::Request(Box::new(signed), voucher));
        }
    }

    /// The client sends its latest voucher, or an old one goes round again.
    fn promise(&mut self) {
        let owed = match self.random.one_in(3) {
            true => self.client.payer.signed / 2,
            false => self.client.payer.signed,
        };
        if owed > 0 {
            let voucher = client_pair().sign_voucher(self.contract.place, owed);
            self.to_worker.push(ToWorker::Voucher(voucher));
        }
    }

    /// A message comes to the worker: any of those that are under way, and it may come again.
    fn deliver_to_worker(&mut self) {
        if self.to_worker.is_empty() {
            return;
        }
        let place = self.random.below(self.to_worker.len() as u64) as usize;
        let message = match self.random.one_in(3) {
            true => self.to_worker[place].clone(),
            false => self.to_worker.swap_remove(place),
        };
        match message {
            ToWorker::Voucher(voucher) => self.take(&voucher),
            ToWorker::Request(head, voucher) => {
                if let Some(voucher) = voucher {
                    self.take(&voucher);
                }
                self.serve(&head);
            }
        }
    }

    fn take(&mut self, voucher: &SignedVoucher) {
        if let Some(step) = self
            .worker
            .voucher(&self.contract, voucher)
            .expect("the client signed it")
        {
            self.worker = step.state;
            // It is handed over to the journal, and on disk at some time.
            if self.random.one_in(2) {
                self.worker_kept = self.worker.clone();
            }
        }
    }

    fn serve(&mut self, head: &Signed<RequestHead>) {
        let asked = self
            .requests
            .iter()
            .find(|request| request.digest == head.message.input_digest);
        let asked = asked.expect("one of the client's requests").clone();
        let price = asked.price(&TERMS);
        let own = self.contract.own(head).expect("the client has signed it");
        match self.worker.ask(&own, price, u32::MAX) {
            // An old request, or one whose predecessor is not paid.
            Err(_) => {}
            Ok(Next::SendAgain(receipt)) => self.to_client.push(*receipt),
            Ok(Next::Execute(begun)) => {
                self.worker = *begun;
                if self.random.one_in(6) {
                    return self.worker_dies();
                }
                self.finish(&asked, price);
            }
        }
    }

    fn finish(&mut self, asked: &CheckedRequest, price: Balance) {
        let answered = Answered {
            output_digest: output(asked.digest),
            units: asked.units,
            price,
            block: self.random.below(1_000) as u32,
        };
        let step = self
            .worker
            .finish(&self.contract, &answered, &worker_pair(1))
            .expect("begun");
        self.worker = step.state;
        self.worker_kept = self.worker.clone();
        self.receipts.push(step.then.clone());
        // It dies after it has kept the receipt and before it has sent it, or after.
        if self.random.one_in(6) {
            self.worker_dies();
        } else {
            self.to_client.push(step.then);
        }
    }

    /// A receipt comes to the client, with the answer: any of those that are under way, and it may come again.
    fn deliver_to_client(&mut self) {
        if self.to_client.is_empty() {
            return;
        }
        let place = self.random.below(self.to_client.len() as u64) as usize;
        let receipt = match self.random.one_in(3) {
            true => self.to_client[place].clone(),
            false => self.to_client.swap_remove(place),
        };
        let output = output(receipt.message.input_digest);
        if let Ok(step) = self.client.receive(&self.contract, &receipt, output, &client_pair()) {
            // The application has the answer, and the client dies before its promise is on disk: the request is open.
            if self.random.one_in(5) {
                return;
            }
            let next = &self.requests[self.answered as usize];
            self.received += next.price(&TERMS);
            self.answered += 1;
            self.client = step.state;
            // It dies before it sends its voucher, or after.
            if !self.random.one_in(4) {
                self.to_worker.push(ToWorker::Voucher(step.then));
            }
        }
    }

    fn worker_dies(&mut self) {
        self.worker = self.worker_kept.clone();
    }

    fn redeem(&mut self) {
        if let Some(voucher) = &self.worker.voucher {
            self.redeemed += self.account.redeem(voucher.message.owed);
        }
    }

    fn step(&mut self) {
        match self.random.below(12) {
            0..=2 => self.ask(),
            3..=5 => self.deliver_to_worker(),
            6..=8 => self.deliver_to_client(),
            9 => self.promise(),
            10 => match self.random.one_in(2) {
                true => self.worker_dies(),
                false => self.lose(),
            },
            _ => self.redeem(),
        }
        self.check();
    }

    fn lose(&mut self) {
        if !self.to_worker.is_empty() {
            let place = self.random.below(self.to_worker.len() as u64) as usize;
            self.to_worker.swap_remove(place);
        }
        if !self.to_client.is_empty() {
            let place = self.random.below(self.to_client.len() as u64) as usize;
            self.to_client.swap_remove(place);
        }
    }

    fn check(&self) {
        let most = request(MOST).price(&TERMS);
        assert_eq!(
            self.client.payer.signed, self.received,
            "it promises what it has received, once"
        );
        assert!(
            self.redeemed <= self.client.payer.signed,
            "it is paid what was promised"
        );
        assert!(self.worker.payee.vouchered <= self.client.payer.signed);
        let risk = self.worker_kept.payee.owed - self.client.payer.signed.min(self.worker_kept.payee.owed);
        assert!(
            risk <= most,
            "the worker has answered for {risk} that nobody has promised"
        );
    }

    /// Everything comes in the end.
    fn end(mut self) {
        let mut rounds = 0;
        while self.answered < EXCHANGES {
            self.to_worker.clear();
            self.to_client.clear();
            self.ask();
            self.deliver_to_worker();
            self.deliver_to_client();
            self.check();
            rounds += 1;
            assert!(rounds < 10_000, "it never ends");
        }
        let last = self
            .client
            .voucher(&self.contract, &client_pair())
            .expect("something is owed");
        self.take(&last);
        self.redeem();
        let prices = self.requests.iter().map(|request| request.price(&TERMS));
        let total: Balance = prices.sum();
        assert_eq!(
            [self.client.payer.signed, self.worker.payee.owed, self.redeemed],
            [total; 3]
        );
        assert_eq!(self.account.held(), BUDGET - total);
        for (place, first) in self.receipts.iter().enumerate() {
            let mut others = self.receipts[place + 1..].iter();
            assert!(!others.any(|second| first.message.contradicts(&second.message)));
        }
    }
}

/// A function of the input, as exact arithmetic gives it.
fn output(input_digest: H256) -> H256 {
    H256(input_digest.0.map(|byte| byte.wrapping_add(1)))
}

#[test]
fn fifteen_hundred_exchanges_with_loss_repetition_and_crashes_end_with_everything_paid_once() {
    for seed in 1..=WALKS {
        let mut walk = Walk::new(seed);
        for _ in 0..250 {
            walk.step();
        }
        walk.end();
    }
}
