//! A disk that is slow to sync, full, out of files, and broken.

use anyhow::{Result, ensure};
use limpid_interop::disk::{Order, SIZE};
use limpid_interop::wire::create_topic;

use super::room::Room;
use crate::alarms::watch::Watch;

/// Calls for the disk take eight seconds: what was acknowledged waits, and so does the housekeeping.
pub fn slow_syncs(room: &Room, watch: &Watch) -> Result<()> {
    room.disk.order(Order::SlowSync, 8_000_000)?;
    watch.fires("LimpidUnflushedBytes")?;
    watch.fires("LimpidSnapshotStale")?;
    room.disk.heal()?;
    watch.ends(&["LimpidUnflushedBytes", "LimpidSnapshotStale"])
}

/// First it fills up, then it is nearly full, then there is nothing left.
pub fn full(room: &Room, watch: &Watch) -> Result<()> {
    room.disk.fill(SIZE / 4)?;
    watch.fires("LimpidDiskFillsIn4h")?;
    room.disk.fill(SIZE / 14)?;
    watch.fires("LimpidDiskLow")?;
    room.disk.fill(0)?;
    watch.fires("LimpidProduceErrors")?;
    room.disk.empty()?;
    watch.ends(&["LimpidDiskLow", "LimpidProduceErrors"])
}

/// There is room, but for no further file: a topic is in the metadata and can have no log.
pub fn crowded(room: &Room, watch: &Watch) -> Result<()> {
    room.disk.crowd()?;
    drop(create_topic(&room.peer.address(), "without-a-log", 1, &[]));
    let alerts = ["LimpidMetadataLag", "LimpidMetadataErrors"];
    let fired = alerts.iter().try_for_each(|alert| watch.fires(alert));
    room.disk.disperse()?;
    fired?;
    watch.ends(&alerts)
}

/// A write fails on the weak half, which is offline from then on, and is repaired.
pub fn broken(room: &mut Room, watch: &Watch) -> Result<()> {
    let failed = room.disk.failed()?;
    room.disk.order(Order::FailWrite, 1)?;
    let alerts = [
        "LimpidLogDirOffline",
        "LimpidOfflinePartitions",
        "LimpidPreferredReplicaImbalance",
        "LimpidFetchErrors",
        "LimpidFetchErrorBudget",
    ];
    for alert in alerts {
        watch.fires(alert)?;
    }
    ensure!(room.disk.failed()? > failed, "no write failed");
    room.disk.heal()?;
    room.peer.stop()?;
    room.peer.set("log.cleaner.io.max.bytes.per.second", "1e9");
    room.peer.start()?;
    watch.ends(&alerts)?;
    watch.ends(&["LimpidCleanerStuck"])
}
