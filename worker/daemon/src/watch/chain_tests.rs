//! A watcher on a chain that goes wrong, and one that is killed: every wrong claim is challenged, and none twice.

use super::*;
use crate::skeleton::tests::{TIMING, Tested, author_until, common, key, until};
use assay_client::chain::{
    AccountData, Call, DisputesCall, H256, JobState, Key,
    fake::{FakeChain, Faults},
};
use assay_player::watch::Sampling;
use assay_types::{JobId, dispute::Place};
use polkadot_sdk::sp_runtime::Perbill;
use std::{path::Path, time::Duration};
use tokio::{sync::watch, task::JoinHandle};

/// A watcher that watches a fake chain.
struct Watching {
    chain: FakeChain,
    tested: Tested,
    stop: watch::Sender<bool>,
    ended: JoinHandle<Result<Summary, WatchError>>,
    folder: tempfile::TempDir,
}

/// Starts a watcher with its files here.
fn start(
    chain: &FakeChain,
    tested: &Tested,
    folder: &Path,
) -> (watch::Sender<bool>, JoinHandle<Result<Summary, WatchError>>) {
    let (done_sender, done) = mpsc::channel(executor::QUEUE);
    let executor = Executor::start(tested.engine().engine, Arc::new(Honest), done_sender).expect("a thread");
    let watcher = Watcher {
        config: WatchConfig {
            common: common(folder),
            models: None,
            sampling: Sampling {
                least: Perbill::one(),
                full_price: 0,
            },
            own: false,
            max_games: 8,
            max_bond: Balance::MAX,
        },
        network: None,
        timing: TIMING,
        seed: [3; 32],
        watched: tested.models.clone(),
        models: tested.models.clone(),
        executor,
        done,
    };
    let (stop, shutdown) = Shutdown::channel();
    let ended = tokio::spawn(watcher.watch_on(chain.clone(), shutdown));
    (stop, ended)
}

fn watching(faults: impl FnOnce(&mut Faults)) -> Watching {
    let (chain, tested) = (FakeChain::new(), Tested::new());
    let folder = tempfile::tempdir().expect("a temporary folder");
    chain.faults(faults);
    tested.register(&chain);
    let (stop, ended) = start(&chain, &tested, folder.path());
    Watching {
        chain,
        tested,
        stop,
        ended,
        folder,
    }
}

impl Watching {
    /// Makes a block in which somebody claims these jobs, with the right outputs or with others.
    fn claim(&self, jobs: impl IntoIterator<Item = JobId>, is_right: bool) {
        let worker = Key::load("//Bob").expect("a development key").account();
        let digest = match is_right {
            true => self.tested.output_digest(),
            false => H256::repeat_byte(7),
        };
        self.chain.author_with(|ledger, events| {
            for job in jobs {
                self.tested.claim(ledger, events, job, &worker, digest);
            }
        });
    }

