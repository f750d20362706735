//! A client's socket, which can go from the reactor of one runtime to that of another.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::byte_stream::{ByteStream, Movable};

/// See the module.
#[derive(Debug)]
pub struct Socket {
    at: At,
}

#[derive(Debug)]
enum At {
    /// Known to a reactor.
    Plugged(TcpStream),
    /// On its way.
    Unplugged(std::net::TcpStream),
    /// No reactor took it.
    Lost,
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        Self {
            at: At::Plugged(stream),
        }
    }
}

impl Socket {
    fn plugged(&mut self) -> io::Result<&mut TcpStream> {
        match &mut self.at {
            At::Plugged(stream) => Ok(stream),
            At::Unplugged(_) | At::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn poll<T>(
        &mut self,
        poll: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match self.plugged() {
            Ok(stream) => poll(Pin::new(stream)),
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl Movable for Socket {
    fn unplug(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.at, At::Lost) {
            At::Plugged(stream) => self.at = At::Unplugged(stream.into_std()?),
            at => self.at = at,
        }
        Ok(())
    }

    fn plug(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.at, At::Lost) {
            At::Unplugged(stream) => self.at = At::Plugged(TcpStream::from_std(stream)?),
            at => self.at = at,
        }
        Ok(())
    }
}

impl ByteStream for Socket {
    async fn readable(&mut self) -> io::Result<()> {
        self.plugged()?.readable().await
    }

    fn socket(&self) -> Option<&TcpStream> {
        match &self.at {
            At::Plugged(stream) => Some(stream),
            At::Unplugged(_) | At::Lost => None,
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_read(context, into))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll(|stream| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        runs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(|stream| stream.poll_write_vectored(context, runs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|stream| stream.poll_shutdown(context))
    }
}
