//! One file per collector.

pub mod kafka_exporter;
pub mod log_dirs;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use limpid_cluster::{ClusterSnapshot, ClusterSource};
use limpid_telemetry::{CollectError, Samples};

/// The newest snapshot, its age noted. A source that has not looked yet (logs are being recovered)
/// is a collector that is not up, rather than a cluster without brokers.
fn snapshot(
    source: &Arc<dyn ClusterSource>,
    out: &mut Samples,
) -> Result<Arc<ClusterSnapshot>, CollectError> {
    let snapshot = source.snapshot();
    if snapshot.taken_at_ms <= 0 {
        return Err(CollectError("no snapshot of the cluster yet".into()));
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let taken = Duration::from_millis(u64::try_from(snapshot.taken_at_ms).unwrap_or(0));
    // 0 when the clock was set back since.
    out.set_age(now.saturating_sub(taken));
    Ok(snapshot)
}
