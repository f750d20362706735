//! The cluster's metadata at one offset: what replaying the log up to there gives.
//!
//! An [`Image`] never changes once it is shared. Cloning one costs a handful of reference counts;
//! the parts that a change touches are copied on write ([`super::replay`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_protocol::Uuid;
use limpid_protocol::messages::voters_record::Voter;
use limpid_protocol::messages::{
    AccessControlEntryRecord, ClientQuotaRecord, PartitionRecord, RegisterBrokerRecord,
    RegisterControllerRecord, TopicRecord, UserScramCredentialRecord,
};

use super::record::MetadataRecord;

/// Names a feature level that every other record depends on.
pub const METADATA_VERSION: &str = "metadata.version";

/// Names the feature whose level is in control records of the log and not among the features: 0
/// when the voters are configured, 1 when they are in the log (KIP-853).
pub const KRAFT_VERSION: &str = "kraft.version";

/// No broker leads the partition.
pub const NO_LEADER: i32 = -1;

/// The `metadata.version` that records are written at before the log says which (3.3-IV3, the
/// lowest of Kafka 4).
const LOWEST_METADATA_VERSION: i16 = 7;

/// What a config belongs to. The numbers are those of `ConfigResource.Type` on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceType {
    /// A topic's config.
    Topic,
    /// A broker's dynamic config; the empty name is the default of the whole cluster.
    Broker,
    /// A subscription of client metrics (KIP-714).
    ClientMetrics,
    /// A group's config.
    Group,
    /// A type of a later Kafka, kept as it is.
    Other(i8),
}

impl ResourceType {
    /// The number on disk and on the wire.
    #[must_use]
    pub fn code(self) -> i8 {
        match self {
            Self::Topic => 2,
            Self::Broker => 4,
            Self::ClientMetrics => 16,
            Self::Group => 32,
            Self::Other(code) => code,
        }
    }

    /// The type of a number.
    #[must_use]
    pub fn from_code(code: i8) -> Self {
        match code {
            2 => Self::Topic,
            4 => Self::Broker,
            16 => Self::ClientMetrics,
            32 => Self::Group,
            other => Self::Other(other),
        }
    }
}

/// One thing that has configs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigResource {
    /// Its type.
    pub kind: ResourceType,
    /// Its name; empty for the default of all brokers.
    pub name: String,
}

impl ConfigResource {
    /// A resource of this type and name.
    pub fn new(kind: ResourceType, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }

    /// The topic of that name.
    pub fn topic(name: impl Into<String>) -> Self {
        Self::new(ResourceType::Topic, name)
    }

    /// The broker of that id.
    #[must_use]
    pub fn broker(id: i32) -> Self {
        Self::new(ResourceType::Broker, id.to_string())
    }

    /// What holds for all brokers unless one says otherwise.
    #[must_use]
    pub fn broker_default() -> Self {
        Self::new(ResourceType::Broker, "")
    }
}

/// A partition's state. Vectors of broker ids are in the order of the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Replicas, the preferred leader first.
    pub replicas: Vec<i32>,
    /// The log directory of each replica, in the order of `replicas`; empty when the cluster is
    /// older than KIP-858.
    pub directories: Vec<Uuid>,
    /// In-sync replicas.
    pub isr: Vec<i32>,
    /// Replicas that a reassignment takes away.
    pub removing_replicas: Vec<i32>,
    /// Replicas that a reassignment adds.
    pub adding_replicas: Vec<i32>,
    /// The leading broker, or [`NO_LEADER`].
    pub leader: i32,
    /// 1 while the partition recovers from an unclean election, 0 otherwise.
    pub leader_recovery_state: i8,
    /// Grows with every election.
    pub leader_epoch: i32,
    /// Grows with every change of this structure.
    pub partition_epoch: i32,
    /// Eligible leader replicas (KIP-966).
    pub eligible_leader_replicas: Vec<i32>,
    /// The last member of the eligible leader replicas, when none is left (KIP-966).
    pub last_known_elr: Vec<i32>,
}

impl From<&PartitionRecord> for Partition {
    fn from(record: &PartitionRecord) -> Self {
        Self {
            replicas: record.replicas.clone(),
            directories: record.directories.clone(),
            isr: record.isr.clone(),
            removing_replicas: record.removing_replicas.clone(),
            adding_replicas: record.adding_replicas.clone(),
            leader: record.leader,
            leader_recovery_state: record.leader_recovery_state,
            leader_epoch: record.leader_epoch,
            partition_epoch: record.partition_epoch,
            eligible_leader_replicas: record.eligible_leader_replicas.clone().unwrap_or_default(),
            last_known_elr: record.last_known_elr.clone().unwrap_or_default(),
        }
    }
}

