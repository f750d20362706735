//! How a broker is reached: as a stream of bytes to a host and a port.

use std::future::Future;
use std::io;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::error::ErrorKind;

/// Bytes both ways.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A stream whose making is nobody's business.
pub type BoxStream = Box<dyn Stream>;

/// What [`Transport::open`] returns.
pub type Opening<'a> = Pin<Box<dyn Future<Output = io::Result<BoxStream>> + Send + 'a>>;

/// Opens streams to brokers.
pub trait Transport: Send + Sync + 'static {
    /// Opens one. The caller limits the time.
    fn open<'a>(&'a self, host: &'a str, port: u16) -> Opening<'a>;
}

/// Plain TCP.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tcp;

impl Transport for Tcp {
    fn open<'a>(&'a self, host: &'a str, port: u16) -> Opening<'a> {
        Box::pin(async move { Ok(Box::new(tcp(host, port).await?) as BoxStream) })
    }
}

/// Within an I/O error: trying again changes nothing, and this says what would.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refusal(pub(crate) String);

/// A host without the brackets of an IPv6 address.
pub(crate) fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

pub(crate) async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((bare(host), port)).await?;
    // Requests are small and awaited.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Why there is no stream.
pub(crate) fn not_open(error: io::Error) -> ErrorKind {
    let text = error.to_string();
    let refusal = error.get_ref().and_then(|e| e.downcast_ref::<Refusal>());
    match refusal {
        Some(_) => ErrorKind::Refused(text),
        None => ErrorKind::Connect(text),
    }
}
