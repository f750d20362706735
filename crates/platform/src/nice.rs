//! Threads that let others go first.

use std::cell::Cell;
#[cfg(target_os = "linux")]
use std::io;
#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

/// How much nicer threads are that come last. They have a tenth of the processor while somebody else wants it: what
/// was begun ends, nobody holds a lock for ever, and new clients get in.
pub const NICER: i32 = 10;
/// After so much work a nice thread gives way.
const WORK: Duration = Duration::from_micros(100);
/// Long enough for the system to give the processor to somebody else. Who asks for a microsecond is woken before
/// that is done, and simply goes on.
const AWAY_NANOS: i64 = 30_000;

thread_local! {
    static IS_NICER: Cell<bool> = const { Cell::new(false) };
    /// When this thread last gave way.
    static GAVE_WAY: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Whether this thread lets others go first.
pub(crate) fn is_nicer() -> bool {
    IS_NICER.get()
}

/// Gives way, if this thread is nicer and has not done so for a while. For between two pieces of long work.
///
/// Being nice is not enough: a thread that has had more than its share is not given the processor when it wakes
/// up, however nice the other one is, and the kernel looks again at its next tick, up to four milliseconds later.
pub fn give_way_if_nicer() {
    if is_nicer() && GAVE_WAY.get().is_none_or(|last| last.elapsed() >= WORK) {
        give_way();
        GAVE_WAY.set(Some(Instant::now()));
    }
}

/// Leaves the processor for a moment to whoever waits for it. `sched_yield(2)` would not: among threads of one
/// share the system may choose this one again.
pub fn give_way() {
    #[cfg(target_os = "linux")]
    drop(rustix::thread::nanosleep(&rustix::thread::Timespec {
        tv_sec: 0,
        tv_nsec: AWAY_NANOS,
    }));
}

/// The longest slice there is (`sched(7)`; since Linux 6.12 each thread may have its own). A thread that wakes up
/// takes the processor at once from one whose slice is longer than its own. From one with a slice of the same
/// length it takes it only when that has been used up, which the kernel may notice no sooner than four
/// milliseconds later, however nice that thread is.
#[cfg(target_os = "linux")]
const SLICE_NANOS: u64 = 100_000_000;

/// Makes the thread that calls this, and those that it starts later, so much nicer: the kernel lets others go
/// first. Only Linux knows nice threads; elsewhere they are like all others.
#[cfg(target_os = "linux")]
pub fn be_nicer(nicer: i32) {
    if nicer > 0 {
        IS_NICER.set(true);
        // Without any of it the work is done all the same.
        rustix::process::nice(nicer).ok();
        set_slice(SLICE_NANOS).ok();
        // Otherwise a moment is longer by 50 microseconds.
        rustix::thread::set_current_timer_slack(NonZeroU64::new(1)).ok();
    }
}

/// See above.
#[cfg(not(target_os = "linux"))]
pub fn be_nicer(_nicer: i32) {}

/// `struct sched_attr` of `sched_setattr(2)`, in its first version, of 48 bytes.
#[cfg(target_os = "linux")]
#[repr(C)]
#[derive(Debug, Default, Clone, Copy)]
struct SchedAttr {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    /// Of a thread with the usual policy: its slice, in nanoseconds; the kernel's own when 0.
    runtime: u64,
    deadline: u64,
    period: u64,
}

/// How this thread is scheduled.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "there is no safe call of sched_getattr(2)")]
fn scheduled() -> io::Result<SchedAttr> {
    let mut now = SchedAttr::default();
    // SAFETY: the kernel writes at most as many bytes as it is told there are.
    let done = unsafe {
        libc::syscall(
            libc::SYS_sched_getattr,
            0,
            &raw mut now,
            size_of::<SchedAttr>(),
            0,
        )
    };
    told(done).map(|()| now)
}

/// Gives this thread slices of a length, and leaves the rest as it is. Kernels before 6.12 ignore it.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "there is no safe call of sched_setattr(2)")]
fn set_slice(nanos: u64) -> io::Result<()> {
    let wanted = SchedAttr {
        size: size_of::<SchedAttr>() as u32,
        flags: 0,
        runtime: nanos,
        ..scheduled()?
    };
    // SAFETY: the kernel reads the bytes whose number stands at their beginning, and keeps none of them.
    let done = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const wanted, 0) };
    told(done)
}

#[cfg(target_os = "linux")]
fn told(done: libc::c_long) -> io::Result<()> {
    match done {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// How often this thread has left the processor by itself.
    fn left() -> u64 {
        let status = std::fs::read_to_string("/proc/thread-self/status").expect("proc is mounted");
        let mut lines = status.lines();
        let line = lines.find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.and_then(|count| count.trim().parse().ok())
            .expect("the kernel counts them")
    }

    #[test]
    fn a_nice_thread_gives_way_now_and_then_and_others_never() {
        let work = |nicer| {
            let thread = std::thread::spawn(move || {
                be_nicer(nicer);
                let (before, begun) = (left(), Instant::now());
                while begun.elapsed() < 20 * WORK {
                    give_way_if_nicer();
                }
                (left() - before, GAVE_WAY.get().is_some())
            });
            thread.join().unwrap()
        };
        assert!(!work(0).1);
        let (left, gave_way) = work(1);
        // The disk may have made it wait as well, but not that often.
        assert!(gave_way && (1..=40).contains(&left), "{left}");
    }

    #[test]
    fn a_nice_thread_has_a_long_slice_and_is_otherwise_what_it_was() {
        let before = scheduled().unwrap();
        let nice = std::thread::spawn(|| {
            be_nicer(3);
            (scheduled().unwrap(), is_nicer())
        });
        let (nice, is_told) = nice.join().unwrap();
        assert!(is_told && !is_nicer());
        assert_eq!((nice.policy, nice.nice), (before.policy, before.nice + 3));
        // A kernel that knows no slices of threads says nothing of one.
        assert!([0, SLICE_NANOS].contains(&nice.runtime), "{nice:?}");
        let after = scheduled().unwrap();
        assert_eq!((after.nice, after.runtime), (before.nice, before.runtime));
    }
}
