//! What is measured of the broker: requests, scrapes and pages of the console. How it is measured is the
//! [`Meter`]'s business: callgrind counts instructions (`benches/instructions`), criterion takes the time
//! (`benches/times`).
//!
//! The data path's cases go through the broker's own connection code, over a pipe in memory: what the
//! kernel does, and tokio's polling of sockets, is not in the numbers. Scrapes and pages are of a cluster
//! that nobody runs.

mod console;
mod conversation;
mod requests;
mod scrapes;

use std::sync::Arc;

use anyhow::Result;
use limpid_exporter::synthetic::Size;

/// The cluster of scrapes and pages.
const SIZE: Size = Size {
    topics: 40,
    partitions: 400,
    groups: 20,
    partitions_per_group: 20,
};
/// When it is looked at.
const NOW_MS: i64 = 1_700_000_000_000;

/// Measures work.
pub trait Meter: Send + Sync {
    /// Runs it. A round of a case may call this more than once.
    fn measure(&self, work: &mut dyn FnMut());
}

/// Something that is done again and again.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it is called.
    pub name: String,
    /// Rounds before those that are measured.
    pub warm: usize,
    /// One round of it takes as long as so many of a small request.
    pub weight: usize,
}

/// What cases happen in.
pub trait World {
    /// Its cases, in the order in which they are to run.
    fn cases(&self) -> Vec<Case>;

    /// Runs so many rounds of one of them, with the meter for those that count.
    ///
    /// # Errors
    /// The case does not do what it is there for.
    fn run(&mut self, case: usize, rounds: usize, meter: Option<&Arc<dyn Meter>>) -> Result<()>;
}

/// A world that is made when its cases are due.
pub type Maker = fn() -> Result<Box<dyn World>>;

/// The requests of producers and consumers.
pub const DATA_PATH: &[Maker] = &[|| Ok(Box::new(conversation::DataPath::new()?))];

/// What is read over HTTP.
pub const PAGES: &[Maker] = &[
    || Ok(Box::new(scrapes::Scrapes::new()?)),
    || Ok(Box::new(console::Console::new())),
];

/// Does some work, measured or not.
fn measured(meter: Option<&Arc<dyn Meter>>, work: &mut dyn FnMut()) {
    match meter {
        Some(meter) => meter.measure(work),
        None => work(),
    }
}
