//! Opening what is on the disk: logs and metadata, and telling what recovery found.

use std::sync::Arc;
use std::time::Duration;

use limpid_broker::answer_memory::AnswerMemory;
use limpid_broker::client_log::ClientLog;
use limpid_broker::request_memory::RequestMemory;
use limpid_broker::source::EmbeddedCluster;
use limpid_client_metrics::{ClientMetrics, Forwarder, PushMetrics};
use limpid_cluster::{ReadinessState, Start};
use limpid_config::BrokerConfig;
use limpid_platform::clock::Clock;
use limpid_platform::limits;
use limpid_storage::metadata::changes::SupportedFeature;
use limpid_storage::metadata::{LocalMetadataLog, OpenRequest};
use limpid_storage::{LogManager, LogManagerOptions, LogMetrics, MinFree, RecoveryReport};
use limpid_telemetry::logging::RateLimiter;
use limpid_telemetry::{LabelEnum, Registry};

use crate::data_dir::DataDirs;
use crate::error::StartError;
use crate::last_run::{Exit, RunRecord};
use crate::room::Room;
use crate::{watching, worker_beans};

/// Log lines per cause and interval that clients can provoke.
const CLIENT_LINES_MAX: u32 = 5;
const CLIENT_LINES_INTERVAL: Duration = Duration::from_secs(10);

/// Of sixteen descriptors so many are for files that are not on the disk yet, and so many for indexes and
/// segments that are. Connections and all else have the others.
const UNSYNCED_FILES: u64 = 10;
const SHARED_FILES: u64 = 3;
const OF_DESCRIPTORS: u64 = 16;
const _: () = assert!(UNSYNCED_FILES + SHARED_FILES < OF_DESCRIPTORS);
/// At least so many, whatever the system allows.
const SEGMENT_FILES_MIN: usize = 64;
/// Indexes and segments on the disk gain nothing from more.
const SHARED_FILES_MAX: usize = 65_536;

/// Where it is written what clients do wrong.
pub(crate) fn client_log(registry: &Registry, clock: &Arc<dyn Clock>) -> Arc<ClientLog> {
    let limiter = RateLimiter::new(registry, CLIENT_LINES_MAX, CLIENT_LINES_INTERVAL);
    Arc::new(ClientLog::new(limiter, Arc::clone(clock)))
}

/// Logs that are open, in directories that are ours.
pub(crate) struct OpenLogs {
    pub(crate) logs: Arc<LogManager>,
    pub(crate) run: RunRecord,
}

/// Opens the logs, recovering them if need be.
pub(crate) fn open_logs(
    broker: &BrokerConfig,
    dirs: &DataDirs,
    cluster: &Arc<EmbeddedCluster>,
    (registry, clock): (&Registry, &Arc<dyn Clock>),
) -> Result<OpenLogs, StartError> {
    let storage = &broker.storage;
    let metrics = LogMetrics::register(registry)?;
    let mut options = LogManagerOptions::new(storage.log_dirs.clone(), metrics);
    options.clock = Arc::clone(clock);
    options.defaults = limpid_broker::log_config::log_config(&broker.topic_defaults);
    options.producer_expiration_ms = storage.producer_id_expiration_ms;
    options.recovery_threads = storage.recovery_threads_per_dir;
    options.retention_check_ms = storage.retention_check_interval_ms;
    options.checkpoint_ms = storage.recovery_point_checkpoint_interval_ms;
    options.compaction = limpid_broker::log_config::compaction_settings(&broker.compaction);
    options.tail_cache_bytes = broker.resources.tail_cache_bytes;
    options.headroom_bytes = broker.resources.log_headroom_bytes;
    options.min_free = min_free(broker);
    let files = SegmentFileLimits::of(limits::open_file_limit().soft);
    options.open_segment_files = files.shared;
    options.unsynced_segment_files = files.unsynced;
    let progress = |p: limpid_storage::RecoveryProgress| {
        let reason = format!("{} of {} logs are open", p.logs_done, p.logs_total);
        cluster.set_readiness(ReadinessState::Starting, vec![reason]);
    };
    let (logs, report) = LogManager::open(options, &progress)?;
    report_recovery(&report, dirs, registry);
    let at_ms = clock.wall_ms();
    let (run, ended) = RunRecord::begin(&dirs.metadata, at_ms, registry)?;
    if let Some(ended) = ended.as_ref().filter(|ended| ended.exit != Exit::Clean) {
        let (reason, panic) = (ended.exit.as_str(), ended.panic.as_deref());
        tracing::warn!(reason, panic, "the last run did not end cleanly");
    }
    let last_exit = ended.map(|ended| ended.exit.as_str());
    cluster.set_start(Start {
        at_ms,
        last_exit,
        scanned_bytes: report.bytes_scanned,
        cut_bytes: report.bytes_cut,
    });
    Ok(OpenLogs { logs, run })
}

/// How many files of segments may be open at once.
#[derive(Debug, PartialEq, Eq)]
struct SegmentFileLimits {
    unsynced: usize,
    shared: usize,
}

impl SegmentFileLimits {
    fn of(descriptors: u64) -> Self {
        let share = |parts| {
            let count = descriptors / OF_DESCRIPTORS * parts;
            usize::try_from(count).unwrap_or(usize::MAX)
        };
        Self {
            unsynced: share(UNSYNCED_FILES).max(SEGMENT_FILES_MIN),
            shared: share(SHARED_FILES).clamp(SEGMENT_FILES_MIN, SHARED_FILES_MAX),
        }
    }
}

