//! Replay: what each record does to an image. Pure functions, no I/O.
//!
//! [`Replay`] also keeps the rules of metadata transactions (KIP-868): records between
//! `BeginTransaction` and `EndTransaction` become visible together, or not at all when the log
//! says `AbortTransaction`.

use std::sync::Arc;

use limpid_protocol::Uuid;
use limpid_protocol::messages::{
    BrokerRegistrationChangeRecord, ClientQuotaRecord, ConfigRecord, FeatureLevelRecord,
    PartitionChangeRecord, PartitionRecord, RegisterBrokerRecord, TopicRecord,
};

use super::delta::{Changes, PartitionKey, ReplayError, TopicKey};
use super::image::{
    ConfigResource, Image, KRAFT_VERSION, OtherKey, Partition, ResourceType, Topic,
};
use super::quorum::Quorum;
use super::record::MetadataRecord;

/// In a `PartitionChangeRecord`: the leader stays, and so does its epoch.
pub(super) const NO_LEADER_CHANGE: i32 = -2;

/// In a `PartitionChangeRecord`: the recovery state stays.
const NO_RECOVERY_CHANGE: i8 = -1;

/// An image being changed by records, with the changes on the way.
#[derive(Debug, Clone)]
pub struct Replay {
    image: Image,
    changes: Changes,
    /// The state before the open transaction.
    before: Option<Box<(Image, Changes)>>,
}

impl Replay {
    /// Starts from an image.
    #[must_use]
    pub fn new(image: Image) -> Self {
        Self {
            image,
            changes: Changes::default(),
            before: None,
        }
    }

    /// Applies one record. After an error nothing of it was applied.
    ///
    /// # Errors
    /// [`ReplayError`] when the record contradicts what is there.
    pub fn apply(&mut self, record: &MetadataRecord) -> Result<(), ReplayError> {
        let name = record.name();
        match record {
            MetadataRecord::BeginTransaction(_) => {
                if self.before.is_some() {
                    return Err(ReplayError::Transaction {
                        record: name,
                        inside: true,
                    });
                }
                self.before = Some(Box::new((self.image.clone(), self.changes.clone())));
                Ok(())
            }
            MetadataRecord::EndTransaction(_) => match self.before.take() {
                Some(_) => Ok(()),
                None => Err(ReplayError::Transaction {
                    record: name,
                    inside: false,
                }),
            },
            MetadataRecord::AbortTransaction(_) => match self.before.take() {
                Some(before) => {
                    let (offset, epoch, timestamp_ms) = self.position();
                    (self.image, self.changes) = *before;
                    self.advance(offset, epoch, timestamp_ms);
                    Ok(())
                }
                None => Err(ReplayError::Transaction {
                    record: name,
                    inside: false,
                }),
            },
            other => apply_record(&mut self.image, &mut self.changes, other),
        }
    }

    /// Says which offset, epoch and time the image stands for now.
    pub fn advance(&mut self, offset: i64, epoch: i32, timestamp_ms: i64) {
        self.image.offset = offset;
        self.image.epoch = epoch;
        self.image.timestamp_ms = timestamp_ms;
    }

    /// Takes over what the log's control records say of the quorum.
    pub(super) fn set_quorum(&mut self, quorum: &Quorum) {
        self.image.kraft_version = quorum.kraft_version;
        let voters = quorum.voters.as_ref().map(|record| &record.voters[..]);
        self.image.voters = voters.unwrap_or_default().into();
    }

    /// Whether a transaction is open: the image must not be shown or snapshotted then.
    #[must_use]
    pub fn in_transaction(&self) -> bool {
        self.before.is_some()
    }

    /// The image as of the last record, inside a transaction too.
    #[must_use]
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// What changed since the last call (or the start).
    pub fn take_changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    fn position(&self) -> (i64, i32, i64) {
        (self.image.offset, self.image.epoch, self.image.timestamp_ms)
    }
}

