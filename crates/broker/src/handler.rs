//! What answers one Kafka API.
//!
//! A handler is registered with the versions it serves, where it is written; what ApiVersions
//! advertises is computed from the registrations, there is no second table.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use limpid_protocol::codec::Response;
use limpid_protocol::records::TraceParent;
use limpid_protocol::{
    ApiKey, Chunks, DecodeError, EncodeError, ErrorCode, Message, Reader, Request,
};
use limpid_telemetry::stage::StageClock;

use crate::access::{Access, CLUSTER_NAME, Operation, ResourceKind};
use crate::answer_memory::{AnswerMemory, Used};
use crate::aside::{Aside, Section};
use crate::audit::changes::Change;
use crate::notes::Notes;
pub use crate::peer::Peer;
use crate::piped::PipedRuns;
use crate::quotas::client::RequestQuotas;
use crate::spans;
use crate::turns::Turns;
use crate::writers::CurrentWriter;

/// Room that every answer begins with: most have enough of it.
pub const ANSWER_BYTES: usize = 256;

/// The versions of one API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiRange {
    /// Which API.
    pub key: ApiKey,
    /// Lowest version in the ApiVersions answer.
    pub advertised_min: i16,
    /// Lowest version that is answered. Higher than `advertised_min` only for Produce, whose old
    /// versions are advertised for librdkafka's sake (KAFKA-18659) and refused.
    pub min: i16,
    /// Highest version.
    pub max: i16,
}

impl ApiRange {
    /// The same range advertised and served.
    pub const fn new(key: ApiKey, min: i16, max: i16) -> Self {
        Self {
            key,
            advertised_min: min,
            min,
            max,
        }
    }

    /// Whether a request of this version is answered.
    pub fn serves(&self, version: i16) -> bool {
        (self.min..=self.max).contains(&version)
    }
}

/// One request on its way through a handler.
pub struct Call<'a> {
    /// Version of the request and of its answer.
    pub version: i16,
    /// `client.id`, as the client chose it.
    pub client_id: Option<&'a str>,
    /// The client.
    pub peer: &'a Peer,
    /// Who may do what.
    pub access: &'a Access,
    /// What the client may use, and for how long it is held back.
    pub quotas: RequestQuotas<'a>,
    /// The client as somebody who writes.
    pub writer: &'a mut CurrentWriter,
    /// Memory for what is read from files.
    pub answers: &'a AnswerMemory,
    /// What the answer takes of it as a whole, until it is sent.
    pub answer_room: Option<Used>,
    /// Whether the client can be sent what is in a pipe.
    pub splices: bool,
    /// What fills the gaps of the answer.
    pub piped: PipedRuns,
    /// Size of the request.
    pub request_bytes: usize,
    /// Of a long one: whether others send short requests meanwhile.
    pub others_hurry: bool,
    /// Turns for what takes long on the data path.
    pub turns: &'a Turns,
    /// Where what takes long is done.
    pub aside: &'a Aside,
    /// Once it is done there, until the answer is written.
    pub section: Option<Section<'a>>,
    /// Where the time goes.
    pub clock: &'a mut StageClock,
    /// The first error that the answer carries, for the metrics.
    pub error: ErrorCode,
    /// Of a fetch: whether it wants committed records only.
    pub committed_only: Option<bool>,
    /// What is to be told of it later.
    pub notes: Notes,
}

