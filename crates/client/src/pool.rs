//! The open connections of a client: for each broker one per [`Lane`].

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use crate::config::ClientConfig;
use crate::connection::Connection;
use crate::error::ErrorKind;
use crate::login::log_in;
use crate::metadata::Node;
use crate::transport::{Transport, not_open};

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

/// The share of a login's time after which another connection is made, in percent, as Kafka's
/// clients log in anew between 85 and 95 (KIP-368).
const SESSION_PERCENT: u32 = 85;

/// A connection, and until when it is used if its login runs out.
struct Opened {
    connection: Arc<Connection>,
    until: Option<Instant>,
}

impl Opened {
    fn serves(&self) -> bool {
        let in_time = self.until.is_none_or(|until| Instant::now() < until);
        in_time && self.connection.is_open()
    }
}

/// A connection or the place for one; the lock is held while it is being made.
type Place = Arc<tokio::sync::Mutex<Option<Opened>>>;

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
        if let Some(opened) = place.as_ref().filter(|opened| opened.serves()) {
            return Ok(Arc::clone(&opened.connection));
        }
        *place = None;
        let patience = config.connection_setup_timeout;
        let opened = timeout(patience, self.open(node, config)).await;
        let late = |_| ErrorKind::Connect(format!("no connection within {patience:?}"));
        let opened = opened.map_err(late)??;
        let connection = Arc::clone(&opened.connection);
        *place = Some(opened);
        Ok(connection)
    }

    async fn open(&self, node: &Node, config: &ClientConfig) -> Result<Opened, ErrorKind> {
        let stream = self.transport.open(&node.host, node.port).await;
        let connection = Connection::open(stream.map_err(not_open)?, config).await?;
        let mut until = None;
        if let Some(login) = &config.login {
            let begun = Instant::now();
            let holds = log_in(&connection, login, config.request_timeout).await?;
            until = holds.and_then(|time| begun.checked_add(time * SESSION_PERCENT / 100));
        }
        let connection = Arc::new(connection);
        Ok(Opened { connection, until })
    }

    /// Forgets the connections to hosts that are no longer part of the cluster.
    pub(crate) fn keep(&self, known: impl Fn(&str) -> bool) {
        self.places.lock().retain(|(host, _), _| known(host));
    }
}
