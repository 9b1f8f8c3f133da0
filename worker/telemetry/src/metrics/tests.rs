//! Names of metrics, the dashboard that uses them, and the server.

use super::{
    gateway::{GatewayMetrics, ModelLabels, PathLabels, RequestLabels},
    server,
    watcher::WatcherMetrics,
    worker::WorkerMetrics,
};
use serde_json::Value;
use std::{collections::BTreeSet, path::Path, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Endings of names: units, and things that are counted.
const UNITS: [&str; 18] = [
    "_audits",
    "_differences",
    "_seconds",
    "_asy",
    "_jobs",
    "_requests",
    "_connections",
    "_tokens",
    "_claims",
    "_misses",
    "_declines",
    "_challenges",
    "_disputes",
    "_peers",
    "_checks",
    "_differences",
    "_ends",
    "_bytes",
];

/// A gateway that has served a request: a family without members has no name.
fn gateway() -> GatewayMetrics {
    let metrics = GatewayMetrics::default();
    metrics.end("model", "complete");
    metrics.count_tokens("model", 1, 1);
    metrics.count_paid("model", 1.0);
    let (path, model) = ("/v1/models", || ModelLabels { model: "model".into() });
    metrics
        .requests
        .get_or_create(&RequestLabels { path, status: 200 })
        .inc();
    metrics.seconds.get_or_create(&PathLabels { path }).observe(1.0);
    metrics.first_piece.get_or_create(&model()).observe(1.0);
    metrics.generation.get_or_create(&model()).observe(1.0);
    metrics
}

/// Names of all metrics, with their types.
fn registered() -> BTreeSet<(String, String)> {
    let texts = [
        gateway().text(),
        WorkerMetrics::default().text(),
        WatcherMetrics::default().text(),
    ];
    let lines = texts.iter().flat_map(|text| text.lines());
    let types = lines.filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}

/// Names of the samples of all metrics, as queries name them.
fn samples() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (name, kind) in registered() {
        match kind.as_str() {
            "counter" => drop(names.insert(format!("{name}_total"))),
            "histogram" => names.extend(["bucket", "sum", "count"].map(|part| format!("{name}_{part}"))),
            _ => drop(names.insert(name)),
        }
    }
    names
}

fn named_in(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    words.filter(|word| word.starts_with("assay_"))
}

#[test]
fn every_name_ends_in_its_unit() {
    let names = registered();
    assert!(names.len() > 30, "{names:?}");
    for (name, _) in names {
        assert!(UNITS.iter().any(|unit| name.ends_with(unit)), "{name} has no unit");
    }
}

#[test]
fn the_dashboard_asks_for_metrics_that_there_are_and_for_nearly_all_of_them() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/grafana/assay.json");
    let text = std::fs::read_to_string(path).expect("committed");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let known = samples();
    let mut used = BTreeSet::new();
    for target in panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten() {
        let query = target["expr"].as_str().expect("a query");
        let names: Vec<&str> = named_in(query).collect();
        assert!(!names.is_empty(), "{query} names no metric of ours");
        for name in names {
            assert!(known.contains(name), "{query}: there is no {name}");
            used.insert(name.to_owned());
        }
    }
    let families = used.len();
    assert!(families >= 20, "the dashboard shows {families} metrics alone: {used:?}");
    for panel in panels {
        assert!(
            panel["title"].is_string() && panel["fieldConfig"]["defaults"]["unit"].is_string(),
            "{panel}"
        );
    }
}

#[test]
fn the_age_of_a_block_is_measured_when_it_is_read() {
    let metrics = WorkerMetrics::default();
    assert!(
        metrics.text().contains("assay_worker_last_block_age_seconds NaN"),
        "{}",
        metrics.text()
    );
    metrics.place.note_block();
    std::thread::sleep(Duration::from_millis(20));
    let text = metrics.text();
    let age = text
        .lines()
        .find_map(|line| line.strip_prefix("assay_worker_last_block_age_seconds "));
    let age: f64 = age.expect("a sample").parse().expect("a number");
    assert!((0.02..5.0).contains(&age), "{age}");
}

async fn ask(address: std::net::SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(request).await.expect("it reads");
    let mut answer = Vec::new();
    // A connection that is closed with bytes unread may be reset.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).expect("text")
}

#[tokio::test]
async fn the_server_gives_metrics_and_nothing_else_and_bounds_requests() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(server::serve(listener, || "assay_worker_peers 3\n# EOF\n".to_owned()));
    let answer = ask(address, b"GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nassay_worker_peers 3\n# EOF\n"), "{answer}");
    for request in ["GET / HTTP/1.1\r\n\r\n", "POST /metrics HTTP/1.1\r\n\r\n", "\r\n\r\n"] {
        let answer = ask(address, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    }
    assert_eq!(ask(address, &[b'x'; 20_000]).await, "");
    // Readers that say nothing keep no place for longer than a while, and one place is left for others meanwhile.
    let mut silent = Vec::new();
    for _ in 0..7 {
        silent.push(TcpStream::connect(address).await.expect("it listens"));
    }
    let answer = ask(address, b"GET /metrics HTTP/1.1\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
