//! A chain for tests: blocks that are made when they are asked for, a worker that claims at once, and faults on demand.

use super::chain::{JobSender, JobView, OpenJob};
use crate::chain::{
    AccountId, BlockNumber, ChainError, H256, Job, JobRequest, JobState, MarketEvent, PastCall, SubmitError,
};
use assay_types::{Assignment, CloseReason, JobId, JobInput};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

/// Blocks from a claim to its settlement.
pub(super) const WINDOW: BlockNumber = 5;

/// Fate of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is in a block, and its sender is told.
    Included,
    /// It is in a block, and its sender is not told.
    Unheard,
    /// It is in no block, and its sender is not told.
    Dropped,
    /// The pool takes no more.
    PoolFull,
    /// It never ends.
    Silent,
}

/// A handle on the chain.
#[derive(Clone)]
pub(super) struct FakeChain {
    client: AccountId,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(super) struct State {
    /// The events of each block from the first one on.
    pub(super) blocks: Vec<Vec<MarketEvent>>,
    calls: BTreeMap<BlockNumber, Vec<PastCall>>,
    jobs: BTreeMap<JobId, Job>,
    /// Fates of the next submissions; included when there is none.
    pub(super) fates: VecDeque<Fate>,
    /// Blocks up to this one have no state.
    pub(super) pruned: BlockNumber,
    /// Digests of the jobs that were submitted and included, in order.
    pub(super) submitted: Vec<H256>,
    pub(super) accepted: Vec<JobId>,
    /// Whether workers claim what they have.
    pub(super) idle: bool,
}

impl FakeChain {
    pub(super) fn new(client: AccountId) -> Self {
        let state = State {
            blocks: vec![Vec::new()],
            ..Default::default()
        };
        Self {
            client,
            state: Arc::new(Mutex::new(state)),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the lock")
    }

    /// Makes this many blocks.
    pub(super) fn pass(&self, blocks: usize) {
        (0..blocks).for_each(|_| self.state().make_block());
    }

    /// Forgets the state of all blocks but the latest so many.
    pub(super) fn prune(&self, kept: BlockNumber) {
        let mut state = self.state();
        state.pruned = state.head().saturating_sub(kept);
    }
}

/// The digest that stands for an input here.
pub(super) fn digest_of(request: &JobRequest) -> H256 {
    match &request.input {
        JobInput::Digest { digest, .. } => *digest,
        JobInput::Inline(payload) => H256::repeat_byte(payload.bytes[0]),
    }
}

pub(super) fn worker() -> AccountId {
    AccountId::new([9; 32])
}

impl State {
    pub(super) fn head(&self) -> BlockNumber {
        self.blocks.len() as BlockNumber - 1
    }

    fn include(&mut self, client: &AccountId, requests: &[JobRequest]) -> Vec<JobId> {
        let block = self.head() + 1;
        let mut events = Vec::new();
        let mut numbers = Vec::new();
        for request in requests {
            let (job, digest) = (self.submitted.len() as JobId, digest_of(request));
            self.submitted.push(digest);
            numbers.push(job);
            let deadline = block + request.deadline_blocks;
            events.push(MarketEvent::JobSubmitted {
                job,
                client: client.clone(),
                model: request.model,
                input_digest: digest,
                ceiling: request.ceiling,
            });
            events.push(MarketEvent::JobAssigned {
                job,
                worker: worker(),
                price: request.ceiling,
                deadline,
            });
            self.jobs.insert(job, open(client, request, digest, block, deadline));
        }
        self.calls.entry(block).or_default().push(PastCall::Submit {
            client: client.clone(),
            requests: requests.to_vec(),
        });
        self.blocks.push(events);
        numbers
    }

