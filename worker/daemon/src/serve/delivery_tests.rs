//! A worker whose client demands an output: it is delivered, whatever happens between.

use super::job_loop_tests::serving;
use crate::skeleton::tests::{Tested, author_until, key};
use assay_client::chain::{
    Call, Demand, Event, JobState, MarketCall, MarketEvent,
    fake::{FakeChain, Ledger},
};
use assay_types::{Assignment, JobId, delivery::Cursor};
use std::time::Duration;

const JOB: JobId = 1;

/// The client of a claimed job demands its output.
fn demand(ledger: &mut Ledger, events: &mut Vec<Event>) {
    let next = Cursor::default();
    ledger.demands.insert(JOB, Demand { deposit: 1, next });
    let job = ledger.jobs.get_mut(&JOB).expect("it is open");
    job.kept.demand = true;
    events.push(Event::Market(MarketEvent::OutputDemanded {
        job: JOB,
        worker: key().account(),
        deposit: 1,
        until: 5_000,
    }));
}

fn is_delivered(chain: &FakeChain) -> bool {
    chain.ledger().jobs.get(&JOB).is_some_and(|job| job.kept.delivered)
}

/// Pieces among these calls.
fn pieces(calls: &[Call]) -> usize {
    let is_piece = |call: &&Call| matches!(call, Call::Market(MarketCall::DeliverOutput { job: JOB, .. }));
    calls.iter().filter(is_piece).count()
}

/// Pieces of an output of the tested model: one for each of its tensors, all of which are small.
fn all_pieces() -> usize {
    Tested::new().package.graph().graph().outputs.len()
}

#[tokio::test]
async fn a_demanded_output_is_delivered_once() {
    let serving = serving(FakeChain::new()).await;
    serving.assign([JOB]);
    serving.until_claimed(&[JOB]).await;
    assert_eq!(pieces(&serving.chain.sent()), 0, "nobody has demanded it");
    serving.chain.author_with(demand);
    author_until(&serving.chain, "the output is delivered", || {
        is_delivered(&serving.chain)
    })
    .await;
    let chain = serving.chain.clone();
    serving.ends_with_each_claimed_once(&[JOB]).await;
    let all = all_pieces();
    assert_eq!((pieces(&chain.included()), pieces(&chain.sent())), (all, all));
}

#[tokio::test]
async fn a_worker_that_starts_with_an_output_demanded_computes_and_delivers_it() {
    let (chain, tested) = (FakeChain::new(), Tested::new());
    chain.author_with(|ledger, events| {
        tested.assign(ledger, events, JOB, &key().account(), 5_000);
        let job = ledger.jobs.get_mut(&JOB).expect("it is assigned");
        job.state = JobState::Claimed {
            assignment: Assignment {
                worker: key().account(),
                price: 5,
                locked: 1,
                hazard: 0,
            },
            output_digest: tested.output_digest(),
            window_until: 5_000,
        };
        demand(ledger, events);
    });
    let serving = serving(chain.clone()).await;
    author_until(&chain, "the output is delivered", || is_delivered(&chain)).await;
    assert_eq!(pieces(&chain.included()), all_pieces());
    serving.stop.send_replace(true);
}

#[tokio::test]
async fn a_piece_whose_block_is_replaced_is_delivered_again() {
    let chain = FakeChain::new();
    chain.faults(|faults| faults.finality_lag = 5);
    let serving = serving(chain.clone()).await;
    serving.assign([JOB]);
    serving.until_claimed(&[JOB]).await;
    chain.author_with(demand);
    author_until(&chain, "the output is delivered", || is_delivered(&chain)).await;
    chain.retract(1);
    assert!(!is_delivered(&chain));
    tokio::time::sleep(Duration::from_millis(50)).await;
    author_until(&chain, "it is delivered again", || is_delivered(&chain)).await;
    serving.stop.send_replace(true);
}
