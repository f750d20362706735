//! Logging in: what clients of a SASL listener do first, and again when their login runs out
//! (KIP-368).
//!
//! ```text
//! [ApiVersions …] SaslHandshake 0   token, token …            each behind its length
//!                 SaslHandshake 1   SaslAuthenticate …
//! ```
//! Before it is done nothing else is answered, the requests are small, and their memory is one of
//! its own.

use std::time::{Duration, Instant};

use bytes::Bytes;
use limpid_config::SaslMechanism;
use limpid_protocol::messages::SaslAuthenticateResponse;
use limpid_protocol::{ApiKey, Chunks, ErrorCode, Message, Reader, RequestHeader, Run};
use limpid_security::Principal;
use limpid_security::sasl::{Denied, LoggedIn, Login, Step};
use limpid_telemetry::{Stage, StageClock, Stamp};
use tokio::time::timeout;

use super::answering::{Books, answer, api_key_of, response_head};
use super::audit;
use super::context::ConnectionContext;
use super::end::End;
use super::sending::{send, write};
use crate::api::k17_sasl_handshake::{self, SaslHandshake};
use crate::api::k36_sasl_authenticate::{self, SaslAuthenticate};
use crate::byte_stream::ByteStream;
use crate::entrance::Door;
use crate::frame::{Frame, FrameReader};
use crate::handler::{Answer, CallError, Peer, encode};
use crate::metrics::Api;
use crate::piped::PipedRuns;

/// A client may log in again only so long after the last time.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Somebody who has logged in, and until when.
pub(super) struct Session {
    principal: Principal,
    mechanism: SaslMechanism,
    /// The client knows how to do it again.
    may_renew: bool,
    began: Instant,
    expires: Option<Instant>,
}

impl Session {
    /// Whom the connection acts for from now on.
    pub(super) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Whether the login has run out.
    pub(super) fn has_expired(&self) -> bool {
        self.expires.is_some_and(|at| Instant::now() >= at)
    }

    /// Whether a SaslHandshake begins a new login: only where logins run out.
    pub(super) fn may_be_renewed(&self) -> bool {
        self.expires.is_some() && self.began.elapsed() >= AGAIN_AFTER
    }
}

/// The connection of somebody who logs in.
pub(super) struct LoggingIn<'a, S> {
    pub(super) stream: &'a mut S,
    pub(super) reader: &'a mut FrameReader,
    pub(super) peer: &'a Peer,
    pub(super) context: &'a ConnectionContext,
    pub(super) door: &'a Door,
}

impl<'a, S: ByteStream> LoggingIn<'a, S> {
    /// Reads until somebody has logged in.
    pub(super) async fn first(mut self) -> Result<Session, End> {
        let patience = self.context.entrance.patience;
        let done = timeout(patience, self.begin()).await;
        let done = done.unwrap_or(Err(End::SlowLogin(patience)));
        let metrics = &self.context.listener.logins;
        match &done {
            Ok(session) => metrics.began(session.may_renew),
            Err(End::Denied(_)) => metrics.failed.inc(),
            Err(_) => {}
        }
        done
    }

    /// Takes the SaslHandshake of somebody who has logged in before.
    pub(super) async fn again(mut self, frame: Frame<'_>, old: Session) -> Result<Session, End> {
        let (began, patience) = (Instant::now(), self.context.entrance.patience);
        let done = timeout(patience, self.handshake(frame, Some(old.mechanism))).await;
        let done = done
            .unwrap_or(Err(End::SlowLogin(patience)))
            .and_then(|new| {
                if new.principal == old.principal {
                    return Ok(new);
                }
                let reason = format!("logs in again as {}, was {}", new.principal, old.principal);
                let claimed = Some(new.principal.name());
                Err(self.denied(new.mechanism.name(), claimed, &reason))
            });
        let metrics = &self.context.listener.logins;
        match &done {
            Ok(_) => metrics.renewed(began.elapsed()),
            Err(End::Denied(_)) => metrics.not_renewed(),
            Err(_) => {}
        }
        done
    }

    async fn begin(&mut self) -> Result<Session, End> {
        let mut books = Books::of_nobody(self.context);
        loop {
            let frame = self.frame().await?;
            match api_key_of(&frame.bytes) {
                Some(key) if key == ApiKey::ApiVersions as i16 => {
                    answer(self.stream, frame, self.peer, self.context, &mut books).await?;
                }
                Some(key) if key == ApiKey::SaslHandshake as i16 => {
                    return self.handshake(frame, None).await;
                }
                _ => return Err(End::NotLoggedIn),
            }
        }
    }

