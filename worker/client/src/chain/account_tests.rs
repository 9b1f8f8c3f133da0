//! Outcomes of transactions, whatever the pool and the chain do.

use super::*;
use crate::chain::{MarketCall, fake::FakeChain, pool::Status};
use std::time::Duration;

fn call(job: u64) -> Call {
    Call::Market(MarketCall::Accept { job })
}

fn key() -> Key {
    Key::load("//Alice").expect("a development key")
}

fn sealing() -> FakeChain {
    let chain = FakeChain::new();
    chain.faults(|faults| faults.instant_seal = true);
    chain
}

/// Makes a block now and then.
fn tick(chain: &FakeChain) -> tokio::task::JoinHandle<()> {
    let chain = chain.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(15)).await;
            chain.author();
        }
    })
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("not in 2 s: {what}");
}

#[tokio::test]
async fn many_transactions_get_nonces_in_order() {
    let chain = sealing();
    let account = chain.account(&key());
    let sent = futures::future::join_all((0..20).map(|job| account.send(call(job), Wait::InBlock))).await;
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    assert_eq!(chain.included(), (0..20).map(call).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_nonce_that_another_took_is_asked_for_again() {
    let chain = sealing();
    let account = chain.account(&key());
    account.send(call(1), Wait::InBlock).await.expect("taken");
    chain.author_with(|ledger, _| *ledger.nonces.entry(key().account()).or_default() += 3);
    account
        .send(call(2), Wait::InBlock)
        .await
        .expect("taken at the second attempt");
    assert_eq!(chain.ledger().nonces[&key().account()], 5);
}

#[tokio::test]
async fn a_node_that_catches_up_is_waited_for_but_not_forever() {
    let chain = sealing();
    let account = chain.account(&key());
    chain.faults(|faults| faults.unknown_anchors = 3);
    account
        .send(call(1), Wait::InBlock)
        .await
        .expect("taken at the fourth attempt");
    chain.faults(|faults| faults.unknown_anchors = u32::MAX);
    let outcome = account.send(call(2), Wait::InBlock).await;
    assert!(matches!(outcome, Err(SubmitError::NodeBehind { .. })), "{outcome:?}");
    assert_eq!(chain.included(), [call(1)]);
}

#[tokio::test]
async fn an_account_without_money_is_told_so_at_once() {
    let chain = sealing();
    chain.faults(|faults| faults.broke = true);
    let outcome = chain.account(&key()).send(call(1), Wait::InBlock).await;
    assert_eq!(outcome, Err(SubmitError::CannotPayFees));
}

#[tokio::test]
async fn a_transaction_of_which_the_pool_says_nothing_is_found_on_chain() {
    for wait in [Wait::InBlock, Wait::Finalized] {
        let chain = FakeChain::new();
        chain.faults(|faults| faults.silent_pool = true);
        let blocks = tick(&chain);
        let outcome = chain.account(&key()).send(call(1), wait).await;
        assert!(outcome.is_ok(), "{outcome:?}");
        assert_eq!(chain.sent().len(), 1);
        blocks.abort();
    }
}

#[tokio::test]
async fn a_transaction_that_the_pool_drops_in_silence_is_handed_in_again_with_the_same_nonce() {
    let chain = FakeChain::new();
    chain.faults(|faults| (faults.silent_pool, faults.empty_blocks) = (true, true));
    let account = chain.account(&key());
    let blocks = tick(&chain);
    let sending = tokio::spawn(async move { account.send(call(1), Wait::InBlock).await });
    until("it waits", || chain.waiting() == 1).await;
    chain.empty_pool();
    until("it is handed in again", || chain.sent().len() == 2).await;
    chain.faults(|faults| faults.empty_blocks = false);
    let outcome = sending.await.expect("no panic");
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(
        (chain.included(), chain.ledger().nonces[&key().account()]),
        (vec![call(1)], 1)
    );
    blocks.abort();
}

#[tokio::test]
async fn a_transaction_that_was_included_is_not_sent_again_though_the_pool_calls_it_invalid() {
    let chain = FakeChain::new();
    chain.say(vec![Status::Waiting, Status::Gone("Transaction is outdated".into())]);
    let account = chain.account(&key());
    let sending = tokio::spawn(async move { account.send(call(1), Wait::InBlock).await });
    until("it waits", || chain.waiting() == 1).await;
    chain.author();
    let outcome = sending.await.expect("no panic");
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!((chain.sent().len(), chain.included().len()), (1, 1));
}

#[tokio::test]
async fn a_gap_in_the_nonces_is_closed_and_nothing_behind_it_is_sent_twice() {
    let chain = FakeChain::new();
    chain.faults(|faults| (faults.silent_pool, faults.empty_blocks) = (true, true));
    let account = chain.account(&key());
    let blocks = tick(&chain);
    let send = |job| {
        let account = account.clone();
        tokio::spawn(async move { account.send(call(job), Wait::InBlock).await })
    };
    let mut sent = vec![send(0)];
    until("it waits", || chain.waiting() == 1).await;
    chain.empty_pool();
    sent.extend([send(1), send(2)]);
    until("all wait", || chain.waiting() == 3).await;
    chain.faults(|faults| faults.empty_blocks = false);
    for sent in sent {
        assert!(sent.await.expect("no panic").is_ok());
    }
    let mut included = chain.included();
    included.sort_by_key(|call| format!("{call:?}"));
    assert_eq!(included, [call(0), call(1), call(2)]);
    account
        .send(call(3), Wait::InBlock)
        .await
        .expect("the count of nonces is right");
    blocks.abort();
}

#[tokio::test]
async fn a_transaction_ends_when_its_last_valid_block_has_passed() {
    let chain = FakeChain::new();
    chain.faults(|faults| (faults.silent_pool, faults.empty_blocks) = (true, true));
    let account = chain.account(&key());
    let blocks = tick(&chain);
    let outcome = account.send(call(1), Wait::InBlock).await;
    assert_eq!(outcome, Err(SubmitError::Expired));
    // The nonce is asked for again, and the next transaction does not wait behind the first.
    chain.empty_pool();
    chain.faults(|faults| (faults.silent_pool, faults.empty_blocks) = (false, false));
    account.send(call(2), Wait::InBlock).await.expect("taken");
    assert_eq!(chain.included(), [call(2)]);
    blocks.abort();
}

#[tokio::test]
async fn a_node_that_never_answers_is_not_waited_for_without_limit() {
    let chain = FakeChain::new();
    let account = chain.account(&key());
    chain.faults(|faults| faults.silent_pool = true);
    let sending = {
        let account = account.clone();
        tokio::spawn(async move { account.send(call(1), Wait::Finalized).await })
    };
    until("it waits", || chain.waiting() == 1).await;
    chain.faults(|faults| faults.deaf = true);
    let outcome = sending.await.expect("no panic");
    assert!(matches!(outcome, Err(SubmitError::Unknown(_))), "{outcome:?}");
    let outcome = account.send(call(2), Wait::InBlock).await;
    assert!(matches!(outcome, Err(SubmitError::NotSent(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_chain_that_does_not_move_is_not_waited_for_without_limit() {
    let chain = FakeChain::new();
    let outcome = chain.account(&key()).send(call(1), Wait::InBlock).await;
    assert!(matches!(outcome, Err(SubmitError::Unknown(_))), "{outcome:?}");
}

#[tokio::test]
async fn finality_that_lags_ends_a_wait_for_it_and_does_not_keep_from_sending() {
    let chain = FakeChain::new();
    let account = chain.account(&key());
    chain.faults(|faults| faults.finality_lag = 1_000);
    let blocks = tick(&chain);
    account.send(call(1), Wait::InBlock).await.expect("taken");
    until("finality is farther behind than a transaction lives", || {
        chain.height() > 40
    })
    .await;
    account.send(call(2), Wait::InBlock).await.expect("taken");
    let outcome = account.send(call(3), Wait::Finalized).await;
    assert!(matches!(outcome, Err(SubmitError::Unknown(_))), "{outcome:?}");
    assert_eq!(chain.included(), [call(1), call(2), call(3)]);
    blocks.abort();
}

#[tokio::test]
async fn a_transaction_survives_a_connection_that_breaks_and_is_not_sent_twice() {
    let chain = FakeChain::new();
    let account = chain.account(&key());
    chain.faults(|faults| faults.silent_pool = true);
    let sending = {
        let account = account.clone();
        tokio::spawn(async move { account.send(call(1), Wait::InBlock).await })
    };
    until("it waits", || chain.waiting() == 1).await;
    chain.break_off();
    chain.author();
    tokio::time::sleep(Duration::from_millis(100)).await;
    chain.restore();
    account.recount();
    let outcome = sending.await.expect("no panic");
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(chain.sent().len(), 1);
}

#[tokio::test]
async fn a_tip_rises_while_a_transaction_waits_and_the_copies_are_included_once() {
    let chain = FakeChain::new();
    chain.faults(|faults| faults.empty_blocks = true);
    let account = chain.tipping(&key(), Perbill::from_percent(1));
    let stakes = Stakes {
        amount: 1_000_000,
        deadline: 15,
    };
    let sending = tokio::spawn(async move { account.send_in_time(call(1), Wait::InBlock, stakes).await });
    until("it waits", || chain.waiting() == 1).await;
    while chain.height() < 13 {
        chain.author();
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    until("the tip is that of two blocks before the deadline", || {
        chain.tips().last() == Some(&5_000)
    })
    .await;
    chain.faults(|faults| faults.empty_blocks = false);
    chain.author();
    let outcome = sending.await.expect("no panic");
    assert!(outcome.is_ok(), "{outcome:?}");
    assert!(chain.tips().is_sorted() && chain.tips()[0] == 0, "{:?}", chain.tips());
    assert_eq!(chain.included(), [call(1)]);
}
