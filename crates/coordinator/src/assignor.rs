//! How the coordinator assigns partitions to members.
//!
//! An assignor sees subscriptions and the last assignment, and nothing else: given the same, it
//! answers the same.

mod range;
#[cfg(test)]
mod tests;
mod uniform;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use limpid_protocol::Uuid;

/// Partitions by topic. A topic without partitions is not in it.
pub(crate) type Partitions = BTreeMap<Uuid, BTreeSet<i32>>;

/// A member that is to get partitions.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) id: Arc<str>,
    pub(crate) instance_id: Option<String>,
    /// Topics that it reads, only such that exist.
    pub(crate) topics: BTreeSet<Uuid>,
    /// What it was assigned last.
    pub(crate) before: Partitions,
}

/// What an assignor sees.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    pub(crate) members: Vec<Subscriber>,
    /// How many partitions each topic has.
    pub(crate) sizes: BTreeMap<Uuid, i32>,
}

/// Partitions by member; every member is there.
pub(crate) type Assigned = BTreeMap<Arc<str>, Partitions>;

/// The assignors of Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assignor {
    /// As even as it can be, moving as little as possible.
    Uniform,
    /// Contiguous ranges of each topic, so that the same member reads the same partitions of
    /// topics that are alike.
    Range,
}

impl Assignor {
    /// All of them, the default first.
    pub const ALL: [Self; 2] = [Self::Uniform, Self::Range];

    /// By Kafka's name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }

    /// Kafka's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Range => "range",
        }
    }

    pub(crate) fn assign(self, subscriptions: &Subscriptions) -> Assigned {
        match self {
            Self::Uniform => uniform::assign(subscriptions),
            Self::Range => range::assign(subscriptions),
        }
    }
}

impl Subscriptions {
    /// The members that read each topic, by their place.
    fn readers(&self) -> BTreeMap<Uuid, Vec<usize>> {
        let mut readers: BTreeMap<Uuid, Vec<usize>> = BTreeMap::new();
        for (place, member) in self.members.iter().enumerate() {
            for topic in &member.topics {
                readers.entry(*topic).or_default().push(place);
            }
        }
        readers
    }

    /// Names the members of an assignment by place.
    fn named(&self, by_place: Vec<Partitions>) -> Assigned {
        let ids = self.members.iter().map(|m| Arc::clone(&m.id));
        ids.zip(by_place).collect()
    }
}
