//! Named histogram buckets.

/// Request stages and whole requests: 100 µs (below it a produce on loopback hides) to 10 s (a
/// long poll or a purgatory wait; Kafka's default request timeout is 30 s).
pub const REQUEST_SECONDS: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

/// Rebalances of a consumer group: 10 ms (members that only have to sync) over 3 s (the delay that
/// gathers the first members) to 5 minutes (Java's `max.poll.interval.ms`).
pub const REBALANCE_SECONDS: &[f64] = &[
    0.01, 0.05, 0.1, 0.5, 1.0, 3.0, 6.0, 10.0, 30.0, 60.0, 120.0, 300.0,
];

/// Disk calls (fsync, segment reads): 50 µs on NVMe to 5 s on a disk about to be given up.
pub const DISK_SECONDS: &[f64] = &[
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
    5.0,
];

/// Sizes of records, batches and requests: 128 B to 128 MiB by powers of eight or so; the default
/// `message.max.bytes` (1 MiB) is an edge.
pub const SIZE_BYTES: &[f64] = &[
    128.0,
    1024.0,
    8192.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    8_388_608.0,
    33_554_432.0,
    134_217_728.0,
];

/// From an append to its first delivery: 1 ms (a consumer that waits on the next core) to an hour (a
/// consumer that was stopped); a long poll of half a second and a fetch every 5 s are edges.
pub const DELIVER_SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0,
    3600.0,
];

/// From an append to its commit: 1 s (arrivals are not known better) over 5 s (Java's
/// `auto.commit.interval.ms`) to a day (a group that runs by night).
pub const COMMIT_SECONDS: &[f64] = &[
    1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0, 21600.0, 86400.0,
];

/// Sizes of records: 16 B (a counter) to 8 MiB (somebody raised `max.message.bytes`); its default,
/// 1 MiB, is an edge.
pub const RECORD_BYTES: &[f64] = &[
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    8_388_608.0,
];

/// Rounds of compaction: 10 ms (a small topic) to an hour (a segment of a gigabyte takes seconds, a
/// log may have hundreds).
pub const COMPACTION_SECONDS: &[f64] =
    &[0.01, 0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0];
