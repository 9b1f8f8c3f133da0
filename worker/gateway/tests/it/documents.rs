//! Documents against routes, and what is counted.

use super::*;
use assay_gateway::http::{ENDPOINTS, Verb, openapi_document};

#[tokio::test]
async fn every_endpoint_of_the_document_is_there_and_takes_its_method() {
    let house = House::open();
    let mut reply = house.get("/openapi.json").await;
    let document = reply.json(MAX_BODY).await.unwrap();
    assert_eq!(document, openapi_document());
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["paths"].as_object().unwrap().len(), ENDPOINTS.len());
    for endpoint in ENDPOINTS {
        let path = endpoint.path.replace("{model}", "fake-chat");
        match endpoint.verb {
            Verb::Get => {
                let reply = house.get(&path).await;
                assert_eq!(
                    (reply.status, reply.header("content-type")),
                    (200, Some(endpoint.answer)),
                    "{path}"
                );
                assert_eq!(house.post(&path, json!({})).await.status, 405, "{path}");
            }
            Verb::Post => {
                let (status, error) = house.bad(&path, json!({})).await;
                assert_eq!(
                    (status, &error["code"]),
                    (400, &json!("missing_required_parameter")),
                    "{path}"
                );
                assert_eq!(house.get(&path).await.status, 405, "{path}");
            }
            Verb::Rpc => assert_eq!(house.post(&path, json!([])).await.status, 200),
        }
    }
}

#[tokio::test]
async fn models_have_prices_and_context_lengths() {
    let house = House::open();
    let list = house.get("/v1/models").await.json(MAX_BODY).await.unwrap();
    assert_eq!(list["object"], "list");
    let model = house.get("/v1/models/fake-chat").await.json(MAX_BODY).await.unwrap();
    assert!(list["data"].as_array().unwrap().contains(&model));
    assert_eq!(
        (&model["object"], &model["context_length"]),
        (&json!("model"), &json!(2048))
    );
    let assay = &model["assay"];
    assert_eq!(
        (&assay["price_million_prompt_tokens"], &assay["currency"]),
        (&json!("2"), &json!("ASY"))
    );
    assert_eq!(assay["ability"], "chat");
}

#[tokio::test]
async fn readiness_follows_the_backend() {
    let house = House::open();
    assert_eq!(house.get("/ready").await.status, 200);
    house.fake.set_ready(false);
    let mut reply = house.get("/ready").await;
    let body = reply.json(MAX_BODY).await.unwrap();
    assert_eq!(
        (reply.status, &body["detail"]),
        (503, &json!("the fake market is away"))
    );
    assert_eq!(house.get("/health").await.status, 200);
}

#[tokio::test]
async fn metrics_count_requests_tokens_and_money() {
    let house = House::open();
    let path = "/v1/chat/completions";
    let answer = house.good(path, chat("fake-chat")).await;
    house.bad(path, chat("no\"such\nmodel")).await;
    house.settled().await;
    let text = String::from_utf8(house.get("/metrics").await.bytes(MAX_BODY).await.unwrap()).unwrap();
    let has = |line: &str| assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    has("assay_gateway_requests_total{path=\"/v1/chat/completions\",status=\"200\"} 1");
    has("assay_gateway_requests_total{path=\"/v1/chat/completions\",status=\"404\"} 1");
    let generated = &answer["usage"]["completion_tokens"];
    has(&format!(
        "assay_gateway_tokens_total{{model=\"fake-chat\",kind=\"generated\"}} {generated}"
    ));
    has("assay_gateway_ends_total{model=\"fake-chat\",end=\"complete\"} 1");
    has("assay_gateway_running_requests 0");
    has("# UNIT assay_gateway_generation_seconds seconds");
    assert!(text.ends_with("# EOF\n") && !text.contains("such"));
    let paid = format!(
        "assay_gateway_paid_asy_total{{model=\"fake-chat\"}} {}",
        answer["assay"]["price"].as_str().unwrap()
    );
    has(&paid);
}

#[tokio::test]
async fn the_page_for_people_needs_no_other_host() {
    let house = House::open();
    let mut reply = house.get("/docs").await;
    assert!(
        reply
            .header("content-security-policy")
            .is_some_and(|policy| policy.starts_with("default-src 'none'"))
    );
    let page = String::from_utf8(reply.bytes(MAX_BODY).await.unwrap()).unwrap();
    assert!(page.contains("/v1/chat/completions") && page.contains("logit_bias"));
}

#[tokio::test]
async fn the_console_is_served_with_a_policy_that_allows_no_other_host() {
    let house = House::open();
    for (path, kind) in [
        ("/console", "text/html; charset=utf-8"),
        ("/console/app.js", "text/javascript; charset=utf-8"),
        ("/console/style.css", "text/css; charset=utf-8"),
        ("/console/icon.svg", "image/svg+xml"),
    ] {
        let mut reply = house.get(path).await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (200, Some(kind)),
            "{path}"
        );
        let policy = reply.header("content-security-policy").unwrap().to_owned();
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert!(!policy.contains("http") && !policy.contains('*'), "{policy}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert!(!reply.bytes(MAX_BODY).await.unwrap().is_empty());
    }
    assert_eq!(house.post("/console/app.js", json!({})).await.status, 405);
}
