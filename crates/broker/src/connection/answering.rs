//! Reading, handling and answering one request, and how a connection can end.

use bytes::BytesMut;
use limpid_protocol::{ApiKey, ErrorCode, Reader, RequestHeader, ResponseHeader};
use limpid_telemetry::{Stage, StageClock};

use crate::answer_memory::Used;
use crate::api::k18_api_versions;
use crate::byte_stream::ByteStream;
use crate::clients::{CurrentClient, Served};
use crate::frame::Frame;
use crate::handler::{Call, CallError, Handler, Peer, Reply, encode};
use crate::notes::Notes;
use crate::piped::PipedRuns;
use crate::quotas::client::{ClientQuotas, Hold};
use crate::quotas::thread_time::{ThreadTime, Timed};
use crate::readers::CurrentReader;
use crate::request::Done;
use crate::spans;
use crate::turns::{self, LONG_REQUEST_BYTES};
use crate::writers::CurrentWriter;

use super::audit;
use super::context::ConnectionContext;
use super::end::End;
use super::request_log;
use super::sending::send;

/// The first two bytes of a request.
pub(super) fn api_key_of(request: &[u8]) -> Option<i16> {
    request
        .first_chunk()
        .map(|bytes| i16::from_be_bytes(*bytes))
}

/// What the requests of a connection are booked on.
pub(super) struct Books {
    pub(super) quotas: ClientQuotas,
    pub(super) client: CurrentClient,
    pub(super) reader: CurrentReader,
    pub(super) writer: CurrentWriter,
}

impl Books {
    /// For who has logged in, or need not.
    pub(super) fn of(peer: &Peer, context: &ConnectionContext) -> Self {
        Self {
            quotas: ClientQuotas::new(&context.quotas, peer.principal.name()),
            client: context.clients.connected(),
            reader: context.readers.connected(),
            writer: context.clients.writer(),
        }
    }

    /// For who has not logged in yet: no quota holds.
    pub(super) fn of_nobody(context: &ConnectionContext) -> Self {
        Self {
            quotas: ClientQuotas::nobodys(&context.quotas),
            client: context.clients.connected(),
            reader: context.readers.connected(),
            writer: context.clients.writer(),
        }
    }
}

/// Whether a request is one that has an answer, by its header.
pub(super) fn look_at(frame: &Frame<'_>, context: &ConnectionContext) -> Result<(), End> {
    let mut body = Reader::new(frame.bytes.clone());
    let header = RequestHeader::decode(&mut body).map_err(CallError::from)?;
    let (key, handler) = find(&header, context)?;
    match handler.range().serves(header.api_version) || key == ApiKey::ApiVersions {
        true => Ok(()),
        false => Err(unserved(&header, key, handler)),
    }
}

fn find<'a>(
    header: &RequestHeader,
    context: &'a ConnectionContext,
) -> Result<(ApiKey, &'a dyn Handler), End> {
    let unknown = || End::Unsupported(format!("no API has key {}", header.api_key));
    context.apis.find(header.api_key).ok_or_else(unknown)
}

/// Answers one request, and tells for how long the client is to be held back after that.
pub(super) async fn answer(
    stream: &mut impl ByteStream,
    frame: Frame<'_>,
    peer: &Peer,
    context: &ConnectionContext,
    books: &mut Books,
) -> Result<Option<Hold>, End> {
    let mut clock = StageClock::start_at(frame.began);
    clock.enter(Stage::Queue);
    let request_bytes = frame.bytes.len() + 4;
    let mut body = Reader::new(frame.bytes);
    let header = RequestHeader::decode(&mut body).map_err(CallError::from)?;
    let body_bytes = body.remaining();
    let (key, handler) = find(&header, context)?;
    let client_id = header.client_id.as_deref();
    if matches!(key, ApiKey::Fetch | ApiKey::ShareFetch) {
        books.reader.asks(peer, client_id.unwrap_or_default());
    }
    let asked = Asked {
        key,
        handler,
        header: &header,
        request_bytes,
        others_hurry: frame.others_hurry,
        splices: stream.socket().is_some(),
        peer,
    };
    let handled = asked.handle(body, context, books, &mut clock).await?;
    let Handled {
        version,
        error,
        mut notes,
        hold,
        committed_only,
        ..
    } = handled;
    let who = (peer, client_id);
    let changes = &mut notes.changes;
    audit::request(
        (key, error),
        who,
        changes,
        (&context.audit, &context.recorder),
    );
    let mut response_bytes = 0;
    match handled.reply {
        Reply::Body(body) => {
            clock.enter(Stage::Send);
            let head = response_head(key, version, header.correlation_id, body.byte_len());
            response_bytes = head.len() + body.byte_len();
            let sending = context.metrics.requests.sending.during();
            send(stream, (head, body, handled.piped), context).await?;
            drop(sending);
        }
        Reply::Silence => {}
        Reply::Disconnect(why) => return Err(End::Refused(why)),
    }
    // The memory of the request is free again only now, when its answer is on its way.
    drop((frame.charge, handled.answer_room));
    let held_back = hold.map(|hold| hold.duration()).unwrap_or_default();
    let done = Done {
        api: (key, version),
        for_replica: notes.for_replica,
        error,
        bytes: (request_bytes, response_bytes),
        body_bytes,
        times: clock.finish().throttled(held_back),
    };
    books.reader.answered(committed_only);
    book(&done, who, context, books);
    context.slow.answered(&done, who, &notes.touched);
    if let Some(tracing) = &context.tracing {
        spans::answered(tracing, &done, who, notes);
    }
    Ok(hold)
}

/// A request and who answers it.
struct Asked<'a> {
    key: ApiKey,
    handler: &'a dyn Handler,
    header: &'a RequestHeader,
    request_bytes: usize,
    others_hurry: bool,
    splices: bool,
    peer: &'a Peer,
}

