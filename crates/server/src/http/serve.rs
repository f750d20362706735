//! The connections of one HTTP listener: how many, how slow they may be, TLS, and their end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use limpid_access::{AccessMetrics, ConnectionFailure};
use limpid_broker::client_log::ClientLog;
use limpid_broker::drain::Drain;
use limpid_broker::peer::Peer;
use limpid_config::ExternalUrl;
use limpid_security::tls::Reloading;
use limpid_telemetry::LabelEnum as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt as _;

use super::crowd::Crowd;
use crate::gate::Certified;

/// How long to wait after a connection could not be accepted.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(500);
/// The first byte of every TLS handshake.
const HANDSHAKE: u8 = 22;
/// What is read of a request that came without TLS before it is answered.
const MISDIRECTED_BYTES_MAX: usize = 8 << 10;
const MISDIRECTED: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\
    Content-Length: 40\r\nConnection: close\r\n\r\nthis port speaks TLS: ask with https://\n";

/// What all connections of a listener share.
pub(crate) struct Door {
    /// `http` or `https`.
    pub(crate) name: Arc<str>,
    /// Certificates, if it speaks TLS.
    pub(crate) tls: Option<Arc<Reloading>>,
    /// Who holds a place of this has a connection.
    pub(crate) places: Arc<Semaphore>,
    /// `limpid.http.header.timeout.ms`.
    pub(crate) header_time_max: Duration,
    /// `limpid.http.external.url`: the part of it that precedes paths is taken off requests, if the proxy
    /// has left it there.
    pub(crate) external: Option<ExternalUrl>,
    /// How many connections each address has.
    pub(crate) crowd: Arc<Crowd>,
    pub(crate) metrics: Arc<AccessMetrics>,
    pub(crate) log: Arc<ClientLog>,
}

/// Why a connection did not come to its first request.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("TLS handshake: {0}")]
    Handshake(io::Error),
    #[error("no TLS handshake within {0:?}")]
    Slow(Duration),
    #[error("a request without TLS")]
    Plain,
    #[error("ssl.principal.mapping.rules have no name for the certificate")]
    Nameless,
    #[error("its address has limpid.http.connections.max.per.address connections already")]
    Crowded,
}

impl Failed {
    fn cause(&self) -> ConnectionFailure {
        match self {
            Self::Handshake(_) => ConnectionFailure::Handshake,
            Self::Slow(_) => ConnectionFailure::Slow,
            Self::Plain => ConnectionFailure::Plain,
            Self::Nameless => ConnectionFailure::Nameless,
            Self::Crowded => ConnectionFailure::Crowded,
        }
    }
}

/// Serves until the drain begins, and then what is open until it is answered.
pub(crate) async fn run(door: Arc<Door>, socket: TcpListener, app: Router, mut end: Drain) {
    let mut connections = JoinSet::new();
    let ending = end.clone();
    loop {
        let accepted = tokio::select! {
            biased;
            () = end.begun() => break,
            Some(_ended) = connections.join_next() => continue,
            accepted = door.accept(&socket) => accepted,
        };
        let Some((stream, peer, place)) = accepted else {
            continue;
        };
        let Some(counted) = door.crowd.enter(peer.ip()) else {
            door.refuse(stream, peer);
            continue;
        };
        let (door, app, end) = (Arc::clone(&door), app.clone(), ending.clone());
        connections.spawn(async move {
            let _open = door.metrics.connections.track();
            door.serve(stream, peer, app, end).await;
            drop((place, counted));
        });
    }
    drop(socket);
    while connections.join_next().await.is_some() {}
}

