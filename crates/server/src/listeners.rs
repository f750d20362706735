//! Kafka's listeners: bound at the very start, opened at the very end.

use std::sync::Arc;
use std::time::Duration;

use limpid_broker::access::Access;
use limpid_broker::answer_memory::AnswerMemory;
use limpid_broker::apis::Apis;
use limpid_broker::aside::Aside;
use limpid_broker::audit::Audit;
use limpid_broker::client_log::ClientLog;
use limpid_broker::clients::Clients;
use limpid_broker::connection::ConnectionContext;
use limpid_broker::connection_limits::ConnectionLimits;
use limpid_broker::drain::Drain;
use limpid_broker::frame::FrameLimits;
use limpid_broker::listener::{Listener, OpenListener};
use limpid_broker::metrics::{BrokerMetrics, ListenerMetrics};
use limpid_broker::quotas::Quotas;
use limpid_broker::readers::Readers;
use limpid_broker::recorder::Recorder;
use limpid_broker::request_memory::RequestMemory;
use limpid_broker::slow_requests::SlowRequests;
use limpid_broker::turns::Turns;
use limpid_config::{BrokerConfig, NetworkConfig};
use limpid_storage::metadata::changes::Endpoint;
use limpid_telemetry::spans::Tracing;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::entrances::Entrances;
use crate::error::StartError;
use crate::in_process;

/// What metrics call the listener of clients in this process.
const IN_PROCESS: &str = "in-process";
/// Silence between requests is not limited (`connections.max.idle.ms` below 0).
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Binds all of `listeners`.
pub(crate) async fn bind(config: &BrokerConfig) -> Result<Vec<Listener>, StartError> {
    let mut bound = Vec::new();
    for listener in &config.listeners {
        let host = listener.host.as_deref().unwrap_or("");
        let one = Listener::bind(&listener.name, host, listener.port).await;
        bound.push(one.map_err(|e| StartError::bind(e, "listeners"))?);
    }
    Ok(bound)
}

/// What clients are told, with the ports that were really bound.
pub(crate) fn endpoints(config: &BrokerConfig, bound: &[Listener]) -> Vec<Endpoint> {
    let endpoint = |(configured, bound): (&limpid_config::Listener, &Listener)| Endpoint {
        name: configured.name.clone(),
        host: configured.advertised.host.clone(),
        port: configured.advertised.port.unwrap_or_else(|| bound.port()),
        security_protocol: configured.security.code(),
    };
    config.listeners.iter().zip(bound).map(endpoint).collect()
}

/// What the connections of all listeners share.
pub(crate) struct Shared {
    pub(crate) apis: Arc<Apis>,
    pub(crate) memory: Arc<RequestMemory>,
    pub(crate) answers: Arc<AnswerMemory>,
    pub(crate) aside: Arc<Aside>,
    pub(crate) turns: Arc<Turns>,
    pub(crate) metrics: Arc<BrokerMetrics>,
    pub(crate) log: Arc<ClientLog>,
    pub(crate) limits: Arc<ConnectionLimits>,
    pub(crate) access: Arc<Access>,
    pub(crate) quotas: Arc<Quotas>,
    pub(crate) clients: Arc<Clients>,
    pub(crate) readers: Arc<Readers>,
    pub(crate) slow: Arc<SlowRequests>,
    pub(crate) audit: Arc<Audit>,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) tracing: Option<Arc<Tracing>>,
    pub(crate) entrances: Entrances,
}

impl Shared {
    /// What the connections of one listener share.
    fn context(&self, name: &Arc<str>, network: &NetworkConfig) -> Arc<ConnectionContext> {
        let limits = FrameLimits {
            frame_bytes_max: usize::try_from(network.socket_request_max_bytes).unwrap_or(0),
            idle: network
                .connections_max_idle_ms
                .map_or(FOREVER, Duration::from_millis),
            body: Duration::from_millis(network.body_timeout_ms),
        };
        Arc::new(ConnectionContext {
            apis: Arc::clone(&self.apis),
            access: Arc::clone(&self.access),
            quotas: Arc::clone(&self.quotas),
            clients: Arc::clone(&self.clients),
            readers: Arc::clone(&self.readers),
            entrance: self.entrances.of(name),
            memory: Arc::clone(&self.memory),
            answers: Arc::clone(&self.answers),
            aside: Arc::clone(&self.aside),
            turns: Arc::clone(&self.turns),
            limits,
            metrics: Arc::clone(&self.metrics),
            listener: Arc::new(ListenerMetrics::new(&self.metrics.connections, name)),
            log: Arc::clone(&self.log),
            slow: Arc::clone(&self.slow),
            audit: Arc::clone(&self.audit),
            recorder: Arc::clone(&self.recorder),
            tracing: self.tracing.clone(),
        })
    }
}

/// What clients in this process connect to.
pub(crate) fn in_process(
    config: &BrokerConfig,
    shared: &Shared,
    drain: &Drain,
    runtime: &Handle,
) -> in_process::Broker {
    in_process::Broker {
        context: shared.context(&IN_PROCESS.into(), &config.network),
        drain: drain.clone(),
        runtime: runtime.clone(),
        listener: config.inter_broker_listener.as_str().into(),
    }
}

/// Opens the listeners and accepts, in the runtime of the entrance; the set ends when all connections have ended
/// after the drain.
pub(crate) fn serve(
    bound: Vec<Listener>,
    network: &NetworkConfig,
    shared: &Shared,
    drain: &Drain,
    data: &Handle,
) -> Result<JoinSet<()>, StartError> {
    let opened: Result<Vec<OpenListener>, _> = bound.into_iter().map(Listener::open).collect();
    let opened = opened.map_err(|e| StartError::bind(e, "listeners"))?;
    let mut running = JoinSet::new();
    for listener in opened {
        let context = shared.context(listener.name(), network);
        let limits = Arc::clone(&shared.limits);
        running.spawn(listener.run(context, limits, drain.clone(), data.clone()));
    }
    Ok(running)
}
