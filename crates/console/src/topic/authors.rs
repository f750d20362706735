//! Who writes to a topic, and under which keys. Keys are payload: who may not read records sees their
//! hashes.

use limpid_cluster::{Topic, Writer};
use schemars::JsonSchema;
use serde::Serialize;

use crate::payload::payload;

/// Characters of a key that are shown.
const KEY_CHARS_MAX: usize = 80;

/// The section of a topic's page.
#[derive(Serialize, Default, JsonSchema)]
pub(crate) struct Authors {
    /// The largest first.
    pub(crate) writers: Vec<Writer>,
    /// Records that were looked at for their keys.
    pub(crate) sampled: u64,
    /// Share of those without a key.
    pub(crate) keyless: f64,
    /// The most frequent first.
    pub(crate) keys: Vec<KeyRow>,
}

/// A key that many records have.
#[derive(Serialize, JsonSchema)]
pub(crate) struct KeyRow {
    hash: String,
    /// For those who may read records.
    pub(crate) key: Option<String>,
    pub(crate) share: f64,
}

impl KeyRow {
    /// What stands for the key.
    pub(crate) fn shown(&self) -> &str {
        self.key.as_deref().unwrap_or(&self.hash)
    }
}

impl Authors {
    /// As the snapshot has it.
    pub(crate) fn of(topic: &Topic, may_read: bool) -> Self {
        let Some(seen) = &topic.writers else {
            return Self::default();
        };
        let keys = seen.keys.keys.iter().map(|key| KeyRow {
            hash: key.hash.clone(),
            key: may_read.then(|| readable(&key.key)),
            share: key.share,
        });
        Self {
            writers: seen.writers.clone(),
            sampled: seen.keys.sampled,
            keyless: seen.keys.keyless,
            keys: keys.collect(),
        }
    }
}

fn readable(key: &[u8]) -> String {
    let text = payload(key).text;
    match text.char_indices().nth(KEY_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use limpid_cluster::{HotKey, HotKeys, Topic, TopicWriters};

    use super::Authors;

    #[test]
    fn keys_are_for_those_who_may_read_records() {
        let key = |key: &[u8]| HotKey {
            hash: "00ff".to_owned(),
            key: key.to_vec(),
            share: 0.5,
        };
        let keys = HotKeys {
            sampled: 100,
            keyless: 0.0,
            keys: vec![key(b"secret"), key(&[0xff; 128]), key(&[b'k'; 128])],
        };
        let topic = Topic {
            writers: Some(Arc::new(TopicWriters {
                writers: Vec::new(),
                keys,
            })),
            ..Topic::default()
        };
        let hidden = serde_json::to_string(&Authors::of(&topic, false)).unwrap();
        assert!(
            hidden.contains("00ff") && !hidden.contains("secret"),
            "{hidden}"
        );
        let whole = serde_json::to_string(&topic).unwrap();
        assert!(
            whole.contains("00ff") && !whole.contains("secret"),
            "{whole}"
        );
        let shown = Authors::of(&topic, true);
        let shown: Vec<&str> = shown.keys.iter().map(|key| key.shown()).collect();
        assert_eq!(shown[0], "secret");
        assert!(
            shown.iter().all(|key| key.chars().count() <= 81),
            "{shown:?}"
        );
    }
}
