//! What a connection reads from and writes to: a socket, TLS over one, or a pipe within the process.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;

use crate::places::{self, Place};

/// Where the word comes from that there is something to read or room to write may change.
pub trait Movable {
    /// From now on no word comes, and nothing can be read or written.
    ///
    /// # Errors
    /// The system's.
    fn unplug(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// From now on it comes to the threads of the runtime that calls this.
    ///
    /// # Errors
    /// The system's.
    fn plug(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes both ways, and a way to wait for some without holding a buffer for them.
pub trait ByteStream: AsyncRead + AsyncWrite + Movable + Unpin + Send + 'static {
    /// Waits until there is something to read, be it the end.
    fn readable(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// The socket, if what is written to it goes out as it is.
    fn socket(&self) -> Option<&TcpStream> {
        None
    }
}

/// The task goes on in another place, with its stream. Awaited by the task itself, not in a set of futures that
/// polls only who was woken.
///
/// # Errors
/// The stream is of no use any more.
pub(crate) async fn move_to(place: Place, stream: &mut impl ByteStream) -> io::Result<()> {
    stream.unplug()?;
    places::go_to(place).await;
    stream.plug()
}

/// A stream of which only reading tells whether there is something to read.
#[derive(Debug)]
pub struct Probed<S> {
    stream: S,
    /// A byte that [`ByteStream::readable`] had to take to know that there is one.
    first: Option<u8>,
}

impl<S> Probed<S> {
    /// Nothing was taken from `stream` yet.
    pub fn over(stream: S) -> Self {
        Self {
            stream,
            first: None,
        }
    }
}

/// The broker's end of a pipe to a client in the same process.
pub type Pipe = Probed<DuplexStream>;

impl Pipe {
    /// The broker's end, and the client's.
    pub fn new(buffer_bytes: usize) -> (Self, DuplexStream) {
        let (stream, client) = tokio::io::duplex(buffer_bytes);
        (Self::over(stream), client)
    }
}

/// Within the process the word comes from the other end.
impl Movable for DuplexStream {}

impl<S: Movable> Movable for Probed<S> {
    fn unplug(&mut self) -> io::Result<()> {
        self.stream.unplug()
    }

    fn plug(&mut self) -> io::Result<()> {
        self.stream.plug()
    }
}

impl<S> ByteStream for Probed<S>
where
    S: AsyncRead + AsyncWrite + Movable + Unpin + Send + 'static,
{
    async fn readable(&mut self) -> io::Result<()> {
        if self.first.is_none() {
            let mut byte = [0];
            let count = self.stream.read(&mut byte).await?;
            self.first = (count > 0).then_some(byte[0]);
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Probed<S> {
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
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Probed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        runs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, runs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn waiting_for_bytes_loses_none() {
        let (mut pipe, mut client) = Pipe::new(64);
        client.write_all(b"abc").await.expect("room");
        pipe.readable().await.expect("bytes");
        pipe.readable().await.expect("bytes still");
        let mut read = [0; 3];
        pipe.read_exact(&mut read).await.expect("all of them");
        assert_eq!(&read, b"abc");
        drop(client);
        pipe.readable().await.expect("the end is readable too");
        assert_eq!(pipe.read(&mut read).await.expect("the end"), 0);
    }
}
