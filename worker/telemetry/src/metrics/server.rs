//! A server of nothing but metrics, for daemons that serve nothing else over HTTP.
//!
//! It answers `GET /metrics` and closes the connection. What a client may use is bounded: connections at a time, bytes
//! of a request, and time.

use super::CONTENT_TYPE;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};

/// Connections that are served at a time; further ones wait.
const PLACES: usize = 8;
/// Bytes of a request's head.
const MAX_HEAD: usize = 8 << 10;
/// Time of one connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pause after the system has refused a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves metrics at an address for as long as the program runs.
pub async fn listen(address: SocketAddr, metrics: fn() -> String) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    tracing::info!(address = %listener.local_addr()?, "metrics are at /metrics");
    tokio::spawn(serve(listener, metrics));
    Ok(())
}

/// Serves metrics until it is dropped.
pub async fn serve(listener: TcpListener, metrics: impl Fn() -> String + Send + Sync + 'static) {
    let (places, metrics) = (Arc::new(Semaphore::new(PLACES)), Arc::new(metrics));
    // The semaphore is never closed.
    while let Ok(place) = places.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let metrics = metrics.clone();
                tokio::spawn(async move {
                    let answered = timeout(PATIENCE, answer(stream, &*metrics)).await;
                    if let Ok(Err(error)) = answered {
                        tracing::debug!(%error, "a reader of metrics went away");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection to the metrics was not accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn answer(mut stream: TcpStream, metrics: &(impl Fn() -> String + Sync)) -> io::Result<()> {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut piece).await?;
        head.extend_from_slice(piece.get(..read).unwrap_or_default());
        if read == 0 || head.len() > MAX_HEAD {
            return Ok(());
        }
    }
    let (status, content_type, body) = match head.split(|byte| *byte == b'\r').next() {
        Some(line) if line.starts_with(b"GET /metrics ") => ("200 OK", CONTENT_TYPE, metrics()),
        _ => (
            "404 Not Found",
            "text/plain",
            "the metrics are at /metrics\n".to_owned(),
        ),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
