//! What share groups count.

use limpid_coordinator::delivery::Verdict;
use limpid_telemetry::{LabelEnum, buckets, metrics};

/// [`Verdict`] as a label, in Kafka's words.
#[derive(Debug, Clone, Copy)]
pub struct Acknowledged(pub Verdict);

impl LabelEnum for Acknowledged {
    const COUNT: usize = 5;

    fn index(self) -> usize {
        self.0 as usize
    }

    fn as_str(self) -> &'static str {
        match self.0 {
            Verdict::Gap => "Gap",
            Verdict::Accept => "Accept",
            Verdict::Release => "Release",
            Verdict::Reject => "Reject",
            Verdict::Renew => "Renew",
        }
    }
}

metrics! {
    /// Share groups (KIP-932).
    pub struct ShareMetrics {
        /// Time to read a partition of the share groups' states at the start.
        pub load: histogram[buckets::REQUEST_SECONDS] = "limpid_shares_load_seconds",
            mbean "kafka.server:type=share-coordinator-metrics" attribute_avg_ms "partition-load-time-avg",
            mbean "kafka.server:type=share-coordinator-metrics" attribute_max_ms "partition-load-time-max";
        /// Writes of states into their topic, and the time they took.
        pub writes: histogram[buckets::REQUEST_SECONDS] = "limpid_share_state_write_seconds",
            mbean "kafka.server:type=share-coordinator-metrics" attribute_avg_ms "write-latency-avg",
            mbean "kafka.server:type=share-coordinator-metrics" attribute_max_ms "write-latency-max",
            mbean "kafka.server:type=share-coordinator-metrics" attribute "write-total",
            mbean "kafka.server:type=share-coordinator-metrics" attribute_rate "write-rate";
        /// Topics of ShareFetch requests.
        pub fetch_requests: counter = "limpid_share_fetch_requests_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=TotalShareFetchRequestsPerSec" meter;
        /// Topics of ShareFetch requests of which a partition was refused.
        pub failed_fetch_requests: counter = "limpid_share_failed_fetch_requests_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=FailedShareFetchRequestsPerSec" meter;
        /// Topics that members said something of, in whatever request.
        pub acknowledge_requests: counter = "limpid_share_acknowledge_requests_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=TotalShareAcknowledgementRequestsPerSec" meter;
        /// Topics that members said something of that was refused for a partition.
        pub failed_acknowledge_requests: counter = "limpid_share_failed_acknowledge_requests_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=FailedShareAcknowledgementRequestsPerSec" meter;
        /// Records that members said something of, by what they said.
        pub acknowledged: counter { ack: Acknowledged } = "limpid_share_acknowledged_records_total",
            mbean "kafka.server:type=ShareGroupMetrics,name=RecordAcknowledgementsPerSec,ackType={ack}" meter;
        /// Time until a partition that nobody read was ready for a share group.
        pub partition_load: histogram[buckets::REQUEST_SECONDS] = "limpid_share_partition_load_seconds",
            mbean "kafka.server:type=ShareGroupMetrics,name=PartitionLoadTimeMs" histogram_ms;
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
