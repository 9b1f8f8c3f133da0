//! JSON-RPC over HTTP and WebSocket.

use super::*;
use assay_gateway::rpc::openrpc_document;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const JOB_PRICE: u128 = 400_000_000_000;

impl House {
    async fn call(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut reply = self.post("/rpc", body).await;
        assert_eq!(reply.status, 200);
        reply.json(MAX_BODY).await.unwrap()
    }
}

/// A WebSocket, as far as these tests need one: texts that fit one frame.
struct Socket(TcpStream);

impl Socket {
    /// Status of the answer to the handshake, and the socket.
    async fn open(house: &House, key: Option<&str>) -> (u16, Self) {
        let mut stream = TcpStream::connect(house.gateway.address()).await.unwrap();
        let key = key
            .map(|key| format!("authorization: Bearer {key}\r\n"))
            .unwrap_or_default();
        let head = format!(
            "GET /rpc HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{key}\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.unwrap());
        }
        let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
        (status, Self(stream))
    }

    async fn send(&mut self, value: &Value) {
        let text = value.to_string();
        let length = u16::try_from(text.len()).unwrap().to_be_bytes();
        // A text, masked with zeros.
        let mut frame = vec![0x81, 0xfe, length[0], length[1], 0, 0, 0, 0];
        frame.extend_from_slice(text.as_bytes());
        self.0.write_all(&frame).await.unwrap();
    }

    /// The next text.
    async fn next(&mut self) -> Value {
        loop {
            let (kind, length) = (self.0.read_u8().await.unwrap(), self.0.read_u8().await.unwrap());
            let length = match length {
                126 => u64::from(self.0.read_u16().await.unwrap()),
                127 => self.0.read_u64().await.unwrap(),
                length => length.into(),
            };
            let mut payload = vec![0; length as usize];
            self.0.read_exact(&mut payload).await.unwrap();
            if kind == 0x81 {
                return serde_json::from_slice(&payload).unwrap();
            }
            assert_eq!(kind, 0x89, "neither a text nor a ping");
        }
    }
}

#[tokio::test]
async fn the_market_is_described() {
    let house = House::open();
    let models = house.call("assay_models", json!([])).await["result"].clone();
    let listed = house.get("/v1/models").await.json(MAX_BODY).await.unwrap();
    assert_eq!(models, listed["data"]);
    let workers = house.call("assay_workers", json!({ "model": "fake-chat" })).await["result"].clone();
    assert_eq!(
        (workers.as_array().unwrap().len(), &workers[0]["model"]),
        (1, &json!("fake-chat"))
    );
    assert_eq!(
        house.call("assay_workers", json!([])).await["result"]
            .as_array()
            .unwrap()
            .len(),
        9
    );
    let quote = house.call("assay_quote", json!(["fake-chat", 9, 50])).await;
    assert_eq!(quote["result"], json!({ "max": "0.000319", "currency": "ASY" }));
    let account = house.call("assay_account", Value::Null).await["result"].clone();
    assert_eq!(
        (&account["balance"], &account["key"]),
        (&json!("1000"), &json!(house.id))
    );
}

#[tokio::test]
async fn a_job_is_submitted_followed_and_paid() {
    let house = House::open();
    let job = json!({ "model": "fake-sum", "input": [1, 2, 3.5], "ceiling": "0.5" });
    let status = house.call("assay_submitJob", job).await["result"].clone();
    assert_eq!(
        (&status["phase"], &status["closed"]),
        (&json!("Assigned"), &json!(false))
    );
    let id = status["id"].as_str().unwrap();
    assert_eq!(house.state().reserved, Amount(500_000_000_000));
    house.settled().await;
    let status = house.call("assay_status", json!([id])).await["result"].clone();
    assert_eq!((&status["phase"], &status["paid"]), (&json!("Settled"), &json!("0.4")));
    assert_eq!(
        house.call("assay_result", json!([id])).await["result"],
        json!({ "sum": 6.5 })
    );
    assert_eq!(house.balance(), PLENTY - JOB_PRICE);
}