impl Door {
    /// The next connection; those beyond the limit wait in the kernel's queue.
    async fn accept(
        &self,
        socket: &TcpListener,
    ) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        // It is never closed.
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        match socket.accept().await {
            Ok((stream, peer)) => Some((stream, peer, place)),
            Err(error) => {
                if self.log.may_say_at_all("http_accept") {
                    tracing::warn!(listener = %self.name, %error, "can't accept a connection");
                }
                tokio::time::sleep(ACCEPT_BACKOFF).await;
                None
            }
        }
    }

    /// Closes a connection of an address that has too many.
    fn refuse(&self, stream: TcpStream, peer: SocketAddr) {
        drop(stream);
        let failed = Failed::Crowded;
        let cause = failed.cause();
        self.metrics.connection_failures.bind(cause).inc();
        let peer = Peer::new(peer, Arc::clone(&self.name));
        self.log.closed(cause.as_str(), &peer, &failed);
    }

    async fn serve(&self, stream: TcpStream, peer: SocketAddr, app: Router, end: Drain) {
        // Events are small; it works without, only later.
        stream.set_nodelay(true).ok();
        let Some(tls) = &self.tls else {
            return self.converse(stream, peer, None, app, end).await;
        };
        match self.shake_hands(stream, tls).await {
            Ok((stream, shown)) => self.converse(stream, peer, shown, app, end).await,
            Err(failed) => {
                let cause = failed.cause();
                self.metrics.connection_failures.bind(cause).inc();
                let peer = Peer::new(peer, Arc::clone(&self.name));
                self.log.closed(cause.as_str(), &peer, &failed);
            }
        }
    }

    async fn shake_hands(
        &self,
        mut stream: TcpStream,
        tls: &Reloading,
    ) -> Result<(Box<TlsStream<TcpStream>>, Option<Certified>), Failed> {
        let patience = self.header_time_max;
        let mut first = [0];
        let peeked = timeout(patience, stream.peek(&mut first)).await;
        let peeked = peeked.map_err(|_| Failed::Slow(patience))?;
        if peeked.map_err(Failed::Handshake)? == 1 && first[0] != HANDSHAKE {
            // Whoever does not take the answer in time gets none.
            timeout(patience, misdirected(&mut stream)).await.ok();
            return Err(Failed::Plain);
        }
        let material = tls.current();
        let acceptor = TlsAcceptor::from(Arc::clone(&material.server));
        let shaken = timeout(patience, Box::pin(acceptor.accept(stream))).await;
        let shaken = shaken.map_err(|_| Failed::Slow(patience))?;
        let stream = Box::new(shaken.map_err(Failed::Handshake)?);
        let Some(shown) = stream.get_ref().1.peer_certificates() else {
            return Ok((stream, None));
        };
        let principal = material.principal(Some(shown)).ok_or(Failed::Nameless)?;
        Ok((stream, Some(Certified(principal.name().into()))))
    }

    /// Answers requests until one side has had enough.
    async fn converse<S>(
        &self,
        stream: S,
        peer: SocketAddr,
        shown: Option<Certified>,
        app: Router,
        mut end: Drain,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let mut request: Request = request.map(Body::new);
            if let Some(external) = &self.external {
                take_off_base(external, &mut request);
            }
            request.extensions_mut().insert(ConnectInfo(peer));
            if let Some(shown) = &shown {
                request.extensions_mut().insert(shown.clone());
            }
            let app = app.clone();
            async move {
                app.oneshot(request)
                    .await
                    .map_err(|never: Infallible| never)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_time_max)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let result = tokio::select! {
            result = connection.as_mut() => result,
            () = end.begun() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            tracing::debug!(listener = %self.name, %peer, %error, "HTTP connection ended");
        }
    }
}

/// Lets the path of a request begin below our address, if it lies there. Routes are found by it.
fn take_off_base(external: &ExternalUrl, request: &mut Request) {
    let Some(path) = external.below(request.uri().path()) else {
        return;
    };
    let query = request.uri().query();
    let target = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    // What was part of an address is one.
    if let Ok(uri) = target.parse() {
        *request.uri_mut() = uri;
    }
}

/// Tells whoever speaks without TLS. What was sent is read first: a socket that is closed with bytes
/// unread takes its answer back.
async fn misdirected(stream: &mut TcpStream) -> io::Result<()> {
    let mut request = vec![0; MISDIRECTED_BYTES_MAX];
    let _some = stream.read(&mut request).await?;
    stream.write_all(MISDIRECTED.as_bytes()).await?;
    stream.shutdown().await
}
