//! What the system says of this process.

use std::fmt::Write as _;
use std::fs;

/// Files that are copied as they are, if they are there.
const FILES: [&str; 11] = [
    "/proc/version",
    "/proc/uptime",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/self/limits",
    "/proc/self/status",
    "/proc/self/cgroup",
    "/proc/pressure/memory",
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory.events",
    "/sys/fs/cgroup/cpu.max",
];

/// Version, machine and limits.
pub(super) fn system(cluster_id: &str) -> String {
    let mut text = format!(
        "limpid {} ({} {})\ncluster {cluster_id}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
    );
    let parallel = std::thread::available_parallelism().map_or(0, usize::from);
    push(
        &mut text,
        format_args!("{parallel} threads at the same time\n"),
    );
    for path in FILES {
        if let Ok(content) = fs::read_to_string(path) {
            push(&mut text, format_args!("\n== {path}\n{content}"));
        }
    }
    text
}

/// Threads with the processor time that each took, in ticks of the clock (mostly 100 a second).
pub(super) fn threads() -> String {
    let mut text = "user\tsystem\tname\n".to_owned();
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten();
    for task in tasks.flatten() {
        let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        if let Some((name, user, system)) = times(&stat) {
            push(&mut text, format_args!("{user}\t{system}\t{name}\n"));
        }
    }
    text
}

/// Name and times of a thread: `tid (name) state …`; the name may hold anything.
pub(super) fn times(stat: &str) -> Option<(&str, &str, &str)> {
    let (head, fields) = stat.rsplit_once(") ")?;
    let (_, name) = head.split_once(" (")?;
    let mut fields = fields.split(' ').skip(11);
    Some((name, fields.next()?, fields.next()?))
}

pub(super) fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a String can't fail.
    let _written = text.write_fmt(more).is_ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_told_with_their_times() {
        let stat = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 42 17 0 0";
        assert_eq!(times(stat), Some(("a ) b", "42", "17")));
        assert_eq!(times("nonsense"), None);
        assert!(threads().lines().count() > 1);
        assert!(system("abc").contains("cluster abc\n"));
    }
}