impl Partition {
    pub(super) fn to_record(&self, topic_id: Uuid, partition_id: i32) -> PartitionRecord {
        let some_unless_empty = |ids: &Vec<i32>| (!ids.is_empty()).then(|| ids.clone());
        PartitionRecord {
            partition_id,
            topic_id,
            replicas: self.replicas.clone(),
            isr: self.isr.clone(),
            removing_replicas: self.removing_replicas.clone(),
            adding_replicas: self.adding_replicas.clone(),
            leader: self.leader,
            leader_recovery_state: self.leader_recovery_state,
            leader_epoch: self.leader_epoch,
            partition_epoch: self.partition_epoch,
            directories: self.directories.clone(),
            eligible_leader_replicas: some_unless_empty(&self.eligible_leader_replicas),
            last_known_elr: some_unless_empty(&self.last_known_elr),
        }
    }
}

/// A topic with its partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: Arc<str>,
    /// Its id: a topic that is deleted and made again under the same name has another.
    pub id: Uuid,
    /// Partitions by number.
    pub partitions: BTreeMap<i32, Partition>,
}

impl Topic {
    pub(super) fn to_record(&self) -> TopicRecord {
        TopicRecord {
            name: self.name.to_string(),
            topic_id: self.id,
        }
    }
}

/// The key of a record that is kept as it is: of access, quotas and users.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OtherKey {
    /// Entity as (type, name) pairs, and quota key.
    ClientQuota(Vec<(String, Option<String>)>, String),
    /// Id of the ACL.
    Acl(Uuid),
    /// User and mechanism.
    Scram(String, i8),
    /// Id of the token.
    DelegationToken(String),
}

/// The ACLs, quotas and users of an image, for telling whether another image has the same. Holds
/// nothing else of it.
#[derive(Debug, Clone)]
pub struct AccessMark(Arc<BTreeMap<OtherKey, Arc<MetadataRecord>>>);

impl PartialEq for AccessMark {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Names and values of one resource's configs.
pub type ConfigMap = BTreeMap<String, String>;

/// The cluster's metadata at one offset.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    pub(super) offset: i64,
    pub(super) epoch: i32,
    pub(super) timestamp_ms: i64,
    pub(super) features: Arc<BTreeMap<String, i16>>,
    pub(super) kraft_version: i16,
    pub(super) voters: Arc<[Voter]>,
    pub(super) brokers: Arc<BTreeMap<i32, Arc<RegisterBrokerRecord>>>,
    pub(super) controllers: Arc<BTreeMap<i32, Arc<RegisterControllerRecord>>>,
    pub(super) topics: Arc<BTreeMap<Uuid, Arc<Topic>>>,
    pub(super) topic_ids: Arc<BTreeMap<Arc<str>, Uuid>>,
    pub(super) configs: Arc<BTreeMap<ConfigResource, Arc<ConfigMap>>>,
    pub(super) next_producer_id: i64,
    pub(super) others: Arc<BTreeMap<OtherKey, Arc<MetadataRecord>>>,
}

impl Default for Image {
    fn default() -> Self {
        Self {
            offset: -1,
            epoch: 0,
            timestamp_ms: -1,
            features: Arc::default(),
            kraft_version: 0,
            voters: Arc::default(),
            brokers: Arc::default(),
            controllers: Arc::default(),
            topics: Arc::default(),
            topic_ids: Arc::default(),
            configs: Arc::default(),
            next_producer_id: 0,
            others: Arc::default(),
        }
    }
}

impl Image {
    /// The offset of the last record in the image; −1 when there is none.
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// The epoch of the controller that wrote the last record.
    #[must_use]
    pub fn epoch(&self) -> i32 {
        self.epoch
    }

    /// When the last record was appended, in milliseconds since 1970; −1 when there is none.
    #[must_use]
    pub fn timestamp_ms(&self) -> i64 {
        self.timestamp_ms
    }

    /// The offset that the next record gets: what Kafka gives a new registration as broker epoch.
    #[must_use]
    pub fn next_offset(&self) -> i64 {
        self.offset + 1
    }

    /// The finalized features and their levels; those of level 0 are absent, and `kraft.version` is.
    #[must_use]
    pub fn features(&self) -> &BTreeMap<String, i16> {
        &self.features
    }

    /// The level of a feature, `kraft.version` included; 0 when it isn't there.
    #[must_use]
    pub fn feature(&self, name: &str) -> i16 {
        match name {
            KRAFT_VERSION => self.kraft_version,
            name => self.features.get(name).copied().unwrap_or(0),
        }
    }

    /// Who votes in the quorum of the log, when the log says so: `kraft.version` 1.
    #[must_use]
    pub fn voters(&self) -> &[Voter] {
        &self.voters
    }

