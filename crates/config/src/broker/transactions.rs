//! Transactions and idempotent producers.

use crate::definition::Importance::{High, Low};
use crate::definition::Kind::{Boolean, Int, Short};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define(
        "add.partitions.to.txn.retry.backoff.max.ms",
        Int,
        High,
        "Longest time for which adding a partition to a transaction is tried again.",
    )
    .default("100")
    .min(0)
    .honoured(),
    define(
        "add.partitions.to.txn.retry.backoff.ms",
        Int,
        High,
        "Wait before adding a partition to a transaction is tried again.",
    )
    .default("20")
    .min(1)
    .honoured(),
    define(
        "producer.id.expiration.check.interval.ms",
        Int,
        Low,
        "How often producers that have been silent for long are looked for.",
    )
    .default("600000")
    .min(1)
    .internal(),
    define(
        "producer.id.expiration.ms",
        Int,
        Low,
        "How long a partition remembers a producer that is silent, to recognise its duplicates.",
    )
    .default("86400000")
    .min(1)
    .cluster_wide()
    .honoured(),
    define(
        "transaction.abort.timed.out.transaction.cleanup.interval.ms",
        Int,
        Low,
        "How often transactions that ran out of time are aborted.",
    )
    .default("10000")
    .min(1)
    .honoured(),
    define(
        "transaction.max.timeout.ms",
        Int,
        High,
        "Longest timeout that a transaction may ask for.",
    )
    .default("900000")
    .min(1)
    .honoured(),
    define(
        "transaction.partition.verification.enable",
        Boolean,
        Low,
        "Check that a partition belongs to the transaction before records of it are written.",
    )
    .default("true")
    .cluster_wide()
    .honoured(),
    define(
        "transaction.remove.expired.transaction.cleanup.interval.ms",
        Int,
        Low,
        "How often transactional ids that were not used for long are removed.",
    )
    .default("3600000")
    .min(1)
    .honoured(),
    define(
        "transaction.state.log.load.buffer.size",
        Int,
        High,
        "Batch size with which transactions are read into memory.",
    )
    .default("5242880")
    .min(1)
    .honoured(),
    define(
        "transaction.state.log.min.isr",
        Int,
        High,
        "Replicas that must have a write to the transaction topic.",
    )
    .default("2")
    .min(1)
    .honoured(),
    define(
        "transaction.state.log.num.partitions",
        Int,
        High,
        "Partitions of the transaction topic; not to be changed once it exists.",
    )
    .default("50")
    .min(1)
    .honoured(),
    define(
        "transaction.state.log.replication.factor",
        Short,
        High,
        "Replicas of the transaction topic.",
    )
    .default("3")
    .min(1)
    .honoured(),
    define(
        "transaction.state.log.segment.bytes",
        Int,
        High,
        "Size at which segments of the transaction topic are closed.",
    )
    .default("104857600")
    .min(1)
    .honoured(),
    define(
        "transaction.two.phase.commit.enable",
        Boolean,
        Low,
        "Allow producers to prepare transactions for a coordinator outside Kafka.",
    )
    .default("false"),
    define(
        "transactional.id.expiration.ms",
        Int,
        High,
        "How long a transactional id that is not used is remembered.",
    )
    .default("604800000")
    .min(1)
    .honoured(),
];
