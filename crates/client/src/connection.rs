//! One connection: versions agreed, requests multiplexed by correlation id.
//!
//! A call that is dropped leaves its answer to be thrown away. A call that is not answered in time
//! ends the connection, as Kafka's clients do it: brokers answer in order, so whatever holds up one
//! answer holds up all behind it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use limpid_protocol::messages::api_versions_request::ApiVersionsRequest;
use limpid_protocol::messages::api_versions_response::ApiVersionsResponse;
use limpid_protocol::{ApiKey, ErrorCode, Message, Reader, Request, RequestHeader, ResponseHeader};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use crate::config::{ClientConfig, QUEUED_PER_CONNECTION_MAX};
use crate::error::{ErrorKind, check};
use crate::tls;
use crate::transport::BoxStream;

/// What a read makes room for at most, whatever length an answer announces.
const READ_BYTES_MAX: usize = 256 * 1024;
/// How an alert of TLS begins, which is what a listener with TLS says to a client without.
const TLS_ALERT: [u8; 4] = [0x15, 3, 3, 0];
/// Versions of ApiVersions to begin with.
const API_VERSIONS_VERSION: i16 = 4;

/// What one API is served in.
#[derive(Debug, Clone, Copy)]
struct Range {
    min: i16,
    max: i16,
}