/// What became of a request.
struct Handled {
    version: i16,
    reply: Reply,
    error: ErrorCode,
    notes: Notes,
    hold: Option<Hold>,
    /// Of a fetch: whether it wants committed records only.
    committed_only: Option<bool>,
    answer_room: Option<Used>,
    piped: PipedRuns,
}

impl Asked<'_> {
    async fn handle(
        &self,
        body: Reader,
        context: &ConnectionContext,
        books: &mut Books,
        clock: &mut StageClock,
    ) -> Result<Handled, End> {
        let (key, handler, header) = (self.key, self.handler, self.header);
        if !handler.range().serves(header.api_version) {
            return Ok(Handled {
                version: 0,
                reply: unsupported_version(header, key, handler, context)?,
                error: ErrorCode::UnsupportedVersion,
                notes: Notes::default(),
                hold: None,
                committed_only: None,
                answer_room: None,
                piped: PipedRuns::default(),
            });
        }
        let (mut turn, mut section) = (None, None);
        match is_long(key, self.request_bytes) {
            true => {
                match only_reads(key) {
                    true => section = context.aside.enter().await,
                    false => turn = context.turns.next().await,
                }
                clock.enter(Stage::LocalAppend);
            }
            false => clock.rename(Stage::LocalAppend),
        }
        let is_timed = books.quotas.times_threads();
        let thread_time = match is_timed {
            true => ThreadTime::new(),
            false => ThreadTime::untimed(),
        };
        let client_id = header.client_id.as_deref();
        let mut call = Call {
            version: header.api_version,
            client_id,
            peer: self.peer,
            access: &context.access,
            quotas: books.quotas.request(client_id, &thread_time),
            writer: &mut books.writer,
            answers: &context.answers,
            answer_room: None,
            splices: self.splices,
            piped: PipedRuns::default(),
            request_bytes: self.request_bytes,
            others_hurry: self.others_hurry,
            turns: &context.turns,
            aside: &context.aside,
            section,
            clock,
            error: ErrorCode::None,
            committed_only: None,
            notes: Notes::new(context.tracing.is_some()),
        };
        let handled = Timed {
            inner: handler.handle(body, &mut call),
            time: is_timed.then_some(&thread_time),
        };
        let reply = handled.await?;
        call.step_back().await;
        if turn.is_some() {
            turns::worked(self.request_bytes);
        }
        drop(turn);
        Ok(Handled {
            version: header.api_version,
            reply,
            error: call.error,
            hold: call.quotas.hold(),
            committed_only: call.committed_only,
            answer_room: call.answer_room.take(),
            piped: call.piped,
            notes: call.notes,
        })
    }
}

fn book(
    done: &Done,
    (peer, client_id): (&Peer, Option<&str>),
    context: &ConnectionContext,
    books: &mut Books,
) {
    let served = Served {
        bytes: done.bytes,
        failed: done.error != ErrorCode::None,
        times: done.times,
    };
    books.client.served(peer, client_id, &served);
    let requests = &context.metrics.requests;
    context.listener.served(done.bytes);
    requests.answered(
        (done.counted_as(), done.api.1),
        done.error,
        (done.bytes, done.body_bytes),
        &done.times,
    );
    request_log::write(done, (peer, client_id));
}

/// Whether a request takes long because of its size. Records are cheap by the byte, and what may wait
/// for something must not keep a turn meanwhile.
fn is_long(key: ApiKey, request_bytes: usize) -> bool {
    let waits = matches!(
        key,
        ApiKey::Produce
            | ApiKey::Fetch
            | ApiKey::ShareFetch
            | ApiKey::JoinGroup
            | ApiKey::SyncGroup
            | ApiKey::CreateTopics
            | ApiKey::DeleteTopics
    );
    request_bytes > LONG_REQUEST_BYTES && !waits
}

/// Whether a request only looks at what nobody locks. What holds a lock that others wait for is not done by
/// threads that come last, or those others would come last as well.
fn only_reads(key: ApiKey) -> bool {
    use ApiKey::{DescribeConfigs, DescribeTopicPartitions, Metadata};
    matches!(key, Metadata | DescribeTopicPartitions | DescribeConfigs)
}

/// Only ApiVersions has an answer to an unknown version (KIP-511); Kafka closes on all others.
fn unsupported_version(
    header: &RequestHeader,
    key: ApiKey,
    handler: &dyn Handler,
    context: &ConnectionContext,
) -> Result<Reply, End> {
    if key == ApiKey::ApiVersions {
        let response = k18_api_versions::unsupported(context.apis.ranges());
        return Ok(Reply::Body(encode(&response, 0).map_err(CallError::from)?));
    }
    Err(unserved(header, key, handler))
}

fn unserved(header: &RequestHeader, key: ApiKey, handler: &dyn Handler) -> End {
    let range = handler.range();
    End::Unsupported(format!(
        "{} version {} is not served, only {} to {}",
        key.name(),
        header.api_version,
        range.min,
        range.max
    ))
}

/// Length prefix and response header.
pub(super) fn response_head(
    key: ApiKey,
    version: i16,
    correlation_id: i32,
    body_len: usize,
) -> BytesMut {
    let header_version = key.response_header_version(version);
    // To the byte: memory with room behind it is counted by its users in memory of its own.
    let mut head = BytesMut::with_capacity(4 + ResponseHeader::byte_len(header_version));
    head.extend_from_slice(&[0; 4]);
    ResponseHeader { correlation_id }.encode(&mut head, header_version);
    let length = head.len() - 4 + body_len;
    let length = i32::try_from(length).expect("an answer is far below 2 GiB: limits on fetch");
    head[..4].copy_from_slice(&length.to_be_bytes());
    head
}
