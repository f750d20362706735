//! Offsets that are committed in transactions (TxnOffsetCommit).

use std::sync::Arc;

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use limpid_protocol::messages::offset_commit_response::OffsetCommitResponseTopic;
use limpid_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};

use super::Coordinator;
use crate::after::{After, OffsetsAfter};
use crate::commit_kind::CommitKind;
use crate::group::{Group, commit_records};
use crate::limits::Now;
use crate::open_offsets::Key;
use crate::out::Out;
use crate::record::Record;

impl Coordinator {
    /// TxnOffsetCommit. The offsets count once the transaction is committed. The answer holds if
    /// the records get written.
    ///
    /// # Errors
    /// The whole commit is refused.
    pub fn commit_in_transaction(
        &mut self,
        now: Now,
        request: TxnOffsetCommitRequest,
        out: &mut Out,
    ) -> Result<Vec<OffsetCommitResponseTopic>, ErrorCode> {
        if request.group_id.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        let producer = (request.producer_id, request.producer_epoch);
        let request = as_commit(request);
        let id: Arc<str> = match self.groups.get(&*request.group_id) {
            Some(group) => {
                group.check_commit(&request, CommitKind::InTransaction)?;
                Arc::clone(&group.id)
            }
            None if request.generation_id_or_member_epoch < 0 => request.group_id.as_str().into(),
            None => return Err(ErrorCode::IllegalGeneration),
        };
        let (records, answer) = commit_records(&id, request, now.wall_ms, &self.limits);
        if !records.is_empty() {
            let after = OffsetsAfter::InTransaction(id, producer.0);
            out.write(records, After::Offsets(after));
            out.producer = Some(producer);
        }
        Ok(answer)
    }

    /// The marker of a producer's transaction is in the log.
    pub fn end_transaction(&mut self, now: Now, producer_id: i64, commit: bool) {
        for ((group, topic, partition), committed) in self.open.end(producer_id, commit) {
            let known = self.group_or_new(now, group);
            known.offsets.put(&topic, partition, committed);
        }
    }

    /// Takes over one record of the log that was written in a transaction.
    pub fn replay_in_transaction(&mut self, now: Now, producer_id: i64, record: Record) {
        if let Record::Offset {
            group,
            topic,
            partition,
            committed: Some(committed),
        } = record
        {
            self.group_or_new(now, Arc::clone(&group));
            self.open
                .put(producer_id, (group, topic, partition), committed);
        }
    }

    /// Whether a transaction may still change an offset (OffsetFetch with `require_stable`).
    pub fn is_unstable(&self, group: &str, topic: &str, partition: i32) -> bool {
        !self.open.is_empty() && self.open.contains(&(group.into(), topic.into(), partition))
    }

    pub(super) fn group_or_new(&mut self, now: Now, id: Arc<str>) -> &mut Group {
        let group = self
            .groups
            .entry(Arc::clone(&id))
            .or_insert_with(|| Group::new(id, now));
        group.view = None;
        group
    }

    /// Tombstones for the offsets of a group that exist in open transactions only.
    pub(super) fn open_tombstones(
        &self,
        id: &str,
        which: impl Fn(&Key, &crate::Committed) -> bool,
    ) -> Vec<Record> {
        let Some(group) = self.groups.get(id) else {
            return Vec::new();
        };
        let mut records: Vec<Record> = Vec::new();
        for (key, committed) in self.open.of_group(&group.id) {
            let (_, topic, partition) = key;
            if group.offsets.get(topic, *partition).is_none() && which(key, committed) {
                let tombstone = group.offset_tombstone(topic, *partition);
                // Several producers may have written the same one.
                if records.last() != Some(&tombstone) {
                    records.push(tombstone);
                }
            }
        }
        records
    }
}

fn as_commit(request: TxnOffsetCommitRequest) -> OffsetCommitRequest {
    let partition = |p: TxnOffsetCommitRequestPartition| OffsetCommitRequestPartition {
        partition_index: p.partition_index,
        committed_offset: p.committed_offset,
        committed_leader_epoch: p.committed_leader_epoch,
        committed_metadata: p.committed_metadata,
    };
    let topic = |t: TxnOffsetCommitRequestTopic| OffsetCommitRequestTopic {
        name: t.name,
        partitions: t.partitions.into_iter().map(partition).collect(),
        ..OffsetCommitRequestTopic::default()
    };
    OffsetCommitRequest {
        group_id: request.group_id,
        generation_id_or_member_epoch: request.generation_id,
        member_id: request.member_id,
        group_instance_id: request.group_instance_id,
        topics: request.topics.into_iter().map(topic).collect(),
        ..OffsetCommitRequest::default()
    }
}
