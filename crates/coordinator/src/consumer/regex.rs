//! Subscriptions by pattern. A pattern has to match the whole name of a topic.

use std::sync::Arc;

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::ConsumerGroupRegularExpressionValue;
use regex_lite::{Regex, RegexBuilder};

use super::step::Step;
use crate::record::ConsumerChange;
use crate::refusal::Refusal;

/// Most bytes of memory that a compiled pattern may take.
const PATTERN_BYTES_MAX: usize = 256 * 1024;

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
    /// Looks for the topics of a pattern that is not known yet.
    pub(super) fn resolve(&mut self, pattern: &Arc<str>) {
        if !self.group.regexes.contains_key(pattern) {
            let value = self.matching(pattern);
            self.change(ConsumerChange::Regex(Arc::clone(pattern), Some(value)));
        }
    }

    /// Matches all patterns again; true if one of them now means other topics.
    pub(super) fn resolve_again(&mut self) -> bool {
        let patterns: Vec<Arc<str>> = self.group.regexes.keys().cloned().collect();
        let mut changed = false;
        for pattern in patterns {
            let value = self.matching(&pattern);
            let before = self.group.regexes.get(&pattern);
            if before.is_none_or(|before| before.topics != value.topics) {
                self.change(ConsumerChange::Regex(pattern, Some(value)));
                changed = true;
            }
        }
        changed
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

    fn matching(&self, pattern: &str) -> ConsumerGroupRegularExpressionValue {
        let mut topics: Vec<String> = Vec::new();
        // One that came from a log may be none; it matches nothing.
        if let Ok(regex) = compile(pattern) {
            let names = self.topics.names();
            let names = names.iter().filter(|name| regex.is_match(name));
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
