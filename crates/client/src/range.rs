//! Kafka's range assignor, and the bytes in which members tell each other of topics and partitions.
//!
//! Per topic: members in order (static ones by `group.instance.id` first, then by member id), each
//! gets a run of partitions, the first ones one more if they can't be divided.

use std::collections::{BTreeMap, HashMap};

use bytes::{BufMut, Bytes, BytesMut};
use limpid_protocol::messages::consumer_protocol_assignment::{
    ConsumerProtocolAssignment, TopicPartition as AssignedTopic,
};
use limpid_protocol::messages::consumer_protocol_subscription::ConsumerProtocolSubscription;
use limpid_protocol::{DecodeError, EncodeError, Message, Reader};

use crate::metadata::TopicPartition;

/// The assignor's name in JoinGroup.
pub(crate) const NAME: &str = "range";
/// Version in which subscription and assignment are written; every client knows it.
const VERSION: i16 = 1;

/// A member that the leader assigns to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscriber {
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) topics: Vec<String>,
}

/// Who gets what; topics that are not in `partitions` have none.
pub(crate) fn assign(
    subscribers: &[Subscriber],
    partitions: &HashMap<String, Vec<i32>>,
) -> BTreeMap<String, Vec<TopicPartition>> {
    let mut assigned: BTreeMap<String, Vec<TopicPartition>> = BTreeMap::new();
    let mut readers: BTreeMap<&str, Vec<&Subscriber>> = BTreeMap::new();
    for subscriber in subscribers {
        assigned.insert(subscriber.member_id.clone(), Vec::new());
        for topic in &subscriber.topics {
            readers.entry(topic).or_default().push(subscriber);
        }
    }
    for (topic, mut readers) in readers {
        let Some(partitions) = partitions.get(topic) else {
            continue;
        };
        readers.sort_by_key(|r| (r.instance_id.is_none(), &r.instance_id, &r.member_id));
        readers.dedup_by_key(|r| &r.member_id);
        let (each, extra) = (
            partitions.len() / readers.len(),
            partitions.len() % readers.len(),
        );
        let mut rest = partitions.as_slice();
        for (index, reader) in readers.iter().enumerate() {
            let (own, others) = rest.split_at(each + usize::from(index < extra));
            rest = others;
            let own = own.iter().map(|p| TopicPartition::new(topic, *p));
            assigned
                .entry(reader.member_id.clone())
                .or_default()
                .extend(own);
        }
    }
    assigned
}

/// What a member subscribes to, for JoinGroup.
pub(crate) fn encode_subscription(topics: &[String]) -> Result<Bytes, EncodeError> {
    let subscription = ConsumerProtocolSubscription {
        topics: topics.to_vec(),
        ..ConsumerProtocolSubscription::default()
    };
    versioned(&subscription)
}

/// The topics in a member's subscription.
pub(crate) fn decode_subscription(bytes: Bytes) -> Result<Vec<String>, DecodeError> {
    Ok(read::<ConsumerProtocolSubscription>(bytes)?.topics)
}

/// What a member gets, for SyncGroup.
pub(crate) fn encode_assignment(partitions: &[TopicPartition]) -> Result<Bytes, EncodeError> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for at in partitions {
        topics.entry(&at.topic).or_default().push(at.partition);
    }
    let topic = |(topic, partitions): (&str, _)| AssignedTopic {
        topic: topic.to_owned(),
        partitions,
    };
    let assignment = ConsumerProtocolAssignment {
        assigned_partitions: topics.into_iter().map(topic).collect(),
        ..ConsumerProtocolAssignment::default()
    };
    versioned(&assignment)
}

/// What a member got. No bytes are no partitions.
pub(crate) fn decode_assignment(bytes: Bytes) -> Result<Vec<TopicPartition>, DecodeError> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let assignment = read::<ConsumerProtocolAssignment>(bytes)?;
    let mut partitions = Vec::new();
    for topic in assignment.assigned_partitions {
        let of_topic = topic.partitions.iter();
        partitions.extend(of_topic.map(|p| TopicPartition::new(&topic.topic, *p)));
    }
    partitions.sort();
    Ok(partitions)
}

fn versioned(message: &impl Message) -> Result<Bytes, EncodeError> {
    let mut bytes = BytesMut::new();
    bytes.put_i16(VERSION);
    message.encode(&mut bytes, VERSION)?;
    Ok(bytes.freeze())
}

/// A newer version begins like the newest known one, and has more behind it.
fn read<M: Message>(bytes: Bytes) -> Result<M, DecodeError> {
    let mut reader = Reader::new(bytes);
    let version = reader.i16()?;
    M::decode(&mut reader, version.min(M::MAX_VERSION))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscriber(member_id: &str, instance_id: Option<&str>, topics: &[&str]) -> Subscriber {
        Subscriber {
            member_id: member_id.to_owned(),
            instance_id: instance_id.map(str::to_owned),
            topics: topics.iter().map(|t| (*t).to_owned()).collect(),
        }
    }

    fn numbers(assigned: &BTreeMap<String, Vec<TopicPartition>>, member: &str) -> Vec<String> {
        assigned[member].iter().map(ToString::to_string).collect()
    }

    #[test]
    fn runs_of_partitions_the_first_members_one_more() {
        let both = ["a", "b"];
        let subscribers = [
            subscriber("m2", None, &both),
            subscriber("m1", None, &both),
            subscriber("m3", None, &["b"]),
            subscriber("idle", None, &["absent"]),
        ];
        let partitions = HashMap::from([
            ("a".to_owned(), vec![0, 1, 2]),
            ("b".to_owned(), vec![0, 1]),
        ]);
        let assigned = assign(&subscribers, &partitions);
        assert_eq!(numbers(&assigned, "m1"), ["a-0", "a-1", "b-0"]);
        assert_eq!(numbers(&assigned, "m2"), ["a-2", "b-1"]);
        assert!(assigned["m3"].is_empty() && assigned["idle"].is_empty());
    }

    #[test]
    fn static_members_come_first() {
        let subscribers = [
            subscriber("a", None, &["t"]),
            subscriber("z", Some("1"), &["t"]),
        ];
        let partitions = HashMap::from([("t".to_owned(), vec![0])]);
        let assigned = assign(&subscribers, &partitions);
        assert_eq!(numbers(&assigned, "z"), ["t-0"]);
    }

    #[test]
    fn bytes_round_trip_and_garbage_is_an_error() {
        let own = [TopicPartition::new("t", 1), TopicPartition::new("u", 0)];
        let bytes = encode_assignment(&own).expect("short names");
        assert_eq!(decode_assignment(bytes).expect("just written"), own);
        assert_eq!(decode_assignment(Bytes::new()).expect("nothing"), []);
        let topics = ["t".to_owned()];
        let bytes = encode_subscription(&topics).expect("a short name");
        assert_eq!(
            decode_subscription(bytes.clone()).expect("just written"),
            topics
        );
        assert!(decode_subscription(bytes.slice(..5)).is_err());
    }
}
