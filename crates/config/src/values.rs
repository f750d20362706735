//! Checked values by key, on their way into the typed configuration.

use crate::check::parse_boolean;
use crate::topic::SEGMENT_BYTES_MIN;

/// The values from which the typed configuration is built: each is there and checked, or unset.
pub(crate) struct Values<'a> {
    /// The value in force, defaults included.
    pub value: &'a dyn Fn(&str) -> Option<String>,
    /// The value that somebody set, without defaults.
    pub explicit: &'a dyn Fn(&str) -> Option<String>,
    /// This machine's name.
    pub hostname: &'a str,
}

/// The key a problem belongs to, and the problem.
pub(crate) type KeyedMessage = (&'static str, String);

impl Values<'_> {
    pub(crate) fn text(&self, key: &str) -> String {
        (self.value)(key).unwrap_or_default()
    }

    pub(crate) fn int(&self, key: &str) -> i32 {
        self.text(key).trim().parse().unwrap_or_default()
    }

    pub(crate) fn long(&self, key: &str) -> i64 {
        self.text(key).trim().parse().unwrap_or_default()
    }

    pub(crate) fn unsigned(&self, key: &str) -> u64 {
        u64::try_from(self.long(key)).unwrap_or_default()
    }

    pub(crate) fn size(&self, key: &str) -> usize {
        usize::try_from(self.long(key)).unwrap_or_default()
    }

    /// The `segment.bytes` of a topic; never less than a topic can have.
    pub(crate) fn segment_bytes(&self, key: &str) -> i32 {
        let bytes = self.long(key).max(SEGMENT_BYTES_MIN);
        i32::try_from(bytes).unwrap_or(i32::MAX)
    }

    pub(crate) fn boolean(&self, key: &str) -> bool {
        parse_boolean(&self.text(key)).unwrap_or_default()
    }
}
