//! A socket under TLS.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use limpid_security::Principal;
use limpid_security::tls::Material;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::byte_stream::ByteStream;

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

/// The broker's end of a TLS connection.
#[derive(Debug)]
pub struct TlsSocket {
    stream: Box<TlsStream<TcpStream>>,
    /// A byte that [`ByteStream::readable`] had to take to know that there is one.
    first: Option<u8>,
}

/// Shakes hands with a client. Returns the connection and whom its certificate names.
///
/// # Errors
/// See [`HandshakeError`].
pub async fn accept(
    stream: TcpStream,
    material: &Material,
    patience: Duration,
) -> Result<(TlsSocket, Principal), HandshakeError> {
    let acceptor = TlsAcceptor::from(material.server.clone());
    let handshake = timeout(patience, acceptor.accept(stream)).await;
    let stream = handshake.map_err(|_| HandshakeError::Slow(patience))??;
    let principal = material.principal(stream.get_ref().1.peer_certificates());
    let principal = principal.ok_or(HandshakeError::Nameless)?;
    let stream = Box::new(stream);
    let first = None;
    Ok((TlsSocket { stream, first }, principal))
}

impl ByteStream for TlsSocket {
    async fn readable(&mut self) -> io::Result<()> {
        // Bytes on the socket may be no bytes of the client's, and decrypted ones may be waiting in
        // memory: only reading tells.
        if self.first.is_none() {
            let mut byte = [0];
            let count = self.stream.read(&mut byte).await?;
            self.first = (count > 0).then_some(byte[0]);
        }
        Ok(())
    }
}

impl AsyncRead for TlsSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if into.remaining() > 0
            && let Some(first) = self.first.take()
        {
            into.put_slice(&[first]);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut *self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for TlsSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        runs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write_vectored(context, runs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(context)
    }
}
