//! A small client of a gateway over plain HTTP/1.1: calls with JSON, and server-sent events as they come.
//!
//! It is for programs of ours that stand beside their gateway.
//! It does no TLS: over a network, use a client that does.

mod conversation;

pub use conversation::{ChatError, Conversation, Told};

use serde_json::Value;
use std::{io, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

/// Bytes of a line of a head or of an event.
const MAX_LINE: u64 = 4 << 20;
/// Headers of an answer.
const MAX_HEADERS: usize = 128;
/// Silence after which a connection is given up; a gateway pings every 10 s.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a gateway is, and the key to it.
#[derive(Clone)]
pub struct Client {
    authority: String,
    base: String,
    key: Option<String>,
}

/// An answer whose body is still to be read.
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers; names are in lower case.
    pub headers: Vec<(String, String)>,
    reader: BufReader<TcpStream>,
    framing: Framing,
}

/// A server-sent event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerEvent {
    /// Its name; `message` where it has none.
    pub name: String,
    /// Its data.
    pub data: String,
}

/// Why a gateway cannot be talked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The address is none.
    #[error("`{0}` is no address of a gateway: write http://HOST:PORT")]
    Address(String),
    /// The connection failed.
    #[error("{authority}: {error}")]
    Connection {
        /// Host and port.
        authority: String,
        /// The system's error.
        error: io::Error,
    },
    /// The answer is no HTTP that this client reads.
    #[error("the answer is no HTTP that can be read: {0}")]
    Protocol(&'static str),
}

enum Framing {
    /// This many bytes are left.
    Length(u64),
    /// Chunks; this many bytes are left of the one that is read.
    Chunks(u64),
    /// A chunk is read, and the line that ends it is not.
    ChunkEnd,
    /// Everything until the connection ends.
    Rest,
    /// Nothing is left.
    Over,
}

impl Client {
    /// A client of the gateway at an address such as `http://127.0.0.1:8080`.
    pub fn new(address: &str, key: Option<String>) -> Result<Self, ClientError> {
        let wrong = || ClientError::Address(address.to_owned());
        let rest = address.strip_prefix("http://").ok_or_else(wrong)?;
        let (authority, base) = rest.split_once('/').unwrap_or((rest, ""));
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if authority.is_empty() || !is_plain(authority) || !is_plain(base) || !key.as_deref().is_none_or(is_plain) {
            return Err(wrong());
        }
        let has_port = authority
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        Ok(Self {
            authority: if has_port {
                authority.to_owned()
            } else {
                format!("{authority}:80")
            },
            base: base.trim_end_matches('/').to_owned(),
            key,
        })
    }

    /// Sends a request; with a body it is a POST.
    pub async fn send(&self, path: &str, body: Option<&Value>) -> Result<Reply, ClientError> {
        let base = if self.base.is_empty() {
            String::new()
        } else {
            format!("/{}", self.base)
        };
        let method = if body.is_some() { "POST" } else { "GET" };
        let mut head = format!(
            "{method} {base}{path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n",
            self.authority
        );
        if let Some(key) = &self.key {
            head += &format!("authorization: Bearer {key}\r\n");
        }
        let body = body.map(Value::to_string);
        if let Some(body) = &body {
            head += &format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
        }
        head += "\r\n";
        head += body.as_deref().unwrap_or_default();
        self.send_raw(head.as_bytes()).await
    }

    /// Sends these bytes as a request.
    pub async fn send_raw(&self, request: &[u8]) -> Result<Reply, ClientError> {
        let failed = |error| ClientError::Connection {
            authority: self.authority.clone(),
            error,
        };
        let stream = patiently(TcpStream::connect(&self.authority)).await.map_err(failed)?;
        let mut reader = BufReader::new(stream);
        // A server that refuses early may close before it has read everything; what it said counts.
        let written = patiently(reader.get_mut().write_all(request)).await;
        match Reply::read(reader).await {
            Err(ClientError::Connection { error, .. }) => Err(failed(written.err().unwrap_or(error))),
            reply => reply,
        }
    }
}

impl Reply {
    async fn read(mut reader: BufReader<TcpStream>) -> Result<Self, ClientError> {
        let first = line(&mut reader).await?;
        let status = first
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.get(2..5)?.parse().ok());
        let status = status.ok_or(ClientError::Protocol("its first line has no status"))?;
        let mut headers = Vec::new();
        loop {
            let text = line(&mut reader).await?;
            if text.is_empty() {
                break;
            }
            let (name, value) = text
                .split_once(':')
                .ok_or(ClientError::Protocol("a header has no colon"))?;
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            if headers.len() > MAX_HEADERS {
                return Err(ClientError::Protocol("it has too many headers"));
            }
        }
        let find = |name: &str| {
            headers
                .iter()
                .find(|(other, _)| other == name)
                .map(|(_, value)| value.as_str())
        };
        let framing = match (find("transfer-encoding"), find("content-length")) {
            (Some(encoding), _) if encoding.eq_ignore_ascii_case("chunked") => Framing::Chunks(0),
            (_, Some(length)) => {
                let length = length
                    .parse()
                    .map_err(|_| ClientError::Protocol("its length is no number"))?;
                Framing::Length(length)
            }
            _ => Framing::Rest,
        };
        Ok(Self {
            status,
            headers,
            reader,
            framing,
        })
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON, up to this many bytes.
    pub async fn json(&mut self, max_bytes: usize) -> Result<Value, ClientError> {
        let bytes = self.bytes(max_bytes).await?;
        serde_json::from_slice(&bytes).map_err(|_| ClientError::Protocol("its body is no JSON"))
    }

