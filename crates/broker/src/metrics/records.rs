//! What is known of the records of topics: sizes, and how long they wait for a reader.

use std::sync::OnceLock;

use limpid_telemetry::{Counter, Family, Histogram, Owned, SEEN, Text, buckets, metrics};

use super::TopicName;

/// Most topics with histograms of their own, of which each is a dozen series; the others share
/// `topic="other"`.
const TOPIC_HISTOGRAMS_MAX: usize = 1_000;

type HistogramTopic = Text<TOPIC_HISTOGRAMS_MAX>;

metrics! {
    /// Records of topics.
    pub struct RecordMetrics {
        /// Mean bytes of a record as it is stored, once for each batch that a producer appended.
        pub bytes: histogram[buckets::RECORD_BYTES] { topic: HistogramTopic } = "limpid_record_bytes";
        /// Time from the append of a record until a consumer was first sent it; of one record per
        /// partition at a time.
        pub deliver: histogram[buckets::DELIVER_SECONDS] { topic: HistogramTopic } = "limpid_deliver_seconds";
        /// Batches that were refused since they are larger than `max.message.bytes` or a segment.
        pub oversized: counter { topic: TopicName } = "limpid_topic_oversized_batches_total";
        /// Records that were compressed anew since their topic has a `compression.type` of its own.
        pub converted: counter { topic: TopicName } = "limpid_topic_converted_records_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=ProduceMessageConversionsPerSec,topic={topic}" meter;
        /// Records that were compressed anew, of all topics.
        pub all_converted: counter = "limpid_converted_records_total",
            mbean "kafka.server:type=BrokerTopicMetrics,name=ProduceMessageConversionsPerSec" meter;
    }
}

/// The handles of one topic; the series go with them.
#[derive(Debug)]
pub struct BoundRecordMetrics {
    /// Mean size of the records of each batch.
    pub bytes: FirstUse,
    /// Append to first delivery.
    pub deliver: FirstUse,
    /// Batches that were too large.
    pub oversized: Owned<Counter>,
    /// Records that were compressed anew.
    pub converted: Converted,
}

impl BoundRecordMetrics {
    /// Binds the series of the topic with this id.
    pub fn new(metrics: &RecordMetrics, id: u128, name: &str) -> Self {
        Self {
            bytes: FirstUse::new(&metrics.bytes, id, name),
            deliver: FirstUse::new(&metrics.deliver, id, name),
            oversized: metrics.oversized.own_for(id, name),
            converted: Converted {
                all: metrics.all_converted.clone(),
                family: metrics.converted.clone(),
                id,
                name: name.into(),
                series: OnceLock::new(),
            },
        }
    }
}

/// Records that were compressed anew. The topic's series appears with the first one: hardly any topic has
/// a codec of its own that its producers do not use.
#[derive(Debug)]
pub struct Converted {
    all: Counter,
    family: Family<Counter, TopicName>,
    id: u128,
    name: Box<str>,
    series: OnceLock<Owned<Counter>>,
}

impl Converted {
    /// Counts so many records; nothing happens when there are none.
    #[inline]
    pub fn count(&self, records: u64) {
        if SEEN && records > 0 {
            self.all.inc_by(records);
            let bind = || self.family.own_for(self.id, &self.name);
            self.series.get_or_init(bind).inc_by(records);
        }
    }
}

/// A histogram of a topic whose series appear with the first value: most topics of a large cluster
/// are quiet.
#[derive(Debug)]
pub struct FirstUse {
    family: Family<Histogram, HistogramTopic>,
    id: u128,
    name: Box<str>,
    series: OnceLock<Owned<Histogram>>,
}

impl FirstUse {
    fn new(family: &Family<Histogram, HistogramTopic>, id: u128, name: &str) -> Self {
        Self {
            family: family.clone(),
            id,
            name: name.into(),
            series: OnceLock::new(),
        }
    }

    /// Records one value.
    #[inline]
    pub fn observe(&self, value: f64) {
        if SEEN {
            self.record(value);
        }
    }

    fn record(&self, value: f64) {
        let bind = || self.family.own_for(self.id, &self.name);
        self.series.get_or_init(bind).observe(value);
    }
}
