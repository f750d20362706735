//! Where the processor time of this process goes, by thread, over some seconds.
//!
//! No stacks: reading those of other threads needs signals or rights that a broker should not have. Threads
//! have names that say what they are for, the kernel says what one that does not run waits in, and the
//! stage clocks say what requests wait for meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::system;

/// Time from one look to the next.
pub(super) const STEP: Duration = Duration::from_millis(100);
/// Threads that are told of; the others took less.
const THREADS_MAX: usize = 200;
/// Ticks of `/proc` in a second: Linux has the same for all programs on every machine that this runs on.
const TICKS_PER_SECOND: f64 = 100.0;
const NANOS: f64 = 1e9;

/// What was seen so far.
pub(super) struct CpuByThread {
    began: Instant,
    looks: u32,
    threads: BTreeMap<u32, Thread>,
}

struct Thread {
    name: String,
    first: Used,
    last: Used,
    /// Looks at which it ran or was ready to.
    running: u32,
    looks: u32,
    /// In what it waited at the others.
    waits: BTreeMap<String, u32>,
}

/// What a thread has used since it began.
#[derive(Clone, Copy, Default)]
struct Used {
    user_ticks: u64,
    system_ticks: u64,
    /// On a processor, and ready without one; from the scheduler, which counts finer.
    ran_ns: u64,
    queued_ns: u64,
}

impl CpuByThread {
    /// Begins with a first look.
    pub(super) fn begin() -> Self {
        let mut new = Self {
            began: Instant::now(),
            looks: 0,
            threads: BTreeMap::new(),
        };
        new.look();
        new
    }

    /// Looks at every thread once.
    pub(super) fn look(&mut self) {
        self.looks += 1;
        let tasks = fs::read_dir("/proc/self/task").into_iter().flatten();
        for task in tasks.flatten() {
            let id = task.file_name().to_str().and_then(|id| id.parse().ok());
            if let Some(id) = id {
                self.look_at(id, &task.path());
            }
        }
    }

    fn look_at(&mut self, id: u32, path: &Path) {
        let read = |name: &str| fs::read_to_string(path.join(name)).unwrap_or_default();
        let stat = read("stat");
        let Some((name, state, mut used)) = used(&stat) else {
            return;
        };
        let schedstat = read("schedstat");
        let mut times = schedstat.split(' ').map(|n| n.parse().unwrap_or(0));
        used.ran_ns = times.next().unwrap_or(0);
        used.queued_ns = times.next().unwrap_or(0);
        let thread = self.threads.entry(id).or_insert_with(|| Thread {
            name: name.to_owned(),
            first: used,
            last: used,
            running: 0,
            looks: 0,
            waits: BTreeMap::new(),
        });
        // A thread that just began still has the name of who started it.
        name.clone_into(&mut thread.name);
        thread.last = used;
        thread.looks += 1;
        if state == "R" {
            thread.running += 1;
        } else {
            let wchan = read("wchan");
            let place = match wchan.as_str() {
                "" | "0" => state,
                place => place,
            };
            *thread.waits.entry(place.to_owned()).or_default() += 1;
        }
    }

    /// A table, the busiest first. `stages` are seconds of requests by stage meanwhile.
    pub(super) fn text(&self, stages: &[(String, f64)]) -> String {
        let seconds = self.began.elapsed().as_secs_f64().max(0.001);
        let mut threads: Vec<&Thread> = self.threads.values().collect();
        threads.sort_by(|a, b| b.cpu_seconds().total_cmp(&a.cpu_seconds()));
        let all: f64 = threads.iter().map(|thread| thread.cpu_seconds()).sum();
        let mut text = format!(
            "processor time by thread over {seconds:.1} s, {} looks: {:.1} % of one processor in all\n\
             Not a profile of stacks. cpu and queued (ready, without a processor) are of that time; kernel\n\
             is the part of the thread's own; running is of the looks, and so is what it waited in most.\n\n\
             cpu %\tkernel %\tqueued %\trunning %\tname\twaited in\n",
            self.looks,
            100.0 * all / seconds,
        );
        for thread in threads.iter().take(THREADS_MAX) {
            system::push(&mut text, format_args!("{}", thread.line(seconds)));
        }
        let left_out = threads.len().saturating_sub(THREADS_MAX);
        if left_out > 0 {
            system::push(&mut text, format_args!("{left_out} threads more\n"));
        }
        text.push_str("\nseconds of requests by stage in about the same time\n");
        for (labels, seconds) in stages.iter().filter(|(_, seconds)| *seconds > 0.0) {
            system::push(&mut text, format_args!("{seconds:.6}\t{labels}\n"));
        }
        text
    }
}

impl Thread {
    fn cpu_seconds(&self) -> f64 {
        let ran_ns = self.last.ran_ns.saturating_sub(self.first.ran_ns);
        match ran_ns {
            0 => self.ticks().0 + self.ticks().1,
            ns => ns as f64 / NANOS,
        }
    }