    fn make_block(&mut self) {
        let block = self.head() + 1;
        let (mut events, mut claims) = (Vec::new(), Vec::new());
        let jobs: Vec<JobId> = self.jobs.keys().copied().filter(|_| !self.idle).collect();
        for number in jobs {
            let Some(job) = self.jobs.get_mut(&number) else {
                continue;
            };
            match job.state.clone() {
                JobState::Assigned { assignment, .. } => {
                    let (output, output_digest) = result(job);
                    claims.push(crate::chain::Claim {
                        job: number,
                        output_digest,
                        output: Some(output.clone().try_into().expect("small")),
                        salt: [0; 32],
                    });
                    events.push(MarketEvent::JobClaimed {
                        job: number,
                        worker: worker(),
                        output_digest,
                        window_until: block + WINDOW,
                        output: Some(output),
                    });
                    job.state = JobState::Claimed {
                        assignment,
                        output_digest,
                        window_until: block + WINDOW,
                    };
                }
                JobState::Claimed { window_until, .. } if window_until < block || self.accepted.contains(&number) => {
                    events.push(MarketEvent::JobClosed {
                        job: number,
                        client: job.client.clone(),
                        reason: CloseReason::WindowPassed,
                        worker: Some(worker()),
                        paid: job.ceiling,
                    });
                    self.jobs.remove(&number);
                }
                _ => {}
            }
        }
        if !claims.is_empty() {
            let worker = worker();
            self.calls
                .entry(block)
                .or_default()
                .push(PastCall::Claim { worker, claims });
        }
        self.blocks.push(events);
    }
}

/// The output of a job, four bytes of its input's digest, and its digest by the schema of the tests.
pub(super) fn result(job: &Job) -> (Vec<u8>, H256) {
    let output = job.input_digest.0[..4].to_vec();
    let schema = super::stories::schema();
    let layouts = schema.output_layouts(&job.symbols).expect("one row");
    let digest = crate::schema::digest(&layouts, &output).expect("four bytes");
    (output, digest)
}

fn open(client: &AccountId, request: &JobRequest, digest: H256, block: BlockNumber, deadline: BlockNumber) -> Job {
    let symbols = match &request.input {
        JobInput::Digest { symbols, .. } => symbols.clone(),
        JobInput::Inline(payload) => payload.symbols.clone(),
    };
    Job {
        client: client.clone(),
        model: request.model,
        input_digest: digest,
        symbols: symbols.try_into().expect("few"),
        work: 0,
        ceiling: request.ceiling,
        deadline_blocks: request.deadline_blocks,
        window_blocks: request.window_blocks,
        delivery: request.delivery,
        submitted_at: block,
        tried: Default::default(),
        kept: Default::default(),
        state: JobState::Assigned {
            assignment: Assignment {
                worker: worker(),
                price: request.ceiling,
                locked: 0,
                hazard: 0,
            },
            deadline,
        },
    }
}

fn pruned() -> ChainError {
    ChainError::Request {
        what: "a block",
        reason: "UnknownBlock: State already discarded".into(),
    }
}

impl JobView for FakeChain {
    async fn head(&self) -> Result<BlockNumber, ChainError> {
        Ok(self.state().head())
    }

    async fn events(&self, block: BlockNumber) -> Result<Vec<MarketEvent>, ChainError> {
        let state = self.state();
        if block <= state.pruned {
            return Err(pruned());
        }
        Ok(state
            .blocks
            .get(block as usize)
            .cloned()
            .expect("a block that was made"))
    }

    async fn next_block(&self, after: BlockNumber, _: Duration) -> Result<(BlockNumber, Vec<MarketEvent>), ChainError> {
        // Others go on meanwhile.
        tokio::time::sleep(Duration::from_millis(1)).await;
        if self.state().head() <= after {
            self.state().make_block();
        }
        Ok((after + 1, self.events(after + 1).await?))
    }

    async fn open_job(&self, block: BlockNumber, job: JobId) -> Result<Option<OpenJob>, ChainError> {
        let state = self.state();
        if block <= state.pruned {
            return Err(pruned());
        }
        let open = state.jobs.get(&job).cloned();
        Ok(open.map(|job| {
            let is_claimed = matches!(job.state, JobState::Claimed { .. });
            let output = is_claimed.then(|| result(&job).0);
            (job, output)
        }))
    }

    async fn open_jobs(&self, client: &AccountId) -> Result<Vec<(JobId, Job)>, ChainError> {
        let state = self.state();
        let jobs = state.jobs.iter().filter(|(_, job)| job.client == *client);
        Ok(jobs.map(|(number, job)| (*number, job.clone())).collect())
    }

    async fn past_calls(&self, block: BlockNumber) -> Result<Vec<PastCall>, ChainError> {
        Ok(self.state().calls.get(&block).cloned().unwrap_or_default())
    }
}

impl JobSender for FakeChain {
    fn client(&self) -> &AccountId {
        &self.client
    }

    async fn submit(&self, requests: Vec<JobRequest>) -> Result<(Vec<JobId>, BlockNumber), SubmitError> {
        let fate = self.state().fates.pop_front().unwrap_or(Fate::Included);
        let unknown = || SubmitError::Unknown("the connection broke".into());
        match fate {
            Fate::Included => {
                let mut state = self.state();
                let jobs = state.include(&self.client, &requests);
                Ok((jobs, state.head()))
            }
            Fate::Unheard => {
                self.state().include(&self.client, &requests);
                Err(unknown())
            }
            Fate::Dropped => Err(unknown()),
            Fate::PoolFull => Err(SubmitError::PoolFull),
            Fate::Silent => std::future::pending().await,
        }
    }

    async fn accept(&self, jobs: Vec<JobId>) -> Result<(), SubmitError> {
        self.state().accepted.extend(jobs);
        Ok(())
    }
}
