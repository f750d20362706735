//! The process as the beans that every JVM has, for checks that ask any Java service the same.
//!
//! The names are Java's, the facts ours: the heap is the memory that is no file's, without a limit of
//! its own, and the virtual machine calls itself Limpid.

use std::fs;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Stat, TICKS_PER_SECOND, max_fds, own, start_time, unix_seconds};
use crate::mbeans::{Attributes, BeanSource, Beans, Value};

/// What Java calls a size without a limit.
const UNLIMITED: i64 = -1;
const NANOS_PER_TICK: i64 = 10_000_000;

/// `java.lang` and what Kafka tells of the process; see the module. Where there is no `/proc` there
/// are none.
#[derive(Debug)]
pub struct ProcessBeans {
    version: String,
    start_seconds: f64,
    load: Mutex<Load>,
}

/// How busy the process was from one step to the next.
#[derive(Debug, Default)]
struct Load {
    at: Option<(Duration, u64)>,
    share: f64,
}

impl ProcessBeans {
    /// Of the running process, which is of this version.
    pub fn new(version: impl Into<String>) -> Self {
        Self {
            version: version.into(),
            start_seconds: start_time().unwrap_or_else(unix_seconds),
            load: Mutex::default(),
        }
    }

    fn runtime(&self) -> Attributes {
        let pid = i64::from(std::process::id());
        let host = text("/proc/sys/kernel/hostname");
        let start_ms = (self.start_seconds * 1_000.0) as i64;
        let now_ms = (unix_seconds() * 1_000.0) as i64;
        vec![
            ("Name", Value::text(format!("{pid}@{host}"))),
            ("Pid", Value::Long(pid)),
            ("StartTime", Value::Long(start_ms)),
            ("Uptime", Value::Long((now_ms - start_ms).max(0))),
            ("VmName", Value::text("Limpid")),
            ("VmVendor", Value::text("Limpid")),
            ("VmVersion", Value::text(self.version.clone())),
            ("SpecName", Value::text("Limpid")),
            ("SpecVendor", Value::text("Limpid")),
            ("SpecVersion", Value::text(self.version.clone())),
        ]
    }

    fn system(&self, stat: &Stat) -> Attributes {
        let max_fds = max_fds(&of(&own::LIMITS));
        let memory = text("/proc/meminfo");
        let fds = own::open_descriptors(max_fds).unwrap_or(0);
        let load = text("/proc/loadavg");
        let load = load.split(' ').next().and_then(|one| one.parse().ok());
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let sizes = [
            ("TotalMemorySize", "MemTotal:"),
            ("FreeMemorySize", "MemFree:"),
            ("TotalPhysicalMemorySize", "MemTotal:"),
            ("FreePhysicalMemorySize", "MemFree:"),
            ("TotalSwapSpaceSize", "SwapTotal:"),
            ("FreeSwapSpaceSize", "SwapFree:"),
        ];
        let mut all = vec![
            ("Name", Value::text("Linux")),
            ("Version", Value::text(text("/proc/sys/kernel/osrelease"))),
            ("Arch", Value::text(std::env::consts::ARCH)),
            ("AvailableProcessors", Value::long(processors)),
            ("SystemLoadAverage", Value::Double(load.unwrap_or(-1.0))),
            ("OpenFileDescriptorCount", Value::long(fds)),
            (
                "MaxFileDescriptorCount",
                max_fds.map_or(Value::Long(i64::MAX), Value::long),
            ),
            ("ProcessCpuLoad", Value::Double(self.load.lock().share)),
            (
                "ProcessCpuTime",
                Value::Long(i64::try_from(stat.cpu_ticks).unwrap_or(0) * NANOS_PER_TICK),
            ),
            (
                "CommittedVirtualMemorySize",
                Value::long(stat.virtual_bytes),
            ),
        ];
        let known = sizes
            .into_iter()
            .filter_map(|(name, field)| Some((name, Value::long(number(&memory, field)? * 1024))));
        all.extend(known);
        all
    }
}

