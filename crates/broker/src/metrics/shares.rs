//! What share groups count.

use limpid_telemetry::{buckets, metrics};

metrics! {
    /// Share groups (KIP-932).
    pub struct ShareMetrics {
        /// Time to read a partition of the share groups' states at the start.
        pub load: histogram[buckets::REQUEST_SECONDS] = "limpid_shares_load_seconds",
            mbean "kafka.server:type=share-coordinator-metrics" attribute_avg_ms "partition-load-time-avg",
            mbean "kafka.server:type=share-coordinator-metrics" attribute_max_ms "partition-load-time-max";
        /// Share sessions open now.
        pub sessions: gauge = "limpid_share_sessions",
            mbean "kafka.server:type=ShareSessionCache,name=ShareSessionsCount" gauge;
        /// Most share sessions, `group.share.max.share.sessions`.
        pub sessions_max: gauge = "limpid_share_sessions_max";
        /// Partitions in open share sessions.
        pub session_partitions: gauge = "limpid_share_session_partitions",
            mbean "kafka.server:type=ShareSessionCache,name=SharePartitionsCount" gauge;
        /// Sessions that ended with their connection.
        pub evictions: counter = "limpid_share_session_evictions_total",
            mbean "kafka.server:type=ShareSessionCache,name=ShareSessionEvictionsPerSec" meter;
        /// Partitions that share groups read now.
        pub partitions: gauge = "limpid_share_partitions";
        /// Share fetches that wait.
        pub parked: gauge = "limpid_share_fetches_parked",
            mbean "kafka.server:type=DelayedOperationPurgatory,name=PurgatorySize,delayedOperation=ShareFetch" gauge,
            mbean "kafka.server:type=DelayedOperationPurgatory,name=NumDelayedOperations,delayedOperation=ShareFetch" gauge;
        /// Records given to members of share groups.
        pub acquired: counter = "limpid_share_acquired_records_total";
        /// Times that records were taken back because nobody said anything of them in time.
        pub expired_locks: counter = "limpid_share_expired_locks_total";
    }
}
