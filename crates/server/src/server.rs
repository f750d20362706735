//! A server from start to stop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use limpid_broker::access::Access;
use limpid_broker::aside::Aside;
use limpid_broker::blocking::Blocking;
use limpid_broker::clients::Clients;
use limpid_broker::connection_limits::ConnectionLimits;
use limpid_broker::drain::{self, DrainTrigger};
use limpid_broker::listener::Listener;
use limpid_broker::metrics::{BrokerMetrics, GroupMetrics, ShareMetrics, TransactionMetrics};
use limpid_broker::quotas::Quotas;
use limpid_broker::recorder::Recorder;
use limpid_broker::settings::Settings;
use limpid_broker::slow_requests::SlowRequests;
use limpid_broker::source::{EmbeddedCluster, Parts};
use limpid_broker::turns::Turns;
use limpid_broker::{Services, ServicesInput};
use limpid_client_metrics::Pushed;
use limpid_cluster::{NodeAdmin, ReadinessState};
use limpid_config::{BrokerConfig, Config};
use limpid_link::Link;
use limpid_platform::clock::Clock;
use limpid_platform::random::{OsRandom, Random};
use limpid_protocol::Uuid;
use limpid_storage::LogManager;
use limpid_storage::metadata::changes::{self, BrokerRegistration};
use limpid_storage::metadata::{LocalMetadataLog, MetaProperties, MetadataLog};
use limpid_telemetry::Registry;
use limpid_telemetry::logging::loggers::Loggers;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::acting::Acting;
use crate::bundle::Bundle;
use crate::certificates::Certificates;
use crate::check::check;
use crate::control::Control;
use crate::data_dir::{self, DataDirs};
use crate::entrances::Entrances;
use crate::error::StartError;
use crate::http::{Serving, Visiting};
use crate::in_process::{self, InProcess};
use crate::last_run::RunRecord;
use crate::listeners::{self, Shared};
use crate::node::Node;
use crate::opening::{
    OpenLogs, answer_memory, client_log, client_metrics, open_logs, open_metadata, request_memory,
    supported_features,
};
use crate::room::Room;
use crate::ticker::{Chores, Ticker};
use crate::token_keys::TokenKeys;
use crate::told::{Addresses, Stopped};
use crate::{canary, faces, host, http, runtimes, watching};

/// Jobs that may wait for a thread that may block.
const BLOCKING_QUEUE_MAX: usize = 10_000;
/// How long the entrance may take to end once the drain is over.
const ENTRANCE_END: Duration = Duration::from_secs(1);
/// How long HTTP may take to end once Kafka's side is closed.
const HTTP_END: Duration = Duration::from_secs(1);

/// A running server.
pub struct Server {
    addresses: Addresses,
    pub(crate) cluster: Arc<EmbeddedCluster>,
    pub(crate) link: Arc<Link>,
    drain: DrainTrigger,
    http_end: DrainTrigger,
    drain_timeout: Duration,
    pub(crate) pipes: Arc<in_process::Broker>,
    connections: JoinSet<()>,
    aside: Arc<Aside>,
    ticker: Ticker,
    control: Option<Control>,
    services: Services,
    settings: Arc<Settings>,
    certificates: Arc<Certificates>,
    visiting: Visiting,
    token_keys: TokenKeys,
    run: RunRecord,
    logs: Arc<LogManager>,
    metadata_log: Arc<LocalMetadataLog>,
    node_id: i32,
    data: Runtime,
    entrance: Runtime,
    http: Runtime,
}

