//! What a program that has a server in it reaches without a socket.

use std::sync::Arc;

use limpid_cluster::{ClusterAdmin, ClusterSource, RecordBrowser};
use tokio::io::DuplexStream;

use crate::server::Server;

impl Server {
    /// What the faces see.
    pub fn cluster(&self) -> Arc<dyn ClusterSource> {
        self.cluster.clone()
    }

    /// Changes it, over the Kafka protocol.
    pub fn admin(&self) -> Arc<dyn ClusterAdmin> {
        self.link.clone()
    }

    /// Reads its records, over the Kafka protocol.
    pub fn browser(&self) -> Arc<dyn RecordBrowser> {
        self.link.clone()
    }

    /// A connection, for who measures what the broker does for a request: the broker's end, which
    /// whoever asks for it has to poll, and the client's.
    pub fn pipe(&self) -> (impl Future<Output = ()> + Send + use<>, DuplexStream) {
        self.pipes.pipe()
    }
}
