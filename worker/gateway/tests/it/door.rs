//! TLS, origins, a gateway that is open, and its end.

use super::*;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
};

const CHAT: &str = "/v1/chat/completions";

#[tokio::test]
async fn a_client_that_trusts_the_certificate_is_served_over_tls() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/tls");
    let certificate = files.join("certificate.pem");
    let house = House::with(PLENTY, KeyLimits::default(), |config| {
        config.tls = Some(assay_gateway::TlsConfig {
            certificate: certificate.clone(),
            key: files.join("key.pem"),
        });
    });
    let address = house.gateway.address();
    let asked = tokio::task::spawn_blocking(move || {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&certificate).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
        stream
            .write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = asked.await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\"status\":\"ok\""),
        "{answer}"
    );
    // Plain HTTP gets nothing.
    assert!(house.client.send("/health", None).await.is_err());
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = |certificate: &Path, key: &Path| GatewayConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        folder: folder.path().join("gateway"),
        tls: Some(assay_gateway::TlsConfig {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        }),
        ..GatewayConfig::default()
    };
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/tls");
    let (certificate, key) = (files.join("certificate.pem"), files.join("key.pem"));
    let missing = folder.path().join("missing.pem");
    for (config, named) in [
        (config(&missing, &key), &missing),
        (config(&certificate, &certificate), &certificate),
    ] {
        let error = Gateway::start(config, Arc::new(Fake::default()))
            .err()
            .unwrap()
            .to_string();
        assert!(error.starts_with(&named.display().to_string()), "{error}");
    }
}

#[tokio::test]
async fn pages_of_allowed_origins_may_ask() {
    let ask = async |house: &House, origin: &str| {
        let text = format!(
            "OPTIONS {CHAT} HTTP/1.1\r\nhost: x\r\norigin: {origin}\r\naccess-control-request-method: POST\r\n\
             access-control-request-headers: authorization,content-type,x-stainless-lang\r\nconnection: close\r\n\r\n"
        );
        let reply = house.client.send_raw(text.as_bytes()).await.unwrap();
        let allowed = reply
            .header("access-control-allow-headers")
            .unwrap_or_default()
            .to_owned();
        (reply.header("access-control-allow-origin").map(str::to_owned), allowed)
    };
    let house = House::open();
    assert_eq!(ask(&house, "https://example.org").await.0, None);
    let house = House::with(PLENTY, KeyLimits::default(), |config| {
        config.cors = vec!["https://example.org".to_owned()];
    });
    let (origin, headers) = ask(&house, "https://example.org").await;
    assert_eq!(origin.as_deref(), Some("https://example.org"));
    assert!(
        headers.contains("authorization") && headers.contains("x-stainless-lang"),
        "{headers}"
    );
    assert_eq!(ask(&house, "https://example.com").await.0, None);
}

#[tokio::test]
async fn an_open_gateway_serves_its_own_machine_and_no_page_of_others() {
    let config = GatewayConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        open: true,
        ..GatewayConfig::default()
    };
    let gateway = Gateway::start(config, Arc::new(Fake::default())).unwrap();
    let client = Client::new(&format!("http://{}", gateway.address()), None).unwrap();
    let mut reply = client.send(CHAT, Some(&chat("fake-chat"))).await.unwrap();
    assert!(reply.json(MAX_BODY).await.unwrap()["assay"]["price"].is_string());
    let body = chat("fake-chat").to_string();
    let send = async |headers: &str| {
        let length = body.len();
        let text = format!(
            "POST {CHAT} HTTP/1.1\r\n{headers}content-type: application/json\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        );
        client.send_raw(text.as_bytes()).await.unwrap().status
    };
    assert_eq!(send("host: localhost\r\n").await, 200);
    // A name of somebody else's that was made to point at this machine.
    assert_eq!(send("host: attacker.example\r\n").await, 403);
    assert_eq!(
        send("host: localhost\r\norigin: https://attacker.example\r\n").await,
        403
    );
    // The gateway's own page asks, and not one of another port or of a name that begins alike.
    let own = "host: localhost:8080\r\norigin: http://localhost";
    assert_eq!(send(&format!("{own}:8080\r\n")).await, 200);
    for other in ["", ":8081", ":80800", ":8080.attacker.example"] {
        assert_eq!(send(&format!("{own}{other}\r\n")).await, 403, "{other}");
    }
    assert_eq!(send("host: localhost\r\norigin: null\r\n").await, 403);
}

#[tokio::test]
async fn a_gateway_that_is_shut_down_lets_streams_finish() {
    let house = House::open();
    let address = house.gateway.address();
    let body = with(chat("fake-slow"), json!({ "max_tokens": 25, "stream": true }));
    let mut reply = house.post(CHAT, body).await;
    let down = tokio::spawn(house.gateway.shutdown());
    let all = events(&mut reply).await;
    assert_eq!(all.last().map(String::as_str), Some("[DONE]"));
    down.await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_gateway_that_is_shut_down_stops_what_takes_too_long_and_settles_it() {
    let house = House::with(PLENTY, KeyLimits::default(), |config| {
        config.timeouts.drain = Duration::from_millis(200);
    });
    let ledger = house.gateway.app().ledger.clone().unwrap();
    let body = with(chat("fake-slow"), json!({ "max_tokens": 2000, "stream": true }));
    let mut reply = house.post(CHAT, body).await;
    reply.event().await.unwrap();
    house.gateway.shutdown().await;
    assert_eq!(house.fake.running(), 0);
    let state = ledger.store().keys(today()).unwrap()[0].clone();
    assert_eq!(state.reserved, Amount(0));
    assert!(state.spent_today > Amount(0));
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = GatewayConfig {
        listen: taken.local_addr().unwrap(),
        folder: folder.path().to_owned(),
        ..GatewayConfig::default()
    };
    let error = Gateway::start(config, Arc::new(Fake::default()))
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains(&taken.local_addr().unwrap().to_string()) && error.contains("--address"),
        "{error}"
    );
}

#[tokio::test]
async fn a_gateway_that_is_shut_down_waits_for_nobody_for_longer_than_it_says() {
    let house = House::with(PLENTY, KeyLimits::default(), |config| {
        config.timeouts.accept = Duration::from_millis(100);
        config.timeouts.drain = Duration::from_millis(300);
    });
    // One connection asks nothing, one waits for a worker that never accepts, and one reads nothing of its answer.
    let _silent = tokio::net::TcpStream::connect(house.gateway.address()).await.unwrap();
    let _stuck = house
        .post(CHAT, with(chat("fake-stuck"), json!({ "stream": true })))
        .await;
    let loud = json!({ "stream": true, "max_tokens": 1 << 16 });
    let _unread = house.post(CHAT, with(chat("fake-loud"), loud)).await;
    let down = tokio::time::timeout(Duration::from_secs(20), house.gateway.shutdown());
    down.await.expect("the gateway ends");
    assert_eq!(house.fake.running(), 0);
}
