//! The thread that looks once a second. It ends when its handle is dropped.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use limpid_cluster::ClusterSource;
use limpid_telemetry::Registry;
use limpid_telemetry::pools::Pool;

use super::store::{BufferReading, RegistryReading};
use super::{Reading, Trends};
use crate::requests;

const EVERY: Duration = Duration::from_secs(1);

/// Keeps the thread going.
pub(crate) struct Sampler {
    // Dropping it is the signal.
    _stop: SyncSender<()>,
}

impl Sampler {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(
        source: Arc<dyn ClusterSource>,
        registry: Registry,
        trends: Arc<Trends>,
        pool: Arc<Pool>,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = sync_channel::<()>(1);
        let look = move || {
            loop {
                let snapshot = source.snapshot();
                let registry = trends
                    .wants_point(&snapshot)
                    .then(|| read_registry(&registry));
                let bytes = trends.take(Reading { snapshot, registry });
                pool.mirror(bytes, bytes);
                if !matches!(stopped.recv_timeout(EVERY), Err(RecvTimeoutError::Timeout)) {
                    return;
                }
            }
        };
        std::thread::Builder::new()
            .name("limpid-trends".to_owned())
            .spawn(look)?;
        Ok(Self { _stop: stop })
    }
}

/// What the registry counts that no snapshot has.
pub(crate) fn read_registry(registry: &Registry) -> RegistryReading {
    let buffer = |pool: &Arc<Pool>| BufferReading {
        pool: pool.name(),
        used_bytes: pool.used(),
        wait_seconds: pool.wait_total().as_secs_f64(),
    };
    RegistryReading {
        apis: requests::totals(registry),
        buffers: registry.pools().iter().map(buffer).collect(),
    }
}
