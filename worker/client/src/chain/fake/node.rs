//! The fake chain's node: its connections, and the pool behind accounts.

use super::{Block, FakeChain, FakeConnection, FakeState, Transaction};
use crate::chain::{
    account::{Account, Wait},
    calls::Call,
    error::{ChainError, PoolError, SubmitError},
    key::{Key, KeyError},
    pool::{Outcome, Outlook, Pool, Signed, Status, Statuses},
    tip::Tipping,
    types::*,
    view::ChainView,
};
use futures::stream::{self, BoxStream, StreamExt};
use polkadot_sdk::{sp_crypto_hashing::blake2_256, sp_runtime::Perbill};
use std::{sync::Arc, time::Duration};

/// Blocks for which a transaction is valid.
const LIFETIME_BLOCKS: BlockNumber = 16;

/// The pool, as one account sees it.
pub(super) struct FakePool {
    pub(super) chain: FakeChain,
    pub(super) who: AccountId,
}

fn broken() -> ChainError {
    ChainError::Request {
        what: "anything",
        reason: "the fake connection is broken".into(),
    }
}

impl FakeConnection {
    /// Waits for ever if the node answers nothing, and fails if the connection is broken.
    pub(super) async fn ask(&self) -> Result<(), ChainError> {
        tokio::task::yield_now().await;
        let (deaf, whole) = {
            let world = self.chain.world();
            (world.faults.deaf, world.is_up && world.connections == self.number)
        };
        if deaf {
            std::future::pending::<()>().await;
        }
        if whole { Ok(()) } else { Err(broken()) }
    }

    fn state(&self, block: Arc<Block>) -> FakeState {
        FakeState {
            connection: self.clone(),
            block,
        }
    }
}

impl ChainView for FakeConnection {
    type State = FakeState;

    fn address(&self) -> &str {
        "fake"
    }

    fn genesis(&self) -> H256 {
        self.chain.world().genesis
    }

    async fn finalized(&self) -> Result<FakeState, ChainError> {
        self.ask().await?;
        let number = self.chain.world().finalized;
        self.at(number).await
    }

    async fn at(&self, number: BlockNumber) -> Result<FakeState, ChainError> {
        self.ask().await?;
        let block = self.chain.world().block(number);
        block.map(|block| self.state(block)).ok_or_else(|| ChainError::Request {
            what: "a block",
            reason: format!("there is no block {number}"),
        })
    }

    async fn best_number(&self) -> Result<BlockNumber, ChainError> {
        self.ask().await?;
        let world = self.chain.world();
        Ok(world.faults.height.unwrap_or(world.best().number))
    }

    async fn health(&self) -> Result<NodeHealth, ChainError> {
        self.ask().await?;
        Ok(self.chain.world().faults.health)
    }

    fn is_development(&self) -> bool {
        false
    }

    async fn blocks_after(
        &self,
        after: BlockNumber,
        patience: Duration,
    ) -> Result<BoxStream<'static, Result<FakeState, ChainError>>, ChainError> {
        self.ask().await?;
        let changes = self.chain.changes.subscribe();
        let stream = stream::unfold(Some((self.clone(), changes, after)), move |open| async move {
            let (connection, mut changes, last) = open?;
            let until = tokio::time::Instant::now() + patience;
            loop {
                if let Err(error) = connection.ask().await {
                    return Some((Err(error), None));
                }
                let next = {
                    let world = connection.chain.world();
                    (world.finalized > last).then(|| world.block(last + 1)).flatten()
                };
                if let Some(block) = next {
                    let state = connection.state(block);
                    return Some((Ok(state), Some((connection, changes, last + 1))));
                }
                // Only a final block is one.
                if tokio::time::timeout_at(until, changes.changed()).await.is_err() {
                    let seconds = patience.as_secs();
                    return Some((Err(ChainError::Stalled { seconds }), None));
                }
            }
        });
        Ok(stream.boxed())
    }

    fn account(&self, key: &Key, max_tip: Perbill, before: Option<Account>) -> Result<Account, KeyError> {
        Ok(match before {
            Some(account) => {
                account.recount();
                account
            }
            None => self.chain.tipping(key, max_tip),
        })
    }
}

impl Pool for FakePool {
    async fn next_nonce(&self) -> Result<u64, ChainError> {
        self.chain.connection().ask().await?;
        let world = self.chain.world();
        let mut nonce = world.best().ledger.nonces.get(&self.who).copied().unwrap_or_default();
        while world
            .pool
            .iter()
            .any(|waiting| waiting.who == self.who && waiting.nonce == nonce)
        {
            nonce += 1;
        }
        Ok(nonce)
    }

