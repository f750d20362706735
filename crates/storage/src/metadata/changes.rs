//! The record lists of what a broker wants from the metadata.
//!
//! Each function looks at an image and says which records make the change, or why it can't be made.
//! Use them inside [`MetadataLog::update`](super::MetadataLog::update), which hands in the image
//! that the records will follow.

use limpid_protocol::messages::{
    ConfigRecord, FeatureLevelRecord, PartitionRecord, ProducerIdsRecord, RemoveTopicRecord,
    TopicRecord,
};
use limpid_protocol::{ErrorCode, Uuid};

use super::error::Refusal;
use super::image::{ConfigResource, Image, Partition, Topic};
use super::record::MetadataRecord;

mod election;
mod eligible;
mod reassignment;
mod registration;

pub use election::elect_unclean;
pub use eligible::{ELR_VERSION, after_settings, before_eligible, check_settings};
pub use reassignment::{Reassignment, reassign};
pub use registration::{
    BrokerRegistration, Endpoint, SupportedFeature, controlled_shutdown, register_broker,
    unregister_broker,
};

/// How many producer ids a block holds, as in Kafka.
pub const PRODUCER_ID_BLOCK_LEN: i32 = 1000;

/// A topic to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name, already checked.
    pub name: String,
    /// Its id, not used before.
    pub id: Uuid,
    /// Where the replicas of each partition live, from partition 0 on; the first one leads.
    pub partitions: Vec<Vec<ReplicaPlace>>,
    /// Configs that differ from the defaults.
    pub configs: Vec<(String, String)>,
}

/// Where a replica lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplicaPlace {
    /// The broker.
    pub broker: i32,
    /// The `directory.id` of its log directory.
    pub directory: Uuid,
}

/// The records that make a topic.
///
/// # Errors
/// `TOPIC_ALREADY_EXISTS`; `INVALID_PARTITIONS` and `INVALID_REPLICA_ASSIGNMENT` when there is no
/// partition or one without replicas.
pub fn create_topic(image: &Image, new: &NewTopic) -> Result<Vec<MetadataRecord>, Refusal> {
    if image.topic_id(&new.name).is_some() || image.topic(new.id).is_some() {
        let message = format!("Topic '{}' already exists.", new.name);
        return Err(Refusal::new(ErrorCode::TopicAlreadyExists, message));
    }
    if new.partitions.is_empty() {
        let message = "a topic needs at least one partition";
        return Err(Refusal::new(ErrorCode::InvalidPartitions, message));
    }
    let topic = TopicRecord {
        name: new.name.clone(),
        topic_id: new.id,
    };
    let mut records = vec![MetadataRecord::Topic(topic)];
    let resource = ConfigResource::topic(new.name.clone());
    // Kafka's snapshots can still hold configs of an earlier topic of the same name.
    let stale = image
        .configs(&resource)
        .into_iter()
        .flat_map(|configs| configs.keys());
    for name in stale.filter(|name| new.configs.iter().all(|(set, _)| set != *name)) {
        records.push(config(&resource, name, None));
    }
    records.extend(
        new.configs
            .iter()
            .map(|(name, value)| config(&resource, name, Some(value))),
    );
    for (number, places) in (0..).zip(&new.partitions) {
        records.push(new_partition(new.id, number, places)?);
    }
    Ok(records)
}

/// The records that add partitions to a topic, behind those it has.
///
/// # Errors
/// `UNKNOWN_TOPIC_ID`; `INVALID_REPLICA_ASSIGNMENT` for a partition without replicas.
pub fn add_partitions(
    image: &Image,
    topic: Uuid,
    partitions: &[Vec<ReplicaPlace>],
) -> Result<Vec<MetadataRecord>, Refusal> {
    let known = known_topic(image, topic)?;
    let next = known
        .partitions
        .last_key_value()
        .map_or(0, |(number, _)| number + 1);
    (next..)
        .zip(partitions)
        .map(|(number, places)| new_partition(topic, number, places))
        .collect()
}

/// The records that delete a topic.
///
/// Kafka writes the `RemoveTopicRecord` alone and forgets the configs while replaying it, but its
/// snapshots may bring them back; tombstones before it make sure for both sides.
///
/// # Errors
/// `UNKNOWN_TOPIC_ID`.
pub fn delete_topic(image: &Image, topic: Uuid) -> Result<Vec<MetadataRecord>, Refusal> {
    let known = known_topic(image, topic)?;
    let resource = ConfigResource::topic(&*known.name);
    let configs = image
        .configs(&resource)
        .into_iter()
        .flat_map(|configs| configs.keys());
    let mut records: Vec<_> = configs.map(|name| config(&resource, name, None)).collect();
    records.push(MetadataRecord::RemoveTopic(RemoveTopicRecord {
        topic_id: topic,
    }));
    Ok(records)
}

