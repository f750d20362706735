//! A listener: sockets bound to one name, and the loop that accepts from them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use limpid_telemetry::LabelEnum;
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::connection::{self, ConnectionContext};
use crate::connection_limits::{ConnectionGuard, ConnectionLimits, ListenerLimits, NotLetIn};
use crate::crossing::Guests;
use crate::drain::Drain;
use crate::handler::Peer;
use crate::metrics::{AcceptError, Failure};

/// After an accept that failed for want of descriptors; long enough for connections to end.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);
/// When the kernel begins to ask whether a silent peer is still there.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
/// Connections the kernel holds before we accept them; Kafka's `socket.listen.backlog.size` is 50.
const BACKLOG: i32 = 1024;
/// After so many connections the others on the thread come first: each is a task that is made, and there
/// may always be one more.
const ACCEPTED_AT_ONCE: u32 = 16;
/// Most refused connections of a socket that are held open for a while; more are closed at once.
const REFUSED_MAX: usize = 256;
/// How often binding `localhost:0` tries to find a port that is free on both address families.
const BIND_ATTEMPTS: usize = 20;

/// A name of `listeners` and its sockets. They are bound early, so that a port that is taken ends
/// the start at once; nobody can connect before [`Listener::open`].
pub struct Listener {
    name: Arc<str>,
    sockets: Vec<Socket>,
}

impl Listener {
    /// Binds every address of `host`; `localhost` is 127.0.0.1 and, where there is IPv6, ::1. An
    /// empty host is every interface. Port 0 takes a free port, the same for all addresses.
    ///
    /// # Errors
    /// The address that can't be bound, and why.
    pub async fn bind(name: &str, host: &str, port: u16) -> Result<Self, BindError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match bind_all(host, port).await {
                Ok(sockets) => {
                    return Ok(Self {
                        name: name.into(),
                        sockets,
                    });
                }
                // A free port of one family was taken in the other.
                Err(e) if port == 0 && e.in_use() && attempts < BIND_ATTEMPTS => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Its name in `listeners`.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The addresses it is bound to.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let local = |socket: &Socket| socket.local_addr().ok()?.as_socket();
        self.sockets.iter().filter_map(local).collect()
    }

    /// The port it is bound to.
    pub fn port(&self) -> u16 {
        self.addresses().first().map_or(0, SocketAddr::port)
    }

    /// Opens the sockets: from now on clients can connect.
    ///
    /// # Errors
    /// If somebody else opened the port in the meantime.
    pub fn open(self) -> Result<OpenListener, BindError> {
        let mut sockets = Vec::new();
        let addresses = self.addresses();
        for (socket, address) in self.sockets.into_iter().zip(addresses) {
            let opened = socket
                .listen(BACKLOG)
                .and_then(|()| TcpListener::from_std(socket.into()));
            let failed = |source| BindError {
                address: address.to_string(),
                port: address.port(),
                source,
            };
            sockets.push(opened.map_err(failed)?);
        }
        Ok(OpenListener {
            name: self.name,
            sockets,
        })
    }
}

/// A listener that clients can connect to.
pub struct OpenListener {
    name: Arc<str>,
    sockets: Vec<TcpListener>,
}

impl OpenListener {
    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The bare sockets, for who accepts in another way.
    pub fn into_sockets(self) -> Vec<TcpListener> {
        self.sockets
    }

    /// Accepts until the drain begins, then waits for the connections to end. The runtime that this runs in is
    /// the entrance; those who have sent a request are served by `data`.
    pub async fn run(
        self,
        shared: Arc<ConnectionContext>,
        limits: Arc<ConnectionLimits>,
        drain: Drain,
        data: Handle,
    ) {
        let mut loops = JoinSet::new();
        let limits = limits.listener(&self.name);
        for socket in self.sockets {
            let acceptor = Acceptor {
                name: Arc::clone(&self.name),
                shared: Arc::clone(&shared),
                limits: limits.clone(),
            };
            loops.spawn(acceptor.run(socket, drain.clone(), data.clone()));
        }
        loops.join_all().await;
    }
}

/// A listener could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("can't listen on {address}: {source}")]
pub struct BindError {
    /// The address, or the host name that has none.
    pub address: String,
    /// The port, to find who else has it.
    pub port: u16,
    /// The cause.
    pub source: io::Error,
}

impl BindError {
    /// Somebody else has the port.
    pub fn in_use(&self) -> bool {
        self.source.kind() == io::ErrorKind::AddrInUse
    }
}

async fn bind_all(host: &str, port: u16) -> Result<Vec<Socket>, BindError> {
    let failed = |address: String, source| BindError {
        address,
        port,
        source,
    };
    let name = if host.is_empty() { "::" } else { host };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let found = tokio::net::lookup_host((name, port)).await;
    let mut addresses: Vec<SocketAddr> = found
        .map_err(|e| failed(format!("{host}:{port}"), e))?
        .collect();
    if name == "localhost" {
        // Not every hosts file gives localhost both addresses.
        addresses = vec![
            SocketAddr::from(([127, 0, 0, 1], port)),
            ipv6_localhost(port),
        ];
    }
    addresses.dedup();
    let mut sockets: Vec<Socket> = Vec::new();
    for mut address in addresses {
        if let Some(first) = sockets.first() {
            let local = first
                .local_addr()
                .map_err(|e| failed(address.to_string(), e))?;
            address.set_port(local.as_socket().map_or(port, |local| local.port()));
        }
        match bind_one(address, host.is_empty()) {
            Ok(socket) => sockets.push(socket),
            Err(e) if is_ipv6_absent(&e) && host.is_empty() => {
                let any = SocketAddr::from(([0, 0, 0, 0], port));
                sockets.push(bind_one(any, false).map_err(|e| failed(any.to_string(), e))?);
            }
            Err(e) if is_ipv6_absent(&e) && !sockets.is_empty() => {}
            Err(e) => return Err(failed(address.to_string(), e)),
        }
    }
    Ok(sockets)
}

