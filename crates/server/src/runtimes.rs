//! Three runtimes: the data path has its own, so that neither a page nor a scrape nor somebody who only connects
//! can stall it.

use std::io;
use std::sync::Arc;

use limpid_broker::aside::Aside;
use limpid_broker::metrics::BrokerMetrics;
use limpid_config::BrokerConfig;
use limpid_platform::limits;
use limpid_platform::nice::{NICER, be_nicer};
use limpid_telemetry::Registry;
use tokio::runtime::{Builder, Runtime};

use crate::error::StartError;
use crate::worker_beans::WorkerBeans;
use crate::worker_times::WorkerTimes;

/// Threads that accept connections and read their first request.
const ENTRANCE_THREADS: usize = 1;
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
    let (data, slept) = watched("limpid-data", worker_threads(config), 0)
        .map_err(StartError::system("start the threads of the data path"))?;
    let beans = WorkerBeans::new(data.handle(), slept);
    registry.mbeans().add_source(Arc::new(beans));
    Ok(data)
}

/// Threads for long work of the data path, which come last.
pub(crate) fn aside(
    config: &BrokerConfig,
    metrics: &BrokerMetrics,
) -> Result<Arc<Aside>, StartError> {
    let aside = Aside::new(worker_threads(config), metrics.aside.clone());
    Ok(Arc::new(aside.map_err(StartError::system(
        "start threads for what takes long",
    ))?))
}

/// The runtime of those who connect, until they have sent a request.
pub(crate) fn entrance(
    metrics: &BrokerMetrics,
    registry: &Registry,
) -> Result<Runtime, StartError> {
    let (entrance, slept) = watched("limpid-entrance", ENTRANCE_THREADS, NICER)
        .map_err(StartError::system("start the thread of the entrance"))?;
    let told = metrics.entrance.busy_seconds.clone();
    registry.on_tick(move || {
        let now = slept.busy(0, slept.age()).as_secs_f64();
        told.inc_by((now - told.get()).max(0.0));
    });
    Ok(entrance)
}

/// A runtime that tells when its threads sleep.
pub(crate) fn watched(
    name: &str,
    threads: usize,
    nicer: i32,
) -> io::Result<(Runtime, Arc<WorkerTimes>)> {
    let slept = Arc::new(WorkerTimes::new(threads));
    let (sleeping, waking) = (Arc::clone(&slept), Arc::clone(&slept));
    let runtime = Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name(name)
        .on_thread_start(move || be_nicer(nicer))
        .on_thread_park(move || sleeping.sleeps())
        .on_thread_unpark(move || waking.wakes())
        .enable_all()
        .build()?;
    Ok((runtime, slept))
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
