//! Two runtimes: the data path has its own, so that neither a page nor a scrape can stall it.

use limpid_config::BrokerConfig;
use limpid_platform::limits;
use limpid_telemetry::Registry;
use tokio::runtime::{Builder, Runtime};

use crate::error::StartError;
use crate::worker_beans::WorkerBeans;

/// Threads that serve HTTP.
const HTTP_THREADS: usize = 1;
/// Threads at most for renderings and other blocking work of HTTP.
const HTTP_BLOCKING_THREADS_MAX: usize = 4;
/// Fewest threads that read files and sync.
const BLOCKING_THREADS_MIN: usize = 2;

/// The processors this process may use: those of the machine, or the cgroup's share.
pub(crate) fn processors() -> usize {
    let machine = std::thread::available_parallelism().map_or(1, usize::from);
    let share = limits::cgroup_cpus().map_or(machine, |share| share.ceil() as usize);
    machine.min(share).max(1)
}

/// Threads of the data path.
pub(crate) fn worker_threads(config: &BrokerConfig) -> usize {
    config.resources.worker_threads.unwrap_or_else(processors)
}

/// Threads for blocking work of the data path.
pub(crate) fn blocking_threads(config: &BrokerConfig) -> usize {
    let default = || (2 * processors()).max(BLOCKING_THREADS_MIN);
    config.resources.blocking_threads.unwrap_or_else(default)
}

/// The runtime of listeners and connections.
pub(crate) fn data(config: &BrokerConfig, registry: &Registry) -> Result<Runtime, StartError> {
    let data = Builder::new_multi_thread()
        .worker_threads(worker_threads(config))
        .thread_name("limpid-data")
        .enable_all()
        .build()
        .map_err(StartError::system("start the threads of the data path"))?;
    let beans = WorkerBeans::new(data.handle());
    registry.mbeans().add_source(std::sync::Arc::new(beans));
    Ok(data)
}

/// The runtime of HTTP.
pub(crate) fn http() -> Result<Runtime, StartError> {
    Builder::new_multi_thread()
        .worker_threads(HTTP_THREADS)
        .max_blocking_threads(HTTP_BLOCKING_THREADS_MAX)
        .thread_name("limpid-http")
        .enable_all()
        .build()
        .map_err(StartError::system("start the threads of HTTP"))
}

/// Takes as many file descriptors as the system gives.
pub(crate) fn raise_limits() {
    match limits::raise_nofile() {
        Ok(limit) => tracing::debug!(soft = limit.soft, hard = limit.hard, "open files limit"),
        Err(error) => tracing::warn!(%error, "can't raise the limit on open files"),
    }
}
