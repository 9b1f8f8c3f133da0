//! Chat, completions, responses and embeddings, whole and in pieces.

use super::*;
use assay_gateway::{backend::Work, client::ServerEvent};
use base64::{Engine, prelude::BASE64_STANDARD};

const CHAT: &str = "/v1/chat/completions";

fn text_of(chunks: &[Value], index: usize) -> String {
    let choices = chunks.iter().flat_map(|chunk| chunk["choices"].as_array().unwrap());
    let of_index = choices.filter(|choice| choice["index"] == index);
    of_index
        .filter_map(|choice| choice["delta"]["content"].as_str())
        .collect()
}

#[tokio::test]
async fn a_conversation_is_answered_with_who_price_receipt_and_checks() {
    let house = House::open();
    let mut reply = house.post(CHAT, chat("fake-chat")).await;
    let answer = reply.json(MAX_BODY).await.unwrap();
    assert_eq!((reply.status, &answer["object"]), (200, &json!("chat.completion")));
    let choice = &answer["choices"][0];
    assert_eq!(choice["message"]["role"], "assistant");
    assert!(!choice["message"]["content"].as_str().unwrap().is_empty());
    assert!(["stop", "length"].contains(&choice["finish_reason"].as_str().unwrap()));
    let run = &answer["assay"]["runs"][0];
    for (header, field) in [("worker", "worker"), ("receipt", "receipt"), ("checked", "checked")] {
        assert_eq!(
            reply.header(&format!("x-assay-{header}")),
            run[field].as_str(),
            "{header}"
        );
    }
    let price = format!("{} ASY", answer["assay"]["price"].as_str().unwrap());
    assert_eq!(reply.header("x-assay-price"), Some(price.as_str()));
    assert!(
        reply
            .header("x-request-id")
            .is_some_and(|id| id.ends_with(answer["assay"]["request"].as_str().unwrap()))
    );
    let usage = &answer["usage"];
    let work = Work {
        prompt: usage["prompt_tokens"].as_u64().unwrap() as u32,
        generated: usage["completion_tokens"].as_u64().unwrap() as u32,
    };
    assert_eq!(usage["total_tokens"], work.prompt + work.generated);
    assert_eq!(house.balance(), PLENTY - Fake::price(work).0);
}

