//! What happens about once a second, on a thread of its own: the logs' housekeeping, a new snapshot
//! for the faces, the ends of suppressed log lines.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use limpid_access::desk::Desk;
use limpid_broker::audit::Audit;
use limpid_broker::client_log::ClientLog;
use limpid_broker::connection_limits::ConnectionLimits;
use limpid_broker::metadata::Metadata;
use limpid_broker::quotas::Quotas;
use limpid_broker::settings::Settings;
use limpid_broker::slow_requests::SlowRequests;
use limpid_broker::source::EmbeddedCluster;
use limpid_storage::LogManager;
use limpid_telemetry::Registry;
use limpid_telemetry::pools::Pool;
use tokio::runtime::Handle;

use crate::certificates::Certificates;
use crate::error::StartError;

const EVERY: Duration = Duration::from_secs(1);

/// What is looked after.
pub(crate) struct Chores {
    pub(crate) logs: Arc<LogManager>,
    pub(crate) cluster: Arc<EmbeddedCluster>,
    pub(crate) metadata: Arc<Metadata>,
    pub(crate) client_log: Arc<ClientLog>,
    pub(crate) quotas: Arc<Quotas>,
    pub(crate) limits: Arc<ConnectionLimits>,
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) desk: Option<Arc<Desk>>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) slow: Arc<SlowRequests>,
    pub(crate) audit: Arc<Audit>,
    /// Where the tail cache of the logs is shown.
    pub(crate) tail_cache: Arc<Pool>,
    /// Percentiles of now are made here.
    pub(crate) registry: Registry,
    /// The data path's runtime.
    pub(crate) runtime: Handle,
}

/// The thread; dropping it ends the thread after the chores it is at.
pub(crate) struct Ticker {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Starts the thread.
    pub(crate) fn start(chores: Chores) -> Result<Self, StartError> {
        let (stop, stopped) = sync_channel::<()>(1);
        let started = Instant::now();
        let run = move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(EVERY) {
                chores.logs.tick();
                let cache = chores.logs.tail_cache();
                chores
                    .tail_cache
                    .mirror(cache.used_bytes as u64, cache.high_water_bytes as u64);
                chores.cluster.refresh();
                chores.client_log.tick();
                chores.audit.tick();
                chores.quotas.tick();
                chores.limits.tick();
                let config = chores.settings.current();
                chores.certificates.refresh(config.broker(), false);
                chores
                    .slow
                    .follow(config.broker().observing.slow_request_ms);
                if let Some(desk) = &chores.desk {
                    desk.tick(false);
                }
                chores.registry.tick(started.elapsed());
                // Only does something if a log could not be made before.
                chores.runtime.block_on(chores.metadata.follow());
            }
        };
        let thread = std::thread::Builder::new()
            .name("limpid-ticker".to_owned())
            .spawn(run);
        let thread = thread.map_err(StartError::system("start a thread"))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the ticker panicked");
        }
    }
}
