//! A gateway on a real port over the fake backend, seen from outside.

mod conversations;
mod documents;
mod door;
mod generations;
mod hostile;
mod money;
mod refusals;
mod rpc;

use assay_gateway::{
    Gateway, GatewayConfig,
    client::{Client, Reply},
    fake::Fake,
    ledger::{KeyLimits, KeyState, today},
    money::Amount,
};
use serde_json::{Value, json};
use std::{net::SocketAddr, sync::Arc, time::Duration};

/// Enough for every test that is not about money: 1000 ASY.
const PLENTY: u128 = 1_000_000_000_000_000;
const MAX_BODY: usize = 4 << 20;

/// A gateway, what is behind it, and a key to it.
struct House {
    gateway: Gateway,
    fake: Fake,
    key: String,
    id: String,
    client: Client,
    _folder: tempfile::TempDir,
}

impl House {
    fn open() -> Self {
        Self::with(PLENTY, KeyLimits::default(), |_| {})
    }

    fn with(balance: u128, limits: KeyLimits, change: impl FnOnce(&mut GatewayConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = GatewayConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            folder: folder.path().join("gateway"),
            ..GatewayConfig::default()
        };
        change(&mut config);
        let fake = Fake::default();
        let gateway = Gateway::start(config, Arc::new(fake.clone())).unwrap();
        let store = gateway.app().ledger.as_ref().unwrap();
        let (record, key) = store.store().add_key("test", Some(Amount(balance)), limits, 0).unwrap();
        let key = key.reveal();
        let client = Client::new(&format!("http://{}", gateway.address()), Some(key.clone())).unwrap();
        Self {
            gateway,
            fake,
            key,
            id: record.id,
            client,
            _folder: folder,
        }
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        self.client.send(path, Some(&body)).await.unwrap()
    }

    async fn get(&self, path: &str) -> Reply {
        self.client.send(path, None).await.unwrap()
    }

    /// The body of an answer that must be good.
    async fn good(&self, path: &str, body: Value) -> Value {
        let mut reply = self.post(path, body).await;
        let answer = reply.json(MAX_BODY).await.unwrap();
        assert_eq!(reply.status, 200, "{answer}");
        answer
    }

    /// Status and error of an answer that must be bad.
    async fn bad(&self, path: &str, body: Value) -> (u16, Value) {
        let mut reply = self.post(path, body).await;
        let answer = reply.json(MAX_BODY).await.unwrap();
        assert_ne!(reply.status, 200, "{answer}");
        let error = answer["error"].clone();
        assert!(
            error["message"].as_str().is_some_and(|message| !message.is_empty()),
            "{answer}"
        );
        assert!(error["type"].is_string() && error["code"].is_string(), "{answer}");
        (reply.status, error)
    }

    fn state(&self) -> KeyState {
        let states = self
            .gateway
            .app()
            .ledger
            .as_ref()
            .unwrap()
            .store()
            .keys(today())
            .unwrap();
        states.into_iter().find(|state| state.record.id == self.id).unwrap()
    }

    fn balance(&self) -> u128 {
        self.state().record.balance.unwrap().0
    }

    /// Waits until nothing runs, is reserved or is to be settled.
    async fn settled(&self) {
        for _ in 0..3000 {
            let is_idle = self.gateway.app().tasks.count() == 0 && self.fake.running() == 0;
            if is_idle && self.state().reserved == Amount(0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!(
            "requests are not settled: {:?}, {} run",
            self.state(),
            self.fake.running()
        );
    }
}

/// A conversation with this model.
fn chat(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": "who is the worker" }], "seed": 7 })
}

/// A value with more fields.
fn with(mut value: Value, more: Value) -> Value {
    for (name, field) in more.as_object().unwrap() {
        value[name] = field.clone();
    }
    value
}

/// Data of every event of a stream.
async fn events(reply: &mut Reply) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(event) = reply.event().await.unwrap() {
        all.push(event.data);
    }
    all
}

/// Chunks of a stream that must end well, without its last mark.
async fn chunks(mut reply: Reply) -> Vec<Value> {
    assert_eq!(reply.status, 200);
    let mut all = events(&mut reply).await;
    assert_eq!(all.pop().as_deref(), Some("[DONE]"));
    all.iter().map(|data| serde_json::from_str(data).unwrap()).collect()
}
