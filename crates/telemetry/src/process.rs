//! The process as the kernel sees it, under the names that every Prometheus client uses.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::collect::{CollectError, Collector, Samples};
use crate::declare::Declaration;

mod beans;
mod own;

pub use beans::ProcessBeans;

crate::families! {
    /// Families of the process.
    pub mod families {
        /// Total user and system CPU time spent in seconds.
        CPU: float_counter = "process_cpu_seconds_total";
        /// Number of open file descriptors.
        OPEN_FDS: gauge = "process_open_fds";
        /// Maximum number of open file descriptors.
        MAX_FDS: gauge = "process_max_fds";
        /// Virtual memory size in bytes.
        VIRTUAL: gauge = "process_virtual_memory_bytes";
        /// Resident memory size in bytes.
        RESIDENT: gauge = "process_resident_memory_bytes";
        /// Start time of the process since unix epoch in seconds.
        START: float_gauge = "process_start_time_seconds";
        /// Number of OS threads in the process.
        THREADS: gauge = "process_threads";
    }
}

/// Linux counts CPU time for user space in hundredths of a second on every architecture that
/// Rust's standard library supports (USER_HZ), whatever the kernel's own tick is.
const TICKS_PER_SECOND: f64 = 100.0;

/// Reads `/proc/self` at each scrape; `main` adds it to the registry behind the top `/metrics`.
/// Where there is no `/proc` its `limpid_collector_up` is 0.
#[derive(Debug)]
pub struct ProcessCollector {
    start_seconds: f64,
}

impl ProcessCollector {
    /// The collector's name.
    pub const NAME: &'static str = "process";

    /// For the running process.
    pub fn new() -> Self {
        own::open_all();
        let start_seconds = start_time().unwrap_or_else(unix_seconds);
        ProcessCollector { start_seconds }
    }
}

impl Default for ProcessCollector {
    fn default() -> Self {
        Self::new()
    }
}

impl Collector for ProcessCollector {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn families(&self) -> &'static [&'static Declaration] {
        families::ALL
    }

    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        let text = |own: &own::Own| own.read().map_err(unreadable);
        let stat = text(&own::STAT)?;
        let stat = Stat::parse(&stat).ok_or(CollectError("/proc/self/stat is odd".into()))?;
        let (status, limits) = (text(&own::STATUS)?, text(&own::LIMITS)?);
        let max_fds = max_fds(&limits);
        let fds = own::open_descriptors(max_fds).map_err(unreadable)?;
        out.family(&families::CPU)
            .add(&[], stat.cpu_ticks as f64 / TICKS_PER_SECOND);
        out.family(&families::OPEN_FDS).add(&[], fds);
        if let Some(max) = max_fds {
            out.family(&families::MAX_FDS).add(&[], max);
        }
        out.family(&families::VIRTUAL).add(&[], stat.virtual_bytes);
        if let Some(kib) = resident_kib(&status) {
            out.family(&families::RESIDENT).add(&[], kib * 1024);
        }
        out.family(&families::START).add(&[], self.start_seconds);
        out.family(&families::THREADS).add(&[], stat.threads);
        Ok(())
    }
}

fn unreadable(error: std::io::Error) -> CollectError {
    CollectError(error.to_string().into())
}

struct Stat {
    cpu_ticks: u64,
    threads: u64,
    start_ticks: u64,
    virtual_bytes: u64,
}

impl Stat {
    /// Fields are counted after the command name, which may itself hold blanks and brackets.
    fn parse(stat: &str) -> Option<Stat> {
        let fields: Vec<&str> = stat[stat.rfind(')')? + 1..]
            .split_ascii_whitespace()
            .collect();
        // proc(5) numbers from 1 and the state, field 3, is the first one here.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Stat {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
            start_ticks: field(22)?,
            virtual_bytes: field(23)?,
        })
    }
}

fn resident_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// The soft limit; `None` when it is unlimited.
fn max_fds(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|l| l.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

fn start_time() -> Option<f64> {
    let stat = own::STAT.read().ok()?;
    let boot = fs::read_to_string("/proc/stat").ok()?;
    let boot = boot.lines().find_map(|l| l.strip_prefix("btime "))?;
    let boot: u64 = boot.trim().parse().ok()?;
    Some(boot as f64 + Stat::parse(&stat)?.start_ticks as f64 / TICKS_PER_SECOND)
}

fn unix_seconds() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |d| d.as_secs_f64())
}

#[cfg(test)]
mod tests;
