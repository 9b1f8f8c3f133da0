//! Queries and calls of a request to a chain: traits, and their implementation by a node.

use crate::chain::{
    Account, AccountId, BlockNumber, Blocks, Call, ChainError, Client, Event, Job, JobRequest, MarketCall, MarketEvent,
    PastCall, SubmitError, Wait,
};
use assay_types::{JobId, limits::MAX_DRAWS};
use polkadot_sdk::sp_runtime::BoundedVec;
use std::{future::Future, time::Duration};
use tokio::sync::Mutex;

/// A job that is open, with its output if that is on chain.
pub type OpenJob = (Job, Option<Vec<u8>>);

/// Queries of a request to a chain.
pub trait JobView: Send + Sync + 'static {
    /// Number of the latest finalized block.
    fn head(&self) -> impl Future<Output = Result<BlockNumber, ChainError>> + Send;

    /// The market's events of a block.
    fn events(&self, block: BlockNumber) -> impl Future<Output = Result<Vec<MarketEvent>, ChainError>> + Send;

    /// The block after this one, once it is final, and the market's events of it.
    fn next_block(
        &self,
        after: BlockNumber,
        patience: Duration,
    ) -> impl Future<Output = Result<(BlockNumber, Vec<MarketEvent>), ChainError>> + Send;

    /// A job that is open after this block, with its output if that is on chain.
    fn open_job(
        &self,
        block: BlockNumber,
        job: JobId,
    ) -> impl Future<Output = Result<Option<OpenJob>, ChainError>> + Send;

    /// The jobs of an account that are open after the latest finalized block.
    fn open_jobs(&self, client: &AccountId) -> impl Future<Output = Result<Vec<(JobId, Job)>, ChainError>> + Send;

    /// The submissions and claims among a block's transactions, which need no state of the block.
    fn past_calls(&self, block: BlockNumber) -> impl Future<Output = Result<Vec<PastCall>, ChainError>> + Send;
}

/// Calls of a request to a chain.
pub trait JobSender: JobView {
    /// The account that pays.
    fn client(&self) -> &AccountId;

    /// Submits jobs in one transaction, and gives their numbers and a block by which they are on the best chain.
    fn submit(
        &self,
        requests: Vec<JobRequest>,
    ) -> impl Future<Output = Result<(Vec<JobId>, BlockNumber), SubmitError>> + Send;

    /// Accepts results in one transaction.
    fn accept(&self, jobs: Vec<JobId>) -> impl Future<Output = Result<(), SubmitError>> + Send;
}

/// A node, read.
pub struct NodeView {
    client: Client,
    /// The blocks that are being followed, and the one given last.
    following: Mutex<Option<(BlockNumber, Blocks)>>,
}

impl NodeView {
    /// Reads this node.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            following: Mutex::new(None),
        }
    }
}

fn market(events: Vec<Event>) -> Vec<MarketEvent> {
    let of_market = events.into_iter().filter_map(|event| match event {
        Event::Market(event) => Some(event),
        _ => None,
    });
    of_market.collect()
}

impl JobView for NodeView {
    async fn head(&self) -> Result<BlockNumber, ChainError> {
        Ok(self.client.finalized().await?.number())
    }

    async fn events(&self, block: BlockNumber) -> Result<Vec<MarketEvent>, ChainError> {
        Ok(market(self.client.at(block).await?.events().await?))
    }

    async fn next_block(
        &self,
        after: BlockNumber,
        patience: Duration,
    ) -> Result<(BlockNumber, Vec<MarketEvent>), ChainError> {
        let mut following = self.following.lock().await;
        // Whoever stops waiting in the middle of a block asks for the same block again.
        let mut blocks = match following.take() {
            Some((last, blocks)) if last == after => blocks,
            _ => self.client.blocks(Some(after)).await?,
        };
        let snapshot = blocks.next(patience).await?;
        let (number, events) = (snapshot.number(), market(snapshot.events().await?));
        *following = Some((number, blocks));
        Ok((number, events))
    }

    async fn open_job(&self, block: BlockNumber, job: JobId) -> Result<Option<OpenJob>, ChainError> {
        let snapshot = self.client.at(block).await?;
        let Some(state) = snapshot.job(job).await? else {
            return Ok(None);
        };
        let output = snapshot.output(job).await?;
        Ok(Some((state, output)))
    }

    async fn open_jobs(&self, client: &AccountId) -> Result<Vec<(JobId, Job)>, ChainError> {
        let jobs = self.client.finalized().await?.jobs_of(client).await?;
        Ok(jobs.into_iter().filter(|(_, job)| job.client == *client).collect())
    }

    async fn past_calls(&self, block: BlockNumber) -> Result<Vec<PastCall>, ChainError> {
        self.client.past_calls(block).await
    }
}

/// A node that is read and sent to.
pub struct NodeSender {
    view: NodeView,
    account: Account,
}

impl NodeSender {
    /// Sends in this account's name.
    pub fn new(client: Client, account: Account) -> Self {
        Self {
            view: NodeView::new(client),
            account,
        }
    }
}

impl JobView for NodeSender {
    async fn head(&self) -> Result<BlockNumber, ChainError> {
        self.view.head().await
    }

    async fn events(&self, block: BlockNumber) -> Result<Vec<MarketEvent>, ChainError> {
        self.view.events(block).await
    }

    async fn next_block(
        &self,
        after: BlockNumber,
        patience: Duration,
    ) -> Result<(BlockNumber, Vec<MarketEvent>), ChainError> {
        self.view.next_block(after, patience).await
    }

    async fn open_job(&self, block: BlockNumber, job: JobId) -> Result<Option<OpenJob>, ChainError> {
        self.view.open_job(block, job).await
    }

    async fn open_jobs(&self, client: &AccountId) -> Result<Vec<(JobId, Job)>, ChainError> {
        self.view.open_jobs(client).await
    }

    async fn past_calls(&self, block: BlockNumber) -> Result<Vec<PastCall>, ChainError> {
        self.view.past_calls(block).await
    }
}

impl JobSender for NodeSender {
    fn client(&self) -> &AccountId {
        self.account.id()
    }

    async fn submit(&self, requests: Vec<JobRequest>) -> Result<(Vec<JobId>, BlockNumber), SubmitError> {
        let requests = BoundedVec::truncate_from(requests);
        let call = Call::Market(MarketCall::SubmitBatch { requests });
        let inclusion = self.account.send(call, Wait::InBlock).await?;
        let jobs = inclusion.events.iter().filter_map(|event| match event {
            Event::Market(MarketEvent::JobSubmitted { job, .. }) => Some(*job),
            _ => None,
        });
        // The best block is the transaction's or a later one.
        let by = self.view.client.best_number().await;
        let by = by.map_err(|error| SubmitError::Unknown(error.to_string()))?;
        Ok((jobs.collect(), by))
    }

    async fn accept(&self, jobs: Vec<JobId>) -> Result<(), SubmitError> {
        let accept = async |jobs: &[JobId]| {
            let jobs = BoundedVec::truncate_from(jobs.to_vec());
            let call = Call::Market(MarketCall::AcceptBatch { jobs });
            self.account.send(call, Wait::InBlock).await.map(drop)
        };
        match accept(&jobs).await {
            Err(error) if error.is("Market", "TooManyDraws") => {
                for part in jobs.chunks(MAX_DRAWS as usize) {
                    accept(part).await?;
                }
                Ok(())
            }
            accepted => accepted,
        }
    }
}
