//! One connection: let the client in, then read a request and answer it, in order, until somebody
//! closes.

use std::sync::Arc;

use limpid_protocol::ApiKey;
use limpid_telemetry::LabelEnum;
use tokio::net::TcpStream;

use crate::byte_stream::ByteStream;
use crate::drain::{Drain, Listening};
use crate::frame::{FrameError, FrameReader};
use crate::handler::{CallError, Peer};
use crate::metrics::Failure;
use crate::quotas::client::Hold;
use crate::tls_stream;

mod answering;
mod audit;
mod context;
mod end;
mod login;
mod request_log;
mod sending;

use answering::{Books, answer, api_key_of};
pub use context::ConnectionContext;
use end::End;
use login::{LoggingIn, Session};

/// Serves a connection off a socket until it ends; TLS first, where the listener speaks it.
pub async fn serve_socket(
    stream: TcpStream,
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
    let session = tokio::select! {
        biased;
        session = enter(&mut stream, &mut reader, &mut peer, &context) => session,
        () = drain.begun() => return,
    };
    let served = match session {
        Ok(session) => converse(&mut stream, &mut reader, &peer, session, &context, drain).await,
        Err(end) => Err(end),
    };
    if let Err(end) = served {
        report(&end, &peer, &context);
    }
}

/// Lets a client log in, where it must.
async fn enter(
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

/// Reads requests and answers them until the client closes or the drain begins.
async fn converse(
    stream: &mut impl ByteStream,
    reader: &mut FrameReader,
    peer: &Peer,
    mut session: Option<Session>,
    context: &ConnectionContext,
    drain: Drain,
) -> Result<(), End> {
    let mut books = Books::of(peer, context);
    let mut ending = drain.listening();
    while !drain.has_begun() {
        let frame = tokio::select! {
            biased;
            frame = reader.next(stream, &context.memory) => frame?,
            () = &mut ending => return Ok(()),
        };
        let is_handshake = api_key_of(&frame.bytes) == Some(ApiKey::SaslHandshake as i16);
        match (&context.entrance.sasl, session.take()) {
            (Some(door), Some(old)) if is_handshake && old.may_be_renewed() => {
                let logging_in = LoggingIn {
                    stream: &mut *stream,
                    reader: &mut *reader,
                    peer,
                    context,
                    door,
                };
                session = Some(logging_in.again(frame, old).await?);
            }
            (_, Some(old)) if old.has_expired() => return Err(End::Expired),
            (_, kept) => {
                session = kept;
                let hold = answer(stream, frame, peer, context, &mut books).await?;
                // Who sends many requests at once waits for those who sent one.
                if reader.has_more() {
                    tokio::task::yield_now().await;
                }
                if let Some(hold) = hold {
                    hold_back(hold, &mut books, &mut ending).await;
                }
            }
        }
    }
    Ok(())
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
