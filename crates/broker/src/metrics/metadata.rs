//! What the metadata and its followers count.

use limpid_telemetry::{buckets, metrics};

metrics! {
    /// Changes of the cluster's metadata.
    pub struct MetadataMetrics {
        /// Changes of the metadata that were asked for.
        pub changes: counter = "limpid_metadata_changes_total",
            mbean "kafka.controller:type=KafkaController,name=EventQueueOperationsStartedCount" gauge;
        /// Changes that found no place in the queue.
        pub timed_out: counter = "limpid_metadata_changes_timed_out_total",
            mbean "kafka.controller:type=KafkaController,name=EventQueueOperationsTimedOutCount" gauge;
        /// Time that changes waited for those before them.
        pub queued: histogram[buckets::REQUEST_SECONDS] = "limpid_metadata_queue_seconds",
            mbean "kafka.controller:type=ControllerEventManager,name=EventQueueTimeMs" histogram_ms;
        /// Time from the beginning of a change until it was on the disk.
        pub committed: histogram[buckets::REQUEST_SECONDS] = "limpid_metadata_change_seconds",
            mbean "kafka.controller:type=ControllerEventManager,name=EventQueueProcessingTimeMs" histogram_ms,
            mbean "kafka.server:type=raft-metrics" attribute_avg_ms "commit-latency-avg",
            mbean "kafka.server:type=raft-metrics" attribute_max_ms "commit-latency-max";
        /// Times that the metadata could not be written, or not be followed.
        pub errors: counter = "limpid_metadata_errors_total",
            mbean "kafka.controller:type=KafkaController,name=MetadataErrorCount" gauge;
        /// Logs that could not follow the metadata, counted each time that it was tried.
        pub apply_errors: counter = "limpid_metadata_apply_errors_total",
            mbean "kafka.server:type=broker-metadata-metrics" attribute_long "metadata-apply-error-count";
    }
}

metrics! {
    /// Replicas of partitions that this broker leads.
    pub struct ReplicaMetrics {
        /// Times that a partition lost replicas that were in sync.
        pub isr_shrinks: counter = "limpid_isr_shrinks_total",
            mbean "kafka.server:type=ReplicaManager,name=IsrShrinksPerSec" meter;
        /// Times that a partition won replicas that are in sync.
        pub isr_expands: counter = "limpid_isr_expands_total",
            mbean "kafka.server:type=ReplicaManager,name=IsrExpandsPerSec" meter;
    }
}
