//! A broker and what the system knows of its process.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use limpid_protocol::records::Codec;

use super::load;
use crate::peer::{Kind, Peer};
use crate::process::wait_for;
use crate::process_usage;
use crate::talk;
use crate::tools::Tools;
use crate::wire::create_topic;

/// A start takes at most this.
const START_LIMIT: Duration = Duration::from_secs(120);
/// Partitions of each topic of a crowd.
pub const EACH: i32 = 100;

/// A broker.
#[derive(Debug)]
pub struct Node {
    /// Its process and its folder.
    pub peer: Peer,
}

impl Node {
    /// A new one.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(kind: &Kind, tools: &Tools, folder: &Path, more: &[(&str, &str)]) -> Result<Self> {
        let mut properties = vec![("limpid.metrics.max.series", "10000000")];
        properties.extend(more);
        let peer = Peer::start_new(kind.clone(), tools, folder, &properties)?;
        Ok(Self { peer })
    }

    /// Topics of [`EACH`] partitions: their names.
    ///
    /// # Errors
    /// When one is refused.
    pub fn crowd(&self, partitions: i32) -> Result<Vec<String>> {
        let names: Vec<String> = (0..partitions / EACH)
            .map(|i| format!("crowd-{i:03}"))
            .collect();
        for name in &names {
            create_topic(&self.peer.address(), name, EACH, &[])?;
        }
        Ok(names)
    }

    /// Starts it again; the time from then to the first acknowledged record.
    ///
    /// # Errors
    /// When there is none in time.
    pub fn start_to_first_record(&mut self, topic: &str) -> Result<Duration> {
        let frame = load::produce_frame(topic, 0, &talk::batch(Codec::None, b"first")?)?;
        let begun = Instant::now();
        self.peer.spawn()?;
        let address = self.peer.address();
        wait_for("acknowledged record", START_LIMIT, || {
            self.peer.check_alive()?;
            Ok(load::written(&address, &frame).is_ok().then_some(()))
        })?;
        Ok(begun.elapsed())
    }

    /// User and system time so far, in seconds.
    ///
    /// # Errors
    /// When it is gone.
    pub fn cpu(&self) -> Result<f64> {
        process_usage::cpu_seconds(self.peer.pid())
    }

    /// A line of its status in MiB: `VmRSS` is what is resident, `VmHWM` the most that ever was.
    ///
    /// # Errors
    /// When it is gone.
    pub fn mib(&self, line: &str) -> Result<f64> {
        process_usage::mib(self.peer.pid(), line)
    }

    /// Files and sockets that it has open.
    ///
    /// # Errors
    /// When it is gone.
    pub fn descriptors(&self) -> Result<f64> {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.peer.pid()))?;
        Ok(open.count() as f64)
    }

    /// Files and sockets that it may have open.
    ///
    /// # Errors
    /// When it is gone.
    pub fn descriptors_max(&self) -> Result<f64> {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", self.peer.pid()))?;
        let line = limits
            .lines()
            .find_map(|l| l.strip_prefix("Max open files"));
        let soft = line.and_then(|line| line.split_whitespace().next());
        Ok(soft.context("no limit of open files")?.parse()?)
    }
}
