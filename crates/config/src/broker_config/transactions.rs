//! Transactions, as the broker needs them.

use super::Values;

/// Transactions and the topic they are kept in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionsConfig {
    /// `transaction.max.timeout.ms`.
    pub timeout_ms_max: i32,
    /// `transactional.id.expiration.ms`.
    pub id_expiration_ms: i32,
    /// `transaction.abort.timed.out.transaction.cleanup.interval.ms`.
    pub abort_interval_ms: u64,
    /// `transaction.remove.expired.transaction.cleanup.interval.ms`.
    pub expiration_interval_ms: u64,
    /// `transaction.partition.verification.enable`.
    pub verify_partitions: bool,
    /// `add.partitions.to.txn.retry.backoff.ms`.
    pub retry_backoff_ms: u64,
    /// `add.partitions.to.txn.retry.backoff.max.ms`.
    pub retry_ms_max: u64,
    /// `transaction.state.log.load.buffer.size`.
    pub load_buffer_bytes: usize,
    /// `transaction.state.log.min.isr`.
    pub topic_min_insync_replicas: i32,
    /// `transaction.state.log.num.partitions`.
    pub topic_partitions: i32,
    /// `transaction.state.log.replication.factor`.
    pub topic_replication_factor: i32,
    /// `transaction.state.log.segment.bytes`.
    pub topic_segment_bytes: i32,
}

pub(super) fn read(values: &Values<'_>) -> TransactionsConfig {
    let millis = |key| u64::try_from(values.int(key)).unwrap_or(0);
    TransactionsConfig {
        timeout_ms_max: values.int("transaction.max.timeout.ms"),
        id_expiration_ms: values.int("transactional.id.expiration.ms"),
        abort_interval_ms: millis("transaction.abort.timed.out.transaction.cleanup.interval.ms"),
        expiration_interval_ms: millis(
            "transaction.remove.expired.transaction.cleanup.interval.ms",
        ),
        verify_partitions: values.boolean("transaction.partition.verification.enable"),
        retry_backoff_ms: millis("add.partitions.to.txn.retry.backoff.ms"),
        retry_ms_max: millis("add.partitions.to.txn.retry.backoff.max.ms"),
        load_buffer_bytes: values.size("transaction.state.log.load.buffer.size"),
        topic_min_insync_replicas: values.int("transaction.state.log.min.isr"),
        topic_partitions: values.int("transaction.state.log.num.partitions"),
        topic_replication_factor: values.int("transaction.state.log.replication.factor"),
        topic_segment_bytes: values.segment_bytes("transaction.state.log.segment.bytes"),
    }
}