    async fn outlook(&self, wait: Wait) -> Result<Outlook, ChainError> {
        self.chain.connection().ask().await?;
        let world = self.chain.world();
        let block = match wait {
            Wait::InBlock => Some(world.best()),
            Wait::Finalized => world.block(world.finalized),
        };
        let block = block.ok_or_else(broken)?;
        Ok(Outlook {
            number: block.number,
            now: block.now,
            nonce: block.ledger.nonces.get(&self.who).copied().unwrap_or_default(),
        })
    }

    async fn sign(&self, call: &Call, nonce: u64, tipping: &Tipping) -> Result<Signed, PoolError> {
        let asked = self.chain.connection().ask().await;
        asked.map_err(|error| PoolError::Final(SubmitError::NotSent(error.to_string())))?;
        let mut world = self.chain.world();
        let born = world.best().number;
        let tip = tipping.at(world.best().now);
        let text = format!("{:?} {nonce} {call:?} {tip} {:?}", self.who, world.best().hash);
        let bytes = text.into_bytes();
        let signed = Signed {
            hash: H256(blake2_256(&bytes)),
            bytes,
            born,
            dies: born + LIFETIME_BLOCKS,
            tip,
        };
        let transaction = Transaction {
            hash: signed.hash,
            who: self.who.clone(),
            nonce,
            call: call.clone(),
            tip,
            dies: signed.dies,
        };
        world.signed.insert(signed.hash, transaction);
        Ok(signed)
    }

    async fn submit(&self, signed: &Signed) -> Result<Statuses, PoolError> {
        let asked = self.chain.connection().ask().await;
        asked.map_err(|error| PoolError::Final(SubmitError::Unknown(error.to_string())))?;
        let seals = {
            let mut world = self.chain.world();
            if world.faults.broke {
                return Err(PoolError::Final(SubmitError::CannotPayFees));
            }
            if world.faults.full_pool {
                return Err(PoolError::Final(SubmitError::PoolFull));
            }
            if world.faults.unknown_anchors > 0 {
                world.faults.unknown_anchors -= 1;
                return Err(PoolError::Signature("Transaction has a bad signature".into()));
            }
            let Some(transaction) = world.signed.get(&signed.hash).cloned() else {
                return Err(PoolError::Final(SubmitError::Invalid("unknown transaction".into())));
            };
            let used = world.best().ledger.nonces.get(&self.who).copied().unwrap_or_default();
            if transaction.nonce < used {
                return Err(PoolError::Nonce("Transaction is outdated".into()));
            }
            let same = |waiting: &Transaction| waiting.who == self.who && waiting.nonce == transaction.nonce;
            if let Some(waiting) = world.pool.iter().find(|waiting| same(waiting))
                && waiting.tip >= transaction.tip
            {
                return Err(PoolError::Nonce("Priority is too low".into()));
            }
            world.pool.retain(|waiting| !same(waiting));
            world.sent.push(transaction.call.clone());
            world.tips.push(transaction.tip);
            world.pool.push(transaction);
            world.faults.instant_seal
        };
        let statuses = self.statuses(signed.hash);
        if seals {
            self.chain.author();
        }
        Ok(statuses)
    }

    async fn block_hash(&self, number: BlockNumber) -> Result<Option<H256>, ChainError> {
        self.chain.connection().ask().await?;
        Ok(self.chain.world().block(number).map(|block| block.hash))
    }

    async fn outcome(&self, block: H256, transactions: &[H256]) -> Result<Option<Outcome>, ChainError> {
        self.chain.connection().ask().await?;
        let world = self.chain.world();
        let block = world.blocks.iter().find(|found| found.hash == block);
        let mut included = block.into_iter().flat_map(|block| &block.transactions);
        let found = included.find(|included| transactions.contains(&included.transaction.hash));
        Ok(found.map(|included| included.outcome.clone()))
    }
}

impl FakePool {
    /// The pool's word on a transaction: that it is in a block, once it is, unless a test has it say something
    /// else.
    fn statuses(&self, hash: H256) -> Statuses {
        {
            let mut world = self.chain.world();
            if let Some(says) = world.says.pop_front() {
                return stream::iter(says).boxed();
            }
            if world.faults.silent_pool {
                return stream::pending().boxed();
            }
        }
        let changes = self.chain.changes.subscribe();
        stream::unfold(Some((self.chain.clone(), changes)), move |open| async move {
            let (chain, mut changes) = open?;
            // A pool that repeats itself at once is what daemons have to bear.
            tokio::task::yield_now().await;
            loop {
                let found = {
                    let world = chain.world();
                    let within = world.blocks.iter().find(|block| {
                        block
                            .transactions
                            .iter()
                            .any(|included| included.transaction.hash == hash)
                    });
                    within.map(|block| (block.hash, block.number <= world.finalized))
                };
                if let Some((block, is_final)) = found {
                    // Said again when there is more to say, and a transaction may be off the chain then.
                    let open = (!is_final).then_some((chain, changes));
                    return Some((Status::InBlock { block, is_final }, open));
                }
                changes.changed().await.ok()?;
            }
        })
        .boxed()
    }
}
