//! A chain that a test scripts: blocks, events, what goes wrong. Accounts on it are real ones, over a fake pool.
//!
//! Nothing happens by itself: a test makes blocks ([`FakeChain::author`]), replaces them ([`FakeChain::retract`]),
//! breaks connections and lets the node lie. Only the calls that daemons send have effects, and simple ones: see
//! [`Ledger`].

mod challenges;
mod ledger;
mod node;
mod state;

pub use ledger::Ledger;

use super::{
    account::Account,
    calls::Call,
    error::ChainError,
    events::Event,
    key::Key,
    pool::{Outcome, Patience, Status},
    types::*,
    view::Connect,
};
use node::FakePool;
use polkadot_sdk::{sp_crypto_hashing::blake2_256, sp_runtime::Perbill};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// A chain, with one node that everybody is connected to.
#[derive(Clone)]
pub struct FakeChain {
    world: Arc<Mutex<World>>,
    /// Counts changes.
    changes: watch::Sender<u64>,
}

/// A connection to a [`FakeChain`].
#[derive(Clone)]
pub struct FakeConnection {
    chain: FakeChain,
    number: u64,
}

/// The state after a block of a [`FakeChain`].
#[derive(Clone)]
pub struct FakeState {
    connection: FakeConnection,
    block: Arc<Block>,
}

/// Faults of the fake chain.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// The number that the node gives as that of the best block.
    pub height: Option<BlockNumber>,
    /// Requests are never answered.
    pub deaf: bool,
    /// The pool says nothing of what is handed in from now on.
    pub silent_pool: bool,
    /// The pool takes nothing.
    pub full_pool: bool,
    /// The pool does not know the block that transactions are signed at, this many times.
    pub unknown_anchors: u32,
    /// State of the node, as it says itself.
    pub health: NodeHealth,
    /// Accounts have no money for fees.
    pub broke: bool,
    /// Blocks have no transactions from the pool.
    pub empty_blocks: bool,
    /// Others fill the blocks that are made from now on, so that Assay time stands still.
    pub full_blocks: bool,
    /// Blocks that are made from now on show no events.
    pub lost_events: bool,
    /// Each transaction that is handed in makes a block.
    pub instant_seal: bool,
    /// Final blocks are this far behind the best one.
    pub finality_lag: BlockNumber,
}

#[derive(Debug)]
struct Block {
    number: BlockNumber,
    now: BlockNumber,
    hash: H256,
    events: Vec<Event>,
    transactions: Vec<Included>,
    ledger: Ledger,
}

#[derive(Clone, Debug)]
struct Included {
    transaction: Transaction,
    outcome: Outcome,
}

#[derive(Clone, Debug)]
struct Transaction {
    hash: H256,
    who: AccountId,
    nonce: u64,
    call: Call,
    tip: Balance,
    dies: BlockNumber,
}

struct World {
    genesis: H256,
    /// The best chain, by number.
    blocks: Vec<Arc<Block>>,
    finalized: BlockNumber,
    signed: BTreeMap<H256, Transaction>,
    pool: Vec<Transaction>,
    sent: Vec<Call>,
    tips: Vec<Balance>,
    /// The pool's words on the transactions that are handed in next.
    says: VecDeque<Vec<Status>>,
    faults: Faults,
    connections: u64,
    is_up: bool,
    replaced: u64,
}

impl Default for FakeChain {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeChain {
    /// A chain that has its first block alone.
    pub fn new() -> Self {
        let genesis = Block {
            number: 0,
            now: 0,
            hash: H256::repeat_byte(1),
            events: Vec::new(),
            transactions: Vec::new(),
            ledger: Ledger::default(),
        };
        let world = World {
            genesis: genesis.hash,
            blocks: vec![Arc::new(genesis)],
            finalized: 0,
            signed: BTreeMap::new(),
            pool: Vec::new(),
            sent: Vec::new(),
            tips: Vec::new(),
            says: VecDeque::new(),
            faults: Faults::default(),
            connections: 0,
            is_up: true,
            replaced: 0,
        };
        Self {
            world: Arc::new(Mutex::new(world)),
            changes: watch::Sender::new(0),
        }
    }

    /// A connection, if the node is up.
    pub fn connection(&self) -> FakeConnection {
        FakeConnection {
            chain: self.clone(),
            number: self.world().connections,
        }
    }

    /// An account on this chain that gives no tips.
    pub fn account(&self, key: &Key) -> Account {
        self.tipping(key, Perbill::zero())
    }

    /// An account on this chain that tips.
    pub fn tipping(&self, key: &Key, max_tip: Perbill) -> Account {
        let pool = FakePool {
            chain: self.clone(),
            who: key.account(),
        };
        Account::with_pool(key.account(), max_tip, pool, Patience::FAKE)
    }

