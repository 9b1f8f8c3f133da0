//! A worker on a chain that goes wrong: every job is claimed, and none twice.

use super::*;
use crate::{
    config::{BidPolicy, BlockPolicy, ModelPolicy, OfferPolicy},
    engine::{Health, stand_in::StandIn},
    skeleton::tests::{MODEL, TIMING, Tested, author_until, common, key, until},
};
use assay_client::chain::{
    BlockNumber, Call, JobState, MarketCall, OfferInfo, OfferTerms, WorkerInfo, WorkersCall, fake::FakeChain,
};
use assay_types::{JobId, WorkerStatus};
use std::time::Duration;
use tokio::{sync::watch, task::JoinHandle};

/// A worker that serves on a fake chain.
pub(super) struct Serving {
    pub(super) chain: FakeChain,
    pub(super) tested: Tested,
    /// State of the engine.
    health: watch::Sender<Health>,
    pub(super) stop: watch::Sender<bool>,
    /// Where terms are sent that are read again.
    reload: mpsc::Sender<Vec<ModelPolicy>>,
    pub(super) ended: JoinHandle<Result<(), ServeError>>,
    pub(super) folder: tempfile::TempDir,
}

/// Starts a worker that the chain knows.
pub(super) async fn serving(chain: FakeChain) -> Serving {
    serving_with(chain, None).await
}

/// Starts a worker that the chain knows, and that bids by this policy.
pub(super) async fn serving_with(chain: FakeChain, bidding: Option<BidPolicy>) -> Serving {
    let tested = Tested::new();
    let folder = tempfile::tempdir().expect("a temporary folder");
    tested.register(&chain);
    let offered = OfferInfo {
        version: MODEL,
        terms: OfferTerms {
            base: 5,
            rate: 0,
            min_deadline: 1,
            min_window: 1,
            max_window: 1_000,
        },
        capacity: 8,
        load: 0,
        from: 0,
        waits: false,
    };
    let info = WorkerInfo {
        status: WorkerStatus::Active,
        stake: 1 << 40,
        locked: 0,
        unbonding: Vec::new(),
        slashing: 0,
        rests_until: None,
        offers: vec![offered],
        completed: 0,
        missed: 0,
        declined: 0,
        convicted: 0,
    };
    chain.author_with(|ledger, _| drop(ledger.workers.insert(key().account(), info)));
    start(chain, tested, folder, bidding)
}

/// Starts a worker with its files here.
fn start(chain: FakeChain, tested: Tested, folder: tempfile::TempDir, bidding: Option<BidPolicy>) -> Serving {
    let (done_sender, done) = mpsc::channel(executor::QUEUE);
    let StandIn { engine, health } = tested.engine();
    let executor = Executor::start(engine, Arc::new(Honest), done_sender).expect("a thread");
    let (reload, reloads) = Reloads::channel();
    let worker = Worker {
        config: ServeConfig {
            common: common(folder.path()),
            stake: None,
            models: terms(5, bidding),
            pause_at_exit: false,
        },
        network: None,
        timing: TIMING,
        packages: vec![tested.package.clone()],
        models: tested.models.clone(),
        conduct: Arc::new(Honest),
        executor,
        done,
        reloads,
    };
    let (stop, shutdown) = Shutdown::channel();
    let ended = tokio::spawn(worker.serve_on(chain.clone(), shutdown));
    Serving {
        chain,
        tested,
        health,
        stop,
        reload,
        ended,
        folder,
    }
}

impl Serving {
    /// Kills the worker, and starts another one on its files.
    pub(super) async fn killed(self, bidding: Option<BidPolicy>) -> Self {
        self.ended.abort();
        assert!(self.ended.await.is_err(), "it was serving");
        // A thread may hold the store for a moment, which a process that is killed does not.
        let (folder, me) = (self.folder.path(), key().account());
        until("nobody has the store open", || {
            Store::open(folder, H256::repeat_byte(1), &me).is_ok()
        })
        .await;
        start(self.chain, self.tested, self.folder, bidding)
    }

