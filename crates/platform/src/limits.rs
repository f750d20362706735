//! Limits that the system sets us: file descriptors, memory and processors of the control group.

use std::fs;
use std::io;
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Soft and hard limit of open files; `u64::MAX` stands for unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFileLimit {
    /// What is enforced now.
    pub soft: u64,
    /// The most an unprivileged process can raise it to.
    pub hard: u64,
}

/// The limit of open files as it stands.
#[must_use]
pub fn open_file_limit() -> OpenFileLimit {
    let limit = getrlimit(Resource::Nofile);
    OpenFileLimit {
        soft: limit.current.unwrap_or(u64::MAX),
        hard: limit.maximum.unwrap_or(u64::MAX),
    }
}

/// Raises the soft limit of open files to the hard one and returns what holds now.
///
/// # Errors
/// The operating system's; the old limit is then still in force.
pub fn raise_nofile() -> io::Result<OpenFileLimit> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        setrlimit(
            Resource::Nofile,
            Rlimit {
                current: limit.maximum,
                maximum: limit.maximum,
            },
        )?;
    }
    Ok(open_file_limit())
}

/// The number of file descriptors this process has open, if `/proc` tells.
#[must_use]
pub fn open_files() -> Option<usize> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count())
}

/// The memory limit of our control group in bytes (v2 or v1), the tightest of it and its parents.
#[must_use]
pub fn cgroup_memory_limit() -> Option<u64> {
    Cgroup::of_this_process().memory_limit()
}

/// The processors our control group may use (quota / period), the tightest of it and its parents.
#[must_use]
pub fn cgroup_cpus() -> Option<f64> {
    Cgroup::of_this_process().cpus()
}

/// Out-of-memory events of our control group since it was made.
#[must_use]
pub fn memory_events() -> Option<MemoryEvents> {
    Cgroup::of_this_process().memory_events()
}

/// Counters of `memory.events` (v2) or `memory.oom_control` (v1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryEvents {
    /// Times the limit was hit and the kernel looked for a victim.
    pub oom: u64,
    /// Processes killed for it.
    pub oom_kill: u64,
}

/// What our control group uses and was denied; what the system does not tell is `None`.
#[must_use]
pub fn cgroup_use() -> CgroupUse {
    Cgroup::of_this_process().usage()
}

/// What a control group uses and was denied.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CgroupUse {
    /// Bytes charged to the group, the page cache of its files included.
    pub memory_bytes: Option<u64>,
    /// The tightest limit of it and its parents.
    pub memory_limit_bytes: Option<u64>,
    /// Processors it may use, likewise.
    pub cpus: Option<f64>,
    /// Processes killed for want of memory.
    pub oom_kills: Option<u64>,
    /// How it was held back; absent where there is no quota of processor time.
    pub throttled: Option<Throttled>,
}

/// How a control group was held back by its quota of processor time (`cpu.stat`).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Throttled {
    /// Periods in which it had something to do.
    pub periods: u64,
    /// Those in which its quota was used up.
    pub throttled_periods: u64,
    /// Time that its threads stood still for it, of all processors together.
    pub seconds: f64,
}

/// Where a process stands in the control groups; paths are parameters so that tests can plant one.
#[derive(Debug)]
struct Cgroup {
    root: std::path::PathBuf,
    v2: Option<String>,
    v1_memory: Option<String>,
    v1_cpu: Option<String>,
}

impl Cgroup {
    fn of_this_process() -> Self {
        let table = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self::parse(Path::new("/sys/fs/cgroup"), &table)
    }