impl BeanSource for ProcessBeans {
    fn add_to(&self, _now: Duration, beans: &mut Beans) {
        let Some(stat) = Stat::parse(&of(&own::STAT)) else {
            return;
        };
        beans.add("java.lang:type=Runtime", self.runtime());
        beans.add("java.lang:type=OperatingSystem", self.system(&stat));
        let threads = vec![("ThreadCount", Value::long(stat.threads))];
        beans.add("java.lang:type=Threading", threads);
        let status = of(&own::STATUS);
        if let Some(used) = number(&status, "RssAnon:") {
            let used = Value::long(used * 1024);
            let heap = vec![
                ("init", Value::Long(0)),
                ("used", used.clone()),
                ("committed", used),
                ("max", Value::Long(UNLIMITED)),
            ];
            let heap = vec![("HeapMemoryUsage", Value::Composite(heap))];
            beans.add("java.lang:type=Memory", heap);
        }
        let io = text("/proc/self/io");
        for (name, field) in [
            ("linux-disk-read-bytes", "read_bytes:"),
            ("linux-disk-write-bytes", "write_bytes:"),
        ] {
            if let Some(bytes) = number(&io, field) {
                let name = format!("kafka.server:type=KafkaServer,name={name}");
                beans.gauge(name, Value::long(bytes));
            }
        }
    }

    fn step(&self, now: Duration) {
        let Some(stat) = Stat::parse(&of(&own::STAT)) else {
            return;
        };
        let mut load = self.load.lock();
        if let Some((then, ticks)) = load.at.replace((now, stat.cpu_ticks)) {
            let processors = std::thread::available_parallelism().map_or(1, usize::from);
            let came = stat.cpu_ticks.saturating_sub(ticks);
            load.share = share(came, now.saturating_sub(then), processors).unwrap_or(load.share);
        }
    }
}

/// The part of the processors' time that was used, 0 to 1.
fn share(ticks: u64, time: Duration, processors: usize) -> Option<f64> {
    let seconds = time.as_secs_f64() * processors as f64;
    let busy = ticks as f64 / TICKS_PER_SECOND;
    (seconds > 0.0).then(|| (busy / seconds).min(1.0))
}

fn of(own: &own::Own) -> String {
    own.read().unwrap_or_default()
}

fn text(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.trim_end().to_owned()
}

/// The number behind the name of a field.
fn number(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;

    #[test]
    fn fields_are_found_by_their_names() {
        let text = "rchar: 7\nread_bytes: 4096\nwrite_bytes: 12\ncancelled_write_bytes: 5";
        assert_eq!(number(text, "read_bytes:"), Some(4_096));
        assert_eq!(number(text, "write_bytes:"), Some(12));
        assert_eq!(number("VmRSS:\t 12 kB", "VmRSS:"), Some(12));
        assert_eq!(number(text, "none:"), None);
    }

    #[test]
    fn the_process_is_told_as_a_jvm() {
        let registry = Registry::new();
        let source = std::sync::Arc::new(ProcessBeans::new("1.2.3"));
        registry.mbeans().add_source(source);
        let beans = registry.mbeans().view();
        let of = |bean: &str, wanted: &str| {
            let bean = beans.get(bean).expect("there is /proc");
            let found = bean.iter().find(|(name, _)| *name == wanted);
            found.expect("it has it").1.clone()
        };
        let pid = i64::from(std::process::id());
        assert_eq!(of("java.lang:type=Runtime", "Pid"), Value::Long(pid));
        let Value::Text(name) = of("java.lang:type=Runtime", "Name") else {
            panic!("a name");
        };
        assert!(name.starts_with(&format!("{pid}@")), "{name}");
        let at_least = |bean: &str, attribute: &str, least: i64| {
            let value = of(bean, attribute);
            assert!(
                matches!(value, Value::Long(n) if n >= least),
                "{attribute} {value:?}"
            );
        };
        at_least("java.lang:type=Threading", "ThreadCount", 1);
        let system = "java.lang:type=OperatingSystem";
        at_least(system, "OpenFileDescriptorCount", 3);
        at_least(system, "MaxFileDescriptorCount", 3);
        at_least(system, "TotalMemorySize", 1 << 20);
        let Value::Composite(heap) = of("java.lang:type=Memory", "HeapMemoryUsage") else {
            panic!("four sizes");
        };
        assert!(matches!(heap[1], ("used", Value::Long(used)) if used > 4_096));
    }

    #[test]
    fn the_load_is_a_part_of_all_processors() {
        let five = Duration::from_secs(5);
        assert_eq!(share(250, five, 2), Some(0.25));
        assert_eq!(share(5_000, five, 2), Some(1.0), "ticks are counted late");
        assert_eq!(share(1, Duration::ZERO, 2), None);
    }
}