    async fn frame(&mut self) -> Result<Frame<'a>, End> {
        let context = self.context;
        let memory = &*context.entrance.memory;
        let bytes_max = self.door.config.receive_bytes_max;
        Ok(self
            .reader
            .next_small(self.stream, memory, bytes_max)
            .await?)
    }

    /// From the choice of a mechanism to the end.
    async fn handshake(
        &mut self,
        frame: Frame<'_>,
        before: Option<SaslMechanism>,
    ) -> Result<Session, End> {
        let (header, request, exchange) = Exchange::begin::<SaslHandshake>(frame)?;
        let enabled = &self.door.config.mechanisms;
        let (chosen, response) = k17_sasl_handshake::choose(&request, enabled);
        let Some(mechanism) = chosen else {
            self.hold_back().await;
            self.reply(&exchange, &response, ErrorCode::UnsupportedSaslMechanism)
                .await?;
            let reason = "a SASL mechanism that is not enabled";
            return Err(self.denied("SASL", None, reason));
        };
        self.reply(&exchange, &response, ErrorCode::None).await?;
        let login = Login::new(mechanism, self.context.entrance.clock.wall_ms());
        let (user, version) = match header.api_version {
            0 => (self.bare_tokens(login, mechanism).await?, 0),
            _ => self.requests(login, mechanism, before).await?,
        };
        Ok(Session {
            may_renew: version > 0,
            ..self.session(mechanism, &user)
        })
    }

    fn session(&self, mechanism: SaslMechanism, user: &LoggedIn) -> Session {
        let began = Instant::now();
        let lifetime = self.lifetime(mechanism, user);
        Session {
            principal: Principal::user(&user.name),
            mechanism,
            may_renew: false,
            began,
            // A lifetime beyond what a clock can tell does not end.
            expires: lifetime.and_then(|lifetime| began.checked_add(lifetime)),
        }
    }

    /// How long the login holds; `None` for ever.
    fn lifetime(&self, mechanism: SaslMechanism, user: &LoggedIn) -> Option<Duration> {
        let limit = self.door.config.session_ms_max.get(&mechanism).copied();
        let now_ms = self.context.entrance.clock.wall_ms();
        let left = user
            .expires_at_ms
            .map(|at| u64::try_from(at - now_ms).unwrap_or(0));
        let shorter = limit.into_iter().chain(left).min();
        shorter.map(Duration::from_millis)
    }

    /// The messages of a login in requests of their own, and the version of the last one: who knows the
    /// first is told when the login runs out.
    async fn requests(
        &mut self,
        mut login: Login,
        mechanism: SaslMechanism,
        before: Option<SaslMechanism>,
    ) -> Result<(LoggedIn, i16), End> {
        loop {
            let frame = self.frame().await?;
            if api_key_of(&frame.bytes) != Some(ApiKey::SaslAuthenticate as i16) {
                return Err(End::NotLoggedIn);
            }
            let (_, request, exchange) = Exchange::begin::<SaslAuthenticate>(frame)?;
            let stepped = match before {
                Some(before) if before != mechanism => Err(Denied {
                    told: Some(format!(
                        "SASL mechanism '{}' requested by client is not supported for \
                         re-authentication of mechanism '{}'",
                        mechanism.name(),
                        before.name()
                    )),
                    reason: "another mechanism than before".to_owned(),
                }),
                _ => login.step(&self.door.realm, &request.auth_bytes),
            };
            let mut response = SaslAuthenticateResponse::default();
            match stepped {
                Ok(Step::Challenge(bytes)) => {
                    response.auth_bytes = bytes.into();
                    self.reply(&exchange, &response, ErrorCode::None).await?;
                }
                Ok(Step::Done(bytes, user)) => {
                    response.auth_bytes = bytes.into();
                    let lifetime = self.lifetime(mechanism, &user).unwrap_or_default();
                    response.session_lifetime_ms =
                        i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
                    self.reply(&exchange, &response, ErrorCode::None).await?;
                    return Ok((user, exchange.version));
                }
                Err(denied) => {
                    let again = before.is_some();
                    let end = self.denied(mechanism.name(), login.claimed(), &denied.reason);
                    self.refuse(&exchange, denied, mechanism, again).await?;
                    return Err(end);
                }
            }
        }
    }

    async fn refuse(
        &mut self,
        exchange: &Exchange,
        denied: Denied,
        mechanism: SaslMechanism,
        again: bool,
    ) -> Result<(), End> {
        let what = if again {
            "re-authentication"
        } else {
            "authentication"
        };
        let told = denied.told.unwrap_or_else(|| {
            format!(
                "Authentication failed during {what} due to invalid credentials with SASL \
                 mechanism {}",
                mechanism.name()
            )
        });
        let error = ErrorCode::SaslAuthenticationFailed;
        let response = k36_sasl_authenticate::refused(error.code(), &told);
        self.hold_back().await;
        self.reply(exchange, &response, error).await
    }

    /// Tells the audit that somebody was not let in.
    fn denied(&self, mechanism: &str, claimed: Option<&str>, reason: &str) -> End {
        audit::login_failed(self.peer, mechanism, claimed, reason, &self.context.audit);
        End::Denied(format!("{mechanism}: {reason}"))
    }

    /// The messages of a login as such: what clients before Kafka 1.0 do.
    async fn bare_tokens(
        &mut self,
        mut login: Login,
        mechanism: SaslMechanism,
    ) -> Result<LoggedIn, End> {
        loop {
            let frame = self.frame().await?;
            let (token, charge) = (frame.bytes, frame.charge);
            let (bytes, user) = match login.step(&self.door.realm, &token) {
                Ok(Step::Challenge(bytes)) => (bytes, None),
                Ok(Step::Done(bytes, user)) => (bytes, Some(user)),
                Err(denied) => {
                    drop(charge);
                    self.hold_back().await;
                    let claimed = login.claimed();
                    return Err(self.denied(mechanism.name(), claimed, &denied.reason));
                }
            };
            drop(charge);
            let length = i32::try_from(bytes.len()).expect("a token is short");
            let runs = [Bytes::from(length.to_be_bytes().to_vec()), bytes.into()];
            let runs = runs.map(Run::Bytes).into();
            write(self.stream, runs, PipedRuns::default(), self.context).await?;
            if let Some(user) = user {
                return Ok(user);
            }
        }
    }

    /// Makes guessing slow.
    async fn hold_back(&self) {
        tokio::time::sleep(Duration::from_millis(self.door.config.failure_delay_ms)).await;
    }

    async fn reply<M: Message>(
        &mut self,
        exchange: &Exchange,
        response: &M,
        error: ErrorCode,
    ) -> Result<(), End> {
        let body: Chunks = encode(response, exchange.version).map_err(CallError::from)?;
        let (key, version) = (exchange.key, exchange.version);
        let head = response_head(key, version, exchange.correlation_id, body.byte_len());
        let bytes = (exchange.request_bytes, head.len() + body.byte_len());
        let mut clock = StageClock::start_at(exchange.began);
        clock.enter(Stage::Send);
        let answer = (head, body, PipedRuns::default());
        send(self.stream, answer, self.context).await?;
        let metrics = &self.context.metrics.requests;
        let bytes = (bytes, exchange.body_bytes);
        metrics.answered((Api::Of(key), version), error, bytes, &clock.finish());
        Ok(())
    }
}

/// What the answer to a request needs to know of it.
struct Exchange {
    key: ApiKey,
    version: i16,
    correlation_id: i32,
    request_bytes: usize,
    body_bytes: usize,
    began: Stamp,
}

impl Exchange {
    /// Decodes the request of an API. Its memory is given back: it is small, and so is what is kept.
    fn begin<A: Answer>(frame: Frame<'_>) -> Result<(RequestHeader, A::Request, Self), End> {
        let request_bytes = frame.bytes.len() + 4;
        let mut body = Reader::new(frame.bytes);
        let header = RequestHeader::decode(&mut body).map_err(CallError::from)?;
        let body_bytes = body.remaining();
        if !A::RANGE.serves(header.api_version) {
            let (key, version) = (A::RANGE.key.name(), header.api_version);
            return Err(End::Unsupported(format!(
                "{key} version {version} is not served"
            )));
        }
        let request = A::Request::decode(&mut body, header.api_version);
        let request = request.map_err(CallError::from)?;
        let exchange = Self {
            key: A::RANGE.key,
            version: header.api_version,
            correlation_id: header.correlation_id,
            request_bytes,
            body_bytes,
            began: frame.began,
        };
        Ok((header, request, exchange))
    }
}
