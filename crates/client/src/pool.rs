//! The open connections of a client: for each broker one per [`Lane`].

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::timeout;

use crate::config::ClientConfig;
use crate::connection::Connection;
use crate::error::ErrorKind;
use crate::metadata::Node;
use crate::transport::Transport;

/// What a connection is for. A broker answers in order, so whatever may wait long has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// Everything that is answered at once.
    General,
    /// Long polls.
    Fetch,
    /// JoinGroup and SyncGroup, which wait for others, and what must stay in order with them.
    Group,
}

/// A connection or the place for one; the lock is held while it is being made.
type Place = Arc<tokio::sync::Mutex<Option<Arc<Connection>>>>;

/// The connections of one client.
pub(crate) struct Pool {
    transport: Arc<dyn Transport>,
    places: Mutex<HashMap<(Arc<str>, Lane), Place>>,
}

impl Pool {
    pub(crate) fn new(transport: Arc<dyn Transport>) -> Self {
        let places = Mutex::default();
        Self { transport, places }
    }

    /// The open connection to a broker, made if there is none.
    pub(crate) async fn connection(
        &self,
        node: &Node,
        lane: Lane,
        config: &ClientConfig,
    ) -> Result<Arc<Connection>, ErrorKind> {
        let place = {
            let mut places = self.places.lock();
            let key = (Arc::clone(&node.address), lane);
            Arc::clone(places.entry(key).or_default())
        };
        let mut place = place.lock().await;
        if let Some(connection) = place.as_ref().filter(|c| c.is_open()) {
            return Ok(Arc::clone(connection));
        }
        *place = None;
        let patience = config.connection_setup_timeout;
        let opening = async {
            let stream = self.transport.open(&node.host, node.port).await;
            let stream = stream.map_err(|error| ErrorKind::Connect(error.to_string()))?;
            Connection::open(stream, config).await
        };
        let opened = timeout(patience, opening).await;
        let late = |_| ErrorKind::Connect(format!("no connection within {patience:?}"));
        let connection = Arc::new(opened.map_err(late)??);
        *place = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// Forgets the connections to hosts that are no longer part of the cluster.
    pub(crate) fn keep(&self, known: impl Fn(&str) -> bool) {
        self.places.lock().retain(|(host, _), _| known(host));
    }
}