    /// Changes what goes wrong.
    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.world().faults);
        self.announce();
    }

    /// Has the pool say this of the next transaction that is handed in, and then no more.
    #[cfg(test)]
    pub(in crate::chain) fn say(&self, statuses: Vec<Status>) {
        self.world().says.push_back(statuses);
    }

    /// Makes a block of what is in the pool.
    pub fn author(&self) -> BlockNumber {
        self.author_with(|_, _| {})
    }

    /// Makes a block in which this happens first, and then what is in the pool.
    pub fn author_with(&self, change: impl FnOnce(&mut Ledger, &mut Vec<Event>)) -> BlockNumber {
        let number = self.world().author(change);
        self.announce();
        number
    }

    /// Takes the last blocks off the best chain; what was in them is in the pool again.
    pub fn retract(&self, blocks: usize) {
        let mut world = self.world();
        world.replaced += 1;
        let keep = world.blocks.len().saturating_sub(blocks).max(1);
        let off = world.blocks.split_off(keep);
        let back = off.iter().flat_map(|block| &block.transactions);
        let back: Vec<Transaction> = back.map(|included| included.transaction.clone()).collect();
        world.pool.splice(0..0, back);
        drop(world);
        self.announce();
    }

    /// Throws away what is in the pool, without a word.
    pub fn empty_pool(&self) {
        self.world().pool.clear();
    }

    /// Breaks all connections, and takes no new ones until [`FakeChain::restore`].
    pub fn break_off(&self) {
        let mut world = self.world();
        world.is_up = false;
        world.connections += 1;
        drop(world);
        self.announce();
    }

    /// Takes connections again.
    pub fn restore(&self) {
        self.world().is_up = true;
    }

    /// Number of the best block.
    pub fn height(&self) -> BlockNumber {
        self.world().best().number
    }

    /// The state after the best block.
    pub fn ledger(&self) -> Ledger {
        self.world().best().ledger.clone()
    }

    /// The calls in blocks of the best chain, in order.
    pub fn included(&self) -> Vec<Call> {
        let world = self.world();
        let transactions = world.blocks.iter().flat_map(|block| &block.transactions);
        transactions.map(|included| included.transaction.call.clone()).collect()
    }

    /// The calls that were handed in, in order, again or for the first time.
    pub fn sent(&self) -> Vec<Call> {
        self.world().sent.clone()
    }

    /// The tips of what was handed in, in order.
    pub fn tips(&self) -> Vec<Balance> {
        self.world().tips.clone()
    }

    /// Number of transactions in the pool.
    pub fn waiting(&self) -> usize {
        self.world().pool.len()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        // A test that panicked while it held the lock has failed anyway.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn announce(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }
}

impl Connect for FakeChain {
    type Chain = FakeConnection;

    async fn connect(&self, _: &[String]) -> Result<FakeConnection, ChainError> {
        if !self.world().is_up {
            return Err(ChainError::NoNode {
                tried: "the fake node is down".into(),
            });
        }
        Ok(self.connection())
    }
}

impl World {
    fn best(&self) -> Arc<Block> {
        // There is always the first block.
        self.blocks[self.blocks.len() - 1].clone()
    }

    fn block(&self, number: BlockNumber) -> Option<Arc<Block>> {
        self.blocks.get(usize::try_from(number).ok()?).cloned()
    }

    fn author(&mut self, change: impl FnOnce(&mut Ledger, &mut Vec<Event>)) -> BlockNumber {
        let parent = self.best();
        let number = parent.number + 1;
        let now = parent.now + BlockNumber::from(!self.faults.full_blocks);
        let mut ledger = parent.ledger.clone();
        let mut events = Vec::new();
        change(&mut ledger, &mut events);
        let mut transactions = Vec::new();
        if !self.faults.empty_blocks {
            self.pool.sort_by_key(|transaction| transaction.nonce);
            let mut left = Vec::new();
            for transaction in std::mem::take(&mut self.pool) {
                let nonce = ledger.nonces.entry(transaction.who.clone()).or_default();
                if transaction.nonce > *nonce && transaction.dies >= number {
                    left.push(transaction);
                } else if transaction.nonce == *nonce && transaction.dies >= number {
                    *nonce += 1;
                    let outcome = ledger.apply(&transaction.who, now, &transaction.call);
                    events.extend(outcome.iter().flatten().cloned());
                    transactions.push((transaction, outcome));
                }
            }
            self.pool = left;
        }
        if self.faults.lost_events {
            events.clear();
        }
        let hash = H256(blake2_256(
            format!("{:?} {number} {}", parent.hash, self.replaced).as_bytes(),
        ));
        let transactions = transactions.into_iter().map(|(transaction, outcome)| Included {
            outcome: outcome.map(|events| super::Inclusion {
                block: hash,
                transaction: transaction.hash,
                events,
            }),
            transaction,
        });
        self.blocks.push(Arc::new(Block {
            number,
            now,
            hash,
            events,
            transactions: transactions.collect(),
            ledger,
        }));
        self.finalized = self.finalized.max(number.saturating_sub(self.faults.finality_lag));
        number
    }
}