fn apply_record(
    image: &mut Image,
    changes: &mut Changes,
    record: &MetadataRecord,
) -> Result<(), ReplayError> {
    let name = record.name();
    match record {
        MetadataRecord::Topic(r) => create_topic(image, changes, r)?,
        MetadataRecord::Partition(r) => put_partition(image, changes, name, r)?,
        MetadataRecord::PartitionChange(r) => change_partition(image, changes, name, r)?,
        MetadataRecord::RemoveTopic(r) => remove_topic(image, changes, name, r.topic_id)?,
        MetadataRecord::ClearElr(r) => clear_elr(image, changes, &r.topic_name),
        MetadataRecord::Config(r) => set_config(image, changes, r),
        MetadataRecord::FeatureLevel(r) => set_feature(image, changes, r),
        MetadataRecord::RegisterBroker(r) => {
            Arc::make_mut(&mut image.brokers).insert(r.broker_id, Arc::new(r.clone()));
            changes.brokers.insert(r.broker_id);
        }
        MetadataRecord::UnregisterBroker(r) => {
            let removed = Arc::make_mut(&mut image.brokers).remove(&r.broker_id);
            let unknown = ReplayError::UnknownBroker {
                record: name,
                broker: r.broker_id,
            };
            removed.ok_or(unknown)?;
            changes.brokers.insert(r.broker_id);
        }
        MetadataRecord::FenceBroker(r) => {
            change_broker(image, changes, name, r.id, |broker| broker.fenced = true)?;
        }
        MetadataRecord::UnfenceBroker(r) => {
            change_broker(image, changes, name, r.id, |broker| broker.fenced = false)?;
        }
        MetadataRecord::BrokerRegistrationChange(r) => {
            let change = |broker: &mut _| merge_broker(broker, r);
            change_broker(image, changes, name, r.broker_id, change)?;
        }
        MetadataRecord::RegisterController(r) => {
            Arc::make_mut(&mut image.controllers).insert(r.controller_id, Arc::new(r.clone()));
        }
        MetadataRecord::ProducerIds(r) => image.next_producer_id = r.next_producer_id,
        MetadataRecord::ClientQuota(r) if r.remove => drop_other(image, &quota_key(r)),
        MetadataRecord::ClientQuota(r) => keep_other(image, quota_key(r), record),
        MetadataRecord::AccessControlEntry(r) => {
            keep_other(image, OtherKey::Acl(r.id), record);
        }
        MetadataRecord::RemoveAccessControlEntry(r) => {
            drop_other(image, &OtherKey::Acl(r.id));
        }
        MetadataRecord::UserScramCredential(r) => {
            keep_other(image, OtherKey::Scram(r.name.clone(), r.mechanism), record);
        }
        MetadataRecord::RemoveUserScramCredential(r) => {
            drop_other(image, &OtherKey::Scram(r.name.clone(), r.mechanism));
        }
        MetadataRecord::DelegationToken(r) => {
            keep_other(image, OtherKey::DelegationToken(r.token_id.clone()), record);
        }
        MetadataRecord::RemoveDelegationToken(r) => {
            drop_other(image, &OtherKey::DelegationToken(r.token_id.clone()));
        }
        // ZooKeeper's migration state means nothing from Kafka 4.0 on, which drops it as well.
        MetadataRecord::NoOp(_) | MetadataRecord::ZkMigrationState(_) => {}
        MetadataRecord::BeginTransaction(_)
        | MetadataRecord::EndTransaction(_)
        | MetadataRecord::AbortTransaction(_) => {
            unreachable!("transactions are handled before records are applied")
        }
    }
    Ok(())
}

fn create_topic(
    image: &mut Image,
    changes: &mut Changes,
    record: &TopicRecord,
) -> Result<(), ReplayError> {
    let (name, id) = (Arc::<str>::from(record.name.as_str()), record.topic_id);
    if image.topic(id).is_some() || image.topic_ids.contains_key(&name) {
        return Err(ReplayError::TopicExists {
            name: record.name.clone(),
            id,
        });
    }
    let topic = Topic {
        name: Arc::clone(&name),
        id,
        partitions: Default::default(),
    };
    Arc::make_mut(&mut image.topics).insert(id, Arc::new(topic));
    Arc::make_mut(&mut image.topic_ids).insert(Arc::clone(&name), id);
    changes.created_topics.insert(TopicKey { name, id });
    Ok(())
}