/// The record that sets a config of a resource, or with `None` takes it back to its default.
#[must_use]
pub fn set_config(resource: &ConfigResource, name: &str, value: Option<&str>) -> MetadataRecord {
    MetadataRecord::Config(ConfigRecord {
        resource_type: resource.kind.code(),
        resource_name: resource.name.clone(),
        name: name.to_owned(),
        value: value.map(str::to_owned),
    })
}

/// The record that finalizes a feature at a level; level 0 removes it.
#[must_use]
pub fn set_feature(name: &str, level: i16) -> MetadataRecord {
    let record = FeatureLevelRecord {
        name: name.to_owned(),
        feature_level: level,
    };
    MetadataRecord::FeatureLevel(record)
}

/// Producer ids that one broker may give out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerIdBlock {
    /// The first id.
    pub first: i64,
    /// How many there are.
    pub len: i32,
}

/// The next block of producer ids and the record that takes it for a broker. The block may be used
/// once the record is durable.
///
/// # Errors
/// `BROKER_ID_NOT_REGISTERED`; `UNKNOWN_SERVER_ERROR` after 2^63 ids.
pub fn allocate_producer_ids(
    image: &Image,
    broker: i32,
) -> Result<(ProducerIdBlock, MetadataRecord), Refusal> {
    let Some(registration) = image.broker(broker) else {
        let message = format!("broker {broker} is not registered");
        return Err(Refusal::new(ErrorCode::BrokerIdNotRegistered, message));
    };
    let first = image.next_producer_id();
    let Some(next) = first.checked_add(i64::from(PRODUCER_ID_BLOCK_LEN)) else {
        let message = "all producer ids are used up";
        return Err(Refusal::new(ErrorCode::UnknownServerError, message));
    };
    let record = ProducerIdsRecord {
        broker_id: broker,
        broker_epoch: registration.broker_epoch,
        next_producer_id: next,
    };
    let block = ProducerIdBlock {
        first,
        len: PRODUCER_ID_BLOCK_LEN,
    };
    Ok((block, MetadataRecord::ProducerIds(record)))
}

fn config(resource: &ConfigResource, name: &str, value: Option<&String>) -> MetadataRecord {
    set_config(resource, name, value.map(String::as_str))
}

fn known_topic(image: &Image, topic: Uuid) -> Result<&Topic, Refusal> {
    let known = image.topic(topic).map(AsRef::as_ref);
    known.ok_or_else(|| {
        Refusal::new(
            ErrorCode::UnknownTopicId,
            format!("there is no topic of id {topic}"),
        )
    })
}

/// A partition by the name of its topic.
///
/// # Errors
/// There is no such topic, or it has no such partition.
pub fn known_partition<'a>(
    image: &'a Image,
    topic: &str,
    number: i32,
) -> Result<(&'a Topic, &'a Partition), Refusal> {
    let unknown = |what: String| Refusal::new(ErrorCode::UnknownTopicOrPartition, what);
    let known = image.topic_named(topic).map(AsRef::as_ref);
    let known: &Topic = known.ok_or_else(|| unknown(format!("there is no topic '{topic}'")))?;
    let partition = known.partitions.get(&number);
    let missing = || unknown(format!("there is no partition {topic}-{number}"));
    Ok((known, partition.ok_or_else(missing)?))
}

fn new_partition(
    topic_id: Uuid,
    partition_id: i32,
    places: &[ReplicaPlace],
) -> Result<MetadataRecord, Refusal> {
    let Some(leader) = places.first() else {
        let message = format!("partition {partition_id} has no replica");
        return Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message));
    };
    let replicas: Vec<i32> = places.iter().map(|place| place.broker).collect();
    Ok(MetadataRecord::Partition(PartitionRecord {
        partition_id,
        topic_id,
        isr: replicas.clone(),
        replicas,
        leader: leader.broker,
        leader_epoch: 0,
        partition_epoch: 0,
        directories: places.iter().map(|place| place.directory).collect(),
        ..PartitionRecord::default()
    }))
}
