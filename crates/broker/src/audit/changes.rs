//! What a request changed.

use limpid_protocol::ErrorCode;
use limpid_storage::metadata::ConfigMap;
use serde::Serialize;

use super::text::cut;

/// Most changes of one request that are told one by one.
pub const CHANGES_MAX: usize = 100;

/// One thing that was changed, or was to be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// `topic`, `group`, `broker`, `acl`, `user` …
    pub resource: &'static str,
    /// Which one.
    pub name: String,
    /// `create`, `delete`, `alter` …
    pub what: &'static str,
    /// Which of its settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What it was before; nothing when it was not set, or for what has no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Why it was not changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
}

impl Change {
    /// Something done to a thing.
    pub fn new(what: &'static str, resource: &'static str, name: &str) -> Self {
        Self {
            resource,
            name: cut(name),
            what,
            key: None,
            before: None,
            after: None,
            error: None,
        }
    }

    /// What it is now, in words.
    #[must_use]
    pub fn after(mut self, after: impl AsRef<str>) -> Self {
        self.after = Some(cut(after.as_ref()));
        self
    }

    /// A setting, before and after.
    #[must_use]
    pub fn setting(mut self, key: &str, before: Option<&str>, after: Option<&str>) -> Self {
        let shown = |value: Option<&str>| value.map(|value| cut(limpid_config::shown(key, value)));
        (self.before, self.after) = (shown(before), shown(after));
        self.key = Some(cut(key));
        self
    }

    /// How it ended.
    #[must_use]
    pub fn ended(mut self, error: ErrorCode) -> Self {
        self.error = (error != ErrorCode::None).then(|| error.name());
        self
    }
}

/// The changes of one request, within a limit.
#[derive(Debug, Default)]
pub struct Changes {
    told: Vec<Change>,
    left_out: usize,
}

impl Changes {
    /// Adds one.
    pub fn add(&mut self, change: Change) {
        if self.told.len() < CHANGES_MAX {
            self.told.push(change);
        } else {
            self.left_out += 1;
        }
    }

    /// Adds what became of the settings of a resource.
    pub fn settings(
        &mut self,
        (resource, name): (&'static str, &str),
        before: &ConfigMap,
        after: &ConfigMap,
    ) {
        for (key, value) in limpid_config::alter::difference(before, after) {
            let change = Change::new("alter", resource, name);
            let before = before.get(&key).map(String::as_str);
            self.add(change.setting(&key, before, value.as_deref()));
        }
    }

    /// The changes, and how many more there were.
    pub fn take(self) -> (Vec<Change>, usize) {
        (self.told, self.left_out)
    }
}
