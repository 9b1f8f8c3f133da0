//! The plainest HTTP server on the same engine: a body of numbers in, a body of numbers out, nothing signed or kept.

use crate::engine;
use anyhow::{Context, Result, anyhow, ensure};
use assay_daemon::engine::Tasks;
use assay_ops::tensor::{DataType, Tensor};
use assay_types::H256;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Bytes of a head or of a body that are read at most.
const MAX_BYTES: u64 = 1 << 20;

/// A server; it stops when this is dropped.
pub struct Server {
    /// Address on which the server listens.
    pub address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves a model that takes one tensor of this type and shape.
pub async fn serve(tasks: Tasks, model: H256, dtype: DataType, shape: Vec<u32>) -> Result<Server> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tasks, shape) = (tasks.clone(), shape.clone());
            tokio::spawn(async move {
                // A connection that breaks is one that the benchmark has ended.
                let _ = connection(stream, &tasks, model, dtype, &shape).await;
            });
        }
    });
    Ok(Server { address, accepting })
}

async fn connection(stream: TcpStream, tasks: &Tasks, model: H256, dtype: DataType, shape: &[u32]) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(body) = message(&mut stream).await? {
        let input = Tensor::new(dtype, shape.to_vec(), body).map_err(|error| anyhow!("{error}"))?;
        let (answer, _) = engine::ask(tasks, model, vec![input]).await?;
        write(&mut stream, "HTTP/1.1 200 OK", &answer).await?;
    }
    Ok(())
}

/// A client with one connection.
pub struct Client(BufReader<TcpStream>);

impl Client {
    /// Connects.
    pub async fn connect(server: &Server) -> Result<Self> {
        let stream = TcpStream::connect(server.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Asks, and gives the body of the answer.
    pub async fn ask(&mut self, body: &[u8]) -> Result<Vec<u8>> {
        write(&mut self.0, "POST / HTTP/1.1\r\nhost: bench", body).await?;
        message(&mut self.0).await?.context("an answer")
    }
}

async fn write(stream: &mut BufReader<TcpStream>, head: &str, body: &[u8]) -> Result<()> {
    let head = format!("{head}\r\ncontent-length: {}\r\n\r\n", body.len());
    Ok(stream.write_all(&[head.as_bytes(), body].concat()).await?)
}

/// The body of the next message; `None` at the end.
async fn message(stream: &mut BufReader<TcpStream>) -> Result<Option<Vec<u8>>> {
    let mut length = 0;
    let mut head = (&mut *stream).take(MAX_BYTES);
    loop {
        let mut line = String::new();
        if head.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        if line == "\r\n" {
            break;
        }
        if let Some(number) = line.strip_prefix("content-length: ") {
            length = number.trim().parse::<u64>()?;
        }
    }
    ensure!(length <= MAX_BYTES, "a body of {length} bytes");
    let mut body = vec![0; usize::try_from(length)?];
    stream.read_exact(&mut body).await?;
    Ok(Some(body))
}
