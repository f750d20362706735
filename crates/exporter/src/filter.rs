//! Which topics and groups have series of their partitions (`limpid.metrics.{topic,group}.{include,exclude}`).

use std::collections::HashSet;

use fancy_regex::Regex;
use limpid_cluster::ClusterSnapshot;
use limpid_telemetry::collect::{FamilySamples, label_block};

use crate::labels::{Place, pairs};

/// What a pattern may try before it counts as no match.
const BACKTRACK_MAX: usize = 10_000;

/// A pattern that is none.
#[derive(Debug, thiserror::Error)]
#[error("{pattern:?}: {reason}")]
pub struct BadPattern {
    /// As it was written.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Names that are let through: those that one pattern matches as a whole, and the other doesn't.
#[derive(Debug, Default)]
pub struct Names {
    include: Option<Regex>,
    exclude: Option<Regex>,
}

impl Names {
    /// Of two patterns; an empty one says nothing.
    ///
    /// # Errors
    /// One of them is no pattern.
    pub fn new(include: &str, exclude: &str) -> Result<Self, BadPattern> {
        Ok(Self {
            include: compiled(include)?,
            exclude: compiled(exclude)?,
        })
    }

    fn pass(&self, name: &str) -> bool {
        let matches = |pattern: &Regex| pattern.is_match(name).unwrap_or(false);
        self.include.as_ref().is_none_or(matches) && !self.exclude.as_ref().is_some_and(matches)
    }
}

fn compiled(pattern: &str) -> Result<Option<Regex>, BadPattern> {
    if pattern.is_empty() {
        return Ok(None);
    }
    let whole = format!("^(?:{pattern})$");
    let mut builder = fancy_regex::RegexBuilder::new(&whole);
    let built = builder.backtrack_limit(BACKTRACK_MAX).build();
    built.map(Some).map_err(|error| BadPattern {
        pattern: pattern.to_owned(),
        reason: error.to_string(),
    })
}

/// Both kinds of names.
#[derive(Debug, Default)]
pub struct Filter {
    /// Topics by name.
    pub topics: Names,
    /// Groups by id.
    pub groups: Names,
}

impl Filter {
    /// Who has no series of partitions, in a cluster.
    pub(crate) fn held_back(&self, snapshot: &ClusterSnapshot) -> HeldBack {
        let topics = snapshot.topics.iter().map(|topic| topic.name.as_str());
        let groups = snapshot.groups.iter().map(|group| group.id.as_str());
        let of = |name: &&str| !self.topics.pass(name);
        HeldBack {
            topics: topics.filter(of).map(as_written).collect(),
            groups: groups
                .filter(|id| !self.groups.pass(id))
                .map(as_written)
                .collect(),
        }
    }
}

/// Names as they stand in label blocks.
#[derive(Debug, Default)]
pub(crate) struct HeldBack {
    topics: HashSet<String>,
    groups: HashSet<String>,
}

impl HeldBack {
    /// Takes the samples of their partitions out of a family.
    pub(crate) fn take_from(&self, family: &mut FamilySamples) {
        if self.topics.is_empty() && self.groups.is_empty() {
            return;
        }
        let first = family.iter().next().map(|(labels, _)| Place::of(labels));
        if first.is_some_and(|place| place.partition.is_some()) {
            family.retain(|labels| {
                let place = Place::of(labels);
                place.partition.is_none()
                    || !(place.topic.is_some_and(|name| self.topics.contains(name))
                        || place.group.is_some_and(|id| self.groups.contains(id)))
            });
        }
    }
}

/// A value as a label block has it: escaped, and cut where it is long.
fn as_written(value: &str) -> String {
    let mut block = String::new();
    label_block(std::iter::once(("v", value)), &mut block);
    let written = pairs(&block).next().map(|(_, value)| value.to_owned());
    written.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_matched_as_a_whole() {
        let names = Names::new("", "console-consumer-.*|__.*").unwrap();
        assert!(names.pass("orders") && names.pass("my-console-consumer-1"));
        assert!(!names.pass("console-consumer-1") && !names.pass("__internal"));
        let names = Names::new("orders.*|payments", "orders-test").unwrap();
        assert!(names.pass("orders-eu") && names.pass("payments"));
        assert!(!names.pass("payments2") && !names.pass("orders-test"));
        assert!(Names::new("(", "").is_err());
    }
}
