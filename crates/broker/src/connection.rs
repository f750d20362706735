//! One connection: let the client in, then read a request and answer it, in order, until somebody
//! closes.
//!
//! Until there is a request that may be answered, all this is done at the entrance (see `crossing`).

use std::sync::Arc;

use limpid_protocol::ApiKey;
use limpid_telemetry::LabelEnum;

use crate::byte_stream::{ByteStream, move_to};
use crate::drain::{Drain, Listening};
use crate::frame::{Frame, FrameError, FrameReader};
use crate::handler::{CallError, Peer};
use crate::metrics::Failure;
use crate::places::Place;
use crate::quotas::client::Hold;
use crate::socket::Socket;
use crate::tls_stream;

mod answering;
mod audit;
mod context;
mod end;
mod login;
mod request_log;
mod sending;

use answering::{Books, answer, api_key_of, look_at};
pub use context::ConnectionContext;
use end::End;
use login::{LoggingIn, Session};

/// Serves a connection off a socket until it ends; TLS first, where the listener speaks it.
pub async fn serve_socket(
    stream: Socket,
    mut peer: Peer,
    context: Arc<ConnectionContext>,
    mut drain: Drain,
) {
    let Some(tls) = &context.entrance.tls else {
        return serve(stream, peer, context, drain).await;
    };
    let material = tls.current();
    let accepted = tokio::select! {
        biased;
        () = drain.begun() => return,
        accepted = tls_stream::accept(stream, &material, context.entrance.patience) => accepted,
    };
    match accepted {
        Ok((stream, principal)) => {
            peer.principal = principal;
            serve(stream, peer, context, drain).await;
        }
        Err(error) => {
            context.listener.logins.failed.inc();
            report(&error.into(), &peer, &context);
        }
    }
}

/// Serves a connection until it ends; failures are counted and logged here, once.
pub async fn serve(
    mut stream: impl ByteStream,
    mut peer: Peer,
    context: Arc<ConnectionContext>,
    mut drain: Drain,
) {
    let mut reader = FrameReader::new(context.limits, Arc::clone(&context.turns));
    let entered = tokio::select! {
        biased;
        entered = enter(&mut stream, &mut reader, &mut peer, &context) => entered,
        () = drain.begun() => return,
    };
    let served = match entered {
        Ok((session, first)) => {
            let mut line = Line {
                stream: &mut stream,
                reader: &mut reader,
                peer: &peer,
                context: &context,
            };
            line.converse(session, first, drain).await
        }
        Err(end) => Err(end),
    };
    if let Err(end) = served {
        report(&end, &peer, &context);
    }
}

/// Lets a client in: until it has logged in, where it must, and sent a request that may be answered.
async fn enter<'m>(
    stream: &mut impl ByteStream,
    reader: &mut FrameReader,
    peer: &mut Peer,
    context: &'m ConnectionContext,
) -> Result<(Option<Session>, Frame<'m>), End> {
    let session = log_in(stream, reader, peer, context).await?;
    let first = reader.next(stream, &context.memory).await?;
    look_at(&first, context)?;
    Ok((session, first))
}

/// Lets a client log in, where it must.
async fn log_in(
    stream: &mut impl ByteStream,
    reader: &mut FrameReader,
    peer: &mut Peer,
    context: &ConnectionContext,
) -> Result<Option<Session>, End> {
    let Some(door) = &context.entrance.sasl else {
        return Ok(None);
    };
    let logging_in = LoggingIn {
        stream,
        reader,
        peer: &*peer,
        context,
        door,
    };
    let session = logging_in.first().await?;
    peer.principal = session.principal().clone();
    Ok(Some(session))
}

/// The connection of somebody who was let in.
struct Line<'a, S> {
    stream: &'a mut S,
    reader: &'a mut FrameReader,
    peer: &'a Peer,
    context: &'a ConnectionContext,
}

impl<S: ByteStream> Line<'_, S> {
    /// Reads requests and answers them until the client closes or the drain begins.
    async fn converse(
        &mut self,
        mut session: Option<Session>,
        first: Frame<'_>,
        drain: Drain,
    ) -> Result<(), End> {
        let (peer, context) = (self.peer, self.context);
        move_to(Place::Data, self.stream)
            .await
            .map_err(FrameError::Io)?;
        self.reader.moved();
        let mut books = Books::of(peer, context);
        let mut ending = drain.listening();
        let mut next = Some(first);
        while let Some(frame) = next.take() {
            let is_handshake = api_key_of(&frame.bytes) == Some(ApiKey::SaslHandshake as i16);
            match (&context.entrance.sasl, session.take()) {
                (Some(door), Some(old)) if is_handshake && old.may_be_renewed() => {
                    let logging_in = LoggingIn {
                        stream: &mut *self.stream,
                        reader: &mut *self.reader,
                        peer,
                        context,
                        door,
                    };
                    session = Some(logging_in.again(frame, old).await?);
                }
                (_, Some(old)) if old.has_expired() => return Err(End::Expired),
                (_, kept) => {
                    session = kept;
                    let hold = answer(self.stream, frame, peer, context, &mut books).await?;
                    // Who sends many requests at once waits for those who sent one.
                    if self.reader.has_more() {
                        tokio::task::yield_now().await;
                    }
                    if let Some(hold) = hold {
                        hold_back(hold, &mut books, &mut ending).await;
                    }
                }
            }
            if !drain.has_begun() {
                next = tokio::select! {
                    biased;
                    frame = self.reader.next(self.stream, &context.memory) => Some(frame?),
                    () = &mut ending => None,
                };
            }
        }
        Ok(())
    }
}

/// Reads nothing from a client for as long as it was told (KIP-219).
async fn hold_back(hold: Hold, books: &mut Books, ending: &mut Listening) {
    books.client.throttled(hold.ms);
    let _held_back = books.quotas.begin(hold);
    tokio::select! {
        () = tokio::time::sleep(hold.duration()) => {}
        () = ending => {}
    }
    books.reader.held_back(hold.ms);
}

fn report(end: &End, peer: &Peer, context: &ConnectionContext) {
    let cause = match end {
        End::Frame(FrameError::Closed) => return,
        End::Frame(FrameError::Idle(_)) => Failure::Idle,
        End::Frame(FrameError::Slow { .. }) => Failure::SlowRequest,
        End::Frame(FrameError::Torn { .. }) => Failure::TornRequest,
        End::Frame(FrameError::Length { .. }) => Failure::BadLength,
        End::Frame(FrameError::Io(_)) | End::Send(_) => Failure::Socket,
        End::Unsupported(_) => Failure::UnsupportedRequest,
        End::Call(CallError::Malformed(_)) => Failure::MalformedRequest,
        End::Call(CallError::Encode(_)) => Failure::Internal,
        End::Refused(_) => Failure::Refused,
        End::SlowReader(_) => Failure::SlowReader,
        End::Handshake(_) => Failure::TlsHandshake,
        End::Denied(_) => Failure::Login,
        End::NotLoggedIn => Failure::NotLoggedIn,
        End::SlowLogin(_) => Failure::SlowLogin,
        End::Expired => {
            context.listener.expired_logins.inc();
            Failure::ExpiredLogin
        }
    };
    context.listener.failed(cause);
    if cause == Failure::Internal {
        tracing::error!(client.address = %peer.address, error = %end, "answer lost");
    } else {
        context.log.closed(cause.as_str(), peer, end);
    }
}
