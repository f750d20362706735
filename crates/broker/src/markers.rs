//! Ending transactions in the partitions that they wrote to.

use std::sync::Arc;

use limpid_platform::clock::Clock;
use limpid_platform::sabotage::Bug;
use limpid_protocol::ErrorCode;

use crate::coordinator_log::Flushed;
use crate::coordinator_log::marker::Marker;
use crate::groups::Groups;
use crate::groups::topic::OFFSETS_TOPIC;
use crate::topics::Topics;

/// Writes markers.
pub struct Markers {
    topics: Arc<Topics>,
    groups: Arc<Groups>,
    clock: Arc<dyn Clock>,
}

impl Markers {
    /// `groups` are told when offsets of a transaction count.
    pub fn new(topics: Arc<Topics>, groups: Arc<Groups>, clock: Arc<dyn Clock>) -> Self {
        Self {
            topics,
            groups,
            clock,
        }
    }

    /// Writes one.
    ///
    /// # Errors
    /// As WriteTxnMarkers tells them.
    pub fn write(&self, marker: &Marker, topic: &str, index: i32) -> Result<Flushed, ErrorCode> {
        let mut marker = *marker;
        marker.commit &= !(Bug::TearTransactions.is_planted() && self.tears(index));
        let table = self.topics.table();
        let topic = table.named(topic);
        let topic = topic.ok_or(ErrorCode::UnknownTopicOrPartition)?;
        if &*topic.name == OFFSETS_TOPIC {
            return self.groups.mark(index, &marker);
        }
        let partition = topic.partition(index);
        let partition = partition.ok_or_else(|| topic.missing(index))?;
        marker.append(topic, partition, self.clock.wall_ms())
    }

    /// Now and then, for one partition. See [`Bug::TearTransactions`].
    fn tears(&self, index: i32) -> bool {
        index == 1 && self.clock.wall_ms() % 4 == 0
    }
}
