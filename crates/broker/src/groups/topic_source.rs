//! The topics, as groups see them.

use std::sync::Arc;

use limpid_coordinator::{TopicInfo, TopicSource};
use limpid_protocol::Uuid;

use crate::topics::{Topic, TopicTable};

impl TopicSource for TopicTable {
    fn named(&self, name: &str) -> Option<TopicInfo> {
        Self::named(self, name).map(info)
    }

    fn with_id(&self, id: Uuid) -> Option<TopicInfo> {
        Self::with_id(self, id).map(info)
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.iter().map(|topic| Arc::clone(&topic.name)).collect()
    }
}

fn info(topic: &Arc<Topic>) -> TopicInfo {
    TopicInfo {
        name: Arc::clone(&topic.name),
        id: topic.id,
        partitions: i32::try_from(topic.partition_count()).unwrap_or(i32::MAX),
    }
}