fn min_free(broker: &BrokerConfig) -> MinFree {
    let storage = &broker.storage;
    let (percent, bytes) = match storage.disk_min_free {
        limpid_config::ShareOrSize::Share(share) => ((share * 100.0).round() as u8, 0),
        limpid_config::ShareOrSize::Bytes(bytes) => (0, bytes),
    };
    MinFree {
        percent,
        at_least_bytes: bytes.max(storage.disk_min_free_bytes),
    }
}

fn report_recovery(report: &RecoveryReport, dirs: &DataDirs, registry: &Registry) {
    for note in &report.notes {
        tracing::warn!("{note}");
    }
    for (dir, reason) in &report.failed_dirs {
        tracing::error!(dir = %dir.display(), reason, "log directory is offline");
    }
    if dirs.new || (report.clean && report.failed_dirs.is_empty()) {
        tracing::info!(logs = report.logs, "logs opened");
        return;
    }
    registry.own().unclean_start.inc();
    tracing::warn!(
        logs = report.logs,
        logs_recovered = report.logs_recovered,
        bytes_scanned = report.bytes_scanned,
        bytes_cut = report.bytes_cut,
        duration_ms = report.duration.as_millis() as u64,
        "logs recovered: the last stop was not a clean shutdown"
    );
}

/// The memory that requests share.
pub(crate) fn request_memory(broker: &BrokerConfig, registry: &Registry) -> Arc<RequestMemory> {
    let bytes = broker.resources.request_memory_bytes;
    let largest = usize::try_from(broker.network.socket_request_max_bytes).unwrap_or(0);
    let stats = worker_beans::request_pool(registry, bytes as u64);
    Arc::new(RequestMemory::new(bytes, largest, stats))
}

/// The memory that answers share.
pub(crate) fn answer_memory(broker: &BrokerConfig, registry: &Registry) -> Arc<AnswerMemory> {
    let bytes = broker.resources.answer_memory_bytes;
    let stats = registry.pool("answer_memory", bytes as u64);
    Arc::new(AnswerMemory::new(bytes, stats))
}

/// What takes in metrics of clients; it shows them to Prometheus.
pub(crate) fn client_metrics(
    broker: &BrokerConfig,
    clock: &Arc<dyn Clock>,
    registry: &Registry,
) -> Result<ClientMetrics, StartError> {
    let counted = PushMetrics::register(registry)?;
    let no_thread = || StartError::system("start a thread for clients' metrics");
    let forwarder = match &broker.observing.forward {
        Some(forward) => {
            let (tls, counted) = (watching::forward_tls(forward)?, counted.clone());
            let forwarder = Forwarder::new(&forward.endpoint, tls, counted);
            Some(forwarder.map_err(no_thread())?)
        }
        None => None,
    };
    let metrics = ClientMetrics::new(Arc::clone(clock), counted, forwarder);
    let metrics = metrics.map_err(no_thread())?;
    registry.add_collector(Arc::new(metrics.collector()));
    Ok(metrics)
}

/// Opens the metadata log, as soon as there is room for what that writes.
pub(crate) fn open_metadata(
    broker: &BrokerConfig,
    dirs: &DataDirs,
    room: &Room,
) -> Result<LocalMetadataLog, StartError> {
    let config = &broker.metadata_log;
    let request = OpenRequest {
        node_id: Some(broker.node.id),
        segment_bytes: config.segment_bytes,
        segment_ms: config.segment_ms,
        snapshot_bytes: config.snapshot_bytes,
        snapshot_interval_ms: config.snapshot_interval_ms,
        retention_bytes: config.retention_bytes,
        retention_ms: config.retention_ms,
        min_insync_replicas: broker.topic_defaults.min_insync_replicas,
        ..OpenRequest::new(&dirs.metadata)
    };
    let (log, report) = room.with(|| Ok(LocalMetadataLog::open(&request)?))?;
    if let Some(torn) = &report.torn_tail {
        tracing::warn!(?torn, "the end of the metadata log was cut off");
    }
    tracing::info!(
        epoch = report.epoch,
        records = report.replayed_records,
        bootstrapped = report.bootstrapped,
        "metadata opened"
    );
    Ok(log)
}

/// What a broker can work at.
pub(crate) fn supported_features() -> Vec<SupportedFeature> {
    let supported = |f: &limpid_broker::features::Feature| SupportedFeature {
        name: f.name.to_owned(),
        min: f.min,
        max: f.max,
    };
    limpid_broker::features::SUPPORTED
        .iter()
        .map(supported)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::SegmentFileLimits;

    #[test]
    fn files_of_segments_leave_descriptors_to_others() {
        let of = |descriptors| {
            let SegmentFileLimits { unsynced, shared } = SegmentFileLimits::of(descriptors);
            (unsynced, shared)
        };
        assert_eq!(of(10), (64, 64));
        assert_eq!(of(1_024), (640, 192));
        assert_eq!(of(20_000), (12_500, 3_750));
        assert_eq!(of(1 << 20), (655_360, 65_536));
        assert!(of(u64::MAX).0 > 1 << 40);
    }
}