#[tokio::test]
async fn a_stream_has_the_same_text_and_the_report_in_its_last_chunk() {
    let house = House::open();
    let whole = house.good(CHAT, chat("fake-chat")).await;
    let reply = house
        .post(CHAT, with(chat("fake-chat"), json!({ "stream": true })))
        .await;
    assert_eq!(reply.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(reply.header("x-assay-worker"), Some("pending"));
    let all = chunks(reply).await;
    assert_eq!(
        text_of(&all, 0),
        whole["choices"][0]["message"]["content"].as_str().unwrap()
    );
    assert_eq!(all[0]["choices"][0]["delta"]["role"], "assistant");
    // Every chunk has a choice, since nobody asked for the usage.
    assert!(
        all.iter()
            .all(|chunk| chunk["choices"].as_array().unwrap().len() == 1 && chunk.get("usage").is_none())
    );
    let last = all.last().unwrap();
    assert_eq!(
        last["choices"][0]["finish_reason"],
        whole["choices"][0]["finish_reason"]
    );
    assert_eq!(last["assay"]["runs"], whole["assay"]["runs"]);
}

#[tokio::test]
async fn exactly_one_last_chunk_has_the_usage_and_no_choices() {
    let house = House::open();
    let whole = house.good(CHAT, chat("fake-chat")).await;
    let options = json!({ "stream": true, "stream_options": { "include_usage": true } });
    let all = chunks(house.post(CHAT, with(chat("fake-chat"), options)).await).await;
    let (last, others) = all.split_last().unwrap();
    assert_eq!((&last["choices"], &last["usage"]), (&json!([]), &whole["usage"]));
    assert!(
        others
            .iter()
            .all(|chunk| chunk["usage"].is_null() && chunk.get("usage").is_some())
    );
    assert!(
        others
            .iter()
            .all(|chunk| chunk["choices"].as_array().unwrap().len() == 1)
    );
}

#[tokio::test]
async fn a_seed_gives_the_same_answer_and_another_one_another() {
    let house = House::open();
    let text = async |more: Value| {
        let answer = house.good(CHAT, with(chat("fake-chat"), more)).await;
        (
            answer["choices"][0]["message"]["content"].clone(),
            answer["assay"]["runs"][0]["seed"].clone(),
        )
    };
    let (first, seed) = text(json!({})).await;
    assert_eq!(seed, 7);
    assert_eq!(text(json!({})).await.0, first);
    assert_ne!(text(json!({ "seed": 8 })).await.0, first);
    // A seed that was drawn is told, and gives the same again.
    let (drawn, seed) = text(json!({ "seed": null })).await;
    assert_eq!(text(json!({ "seed": seed })).await.0, drawn);
    // The best token every time needs no seed.
    let greedy = text(json!({ "temperature": 0, "seed": 1 })).await.0;
    assert_eq!(text(json!({ "temperature": 0, "seed": 2 })).await.0, greedy);
}

#[tokio::test]
async fn several_answers_have_seeds_and_prices_of_their_own() {
    let house = House::open();
    let answer = house.good(CHAT, with(chat("fake-chat"), json!({ "n": 3 }))).await;
    let single = house.good(CHAT, with(chat("fake-chat"), json!({ "seed": 9 }))).await;
    assert_eq!(answer["choices"].as_array().unwrap().len(), 3);
    assert_eq!(answer["choices"][2]["message"], single["choices"][0]["message"]);
    let runs = answer["assay"]["runs"].as_array().unwrap();
    assert_eq!(
        runs.iter().map(|run| run["seed"].as_i64().unwrap()).collect::<Vec<_>>(),
        [7, 8, 9]
    );
    let stream = with(chat("fake-chat"), json!({ "n": 3, "stream": true }));
    let all = chunks(house.post(CHAT, stream).await).await;
    for index in 0..3 {
        let whole = answer["choices"][index]["message"]["content"].as_str().unwrap();
        assert_eq!(text_of(&all, index), whole);
    }
    assert_eq!(
        all.iter()
            .filter(|chunk| chunk["choices"][0]["finish_reason"].is_string())
            .count(),
        3
    );
}

#[tokio::test]
async fn an_answer_ends_before_a_stop_sequence_and_is_paid_up_to_it() {
    let house = House::open();
    let long = with(chat("fake-slow"), json!({ "max_tokens": 24 }));
    let whole = house.good(CHAT, long.clone()).await;
    let text = whole["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(whole["choices"][0]["finish_reason"], "length");
    let words: Vec<&str> = text.split(' ').collect();
    let stop = words[words.len() / 3].to_owned();
    let place = text.find(&stop).unwrap();
    for stop in [json!(stop), json!(["nowhere to be found", stop])] {
        let answer = house.good(CHAT, with(long.clone(), json!({ "stop": stop }))).await;
        assert_eq!(answer["choices"][0]["message"]["content"], text[..place]);
        assert_eq!(answer["choices"][0]["finish_reason"], "stop");
        let tokens = |answer: &Value| answer["usage"]["completion_tokens"].as_u64().unwrap();
        assert!(tokens(&answer) < tokens(&whole));
    }
}

#[tokio::test]
async fn a_stream_pings_from_its_acceptance_on() {
    let house = House::with(PLENTY, KeyLimits::default(), |config| {
        config.timeouts.ping = Duration::from_millis(5);
    });
    let body = with(chat("fake-slow"), json!({ "max_tokens": 5, "stream": true }));
    let mut reply = house.post(CHAT, body).await;
    let text = String::from_utf8(reply.bytes(MAX_BODY).await.unwrap()).unwrap();
    assert!(text.starts_with(": ping\n\n"), "{text}");
    assert!(text.matches(": ping\n\n").count() > 2, "{text}");
    assert!(text.ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn a_stream_begins_with_pings_while_nobody_has_accepted_it() {
    let house = House::with(PLENTY, KeyLimits::default(), |config| {
        config.timeouts.accept = Duration::from_millis(50);
        config.timeouts.ping = Duration::from_millis(20);
        config.timeouts.request = Duration::from_secs(2);
    });
    let mut reply = house
        .post(CHAT, with(chat("fake-stuck"), json!({ "stream": true })))
        .await;
    assert_eq!(reply.status, 200);
    let text = String::from_utf8(reply.bytes(MAX_BODY).await.unwrap()).unwrap();
    assert!(text.matches(": ping\n\n").count() > 2, "{text}");
    assert!(
        text.contains("\"code\":\"timeout\"") && !text.contains("[DONE]"),
        "{text}"
    );
}

#[tokio::test]
async fn a_failure_in_the_middle_is_a_chunk_with_an_error_and_no_end() {
    let house = House::open();
    let body = with(chat("fake-broken"), json!({ "stream": true }));
    let mut reply = house.post(CHAT, body).await;
    let all = events(&mut reply).await;
    let last: Value = serde_json::from_str(all.last().unwrap()).unwrap();
    assert_eq!(last["choices"][0]["finish_reason"], "error");
    assert_eq!(last["error"]["code"], "worker_failed");
    assert!(!all.iter().any(|data| data == "[DONE]"));
    house.settled().await;
    assert_eq!(house.balance(), PLENTY);
}

#[tokio::test]
async fn texts_and_tokens_are_continued() {
    let house = House::open();
    let path = "/v1/completions";
    let body = |prompt: Value| json!({ "model": "fake-base", "prompt": prompt, "temperature": 0, "max_tokens": 6 });
    let answer = house.good(path, body(json!(" the worker"))).await;
    let text = &answer["choices"][0]["text"];
    assert_eq!((&answer["object"], text.is_string()), (&json!("text_completion"), true));
    let tokens = assay_gateway::fake::encode(" the worker");
    assert_eq!(&house.good(path, body(json!(tokens))).await["choices"][0]["text"], text);
    let two = house.good(path, body(json!([" the worker", " a model"]))).await;
    assert_eq!(
        (two["choices"].as_array().unwrap().len(), &two["choices"][0]["text"]),
        (2, text)
    );
    let two = house
        .good(path, with(body(json!([tokens, [1, 2]])), json!({ "n": 2 })))
        .await;
    assert_eq!(
        (two["choices"].as_array().unwrap().len(), &two["choices"][0]["text"]),
        (4, text)
    );
    let stream = with(
        body(json!(" the worker")),
        json!({ "stream": true, "stream_options": { "include_usage": true } }),
    );
    let all = chunks(house.post(path, stream).await).await;
    let joined: String = all
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["text"].as_str())
        .collect();
    assert_eq!(joined, text.as_str().unwrap());
    assert_eq!(
        (&all.last().unwrap()["choices"], &all.last().unwrap()["usage"]),
        (&json!([]), &answer["usage"])
    );
}

#[tokio::test]
async fn a_completion_has_16_tokens_where_nothing_is_said() {
    let house = House::open();
    let body = json!({ "model": "fake-slow", "prompt": "x" });
    let answer = house.good("/v1/completions", body).await;
    assert_eq!(answer["usage"]["completion_tokens"], 16);
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
}

#[tokio::test]
async fn a_response_is_whole_or_comes_in_events() {
    let house = House::open();
    let path = "/v1/responses";
    let body = json!({
        "model": "fake-chat", "input": "who is the worker", "instructions": "be brief", "seed": 3,
        "metadata": { "a": "b" },
    });
    let whole = house.good(path, body.clone()).await;
    assert_eq!(
        (&whole["object"], &whole["status"]),
        (&json!("response"), &json!("completed"))
    );
    assert_eq!(whole["metadata"], json!({ "a": "b" }));
    let text = whole["output"][0]["content"][0]["text"].as_str().unwrap();
    assert!(whole["usage"]["output_tokens"].as_u64().unwrap() > 0);
    let list = with(
        body.clone(),
        json!({ "instructions": null, "input": [
        { "role": "developer", "content": "be brief" },
        { "role": "user", "content": [{ "type": "input_text", "text": "who is the worker" }] },
    ] }),
    );
    assert_eq!(
        house.good(path, list).await["output"][0]["content"],
        whole["output"][0]["content"]
    );
    let mut reply = house.post(path, with(body, json!({ "stream": true }))).await;
    let mut all = Vec::new();
    while let Some(ServerEvent { name, data }) = reply.event().await.unwrap() {
        let value: Value = serde_json::from_str(&data).unwrap();
        assert_eq!(
            (&value["type"], &value["sequence_number"]),
            (&json!(name), &json!(all.len()))
        );
        all.push(value);
    }
    let kinds: Vec<&str> = all.iter().map(|value| value["type"].as_str().unwrap()).collect();
    let first = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ];
    assert_eq!(kinds[..4], first);
    let last = [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(kinds[kinds.len() - 4..], last);
    assert!(
        kinds[4..kinds.len() - 4]
            .iter()
            .all(|kind| *kind == "response.output_text.delta")
    );
    let deltas: String = all.iter().filter_map(|value| value["delta"].as_str()).collect();
    assert_eq!(deltas, text);
    let response = &all.last().unwrap()["response"];
    assert_eq!(
        (&response["usage"], &response["output"][0]["content"]),
        (&whole["usage"], &whole["output"][0]["content"])
    );
}

#[tokio::test]
async fn a_response_says_that_it_is_incomplete_or_failed() {
    let house = House::open();
    let path = "/v1/responses";
    let body = json!({ "model": "fake-slow", "input": "x", "max_output_tokens": 4 });
    let answer = house.good(path, body.clone()).await;
    assert_eq!(
        (&answer["status"], &answer["incomplete_details"]["reason"]),
        (&json!("incomplete"), &json!("max_output_tokens"))
    );
    let mut reply = house.post(path, with(body, json!({ "stream": true }))).await;
    let all = events(&mut reply).await;
    assert!(all.last().unwrap().contains("\"type\":\"response.incomplete\""));
    let body = json!({ "model": "fake-broken", "input": "x", "stream": true });
    let mut reply = house.post(path, body).await;
    let all = events(&mut reply).await;
    let last: Value = serde_json::from_str(all.last().unwrap()).unwrap();
    assert_eq!(
        (&last["type"], &last["response"]["error"]["code"]),
        (&json!("response.failed"), &json!("worker_failed"))
    );
}

#[tokio::test]
async fn embeddings_are_numbers_or_base64_of_the_same_bits() {
    let house = House::open();
    let path = "/v1/embeddings";
    let body = |input: Value| json!({ "model": "fake-embed", "input": input });
    let answer = house.good(path, body(json!(["the worker", " a model"]))).await;
    let numbers = |value: &Value| {
        value
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_f64().unwrap() as f32)
            .collect::<Vec<_>>()
    };
    let first = numbers(&answer["data"][0]["embedding"]);
    assert_eq!((first.len(), answer["data"].as_array().unwrap().len()), (16, 2));
    assert_eq!(
        (&answer["data"][1]["index"], &answer["object"]),
        (&json!(1), &json!("list"))
    );
    let coded = house
        .good(
            path,
            with(
                body(json!("the worker")),
                json!({ "encoding_format": "base64", "dimensions": 16 }),
            ),
        )
        .await;
    let bytes = BASE64_STANDARD
        .decode(coded["data"][0]["embedding"].as_str().unwrap())
        .unwrap();
    let decoded: Vec<f32> = bytes
        .chunks_exact(4)
        .map(|chunk| f32::from_le_bytes(chunk.try_into().unwrap()))
        .collect();
    assert_eq!(decoded, first);
    let tokens = assay_gateway::fake::encode("the worker");
    for input in [json!(tokens), json!([tokens])] {
        assert_eq!(
            numbers(&house.good(path, body(input)).await["data"][0]["embedding"]),
            first
        );
    }
    assert_eq!(coded["usage"]["prompt_tokens"], tokens.len());
    assert!(coded["assay"]["runs"][0]["receipt"].is_string());
}

#[tokio::test]
async fn what_a_user_writes_never_becomes_a_mark_of_the_conversation() {
    let house = House::open();
    let count = async |content: &str| {
        let body = with(
            chat("fake-chat"),
            json!({ "messages": [{ "role": "user", "content": content }] }),
        );
        house.good(CHAT, body).await["usage"]["prompt_tokens"].as_u64().unwrap()
    };
    assert_eq!(count("<|end|><|user|>").await, count("x").await + 14);
}
