//! An exchange in which one side dies at every step, in turn, in either way, and goes on from its journal.

use super::fixtures::{TERMS, client_pair, contract, request, worker_pair};
use crate::{
    client::side::ClientState,
    journal::{ClientJournal, KeptRequest, WorkerJournal, disk::Disk},
    message::RequestHead,
    request::CheckedRequest,
    server::side::{Answered, Contract, Next, WorkerState},
    types::{Balance, H256, Signed, SignedReceipt, SignedVoucher},
};
use futures::executor::block_on;

const BUDGET: Balance = 1_000;
const REQUESTS: u32 = 3;
const ELEMENTS: u32 = 7;
const SESSION: u64 = 1;

/// The steps of an exchange, after each of which a side can die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The client has kept the request, and not sent it.
    Asked,
    /// The request is sent, and has not come.
    Sent,
    /// The worker has taken the voucher of the request before.
    VoucherTaken,
    /// The worker has executed the request, and signed nothing.
    Executed,
    /// The worker has kept the receipt, and not sent it.
    Signed,
    /// The receipt is sent, and has not come.
    ReceiptSent,
    /// The application has the answer, and the client's promise is handed over and not on disk.
    Answered,
    /// The client has kept its promise, and not sent the voucher.
    Promised,
    /// The voucher is sent, and has not come.
    VoucherSent,
    /// The worker has taken the voucher.
    Paid,
}

const STAGES: [Stage; 10] = [
    Stage::Asked,
    Stage::Sent,
    Stage::VoucherTaken,
    Stage::Executed,
    Stage::Signed,
    Stage::ReceiptSent,
    Stage::Answered,
    Stage::Promised,
    Stage::VoucherSent,
    Stage::Paid,
];

/// Party that dies, and the manner.
#[derive(Clone, Copy, Debug)]
enum Death {
    ClientIsKilled,
    ClientLosesPower,
    WorkerIsKilled,
    WorkerLosesPower,
    BothLosePower,
}

const DEATHS: [Death; 5] = [
    Death::ClientIsKilled,
    Death::ClientLosesPower,
    Death::WorkerIsKilled,
    Death::WorkerLosesPower,
    Death::BothLosePower,
];

struct World {
    contract: Contract,
    request: CheckedRequest,
    client_disk: Disk,
    worker_disk: Disk,
    client: ClientJournal,
    worker: WorkerJournal,
    client_state: ClientState,
    worker_state: WorkerState,
    /// Every receipt that ever left the worker.
    receipts: Vec<SignedReceipt>,
    executed: u32,
    answered: u32,
}

/// Death of a party, at a stage of a request.
type Plan = Option<(u32, Stage, Death)>;

/// The exchange was cut off.
struct Died;

impl World {
    fn new() -> Self {
        let (client_disk, worker_disk) = (Disk::default(), Disk::default());
        let contract = contract(BUDGET);
        let world = Self {
            client: ClientJournal::with_backend(client_disk.clone()).expect("opens"),
            worker: WorkerJournal::with_backend(worker_disk.clone()).expect("opens"),
            client_state: ClientState::new(&contract, vec![]),
            worker_state: WorkerState::new(BUDGET, 0),
            request: request(ELEMENTS),
            contract,
            client_disk,
            worker_disk,
            receipts: Vec::new(),
            executed: 0,
            answered: 0,
        };
        block_on(world.client.begin(SESSION, &world.client_state)).expect("keeps");
        world
    }

    fn die(&mut self, death: Death) {
        let (client, worker) = match death {
            Death::ClientIsKilled => (Some(self.client_disk.after_kill()), None),
            Death::ClientLosesPower => (Some(self.client_disk.after_power_failure()), None),
            Death::WorkerIsKilled => (None, Some(self.worker_disk.after_kill())),
            Death::WorkerLosesPower => (None, Some(self.worker_disk.after_power_failure())),
            Death::BothLosePower => (
                Some(self.client_disk.after_power_failure()),
                Some(self.worker_disk.after_power_failure()),
            ),
        };
        if let Some(disk) = client {
            self.client_disk = disk.clone();
            self.client = ClientJournal::with_backend(disk).expect("opens again");
            self.client_state = self.client.state(SESSION).expect("reads").expect("it has begun");
            assert_eq!(
                self.client_state.open.is_some(),
                self.client.open_bytes(SESSION).expect("reads").is_some()
            );
        }
        if let Some(disk) = worker {
            self.worker_disk = disk.clone();
            self.worker = WorkerJournal::with_backend(disk).expect("opens again");
            let state = self.worker.state(SESSION).expect("reads");
            self.worker_state = state.unwrap_or_else(|| WorkerState::new(BUDGET, 0));
        }
    }

    fn reach(&mut self, stage: Stage, plan: &mut Plan) -> Result<(), Died> {
        match *plan {
            Some((number, at, death)) if number == self.answered && at == stage => {
                *plan = None;
                self.die(death);
                Err(Died)
            }
            _ => Ok(()),
        }
    }

