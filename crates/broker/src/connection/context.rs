//! What all connections of a listener share.

use std::sync::Arc;

use limpid_telemetry::spans::Tracing;

use crate::access::Access;
use crate::answer_memory::AnswerMemory;
use crate::apis::Apis;
use crate::aside::Aside;
use crate::audit::Audit;
use crate::client_log::ClientLog;
use crate::clients::Clients;
use crate::entrance::Entrance;
use crate::frame::FrameLimits;
use crate::metrics::{BrokerMetrics, ListenerMetrics};
use crate::quotas::Quotas;
use crate::readers::Readers;
use crate::recorder::Recorder;
use crate::request_memory::RequestMemory;
use crate::slow_requests::SlowRequests;
use crate::turns::Turns;

/// What all connections of a listener share.
pub struct ConnectionContext {
    /// Who answers what.
    pub apis: Arc<Apis>,
    /// Who may do what.
    pub access: Arc<Access>,
    /// Who may use how much.
    pub quotas: Arc<Quotas>,
    /// What each client does.
    pub clients: Arc<Clients>,
    /// Who fetches how often.
    pub readers: Arc<Readers>,
    /// How clients get in.
    pub entrance: Entrance,
    /// Memory for requests.
    pub memory: Arc<RequestMemory>,
    /// Memory for answers read from files.
    pub answers: Arc<AnswerMemory>,
    /// Where what takes long is done.
    pub aside: Arc<Aside>,
    /// Turns for what takes long on the data path.
    pub turns: Arc<Turns>,
    /// Limits on frames and silence.
    pub limits: FrameLimits,
    /// Counts requests.
    pub metrics: Arc<BrokerMetrics>,
    /// Counts connections of this listener.
    pub listener: Arc<ListenerMetrics>,
    /// Keeps a hostile client from filling the log.
    pub log: Arc<ClientLog>,
    /// Hears of what is changed and of logins that fail.
    pub audit: Arc<Audit>,
    /// Keeps what happened to topics and groups.
    pub recorder: Arc<Recorder>,
    /// Takes spans, where somebody traces.
    pub tracing: Option<Arc<Tracing>>,
    /// Hears of every request, and keeps those that were slow.
    pub slow: Arc<SlowRequests>,
}
