//! Many bytes, SIGKILL, and the time until a record is acknowledged again.

use std::path::Path;

use anyhow::{Result, ensure};
use limpid_protocol::records::Codec;
use rustix::fs::statvfs;

use super::load;
use super::node::Node;
use super::report::{Goal, Row};
use crate::peer::Kind;
use crate::talk;
use crate::tools::Tools;
use crate::wire::create_topic;

const TOPIC: &str = "heavy";
const PARTITIONS: i32 = 6;
const BATCH_BYTES: usize = 1_000_000;
/// What must be left on the disk.
const SPARE_BYTES: u64 = 14 << 30;

/// Runs it with this many GiB.
///
/// # Errors
/// When the disk has no room for it, or the broker refuses something.
pub fn recovery(kind: &Kind, tools: &Tools, folder: &Path, gib: f64) -> Result<Vec<Row>> {
    let disk = statvfs(folder)?;
    let bytes = gib * f64::from(1 << 30);
    let free = disk.f_bavail * disk.f_frsize;
    ensure!(
        free as f64 > bytes + SPARE_BYTES as f64,
        "only {free} bytes are free: --gib less, or TMPDIR elsewhere"
    );
    let mut node = Node::start(kind, tools, folder, &[])?;
    let address = node.peer.address();
    create_topic(&address, TOPIC, PARTITIONS, &[])?;
    let batch = talk::batch(Codec::None, &vec![b'x'; BATCH_BYTES])?;
    let frame = |partition| load::produce_frame(TOPIC, partition, &batch);
    let frames = (0..PARTITIONS).map(frame).collect::<Result<Vec<_>>>()?;
    for turn in 0..(bytes / BATCH_BYTES as f64) as usize {
        load::written(&address, &frames[turn % frames.len()])?;
    }
    node.peer.kill();
    let took = node.start_to_first_record(TOPIC)?.as_secs_f64();
    let what = format!("kill -9 with {gib} GiB to first acknowledged record, s");
    let cpu = node.cpu()?;
    node.peer.kill();
    Ok(vec![
        Row::new(what, Goal::AtMost(5.0), took),
        Row::told("CPU s of that start", cpu),
    ])
}
