//! The rows.

use super::OffsetReset;
use crate::check::Check;
use crate::definition::Importance::Medium;
use crate::definition::Kind::{Boolean, Int, String};
use crate::definition::{Definition, define};

/// Keys without a broker's key behind them.
pub(super) const WITHOUT_SYNONYM: &[(&str, bool)] = &[
    ("share.auto.offset.reset", false),
    ("share.isolation.level", false),
    ("share.renew.acknowledge.enable", false),
];

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define("consumer.assignment.interval.ms", Int, Medium, "Shortest time between two assignments of this consumer group.").default("1000").min(0).honoured(),
    define("consumer.heartbeat.interval.ms", Int, Medium, "How often members of this consumer group report.").default("5000").min(1).honoured(),
    define("consumer.session.timeout.ms", Int, Medium, "How long a silent member stays in this consumer group.").default("45000").min(1).honoured(),
    define("share.assignment.interval.ms", Int, Medium, "Shortest time between two assignments of this share group.").default("1000").min(0).honoured(),
    define("share.auto.offset.reset", String, Medium, "Where this share group begins to read a partition: earliest, latest, or by_duration:<ISO 8601>.").default("latest").check(Check::With(offset_reset)).honoured(),
    define("share.delivery.count.limit", Int, Medium, "How often a record is delivered in this share group before it is given up.").default("5").min(2).honoured(),
    define("share.heartbeat.interval.ms", Int, Medium, "How often members of this share group report.").default("5000").min(1).honoured(),
    define("share.isolation.level", String, Medium, "Whether this share group reads records of aborted and open transactions.").default("read_uncommitted").one_of(&["read_committed", "read_uncommitted"]).honoured(),
    define("share.partition.max.record.locks", Int, Medium, "Most records of a partition that members of this share group have at a time.").default("2000").min(100).honoured(),
    define("share.record.lock.duration.ms", Int, Medium, "How long a member of this share group may have a record.").default("30000").min(1000).honoured(),
    define("share.renew.acknowledge.enable", Boolean, Medium, "Whether members of this share group may ask for more time.").default("true").honoured(),
    define("share.session.timeout.ms", Int, Medium, "How long a silent member stays in this share group.").default("45000").min(1).honoured(),
    define("streams.assignment.interval.ms", Int, Medium, "Shortest time between two assignments of this streams group.").default("1000").min(0),
    define("streams.heartbeat.interval.ms", Int, Medium, "How often members of this streams group report.").default("5000").min(1),
    define("streams.initial.rebalance.delay.ms", Int, Medium, "How long the first rebalance of this streams group waits for more members.").default("3000").min(0),
    define("streams.num.standby.replicas", Int, Medium, "Standby copies of each task of this streams group.").default("0").min(0),
    define("streams.session.timeout.ms", Int, Medium, "How long a silent member stays in this streams group.").default("45000").min(1),
];

fn offset_reset(value: &str) -> Result<(), std::string::String> {
    match OffsetReset::parse(value) {
        Some(_) => Ok(()),
        None => Err("one of earliest, latest, by_duration:<ISO 8601 duration>".to_owned()),
    }
}
