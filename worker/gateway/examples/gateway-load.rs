//! `make bench-gateway`: what many, slow, vanishing and hostile clients cost a gateway, in memory and time.
//!
//! The gateway is over the fake backend and in a process of its own, so that its memory is told apart from that of its
//! clients. Figures are printed and written as JSON.

use assay_gateway::{
    Gateway, GatewayConfig,
    client::{Client, Reply},
    fake::Fake,
    ledger::{KeyLimits, now},
    money::Amount,
};
use futures::future::join_all;
use serde_json::{Value, json};
use std::{
    error::Error,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const CHAT: &str = "/v1/chat/completions";
/// Streams at a time.
const STREAMS: usize = 500;
/// Clients that read nothing, and clients that go away after the first piece.
const BAD_CLIENTS: usize = 200;
/// Ordinary requests that are timed while others misbehave.
const ORDINARY: usize = 100;
/// Tokens of a long stream, of which one comes every 20 ms.
const LONG: u32 = 200;
/// Longest wait until nothing is reserved any more.
const PATIENCE: Duration = Duration::from_secs(120);
const MAX_ANSWER: usize = 4 << 20;

fn main() -> Result<()> {
    let argument = std::env::args().nth(1);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    match argument.as_deref() {
        Some("serve") => runtime.block_on(serve()),
        output => {
            let output = PathBuf::from(output.unwrap_or("target/bench/gateway.json"));
            runtime.block_on(measure(&output))
        }
    }
}

/// Serves until standard input is closed. Prints the address and a key.
async fn serve() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("assay-gateway-load-{}", std::process::id()));
    let mut config = GatewayConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        folder: folder.clone(),
        ..GatewayConfig::default()
    };
    config.limits.requests_per_key = config.limits.requests as u32;
    config.limits.tokens_per_minute = u64::from(u32::MAX);
    let gateway = Gateway::start(config, Arc::new(Fake::default()))?;
    let ledger = gateway.app().ledger.as_ref().ok_or("the gateway has no keys")?;
    let balance = Some(Amount(1_000_000_000_000_000_000));
    let (_, key) = ledger.store().add_key("load", balance, KeyLimits::default(), now())?;
    println!("http://{}\n{}", gateway.address(), key.reveal());
    let closed = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    closed.await??;
    gateway.shutdown().await;
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// The gateway's process. It ends when this is dropped.
struct Served {
    process: Child,
    address: String,
    key: String,
    client: Client,
}