#[tokio::test]
async fn a_job_that_is_refused_costs_nothing() {
    let house = House::open();
    for (params, field) in [
        (json!(["fake-sum", "text", "1"]), json!("input")),
        (json!(["fake-sum", [1], "0.1"]), json!("ceiling")),
        (json!(["fake-sum", [1], "much"]), json!("ceiling")),
        (json!(["fake-sum", [1], 1]), json!("ceiling")),
        (json!(["no-such-model", [1], "1"]), json!("model")),
        (json!(["fake-sum", [1]]), json!("ceiling")),
        (
            json!({ "model": "fake-sum", "input": [1], "ceiling": "1", "tip": 1 }),
            json!("tip"),
        ),
    ] {
        let error = house.call("assay_submitJob", params.clone()).await["error"].clone();
        assert_eq!(
            (&error["code"], &error["data"]["param"]),
            (&json!(-32602), &field),
            "{params}"
        );
    }
    let error = house.call("assay_submitJob", json!(["fake-sum", [1], "1001"])).await["error"].clone();
    assert_eq!(
        (&error["code"], &error["data"]["code"]),
        (&json!(-32002), &json!("insufficient_balance"))
    );
    house.settled().await;
    assert_eq!(house.balance(), PLENTY);
}

#[tokio::test]
async fn a_job_that_two_follow_is_settled_once() {
    let folder = tempfile::tempdir().unwrap();
    let config = GatewayConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        folder: folder.path().to_owned(),
        ..GatewayConfig::default()
    };
    let fake = Fake::default();
    let gateway = Gateway::start(config.clone(), Arc::new(fake.clone())).unwrap();
    let ledger = gateway.app().ledger.clone().unwrap();
    let (_, key) = ledger
        .store()
        .add_key("a", Some(Amount(PLENTY)), KeyLimits::default(), 0)
        .unwrap();
    let client = Client::new(&format!("http://{}", gateway.address()), Some(key.reveal())).unwrap();
    let params = json!(["fake-sum", [1, 2], "1"]);
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "assay_submitJob", "params": params });
    assert_eq!(client.send("/rpc", Some(&body)).await.unwrap().status, 200);
    // A gateway that starts again follows the jobs of its reservations; here another one follows it already.
    let state = ledger.store().keys(today()).unwrap()[0].clone();
    assert_eq!(state.reserved, Amount(1_000_000_000_000));
    let open = ledger.store().reservations().unwrap();
    assert_eq!(open[0].1.job.as_deref(), Some("0"));
    gateway.app().settle_jobs(vec![assay_gateway::ledger::OpenJob {
        reservation: open[0].0,
        job: "0".to_owned(),
    }]);
    for _ in 0..1000 {
        if ledger.store().reservations().unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Two that follow it settle it once.
    let state = ledger.store().keys(today()).unwrap()[0].clone();
    assert_eq!(state.record.balance, Some(Amount(PLENTY - JOB_PRICE)));
}

#[tokio::test]
async fn a_receipt_is_found_and_checked() {
    let house = House::open();
    let answer = house.good("/v1/chat/completions", chat("fake-chat")).await;
    let name = &answer["assay"]["runs"][0]["receipt"];
    let mut receipt = house.call("assay_receipt", json!([name])).await["result"].clone();
    assert_eq!(&receipt["digest"], name);
    assert_eq!(
        house.call("assay_verify", json!([receipt])).await["result"]["valid"],
        true
    );
    receipt["price"] = json!("1");
    let verified = house.call("assay_verify", json!({ "receipt": receipt })).await["result"].clone();
    assert_eq!(
        (&verified["valid"], &verified["checks"][0]["holds"]),
        (&json!(false), &json!(false))
    );
    let missing = house.call("assay_receipt", json!(["none"])).await["error"].clone();
    assert_eq!(
        (&missing["code"], &missing["data"]["code"]),
        (&json!(-32602), &json!("not_found"))
    );
}

#[tokio::test]
async fn a_subscription_tells_every_phase_and_ends_with_the_job() {
    let house = House::open();
    let (status, mut socket) = Socket::open(&house, Some(&house.key)).await;
    assert_eq!(status, 101);
    let call = |id: u32, method: &str, params: Value| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    socket
        .send(&call(1, "assay_submitJob", json!(["fake-sum", [4], "1"])))
        .await;
    let id = socket.next().await["result"]["id"].clone();
    socket.send(&call(2, "assay_subscribeJob", json!([id]))).await;
    let subscription = socket.next().await["result"].clone();
    let mut phases = Vec::new();
    loop {
        let notice = socket.next().await;
        assert_eq!(
            (&notice["method"], &notice["params"]["subscription"]),
            (&json!("assay_job"), &subscription)
        );
        let job = &notice["params"]["result"];
        phases.push(job["phase"].as_str().unwrap().to_owned());
        if job["closed"] == true {
            break;
        }
    }
    // A subscription that begins late begins in a later phase, and leaves none out.
    assert!(
        ["Assigned", "Claimed", "Settled"].map(str::to_owned).ends_with(&phases),
        "{phases:?}"
    );
    socket.send(&call(3, "assay_subscribeJob", json!(["99"]))).await;
    assert_eq!(socket.next().await["error"]["data"]["code"], "not_found");
    // A key that is revoked works no more, on a socket that is open as well.
    house
        .gateway
        .app()
        .ledger
        .as_ref()
        .unwrap()
        .store()
        .revoke(&house.id, 1)
        .unwrap();
    socket.send(&call(4, "assay_models", json!([]))).await;
    assert_eq!(socket.next().await["error"]["code"], -32001);
    assert_eq!(Socket::open(&house, None).await.0, 401);
}

