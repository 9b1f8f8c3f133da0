//! The fake chain's node: what connections read, and the pool behind accounts.

use super::{Block, FakeChain, FakeConnection, FakeState, Transaction};
use crate::chain::{
    account::{Account, Wait},
    calls::Call,
    error::{ChainError, PoolError, SubmitError},
    events::Event,
    key::{Key, KeyError},
    pool::{Outcome, Outlook, Pool, Signed, Status, Statuses},
    snapshot::Constants,
    tip::Tipping,
    types::*,
    view::{ChainView, StateView},
};
use assay_types::{
    Announcement, JobId, ModelVersion, NoOffer, Page, SealStatus, SessionId, SlashId,
    dispute::{Place, Revealed},
};
use futures::stream::{self, BoxStream, StreamExt};
use polkadot_sdk::{
    sp_crypto_hashing::blake2_256,
    sp_runtime::{DispatchError, FixedU128, Perbill},
};
use std::{sync::Arc, time::Duration};

/// Blocks for which a transaction is valid.
const LIFETIME_BLOCKS: BlockNumber = 16;

/// Entries of a page of claims: so few that a test reads several.
const PAGE: u32 = 2;

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
    async fn ask(&self) -> Result<(), ChainError> {
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

impl StateView for FakeState {
    fn number(&self) -> BlockNumber {
        self.block.number
    }

    fn now(&self) -> BlockNumber {
        self.block.now
    }

    fn hash(&self) -> H256 {
        self.block.hash
    }

    fn constants(&self) -> Result<Constants, ChainError> {
        Ok(Constants {
            deadline: (10, 1_000),
            window: (10, 1_000),
            auction_phase: (5, 100),
            bid_deposit: 1_000,
            min_stake: 100,
            stake_floor: 10,
            stake_per_price: FixedU128::from_u32(10),
            existential_deposit: 1,
        })
    }

    async fn timestamp_ms(&self) -> Result<u64, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.timestamp_ms)
    }

    async fn offers(&self, version: ModelVersion) -> Result<Vec<Offer>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.offers.get(&version).cloned().unwrap_or_default())
    }

    fn explain(&self, error: &DispatchError) -> SubmitError {
        SubmitError::Dispatch(format!("{error:?}"))
    }

    async fn events(&self) -> Result<Vec<Event>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.events.clone())
    }

    async fn job(&self, job: JobId) -> Result<Option<Job>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.jobs.get(&job).cloned())
    }

    async fn input(&self, job: JobId) -> Result<Option<Vec<u8>>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.inputs.get(&job).cloned())
    }

    async fn output(&self, job: JobId) -> Result<Option<Vec<u8>>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.outputs.get(&job).cloned())
    }

    async fn demand(&self, job: JobId) -> Result<Option<Demand>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.demands.get(&job).cloned())
    }

    async fn bids(&self, job: JobId) -> Result<Vec<Bid>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.bids.get(&job).cloned().unwrap_or_default())
    }

    async fn jobs_of(&self, account: &AccountId) -> Result<Vec<(JobId, Job)>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.jobs_of(account))
    }

    async fn open_jobs(&self, version: ModelVersion) -> Result<Vec<(JobId, Job)>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.open_jobs(version))
    }

    async fn claimed_jobs(&self, after: Option<JobId>) -> Result<Page<Job>, ChainError> {
        self.connection.ask().await?;
        let claims = self.block.ledger.claimed_jobs().into_iter();
        let rest = claims.filter(|(id, _)| after.is_none_or(|after| *id > after));
        Ok(Page::of(rest, PAGE, |_, _| true))
    }

    async fn seal_statuses(&self, jobs: &[JobId]) -> Result<Vec<SealStatus>, ChainError> {
        self.connection.ask().await?;
        Ok(jobs.iter().map(|job| self.block.ledger.seal_status(*job)).collect())
    }

    async fn account(&self, account: &AccountId) -> Result<AccountData, ChainError> {
        self.connection.ask().await?;
        let money = self.block.ledger.money.get(account);
        Ok(money.cloned().unwrap_or_else(|| AccountData {
            free: Balance::from(u64::MAX),
            ..AccountData::default()
        }))
    }

    async fn worker(&self, account: &AccountId) -> Result<Option<WorkerInfo>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.workers.get(account).cloned())
    }

    async fn version(&self, version: ModelVersion) -> Result<Option<VersionRecord>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.versions.get(&version).cloned())
    }

    async fn version_by_root(&self, root: H256) -> Result<Option<ModelVersion>, ChainError> {
        self.connection.ask().await?;
        let mut versions = self.block.ledger.versions.iter();
        Ok(versions
            .find(|(_, record)| record.root == root)
            .map(|(version, _)| *version))
    }

    async fn quote(
        &self,
        version: ModelVersion,
        _: &[u32],
        _: BlockNumber,
        _: BlockNumber,
    ) -> Result<Result<Quote, NoOffer>, ChainError> {
        self.connection.ask().await?;
        let offers = self.block.ledger.offers.get(&version).into_iter().flatten();
        let first = offers.min_by_key(|offer| offer.terms.base);
        Ok(first
            .map(|offer| Quote {
                worker: offer.worker.clone(),
                price: offer.terms.base,
            })
            .ok_or(NoOffer::NoneForModel))
    }

    async fn dispute(&self, job: JobId) -> Result<Option<Dispute>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.disputes.get(&job).cloned())
    }

    async fn disputes_of(&self, account: &AccountId) -> Result<Vec<(JobId, Dispute)>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.disputes_of(account))
    }

    async fn revealed(&self, job: JobId, place: Place) -> Result<Option<Revealed>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.revealed.get(&(job, place)).cloned())
    }

    async fn bond_for(&self, job: JobId) -> Result<Option<Balance>, ChainError> {
        self.connection.ask().await?;
        let claimed = self.block.ledger.claimed_jobs();
        Ok(claimed.iter().find(|(id, _)| *id == job).map(|_| 5))
    }

    async fn awards_of(&self, account: &AccountId) -> Result<Vec<(SlashId, OpenAward)>, ChainError> {
        self.connection.ask().await?;
        let awards = self.block.ledger.awards.iter();
        let mine = awards.filter(|(_, award)| award.finders.iter().any(|finder| finder.challenger == *account));
        Ok(mine.map(|(slash, award)| (*slash, award.clone())).collect())
    }

    async fn announcement(&self, worker: &AccountId) -> Result<Option<Announcement>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.announcements.get(worker).cloned())
    }

    async fn announcements(&self) -> Result<Vec<(AccountId, Announcement)>, ChainError> {
        self.connection.ask().await?;
        let announced = self.block.ledger.announcements.iter();
        Ok(announced.map(|(who, place)| (who.clone(), place.clone())).collect())
    }

    async fn session(&self, session: SessionId) -> Result<Option<Session>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.sessions.get(&session).cloned())
    }

    async fn sessions_of(&self, account: &AccountId) -> Result<Vec<(SessionId, Session)>, ChainError> {
        self.connection.ask().await?;
        let sessions = self.block.ledger.sessions.iter();
        let mine = sessions.filter(|(_, session)| session.client == *account || session.worker == *account);
        Ok(mine.map(|(id, session)| (*id, session.clone())).collect())
    }

    async fn session_offers_of(&self, worker: &AccountId) -> Result<Vec<(ModelVersion, SessionOffer)>, ChainError> {
        self.connection.ask().await?;
        let offers = self.block.ledger.session_offers.iter();
        let mine = offers.filter(|((of, _), _)| of == worker);
        Ok(mine.map(|((_, version), offer)| (*version, offer.clone())).collect())
    }
}
