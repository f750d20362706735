//! Faults of the machine that a broker runs on, and the alerts that each must raise: a disk that is slow,
//! full or broken, too few files or descriptors, a clock that jumps.

mod disk;
mod host;
mod load;
mod logs;
pub mod room;
pub mod traffic;

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;
use limpid_interop::lab::Lab;
use limpid_interop::process;

use super::watch::Watch;
use room::Room;

/// Set within the namespace of our own.
const INSIDE: &str = "ALARMS_INSIDE";
/// All faults, on a busy machine.
const LIMIT: Duration = Duration::from_secs(1_200);

/// Whether this process may mount what it likes.
pub fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs a test of this program where nobody else sees what it mounts, and it ends with this process.
pub fn go_inside(test: &str) -> Result<()> {
    let mut unshare = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    unshare.args(["--mount", "--fork", "--kill-child"]);
    unshare.arg(std::env::current_exe()?).arg(test);
    let said = process::run(unshare.env(INSIDE, "1"), b"", LIMIT)?.success()?;
    eprintln!("{}", process::tail(&said.stderr));
    Ok(())
}

/// Every fault, one group after the other.
pub fn run(lab: &mut Lab, room: &mut Room, watch: &Watch) -> Result<()> {
    let began = Instant::now();
    let step = |name: &str| eprintln!("  {:>3} s: {name}", began.elapsed().as_secs());
    room.settle(watch)?;
    let behind = logs::Behind::start(room)?;
    step("the canary, the clock, descriptors, a second controller");
    host::small_things(lab, room, watch)?;
    step("a group that is overtaken, a cleaner that is too slow");
    behind.run(room, watch)?;
    step("slow writes, and too many of them");
    load::slow_writes(lab, room, watch)?;
    step("slow syncs");
    disk::slow_syncs(room, watch)?;
    step("a full disk");
    disk::full(room, watch)?;
    disk::crowded(room, watch)?;
    step("a broken disk");
    disk::broken(room, watch)?;
    watch.ends(&[load::SLOW_TO_END])
}