    /// The `metadata.version` that new records are written at.
    #[must_use]
    pub fn metadata_version(&self) -> i16 {
        self.features
            .get(METADATA_VERSION)
            .copied()
            .unwrap_or(LOWEST_METADATA_VERSION)
    }

    /// The registration of a broker.
    #[must_use]
    pub fn broker(&self, id: i32) -> Option<&Arc<RegisterBrokerRecord>> {
        self.brokers.get(&id)
    }

    /// All registered brokers by id; fenced ones are among them.
    pub fn brokers(&self) -> impl ExactSizeIterator<Item = &Arc<RegisterBrokerRecord>> {
        self.brokers.values()
    }

    /// All registered controllers by id.
    pub fn controllers(&self) -> impl ExactSizeIterator<Item = &Arc<RegisterControllerRecord>> {
        self.controllers.values()
    }

    /// The topic of an id.
    #[must_use]
    pub fn topic(&self, id: Uuid) -> Option<&Arc<Topic>> {
        self.topics.get(&id)
    }

    /// The topic of a name.
    #[must_use]
    pub fn topic_named(&self, name: &str) -> Option<&Arc<Topic>> {
        self.topic(self.topic_id(name)?)
    }

    /// The id of the topic of a name.
    #[must_use]
    pub fn topic_id(&self, name: &str) -> Option<Uuid> {
        self.topic_ids.get(name).copied()
    }

    /// All topics in the order of their names.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.topic_ids.values().filter_map(|id| self.topic(*id))
    }

    /// The number of topics.
    #[must_use]
    pub fn topic_count(&self) -> usize {
        self.topic_ids.len()
    }

    /// The state of a partition.
    #[must_use]
    pub fn partition(&self, topic: Uuid, partition: i32) -> Option<&Partition> {
        self.topic(topic)?.partitions.get(&partition)
    }

    /// The configs set on a resource itself; defaults aren't among them.
    #[must_use]
    pub fn configs(&self, resource: &ConfigResource) -> Option<&Arc<ConfigMap>> {
        self.configs.get(resource)
    }

    /// One config set on a resource itself.
    #[must_use]
    pub fn config(&self, resource: &ConfigResource, name: &str) -> Option<&str> {
        self.configs.get(resource)?.get(name).map(String::as_str)
    }

    /// All resources that have configs.
    pub fn config_resources(&self) -> impl Iterator<Item = (&ConfigResource, &Arc<ConfigMap>)> {
        self.configs.iter()
    }

    /// The first producer id that no block contains yet.
    #[must_use]
    pub fn next_producer_id(&self) -> i64 {
        self.next_producer_id
    }

    /// All ACLs.
    pub fn acls(&self) -> impl Iterator<Item = &AccessControlEntryRecord> {
        self.other_records().filter_map(|record| match record {
            MetadataRecord::AccessControlEntry(acl) => Some(acl),
            _ => None,
        })
    }

    /// All client quotas.
    pub fn client_quotas(&self) -> impl Iterator<Item = &ClientQuotaRecord> {
        self.other_records().filter_map(|record| match record {
            MetadataRecord::ClientQuota(quota) => Some(quota),
            _ => None,
        })
    }

    /// One quota of an entity, whose parts are in the order of their types.
    #[must_use]
    pub fn client_quota(&self, entity: Vec<(String, Option<String>)>, key: &str) -> Option<f64> {
        let key = OtherKey::ClientQuota(entity, key.to_owned());
        match self.others.get(&key)?.as_ref() {
            MetadataRecord::ClientQuota(quota) => Some(quota.value),
            _ => None,
        }
    }

    /// What is kept of the passwords of all users of SCRAM.
    pub fn scram_credentials(&self) -> impl Iterator<Item = &UserScramCredentialRecord> {
        self.other_records().filter_map(|record| match record {
            MetadataRecord::UserScramCredential(credential) => Some(credential),
            _ => None,
        })
    }

    /// What is kept of a user's password for a mechanism.
    #[must_use]
    pub fn scram_credential(&self, user: &str, code: i8) -> Option<&UserScramCredentialRecord> {
        match self
            .others
            .get(&OtherKey::Scram(user.to_owned(), code))?
            .as_ref()
        {
            MetadataRecord::UserScramCredential(credential) => Some(credential),
            _ => None,
        }
    }

    /// Stands for the ACLs, quotas and users of this image.
    #[must_use]
    pub fn access_mark(&self) -> AccessMark {
        AccessMark(Arc::clone(&self.others))
    }

    /// ACLs, client quotas, SCRAM credentials and delegation tokens as their records.
    pub fn other_records(&self) -> impl Iterator<Item = &MetadataRecord> {
        self.others.values().map(Arc::as_ref)
    }
}
