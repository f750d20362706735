//! A socket under TLS.

use std::io;
use std::time::Duration;

use limpid_security::Principal;
use limpid_security::tls::Material;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::byte_stream::{Movable, Probed};
use crate::socket::Socket;

/// Why there is no TLS connection.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The handshake failed.
    #[error("TLS handshake: {0}")]
    Failed(#[from] io::Error),
    /// It took too long.
    #[error("TLS handshake not finished within {0:?}")]
    Slow(Duration),
    /// No rule makes a name of the client's certificate.
    #[error("ssl.principal.mapping.rules have no name for the client's certificate")]
    Nameless,
}

/// The broker's end of a TLS connection. Bytes on its socket may be no bytes of the client's, and
/// decrypted ones may be waiting in memory: only reading tells.
pub type TlsSocket = Probed<Box<TlsStream<Socket>>>;

impl Movable for Box<TlsStream<Socket>> {
    fn unplug(&mut self) -> io::Result<()> {
        self.get_mut().0.unplug()
    }

    fn plug(&mut self) -> io::Result<()> {
        self.get_mut().0.plug()
    }
}

/// Shakes hands with a client. Returns the connection and whom its certificate names.
///
/// # Errors
/// See [`HandshakeError`].
pub async fn accept(
    stream: Socket,
    material: &Material,
    patience: Duration,
) -> Result<(TlsSocket, Principal), HandshakeError> {
    let acceptor = TlsAcceptor::from(material.server.clone());
    let handshake = timeout(patience, acceptor.accept(stream)).await;
    let stream = handshake.map_err(|_| HandshakeError::Slow(patience))??;
    let principal = material.principal(stream.get_ref().1.peer_certificates());
    let principal = principal.ok_or(HandshakeError::Nameless)?;
    Ok((TlsSocket::over(Box::new(stream)), principal))
}
