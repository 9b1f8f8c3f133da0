//! Requests that are refused, with status, code and the field's name.

use super::*;
use assay_gateway::params::{self, Kind};

const CHAT: &str = "/v1/chat/completions";

async fn refused(house: &House, path: &str, body: Value, expected: (u16, &str, Value)) {
    let (status, error) = house.bad(path, body.clone()).await;
    let code = error["code"].as_str().unwrap();
    assert_eq!(
        (status, code, error["param"].clone()),
        expected,
        "{path} {body} {error}"
    );
}

#[tokio::test]
async fn parameters_are_refused_by_name() {
    let house = House::open();
    let unsupported = |name: &str| (400, "unsupported_parameter", json!(name));
    for (name, value) in [
        ("logprobs", json!(true)),
        ("top_logprobs", json!(3)),
        ("logit_bias", json!({ "50256": -100 })),
        ("presence_penalty", json!(0.5)),
        ("frequency_penalty", json!(-1)),
        ("response_format", json!({ "type": "json_object" })),
        ("tools", json!([{ "type": "function", "function": { "name": "f" } }])),
        ("tool_choice", json!("required")),
        ("functions", json!([{}])),
        ("audio", json!({})),
        ("store", json!(true)),
        ("reasoning_effort", json!("high")),
        ("service_tier", json!("flex")),
    ] {
        refused(
            &house,
            CHAT,
            with(chat("fake-chat"), json!({ name: value })),
            unsupported(name),
        )
        .await;
    }
    let text = json!({ "model": "fake-base", "prompt": "x" });
    for (name, value) in [
        ("logprobs", json!(1)),
        ("echo", json!(true)),
        ("best_of", json!(2)),
        ("suffix", json!("x")),
    ] {
        refused(
            &house,
            "/v1/completions",
            with(text.clone(), json!({ name: value })),
            unsupported(name),
        )
        .await;
    }
    let response = json!({ "model": "fake-chat", "input": "x" });
    for (name, value) in [
        ("previous_response_id", json!("resp_1")),
        ("background", json!(true)),
        ("include", json!(["x"])),
    ] {
        refused(
            &house,
            "/v1/responses",
            with(response.clone(), json!({ name: value })),
            unsupported(name),
        )
        .await;
    }
    let embedding = json!({ "model": "fake-embed", "input": "x", "dimensions": 8 });
    refused(&house, "/v1/embeddings", embedding, unsupported("dimensions")).await;
    let unknown = (400, "unknown_parameter", json!("logprob"));
    refused(&house, CHAT, with(chat("fake-chat"), json!({ "logprob": 1 })), unknown).await;
    assert_eq!(house.balance(), PLENTY);
}

#[tokio::test]
async fn every_parameter_that_changes_nothing_is_refused_with_a_value_that_would() {
    let house = House::open();
    let tables = [
        (CHAT, chat("fake-chat"), params::CHAT),
        (
            "/v1/completions",
            json!({ "model": "fake-base", "prompt": "x" }),
            params::COMPLETIONS,
        ),
        (
            "/v1/responses",
            json!({ "model": "fake-chat", "input": "x" }),
            params::RESPONSES,
        ),
    ];
    for (path, body, table) in tables {
        let neutral = table.iter().filter(|param| matches!(param.kind, Kind::Neutral(_)));
        for name in neutral.map(|param| param.name) {
            let expected = (400, "unsupported_parameter", json!(name));
            refused(&house, path, with(body.clone(), json!({ name: "a value" })), expected).await;
        }
    }
    assert_eq!(house.balance(), PLENTY);
}