    /// Makes some blocks, in the time that a watcher needs to see them.
    async fn pass(&self, blocks: usize) {
        for _ in 0..blocks {
            self.chain.author();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn is_disputed(&self, job: JobId) -> bool {
        self.chain.ledger().disputes.contains_key(&job)
    }

    /// Makes blocks until all of these jobs are disputed.
    async fn until_disputed(&self, jobs: &[JobId]) {
        author_until(&self.chain, "all wrong claims are challenged", || {
            jobs.iter().all(|job| self.is_disputed(*job))
        })
        .await;
    }

    /// Kills the watcher, and starts another one on its files.
    fn killed(self) -> Self {
        self.ended.abort();
        let (stop, ended) = start(&self.chain, &self.tested, self.folder.path());
        Self { stop, ended, ..self }
    }

    /// Ends the watcher once nothing is open any more; what it has seen and done.
    async fn ends(self) -> (FakeChain, Summary) {
        self.pass(12).await;
        self.chain.author_with(|ledger, _| {
            ledger.disputes.clear();
            ledger.jobs.clear();
        });
        self.pass(3).await;
        self.stop.send_replace(true);
        let ended = tokio::time::timeout(Duration::from_secs(8), self.ended).await;
        let summary = ended.expect("it ends").expect("it does not panic");
        (self.chain, summary.expect("it watches"))
    }

    /// Ends the watcher, and makes sure that each of these jobs was challenged once.
    async fn ends_with_each_challenged_once(self, jobs: &[JobId]) -> Summary {
        let (chain, summary) = self.ends().await;
        assert_eq!(challenges(chain.included()), jobs, "in blocks");
        assert_eq!(challenges(chain.sent()), jobs, "handed in");
        summary
    }
}

/// The jobs that these calls challenge, in order.
fn challenges(calls: Vec<Call>) -> Vec<JobId> {
    let jobs = calls.into_iter().filter_map(|call| match call {
        Call::Disputes(DisputesCall::Challenge { job, .. }) => Some(job),
        _ => None,
    });
    let mut jobs: Vec<JobId> = jobs.collect();
    jobs.sort_unstable();
    jobs
}

#[tokio::test]
async fn wrong_claims_are_challenged_and_right_ones_are_not() {
    let watching = watching(|_| {});
    watching.claim([1, 3], true);
    watching.claim([2, 4], false);
    watching.until_disputed(&[2, 4]).await;
    let summary = watching.ends_with_each_challenged_once(&[2, 4]).await;
    assert_eq!((summary.seen, summary.checked, summary.wrong), (4, 4, 2));
}

#[tokio::test]
async fn a_claim_whose_event_was_lost_is_found_and_challenged_once() {
    let watching = watching(|faults| faults.lost_events = true);
    watching.claim([1], false);
    watching.until_disputed(&[1]).await;
    watching.ends_with_each_challenged_once(&[1]).await;
}

#[tokio::test]
async fn a_challenge_whose_block_is_replaced_is_in_the_next_one_and_not_sent_twice() {
    let watching = watching(|faults| faults.finality_lag = 5);
    watching.claim([1], false);
    watching.until_disputed(&[1]).await;
    watching.chain.retract(1);
    assert!(!watching.is_disputed(1));
    tokio::time::sleep(Duration::from_millis(50)).await;
    watching.until_disputed(&[1]).await;
    watching.ends_with_each_challenged_once(&[1]).await;
}

#[tokio::test]
async fn a_wrong_claim_whose_block_is_replaced_by_one_with_a_right_claim_is_not_challenged() {
    let watching = watching(|faults| (faults.finality_lag, faults.full_pool) = (20, true));
    watching.pass(1).await;
    watching.claim([1], false);
    watching.pass(5).await;
    watching.chain.retract(6);
    watching.claim([1], true);
    watching.pass(5).await;
    watching.chain.faults(|faults| faults.full_pool = false);
    watching.claim([2], false);
    watching.until_disputed(&[2]).await;
    watching.ends_with_each_challenged_once(&[2]).await;
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_of_challenges_loses_none() {
    let watching = watching(|faults| faults.empty_blocks = true);
    watching.claim([1, 2, 3], false);
    until("the challenges wait", || watching.chain.waiting() == 3).await;
    watching.chain.break_off();
    tokio::time::sleep(Duration::from_millis(100)).await;
    watching.chain.restore();
    watching.chain.faults(|faults| faults.empty_blocks = false);
    watching.until_disputed(&[1, 2, 3]).await;
    watching.ends_with_each_challenged_once(&[1, 2, 3]).await;
}

#[tokio::test]
async fn claims_that_come_while_there_is_no_connection_are_challenged_once() {
    let watching = watching(|_| {});
    watching.pass(3).await;
    watching.chain.break_off();
    watching.claim([1, 2], false);
    tokio::time::sleep(Duration::from_millis(100)).await;
    watching.chain.restore();
    watching.until_disputed(&[1, 2]).await;
    watching.ends_with_each_challenged_once(&[1, 2]).await;
}

#[tokio::test]
async fn a_node_that_lies_about_its_height_costs_nothing() {
    // A thousand, then ten; never moving; jumping ahead of the window.
    for lies in [vec![1_000, 10], vec![2], vec![0], vec![6_000, 1, 6_000]] {
        let watching = watching(|_| {});
        watching.chain.author();
        for (job, lie) in (1..).zip(&lies) {
            watching.chain.faults(|faults| faults.height = Some(*lie));
            watching.claim([job], false);
            watching.pass(5).await;
        }
        watching.chain.faults(|faults| faults.height = None);
        let jobs: Vec<JobId> = (1..).take(lies.len()).collect();
        watching.until_disputed(&jobs).await;
        watching.ends_with_each_challenged_once(&jobs).await;
    }
}

#[tokio::test]
async fn a_stream_that_never_ends_does_not_keep_a_watcher_from_its_next_challenge() {
    let watching = watching(|faults| faults.silent_pool = true);
    watching.claim([1], false);
    watching.until_disputed(&[1]).await;
    watching.claim([2], false);
    watching.until_disputed(&[1, 2]).await;
    watching.ends_with_each_challenged_once(&[1, 2]).await;
}

#[tokio::test]
async fn an_account_without_money_checks_and_reports_and_challenges_once_it_has_some() {
    // The bond on the fake chain is 5, and an account keeps 1.
    let money = |free, frozen| AccountData {
        free,
        frozen,
        ..AccountData::default()
    };
    for poor in [money(0, 0), money(6, 0), money(100, 94)] {
        let watching = watching(|_| {});
        let fund = |money: &AccountData| {
            let (me, money) = (key().account(), money.clone());
            watching.chain.author_with(|ledger, _| {
                ledger.money.insert(me, money);
            });
        };
        fund(&poor);
        watching.claim([1], false);
        watching.pass(15).await;
        assert_eq!(watching.chain.sent(), []);
        fund(&money(7, 0));
        watching.until_disputed(&[1]).await;
        let summary = watching.ends_with_each_challenged_once(&[1]).await;
        assert_eq!((summary.checked, summary.wrong), (1, 1), "checked once");
    }
}

#[tokio::test]
async fn a_watcher_that_is_killed_between_finding_a_wrong_claim_and_its_challenge_challenges_it_once() {
    let watching = watching(|faults| faults.full_pool = true);
    watching.claim([1], false);
    watching.pass(10).await;
    assert_eq!(watching.chain.sent(), []);
    let watching = watching.killed();
    watching.chain.faults(|faults| faults.full_pool = false);
    watching.until_disputed(&[1]).await;
    watching.ends_with_each_challenged_once(&[1]).await;
}

#[tokio::test]
async fn a_watcher_that_is_killed_with_its_challenge_in_the_pool_plays_one_game() {
    let watching = watching(|faults| faults.empty_blocks = true);
    watching.claim([1], false);
    until("the challenge waits", || watching.chain.waiting() == 1).await;
    let watching = watching.killed();
    watching.chain.faults(|faults| faults.empty_blocks = false);
    watching.until_disputed(&[1]).await;
    watching.pass(5).await;
    // Nobody knows what is in a pool: a second challenge may be sent, and is refused.
    assert_eq!(watching.chain.ledger().disputes[&1].games.len(), 1);
    watching.stop.send_replace(true);
}

#[tokio::test]
async fn a_watcher_that_is_killed_in_a_dispute_plays_it_on() {
    let watching = watching(|_| {});
    watching.claim([1], false);
    watching.until_disputed(&[1]).await;
    let watching = watching.killed();
    // The worker says nothing, and its time passes.
    let timed_out = |call: &Call| matches!(call, Call::Disputes(DisputesCall::ClaimTimeout { job: 1, challenger }) if *challenger == key().account());
    let asked = watching.chain.ledger().disputes[&1].games[0].place;
    assert_eq!(asked, Place::Trace);
    author_until(&watching.chain, "the silence is claimed", || {
        watching.chain.included().iter().any(timed_out)
    })
    .await;
    assert!(matches!(
        watching.chain.ledger().jobs[&1].state,
        JobState::Disputed { .. }
    ));
    assert_eq!(challenges(watching.chain.sent()), [1]);
    watching.stop.send_replace(true);
}
