//! What topics count.

use limpid_protocol::records::RecordsError;
use limpid_telemetry::{Counter, Owned, metrics};

use super::{BoundRecordMetrics, RecordMetrics, TopicName};

metrics! {
    /// Traffic by topic.
    pub struct TopicMetrics {
        /// Records appended by producers.
        pub messages_in: counter { topic: TopicName } = "limpid_topic_messages_in_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=MessagesInPerSec,topic={topic}" meter;
        /// Bytes of record batches appended by producers.
        pub bytes_in: counter { topic: TopicName } = "limpid_topic_bytes_in_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec,topic={topic}" meter;
        /// Bytes of record batches sent to consumers.
        pub bytes_out: counter { topic: TopicName } = "limpid_topic_bytes_out_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=BytesOutPerSec,topic={topic}" meter;
        /// Bytes of record batches that were refused.
        pub bytes_rejected: counter { topic: TopicName } = "limpid_topic_bytes_rejected_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=BytesRejectedPerSec,topic={topic}" meter;
        /// Produce requests that named the topic.
        pub produce_requests: counter { topic: TopicName } = "limpid_topic_produce_requests_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=TotalProduceRequestsPerSec,topic={topic}" meter;
        /// Fetch requests that named the topic.
        pub fetch_requests: counter { topic: TopicName } = "limpid_topic_fetch_requests_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=TotalFetchRequestsPerSec,topic={topic}" meter;
        /// Partitions of produce requests that were refused.
        pub failed_produce_requests: counter { topic: TopicName } = "limpid_topic_failed_produce_requests_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=FailedProduceRequestsPerSec,topic={topic}" meter;
        /// Partitions of fetch requests that were refused.
        pub failed_fetch_requests: counter { topic: TopicName } = "limpid_topic_failed_fetch_requests_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=FailedFetchRequestsPerSec,topic={topic}" meter;
    }
}

metrics! {
    /// What producers sent that was refused, of all topics together.
    pub struct RefusedMetrics {
        /// Bytes of record batches that were refused, of all topics.
        pub bytes: counter = "limpid_rejected_bytes_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=BytesRejectedPerSec" meter;
        /// Batches of an old format that were refused.
        pub magic: counter = "limpid_rejected_magic_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=InvalidMagicNumberRecordsPerSec" meter;
        /// Batches whose checksum was wrong.
        pub checksum: counter = "limpid_rejected_checksum_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=InvalidMessageCrcRecordsPerSec" meter;
        /// Batches whose offsets or sequence numbers make no sense.
        pub offsets: counter = "limpid_rejected_offsets_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=InvalidOffsetOrSequenceRecordsPerSec" meter;
        /// Records without a key for compacted topics.
        pub keyless: counter = "limpid_rejected_keyless_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=NoKeyCompactedTopicRecordsPerSec" meter;
    }
}

impl RefusedMetrics {
    /// Counts why a batch was refused.
    pub fn count(&self, error: &RecordsError) {
        match error {
            RecordsError::UnsupportedMagic { .. } => self.magic.inc(),
            RecordsError::BadCrc { .. } => self.checksum.inc(),
            RecordsError::BadOffsetDelta { .. }
            | RecordsError::BadBaseOffset { .. }
            | RecordsError::BadSequence { .. } => self.offsets.inc(),
            RecordsError::MissingKey { .. } => self.keyless.inc(),
            RecordsError::Several(errors) => errors.iter().for_each(|error| self.count(error)),
            _ => {}
        }
    }
}

/// The handles of one topic; the series go with them.
#[derive(Debug)]
pub struct BoundTopicMetrics {
    /// Records appended by producers.
    pub messages_in: Owned<Counter>,
    /// Bytes appended by producers.
    pub bytes_in: Owned<Counter>,
    /// Bytes sent to consumers.
    pub bytes_out: Owned<Counter>,
    /// Bytes refused.
    pub bytes_rejected: Owned<Counter>,
    /// Produce requests that named the topic.
    pub produce_requests: Owned<Counter>,
    /// Fetch requests that named the topic.
    pub fetch_requests: Owned<Counter>,
    /// Partitions of produce requests that were refused.
    pub failed_produce_requests: Owned<Counter>,
    /// Partitions of fetch requests that were refused.
    pub failed_fetch_requests: Owned<Counter>,
    /// Sizes of records, and how long they wait for a reader.
    pub records: BoundRecordMetrics,
    /// Records refused, of all topics.
    pub refused: RefusedMetrics,
}

impl BoundTopicMetrics {
    /// Binds the series of the topic with this id: a re-created topic is a new series.
    pub fn new(
        (metrics, records, refused): (&TopicMetrics, &RecordMetrics, &RefusedMetrics),
        id: u128,
        name: &str,
    ) -> Self {
        Self {
            messages_in: metrics.messages_in.own_for(id, name),
            bytes_in: metrics.bytes_in.own_for(id, name),
            bytes_out: metrics.bytes_out.own_for(id, name),
            bytes_rejected: metrics.bytes_rejected.own_for(id, name),
            produce_requests: metrics.produce_requests.own_for(id, name),
            fetch_requests: metrics.fetch_requests.own_for(id, name),
            failed_produce_requests: metrics.failed_produce_requests.own_for(id, name),
            failed_fetch_requests: metrics.failed_fetch_requests.own_for(id, name),
            records: BoundRecordMetrics::new(records, id, name),
            refused: refused.clone(),
        }
    }
}