#[tokio::test]
async fn wrong_values_are_refused_by_name() {
    let house = House::open();
    let invalid = |name: &str| (400, "invalid_value", json!(name));
    for (name, value) in [
        ("temperature", json!(3)),
        ("top_p", json!(0)),
        ("max_tokens", json!(0)),
        ("max_tokens", json!("many")),
        ("n", json!(0)),
        ("n", json!(9)),
        ("seed", json!(1.5)),
        ("stop", json!(["a", "b", "c", "d", "e"])),
        ("stream", json!("yes")),
        ("messages", json!([])),
        ("messages", json!("hi")),
    ] {
        refused(
            &house,
            CHAT,
            with(chat("fake-chat"), json!({ name: value })),
            invalid(name),
        )
        .await;
    }
    let role = json!({ "messages": [{ "role": "tool", "content": "x" }] });
    refused(&house, CHAT, with(chat("fake-chat"), role), invalid("messages[0].role")).await;
    let prompt = |prompt: Value| json!({ "model": "fake-base", "prompt": prompt });
    refused(
        &house,
        "/v1/completions",
        prompt(json!([1, 99_999])),
        invalid("prompt[1]"),
    )
    .await;
    refused(&house, "/v1/completions", prompt(json!("")), invalid("prompt")).await;
    refused(
        &house,
        "/v1/completions",
        prompt(json!(vec!["x"; 9])),
        invalid("prompt"),
    )
    .await;
    let input = |input: Value| json!({ "model": "fake-embed", "input": input });
    refused(
        &house,
        "/v1/embeddings",
        input(json!([[1], [308]])),
        invalid("input[1][0]"),
    )
    .await;
    refused(&house, "/v1/embeddings", input(json!(vec!["x"; 257])), invalid("input")).await;
    let format = with(input(json!("x")), json!({ "encoding_format": "int8" }));
    refused(&house, "/v1/embeddings", format, invalid("encoding_format")).await;
    let missing = (400, "missing_required_parameter", json!("messages"));
    refused(&house, CHAT, json!({ "model": "fake-chat" }), missing).await;
    assert_eq!(house.balance(), PLENTY);
}

#[tokio::test]
async fn what_does_not_fit_the_model_is_refused_with_its_numbers() {
    let house = House::open();
    let exceeded = |name: &str| (400, "context_length_exceeded", json!(name));
    let long = "x".repeat(2048);
    let messages = json!({ "messages": [{ "role": "user", "content": long }] });
    refused(&house, CHAT, with(chat("fake-chat"), messages), exceeded("messages")).await;
    refused(
        &house,
        CHAT,
        with(chat("fake-chat"), json!({ "max_tokens": 2048 })),
        exceeded("max_tokens"),
    )
    .await;
    let newer = json!({ "max_completion_tokens": 2048 });
    refused(
        &house,
        CHAT,
        with(chat("fake-chat"), newer),
        exceeded("max_completion_tokens"),
    )
    .await;
    let input = json!({ "model": "fake-embed", "input": ["x", "x".repeat(300)] });
    refused(&house, "/v1/embeddings", input, exceeded("input[1]")).await;
}

#[tokio::test]
async fn models_are_asked_for_what_they_can_do() {
    let house = House::open();
    let not_able = (400, "model_not_able", json!("model"));
    refused(&house, CHAT, chat("fake-base"), not_able.clone()).await;
    refused(&house, CHAT, chat("fake-sum"), not_able.clone()).await;
    refused(
        &house,
        "/v1/embeddings",
        json!({ "model": "fake-chat", "input": "x" }),
        not_able,
    )
    .await;
    let missing = (404, "model_not_found", json!("model"));
    refused(&house, CHAT, chat("gpt-4"), missing.clone()).await;
    refused(
        &house,
        "/v1/responses",
        json!({ "model": "gpt-4", "input": "x" }),
        missing,
    )
    .await;
    assert_eq!(house.get("/v1/models/gpt-4").await.status, 404);
}

#[tokio::test]
async fn keys_that_are_missing_wrong_or_revoked_are_refused() {
    let house = House::open();
    let address = format!("http://{}", house.gateway.address());
    let forged = format!("{}0", &house.key[..house.key.len() - 1]);
    let forged = if forged == house.key {
        format!("{}1", &house.key[..house.key.len() - 1])
    } else {
        forged
    };
    for key in [None, Some("sk-1234".to_owned()), Some(forged)] {
        let client = Client::new(&address, key).unwrap();
        for path in [CHAT, "/v1/completions", "/v1/embeddings", "/v1/responses", "/rpc"] {
            let mut reply = client.send(path, Some(&json!({}))).await.unwrap();
            let body = reply.json(MAX_BODY).await.unwrap();
            assert_eq!(
                (reply.status, &body["error"]["code"]),
                (401, &json!("invalid_api_key")),
                "{path}"
            );
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        }
        assert_eq!(client.send("/v1/models", None).await.unwrap().status, 401);
        for path in ["/health", "/ready", "/metrics", "/openapi.json", "/docs"] {
            assert_eq!(client.send(path, None).await.unwrap().status, 200, "{path}");
        }
    }
    assert_eq!(house.get("/v1/models").await.status, 200);
    house
        .gateway
        .app()
        .ledger
        .as_ref()
        .unwrap()
        .store()
        .revoke(&house.id, 1)
        .unwrap();
    assert_eq!(house.get("/v1/models").await.status, 401);
}

