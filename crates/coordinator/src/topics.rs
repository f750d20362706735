//! The topics of the cluster, as far as groups need them.

use std::fmt::Debug;
use std::sync::Arc;

use limpid_protocol::Uuid;

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicInfo {
    /// Its name.
    pub name: Arc<str>,
    /// Its id.
    pub id: Uuid,
    /// How many partitions it has.
    pub partitions: i32,
}

/// All topics at one moment.
pub trait TopicSource: Debug + Send + Sync {
    /// By name.
    fn named(&self, name: &str) -> Option<TopicInfo>;

    /// By id.
    fn with_id(&self, id: Uuid) -> Option<TopicInfo>;

    /// All names, in no order.
    fn names(&self) -> Vec<Arc<str>>;
}

/// Before anything is known.
#[derive(Debug)]
struct NoTopics;

impl TopicSource for NoTopics {
    fn named(&self, _name: &str) -> Option<TopicInfo> {
        None
    }

    fn with_id(&self, _id: Uuid) -> Option<TopicInfo> {
        None
    }

    fn names(&self) -> Vec<Arc<str>> {
        Vec::new()
    }
}

/// The topics as last seen, and how often they changed.
#[derive(Debug)]
pub(crate) struct Topics {
    source: Arc<dyn TopicSource>,
    /// One higher with each change; never 0.
    pub(crate) version: u64,
}

impl Default for Topics {
    fn default() -> Self {
        Self {
            source: Arc::new(NoTopics),
            version: 1,
        }
    }
}

impl Topics {
    /// Pointers tell whether something changed.
    pub(crate) fn see(&mut self, source: Arc<dyn TopicSource>) {
        if !std::ptr::addr_eq(Arc::as_ptr(&self.source), Arc::as_ptr(&source)) {
            self.source = source;
            self.version += 1;
        }
    }

    pub(crate) fn named(&self, name: &str) -> Option<TopicInfo> {
        self.source.named(name)
    }

    pub(crate) fn with_id(&self, id: Uuid) -> Option<TopicInfo> {
        self.source.with_id(id)
    }

    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.source.names()
    }
}
