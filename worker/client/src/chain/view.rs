//! Needs of a daemon from the chain: traits that a connection to a node implements, and [`super::fake`] for tests.
//!
//! A call goes through an [`Account`], over whichever chain it was opened.

use super::{
    Client,
    account::Account,
    error::{ChainError, SubmitError},
    events::Event,
    key::{Key, KeyError},
    snapshot::{Constants, Snapshot},
    types::*,
};
use assay_types::{
    Announcement, ClaimId, JobId, ModelVersion, NoOffer, Page, SealStatus, SessionId, SlashId,
    dispute::{Place, Revealed},
};
use futures::stream::{self, BoxStream, StreamExt};
use polkadot_sdk::sp_runtime::{DispatchError, Perbill};
use std::{future::Future, time::Duration};

/// Source of a daemon's connections.
pub trait Connect: Send + Sync {
    /// A connection.
    type Chain: ChainView;

    /// Connects to the first of these nodes that answers.
    fn connect(&self, nodes: &[String]) -> impl Future<Output = Result<Self::Chain, ChainError>> + Send;
}

/// Real nodes, over WebSocket.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nodes;

impl Connect for Nodes {
    type Chain = Client;

    async fn connect(&self, nodes: &[String]) -> Result<Client, ChainError> {
        Client::connect(nodes).await
    }
}

/// A connection to a chain.
pub trait ChainView: Clone + Send + Sync + 'static {
    /// The state after one block.
    type State: StateView;

    /// The node's address.
    fn address(&self) -> &str;

    /// Hash of the chain's first block, which identifies it.
    fn genesis(&self) -> H256;

    /// The state after the latest finalized block.
    fn finalized(&self) -> impl Future<Output = Result<Self::State, ChainError>> + Send;

    /// The state after the block of this number on the best chain.
    fn at(&self, number: BlockNumber) -> impl Future<Output = Result<Self::State, ChainError>> + Send;

    /// Number of the best block, as the node says it.
    fn best_number(&self) -> impl Future<Output = Result<BlockNumber, ChainError>> + Send;

    /// State of the node, as it says itself.
    fn health(&self) -> impl Future<Output = Result<NodeHealth, ChainError>> + Send;

    /// Whether nothing on the chain is worth anything.
    fn is_development(&self) -> bool;

    /// The finalized blocks after this one, without gaps. The stream ends with an error, at the latest when there was
    /// no new block for as long as `patience`.
    fn blocks_after(
        &self,
        after: BlockNumber,
        patience: Duration,
    ) -> impl Future<Output = Result<BoxStream<'static, Result<Self::State, ChainError>>, ChainError>> + Send;

    /// An account that sends over this connection: `before`, if it is the same account on the same chain, which then
    /// goes on here with what is under way.
    fn account(&self, key: &Key, max_tip: Perbill, before: Option<Account>) -> Result<Account, KeyError>;
}