impl Server {
    /// Starts everything; returns when clients are served. They may alter the levels of `loggers`.
    ///
    /// # Errors
    /// See [`StartError`]; whatever was started has ended again.
    pub fn start(
        config: Config,
        registry: &Registry,
        loggers: Arc<Loggers>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        runtimes::raise_limits();
        let broker = config.broker().clone();
        check(&broker)?;
        let data = runtimes::data(&broker, registry)?;
        let http_runtime = runtimes::http()?;
        let bound = data.block_on(listeners::bind(&broker))?;
        let dirs = data_dir::prepare(&broker)?;
        let name = broker.node.cluster_name.clone();
        let cluster = Arc::new(EmbeddedCluster::new(name, Arc::clone(&clock)));
        let (http_end, http_ended) = drain::channel();
        let in_process = InProcess::default();
        let link = Arc::new(in_process.link());
        let visiting = Visiting::open(&broker, registry, Arc::clone(&clock))?;
        let metrics = Arc::new(BrokerMetrics::register(registry)?);
        let entrance = runtimes::entrance(&metrics, registry)?;
        let audit = watching::audit(&metrics, &broker, &clock);
        let node = Arc::new(Node::new(Arc::clone(&loggers), Arc::clone(&audit)));
        let operated: Arc<dyn NodeAdmin> = node.clone();
        let bundle = Arc::new(Bundle::new(
            cluster.clone(),
            Arc::clone(&loggers),
            config.clone(),
            Arc::clone(&audit),
        ));
        let shown = faces::Shown {
            acting: &Arc::new(Acting::new(&in_process, cluster.clone(), &audit)),
            cluster: &cluster,
            node: &operated,
            bundle: &bundle,
        };
        let faces = faces::router(registry, &shown, &broker, &visiting)?;
        let certificates = Arc::new(Certificates::load(&broker, &metrics.connections)?);
        let client_log = client_log(registry, &clock);
        let serving = Serving {
            audit: &audit,
            config: &broker,
            cluster_id: &dirs.cluster_id,
            faces: &faces,
            visiting: &visiting,
            certificates: &certificates,
            log: &client_log,
            end: &http_ended,
        };
        let http_opened = http::start(http_runtime.handle(), &serving)?;
        host::watch(registry, Arc::clone(&clock))?;
        let OpenLogs { logs, run } = open_logs(&broker, &dirs, &cluster, (registry, &clock))?;
        node.attach(Arc::clone(&logs));
        let room = Room {
            logs: Arc::clone(&logs),
            cluster: Arc::clone(&cluster),
            dir: dirs.metadata.clone(),
        };
        let metadata_log = Arc::new(open_metadata(&broker, &dirs, &room)?);
        let mut opening = Opening {
            config,
            broker,
            clock,
            dirs,
            bound,
            logs,
        };
        let (drain, draining) = drain::channel();
        let blocking = opening.blocking()?;
        let settings = Arc::new(Settings::new(opening.config.clone()));
        bundle.follow(Arc::clone(&settings));
        let client_metrics = client_metrics(&opening.broker, &opening.clock, registry)?;
        let clients = Clients::new(metrics.clients.clone());
        let seen = (Arc::clone(&clients), client_metrics.collector());
        let services = Services::new(ServicesInput {
            settings: Arc::clone(&settings),
            logs: Arc::clone(&opening.logs),
            metadata_log: metadata_log.clone(),
            directories: opening.directories()?,
            cluster_id: opening.dirs.cluster_id.clone(),
            blocking,
            clock: Arc::clone(&opening.clock),
            random: Arc::new(OsRandom),
            metrics: Arc::clone(&metrics),
            group_metrics: GroupMetrics::register(registry)?,
            share_metrics: ShareMetrics::register(registry)?,
            transaction_metrics: TransactionMetrics::register(registry)?,
            client_metrics,
            loggers,
            drain: draining.clone(),
        });
        room.with(|| data.block_on(opening.register(&services, &metadata_log)))?;
        data.spawn(Arc::clone(&services.groups).run());
        data.spawn(Arc::clone(&services.transactions).run());
        data.spawn(Arc::clone(&services.shares).run());
        let quotas = opening.quotas(&metadata_log, &metrics);
        let limits = ConnectionLimits::new(
            Arc::clone(&settings),
            Arc::clone(&quotas),
            Arc::clone(&opening.clock),
            metrics.connection_limits.clone(),
        );
        let to_topic = (&services, &opening.clock);
        watching::write_audit(&audit, &opening.broker, &metrics, to_topic, data.handle());
        let slow = watching::slow_requests(&metrics, &client_log, &settings, &opening.clock);
        let recorder = Recorder::new(&metrics.rings, Arc::clone(&opening.clock));
        cluster.attach(opening.parts(&services, &metadata_log, &limits, seen, (&slow, &recorder)));
        let entrances = Entrances::new(
            &opening.broker,
            Arc::clone(&certificates),
            metadata_log.clone(),
            registry,
            Arc::clone(&opening.clock),
        )?;
        let token_keys = TokenKeys::start(entrances.key_sources(), Arc::clone(&opening.clock))?;
        let shared = Shared {
            apis: Arc::clone(&services.apis),
            memory: request_memory(&opening.broker, registry),
            answers: answer_memory(&opening.broker, registry),
            aside: runtimes::aside(&opening.broker, &metrics)?,
            turns: Arc::new(Turns::new(runtimes::worker_threads(&opening.broker))),
            access: Access::new(
                &opening.broker.access,
                &*metadata_log,
                Arc::clone(&audit),
                &metrics.access,
            ),
            quotas: Arc::clone(&quotas),
            clients,
            readers: Arc::clone(&services.readers),
            slow: Arc::clone(&slow),
            audit: Arc::clone(&audit),
            recorder,
            tracing: watching::tracing(&opening.broker, registry, http_runtime.handle())?,
            metrics,
            log: Arc::clone(&client_log),
            limits: Arc::clone(&limits),
            entrances,
        };
        let ticker = Ticker::start(Chores {
            logs: Arc::clone(&opening.logs),
            cluster: Arc::clone(&cluster),
            metadata: Arc::clone(&services.metadata),
            client_log,
            quotas,
            limits,
            certificates: Arc::clone(&certificates),
            desk: visiting.desk.clone(),
            settings: Arc::clone(&settings),
            slow,
            audit,
            registry: registry.clone(),
            tail_cache: registry.pool(
                "tail_cache",
                opening.broker.resources.tail_cache_bytes as u64,
            ),
            runtime: data.handle().clone(),
        })?;
        let control = Control::start(&opening.dirs.metadata, Arc::clone(&opening.logs));
        let control = control.map_err(StartError::system("make the control socket"))?;
        let addresses = opening.addresses(http_opened);
        let pipes = listeners::in_process(&opening.broker, &shared, &draining, data.handle());
        let pipes = Arc::new(pipes);
        in_process.attach(Arc::clone(&pipes));
        let endpoints = listeners::endpoints(&opening.broker, &opening.bound);
        let watching = (registry, Arc::clone(&opening.clock));
        let http = http_runtime.handle();
        canary::start(&opening.broker, &endpoints, watching, http, &draining)?;
        let connections = {
            let _context = entrance.enter();
            let bound = std::mem::take(&mut opening.bound);
            let network = &opening.broker.network;
            listeners::serve(bound, network, &shared, &draining, data.handle())?
        };
        cluster.set_readiness(ReadinessState::Ready, Vec::new());
        Ok(Self {
            addresses,
            cluster,
            link,
            drain,
            http_end,
            drain_timeout: Duration::from_millis(opening.broker.node.drain_timeout_ms),
            pipes,
            connections,
            aside: shared.aside,
            ticker,
            control,
            services,
            settings,
            certificates,
            visiting,
            token_keys,
            run,
            logs: opening.logs,
            metadata_log,
            node_id: opening.broker.node.id,
            data,
            entrance,
            http: http_runtime,
        })
    }

