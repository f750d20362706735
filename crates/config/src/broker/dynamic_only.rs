//! Entries that can only be altered while the broker runs.

use crate::definition::Importance::Medium;
use crate::definition::Kind::Long;
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define(
        "follower.replication.throttled.rate",
        Long,
        Medium,
        "Bytes per second for throttled followers.",
    )
    .min(0)
    .cluster_wide(),
    define(
        "leader.replication.throttled.rate",
        Long,
        Medium,
        "Bytes per second for throttled leaders.",
    )
    .min(0)
    .cluster_wide(),
    define(
        "replica.alter.log.dirs.io.max.bytes.per.second",
        Long,
        Medium,
        "Bytes per second for moves between log directories.",
    )
    .min(0)
    .cluster_wide(),
];