/// The state after one block. See [`Snapshot`] for what each method gives.
#[allow(
    missing_docs,
    reason = "the same methods as those of a snapshot, which documents them"
)]
pub trait StateView: Send + Sync + 'static {
    fn number(&self) -> BlockNumber;
    fn now(&self) -> BlockNumber;
    fn hash(&self) -> H256;
    fn constants(&self) -> Result<Constants, ChainError>;
    fn timestamp_ms(&self) -> impl Future<Output = Result<u64, ChainError>> + Send;
    fn offers(&self, version: ModelVersion) -> impl Future<Output = Result<Vec<Offer>, ChainError>> + Send;
    fn explain(&self, error: &DispatchError) -> SubmitError;
    fn events(&self) -> impl Future<Output = Result<Vec<Event>, ChainError>> + Send;
    fn job(&self, job: JobId) -> impl Future<Output = Result<Option<Job>, ChainError>> + Send;
    fn input(&self, job: JobId) -> impl Future<Output = Result<Option<Vec<u8>>, ChainError>> + Send;
    fn output(&self, job: JobId) -> impl Future<Output = Result<Option<Vec<u8>>, ChainError>> + Send;
    fn demand(&self, job: JobId) -> impl Future<Output = Result<Option<Demand>, ChainError>> + Send;
    fn bids(&self, job: JobId) -> impl Future<Output = Result<Vec<Bid>, ChainError>> + Send;
    fn jobs_of(&self, account: &AccountId) -> impl Future<Output = Result<Vec<(JobId, Job)>, ChainError>> + Send;
    fn open_jobs(&self, version: ModelVersion) -> impl Future<Output = Result<Vec<(JobId, Job)>, ChainError>> + Send;
    fn claimed_jobs(&self, after: Option<JobId>) -> impl Future<Output = Result<Page<Job>, ChainError>> + Send;
    fn seal_statuses(&self, jobs: &[JobId]) -> impl Future<Output = Result<Vec<SealStatus>, ChainError>> + Send;
    fn account(&self, account: &AccountId) -> impl Future<Output = Result<AccountData, ChainError>> + Send;
    fn worker(&self, account: &AccountId) -> impl Future<Output = Result<Option<WorkerInfo>, ChainError>> + Send;
    fn version(&self, version: ModelVersion) -> impl Future<Output = Result<Option<VersionRecord>, ChainError>> + Send;
    fn version_by_root(&self, root: H256) -> impl Future<Output = Result<Option<ModelVersion>, ChainError>> + Send;
    fn quote(
        &self,
        version: ModelVersion,
        symbols: &[u32],
        deadline_blocks: BlockNumber,
        window_blocks: BlockNumber,
    ) -> impl Future<Output = Result<Result<Quote, NoOffer>, ChainError>> + Send;
    fn audit(&self, claim: ClaimId) -> impl Future<Output = Result<Option<Audit>, ChainError>> + Send;
    fn audits_of(&self, account: &AccountId) -> impl Future<Output = Result<Vec<(ClaimId, Audit)>, ChainError>> + Send;
    fn dispute(&self, job: JobId) -> impl Future<Output = Result<Option<Dispute>, ChainError>> + Send;
    fn disputes_of(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<Vec<(JobId, Dispute)>, ChainError>> + Send;
    fn revealed(&self, job: JobId, place: Place) -> impl Future<Output = Result<Option<Revealed>, ChainError>> + Send;
    fn bond_for(&self, job: JobId) -> impl Future<Output = Result<Option<Balance>, ChainError>> + Send;
    fn awards_of(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<Vec<(SlashId, OpenAward)>, ChainError>> + Send;
    fn announcement(&self, worker: &AccountId)
    -> impl Future<Output = Result<Option<Announcement>, ChainError>> + Send;
    fn announcements(&self) -> impl Future<Output = Result<Vec<(AccountId, Announcement)>, ChainError>> + Send;
    fn session(&self, session: SessionId) -> impl Future<Output = Result<Option<Session>, ChainError>> + Send;
    fn sessions_of(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<Vec<(SessionId, Session)>, ChainError>> + Send;
    fn session_offers_of(
        &self,
        worker: &AccountId,
    ) -> impl Future<Output = Result<Vec<(ModelVersion, SessionOffer)>, ChainError>> + Send;
}

impl ChainView for Client {
    type State = Snapshot;

    fn address(&self) -> &str {
        self.url()
    }

    fn genesis(&self) -> H256 {
        Self::genesis(self)
    }

    async fn finalized(&self) -> Result<Snapshot, ChainError> {
        Self::finalized(self).await
    }

    async fn at(&self, number: BlockNumber) -> Result<Snapshot, ChainError> {
        Self::at(self, number).await
    }

    async fn best_number(&self) -> Result<BlockNumber, ChainError> {
        Self::best_number(self).await
    }

    async fn health(&self) -> Result<NodeHealth, ChainError> {
        Self::health(self).await
    }

    fn is_development(&self) -> bool {
        Self::is_development(self)
    }

    async fn blocks_after(
        &self,
        after: BlockNumber,
        patience: Duration,
    ) -> Result<BoxStream<'static, Result<Snapshot, ChainError>>, ChainError> {
        let blocks = self.blocks(Some(after)).await?;
        let stream = stream::unfold(Some(blocks), move |blocks| async move {
            let mut blocks = blocks?;
            let next = blocks.next(patience).await;
            let rest = next.is_ok().then_some(blocks);
            Some((next, rest))
        });
        Ok(stream.boxed())
    }

    fn account(&self, key: &Key, max_tip: Perbill, before: Option<Account>) -> Result<Account, KeyError> {
        match before {
            Some(account) if *account.id() == key.account() => {
                key.ensure_fit(self.is_development())?;
                account.moved(self.clone());
                Ok(account)
            }
            _ => Account::tipping(self.clone(), key.clone(), max_tip),
        }
    }
}

impl StateView for Snapshot {
    fn number(&self) -> BlockNumber {
        Self::number(self)
    }

    fn now(&self) -> BlockNumber {
        Self::now(self)
    }

    fn hash(&self) -> H256 {
        Self::hash(self)
    }

    fn constants(&self) -> Result<Constants, ChainError> {
        Self::constants(self)
    }

    async fn timestamp_ms(&self) -> Result<u64, ChainError> {
        Self::timestamp_ms(self).await
    }

    async fn offers(&self, version: ModelVersion) -> Result<Vec<Offer>, ChainError> {
        Self::offers(self, version).await
    }

    fn explain(&self, error: &DispatchError) -> SubmitError {
        Self::explain(self, error)
    }

    async fn events(&self) -> Result<Vec<Event>, ChainError> {
        Self::events(self).await
    }

    async fn job(&self, job: JobId) -> Result<Option<Job>, ChainError> {
        Self::job(self, job).await
    }

    async fn input(&self, job: JobId) -> Result<Option<Vec<u8>>, ChainError> {
        Self::input(self, job).await
    }

    async fn output(&self, job: JobId) -> Result<Option<Vec<u8>>, ChainError> {
        Self::output(self, job).await
    }

    async fn demand(&self, job: JobId) -> Result<Option<Demand>, ChainError> {
        Self::demand(self, job).await
    }

    async fn bids(&self, job: JobId) -> Result<Vec<Bid>, ChainError> {
        Self::bids(self, job).await
    }

    async fn jobs_of(&self, account: &AccountId) -> Result<Vec<(JobId, Job)>, ChainError> {
        Self::jobs_of(self, account).await
    }

    async fn open_jobs(&self, version: ModelVersion) -> Result<Vec<(JobId, Job)>, ChainError> {
        Self::open_jobs(self, version).await
    }

    async fn claimed_jobs(&self, after: Option<JobId>) -> Result<Page<Job>, ChainError> {
        Self::claimed_jobs(self, after).await
    }

    async fn seal_statuses(&self, jobs: &[JobId]) -> Result<Vec<SealStatus>, ChainError> {
        Self::seal_statuses(self, jobs).await
    }

    async fn account(&self, account: &AccountId) -> Result<AccountData, ChainError> {
        Self::account(self, account).await
    }

    async fn worker(&self, account: &AccountId) -> Result<Option<WorkerInfo>, ChainError> {
        Self::worker(self, account).await
    }

    async fn version(&self, version: ModelVersion) -> Result<Option<VersionRecord>, ChainError> {
        Self::version(self, version).await
    }

    async fn version_by_root(&self, root: H256) -> Result<Option<ModelVersion>, ChainError> {
        Self::version_by_root(self, root).await
    }

    async fn quote(
        &self,
        version: ModelVersion,
        symbols: &[u32],
        deadline_blocks: BlockNumber,
        window_blocks: BlockNumber,
    ) -> Result<Result<Quote, NoOffer>, ChainError> {
        Self::quote(self, version, symbols, deadline_blocks, window_blocks).await
    }

    async fn audit(&self, claim: ClaimId) -> Result<Option<Audit>, ChainError> {
        Self::audit(self, claim).await
    }

    async fn audits_of(&self, account: &AccountId) -> Result<Vec<(ClaimId, Audit)>, ChainError> {
        Self::audits_of(self, account).await
    }

    async fn dispute(&self, job: JobId) -> Result<Option<Dispute>, ChainError> {
        Self::dispute(self, job).await
    }

    async fn disputes_of(&self, account: &AccountId) -> Result<Vec<(JobId, Dispute)>, ChainError> {
        Self::disputes_of(self, account).await
    }

    async fn revealed(&self, job: JobId, place: Place) -> Result<Option<Revealed>, ChainError> {
        Self::revealed(self, job, place).await
    }

    async fn bond_for(&self, job: JobId) -> Result<Option<Balance>, ChainError> {
        Self::bond_for(self, job).await
    }

    async fn awards_of(&self, account: &AccountId) -> Result<Vec<(SlashId, OpenAward)>, ChainError> {
        Self::awards_of(self, account).await
    }

    async fn announcement(&self, worker: &AccountId) -> Result<Option<Announcement>, ChainError> {
        Self::announcement(self, worker).await
    }

    async fn announcements(&self) -> Result<Vec<(AccountId, Announcement)>, ChainError> {
        Self::announcements(self).await
    }

    async fn session(&self, session: SessionId) -> Result<Option<Session>, ChainError> {
        Self::session(self, session).await
    }

    async fn sessions_of(&self, account: &AccountId) -> Result<Vec<(SessionId, Session)>, ChainError> {
        Self::sessions_of(self, account).await
    }

    async fn session_offers_of(&self, worker: &AccountId) -> Result<Vec<(ModelVersion, SessionOffer)>, ChainError> {
        Self::session_offers_of(self, worker).await
    }
}
