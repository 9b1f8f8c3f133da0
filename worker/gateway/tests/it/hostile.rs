//! Clients that are slow, huge, many or gone: they harm nobody.

use super::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

const CHAT: &str = "/v1/chat/completions";
const SECOND: Duration = Duration::from_secs(1);

fn request(key: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// Answer of a connection to these bytes, until it ends.
async fn answer(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let mut text = Vec::new();
    let write = async {
        let _ = writer.write_all(bytes).await;
    };
    let read = async {
        let _ = reader.read_to_end(&mut text).await;
    };
    timeout(20 * SECOND, async { tokio::join!(write, read) })
        .await
        .expect("the connection stays open");
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let house = House::open();
    let address = house.gateway.address();
    // The length alone is enough.
    let head = request(&house.key, "").replace("content-length: 0", "content-length: 1099511627776");
    let text = answer(address, head.as_bytes()).await;
    assert!(
        text.starts_with("HTTP/1.1 413 ") && text.contains("body_too_large"),
        "{text}"
    );
    // A body that does not say its length is read as far as it may be.
    let mut chunked = request(&house.key, "")
        .replace("content-length: 0", "transfer-encoding: chunked")
        .into_bytes();
    for _ in 0..17 {
        chunked.extend_from_slice(b"10000\r\n");
        chunked.extend_from_slice(&vec![b' '; 0x10000]);
        chunked.extend_from_slice(b"\r\n");
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&chunked).await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 413");
}

#[tokio::test]
async fn json_that_is_deep_or_wide_is_read_in_bounds() {
    let house = House::open();
    let depth = 300_000;
    let deep = format!("{{\"model\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let text = answer(house.gateway.address(), request(&house.key, &deep).as_bytes()).await;
    assert!(
        text.starts_with("HTTP/1.1 400 ") && text.contains("invalid_json"),
        "{text}"
    );
    let wide = format!("{{\"model\":\"fake-base\",\"messages\":[{}0]}}", "[],".repeat(300_000));
    let text = answer(house.gateway.address(), request(&house.key, &wide).as_bytes()).await;
    assert!(text.starts_with("HTTP/1.1 400 ") && text.contains("messages"), "{text}");
    assert_eq!(house.get("/health").await.status, 200);
}

#[tokio::test]
async fn floods_of_headers_are_refused() {
    let house = House::open();
    let address = house.gateway.address();
    let many: String = (0..1000).map(|index| format!("x-{index}: y\r\n")).collect();
    let text = answer(
        address,
        format!("GET /health HTTP/1.1\r\nhost: x\r\n{many}\r\n").as_bytes(),
    )
    .await;
    assert!(text.starts_with("HTTP/1.1 431 "), "{text}");
    let long = "y".repeat(1 << 20);
    let text = answer(
        address,
        format!("GET /health HTTP/1.1\r\nhost: x\r\nx: {long}\r\n\r\n").as_bytes(),
    )
    .await;
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 431 "), "{text}");
    let text = answer(
        address,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 no HTTP at all\r\n\r\n",
    )
    .await;
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 400 "), "{text}");
    assert_eq!(house.get("/health").await.status, 200);
}

#[tokio::test]
async fn heads_and_bodies_that_never_end_are_given_up() {
    let house = House::with(PLENTY, KeyLimits::default(), |config| {
        config.timeouts.head = Duration::from_millis(300);
        config.timeouts.body = Duration::from_millis(300);
    });
    let address = house.gateway.address();
    let begun = Instant::now();
    answer(address, b"GET /health HTTP/1.1\r\nhost: x\r\nx: ").await;
    let half = request(&house.key, "{}").replace("content-length: 2", "content-length: 1000");
    let text = answer(address, half.as_bytes()).await;
    assert!(
        text.starts_with("HTTP/1.1 408 ") && text.contains("request_timeout"),
        "{text}"
    );
    assert!(begun.elapsed() < 10 * SECOND);
    assert_eq!(house.gateway.app().usage.requests(), 0);
}

#[tokio::test]
async fn one_connection_too_many_is_closed() {
    let house = House::with(PLENTY, KeyLimits::default(), |config| config.limits.connections = 4);
    let address = house.gateway.address();
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'H');
        open.push(stream);
    }
    assert_eq!(answer(address, b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await, "");
    open.clear();
    for _ in 0..1000 {
        if house
            .client
            .send("/health", None)
            .await
            .is_ok_and(|reply| reply.status == 200)
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("places are not free again");
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_given_up_and_pays_what_was_made() {
    let house = House::with(PLENTY, KeyLimits::default(), |config| {
        config.timeouts.write = Duration::from_millis(300);
    });
    let body = with(chat("fake-loud"), json!({ "stream": true, "max_tokens": 900_000 })).to_string();
    let mut stream = TcpStream::connect(house.gateway.address()).await.unwrap();
    stream.write_all(request(&house.key, &body).as_bytes()).await.unwrap();
    while house.fake.made() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    house.settled().await;
    // The system's buffers hold some megabytes, and no more was made than fits them.
    let made = house.fake.made();
    assert!(made < 900_000, "{made}");
    assert!(house.balance() < PLENTY && house.state().reserved == Amount(0));
    for _ in 0..1000 {
        if house.gateway.app().metrics.connections.get() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the connection stays open");
}

/// Resident memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_streams_take_bounded_memory() {
    const STREAMS: usize = 500;
    let house = House::with(PLENTY, KeyLimits::default(), |config| {
        config.limits.requests = STREAMS;
        config.limits.requests_per_key = STREAMS as u32;
        config.limits.tokens_per_minute = 100_000_000;
    });
    house.good(CHAT, chat("fake-chat")).await;
    let before = resident();
    let body = with(chat("fake-slow"), json!({ "stream": true, "max_tokens": 100 }));
    let streams = futures::future::join_all((0..STREAMS).map(|_| house.post(CHAT, body.clone()))).await;
    assert!(streams.iter().all(|reply| reply.status == 200));
    let running = house.gateway.app().usage.requests();
    assert!(running > STREAMS / 2, "{running} run at a time");
    let during = resident();
    // Both ends of every stream are in this process.
    let each = during.saturating_sub(before) / STREAMS as u64;
    println!("{STREAMS} streams, {running} at a time: {each} KiB each, client included");
    assert!(each < 256, "{each} KiB for each stream");
    let read = streams.into_iter().map(async |reply| chunks(reply).await.len());
    let lengths = futures::future::join_all(read).await;
    assert!(lengths.iter().all(|length| *length == lengths[0]));
    house.settled().await;
}
