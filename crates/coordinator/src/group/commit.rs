//! Offsets of a group: committing, expiring, deleting.

use std::sync::Arc;

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition,
};
use limpid_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};

use super::{Group, Kind, Turn};
use crate::commit_kind::CommitKind;
use crate::limits::Limits;
use crate::offsets::Committed;
use crate::open_offsets::OpenOffsets;
use crate::record::Record;
use crate::state::State;

/// "As the broker is configured" in versions 2 to 4.
const DEFAULT_RETENTION: i64 = -1;

impl Group {
    /// Whether this commit is to be accepted. In a transaction a member need not say who it is, and
    /// a rebalance does not matter.
    pub(crate) fn check_commit(
        &self,
        request: &OffsetCommitRequest,
        kind: CommitKind,
    ) -> Result<(), ErrorCode> {
        if let Kind::Share(_) = &self.kind {
            return Err(ErrorCode::GroupIdNotFound);
        }
        if let Kind::Consumer(consumer) = &self.kind {
            return consumer.check_commit(request, kind);
        }
        let in_transaction = kind == CommitKind::InTransaction;
        let generation = request.generation_id_or_member_epoch;
        let instance = request.group_instance_id.as_deref();
        if self.state == State::Dead {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        if generation < 0 && self.state == State::Empty {
            // A tool, or a consumer that assigns its partitions itself.
            return Ok(());
        }
        if generation >= 0 || !request.member_id.is_empty() || instance.is_some() {
            self.check_member(&request.member_id, instance)?;
            if generation != self.generation {
                return Err(ErrorCode::IllegalGeneration);
            }
        } else if !in_transaction && self.state != State::Empty {
            return Err(ErrorCode::UnknownMemberId);
        }
        if !in_transaction && self.state == State::CompletingRebalance {
            return Err(ErrorCode::RebalanceInProgress);
        }
        Ok(())
    }

    /// A commit is a sign of life.
    pub(crate) fn commit_keeps_alive(&mut self, turn: &mut Turn<'_>, member_id: &str) {
        if matches!(self.kind, Kind::Classic)
            && matches!(self.state, State::Stable | State::PreparingRebalance)
        {
            self.keep_alive(turn, member_id);
        }
    }

    /// The time from which the retention of an offset counts; `None` while it can't expire.
    fn expires_from(&self, committed: &Committed) -> Option<i64> {
        if self.protocol_type.is_none() || matches!(self.kind, Kind::Consumer(_)) {
            return Some(committed.commit_ms);
        }
        match self.state {
            State::Empty => Some(self.since_ms.unwrap_or(committed.commit_ms)),
            // Of topics that nobody in the group reads any more.
            State::Stable if self.is_consumer() && self.subscribed.is_some() => {
                Some(committed.commit_ms)
            }
            _ => None,
        }
    }

    /// When an offset expires if nothing happens; `None` if it doesn't.
    pub(crate) fn expires_at(&self, topic: &str, one: &Committed, limits: &Limits) -> Option<i64> {
        if self.reads(topic) {
            return None;
        }
        let from = self.expires_from(one)?;
        let retention_ms = limits.offsets_retention_ms;
        Some(one.expire_ms.unwrap_or(from.saturating_add(retention_ms)))
    }

    /// Tombstones for what is too old; with nothing left and no members also for the group.
    /// What `open` transactions may still change stays.
    pub(crate) fn expired(&self, wall_ms: i64, limits: &Limits, open: &OpenOffsets) -> Vec<Record> {
        let mut records = Vec::new();
        let mut keeps = 0_usize;
        for (topic, partition, committed) in self.offsets.iter() {
            let at = self.expires_at(topic, committed, limits);
            let is_open = || open.contains(&(Arc::clone(&self.id), Arc::clone(topic), partition));
            if at.is_some_and(|at| at <= wall_ms) && !is_open() {
                records.push(self.offset_tombstone(topic, partition));
            } else {
                keeps += 1;
            }
        }
        let has_open = open.of_group(&self.id).next().is_some();
        if keeps == 0 && self.state == State::Empty && self.pending.is_empty() && !has_open {
            records.extend(self.tombstones());
        }
        records
    }

    /// Tombstones for all offsets that `which` names.
    pub(crate) fn offset_tombstones(
        &self,
        which: impl Fn(&str, i32, &Committed) -> bool,
    ) -> Vec<Record> {
        let offsets = self.offsets.iter();
        offsets
            .filter(|(topic, partition, committed)| which(topic, *partition, committed))
            .map(|(topic, partition, _)| self.offset_tombstone(topic, partition))
            .collect()
    }

    pub(crate) fn offset_tombstone(&self, topic: &Arc<str>, partition: i32) -> Record {
        Record::Offset {
            group: Arc::clone(&self.id),
            topic: Arc::clone(topic),
            partition,
            committed: None,
        }
    }

    pub(crate) fn tombstone(&self) -> Record {
        Record::Group {
            group: Arc::clone(&self.id),
            value: None,
        }
    }
}

/// The records of a commit, and the answer if they get written.
pub(crate) fn commit_records(
    group: &Arc<str>,
    request: OffsetCommitRequest,
    wall_ms: i64,
    limits: &Limits,
) -> (Vec<Record>, Vec<OffsetCommitResponseTopic>) {
    let expire_ms = match request.retention_time_ms {
        DEFAULT_RETENTION => None,
        retention => Some(wall_ms.saturating_add(retention)),
    };
    let mut records = Vec::new();
    let mut answers = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let name: Arc<str> = topic.name.as_str().into();
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in topic.partitions {
            let error = check_metadata(&partition, limits).err();
            partitions.push(OffsetCommitResponsePartition {
                partition_index: partition.partition_index,
                error_code: error.unwrap_or(ErrorCode::None).code(),
            });
            if error.is_some() {
                continue;
            }
            records.push(Record::Offset {
                group: Arc::clone(group),
                topic: Arc::clone(&name),
                partition: partition.partition_index,
                committed: Some(Committed {
                    offset: partition.committed_offset,
                    leader_epoch: partition.committed_leader_epoch,
                    metadata: partition.committed_metadata.unwrap_or_default().into(),
                    commit_ms: wall_ms,
                    expire_ms,
                    topic_id: topic.topic_id,
                }),
            });
        }
        answers.push(OffsetCommitResponseTopic {
            name: topic.name,
            topic_id: topic.topic_id,
            partitions,
        });
    }
    (records, answers)
}

fn check_metadata(
    partition: &OffsetCommitRequestPartition,
    limits: &Limits,
) -> Result<(), ErrorCode> {
    let metadata = partition.committed_metadata.as_deref().unwrap_or_default();
    // Java's length of a string; never more than its bytes.
    let max = limits.offset_metadata_max;
    if metadata.len() > max && metadata.encode_utf16().count() > max {
        return Err(ErrorCode::OffsetMetadataTooLarge);
    }
    Ok(())
}
