//! Subscriptions by pattern. A pattern has to match the whole name of a topic, and means those alone
//! that the member may describe who looks for them. As in Kafka, what it means is written for the
//! group: another member with the same pattern reads the same topics.

use std::sync::Arc;

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::ConsumerGroupRegularExpressionValue;
use regex_lite::{Regex, RegexBuilder};

use super::step::Step;
use crate::record::ConsumerChange;
use crate::refusal::Refusal;

/// Most bytes of memory that a compiled pattern may take.
const PATTERN_BYTES_MAX: usize = 256 * 1024;

/// What a member sees of the topics.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    /// Whether it may describe a topic.
    pub sees: &'a (dyn Fn(&str) -> bool + Sync),
    /// `group.consumer.regex.refresh.interval.ms`: what it may describe can change at any time.
    pub refresh_ms: u64,
}

impl std::fmt::Debug for Sight<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sight")
            .field("refresh_ms", &self.refresh_ms)
            .finish_non_exhaustive()
    }
}

/// When a pattern was matched last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matched {
    /// The version of the topics.
    version: u64,
    at_ms: u64,
}

/// The pattern, if it is one.
///
/// # Errors
/// INVALID_REGULAR_EXPRESSION.
pub(super) fn compile(pattern: &str) -> Result<Regex, Refusal> {
    let whole = format!("^(?:{pattern})$");
    let built = RegexBuilder::new(&whole)
        .size_limit(PATTERN_BYTES_MAX)
        .build();
    built.map_err(|why| {
        let message =
            format!("SubscribedTopicRegex `{pattern}` is not a valid regular expression: {why}.");
        Refusal::new(ErrorCode::InvalidRegularExpression, message)
    })
}

impl Step<'_> {
    /// Looks for the topics of a member's pattern, if it is new, if topics came or went, and from
    /// time to time. True if it means other topics now.
    pub(super) fn resolve(&mut self, pattern: &Arc<str>, sight: Sight<'_>) -> bool {
        let is_fresh = |matched: &Matched| {
            let age_ms = self.now.mono_ms.saturating_sub(matched.at_ms);
            matched.version == self.topics.version && age_ms < sight.refresh_ms
        };
        let before = self.group.regexes.get(pattern);
        if before.is_some() && self.group.matched.get(pattern).is_some_and(is_fresh) {
            return false;
        }
        let value = self.matching(pattern, sight);
        let is_new = before.is_none_or(|before| before.topics != value.topics);
        let matched = Matched {
            version: self.topics.version,
            at_ms: self.now.mono_ms,
        };
        self.group.matched.insert(Arc::clone(pattern), matched);
        if is_new {
            self.change(ConsumerChange::Regex(Arc::clone(pattern), Some(value)));
        }
        is_new
    }

    /// Forgets patterns that nobody uses.
    pub(super) fn forget_patterns(&mut self) {
        let used = |regex: &Arc<str>| {
            let mut members = self.group.members.values();
            members.any(|m| m.regex.as_ref() == Some(regex))
        };
        let unused = self.group.regexes.keys().filter(|regex| !used(regex));
        for regex in unused.cloned().collect::<Vec<_>>() {
            self.change(ConsumerChange::Regex(regex, None));
        }
    }

    fn matching(&self, pattern: &str, sight: Sight<'_>) -> ConsumerGroupRegularExpressionValue {
        let mut topics: Vec<String> = Vec::new();
        // One that came from a log may be none; it matches nothing.
        if let Ok(regex) = compile(pattern) {
            let names = self.topics.names();
            let names = names.iter().filter(|name| regex.is_match(name));
            let names = names.filter(|name| (sight.sees)(name));
            topics = names.map(ToString::to_string).collect();
        }
        topics.sort_unstable();
        ConsumerGroupRegularExpressionValue {
            topics,
            version: i64::try_from(self.topics.version).unwrap_or(i64::MAX),
            timestamp: self.now.wall_ms,
        }
    }
}
