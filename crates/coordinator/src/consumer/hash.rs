//! What a group remembers of the topics that it reads: a hash, equal to Kafka's (KIP-1101) as long
//! as brokers have no racks.
//!
//! ```text
//! topic:  0 u8 | id, two i64 | name | partitions i32 | each partition i32
//! group:  hash of each topic i64, in the order of names
//! name:   UTF-16 units | their count i32
//! ```
//! All little-endian, hashed with XXH3. Topics that are missing do not count; without any the hash
//! is 0.

use std::collections::BTreeSet;

use twox_hash::XxHash3_64;

use crate::topics::{TopicInfo, Topics};

/// The first byte of what is hashed; another layout would have another one.
const LAYOUT: u8 = 0;

/// The hash of these topics.
pub(crate) fn of(names: &BTreeSet<String>, topics: &Topics) -> i64 {
    let known = names.iter().filter_map(|name| topics.named(name));
    let bytes: Vec<u8> = known
        .flat_map(|topic| of_topic(&topic).to_le_bytes())
        .collect();
    if bytes.is_empty() {
        return 0;
    }
    hash(&bytes)
}

fn of_topic(topic: &TopicInfo) -> i64 {
    let id = u128::from_be_bytes(*topic.id.as_bytes());
    let mut bytes = vec![LAYOUT];
    // The halves are swapped as a whole, each is little-endian.
    bytes.extend_from_slice(&id.rotate_left(64).to_le_bytes());
    put_text(&mut bytes, &topic.name);
    bytes.extend_from_slice(&topic.partitions.to_le_bytes());
    for partition in 0..topic.partitions {
        bytes.extend_from_slice(&partition.to_le_bytes());
    }
    hash(&bytes)
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    let mut count = 0_i32;
    for unit in text.encode_utf16() {
        bytes.extend_from_slice(&unit.to_le_bytes());
        count += 1;
    }
    bytes.extend_from_slice(&count.to_le_bytes());
}

fn hash(bytes: &[u8]) -> i64 {
    XxHash3_64::oneshot(bytes).cast_signed()
}
