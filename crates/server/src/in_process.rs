//! A way to the broker for clients in the same process: no socket, but the same connection code, so
//! that a face cannot tell an embedded cluster from a foreign one.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use limpid_broker::byte_stream::Pipe;
use limpid_broker::connection::{self, ConnectionContext};
use limpid_broker::drain::Drain;
use limpid_broker::handler::Peer;
use limpid_client::{BoxStream, Opening, Transport};
use limpid_cluster::By;
use limpid_link::Link;
use limpid_security::Principal;
use tokio::io::DuplexStream;
use tokio::runtime::Handle;

/// Bytes that may be under way in one direction.
const PIPE_BYTES: usize = 64 * 1024;

/// Opens pipes to the broker, as soon as there is one.
#[derive(Clone, Default)]
pub(crate) struct InProcess {
    broker: Arc<OnceLock<Arc<Broker>>>,
    /// In whose name pipes are opened; nobody's without it.
    visitor: Option<Arc<By>>,
}

/// What a pipe needs at its other end.
pub(crate) struct Broker {
    /// What its connections share.
    pub(crate) context: Arc<ConnectionContext>,
    /// Ends them.
    pub(crate) drain: Drain,
    /// The data path's runtime.
    pub(crate) runtime: Handle,
    /// Name of the listener whose addresses such clients are told.
    pub(crate) listener: Arc<str>,
}

impl InProcess {
    /// Changes and browses the embedded cluster.
    pub(crate) fn link(&self) -> Link {
        // Where a transport leads that has only one end.
        let bootstrap = vec![("in-process".to_owned(), 0)];
        Link::new(bootstrap, Arc::new(self.clone()))
    }

    /// The same in the name of a visitor: for the broker it is a connection of that principal from
    /// that address, with its permissions and its quotas, and the audit names it.
    pub(crate) fn link_of(&self, by: &By) -> Link {
        let visitor = Some(Arc::new(by.clone()));
        let broker = Arc::clone(&self.broker);
        let link = Self { broker, visitor }.link();
        link.seen_as(principal(by).as_str())
    }

    fn peer(&self, listener: &Arc<str>) -> Peer {
        let by = self.visitor.as_deref();
        let address = by.and_then(|by| by.from.parse().ok());
        let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let mut peer = Peer::new(SocketAddr::from((address, 0)), Arc::clone(listener));
        if let Some(by) = by {
            peer.principal = principal(by);
        }
        peer
    }

    /// From now on it can be reached.
    pub(crate) fn attach(&self, broker: Arc<Broker>) {
        let first = self.broker.set(broker).is_ok();
        debug_assert!(first, "a server attaches its broker once");
    }
}

/// As whom the broker sees a visitor.
pub(crate) fn principal(by: &By) -> Principal {
    match by.who.as_str() {
        "" => Principal::anonymous(),
        who => Principal::user(who),
    }
}

impl Broker {
    /// The broker's end of a new pipe, to be polled, and the client's, who is nobody.
    pub(crate) fn pipe(&self) -> (impl Future<Output = ()> + Send + use<>, DuplexStream) {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        self.pipe_of(Peer::new(address, Arc::clone(&self.listener)))
    }

    fn pipe_of(&self, peer: Peer) -> (impl Future<Output = ()> + Send + use<>, DuplexStream) {
        let (pipe, client) = Pipe::new(PIPE_BYTES);
        let (context, drain) = (Arc::clone(&self.context), self.drain.clone());
        let served = async move {
            context.listener.accepted.inc();
            let _open = context.listener.opened();
            connection::serve(pipe, peer, Arc::clone(&context), drain).await;
        };
        (served, client)
    }
}

impl Transport for InProcess {
    /// The only broker of the cluster is this one, whatever its address.
    fn open<'a>(&'a self, _host: &'a str, _port: u16) -> Opening<'a> {
        Box::pin(async {
            let Some(broker) = self.broker.get() else {
                let starting = "the broker is still starting";
                return Err(io::Error::new(io::ErrorKind::NotConnected, starting));
            };
            let (served, client) = broker.pipe_of(self.peer(&broker.listener));
            broker.runtime.spawn(served);
            Ok(Box::new(client) as BoxStream)
        })
    }
}
