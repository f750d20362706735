//! What the machine does to the process: the limits of its control group, and clocks that jump.

use std::sync::Arc;
use std::time::Duration;

use limpid_platform::clock::Clock;
use limpid_platform::limits::{self, CgroupUse};
use limpid_telemetry::{
    CollectError, Collector, Counter, Declaration, FloatCounter, RegisterError, Registry, Samples,
    Table, label_enum, metrics,
};
use parking_lot::Mutex;

/// A difference between the clocks is a jump from here on; steering a clock makes half a
/// millisecond a second of it at most.
const JUMP_MS: i64 = 500;
/// Both clocks are read within this time, or their difference says nothing.
const READING_MAX: Duration = Duration::from_millis(100);

limpid_telemetry::families! {
    /// Families of the collector.
    pub mod families {
        /// Bytes charged to the control group, the page cache of its files included.
        MEMORY: gauge = "limpid_cgroup_memory_bytes";
        /// Most bytes that may be charged to the control group, by the tightest limit of it and its
        /// parents.
        MEMORY_LIMIT: gauge = "limpid_cgroup_memory_limit_bytes";
        /// Processors that the control group may use.
        CPUS: float_gauge = "limpid_cgroup_cpus";
        /// Processes of the control group that were killed for want of memory.
        OOM_KILLS: counter = "limpid_cgroup_oom_kills_total";
        /// Periods of the quota of processor time in which there was something to do.
        PERIODS: counter = "limpid_cgroup_periods_total";
        /// Those of them in which the quota was used up.
        THROTTLED_PERIODS: counter = "limpid_cgroup_throttled_periods_total";
        /// Time that threads stood still since the quota was used up, of all processors together.
        THROTTLED: float_counter = "limpid_cgroup_throttled_seconds_total";
    }
}

label_enum! {
    /// Where a clock jumped to.
    pub enum Direction {
        /// Later.
        Forward = "forward",
        /// Earlier.
        Backward = "backward",
    }
}

metrics! {
    /// The wall clock beside the clock that never goes back.
    pub struct ClockMetrics {
        /// Times that the wall clock jumped by half a second or more within about a second.
        pub jumps: counter { direction: Direction } = "limpid_clock_jumps_total";
        /// By how much it jumped, added up.
        pub jumped: float_counter { direction: Direction } = "limpid_clock_jumped_seconds_total";
    }
}

/// Watches from now on.
pub(crate) fn watch(registry: &Registry, clock: Arc<dyn Clock>) -> Result<(), RegisterError> {
    registry.add_collector(Arc::new(HostCollector));
    let clocks = ClockWatch::new(&ClockMetrics::register(registry)?, clock);
    registry.on_tick(move || clocks.look());
    Ok(())
}

/// Reads the files of the control group at each scrape. Where there is none it has no series.
struct HostCollector;

impl Collector for HostCollector {
    fn name(&self) -> &'static str {
        "host"
    }

    fn families(&self) -> &'static [&'static Declaration] {
        families::ALL
    }

    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        write(&limits::cgroup_use(), out);
        Ok(())
    }
}

fn write(usage: &CgroupUse, out: &mut Samples) {
    let whole = [
        (&families::MEMORY, usage.memory_bytes),
        (&families::MEMORY_LIMIT, usage.memory_limit_bytes),
        (&families::OOM_KILLS, usage.oom_kills),
        (&families::PERIODS, usage.throttled.map(|t| t.periods)),
        (
            &families::THROTTLED_PERIODS,
            usage.throttled.map(|t| t.throttled_periods),
        ),
    ];
    for (family, value) in whole {
        if let Some(value) = value {
            out.family(family).add(&[], value);
        }
    }
    let seconds = usage.throttled.map(|t| t.seconds);
    for (family, value) in [
        (&families::CPUS, usage.cpus),
        (&families::THROTTLED, seconds),
    ] {
        if let Some(value) = value {
            out.family(family).add(&[], value);
        }
    }
}

/// Compares two clocks.
struct ClockWatch {
    clock: Arc<dyn Clock>,
    jumps: Table<Counter, Direction>,
    jumped: Table<FloatCounter, Direction>,
    /// Wall and monotonic, when they were read last.
    last: Mutex<Option<(i64, Duration)>>,
}

impl ClockWatch {
    fn new(metrics: &ClockMetrics, clock: Arc<dyn Clock>) -> Self {
        let (jumps, jumped) = (metrics.jumps.table(), metrics.jumped.table());
        for direction in Direction::ALL {
            // At 0 from the start: the first jump is an increase, too.
            jumps.get(*direction).inc_by(0);
            jumped.get(*direction).inc_by(0.0);
        }
        Self {
            clock,
            jumps,
            jumped,
            last: Mutex::new(None),
        }
    }

    fn look(&self) {
        let before = self.clock.monotonic();
        let wall_ms = self.clock.wall_ms();
        let after = self.clock.monotonic();
        if after.saturating_sub(before) > READING_MAX {
            return;
        }
        let Some((last_wall_ms, last)) = self.last.lock().replace((wall_ms, after)) else {
            return;
        };
        let passed = after.saturating_sub(last).as_millis();
        let passed_ms = i64::try_from(passed).unwrap_or(i64::MAX);
        let jump_ms = wall_ms
            .saturating_sub(last_wall_ms)
            .saturating_sub(passed_ms);
        if jump_ms.abs() < JUMP_MS {
            return;
        }
        let direction = match jump_ms > 0 {
            true => Direction::Forward,
            false => Direction::Backward,
        };
        let seconds = jump_ms.abs() as f64 / 1_000.0;
        self.jumps.get(direction).inc();
        self.jumped.get(direction).inc_by(seconds);
        tracing::warn!(jump_ms, "the wall clock jumped");
    }
}

#[cfg(test)]
mod tests;
