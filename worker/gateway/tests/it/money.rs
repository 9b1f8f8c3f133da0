//! Money: the maximum is reserved, the actual price is paid, whatever becomes of client, worker and gateway.

use super::*;
use assay_gateway::backend::Work;
use tokio::{io::AsyncWriteExt, net::TcpStream};

const CHAT: &str = "/v1/chat/completions";
/// Tokens of the conversation of `chat`.
const PROMPT: u32 = 9;

fn price(prompt: u32, generated: u32) -> u128 {
    Fake::price(Work { prompt, generated }).0
}

#[tokio::test]
async fn the_conversation_of_these_tests_has_so_many_tokens() {
    let house = House::open();
    assert_eq!(
        house.good(CHAT, chat("fake-chat")).await["usage"]["prompt_tokens"],
        PROMPT
    );
}

#[tokio::test]
async fn a_request_that_may_cost_more_than_there_is_says_how_to_top_up() {
    let house = House::with(price(PROMPT, 50), KeyLimits::default(), |config| {
        config.top_up = "pay at the counter".to_owned();
    });
    let (status, error) = house
        .bad(CHAT, with(chat("fake-chat"), json!({ "max_tokens": 51 })))
        .await;
    assert_eq!(
        (status, &error["type"], &error["code"]),
        (402, &json!("insufficient_quota"), &json!("insufficient_balance"))
    );
    assert!(error["message"].as_str().unwrap().contains("pay at the counter"));
    assert_eq!(
        (&error["assay"]["needed"], &error["assay"]["available"]),
        (&json!("0.000325"), &json!("0.000319"))
    );
    assert_eq!(house.balance(), price(PROMPT, 50));
    house
        .good(CHAT, with(chat("fake-chat"), json!({ "max_tokens": 50 })))
        .await;
}

#[tokio::test]
async fn a_budget_of_a_day_ends_with_when_it_begins_anew() {
    let limits = KeyLimits {
        daily_budget: Some(Amount(price(PROMPT, 20))),
        ..KeyLimits::default()
    };
    let house = House::with(PLENTY, limits, |_| {});
    let body = with(chat("fake-slow"), json!({ "max_tokens": 20 }));
    house.good(CHAT, body.clone()).await;
    let mut reply = house.post(CHAT, body).await;
    let seconds: u32 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=86_400).contains(&seconds));
    let error = reply.json(MAX_BODY).await.unwrap()["error"].clone();
    assert_eq!((reply.status, &error["code"]), (429, &json!("daily_budget_exhausted")));
}

#[tokio::test]
async fn the_maximum_is_set_aside_while_an_answer_is_made() {
    let house = House::open();
    let body = with(chat("fake-slow"), json!({ "max_tokens": 30, "stream": true }));
    let mut reply = house.post(CHAT, body).await;
    assert_eq!(house.state().reserved, Amount(price(PROMPT, 30)));
    assert_eq!(reply.header("x-assay-max-price"), Some("0.000199 ASY"));
    events(&mut reply).await;
    assert_eq!(
        (house.state().reserved, house.balance()),
        (Amount(0), PLENTY - price(PROMPT, 30))
    );
    assert_eq!(house.state().spent_today, Amount(price(PROMPT, 30)));
}

#[tokio::test]
async fn a_client_that_vanishes_stops_its_stream_and_pays_what_was_made() {
    let house = House::open();
    let body = with(chat("fake-slow"), json!({ "max_tokens": 1000, "stream": true }));
    let mut reply = house.post(CHAT, body).await;
    for _ in 0..4 {
        reply.event().await.unwrap().unwrap();
    }
    assert_eq!(house.fake.running(), 1);
    drop(reply);
    house.settled().await;
    let made = house.fake.made();
    assert!((1..200).contains(&made), "{made}");
    assert_eq!(house.balance(), PLENTY - price(PROMPT, made as u32));
}

#[tokio::test]
async fn a_client_that_vanishes_before_its_answer_stops_it_too() {
    let house = House::open();
    let body = with(chat("fake-slow"), json!({ "max_tokens": 1000 })).to_string();
    let (key, length) = (&house.key, body.len());
    let mut stream = TcpStream::connect(house.gateway.address()).await.unwrap();
    let text = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    while house.fake.made() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(stream);
    house.settled().await;
    let made = house.fake.made();
    assert!((1..200).contains(&made), "{made}");
    assert_eq!(house.balance(), PLENTY - price(PROMPT, made as u32));
}

#[tokio::test]
async fn embeddings_are_stopped_with_their_client_and_paid_up_to_there() {
    let house = House::open();
    let inputs = vec!["x".repeat(250); 200];
    let body = json!({ "model": "fake-embed", "input": inputs }).to_string();
    let (key, length) = (&house.key, body.len());
    let mut stream = TcpStream::connect(house.gateway.address()).await.unwrap();
    let text = format!(
        "POST /v1/embeddings HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    while house.fake.running() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(stream);
    house.settled().await;
    let spent = PLENTY - house.balance();
    assert!(
        spent < 200 * price(250, 0) && spent.is_multiple_of(price(250, 0)),
        "{spent}"
    );
}

#[tokio::test]
async fn nothing_is_paid_for_an_answer_that_failed() {
    let house = House::open();
    for body in [
        chat("fake-broken"),
        with(chat("fake-broken"), json!({ "stream": true, "n": 3 })),
    ] {
        let mut reply = house.post(CHAT, body).await;
        reply.bytes(MAX_BODY).await.unwrap();
        house.settled().await;
        assert_eq!(house.balance(), PLENTY);
    }
}

#[tokio::test]
async fn many_requests_at_once_pay_exactly_what_they_cost() {
    let house = House::with(PLENTY, KeyLimits::default(), |config| {
        config.limits.requests_per_key = 200
    });
    let requests = (0..100).map(|seed| house.good(CHAT, with(chat("fake-chat"), json!({ "seed": seed }))));
    let answers = futures::future::join_all(requests).await;
    let cost = answers.iter().map(|answer| {
        let tokens = |field: &str| answer["usage"][field].as_u64().unwrap() as u32;
        price(tokens("prompt_tokens"), tokens("completion_tokens"))
    });
    assert_eq!(house.balance(), PLENTY - cost.sum::<u128>());
    assert_eq!(house.state().reserved, Amount(0));
}
