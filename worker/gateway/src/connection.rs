//! Connections: how many there are, and how long one may read nothing of what is written to it.

use crate::metrics::Gauge;
use axum_server::accept::Accept;
use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};

/// Accepts connections as long as there are places for them; one too many is closed at once.
#[derive(Clone, Debug)]
pub struct Doorkeeper {
    places: Arc<Semaphore>,
    open: Gauge,
    patience: Duration,
}

/// A connection that ends when its other side takes nothing for too long.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    patience: Duration,
    /// Runs while something waits to be written.
    stalled: Option<Pin<Box<Sleep>>>,
    open: Gauge,
    _place: OwnedSemaphorePermit,
}

impl Doorkeeper {
    /// Accepts this many connections, and waits this long for each write.
    pub fn new(connections: usize, patience: Duration, open: Gauge) -> Self {
        Self {
            places: Arc::new(Semaphore::new(connections)),
            open,
            patience,
        }
    }
}

impl<S> Accept<TcpStream, S> for Doorkeeper {
    type Stream = Connection<TcpStream>;
    type Service = S;
    type Future = std::future::Ready<io::Result<(Self::Stream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            let error = io::Error::other("too many connections");
            return std::future::ready(Err(error));
        };
        // Pieces of a stream are small, and each is wanted at once.
        let _ = stream.set_nodelay(true);
        self.open.inc();
        let connection = Connection {
            stream,
            patience: self.patience,
            stalled: None,
            open: self.open.clone(),
            _place: place,
        };
        std::future::ready(Ok((connection, service)))
    }
}

impl<S> Drop for Connection<S> {
    fn drop(&mut self) {
        self.open.dec();
    }
}

impl<S> Connection<S> {
    /// Outcome of a write; one that waits too long is an error.
    fn watched<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watched(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watched(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.watched(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watched(context, shut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn connection(stream: tokio::io::DuplexStream, patience: Duration) -> Connection<tokio::io::DuplexStream> {
        Connection {
            stream,
            patience,
            stalled: None,
            open: Gauge::default(),
            _place: Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap(),
        }
    }

    #[tokio::test]
    async fn a_reader_that_takes_nothing_ends_the_connection() {
        let (near, _far) = tokio::io::duplex(64);
        let mut connection = connection(near, Duration::from_millis(100));
        let error = connection.write_all(&[0; 1000]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_slow_reader_that_takes_something_keeps_it() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut connection = connection(near, Duration::from_secs(5));
        let reader = tokio::spawn(async move {
            let mut taken = 0;
            let mut buffer = [0; 64];
            while taken < 640 {
                tokio::time::sleep(Duration::from_millis(40)).await;
                taken += far.read(&mut buffer).await.unwrap();
            }
        });
        connection.write_all(&[0; 640]).await.unwrap();
        reader.await.unwrap();
    }
}
