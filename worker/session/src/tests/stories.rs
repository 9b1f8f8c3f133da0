//! Sessions as applications have them, between real nodes.

use super::{
    fake::{FakeChain, FakeChecker, FakeExecutor, generated, plus_one},
    fixtures::{GENERATION, LONGEST_ROW, PLAIN, account, row},
    nodes::{client, client_config, server_config, until, worker, worker_with},
};
use crate::{
    SessionError,
    client::{ClientConfig, Piece, Session},
    journal::disk::Disk,
    request::{RequestError, Sampling},
    server::ServerConfig,
    types::Balance,
};
use futures::StreamExt;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

const BUDGET: Balance = 10_000;

fn sampling(max_tokens: u32) -> Sampling {
    Sampling {
        max_tokens,
        seed: 5,
        ..Sampling::default()
    }
}

fn unchecked() -> ClientConfig {
    ClientConfig {
        share: 0,
        ..client_config()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_streams_and_is_paid_once_by_one_redemption() {
    let chain = Arc::new(FakeChain::default());
    let serves = worker(&chain, 1, FakeExecutor::default(), Disk::default()).await;
    let (sessions, _place) = client(&chain, unchecked(), Disk::default(), None).await;
    let session = Session::open(&sessions, GENERATION, BUDGET).await.expect("opens");
    let mut prompt = vec![1, 2, 3];
    let mut owed = 0;
    for turn in 0..4 {
        let mut generation = session.generate(&prompt, &sampling(10)).expect("fits");
        let mut streamed = Vec::new();
        while let Some(piece) = generation.next().await {
            match piece {
                Piece::Tokens(tokens) => streamed.extend(tokens),
                Piece::Again => panic!("nothing was wrong"),
            }
        }
        let answer = generation.answer().await.expect("answers");
        assert_eq!(streamed, generated(&prompt, 5, 10));
        assert_eq!(answer.tokens, streamed);
        assert_eq!(answer.receipt.message.sequence, turn);
        // 10, and one for each token that the sequence may have.
        assert_eq!(answer.price, 10 + prompt.len() as u128 + 10);
        owed += answer.price;
        prompt.extend(streamed);
    }
    assert_eq!(session.spent().await, owed);
    session.close().await.expect("closes");
    for _ in 0..100 {
        serves.server.look().await;
        if chain.ledger().redeemed(0) == owed {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(chain.ledger().redeemed(0), owed);
    assert_eq!(chain.ledger().redemptions, 1, "one for all requests");
    let after = session.generate(&prompt, &sampling(10)).expect("fits").answer().await;
    assert!(matches!(after, Err(SessionError::Closed)), "{after:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tensors_of_any_size_go_and_come_and_a_defence_has_them() {
    let chain = Arc::new(FakeChain::default());
    let serves = worker(&chain, 1, FakeExecutor::default(), Disk::default()).await;
    let (sessions, _place) = client(&chain, unchecked(), Disk::default(), None).await;
    let session = Session::open(&sessions, PLAIN, 200_000).await.expect("opens");
    for (sequence, elements) in [1, 6_144, 6_145, LONGEST_ROW].into_iter().enumerate() {
        let input = row(&(0..i64::from(elements)).map(|place| place % 1_000).collect::<Vec<_>>());
        let answer = session.run(std::slice::from_ref(&input)).await.expect("answers");
        assert_eq!(answer.outputs, [plus_one(&input)]);
        let kept = serves
            .server
            .kept(0, sequence as u32)
            .await
            .expect("reads")
            .expect("is kept");
        assert_eq!((kept.inputs, kept.receipt), (vec![input], answer.receipt));
    }
    assert!(serves.server.kept(0, 4).await.expect("reads").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_larger_than_a_session_carries_is_refused_on_both_sides_with_the_way_out() {
    const BYTES: u64 = 100_000;
    let chain = Arc::new(FakeChain::default());
    let small = ServerConfig {
        max_input_bytes: BYTES,
        ..server_config()
    };
    let _serves = worker_with(small, &chain, 1, (FakeExecutor::default(), Disk::default())).await;
    let (sessions, _place) = client(&chain, unchecked(), Disk::default(), None).await;
    let session = Session::open(&sessions, PLAIN, 200_000).await.expect("opens");
    let (fits, large) = (row(&[1; 12_500]), row(&[1; 12_501]));
    let answer = session.run(std::slice::from_ref(&fits)).await.expect("answers");
    assert_eq!(answer.outputs, [plus_one(&fits)]);
    let refused = session
        .run(std::slice::from_ref(&large))
        .await
        .expect_err("is declined");
    assert!(refused.to_string().contains("submit a job by digest"), "{refused}");
    for (max_input_bytes, max_answer_bytes, what) in [(BYTES, 2 * BYTES, "input"), (2 * BYTES, BYTES, "answer")] {
        let config = ClientConfig {
            max_input_bytes,
            max_answer_bytes,
            ..unchecked()
        };
        let (sessions, _place) = client(&chain, config, Disk::default(), None).await;
        let session = Session::open(&sessions, PLAIN, 200_000).await.expect("opens");
        let refused = session.run(std::slice::from_ref(&large)).await;
        let expected = RequestError::TooLarge {
            what,
            bytes: BYTES + 8,
            max: BYTES,
        };
        assert!(
            matches!(&refused, Err(SessionError::Request(error)) if *error == expected),
            "{refused:?}"
        );
        assert_eq!(session.spent().await, 0, "nothing was asked");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_wait_where_their_bytes_have_no_room_and_are_answered_in_the_end() {
    let chain = Arc::new(FakeChain::default());
    let executor = FakeExecutor {
        pause: Duration::from_millis(100),
        ..FakeExecutor::default()
    };
    // Room for one request at a time: 8 bytes for each token of the longest sequence, and the input.
    let narrow = ServerConfig {
        max_bytes: 2_048,
        ..server_config()
    };
    let _serves = worker_with(narrow, &chain, 1, (executor, Disk::default())).await;
    let patient = ClientConfig {
        max_asked: 1_000,
        ..unchecked()
    };
    let (sessions, _place) = client(&chain, patient, Disk::default(), None).await;
    let prompt = vec![1; 100];
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(Session::open(&sessions, GENERATION, BUDGET).await.expect("opens"));
    }
    let asked = open
        .iter()
        .map(|session| session.generate(&prompt, &sampling(3)).expect("fits").answer());
    for answer in futures::future::join_all(asked).await {
        assert_eq!(answer.expect("answers").tokens, generated(&prompt, 5, 3));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_do_not_fit_are_refused_before_anything_is_sent() {
    let chain = Arc::new(FakeChain::default());
    let serves = worker(&chain, 1, FakeExecutor::default(), Disk::default()).await;
    let (sessions, _place) = client(&chain, unchecked(), Disk::default(), None).await;
    let session = Session::open(&sessions, PLAIN, 20).await.expect("opens");
    let refused = session.run(&[row(&[1_001])]).await;
    assert!(
        matches!(refused, Err(SessionError::Request(RequestError::Value { .. }))),
        "{refused:?}"
    );
    let refused = session.generate(&[1], &sampling(3)).err();
    assert!(matches!(refused, Some(SessionError::Request(RequestError::Plain))));
    let refused = session.run(&[row(&[1; 11])]).await;
    assert!(
        matches!(refused, Err(SessionError::Budget { price: 21 })),
        "{refused:?}"
    );
    session.top_up(1).await.expect("adds");
    session.run(&[row(&[1; 11])]).await.expect("the budget covers it now");
    assert_eq!(
        serves
            .server
            .kept(0, 0)
            .await
            .expect("reads")
            .map(|kept| kept.receipt.message.owed),
        Some(21)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_sessions_are_answered_beside_each_other() {
    let chain = Arc::new(FakeChain::default());
    let pause = Duration::from_millis(20);
    let executor = FakeExecutor {
        pause,
        ..FakeExecutor::default()
    };
    let _serves = worker(&chain, 1, executor, Disk::default()).await;
    let (sessions, _place) = client(&chain, unchecked(), Disk::default(), None).await;
    let mut open = Vec::new();
    for _ in 0..16 {
        open.push(Session::open(&sessions, GENERATION, BUDGET).await.expect("opens"));
    }
    let start = tokio::time::Instant::now();
    let asked = open
        .iter()
        .map(|session| session.generate(&[1], &sampling(20)).expect("fits").answer());
    for answer in futures::future::join_all(asked).await {
        assert_eq!(answer.expect("answers").tokens, generated(&[1], 5, 20));
    }
    // One after the other they take 16 times 0.4 s.
    assert!(start.elapsed() < pause * 20 * 8, "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_in_the_middle_is_replaced_and_every_token_comes_once() {
    let chain = Arc::new(FakeChain::default());
    let hanging = FakeExecutor {
        hangs_after: 4,
        ..FakeExecutor::default()
    };
    let _first = worker(&chain, 1, hanging, Disk::default()).await;
    let _second = worker(&chain, 2, FakeExecutor::default(), Disk::default()).await;
    let impatient = ClientConfig {
        next_piece: Duration::from_secs(2),
        ..unchecked()
    };
    let (sessions, _place) = client(&chain, impatient, Disk::default(), None).await;
    let session = Session::open(&sessions, GENERATION, BUDGET).await.expect("opens");
    assert_eq!(session.worker().await, Some(account(1)));
    let generation = session.generate(&[7, 8], &sampling(12)).expect("fits");
    let pieces: Vec<Piece> = generation.collect().await;
    let tokens = pieces.iter().flat_map(|piece| match piece {
        Piece::Tokens(tokens) => tokens.clone(),
        Piece::Again => panic!("both generate the same"),
    });
    assert_eq!(tokens.collect::<Vec<_>>(), generated(&[7, 8], 5, 12));
    assert_eq!(session.worker().await, Some(account(2)));
    assert_eq!(session.spent().await, 10 + 14, "paid once");
    let ledger = chain.ledger();
    assert_eq!(ledger.sessions.len(), 2);
    assert_eq!(ledger.redeemed(0), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generation_that_is_cancelled_stops_the_engine_and_is_paid_with_the_next_one() {
    let chain = Arc::new(FakeChain::default());
    let slow = FakeExecutor {
        pause: Duration::from_millis(30),
        ..FakeExecutor::default()
    };
    let finished = slow.finished.clone();
    let _serves = worker(&chain, 1, slow, Disk::default()).await;
    let (sessions, _place) = client(&chain, unchecked(), Disk::default(), None).await;
    let session = Session::open(&sessions, GENERATION, BUDGET).await.expect("opens");
    let mut generation = session.generate(&[1], &sampling(100)).expect("fits");
    generation.next().await.expect("a first token");
    generation.cancel();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(finished.load(Ordering::SeqCst), 0, "the engine has stopped");
    let answer = session
        .generate(&[2], &sampling(1))
        .expect("fits")
        .answer()
        .await
        .expect("answers");
    assert_eq!(answer.receipt.message.sequence, 1);
    assert_eq!(finished.load(Ordering::SeqCst), 2, "the first one was asked again");
    assert_eq!(session.spent().await, (10 + 101) + (10 + 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_was_killed_goes_on_and_pays_what_was_open_once() {
    let chain = Arc::new(FakeChain::default());
    let serves = worker(&chain, 1, FakeExecutor::default(), Disk::default()).await;
    let disk = Disk::default();
    {
        let (sessions, _place) = client(&chain, unchecked(), disk.clone(), None).await;
        let session = Session::open(&sessions, GENERATION, BUDGET).await.expect("opens");
        session
            .generate(&[1], &sampling(5))
            .expect("fits")
            .answer()
            .await
            .expect("answers");
    }
    let (sessions, _place) = client(&chain, unchecked(), disk.after_kill(), None).await;
    let kept = sessions.kept().expect("reads");
    assert_eq!(kept.iter().map(|(session, _)| *session).collect::<Vec<_>>(), [0]);
    let session = Session::resume(&sessions, 0).await.expect("goes on");
    let answer = session
        .generate(&[2], &sampling(5))
        .expect("fits")
        .answer()
        .await
        .expect("answers");
    assert_eq!((answer.receipt.message.sequence, session.spent().await), (1, 2 * 16));
    assert!(matches!(
        Session::resume(&sessions, 9).await.err(),
        Some(SessionError::NoSession(9))
    ));
    drop(serves);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_was_killed_goes_on_where_its_journal_was() {
    let chain = Arc::new(FakeChain::default());
    let first = worker(&chain, 1, FakeExecutor::default(), Disk::default()).await;
    let (sessions, _place) = client(&chain, unchecked(), Disk::default(), None).await;
    let session = Session::open(&sessions, PLAIN, BUDGET).await.expect("opens");
    session.run(&[row(&[1])]).await.expect("answers");
    let disk = first.disk.after_power_failure();
    drop(first);
    // It comes back at another address, which the chain has by now.
    chain.ledger().candidates.clear();
    let second = worker(&chain, 1, FakeExecutor::default(), disk).await;
    let session = Session::resume(&sessions, 0).await.expect("goes on");
    let answer = session.run(&[row(&[2])]).await.expect("answers");
    assert_eq!((answer.receipt.message.sequence, answer.receipt.message.owed), (1, 22));
    assert!(
        second.server.kept(0, 0).await.expect("reads").is_some(),
        "a defence has the first input"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_of_an_honest_worker_are_checked_and_never_challenged() {
    let chain = Arc::new(FakeChain::default());
    let _serves = worker(&chain, 1, FakeExecutor::default(), Disk::default()).await;
    let checker = Arc::new(FakeChecker::default());
    let (sessions, _place) = client(&chain, client_config(), Disk::default(), Some(checker.clone())).await;
    let session = Session::open(&sessions, GENERATION, BUDGET).await.expect("opens");
    let running = sessions.clone();
    let checks = tokio::spawn(async move { running.run().await });
    for _ in 0..5 {
        session
            .generate(&[3], &sampling(4))
            .expect("fits")
            .answer()
            .await
            .expect("answers");
    }
    until(|| checker.checked.load(Ordering::SeqCst) >= 5).await;
    checks.abort();
    assert_eq!(sessions.check().await.expect("looks"), 0);
    assert!(chain.ledger().challenged.is_empty());
}