#[tokio::test]
async fn a_session_is_followed_by_its_number() {
    let house = House::open();
    let (_, mut socket) = Socket::open(&house, Some(&house.key)).await;
    let call = |id: u32, params: Value| json!({ "jsonrpc": "2.0", "id": id, "method": "assay_subscribeSession", "params": params });
    socket.send(&call(1, json!(["7"]))).await;
    let subscription = socket.next().await["result"].clone();
    let notice = socket.next().await;
    assert_eq!(
        (&notice["method"], &notice["params"]["subscription"]),
        (&json!("assay_session"), &subscription)
    );
    let session = &notice["params"]["result"];
    assert_eq!((&session["id"], &session["phase"]), (&json!("7"), &json!("Open")));
    socket.send(&call(2, json!(["99"]))).await;
    assert_eq!(socket.next().await["error"]["data"]["code"], "not_found");
    let refused = house.call("assay_subscribeSession", json!(["7"])).await["error"].clone();
    assert!(refused["message"].is_string(), "{refused}");
}

#[tokio::test]
async fn the_methods_describe_themselves() {
    let house = House::open();
    assert_eq!(
        house.call("rpc.discover", Value::Null).await["result"],
        openrpc_document()
    );
    let error = house.call("assay_noSuchMethod", json!([])).await["error"].clone();
    assert_eq!(error["code"], -32601);
    let batch: Vec<Value> = (0..65)
        .map(|id| json!({ "jsonrpc": "2.0", "id": id, "method": "assay_models" }))
        .collect();
    let answer = house.good("/rpc", json!(batch)).await;
    assert!(answer["error"].is_object(), "a batch of 65 calls is refused");
}

#[tokio::test]
async fn what_people_look_at_is_described() {
    let house = House::open();
    let disputes = house.call("assay_disputes", json!([])).await["result"].clone();
    let convicted = &disputes[1];
    assert_eq!(
        (&convicted["verdict"], &convicted["locked"]),
        (&json!("convicted"), &json!("20"))
    );
    let narrowing = &convicted["games"][0]["narrowing"];
    assert_eq!(
        narrowing["graph"],
        json!({ "start": 0, "total": 2600, "first": 1666, "count": 1 })
    );
    assert_ne!(narrowing["element"]["claimed"], narrowing["element"]["computed"]);
    let money = house.call("assay_money", json!([])).await["result"].clone();
    assert_eq!(money["holds"][0]["amount"], "12.5");
    let sessions = house.call("assay_sessions", json!([])).await["result"].clone();
    assert_eq!(
        (&sessions[0]["phase"], &sessions[0]["redeemed"]),
        (&json!("Open"), &json!("0.25"))
    );
    let network = house.call("assay_network", json!([])).await["result"].clone();
    assert!(network["best"].as_u64() >= network["finalized"].as_u64());
    assert_eq!(house.call("assay_jobs", json!([])).await["result"], json!([]));
    house.call("assay_submitJob", json!(["fake-sum", [1, 2], "0.5"])).await;
    house.call("assay_submitJob", json!(["fake-sum", [1, 2], "0.5"])).await;
    let jobs = house.call("assay_jobs", json!([])).await["result"].clone();
    assert_eq!((&jobs[0]["id"], &jobs[1]["id"]), (&json!("1"), &json!("0")));
}

#[tokio::test]
async fn a_picture_that_is_no_picture_is_refused() {
    let house = House::open();
    let row = json!([0, 0, 16, 16, 0, 0, 0, 0]);
    let picture = |rows: usize| json!({ "image": [vec![row.clone(); rows]] });
    let good = house
        .call("assay_submitJob", json!(["fake-digits", picture(8), "0.5"]))
        .await;
    assert_eq!(good["result"]["id"], "0");
    let wide = json!({ "image": [vec![vec![0; 9]; 8]] });
    let bright = json!({ "image": [vec![vec![17; 8]; 8]] });
    for wrong in [json!([1]), json!({}), picture(7), picture(9), wide, bright] {
        let answer = house
            .call("assay_submitJob", json!(["fake-digits", wrong, "0.5"]))
            .await;
        assert_eq!(answer["error"]["data"]["param"], "input", "{answer}");
    }
}