impl Call<'_> {
    /// Whether the client may do something with a resource.
    pub fn may(&self, operation: Operation, kind: ResourceKind, name: &str) -> bool {
        self.access.may(self.peer, operation, kind, name)
    }

    /// Whether the client may do something with the cluster as a whole.
    pub fn may_on_cluster(&self, operation: Operation) -> bool {
        self.may(operation, ResourceKind::Cluster, CLUSTER_NAME)
    }

    /// As [`Call::may`], for leaving out of an answer what the client may not see.
    pub fn sees(&self, operation: Operation, kind: ResourceKind, name: &str) -> bool {
        self.access.sees(self.peer, operation, kind, name)
    }

    /// The operations that the client may do, of those in the bit field `possible` (KIP-430).
    pub fn operations(&self, possible: i32, kind: ResourceKind, name: &str) -> i32 {
        self.access.operations(self.peer, possible, kind, name)
    }

    /// The rest of the request takes long: it goes on aside.
    pub async fn step_aside(&mut self) {
        if self.section.is_none() {
            self.section = self.aside.enter().await;
        }
    }

    /// It goes on where short requests are answered; whether it was aside.
    pub async fn step_back(&mut self) -> bool {
        match self.section.take() {
            Some(section) => {
                section.end().await;
                true
            }
            None => false,
        }
    }

    /// Notes that the request is about a topic.
    pub fn touches(&mut self, topic: &Arc<str>) {
        self.notes.touched.note(topic);
    }

    /// Whether the trace of one more batch is of interest; counts it.
    pub fn looks_for_trace(&mut self) -> bool {
        let contexts = self.notes.contexts.as_mut();
        contexts.is_some_and(|contexts| contexts.may_look())
    }

    /// Notes the trace of a batch that was looked at.
    pub fn found_trace(&mut self, trace: Option<TraceParent>) {
        if let (Some(contexts), Some(trace)) = (&mut self.notes.contexts, trace) {
            spans::note(&trace, contexts);
        }
    }

    /// Looks for the trace that records are part of, where somebody traces.
    pub fn look_for_trace(&mut self, records: &[u8]) {
        if let Some(contexts) = &mut self.notes.contexts {
            spans::look(records, contexts);
        }
    }

    /// Notes what the request changed, or did not change, for the audit.
    pub fn changed(&mut self, change: Change) {
        self.notes.changes.add(change);
    }

    /// Notes an error of the answer and returns its wire form.
    pub fn note(&mut self, error: ErrorCode) -> i16 {
        if self.error == ErrorCode::None {
            self.error = error;
        }
        error.code()
    }
}

/// What goes back.
pub enum Reply {
    /// The body of the answer.
    Body(Chunks),
    /// Nothing, as `acks=0` demands.
    Silence,
    /// The connection is closed: the only way to report an error where no answer is allowed.
    Disconnect(&'static str),
}

/// Why a request could not even be answered; the connection is closed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Its bytes are not a request of that version.
    #[error("malformed request: {0}")]
    Malformed(#[from] DecodeError),
    /// Our answer can't be written in that version.
    #[error("the answer can't be encoded: {0}")]
    Encode(#[from] EncodeError),
}

/// What [`Handler::handle`] returns.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Reply, CallError>> + Send + 'a>>;

/// Answers one API.
pub trait Handler: Send + Sync + 'static {
    /// Which API in which versions.
    fn range(&self) -> ApiRange;

    /// Answers one request whose version is within the range.
    fn handle<'a>(&'a self, body: Reader, call: &'a mut Call<'_>) -> Answering<'a>;
}

/// The easy way to be a [`Handler`]: from a decoded request to a response struct.
pub trait Answer: Send + Sync + 'static {
    /// The request.
    type Request: Request + Send;
    /// Versions served, advertised as such.
    const RANGE: ApiRange;

    /// The response. Errors are values of the response.
    fn answer(
        &self,
        request: Self::Request,
        call: &mut Call<'_>,
    ) -> impl Future<Output = <Self::Request as Request>::Response> + Send;
}

/// Makes a [`Handler`] of an [`Answer`].
pub struct Typed<A>(pub A);

impl<A: Answer> Handler for Typed<A>
where
    <A::Request as Request>::Response: Send,
{
    fn range(&self) -> ApiRange {
        A::RANGE
    }

    fn handle<'a>(&'a self, mut body: Reader, call: &'a mut Call<'_>) -> Answering<'a> {
        Box::pin(async move {
            let request = A::Request::decode(&mut body, call.version)?;
            let mut response = self.0.answer(request, call).await;
            if <A::Request as Request>::Response::THROTTLES {
                call.quotas.charge_thread_time();
                response.set_throttle_time_ms(call.quotas.throttle_time_ms());
            } else {
                call.quotas.exempt();
            }
            Ok(Reply::Body(encode(&response, call.version)?))
        })
    }
}

/// A response as the body of a frame.
pub fn encode<M: Message>(message: &M, version: i16) -> Result<Chunks, EncodeError> {
    let mut chunks = Chunks::with_capacity(ANSWER_BYTES);
    message.encode(chunks.inline(), version)?;
    Ok(chunks)
}
