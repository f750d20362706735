//! What groups read, and who reads: everything about them that is not the coordinator's.

use std::sync::Arc;

use limpid_cluster::watch::{
    DeliveryTotals, Ends, Facts, Leader, OpenTransaction, Reader, Retention,
};
use limpid_coordinator::transactions::Filter;
use limpid_storage::PartitionLog;

use super::Parts;
use crate::share::SharedPartition;
use crate::topics::{Partition, TopicTable};

/// Answers for partitions and members, while a snapshot is made.
pub(super) trait World: Facts {
    /// The log of a partition that this broker leads.
    fn log(&self, topic: &str, partition: i32) -> Option<Arc<PartitionLog>>;

    /// Where a share group is.
    fn shared(&self, group: &str) -> Vec<SharedPartition>;
}

/// This broker.
pub(super) struct Embedded<'a> {
    parts: &'a Parts,
    table: Arc<TopicTable>,
    now_ms: i64,
}

impl<'a> Embedded<'a> {
    pub(super) fn new(parts: &'a Parts, now_ms: i64) -> Self {
        let table = parts.topics.table();
        Self {
            parts,
            table,
            now_ms,
        }
    }

    fn partition(&self, topic: &str, partition: i32) -> Option<&Arc<Partition>> {
        self.table.named(topic)?.partition(partition)
    }
}

impl World for Embedded<'_> {
    fn log(&self, topic: &str, partition: i32) -> Option<Arc<PartitionLog>> {
        Some(Arc::clone(&self.partition(topic, partition)?.log))
    }

    fn shared(&self, group: &str) -> Vec<SharedPartition> {
        self.parts.shares.positions(group)
    }
}

impl Facts for Embedded<'_> {
    fn leader(&self, topic: &str, partition: i32) -> Option<Leader> {
        let led = self.partition(topic, partition)?;
        Some(Leader {
            id: Some(self.parts.node_id),
            epoch: led.leader_epoch(),
        })
    }

    fn ends(&self, topic: &str, partition: i32) -> Option<Ends> {
        let log = &self.partition(topic, partition)?.log;
        // The stable one first: it never passes the other.
        Some(Ends {
            stable: log.last_stable_offset(),
            high_watermark: log.high_watermark(),
        })
    }

    fn transaction(&self, topic: &str, partition: i32, offset: i64) -> Option<OpenTransaction> {
        let log = &self.partition(topic, partition)?.log;
        let producers = log.producers().into_iter();
        let open = producers.filter(|p| p.current_txn_start_offset >= 0);
        let holds = open.min_by_key(|p| p.current_txn_start_offset)?;
        if holds.current_txn_start_offset != offset {
            return None;
        }
        let filter = Filter {
            producer_ids: [holds.producer_id].into(),
            longer_than_ms: -1,
            ..Filter::default()
        };
        // While transactions are being read nobody's name is known.
        let named = self.parts.transactions.list(&filter, |txn| {
            (
                txn.id.to_string(),
                Some(txn.started_ms).filter(|at| *at > 0),
            )
        });
        let named = named.ok().and_then(|all| all.into_iter().next());
        let (transactional_id, since_ms) = named.map_or((None, None), |(id, at)| (Some(id), at));
        Some(OpenTransaction {
            producer_id: holds.producer_id,
            transactional_id,
            since_ms,
        })
    }

    fn retention(&self, topic: &str, partition: i32, offset: i64) -> Option<Retention> {
        retention(&self.partition(topic, partition)?.log, offset, self.now_ms)
    }

    fn reader(&self, client_id: &str, host: &str) -> Option<Reader> {
        self.parts.readers.get(client_id, host)
    }

    fn deliveries(&self, group: &str) -> Option<DeliveryTotals> {
        self.parts.shares.totals(group)
    }
}

/// What a log's settings mean for a record.
pub(super) fn retention(log: &PartitionLog, offset: i64, now_ms: i64) -> Option<Retention> {
    let config = log.config();
    if !config.cleanup_policy.delete {
        return None;
    }
    let limits = (config.retention_ms, u64::try_from(config.retention_bytes));
    if limits.0 < 0 && limits.1.is_err() {
        return None;
    }
    let retained = log.retained(offset)?;
    let age_ms = now_ms.saturating_sub(retained.newest_ms);
    let offsets = log.high_watermark().saturating_sub(log.log_start_offset());
    Some(Retention {
        age_ms: (limits.0 >= 0).then_some((age_ms, limits.0)),
        bytes: limits.1.ok().map(|max| (retained.bytes_behind, max)),
        record_bytes: log.size_bytes() as f64 / offsets.max(1) as f64,
    })
}