    fn parse(root: &Path, table: &str) -> Self {
        let mut out = Self {
            root: root.to_owned(),
            v2: None,
            v1_memory: None,
            v1_cpu: None,
        };
        for line in table.lines() {
            let mut parts = line.splitn(3, ':');
            let (Some(id), Some(controllers), Some(path)) =
                (parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            let path = path.trim_start_matches('/').to_owned();
            if id == "0" && controllers.is_empty() {
                out.v2 = Some(path.clone());
            }
            for controller in controllers.split(',') {
                match controller {
                    "memory" => out.v1_memory = Some(path.clone()),
                    "cpu" => out.v1_cpu = Some(path.clone()),
                    _ => {}
                }
            }
        }
        out
    }

    /// The contents of `file` from our group up to the root: inside a container our own path may
    /// not be visible, then only the root's file (the container's own) is there.
    fn read_up(&self, mount: &str, path: &str, file: &str) -> Vec<String> {
        let base = self.root.join(mount);
        let mut dir = base.join(path);
        let mut out = Vec::new();
        loop {
            if let Ok(text) = fs::read_to_string(dir.join(file)) {
                out.push(text);
            }
            if dir == base || !dir.pop() {
                return out;
            }
        }
    }

    fn memory_limit(&self) -> Option<u64> {
        /// v1 writes "no limit" as a number near `i64::MAX`, rounded to pages.
        const NO_LIMIT: u64 = 1 << 60;
        let v2 = self.v2.as_deref().unwrap_or_default();
        let v1 = self.v1_memory.as_deref().unwrap_or_default();
        let mut texts = self.read_up("", v2, "memory.max");
        texts.extend(self.read_up("memory", v1, "memory.limit_in_bytes"));
        let limits = texts
            .iter()
            .filter_map(|text| text.trim().parse::<u64>().ok());
        limits.filter(|limit| *limit < NO_LIMIT).min()
    }

    fn cpus(&self) -> Option<f64> {
        let v2 = self.v2.as_deref().unwrap_or_default();
        let mut found: Vec<f64> = self
            .read_up("", v2, "cpu.max")
            .iter()
            .filter_map(|text| {
                let (quota, period) = text.trim().split_once(' ')?;
                Some(quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?)
            })
            .collect();
        let v1 = self.v1_cpu.as_deref().unwrap_or_default();
        let quotas = self.read_up("cpu", v1, "cpu.cfs_quota_us");
        let periods = self.read_up("cpu", v1, "cpu.cfs_period_us");
        found.extend(quotas.iter().zip(&periods).filter_map(|(quota, period)| {
            let quota = quota.trim().parse::<f64>().ok()?;
            Some(quota / period.trim().parse::<f64>().ok()?)
        }));
        found
            .into_iter()
            .filter(|cpus| cpus.is_finite() && *cpus > 0.0)
            .reduce(f64::min)
    }

    fn usage(&self) -> CgroupUse {
        let v2 = self.v2.as_deref().unwrap_or_default();
        let memory = self.v1_memory.as_deref().unwrap_or_default();
        let used = self
            .read_up("", v2, "memory.current")
            .into_iter()
            .chain(self.read_up("memory", memory, "memory.usage_in_bytes"));
        CgroupUse {
            memory_bytes: used.filter_map(|text| text.trim().parse().ok()).next(),
            memory_limit_bytes: self.memory_limit(),
            cpus: self.cpus(),
            oom_kills: self.memory_events().map(|events| events.oom_kill),
            throttled: self.throttled(),
        }
    }

    fn throttled(&self) -> Option<Throttled> {
        let v2 = self.v2.as_deref().unwrap_or_default();
        let cpu = self.v1_cpu.as_deref().unwrap_or_default();
        let texts = self.read_up("", v2, "cpu.stat").into_iter();
        let mut texts = texts.chain(self.read_up("cpu", cpu, "cpu.stat"));
        // The root's file of version 2 tells of use alone.
        texts.find_map(|text| {
            let micros = field(&text, "throttled_usec").map(|us| us as f64 / 1e6);
            let nanos = || field(&text, "throttled_time").map(|ns| ns as f64 / 1e9);
            Some(Throttled {
                periods: field(&text, "nr_periods")?,
                throttled_periods: field(&text, "nr_throttled")?,
                seconds: micros.or_else(nanos)?,
            })
        })
    }

    fn memory_events(&self) -> Option<MemoryEvents> {
        let v2 = self.v2.as_deref().unwrap_or_default();
        let v1 = self.v1_memory.as_deref().unwrap_or_default();
        let text = self
            .read_up("", v2, "memory.events")
            .into_iter()
            .chain(self.read_up("memory", v1, "memory.oom_control"))
            .next()?;
        Some(MemoryEvents {
            oom: field(&text, "oom").unwrap_or(0),
            oom_kill: field(&text, "oom_kill").unwrap_or(0),
        })
    }
}

/// The number behind a name in a file of lines `name number`.
fn field(text: &str, name: &str) -> Option<u64> {
    let value = |line: &str| {
        let value = line.strip_prefix(name)?.strip_prefix(' ')?;
        value.trim().parse().ok()
    };
    text.lines().find_map(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plant(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn the_tightest_v2_limit_counts() {
        let root = tempfile::tempdir().unwrap();
        plant(root.path(), "a/memory.max", "1000\n");
        plant(root.path(), "a/b/memory.max", "max\n");
        plant(root.path(), "a/b/cpu.max", "150000 100000\n");
        plant(
            root.path(),
            "a/b/memory.events",
            "low 0\noom 3\noom_kill 2\n",
        );
        let group = Cgroup::parse(root.path(), "0::/a/b\n");
        assert_eq!(
            (group.memory_limit(), group.cpus()),
            (Some(1000), Some(1.5))
        );
        assert_eq!(
            group.memory_events(),
            Some(MemoryEvents {
                oom: 3,
                oom_kill: 2
            })
        );
    }

    #[test]
    fn v1_is_read_and_its_no_limit_is_none() {
        let root = tempfile::tempdir().unwrap();
        plant(
            root.path(),
            "memory/d/memory.limit_in_bytes",
            "9223372036854771712\n",
        );
        plant(root.path(), "cpu/d/cpu.cfs_quota_us", "50000\n");
        plant(root.path(), "cpu/d/cpu.cfs_period_us", "100000\n");
        plant(
            root.path(),
            "memory/d/memory.oom_control",
            "under_oom 0\noom_kill 1\n",
        );
        let group = Cgroup::parse(root.path(), "5:memory:/d\n4:cpu,cpuacct:/d\n");
        assert_eq!((group.memory_limit(), group.cpus()), (None, Some(0.5)));
        assert_eq!(
            group.memory_events(),
            Some(MemoryEvents {
                oom: 0,
                oom_kill: 1
            })
        );
        plant(root.path(), "memory/memory.limit_in_bytes", "77\n");
        assert_eq!(group.memory_limit(), Some(77));
    }

    #[test]
    fn use_and_throttling_are_read_in_both_versions() {
        let root = tempfile::tempdir().unwrap();
        plant(root.path(), "cpu.stat", "usage_usec 5\n");
        plant(root.path(), "a/memory.current", "4096\n");
        let stat = "usage_usec 9\nnr_periods 10\nnr_throttled 4\nthrottled_usec 2500000\n";
        let group = Cgroup::parse(root.path(), "0::/a\n");
        assert_eq!(group.usage().memory_bytes, Some(4096));
        assert_eq!(group.usage().throttled, None, "no quota");
        plant(root.path(), "a/cpu.stat", stat);
        let throttled = Throttled {
            periods: 10,
            throttled_periods: 4,
            seconds: 2.5,
        };
        assert_eq!(group.usage().throttled, Some(throttled));

        let root = tempfile::tempdir().unwrap();
        let stat = "nr_periods 10\nnr_throttled 4\nthrottled_time 2500000000\n";
        plant(root.path(), "cpu/d/cpu.stat", stat);
        plant(root.path(), "memory/d/memory.usage_in_bytes", "77\n");
        let group = Cgroup::parse(root.path(), "5:memory:/d\n4:cpu,cpuacct:/d\n");
        assert_eq!(group.usage().throttled, Some(throttled));
        assert_eq!(group.usage().memory_bytes, Some(77));
        let nowhere = Cgroup::parse(&root.path().join("none"), "");
        assert_eq!(nowhere.usage(), CgroupUse::default());
    }

    #[test]
    fn open_files_can_be_raised_to_the_hard_limit() {
        let limit = raise_nofile().unwrap();
        assert_eq!(limit.soft, limit.hard);
        assert!(open_files().unwrap() > 2);
    }
}
