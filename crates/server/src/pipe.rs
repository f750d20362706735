//! A connection without a socket, for who measures what the broker does for a request.

use tokio::io::DuplexStream;

use crate::server::Server;

impl Server {
    /// The broker's end, which whoever asks for it has to poll, and the client's.
    pub fn pipe(&self) -> (impl Future<Output = ()> + Send + use<>, DuplexStream) {
        self.pipes.pipe()
    }
}