    /// The body, up to this many bytes.
    pub async fn bytes(&mut self, max_bytes: usize) -> Result<Vec<u8>, ClientError> {
        let mut all = Vec::new();
        while let Some(length) = self.piece(&mut all).await? {
            if length > max_bytes {
                return Err(ClientError::Protocol("its body is too long"));
            }
        }
        Ok(all)
    }

    /// The next event; comments are skipped. `None` when the stream is over.
    pub async fn event(&mut self) -> Result<Option<ServerEvent>, ClientError> {
        let (mut name, mut data) = (None, None::<String>);
        while let Some(line) = self.body_line().await? {
            if let Some(text) = line.strip_prefix("data:") {
                let text = text.strip_prefix(' ').unwrap_or(text);
                match &mut data {
                    None => data = Some(text.to_owned()),
                    Some(data) => *data = format!("{data}\n{text}"),
                }
            } else if let Some(text) = line.strip_prefix("event:") {
                name = Some(text.trim().to_owned());
            } else if line.is_empty()
                && let Some(data) = data.take()
            {
                let name = name.unwrap_or_else(|| "message".to_owned());
                return Ok(Some(ServerEvent { name, data }));
            }
        }
        Ok(None)
    }

    /// The next line of the body without its end.
    async fn body_line(&mut self) -> Result<Option<String>, ClientError> {
        let mut all = Vec::new();
        loop {
            let Some(length) = self.available().await? else {
                return if all.is_empty() { Ok(None) } else { text(all).map(Some) };
            };
            let buffer = &self.reader.buffer()[..length];
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(length, |end| end + 1);
            all.extend_from_slice(&buffer[..used]);
            self.consume(used);
            if end.is_some() {
                return text(all).map(Some);
            }
            if all.len() as u64 > MAX_LINE {
                return Err(ClientError::Protocol("a line is too long"));
            }
        }
    }

    /// Reads a piece of the body, and gives the length of what there is then; `None` when it is over.
    async fn piece(&mut self, all: &mut Vec<u8>) -> Result<Option<usize>, ClientError> {
        let Some(length) = self.available().await? else {
            return Ok(None);
        };
        all.extend_from_slice(&self.reader.buffer()[..length]);
        self.consume(length);
        Ok(Some(all.len()))
    }

    /// Bytes of the body in the buffer, at least one; `None` when it is over.
    async fn available(&mut self) -> Result<Option<usize>, ClientError> {
        if let Framing::ChunkEnd = self.framing {
            line(&mut self.reader).await?;
            self.framing = Framing::Chunks(0);
        }
        if let Framing::Chunks(0) = self.framing {
            let size = line(&mut self.reader).await?;
            let size = size.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(|_| ClientError::Protocol("a chunk has no size"))?;
            self.framing = if size == 0 {
                Framing::Over
            } else {
                Framing::Chunks(size)
            };
        }
        let left = match self.framing {
            Framing::Over | Framing::ChunkEnd | Framing::Length(0) => return Ok(None),
            Framing::Length(left) | Framing::Chunks(left) => left,
            Framing::Rest => u64::MAX,
        };
        let buffer = patiently(self.reader.fill_buf()).await.map_err(broken)?;
        match (buffer.len(), &self.framing) {
            (0, Framing::Rest) => Ok(None),
            (0, _) => Err(ClientError::Protocol("it ended in the middle")),
            (length, _) => Ok(Some(left.min(length as u64) as usize)),
        }
    }

    fn consume(&mut self, bytes: usize) {
        self.reader.consume(bytes);
        match &mut self.framing {
            Framing::Length(left) | Framing::Chunks(left) => *left -= bytes as u64,
            Framing::Rest | Framing::Over | Framing::ChunkEnd => {}
        }
        if let Framing::Chunks(0) = self.framing {
            self.framing = Framing::ChunkEnd;
        }
    }
}

async fn line(reader: &mut BufReader<TcpStream>) -> Result<String, ClientError> {
    let mut bytes = Vec::new();
    let read = patiently(reader.take(MAX_LINE).read_until(b'\n', &mut bytes))
        .await
        .map_err(broken)?;
    if read == 0 {
        return Err(broken(io::ErrorKind::UnexpectedEof.into()));
    }
    text(bytes)
}

fn text(mut bytes: Vec<u8>) -> Result<String, ClientError> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    String::from_utf8(bytes).map_err(|_| ClientError::Protocol("it is no UTF-8"))
}

fn broken(error: io::Error) -> ClientError {
    ClientError::Connection {
        authority: "the connection".to_owned(),
        error,
    }
}

async fn patiently<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