    /// Where it can be reached.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Loads certificates, users and tokens again, changed or not (SIGHUP). Blocks on files.
    pub fn reload(&self) {
        let config = self.settings.current();
        self.certificates.refresh(config.broker(), true);
        if let Some(desk) = &self.visiting.desk {
            desk.tick(true);
        }
    }

    /// Drains and stops, within `limpid.drain.timeout.ms` and a little for the files.
    pub fn stop(mut self) -> Stopped {
        let began = Instant::now();
        tracing::info!(
            timeout_ms = self.drain_timeout.as_millis() as u64,
            "draining"
        );
        let reasons = vec!["the broker is shutting down".to_owned()];
        self.cluster
            .set_readiness(ReadinessState::Draining, reasons);
        self.drain.begin();
        let in_time = self.data.block_on(async {
            let all = async { while self.connections.join_next().await.is_some() {} };
            tokio::time::timeout(self.drain_timeout, all).await.is_ok()
        });
        if !in_time {
            tracing::warn!("connections cut off: limpid.drain.timeout.ms is over");
            self.connections.abort_all();
        }
        let node_id = self.node_id;
        let farewell = self
            .services
            .metadata
            .change(move |i| Ok(changes::controlled_shutdown(i, node_id)));
        if let Err(error) = self.data.block_on(farewell) {
            tracing::warn!(%error, "the metadata could not be told of the shutdown");
        }
        drop(self.ticker);
        drop(self.token_keys);
        drop(self.control);
        // First, since who is there goes on to the data path.
        self.entrance.shutdown_timeout(ENTRANCE_END);
        // While there is a runtime: who is aside may need it.
        self.aside.end();
        // Nothing appends any more: tasks are gone with their runtime.
        self.data.shutdown_timeout(Duration::from_secs(1));
        let closed = self.logs.shutdown();
        self.metadata_log.close();
        self.http_end.begin();
        self.http.shutdown_timeout(HTTP_END);
        let stopped = match closed {
            Err(error) => {
                tracing::error!(%error, "logs could not be closed, the next start recovers");
                Stopped::Unclean
            }
            Ok(()) if in_time => Stopped::Clean,
            Ok(()) => Stopped::CutOff,
        };
        if stopped != Stopped::Unclean {
            self.run.end_clean();
        }
        tracing::info!(
            duration_ms = began.elapsed().as_millis() as u64,
            ?stopped,
            "stopped"
        );
        stopped
    }
}