#[tokio::test]
async fn workers_that_are_away_late_or_broken_have_statuses_of_their_own() {
    let house = House::with(PLENTY, KeyLimits::default(), |config| {
        config.timeouts.request = Duration::from_secs(1);
    });
    let mut reply = house.post(CHAT, chat("fake-gone")).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("7")));
    assert_eq!(reply.json(MAX_BODY).await.unwrap()["error"]["code"], "unavailable");
    assert_eq!(
        house
            .post(CHAT, with(chat("fake-gone"), json!({ "stream": true })))
            .await
            .status,
        503
    );
    let null = Value::Null;
    refused(&house, CHAT, chat("fake-broken"), (502, "worker_failed", null.clone())).await;
    refused(&house, CHAT, chat("fake-stuck"), (504, "timeout", null.clone())).await;
    house.settled().await;
    assert_eq!(house.balance(), PLENTY);
    // What was computed until the time was over is paid.
    let slow = with(chat("fake-slow"), json!({ "max_tokens": 500 }));
    refused(&house, CHAT, slow, (504, "timeout", null)).await;
    house.settled().await;
    assert!(house.balance() < PLENTY);
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there_are_refused() {
    let house = House::open();
    for path in [
        "/",
        "/console/",
        "/console/../app.js",
        "/console/none.js",
        "/v1",
        "/v1/chat",
        "/v1/files",
        "/v2/models",
    ] {
        let mut reply = house.get(path).await;
        let body = reply.json(MAX_BODY).await.unwrap();
        assert_eq!(
            (reply.status, &body["error"]["code"]),
            (404, &json!("unknown_url")),
            "{path}"
        );
    }
    let mut reply = house.get(CHAT).await;
    let body = reply.json(MAX_BODY).await.unwrap();
    assert_eq!(
        (reply.status, &body["error"]["message"]),
        (405, &json!("this path takes POST"))
    );
    assert_eq!(reply.header("allow"), Some("POST"));
    let mut reply = house.post("/v1/models", json!({})).await;
    let body = reply.json(MAX_BODY).await.unwrap();
    assert_eq!(
        (reply.status, &body["error"]["message"]),
        (405, &json!("this path takes GET"))
    );
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused() {
    let house = House::open();
    let send = async |kind: &str, body: &str| {
        let (key, length) = (&house.key, body.len());
        let text = format!(
            "POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: {kind}\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let mut reply = house.client.send_raw(text.as_bytes()).await.unwrap();
        (
            reply.status,
            reply.json(MAX_BODY).await.unwrap()["error"]["code"]
                .as_str()
                .unwrap()
                .to_owned(),
        )
    };
    assert_eq!(
        send("text/plain", "{}").await,
        (415, "unsupported_media_type".to_owned())
    );
    let json = "application/json; charset=utf-8";
    for body in ["", "{", "[]", "\"x\"", "{\"a\":1}x"] {
        assert_eq!(send(json, body).await, (400, "invalid_json".to_owned()), "{body}");
    }
}

#[tokio::test]
async fn a_key_has_so_many_requests_and_tokens() {
    let limits = KeyLimits {
        requests: Some(1),
        tokens_per_minute: Some(100),
        ..KeyLimits::default()
    };
    let house = House::with(PLENTY, limits, |_| {});
    // The prompt has 9 tokens, so that nothing is left after it.
    let all = with(chat("fake-slow"), json!({ "max_tokens": 91, "stream": true }));
    let mut running = house.post(CHAT, all.clone()).await;
    let mut reply = house.post(CHAT, chat("fake-chat")).await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("1")));
    assert_eq!(reply.json(MAX_BODY).await.unwrap()["error"]["type"], "rate_limit_error");
    events(&mut running).await;
    let more = with(chat("fake-chat"), json!({ "max_tokens": 92 }));
    refused(&house, CHAT, more, (400, "invalid_value", json!("max_tokens"))).await;
    let mut reply = house.post(CHAT, all).await;
    assert_eq!(
        reply.json(MAX_BODY).await.unwrap()["error"]["code"],
        "tokens_per_minute"
    );
    let seconds: u32 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
}
