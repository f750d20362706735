//! Transactions and idempotent producers.

use crate::definition::Importance::{High, Low};
use crate::definition::Kind::{Boolean, Int, Short};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define("add.partitions.to.txn.retry.backoff.max.ms", Int, High, "")
        .default("100")
        .min(0),
    define("add.partitions.to.txn.retry.backoff.ms", Int, High, "")
        .default("20")
        .min(1),
    define("producer.id.expiration.check.interval.ms", Int, Low, "")
        .default("600000")
        .min(1)
        .internal(),
    define("producer.id.expiration.ms", Int, Low, "")
        .default("86400000")
        .min(1)
        .cluster_wide(),
    define(
        "transaction.abort.timed.out.transaction.cleanup.interval.ms",
        Int,
        Low,
        "",
    )
    .default("10000")
    .min(1),
    define("transaction.max.timeout.ms", Int, High, "")
        .default("900000")
        .min(1),
    define(
        "transaction.partition.verification.enable",
        Boolean,
        Low,
        "",
    )
    .default("true")
    .cluster_wide(),
    define(
        "transaction.remove.expired.transaction.cleanup.interval.ms",
        Int,
        Low,
        "",
    )
    .default("3600000")
    .min(1),
    define("transaction.state.log.load.buffer.size", Int, High, "")
        .default("5242880")
        .min(1),
    define("transaction.state.log.min.isr", Int, High, "")
        .default("2")
        .min(1),
    define("transaction.state.log.num.partitions", Int, High, "")
        .default("50")
        .min(1),
    define("transaction.state.log.replication.factor", Short, High, "")
        .default("3")
        .min(1),
    define("transaction.state.log.segment.bytes", Int, High, "")
        .default("104857600")
        .min(1),
    define("transaction.two.phase.commit.enable", Boolean, Low, "").default("false"),
    define("transactional.id.expiration.ms", Int, High, "")
        .default("604800000")
        .min(1),
];