impl Served {
    fn start() -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("the gateway has no output")?;
        let mut lines = BufReader::new(output).lines();
        let mut line = || {
            lines
                .next()
                .ok_or("the gateway says nothing")?
                .map_err(Box::<dyn Error>::from)
        };
        let (address, key) = (line()?, line()?);
        Ok(Self {
            client: Client::new(&address, Some(key.clone()))?,
            process,
            address,
            key,
        })
    }

    /// Resident memory of the gateway, in KiB.
    fn resident(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        Ok(number.ok_or("the system does not tell the memory")?.parse()?)
    }

    async fn ask(&self, body: &Value) -> Result<Reply> {
        let reply = self.client.send(CHAT, Some(body)).await?;
        match reply.status {
            200 => Ok(reply),
            status => Err(format!("the gateway answers {status}").into()),
        }
    }

    /// Times of ordinary requests, one after the other.
    async fn ordinary(&self) -> Result<Vec<Duration>> {
        let mut times = Vec::with_capacity(ORDINARY);
        for _ in 0..ORDINARY {
            let begun = Instant::now();
            self.ask(&body("fake-chat", false, 16)).await?.json(MAX_ANSWER).await?;
            times.push(begun.elapsed());
        }
        Ok(times)
    }

    /// A connection on which these bytes are sent.
    async fn raw(&self, bytes: &[u8]) -> Result<TcpStream> {
        let mut stream = TcpStream::connect(self.address.trim_start_matches("http://")).await?;
        stream.write_all(bytes).await?;
        Ok(stream)
    }

    fn head(&self, length: &str) -> String {
        let key = &self.key;
        format!(
            "POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
             {length}\r\nconnection: close\r\n\r\n"
        )
    }

    /// Waits until no money is reserved, which is when every stream is settled.
    async fn settled(&self) -> Result<Duration> {
        let begun = Instant::now();
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "assay_account", "params": [] });
        while begun.elapsed() < PATIENCE {
            let mut reply = self.client.send("/rpc", Some(&call)).await?;
            let reserved = reply.json(MAX_ANSWER).await?["result"]["reserved"].clone();
            let amount = reserved.as_str().and_then(|amount| amount.parse::<f64>().ok());
            if amount.ok_or("the account has no `reserved`")? == 0.0 {
                return Ok(begun.elapsed());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Err("streams are not settled in time".into())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Its standard input is closed, so that it shuts down by itself, unless it cannot.
        drop(self.process.stdin.take());
        for _ in 0..100 {
            if matches!(self.process.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Figures as they are printed and written.
#[derive(Default)]
struct Report(Vec<Value>);

impl Report {
    fn add(&mut self, name: &str, value: f64, unit: &str) {
        println!("  {name:<60} {value:>12.3} {unit}");
        self.0.push(json!({ "name": name, "value": value, "unit": unit }));
    }

    /// Adds the median and the 99th percentile of times.
    fn add_times(&mut self, name: &str, mut times: Vec<Duration>) {
        times.sort_unstable();
        for (words, percent) in [("median", 50), ("99th percentile", 99)] {
            let place = (times.len() * percent / 100).min(times.len().saturating_sub(1));
            let time = times.get(place).copied().unwrap_or_default();
            self.add(&format!("{name}, {words}"), time.as_secs_f64() * 1e3, "ms");
        }
    }

    fn write(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, serde_json::to_vec_pretty(&json!({ "entries": self.0 }))?)?;
        println!("\nWritten to {}.", path.display());
        Ok(())
    }
}

async fn measure(output: &Path) -> Result<()> {
    let served = Served::start()?;
    let mut report = Report::default();
    report.add_times("an ordinary request, alone", served.ordinary().await?);
    let before = served.resident()?;
    report.add("memory at rest", before, "KiB");
    many(&served, &mut report, before).await?;
    slow(&served, &mut report).await?;
    vanishing(&served, &mut report).await?;
    hostile(&served, &mut report).await?;
    report.add("memory in the end", served.resident()?, "KiB");
    report.write(output)
}

fn body(model: &str, stream: bool, max_tokens: u32) -> Value {
    json!({
        "model": model,
        "messages": [{ "role": "user", "content": "who is the worker" }],
        "seed": 7,
        "stream": stream,
        "max_tokens": max_tokens,
    })
}

/// Streams that are open at a time, and read to the end.
async fn many(served: &Served, report: &mut Report, before: f64) -> Result<()> {
    let request = body("fake-slow", true, LONG);
    let open = async || {
        let begun = Instant::now();
        let mut reply = served.ask(&request).await?;
        reply.event().await?;
        Ok::<_, Box<dyn Error>>((begun.elapsed(), reply))
    };
    let opened = join_all((0..STREAMS).map(|_| open())).await;
    let opened = opened.into_iter().collect::<Result<Vec<_>>>()?;
    let during = served.resident()?;
    report.add("streams at a time", STREAMS as f64, "");
    report.add("memory of each stream", (during - before) / STREAMS as f64, "KiB");
    let (first, replies): (Vec<Duration>, Vec<Reply>) = opened.into_iter().unzip();
    report.add_times("first piece of a stream", first);
    let read = async |mut reply: Reply| {
        let (mut times, mut last) = (Vec::new(), Instant::now());
        while reply.event().await?.is_some() {
            times.push(last.elapsed());
            last = Instant::now();
        }
        Ok::<_, Box<dyn Error>>(times)
    };
    let times = join_all(replies.into_iter().map(read)).await;
    let times = times.into_iter().collect::<Result<Vec<_>>>()?;
    report.add_times("next piece of a stream, 20 ms after the last", times.concat());
    served.settled().await?;
    Ok(())
}

/// Clients that ask for much and read nothing, while others ask.
async fn slow(served: &Served, report: &mut Report) -> Result<()> {
    let text = body("fake-loud", true, 1 << 19).to_string();
    let bytes = served.head(&format!("content-length: {}", text.len())) + &text;
    let before = served.resident()?;
    let readers = join_all((0..BAD_CLIENTS).map(|_| served.raw(bytes.as_bytes()))).await;
    let readers = readers.into_iter().collect::<Result<Vec<_>>>()?;
    sleep(Duration::from_secs(3)).await;
    report.add_times("an ordinary request beside 200 slow readers", served.ordinary().await?);
    let each = (served.resident()? - before) / readers.len() as f64;
    report.add("memory of each slow reader", each, "KiB");
    drop(readers);
    let settled = served.settled().await?;
    report.add(
        "until slow readers that leave are settled",
        settled.as_secs_f64() * 1e3,
        "ms",
    );
    Ok(())
}

/// Clients that go away after the first piece.
async fn vanishing(served: &Served, report: &mut Report) -> Result<()> {
    let request = body("fake-slow", true, LONG);
    let vanish = async || {
        let mut reply = served.ask(&request).await?;
        reply.event().await?;
        Ok::<_, Box<dyn Error>>(())
    };
    let gone = join_all((0..BAD_CLIENTS).map(|_| vanish())).await;
    gone.into_iter().collect::<Result<Vec<_>>>()?;
    let settled = served.settled().await?;
    report.add(
        "until 200 clients that vanish are settled",
        settled.as_secs_f64() * 1e3,
        "ms",
    );
    Ok(())
}

/// A body without an end, a length beyond all bounds, and JSON that is 300,000 lists deep, again and again.
async fn hostile(served: &Served, report: &mut Report) -> Result<()> {
    let before = served.resident()?;
    let depth = 300_000;
    let deep = format!(
        "{{\"model\":\"fake-chat\",\"messages\":{}{}}}",
        "[".repeat(depth),
        "]".repeat(depth)
    );
    let deep = served.head(&format!("content-length: {}", deep.len())) + &deep;
    let huge = served.head("content-length: 1099511627776");
    let mut endless = served.head("transfer-encoding: chunked").into_bytes();
    for _ in 0..20 {
        endless.extend_from_slice(b"10000\r\n");
        endless.extend_from_slice(&[b' '; 0x10000]);
        endless.extend_from_slice(b"\r\n");
    }
    let attacks = async {
        let mut refused = 0u32;
        for _ in 0..ORDINARY {
            for (bytes, status) in [
                (deep.as_bytes(), "400"),
                (huge.as_bytes(), "413"),
                (endless.as_slice(), "413"),
            ] {
                refused += u32::from(status_of(served, bytes).await? == status);
            }
        }
        Ok::<_, Box<dyn Error>>(refused)
    };
    let (refused, times) = tokio::join!(attacks, served.ordinary());
    report.add(
        "hostile bodies that are refused as they should be",
        f64::from(refused?),
        "of 300",
    );
    report.add_times("an ordinary request beside hostile bodies", times?);
    report.add(
        "memory that hostile bodies have left",
        served.resident()? - before,
        "KiB",
    );
    Ok(())
}

/// The status with which these bytes are answered.
async fn status_of(served: &Served, bytes: &[u8]) -> Result<String> {
    let stream = TcpStream::connect(served.address.trim_start_matches("http://")).await?;
    let (mut reader, mut writer) = stream.into_split();
    let mut head = [0; 12];
    let write = async {
        // A body that is refused is not read to its end.
        let _ = writer.write_all(bytes).await;
    };
    let exchange = async { tokio::join!(write, reader.read_exact(&mut head)).1 };
    timeout(Duration::from_secs(60), exchange).await??;
    Ok(String::from_utf8_lossy(&head[9..]).into_owned())
}
