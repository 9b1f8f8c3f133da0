//! A gateway that serves: a port, TLS, and an end that lets running requests finish.

use crate::{
    app::{App, Tasks},
    backend::SharedBackend,
    config::{GatewayConfig, TlsConfig},
    connection::Doorkeeper,
    error::GatewayError,
    http::router,
    ledger::Ledger,
    limits::Usage,
    metrics::Metrics,
    rpc::Rpc,
};
use axum::Router;
use axum_server::{
    Handle, Server,
    accept::Accept,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto::Builder,
};
use jsonrpsee::server::ServerHandle;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    task::{AbortHandle, JoinHandle},
    time::timeout,
};

/// Bytes of a request's head, and of the buffer that a connection reads into.
const MAX_HEAD: usize = 64 << 10;
/// In which generations that a shutdown has stopped must say what is owed.
const LAST_WORD: Duration = Duration::from_secs(10);
/// Headers of a request.
const MAX_HEADERS: usize = 64;

/// A gateway that serves. Dropping it ends its connections at once; [`Gateway::shutdown`] lets them finish.
pub struct Gateway {
    address: SocketAddr,
    app: App,
    sockets: ServerHandle,
    server: JoinHandle<std::io::Result<()>>,
    closer: Closer,
}

/// Ends the connections when it is dropped.
struct Closer {
    handle: Handle<SocketAddr>,
    server: AbortHandle,
}

impl Drop for Closer {
    fn drop(&mut self) {
        self.handle.shutdown();
        self.server.abort();
    }
}

impl Gateway {
    /// Opens the ledger and the port, and begins to serve.
    pub fn start(config: GatewayConfig, backend: SharedBackend) -> Result<Self, GatewayError> {
        config.check()?;
        let (ledger, jobs) = match config.open {
            true => (None, Vec::new()),
            false => {
                let (ledger, jobs) = Ledger::open(&config.folder)?;
                (Some(ledger), jobs)
            }
        };
        let failed = |error| GatewayError::Listen {
            address: config.listen,
            error,
        };
        let listener = TcpListener::bind(config.listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let tls = config.tls.as_ref().map(load_tls).transpose()?;
        let app = App {
            usage: Usage::new(&config.limits),
            config: Arc::new(config),
            backend,
            ledger,
            metrics: Metrics::default(),
            tasks: Tasks::default(),
            draining: Arc::new(watch::Sender::new(false)),
        };
        let (rpc, sockets) = Rpc::new(&app).map_err(|error| GatewayError::Serve(std::io::Error::other(error)))?;
        app.settle_jobs(jobs);
        let handle = Handle::new();
        let limits = &app.config.limits;
        let door = Doorkeeper::new(
            limits.connections,
            app.config.timeouts.write,
            app.metrics.connections.clone(),
        );
        let server = axum_server::from_tcp(listener)?.handle(handle.clone());
        let routes = router(&app, rpc);
        let head = app.config.timeouts.head;
        let server = match tls {
            None => tokio::spawn(run(server.acceptor(door), routes, head)),
            Some(tls) => {
                let acceptor = RustlsAcceptor::new(tls).handshake_timeout(head).acceptor(door);
                tokio::spawn(run(server.acceptor(acceptor), routes, head))
            }
        };
        let closer = Closer {
            handle,
            server: server.abort_handle(),
        };
        Ok(Self {
            address,
            app,
            sockets,
            server,
            closer,
        })
    }

    /// Address on which the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// State that its requests share.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Returns when serving breaks off, which it does not unless something is wrong.
    pub async fn failed(&mut self) -> GatewayError {
        match (&mut self.server).await {
            Ok(Err(error)) => GatewayError::Serve(error),
            Ok(Ok(())) => GatewayError::Serve(std::io::Error::other("it ended by itself")),
            Err(error) => GatewayError::Serve(std::io::Error::other(error)),
        }
    }

    /// Takes no more requests, lets those that run finish for as long as the configuration says, and settles.
    pub async fn shutdown(self) {
        self.app.draining.send_replace(true);
        let drain = self.app.config.timeouts.drain;
        // A drain of no time is one of a moment: `None` would be for ever.
        self.closer
            .handle
            .graceful_shutdown(Some(drain.max(Duration::from_millis(1))));
        let _ = self.sockets.stop();
        if let Err(error) = self.server.await {
            tracing::error!(%error, "the server's task failed");
        }
        // Clients are gone now, and what they left behind is stopped and says what is owed.
        if timeout(LAST_WORD, self.app.tasks.idle()).await.is_err() {
            let left = self.app.tasks.count();
            tracing::warn!(
                left,
                "requests have not said what is owed: their reservations are released at the next start"
            );
        }
    }
}

async fn run<A>(mut server: Server<SocketAddr, A>, routes: Router, head: Duration) -> std::io::Result<()>
where
    A: Accept<TcpStream, Router, Service = Router> + Clone + Send + Sync + 'static,
    A::Stream: AsyncRead + AsyncWrite + Unpin + Send,
    A::Future: Send,
{
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD);
    *server.http_builder() = builder;
    server.serve(routes.into_make_service()).await
}

/// Certificates and key, for HTTP/1.1.
fn load_tls(files: &TlsConfig) -> Result<RustlsConfig, GatewayError> {
    let wrong = |file: &Path, reason: String| GatewayError::Certificate {
        file: file.to_owned(),
        reason,
    };
    let read = |file: &Path| fs::read(file).map_err(|error| wrong(file, error.to_string()));
    let pem = read(&files.certificate)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|error| wrong(&files.certificate, error.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong(&files.certificate, "it holds no certificate in PEM".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?);
    let key = key.map_err(|error| wrong(&files.key, format!("it holds no key in PEM that can be read: {error}")))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = builder.and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key));
    let mut config = config.map_err(|error| wrong(&files.certificate, error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(config)))
}