fn remove_topic(
    image: &mut Image,
    changes: &mut Changes,
    record: &'static str,
    id: Uuid,
) -> Result<(), ReplayError> {
    let removed = Arc::make_mut(&mut image.topics).remove(&id);
    let topic = removed.ok_or(ReplayError::UnknownTopic { record, topic: id })?;
    Arc::make_mut(&mut image.topic_ids).remove(&topic.name);
    let resource = ConfigResource::topic(&*topic.name);
    if image.configs.contains_key(&resource) {
        Arc::make_mut(&mut image.configs).remove(&resource);
        changes.configs.insert(resource);
    }
    let key = TopicKey {
        name: Arc::clone(&topic.name),
        id,
    };
    changes
        .partitions
        .retain(|partition| partition.topic != key.id);
    // A topic that came and went between two looks was never there.
    if !changes.created_topics.remove(&key) {
        changes.deleted_topics.insert(key);
    }
    Ok(())
}

fn put_partition(
    image: &mut Image,
    changes: &mut Changes,
    record: &'static str,
    partition: &PartitionRecord,
) -> Result<(), ReplayError> {
    let (id, number) = (partition.topic_id, partition.partition_id);
    let topic = Arc::make_mut(&mut image.topics)
        .get_mut(&id)
        .ok_or(ReplayError::UnknownTopic { record, topic: id })?;
    Arc::make_mut(topic)
        .partitions
        .insert(number, Partition::from(partition));
    changes.partitions.insert(PartitionKey {
        topic: id,
        partition: number,
    });
    Ok(())
}

fn change_partition(
    image: &mut Image,
    changes: &mut Changes,
    record: &'static str,
    change: &PartitionChangeRecord,
) -> Result<(), ReplayError> {
    let (id, number) = (change.topic_id, change.partition_id);
    if image.partition(id, number).is_none() {
        return Err(ReplayError::UnknownPartition {
            record,
            topic: id,
            partition: number,
        });
    }
    if let Some(topic) = Arc::make_mut(&mut image.topics).get_mut(&id)
        && let Some(partition) = Arc::make_mut(topic).partitions.get_mut(&number)
    {
        merge_partition(partition, change);
    }
    changes.partitions.insert(PartitionKey {
        topic: id,
        partition: number,
    });
    Ok(())
}

/// Naming a leader is an election and raises the leader epoch, even if it is the same leader.
fn merge_partition(partition: &mut Partition, change: &PartitionChangeRecord) {
    fn replace<T: Clone>(target: &mut Vec<T>, new: Option<&Vec<T>>) {
        if let Some(new) = new {
            target.clone_from(new);
        }
    }
    replace(&mut partition.replicas, change.replicas.as_ref());
    replace(&mut partition.directories, change.directories.as_ref());
    replace(&mut partition.isr, change.isr.as_ref());
    replace(
        &mut partition.removing_replicas,
        change.removing_replicas.as_ref(),
    );
    replace(
        &mut partition.adding_replicas,
        change.adding_replicas.as_ref(),
    );
    replace(
        &mut partition.eligible_leader_replicas,
        change.eligible_leader_replicas.as_ref(),
    );
    replace(
        &mut partition.last_known_elr,
        change.last_known_elr.as_ref(),
    );
    if change.leader != NO_LEADER_CHANGE {
        partition.leader = change.leader;
        partition.leader_epoch = partition.leader_epoch.saturating_add(1);
    }
    if change.leader_recovery_state != NO_RECOVERY_CHANGE {
        partition.leader_recovery_state = change.leader_recovery_state;
    }
    partition.partition_epoch = partition.partition_epoch.saturating_add(1);
}