    /// Seconds of its own and in the kernel.
    fn ticks(&self) -> (f64, f64) {
        let (first, last) = (self.first, self.last);
        let seconds = |from: u64, to: u64| to.saturating_sub(from) as f64 / TICKS_PER_SECOND;
        (
            seconds(first.user_ticks, last.user_ticks),
            seconds(first.system_ticks, last.system_ticks),
        )
    }

    fn line(&self, seconds: f64) -> String {
        let (user, system) = self.ticks();
        let kernel = match user + system > 0.0 {
            true => format!("{:.0}", 100.0 * system / (user + system)),
            false => "-".to_owned(),
        };
        let queued_ns = self.last.queued_ns.saturating_sub(self.first.queued_ns);
        let most = self.waits.iter().max_by_key(|(_, looks)| **looks);
        format!(
            "{:.1}\t{kernel}\t{:.1}\t{:.0}\t{}\t{}\n",
            100.0 * self.cpu_seconds() / seconds,
            100.0 * queued_ns as f64 / NANOS / seconds,
            100.0 * f64::from(self.running) / f64::from(self.looks.max(1)),
            self.name,
            most.map_or("-", |(place, _)| place),
        )
    }
}

/// Name, state and ticks of a thread: `tid (name) S …`; the name may hold anything.
fn used(stat: &str) -> Option<(&str, &str, Used)> {
    let (name, user, system) = system::times(stat)?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let used = Used {
        user_ticks: user.parse().ok()?,
        system_ticks: system.parse().ok()?,
        ..Used::default()
    };
    Some((name, fields.split(' ').next()?, used))
}

/// What the sums of stages in two answers of `/metrics` differ by, the most first.
pub(super) fn stages(before: &str, after: &str) -> Vec<(String, f64)> {
    let before: BTreeMap<&str, f64> = sums(before).collect();
    let grown = sums(after).map(|(labels, now)| {
        let then = before.get(labels).copied().unwrap_or(0.0);
        (labels.to_owned(), now - then)
    });
    let mut grown: Vec<(String, f64)> = grown.collect();
    grown.sort_by(|a, b| b.1.total_cmp(&a.1));
    grown
}

fn sums(page: &str) -> impl Iterator<Item = (&str, f64)> {
    let lines = page.lines();
    lines.filter_map(|line| {
        let rest = line.strip_prefix("limpid_request_stage_seconds_sum")?;
        let (labels, value) = rest.rsplit_once(' ')?;
        Some((labels, value.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn who_works_comes_first() {
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let busy = std::thread::Builder::new().name("busy-bee".to_owned());
        let busy = busy.spawn(move || while !seen.load(Ordering::Relaxed) {});
        let idle = std::thread::Builder::new().name("lazy-bear".to_owned());
        let over = Arc::clone(&ended);
        let idle = idle.spawn(move || {
            while !over.load(Ordering::Relaxed) {
                std::thread::park();
            }
        });
        let mut cpu = CpuByThread::begin();
        for _ in 0..5 {
            std::thread::park_timeout(STEP);
            cpu.look();
        }
        let text = cpu.text(&[("{api=\"Fetch\"}".to_owned(), 0.5)]);
        ended.store(true, Ordering::Relaxed);
        let idle = idle.expect("a thread");
        idle.thread().unpark();
        let of = |name: &str| {
            let line = text.lines().find(|line| line.contains(name));
            let line = line.unwrap_or_else(|| panic!("no {name} in {text}"));
            let cpu: f64 = line.split('\t').next().unwrap_or("").parse().expect("cpu");
            let running: f64 = line
                .split('\t')
                .nth(3)
                .unwrap_or("")
                .parse()
                .expect("running");
            (cpu, running)
        };
        assert!(of("busy-bee").0 > 5.0 && of("busy-bee").1 > 50.0, "{text}");
        assert!(
            of("lazy-bear").0 < 1.0 && of("lazy-bear").1 < 50.0,
            "{text}"
        );
        assert!(text.ends_with("0.500000\t{api=\"Fetch\"}\n"), "{text}");
        busy.expect("a thread").join().expect("no panic");
        idle.join().expect("no panic");
    }

    #[test]
    fn stages_are_what_came_meanwhile() {
        let page = |a: f64, b: f64| {
            let name = "limpid_request_stage_seconds_sum";
            format!("# TYPE x\n{name}{{api=\"a\"}} {a}\n{name}{{api=\"b\"}} {b}\nother 7\n")
        };
        let grown = stages(&page(1.0, 2.0), &page(1.5, 9.0));
        let grown: Vec<_> = grown.iter().map(|(l, s)| (l.as_str(), *s)).collect();
        assert_eq!(grown, [("{api=\"b\"}", 7.0), ("{api=\"a\"}", 0.5)]);
    }
}