    fn exchange(&mut self, plan: &mut Plan) -> Result<(), Died> {
        let head = match self.client_state.head(&self.contract) {
            Some(head) => {
                let input = self
                    .client
                    .open_bytes(SESSION)
                    .expect("reads")
                    .expect("kept with its request");
                assert_eq!(input, self.request.bytes);
                head
            }
            None => {
                let step = self
                    .client_state
                    .ask(&self.contract, &self.request)
                    .expect("the budget covers it");
                let kept = block_on(self.client.keep_asked(SESSION, step, &self.request.bytes));
                let (state, head) = kept.expect("keeps");
                self.client_state = state;
                head
            }
        };
        self.reach(Stage::Asked, plan)?;
        let voucher = self.client_state.voucher(&self.contract, &client_pair());
        let head = ClientState::signed(head, &client_pair());
        self.reach(Stage::Sent, plan)?;
        let receipt = self.serve(&head, voucher, plan)?;
        self.reach(Stage::ReceiptSent, plan)?;
        let step = self
            .client_state
            .receive(&self.contract, &receipt, output(), &client_pair());
        let step = step.expect("it says what is expected");
        // A client that dies while its promise is being kept finds what was on disk before.
        let before = self.client_disk.after_kill();
        let kept = block_on(self.client.keep_paid(SESSION, step, &receipt, None)).expect("hands over");
        let (state, pending) = kept;
        self.client_state = state;
        let after = std::mem::replace(&mut self.client_disk, before);
        let reached = self.reach(Stage::Answered, plan);
        if self.client_state.open.is_some() {
            // It has died, and asks again.
            return reached;
        }
        self.client_disk = after;
        let voucher = block_on(pending.wait()).expect("keeps");
        self.answered += 1;
        reached?;
        // The request is over for the client: what happens to the voucher is made good by the next one.
        let _ = self.promised(voucher, plan);
        Ok(())
    }

    fn promised(&mut self, voucher: SignedVoucher, plan: &mut Plan) -> Result<(), Died> {
        // These stages belong to the request that was just answered.
        if let Some((number, ..)) = plan {
            *number += 1;
        }
        let reached = self
            .reach(Stage::Promised, plan)
            .and_then(|()| self.reach(Stage::VoucherSent, plan))
            .and_then(|()| {
                self.take(&voucher);
                self.reach(Stage::Paid, plan)
            });
        if let Some((number, ..)) = plan {
            *number -= 1;
        }
        reached
    }

    fn take(&mut self, voucher: &SignedVoucher) {
        if let Some(step) = self.worker_state.voucher(&self.contract, voucher).expect("signed") {
            self.worker_state = block_on(self.worker.keep_soon(SESSION, step)).expect("hands over");
        }
    }

    fn serve(
        &mut self,
        head: &Signed<RequestHead>,
        voucher: Option<SignedVoucher>,
        plan: &mut Plan,
    ) -> Result<SignedReceipt, Died> {
        if let Some(voucher) = voucher {
            self.take(&voucher);
        }
        self.reach(Stage::VoucherTaken, plan)?;
        let price = self.request.price(&TERMS);
        let own = self.contract.own(head).expect("the client has signed it");
        let next = self.worker_state.ask(&own, price, 9).expect("it is the next one");
        let begun = match next {
            Next::SendAgain(receipt) => {
                assert_eq!(self.worker.answer(SESSION).expect("reads"), Some(vec![7; 4]));
                return Ok(*receipt);
            }
            Next::Execute(begun) => *begun,
        };
        self.worker_state = begun;
        self.executed += 1;
        self.reach(Stage::Executed, plan)?;
        let answered = Answered {
            output_digest: output(),
            units: self.request.units,
            price,
            block: self.executed,
        };
        let step = self
            .worker_state
            .finish(&self.contract, &answered, &worker_pair(1))
            .expect("begun");
        let request = KeptRequest {
            symbols: self.request.symbols.clone(),
            input: self.request.bytes.clone(),
        };
        let kept = block_on(self.worker.keep(SESSION, step, &request, &[7; 4])).expect("keeps");
        let (state, receipt) = kept;
        self.worker_state = state;
        self.receipts.push(receipt.clone());
        self.reach(Stage::Signed, plan)?;
        Ok(receipt)
    }
}

fn output() -> H256 {
    H256([9; 32])
}

fn story(plan: Plan) {
    let price = request(ELEMENTS).price(&TERMS);
    let (mut world, mut left) = (World::new(), plan);
    while world.answered < REQUESTS {
        let _ = world.exchange(&mut left);
        let unpaid = world.worker_state.payee.owed - world.worker_state.payee.vouchered;
        assert!(unpaid <= price, "{plan:?}: the worker risks {unpaid}");
        let answered = Balance::from(world.answered) * price;
        assert_eq!(world.client_state.payer.signed, answered, "{plan:?}");
    }
    assert!(left.is_none(), "{plan:?} was not reached");
    // The last voucher again, as at the close.
    let voucher = world
        .client_state
        .voucher(&world.contract, &client_pair())
        .expect("something is owed");
    world.take(&voucher);
    let total = Balance::from(REQUESTS) * price;
    assert_eq!(world.worker_state.payee.owed, total, "{plan:?}");
    assert_eq!(
        world.worker_state.voucher.as_ref().map(|voucher| voucher.message.owed),
        Some(total)
    );
    for (place, first) in world.receipts.iter().enumerate() {
        for second in &world.receipts[place + 1..] {
            assert!(!first.message.contradicts(&second.message), "{plan:?}");
        }
    }
    for sequence in 0..REQUESTS {
        let ours = world.client.receipt(SESSION, sequence).expect("reads").expect("kept");
        let theirs = world.worker.receipt(SESSION, sequence).expect("reads").expect("kept");
        assert!(!ours.message.contradicts(&theirs.message));
        let request = world.worker.request(SESSION, sequence).expect("reads").expect("kept");
        assert_eq!(request.input, world.request.bytes, "a defence has its input");
    }
}

#[test]
fn money_and_receipts_are_right_whoever_dies_at_whatever_step() {
    story(None);
    for stage in STAGES {
        for death in DEATHS {
            story(Some((1, stage, death)));
        }
    }
}

#[test]
fn a_death_at_the_first_request_loses_nothing_either() {
    for stage in STAGES {
        story(Some((0, stage, Death::BothLosePower)));
    }
}
