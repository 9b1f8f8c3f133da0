//! A worker that is killed at each state of its work and started again: nothing is lost, and nothing is sent twice.
//!
//! Sessions have such tests in `assay-session`, for each step of an exchange.

use super::job_loop_tests::{Serving, claims, seals, serving_with};
use crate::{
    config::BidPolicy,
    skeleton::tests::{author_until, key, until},
};
use assay_client::chain::{Call, DisputesCall, H256, JobState, Key, MarketCall, Wait, fake::FakeChain};
use assay_ops::tensor::Blake2b256;
use assay_types::{JobId, bid_commitment, dispute::Place};

const BIDDING: BidPolicy = BidPolicy {
    price: 4,
    least: 1,
    max_bids: 8,
};

async fn serving() -> Serving {
    serving_with(FakeChain::new(), None).await
}

/// The jobs whose traces these calls reveal.
fn reveals(calls: Vec<Call>) -> Vec<JobId> {
    let jobs = calls.into_iter().filter_map(|call| match call {
        Call::Disputes(DisputesCall::Reveal { job, statement }) => (statement.place() == Place::Trace).then_some(job),
        _ => None,
    });
    jobs.collect()
}

#[tokio::test]
async fn between_a_bid_and_its_reveal_the_bid_that_was_made_is_revealed() {
    let serving = serving_with(FakeChain::new(), Some(BIDDING)).await;
    let last = serving.chain.height() + 60;
    serving.auction(1, last);
    let bids = |serving: &Serving| serving.chain.ledger().bids.get(&1).cloned().unwrap_or_default();
    author_until(&serving.chain, "the bid is committed", || !bids(&serving).is_empty()).await;
    let commitment = bids(&serving)[0].commitment;
    let serving = serving.killed(Some(BIDDING)).await;
    author_until(&serving.chain, "the bid is revealed", || {
        bids(&serving)[0].price == Some(BIDDING.price)
    })
    .await;
    assert!(serving.chain.height() >= last, "not before the bidding is over");
    let (mut committed, mut revealed) = (0, Vec::new());
    for call in serving.chain.sent() {
        match call {
            Call::Market(MarketCall::CommitBid { .. }) => committed += 1,
            Call::Market(MarketCall::RevealBid { job, price, salt }) => revealed.push((job, price, salt)),
            _ => {}
        }
    }
    assert_eq!(committed, 1);
    let [(job, price, salt)] = revealed.as_slice() else {
        panic!("{revealed:?}");
    };
    let opened = bid_commitment::<Blake2b256, _, _>(*job, &key().account(), price, salt);
    assert_eq!(opened, commitment);
    serving.stop.send_replace(true);
}

#[tokio::test]
async fn in_a_job_before_its_seal_it_is_executed_again_and_sealed_and_claimed_once() {
    let serving = serving().await;
    serving.chain.author();
    serving.chain.faults(|faults| faults.full_pool = true);
    serving.assign([1, 2]);
    serving.pass(5).await;
    assert!(seals(serving.chain.sent()).is_empty());
    let serving = serving.killed(None).await;
    serving.chain.faults(|faults| faults.full_pool = false);
    serving.until_claimed(&[1, 2]).await;
    assert_eq!(seals(serving.chain.sent()), [1, 2]);
    serving.ends_with_each_claimed_once(&[1, 2]).await;
}

#[tokio::test]
async fn with_its_seal_in_the_pool_the_claim_opens_it() {
    let serving = serving().await;
    serving.chain.author();
    serving.chain.faults(|faults| faults.empty_blocks = true);
    serving.assign([1]);
    until("the seal waits", || serving.chain.waiting() == 1).await;
    let serving = serving.killed(None).await;
    serving.chain.faults(|faults| faults.empty_blocks = false);
    // Nobody knows what is in a pool: a second seal may be sent, and is refused.
    serving.until_claimed(&[1]).await;
    assert_eq!(claims(serving.chain.included()), [1]);
    serving.stop.send_replace(true);
}

#[tokio::test]
async fn between_a_seal_and_its_claim_the_claim_is_made_with_the_salt_that_was_kept() {
    let serving = serving().await;
    serving.chain.author();
    serving.chain.faults(|faults| faults.empty_blocks = true);
    serving.assign([1]);
    until("the seal waits", || serving.chain.waiting() == 1).await;
    serving
        .chain
        .faults(|faults| (faults.full_pool, faults.empty_blocks) = (true, false));
    serving.pass(5).await;
    let state = serving.chain.ledger().jobs[&1].state.clone();
    assert!(matches!(state, JobState::Sealed { .. }), "{state:?}");
    let serving = serving.killed(None).await;
    serving.chain.faults(|faults| faults.full_pool = false);
    serving.until_claimed(&[1]).await;
    assert_eq!(seals(serving.chain.sent()), [1]);
    serving.ends_with_each_claimed_once(&[1]).await;
}

#[tokio::test]
async fn in_a_dispute_the_claim_is_defended() {
    let serving = serving().await;
    serving.assign([1]);
    serving.until_claimed(&[1]).await;
    serving.chain.faults(|faults| faults.empty_blocks = true);
    let challenger = serving
        .chain
        .account(&Key::load("//Ferdie").expect("a development key"));
    let challenge = Call::Disputes(DisputesCall::Challenge {
        job: 1,
        commitment: H256::zero(),
    });
    let challenging = tokio::spawn(async move { challenger.send(challenge, Wait::InBlock).await });
    until("the challenge waits", || serving.chain.waiting() == 1).await;
    serving
        .chain
        .faults(|faults| (faults.full_pool, faults.empty_blocks) = (true, false));
    serving.pass(5).await;
    assert!(serving.chain.ledger().disputes.contains_key(&1));
    assert!(reveals(serving.chain.sent()).is_empty());
    let serving = serving.killed(None).await;
    serving.chain.faults(|faults| faults.full_pool = false);
    author_until(&serving.chain, "the trace is revealed", || {
        reveals(serving.chain.included()) == [1]
    })
    .await;
    serving.pass(5).await;
    assert_eq!(reveals(serving.chain.sent()), [1]);
    assert_eq!(claims(serving.chain.sent()), [1]);
    assert!(challenging.await.is_ok_and(|sent| sent.is_ok()));
    serving.stop.send_replace(true);
}
