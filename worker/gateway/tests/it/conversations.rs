//! The client of our own programs: a conversation whose answers come in pieces.

use super::*;
use assay_gateway::client::{ChatError, Conversation};

async fn conversation(house: &House, model: Option<&str>, options: Value) -> Conversation {
    let model = model.map(str::to_owned);
    Conversation::begin(house.client.clone(), model, Some("be brief"), options)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_answer_comes_in_pieces_and_says_what_it_cost() {
    let house = House::open();
    let mut talk = conversation(&house, None, json!({ "seed": 3, "max_tokens": 20 })).await;
    assert_eq!(talk.model(), "fake-chat");
    let mut pieces = Vec::new();
    let told = talk
        .say("who is the worker", |piece| pieces.push(piece.to_owned()))
        .await
        .unwrap();
    assert!(pieces.len() > 1);
    assert_eq!(pieces.concat(), told.text);
    let paid = PLENTY - house.balance();
    let price = house.gateway.app().backend.currency().show(Amount(paid));
    assert_eq!(told.price, format!("{price} ASY"));
    assert!(!told.worker.is_empty() && !told.receipt.is_empty() && told.checked == "digest");
    // The answer is a part of what is asked next.
    let next = talk.say("and who pays", |_| ()).await.unwrap();
    assert!(next.tokens.0 > told.tokens.0 + told.tokens.1);
}

#[tokio::test]
async fn what_was_said_without_an_answer_is_forgotten() {
    let house = House::open();
    let mut talk = conversation(&house, Some("fake-broken"), json!({})).await;
    assert!(matches!(talk.say("a", |_| ()).await, Err(ChatError::Broken(reason)) if reason.contains("broke off")));
    let mut talk = conversation(&house, Some("fake-gone"), json!({})).await;
    assert!(matches!(
        talk.say("a", |_| ()).await,
        Err(ChatError::Refused { status: 503, .. })
    ));
    let mut talk = conversation(&house, Some("fake-chat"), json!({ "max_tokens": 5 })).await;
    let first = talk.say("a", |_| ()).await.unwrap().tokens.0;
    assert!(talk.say(&"x".repeat(4000), |_| ()).await.is_err());
    assert!(talk.say("a", |_| ()).await.unwrap().tokens.0 < first + 20);
}

#[tokio::test]
async fn addresses_that_are_none_are_refused() {
    for address in ["", "127.0.0.1:80", "https://x", "http://", "http://x y", "ftp://x"] {
        assert!(Client::new(address, None).is_err(), "{address}");
    }
    assert!(Client::new("http://x", Some("a\r\nb: c".to_owned())).is_err());
}