/// An open connection.
pub(crate) struct Connection {
    client_id: String,
    versions: HashMap<i16, Range>,
    outgoing: mpsc::Sender<Bytes>,
    pending: Arc<Pending>,
    next_id: AtomicI32,
    tasks: [AbortHandle; 2],
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Connection {
    /// Takes over a stream and asks what the broker speaks.
    pub(crate) async fn open(stream: BoxStream, config: &ClientConfig) -> Result<Self, ErrorKind> {
        let (read, write) = tokio::io::split(stream);
        let (outgoing, queue) = mpsc::channel(QUEUED_PER_CONNECTION_MAX);
        let pending = Arc::new(Pending {
            slots: Arc::new(Semaphore::new(config.in_flight_max.max(1))),
            state: Mutex::default(),
        });
        let reading = read_all(read, Arc::clone(&pending), config.response_bytes_max);
        let writing = write_all(write, queue, Arc::clone(&pending));
        let tasks = [
            tokio::spawn(reading).abort_handle(),
            tokio::spawn(writing).abort_handle(),
        ];
        let mut connection = Self {
            client_id: config.client_id.clone(),
            versions: HashMap::new(),
            outgoing,
            pending,
            next_id: AtomicI32::new(0),
            tasks,
        };
        connection.versions = connection.negotiate(config.request_timeout).await?;
        Ok(connection)
    }

    /// Whether it can still be used.
    pub(crate) fn is_open(&self) -> bool {
        self.pending.state.lock().broken.is_none()
    }

    /// The highest version up to `ceiling` that both sides speak.
    pub(crate) fn version<R: Request>(&self, ceiling: i16) -> Result<i16, ErrorKind> {
        let served = self.versions.get(&R::KEY.code());
        let served = served.ok_or(ErrorKind::NotServed)?;
        let version = served.max.min(R::STABLE_MAX_VERSION).min(ceiling);
        if version < served.min.max(R::MIN_VERSION) {
            let Range { min, max } = *served;
            return Err(ErrorKind::Version { min, max });
        }
        Ok(version)
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn call<R: Request>(
        &self,
        version: i16,
        request: &R,
        patience: Duration,
    ) -> Result<R::Response, ErrorKind> {
        let body = self.exchange(version, request, patience).await?;
        Ok(R::Response::decode(&mut Reader::of_answer(body), version)?)
    }

    /// The body that answers `request`.
    async fn exchange<R: Request>(
        &self,
        version: i16,
        request: &R,
        patience: Duration,
    ) -> Result<Bytes, ErrorKind> {
        let deadline = Instant::now() + patience;
        let correlation_id = self.next_id.fetch_add(1, Ordering::Relaxed) & i32::MAX;
        let frame = self.frame(version, correlation_id, request)?;
        let waiting = async {
            let slot = Arc::clone(&self.pending.slots).acquire_owned().await;
            let slot = slot.map_err(|_| self.pending.broken())?;
            let answer = self.pending.register(correlation_id, slot)?;
            if self.outgoing.send(frame).await.is_err() {
                return Err(self.pending.broken());
            }
            answer.await.map_err(|_| self.pending.broken())
        };
        let Ok(answered) = timeout_at(deadline, waiting).await else {
            self.pending.fail("an answer did not come in time");
            return Err(ErrorKind::Timeout(patience));
        };
        let mut reader = Reader::of_answer(answered?);
        ResponseHeader::decode(&mut reader, R::KEY.response_header_version(version))?;
        Ok(reader.rest())
    }

    fn frame<R: Request>(
        &self,
        version: i16,
        correlation_id: i32,
        request: &R,
    ) -> Result<Bytes, ErrorKind> {
        let mut frame = BytesMut::with_capacity(256);
        frame.put_i32(0);
        let header = RequestHeader {
            api_key: R::KEY.code(),
            api_version: version,
            correlation_id,
            client_id: Some(self.client_id.clone()),
        };
        header.encode(&mut frame)?;
        request.encode(&mut frame, version)?;
        let length = frame.len() - 4;
        let length =
            i32::try_from(length).map_err(|_| limpid_protocol::EncodeError::TooLong { length })?;
        frame[..4].copy_from_slice(&length.to_be_bytes());
        Ok(frame.freeze())
    }

    /// Asks for the versions; an older broker answers in version 0 and is asked once more (KIP-511).
    async fn negotiate(&self, patience: Duration) -> Result<HashMap<i16, Range>, ErrorKind> {
        let request = ApiVersionsRequest {
            client_software_name: "limpid".to_owned(),
            client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let mut version = API_VERSIONS_VERSION.min(ApiVersionsRequest::MAX_VERSION);
        loop {
            let body = self.exchange(version, &request, patience).await?;
            let unsupported = ErrorCode::UnsupportedVersion.code();
            let refused = version > 0
                && body
                    .get(..2)
                    .is_some_and(|c| c == unsupported.to_be_bytes());
            let spoken = if refused { 0 } else { version };
            let answer = ApiVersionsResponse::decode(&mut Reader::of_answer(body), spoken)?;
            let versions: HashMap<i16, Range> = answer
                .api_keys
                .iter()
                .map(|key| {
                    let (min, max) = (key.min_version, key.max_version);
                    (key.api_key, Range { min, max })
                })
                .collect();
            if !refused {
                check(answer.error_code, "", None)?;
                return Ok(versions);
            }
            let served = versions.get(&ApiKey::ApiVersions.code());
            version = served.map_or(0, |range| range.max).clamp(0, version - 1);
        }
    }
}

/// The answers that are waited for.
struct Pending {
    slots: Arc<Semaphore>,
    state: Mutex<PendingState>,
}

#[derive(Default)]
struct PendingState {
    waiting: HashMap<i32, Waiting>,
    broken: Option<String>,
}

/// Somebody waits, or waited and was dropped.
struct Waiting {
    answer: oneshot::Sender<Bytes>,
    /// Held until the answer is there: a dropped call still has one under way.
    _slot: OwnedSemaphorePermit,
}

impl Pending {
    fn register(
        &self,
        correlation_id: i32,
        slot: OwnedSemaphorePermit,
    ) -> Result<oneshot::Receiver<Bytes>, ErrorKind> {
        let (answer, receiver) = oneshot::channel();
        let mut state = self.state.lock();
        if let Some(why) = &state.broken {
            return Err(ErrorKind::Broken(why.clone()));
        }
        let waiting = Waiting {
            answer,
            _slot: slot,
        };
        state.waiting.insert(correlation_id, waiting);
        Ok(receiver)
    }

    /// Hands a frame to who waits for it.
    fn answer(&self, frame: Bytes) -> Result<(), String> {
        let Some(mut id) = frame.get(..4) else {
            return Err(format!("an answer of {} bytes", frame.len()));
        };
        let id = id.get_i32();
        let Some(waiting) = self.state.lock().waiting.remove(&id) else {
            return Err(format!("an answer to request {id}, which was not asked"));
        };
        // Nobody hears it if the call was dropped.
        waiting.answer.send(frame).ok();
        Ok(())
    }

    /// Ends the connection: everybody who waits hears of it.
    fn fail(&self, why: &str) {
        let mut state = self.state.lock();
        state.broken.get_or_insert_with(|| why.to_owned());
        state.waiting.clear();
        self.slots.close();
    }

    fn broken(&self) -> ErrorKind {
        let why = self.state.lock().broken.clone();
        ErrorKind::Broken(why.unwrap_or_else(|| "closed".to_owned()))
    }
}

async fn read_all(
    mut stream: ReadHalf<BoxStream>,
    pending: Arc<Pending>,
    response_bytes_max: usize,
) {
    let why = loop {
        let answered = match read_frame(&mut stream, response_bytes_max).await {
            Ok(frame) => pending.answer(frame),
            Err(error) => Err(tls::why(&error)),
        };
        if let Err(why) = answered {
            break why;
        }
    };
    pending.fail(&why);
}

/// A frame without its length; memory grows with what came, not with what was announced.
async fn read_frame(
    stream: &mut (impl AsyncRead + Unpin),
    response_bytes_max: usize,
) -> std::io::Result<Bytes> {
    use std::io::{Error, ErrorKind};
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix).await.map_err(|error| {
        if error.kind() == ErrorKind::UnexpectedEof {
            return Error::new(error.kind(), "closed by the broker");
        }
        error
    })?;
    let announced = i32::from_be_bytes(prefix);
    let length = usize::try_from(announced).ok();
    let length = length.filter(|length| *length <= response_bytes_max);
    let length = length.ok_or_else(|| {
        let limit = match prefix {
            TLS_ALERT => {
                "the broker answers in TLS: set security.protocol to SSL or SASL_SSL".to_owned()
            }
            _ => format!("an answer of {announced} bytes, allowed are {response_bytes_max}"),
        };
        Error::new(ErrorKind::InvalidData, limit)
    })?;
    let mut frame = BytesMut::new();
    while frame.len() < length {
        let room = (length - frame.len()).min(READ_BYTES_MAX);
        frame.reserve(room);
        let mut into = (&mut frame).limit(room);
        if stream.read_buf(&mut into).await? == 0 {
            let torn = "closed by the broker in the middle of an answer";
            return Err(Error::new(ErrorKind::UnexpectedEof, torn));
        }
    }
    Ok(frame.freeze())
}

async fn write_all(
    mut stream: WriteHalf<BoxStream>,
    mut queue: mpsc::Receiver<Bytes>,
    pending: Arc<Pending>,
) {
    while let Some(frame) = queue.recv().await {
        if let Err(error) = write_frame(&mut stream, &frame).await {
            pending.fail(&tls::why(&error));
            return;
        }
    }
}

async fn write_frame(stream: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> std::io::Result<()> {
    stream.write_all(frame).await?;
    stream.flush().await
}

#[cfg(test)]
mod tests;