/// Forgets the eligible leader replicas of one topic, or of all when the name is empty.
fn clear_elr(image: &mut Image, changes: &mut Changes, name: &str) {
    let ids: Vec<Uuid> = match name {
        "" => image.topic_ids.values().copied().collect(),
        name => image.topic_id(name).into_iter().collect(),
    };
    let stale =
        |p: &Partition| !p.eligible_leader_replicas.is_empty() || !p.last_known_elr.is_empty();
    for id in ids {
        if !image
            .topic(id)
            .is_some_and(|topic| topic.partitions.values().any(stale))
        {
            continue;
        }
        let Some(topic) = Arc::make_mut(&mut image.topics).get_mut(&id) else {
            continue;
        };
        let partitions = &mut Arc::make_mut(topic).partitions;
        for (number, partition) in partitions.iter_mut().filter(|(_, p)| stale(p)) {
            partition.eligible_leader_replicas.clear();
            partition.last_known_elr.clear();
            partition.partition_epoch = partition.partition_epoch.saturating_add(1);
            let key = PartitionKey {
                topic: id,
                partition: *number,
            };
            changes.partitions.insert(key);
        }
    }
}

fn set_config(image: &mut Image, changes: &mut Changes, record: &ConfigRecord) {
    let kind = ResourceType::from_code(record.resource_type);
    let resource = ConfigResource::new(kind, record.resource_name.clone());
    let all = Arc::make_mut(&mut image.configs);
    match &record.value {
        Some(value) => {
            let configs = all.entry(resource.clone()).or_default();
            Arc::make_mut(configs).insert(record.name.clone(), value.clone());
        }
        None => {
            if let Some(configs) = all.get_mut(&resource) {
                Arc::make_mut(configs).remove(&record.name);
                if configs.is_empty() {
                    all.remove(&resource);
                }
            }
        }
    }
    changes.configs.insert(resource);
}

fn set_feature(image: &mut Image, changes: &mut Changes, record: &FeatureLevelRecord) {
    // Its level is that of the control records; Kafka 4.0 could write it here by mistake.
    if record.name == KRAFT_VERSION {
        return;
    }
    let features = Arc::make_mut(&mut image.features);
    if record.feature_level == 0 {
        features.remove(&record.name);
    } else {
        features.insert(record.name.clone(), record.feature_level);
    }
    changes.features = true;
}

fn change_broker(
    image: &mut Image,
    changes: &mut Changes,
    record: &'static str,
    id: i32,
    change: impl FnOnce(&mut RegisterBrokerRecord),
) -> Result<(), ReplayError> {
    let broker = Arc::make_mut(&mut image.brokers)
        .get_mut(&id)
        .ok_or(ReplayError::UnknownBroker { record, broker: id })?;
    change(Arc::make_mut(broker));
    changes.brokers.insert(id);
    Ok(())
}

fn merge_broker(broker: &mut RegisterBrokerRecord, change: &BrokerRegistrationChangeRecord) {
    match change.fenced {
        -1 => broker.fenced = false,
        1 => broker.fenced = true,
        _ => {}
    }
    if change.in_controlled_shutdown == 1 {
        broker.in_controlled_shutdown = true;
    }
    if !change.log_dirs.is_empty() {
        broker.log_dirs.clone_from(&change.log_dirs);
    }
    if let Some(cordoned) = &change.cordoned_log_dirs {
        broker.cordoned_log_dirs = Some(cordoned.clone());
    }
}

fn quota_key(record: &ClientQuotaRecord) -> OtherKey {
    let mut entity: Vec<_> = record
        .entity
        .iter()
        .map(|part| (part.entity_type.clone(), part.entity_name.clone()))
        .collect();
    entity.sort();
    OtherKey::ClientQuota(entity, record.key.clone())
}

fn keep_other(image: &mut Image, key: OtherKey, record: &MetadataRecord) {
    Arc::make_mut(&mut image.others).insert(key, Arc::new(record.clone()));
}

fn drop_other(image: &mut Image, key: &OtherKey) {
    if image.others.contains_key(key) {
        Arc::make_mut(&mut image.others).remove(key);
    }
}

#[cfg(test)]
mod tests;