/// What the second half of a start is made of.
struct Opening {
    config: Config,
    broker: BrokerConfig,
    clock: Arc<dyn Clock>,
    dirs: DataDirs,
    bound: Vec<Listener>,
    logs: Arc<LogManager>,
}

impl Opening {
    fn blocking(&self) -> Result<Arc<Blocking>, StartError> {
        let threads = runtimes::blocking_threads(&self.broker);
        let blocking = Blocking::new(threads, BLOCKING_QUEUE_MAX);
        Ok(Arc::new(
            blocking.map_err(StartError::system("start threads for files"))?,
        ))
    }

    /// The ids of the log directories.
    fn directories(&self) -> Result<Vec<Uuid>, StartError> {
        let files = limpid_platform::files::RealFiles;
        let mut ids = Vec::new();
        for dir in &self.broker.storage.log_dirs {
            ids.extend(MetaProperties::read(&files, dir)?.directory_id);
        }
        Ok(ids)
    }

    /// Puts this broker into the metadata, opens the logs of its topics, and sets aside logs that
    /// belong to no topic.
    async fn register(
        &self,
        services: &Services,
        metadata_log: &LocalMetadataLog,
    ) -> Result<(), StartError> {
        let incarnation = OsRandom.bytes16();
        let incarnation = incarnation.map_err(StartError::system("make a random id"))?;
        let registration = BrokerRegistration {
            broker_id: self.broker.node.id,
            incarnation_id: Uuid::random_from(incarnation),
            endpoints: listeners::endpoints(&self.broker, &self.bound),
            features: supported_features(),
            rack: self.broker.node.rack.clone(),
            log_dirs: self.directories()?,
            controller_endpoints: Vec::new(),
        };
        let change = move |image: &_| Ok(changes::register_broker(image, &registration));
        let committed = metadata_log.update(Box::new(change)).await;
        let committed = committed.map_err(StartError::Registration)?;
        services.metadata.follow().await;
        if let Some(own) = committed.image.broker(self.broker.node.id) {
            self.logs.set_broker_epoch(own.broker_epoch);
        }
        for log in self.logs.logs() {
            if committed.image.topic_id(log.topic()).is_some() {
                continue;
            }
            tracing::warn!(
                topic = log.topic(),
                partition = log.partition(),
                "set aside: no topic"
            );
            if let Err(error) = self.logs.mark_stray(log.topic(), log.partition()) {
                tracing::error!(%error, "a log without topic could not be set aside");
            }
        }
        Ok(())
    }

    fn quotas(&self, metadata_log: &LocalMetadataLog, metrics: &BrokerMetrics) -> Arc<Quotas> {
        let clock = Arc::clone(&self.clock);
        let quotas = Quotas::new(&self.broker.quotas, clock, metrics.quotas.clone());
        quotas.follow_log(metadata_log);
        quotas
    }

    fn parts(
        &self,
        services: &Services,
        metadata_log: &Arc<LocalMetadataLog>,
        limits: &Arc<ConnectionLimits>,
        (clients, pushed): (Arc<Clients>, Pushed),
        (slow, recorder): (&Arc<SlowRequests>, &Arc<Recorder>),
    ) -> Parts {
        Parts {
            metadata: Arc::clone(&services.metadata),
            topics: Arc::clone(&services.topics),
            logs: Arc::clone(&self.logs),
            groups: Arc::clone(&services.groups),
            shares: Arc::clone(&services.shares),
            metadata_log: Arc::clone(metadata_log),
            transactions: Arc::clone(&services.transactions),
            readers: Arc::clone(&services.readers),
            connections: Arc::clone(limits),
            clients,
            pushed,
            slow: Arc::clone(slow),
            recorder: Arc::clone(recorder),
            cluster_id: self.dirs.cluster_id.clone(),
            node_id: self.broker.node.id,
            started_ms: self.clock.wall_ms(),
            listener: self.broker.inter_broker_listener.clone(),
        }
    }

    fn addresses(&self, opened: http::Opened) -> Addresses {
        let all = |listener: &Listener| {
            let name = listener.name().to_string();
            listener
                .addresses()
                .into_iter()
                .map(move |address| (name.clone(), address))
        };
        Addresses {
            kafka: self.bound.iter().flat_map(all).collect(),
            http: opened.http,
            https: opened.https,
            log_dirs: self.broker.storage.log_dirs.clone(),
            cluster_id: self.dirs.cluster_id.clone(),
        }
    }
}
