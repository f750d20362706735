//! How much of a topic is one writer's, or one key's.

use std::sync::Arc;

use limpid_cluster::ClusterSource;
use limpid_telemetry::{CollectError, Collector, Declaration, Samples, Text};

/// Most topics with series, those of the most bytes first.
const TOPICS_MAX: usize = 5_000;

type TopicName = Text<TOPICS_MAX>;

limpid_telemetry::families! {
    /// Families of the collector.
    pub mod families {
        /// Share of the topic's bytes that its largest writer sent, of the last minutes.
        WRITER: float_gauge { topic: TopicName } = "limpid_topic_largest_writer_ratio";
        /// Share of the topic's records that have its most frequent key, of the last minutes and by a sample; at least that much.
        KEY: float_gauge { topic: TopicName } = "limpid_topic_hottest_key_ratio";
    }
}

/// See the module.
pub struct Writers {
    source: Arc<dyn ClusterSource>,
}

impl Writers {
    /// For this cluster.
    pub fn new(source: Arc<dyn ClusterSource>) -> Self {
        Self { source }
    }
}

impl Collector for Writers {
    fn name(&self) -> &'static str {
        "writers"
    }

    fn families(&self) -> &'static [&'static Declaration] {
        families::ALL
    }

    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        let snapshot = super::snapshot(&self.source, out)?;
        let all = snapshot.topics.iter();
        let mut written: Vec<_> = all
            .filter_map(|topic| Some((topic, topic.writers.as_ref()?)))
            .collect();
        if written.len() > TOPICS_MAX {
            written.sort_by_key(|(topic, _)| std::cmp::Reverse(topic.traffic.bytes_in));
            let left_out = written.len() - TOPICS_MAX;
            out.family(&families::WRITER).leave_out(left_out);
            written.truncate(TOPICS_MAX);
        }
        for (topic, writers) in written {
            let labels = [topic.name.as_str()];
            if let Some(share) = writers.largest_share() {
                out.family(&families::WRITER).add(&labels, share);
            }
            if let Some(share) = writers.keys.hottest_share() {
                out.family(&families::KEY).add(&labels, share);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