fn ipv6_localhost(port: u16) -> SocketAddr {
    SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port))
}

fn is_ipv6_absent(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::ADDRNOTAVAIL | Errno::AFNOSUPPORT))
}

fn bind_one(address: SocketAddr, dual_stack: bool) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!dual_stack)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

struct Acceptor {
    name: Arc<str>,
    shared: Arc<ConnectionContext>,
    limits: ListenerLimits,
}

/// A connection that came.
enum Comer {
    /// It is served.
    Guest(TcpStream, Box<Peer>, ConnectionGuard),
    /// It is closed after this time, so that it does not come back at once.
    Refused(TcpStream, Duration),
}

impl Acceptor {
    async fn run(self, socket: TcpListener, mut drain: Drain, data: Handle) {
        let aside = Arc::clone(&self.shared.aside);
        let mut guests = Guests::new(data, aside, self.shared.metrics.entrance.clone());
        let mut refused = JoinSet::new();
        let ending = drain.clone();
        // It may hold a connection that waits to be let in, so it outlives the turns of the loop.
        let mut next = Box::pin(self.next(&socket));
        let mut at_once = 0;
        loop {
            if at_once == ACCEPTED_AT_ONCE {
                at_once = 0;
                tokio::task::yield_now().await;
            }
            tokio::select! {
                biased;
                () = drain.begun() => break,
                Some(()) = guests.settle() => {}
                Some(_closed) = refused.join_next() => {}
                comer = &mut next => {
                    next.set(self.next(&socket));
                    at_once += 1;
                    match comer {
                        Some(Comer::Guest(stream, peer, guard)) => {
                            guests.admit(self.guest(stream, *peer, guard, ending.clone()));
                        }
                        Some(Comer::Refused(stream, after)) if refused.len() < REFUSED_MAX => {
                            refused.spawn(async move {
                                tokio::time::sleep(after).await;
                                drop(stream);
                            });
                        }
                        Some(Comer::Refused(..)) | None => {}
                    }
                }
            }
        }
        drop((next, refused));
        drop(socket);
        while guests.settle().await.is_some() {}
    }

    /// The next connection, unless it was refused at once or could not be accepted.
    async fn next(&self, socket: &TcpListener) -> Option<Comer> {
        let (stream, address) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                self.accept_failed(&error).await;
                return None;
            }
        };
        let peer = Peer::new(address, Arc::clone(&self.name));
        // At `max.connections` it waits here, and those after it in the kernel's queue.
        match self.limits.admit(address.ip()).await {
            Ok(guard) => {
                configure(&stream);
                self.shared.listener.accepted.inc();
                Some(Comer::Guest(stream, Box::new(peer), guard))
            }
            Err(NotLetIn::TooMany) => {
                let reason = "the address has max.connections.per.ip connections open";
                self.refuse(Failure::TooManyFromAddress, &peer, reason);
                None
            }
            Err(NotLetIn::TooFast(after)) => {
                let reason = "the address opens connections beyond its connection_creation_rate";
                self.refuse(Failure::TooFastFromAddress, &peer, reason);
                Some(Comer::Refused(stream, after))
            }
        }
    }

    fn refuse(&self, cause: Failure, peer: &Peer, reason: &'static str) {
        self.shared.listener.failed(cause);
        self.shared.log.closed(cause.as_str(), peer, &reason);
    }

    fn guest(
        &self,
        stream: TcpStream,
        peer: Peer,
        guard: ConnectionGuard,
        drain: Drain,
    ) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::clone(&self.shared);
        async move {
            let _open = shared.listener.opened();
            connection::serve_socket(stream.into(), peer, Arc::clone(&shared), drain).await;
            drop(guard);
        }
    }

    async fn accept_failed(&self, error: &io::Error) {
        let errno = Errno::from_io_error(error);
        let cause = match errno {
            Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                AcceptError::FileDescriptors
            }
            _ => AcceptError::Other,
        };
        self.shared.listener.accept_failed(cause);
        if self.shared.log.may_say_at_all("accept") {
            tracing::warn!(listener = %self.name, %error, "can't accept a connection");
        }
        if cause == AcceptError::FileDescriptors {
            tokio::time::sleep(ACCEPT_BACKOFF).await;
        }
    }
}

/// Answers are small and awaited: no Nagle. A peer whose host vanished is found by keep-alive.
fn configure(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER);
    let set = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_keepalive(&keepalive));
    if let Err(error) = set {
        // The connection works without; it is only slower or found dead later.
        tracing::debug!(%error, "can't set socket options");
    }
}
