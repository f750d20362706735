//! The canary, the clock, the limit of open files, a second controller.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use limpid_interop::disk::Order;
use limpid_interop::lab::Lab;
use limpid_interop::peer::Peer;
use limpid_interop::process::run;

use super::room::{CANARY, Room, TOPIC};
use crate::alarms::watch::Watch;

const LIMIT: Duration = Duration::from_secs(60);

/// No record of the canary is small enough for its topic any more; the wall clock is set forward, and
/// back (the machine's own is left alone: the broker is lied to); the broker may open hardly more files
/// than it has open; and another node of the same name for the cluster thinks that it is the controller.
pub fn small_things(lab: &Lab, room: &Room, watch: &Watch) -> Result<()> {
    let alerts = [
        "LimpidCanaryFailing",
        "LimpidClockJumped",
        "LimpidFileDescriptorsLow",
        "LimpidActiveController",
    ];
    let narrow = |bytes| room.configure((TOPIC, CANARY), &[("max.message.bytes", bytes)]);
    narrow(Some("1"))?;
    room.disk.order(Order::ClockAhead, 30)?;
    let usual = open_files_at_most(room, None)?;
    let mut second = Peer::start_new(lab.kind().clone(), &lab.tools, &lab.folder("second")?, &[])?;
    let first = room.peer.http_address();
    watch.scrape(&[&first, &second.http_address()])?;
    let fired = alerts.iter().try_for_each(|alert| watch.fires(alert));
    open_files_at_most(room, Some(&usual))?;
    fired?;
    watch.scrape(&[&first])?;
    second.stop()?;
    room.disk.order(Order::ClockAhead, 0)?;
    narrow(None)?;
    watch.ends(&alerts)
}

/// Sets the limit of open files, or makes it just more than are open; what it was.
fn open_files_at_most(room: &Room, limit: Option<&str>) -> Result<String> {
    let pid = room.peer.pid().to_string();
    let prlimit = |more: &[&str]| -> Result<String> {
        let mut prlimit = Command::new("prlimit");
        prlimit.args(["--pid", &pid]).args(more);
        Ok(run(&mut prlimit, b"", LIMIT)?
            .success()?
            .text()
            .trim()
            .to_owned())
    };
    let usual = prlimit(&["--nofile", "--noheadings", "--raw", "--output", "SOFT"])?;
    let open = std::fs::read_dir(format!("/proc/{pid}/fd"))?.count();
    let limit = limit.map_or_else(|| (open * 10 / 9).to_string(), str::to_owned);
    prlimit(&[&format!("--nofile={limit}:")])?;
    Ok(usual)
}