    /// Makes some blocks, in the time that a worker needs to see them.
    pub(super) async fn pass(&self, blocks: usize) {
        for _ in 0..blocks {
            self.chain.author();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Makes a block with an auction of this job.
    pub(super) fn auction(&self, job: JobId, until: BlockNumber) {
        let state = JobState::Bidding {
            until,
            reveal_until: until + 1_000,
        };
        self.chain.author_with(|ledger, _| self.tested.put(ledger, job, state));
    }

    /// Makes a block that assigns these jobs.
    pub(super) fn assign(&self, jobs: impl IntoIterator<Item = JobId>) {
        let me = key().account();
        self.chain.author_with(|ledger, events| {
            for job in jobs {
                self.tested.assign(ledger, events, job, &me, 5_000);
            }
        });
    }

    fn status(&self) -> WorkerStatus {
        self.chain.ledger().workers[&key().account()].status
    }

    fn is_claimed(&self, job: JobId) -> bool {
        match self.chain.ledger().jobs.get(&job).map(|job| &job.state) {
            Some(JobState::Claimed { output_digest, .. }) => *output_digest == self.tested.output_digest(),
            _ => false,
        }
    }

    /// Makes blocks until all of these jobs are claimed.
    pub(super) async fn until_claimed(&self, jobs: &[JobId]) {
        author_until(&self.chain, "all jobs are claimed", || {
            jobs.iter().all(|job| self.is_claimed(*job))
        })
        .await;
    }

    /// Ends the worker, and makes sure that each of these jobs is claimed in one block and was handed in once.
    pub(super) async fn ends_with_each_claimed_once(self, jobs: &[JobId]) {
        for _ in 0..12 {
            // Whatever would be sent twice is sent by now.
            self.chain.author();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.stop.send_replace(true);
        let ended = tokio::time::timeout(Duration::from_secs(6), self.ended).await;
        assert!(matches!(ended, Ok(Ok(Ok(())))), "{ended:?}");
        assert_eq!(claims(self.chain.included()), jobs, "in blocks");
        assert_eq!(claims(self.chain.sent()), jobs, "handed in");
    }
}

/// The jobs that these calls claim, in order.
pub(super) fn claims(calls: Vec<Call>) -> Vec<JobId> {
    let claims = calls.into_iter().filter_map(|call| match call {
        Call::Market(MarketCall::ClaimBatch { claims }) => Some(claims.into_iter().map(|claim| claim.job)),
        _ => None,
    });
    let mut jobs: Vec<JobId> = claims.flatten().collect();
    jobs.sort_unstable();
    jobs
}

/// The jobs that these calls seal, in order.
pub(super) fn seals(calls: Vec<Call>) -> Vec<JobId> {
    let seals = calls.into_iter().filter_map(|call| match call {
        Call::Market(MarketCall::Seal { seals }) => Some(seals.into_iter().map(|seal| seal.job)),
        _ => None,
    });
    let mut jobs: Vec<JobId> = seals.flatten().collect();
    jobs.sort_unstable();
    jobs
}

#[tokio::test]
async fn jobs_are_claimed_with_the_outputs_of_their_inputs() {
    let serving = serving(FakeChain::new()).await;
    serving.assign(1..=3);
    serving.until_claimed(&[1, 2, 3]).await;
    assert_eq!(seals(serving.chain.included()), [1, 2, 3], "each is sealed once");
    serving.ends_with_each_claimed_once(&[1, 2, 3]).await;
}

#[tokio::test]
async fn a_job_whose_event_was_lost_is_found_and_claimed_once() {
    let serving = serving(FakeChain::new()).await;
    serving.chain.author();
    serving.chain.faults(|faults| faults.lost_events = true);
    serving.assign([1]);
    serving.until_claimed(&[1]).await;
    serving.ends_with_each_claimed_once(&[1]).await;
}

#[tokio::test]
async fn a_claim_whose_block_is_replaced_is_in_the_next_one_and_not_sent_twice() {
    let chain = FakeChain::new();
    chain.faults(|faults| faults.finality_lag = 5);
    let serving = serving(chain).await;
    serving.assign([1]);
    serving.until_claimed(&[1]).await;
    serving.chain.retract(1);
    assert!(!serving.is_claimed(1));
    tokio::time::sleep(Duration::from_millis(50)).await;
    serving.until_claimed(&[1]).await;
    serving.ends_with_each_claimed_once(&[1]).await;
}

#[tokio::test]
async fn a_job_whose_block_is_replaced_is_not_claimed_until_it_is_assigned_again() {
    let chain = FakeChain::new();
    chain.faults(|faults| (faults.finality_lag, faults.empty_blocks) = (5, true));
    let serving = serving(chain).await;
    serving.assign([1]);
    until("the seal waits", || serving.chain.waiting() == 1).await;
    serving.chain.retract(1);
    serving.chain.empty_pool();
    serving.chain.faults(|faults| faults.empty_blocks = false);
    serving.chain.author();
    serving.assign([1, 2]);
    serving.until_claimed(&[1, 2]).await;
    assert_eq!(claims(serving.chain.included()), [1, 2]);
    serving.stop.send_replace(true);
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_of_a_batch_loses_nothing() {
    let serving = serving(FakeChain::new()).await;
    serving.chain.faults(|faults| faults.empty_blocks = true);
    serving.assign(1..=4);
    until("the seals wait", || seals(serving.chain.sent()).len() == 4).await;
    serving.chain.break_off();
    tokio::time::sleep(Duration::from_millis(100)).await;
    serving.chain.restore();
    serving.chain.faults(|faults| faults.empty_blocks = false);
    serving.until_claimed(&[1, 2, 3, 4]).await;
    serving.ends_with_each_claimed_once(&[1, 2, 3, 4]).await;
}

#[tokio::test]
async fn jobs_that_come_while_there_is_no_connection_are_claimed_once() {
    let serving = serving(FakeChain::new()).await;
    serving.assign([1]);
    serving.until_claimed(&[1]).await;
    serving.chain.break_off();
    serving.assign([2, 3]);
    tokio::time::sleep(Duration::from_millis(100)).await;
    serving.chain.restore();
    serving.until_claimed(&[1, 2, 3]).await;
    serving.ends_with_each_claimed_once(&[1, 2, 3]).await;
}

#[tokio::test]
async fn a_node_that_lies_about_its_height_costs_nothing() {
    // A thousand, then ten; never moving; jumping ahead of the deadline.
    for lies in [vec![1_000, 10], vec![2], vec![0], vec![6_000, 1, 6_000]] {
        let serving = serving(FakeChain::new()).await;
        serving.chain.author();
        for (job, lie) in (1..).zip(&lies) {
            serving.chain.faults(|faults| faults.height = Some(*lie));
            serving.assign([job]);
            for _ in 0..5 {
                serving.chain.author();
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        serving.chain.faults(|faults| faults.height = None);
        let jobs: Vec<JobId> = (1..).take(lies.len()).collect();
        serving.until_claimed(&jobs).await;
        serving.ends_with_each_claimed_once(&jobs).await;
    }
}

#[tokio::test]
async fn a_deadline_is_a_moment_of_assay_time_and_not_a_blocks_number() {
    let chain = FakeChain::new();
    chain.faults(|faults| faults.full_blocks = true);
    for _ in 0..50 {
        chain.author();
    }
    let serving = serving(chain).await;
    let me = key().account();
    serving
        .chain
        .author_with(|ledger, events| serving.tested.assign(ledger, events, 1, &me, 5));
    serving.until_claimed(&[1]).await;
    serving.chain.faults(|faults| faults.full_blocks = false);
    serving.ends_with_each_claimed_once(&[1]).await;
}

#[tokio::test]
async fn a_stream_that_never_ends_does_not_keep_a_worker_from_its_next_job() {
    let serving = serving(FakeChain::new()).await;
    serving.chain.faults(|faults| faults.silent_pool = true);
    serving.assign([1]);
    serving.until_claimed(&[1]).await;
    serving.assign([2]);
    serving.until_claimed(&[1, 2]).await;
    serving.ends_with_each_claimed_once(&[1, 2]).await;
}

#[tokio::test]
async fn a_pool_that_drops_claims_in_silence_costs_no_job() {
    let serving = serving(FakeChain::new()).await;
    serving
        .chain
        .faults(|faults| (faults.silent_pool, faults.empty_blocks) = (true, true));
    serving.assign([1]);
    until("the seal waits", || serving.chain.waiting() == 1).await;
    serving.chain.empty_pool();
    serving.chain.faults(|faults| faults.empty_blocks = false);
    serving.assign([2]);
    serving.until_claimed(&[1, 2]).await;
    assert_eq!(claims(serving.chain.included()), [1, 2]);
    serving.stop.send_replace(true);
}

#[tokio::test]
async fn a_full_pool_is_waited_for_at_the_start_and_in_the_middle() {
    let chain = FakeChain::new();
    chain.faults(|faults| faults.full_pool = true);
    let serving = serving(chain).await;
    serving.assign([1]);
    for _ in 0..10 {
        serving.chain.author();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!serving.ended.is_finished());
    serving.chain.faults(|faults| faults.full_pool = false);
    serving.until_claimed(&[1]).await;
    serving.ends_with_each_claimed_once(&[1]).await;
}

#[tokio::test]
async fn a_worker_whose_engine_fails_pauses_once_and_resumes_once() {
    let serving = serving(FakeChain::new()).await;
    let count = |call: WorkersCall| {
        let sent = serving.chain.sent();
        sent.iter().filter(|sent| **sent == Call::Workers(call.clone())).count()
    };
    serving.assign([1]);
    serving.until_claimed(&[1]).await;
    assert_eq!(count(WorkersCall::Pause), 0);
    serving.health.send_replace(Health::Failing("the third failure".into()));
    author_until(&serving.chain, "the worker pauses", || {
        serving.status() == WorkerStatus::Paused
    })
    .await;
    // Another connection is no reason to serve, nor to pause again.
    serving.chain.break_off();
    tokio::time::sleep(Duration::from_millis(100)).await;
    serving.chain.restore();
    serving.assign([2]);
    serving.until_claimed(&[1, 2]).await;
    assert_eq!(serving.status(), WorkerStatus::Paused);
    assert_eq!((count(WorkersCall::Pause), count(WorkersCall::Resume)), (1, 0));
    serving.health.send_replace(Health::Well);
    author_until(&serving.chain, "the worker resumes", || {
        serving.status() == WorkerStatus::Active
    })
    .await;
    assert_eq!((count(WorkersCall::Pause), count(WorkersCall::Resume)), (1, 1));
    serving.ends_with_each_claimed_once(&[1, 2]).await;
}

#[tokio::test]
async fn the_copy_of_an_input_and_trees_are_kept_until_their_job_is_closed_in_a_final_block() {
    for (finality_lag, kept) in [(3, vec![2]), (1_000, vec![1, 2])] {
        let chain = FakeChain::new();
        chain.faults(|faults| faults.finality_lag = finality_lag);
        let serving = serving(chain).await;
        let me = key().account();
        serving.chain.author_with(|ledger, events| {
            for job in [1, 2] {
                serving.tested.assign(ledger, events, job, &me, 5_000);
                let input = ledger.inputs.remove(&job).expect("an input");
                let file = format!("{}.bin", hex::encode(ledger.jobs[&job].input_digest));
                std::fs::write(serving.folder.path().join(file), input).expect("the folder can be written");
            }
        });
        serving.until_claimed(&[1, 2]).await;
        let store = format!("{}-{me}", hex::encode([1; 8]));
        let trees = serving.folder.path().join(store).join("trees");
        std::fs::create_dir(&trees).expect("the store has a folder");
        for job in [1, 2] {
            std::fs::write(trees.join(format!("{job}.trees")), "leaves").expect("the folder can be written");
        }
        serving.chain.author_with(|ledger, _| drop(ledger.jobs.remove(&1)));
        for _ in 0..30 {
            serving.chain.author();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        serving.stop.send_replace(true);
        assert!(matches!(serving.ended.await, Ok(Ok(()))));
        let store = Store::open(serving.folder.path(), H256::repeat_byte(1), &me).expect("nobody has it open");
        assert_eq!(store.jobs_with_inputs().expect("readable"), kept);
        let mut with_trees = store.jobs_with_trees().expect("readable");
        with_trees.sort();
        assert_eq!(with_trees, kept);
    }
}

/// The terms of the tested model at this price.
fn terms(base: u128, bidding: Option<BidPolicy>) -> Vec<ModelPolicy> {
    vec![ModelPolicy {
        package: "tested".into(),
        offer: Some(OfferPolicy {
            base,
            rate: 0,
            capacity: 8,
        }),
        blocks: BlockPolicy {
            min_deadline: Some(1),
            min_window: Some(1),
            max_window: Some(1_000),
        },
        bidding,
        sessions: None,
    }]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_that_is_read_again_is_offered_and_one_that_the_stake_does_not_carry_is_not() {
    let serving = serving(FakeChain::new()).await;
    serving.reload.send(terms(9, None)).await.expect("it serves");
    let offered =
        |base: u128| {
            serving.chain.sent().iter().any(
                |call| matches!(call, Call::Workers(WorkersCall::PublishOffer { terms, .. }) if terms.base == base),
            )
        };
    author_until(&serving.chain, "the new price is offered", || offered(9)).await;
    serving.reload.send(terms(1 << 50, None)).await.expect("it serves");
    serving.assign([1]);
    serving.until_claimed(&[1]).await;
    assert!(!offered(1 << 50));
    serving.ends_with_each_claimed_once(&[1]).await;
}
