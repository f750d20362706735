//! What happens to logs that nobody reads, or nobody compacts, in time.

use std::time::Duration;

use anyhow::Result;
use limpid_interop::librdkafka::config;
use limpid_interop::wire::create_topic;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use super::room::Room;
use super::traffic::{Traffic, write_large};
use crate::alarms::watch::Watch;

const KEPT: &str = "kept-for-short";
const COMPACTED: &str = "compacted";
const LARGE: usize = 100_000;
const EVERY: Duration = Duration::from_millis(200);

/// A topic of which two segments are kept, with a group that never gets on, and one that has to be
/// compacted within a second, by a cleaner that may read a kilobyte in that time.
pub struct Behind {
    writers: [Traffic; 2],
    committer: BaseConsumer,
}

impl Behind {
    /// From now on.
    pub fn start(room: &Room) -> Result<Self> {
        let address = room.peer.address();
        let kept = [("segment.bytes", "1048576"), ("retention.bytes", "2097152")];
        create_topic(&address, KEPT, 1, &kept)?;
        let compacted = [
            ("cleanup.policy", "compact"),
            ("segment.bytes", "1048576"),
            ("max.compaction.lag.ms", "1000"),
            ("min.cleanable.dirty.ratio", "0.01"),
        ];
        create_topic(&address, COMPACTED, 1, &compacted)?;
        let behind = Self {
            writers: [
                write_large(&address, KEPT, LARGE, EVERY)?,
                write_large(&address, COMPACTED, LARGE, EVERY)?,
            ],
            committer: config(&address, &[("group.id", "overtaken")]).create()?,
        };
        behind.commit(1)?;
        Ok(behind)
    }

    fn commit(&self, offset: i64) -> Result<()> {
        let mut position = TopicPartitionList::new();
        position.add_partition_offset(KEPT, 0, Offset::Offset(offset))?;
        Ok(self.committer.commit(&position, CommitMode::Sync)?)
    }

    /// Until the alerts have fired and, where a group is overtaken, it has caught up.
    pub fn run(self, room: &Room, watch: &Watch) -> Result<()> {
        let alerts = ["LimpidRetentionOvertakes", "LimpidOffsetsNearLogStart"];
        for alert in alerts {
            watch.fires(alert)?;
        }
        watch.fires("LimpidCleanerStuck")?;
        let Self { writers, committer } = self;
        drop(writers);
        let (_, end) = committer.fetch_watermarks(KEPT, 0, Duration::from_secs(60))?;
        let mut position = TopicPartitionList::new();
        position.add_partition_offset(KEPT, 0, Offset::Offset(end))?;
        committer.commit(&position, CommitMode::Sync)?;
        limpid_interop::wire::delete_topic(&room.peer.address(), COMPACTED)?;
        watch.ends(&alerts)
    }
}
