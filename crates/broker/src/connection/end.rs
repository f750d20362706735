//! How a connection can end.

use std::time::Duration;

use crate::frame::FrameError;
use crate::handler::CallError;
use crate::tls_stream::HandshakeError;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("{0}")]
    Unsupported(String),
    #[error("{0}")]
    Call(#[from] CallError),
    #[error("{0}")]
    Refused(&'static str),
    #[error("sending the answer: {0}")]
    Send(std::io::Error),
    #[error("the answer was not read within {0:?}")]
    SlowReader(Duration),
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    #[error("login failed: {0}")]
    Denied(String),
    #[error("a request that is not part of a login, before the login")]
    NotLoggedIn,
    #[error("not logged in within {0:?}")]
    SlowLogin(Duration),
    #[error("the login has run out, and the client did not log in again")]
    Expired,
}
