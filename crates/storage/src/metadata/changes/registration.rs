//! A broker comes and goes: its registration, and the partitions that it leads.

use limpid_protocol::messages::{
    BrokerRegistrationChangeRecord, RegisterBrokerRecord, RegisterControllerRecord,
    UnregisterBrokerRecord, register_broker_record, register_controller_record,
};
use limpid_protocol::{ErrorCode, Uuid};

use super::election::{at_start, had_everything, partition_change, without};
use super::eligible::keeps_eligible;
use crate::metadata::error::Refusal;
use crate::metadata::image::{Image, NO_LEADER, Partition};
use crate::metadata::record::MetadataRecord;

/// `metadata.version` 4.3-IV0: registrations know cordoned log directories (KIP-1066).
const CORDONED_SINCE: i16 = 30;

/// `metadata.version` 3.7-IV2: partitions know their log directories (KIP-858).
const DIRECTORIES_SINCE: i16 = 17;

/// `metadata.version` 3.7-IV0: controllers register (KIP-919).
const CONTROLLERS_SINCE: i16 = 15;

/// Where something can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The listener's name.
    pub name: String,
    /// The advertised host.
    pub host: String,
    /// The advertised port.
    pub port: u16,
    /// 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL.
    pub security_protocol: i16,
}

/// The levels of a feature that a broker can work at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupportedFeature {
    /// The feature's name.
    pub name: String,
    /// Lowest level.
    pub min: i16,
    /// Highest level.
    pub max: i16,
}

/// A broker that registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerRegistration {
    /// `node.id`.
    pub broker_id: i32,
    /// New with every start of the process.
    pub incarnation_id: Uuid,
    /// The advertised listeners, without the controller's.
    pub endpoints: Vec<Endpoint>,
    /// What the broker supports.
    pub features: Vec<SupportedFeature>,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// The `directory.id` of each log directory that is online.
    pub log_dirs: Vec<Uuid>,
    /// The controller listeners, when the node is a controller too.
    pub controller_endpoints: Vec<Endpoint>,
}

/// The records with which a broker takes up its work: controller and broker registration, the end
/// of its fencing, the fencing of all others (nobody can send their heartbeats here), and an election in
/// every partition.
///
/// Kafka writes the same over several heartbeats.
#[must_use]
pub fn register_broker(image: &Image, new: &BrokerRegistration) -> Vec<MetadataRecord> {
    let version = image.metadata_version();
    let mut records = Vec::new();
    if version >= CONTROLLERS_SINCE && !new.controller_endpoints.is_empty() {
        records.push(controller_record(new));
    }
    // Kafka takes the offset of the registration as the broker's epoch.
    let broker_epoch = image.next_offset() + records.len() as i64;
    records.push(broker_record(new, broker_epoch));
    let unfenced = BrokerRegistrationChangeRecord {
        broker_id: new.broker_id,
        broker_epoch,
        fenced: -1,
        ..Default::default()
    };
    records.push(MetadataRecord::BrokerRegistrationChange(unfenced));
    if version >= CORDONED_SINCE {
        let none_cordoned = BrokerRegistrationChangeRecord {
            broker_id: new.broker_id,
            broker_epoch,
            cordoned_log_dirs: Some(Vec::new()),
            ..Default::default()
        };
        records.push(MetadataRecord::BrokerRegistrationChange(none_cordoned));
    }
    let others = image
        .brokers()
        .filter(|b| b.broker_id != new.broker_id && !b.fenced);
    records.extend(others.map(|other| {
        MetadataRecord::BrokerRegistrationChange(BrokerRegistrationChangeRecord {
            broker_id: other.broker_id,
            broker_epoch: other.broker_epoch,
            fenced: 1,
            ..Default::default()
        })
    }));
    for topic in image.topics() {
        for (number, partition) in &topic.partitions {
            let me = new.broker_id;
            let Some(mut record) = at_start(image, me, topic, (*number, partition)) else {
                continue;
            };
            if record.leader == me {
                record.directories = directories(image, new, partition);
            }
            records.push(MetadataRecord::PartitionChange(record));
        }
    }
    records
}

/// The records with which a broker ends its work in order: Kafka's controlled shutdown of the only
/// replica. Whoever opens the directory next elects without having to call it unclean.
#[must_use]
pub fn controlled_shutdown(image: &Image, broker_id: i32) -> Vec<MetadataRecord> {
    let Some(registration) = image.broker(broker_id) else {
        return Vec::new();
    };
    let change = |fenced, in_controlled_shutdown| {
        MetadataRecord::BrokerRegistrationChange(BrokerRegistrationChangeRecord {
            broker_id,
            broker_epoch: registration.broker_epoch,
            fenced,
            in_controlled_shutdown,
            ..Default::default()
        })
    };
    let keeps_elr = keeps_eligible(image);
    let mut records = vec![change(0, 1)];
    for topic in image.topics() {
        for (number, partition) in &topic.partitions {
            if partition.leader != broker_id {
                continue;
            }
            let last = partition.isr == [broker_id];
            let mut record = partition_change(topic.id, *number);
            record.leader = NO_LEADER;
            if last && keeps_elr {
                record.isr = Some(Vec::new());
                record.eligible_leader_replicas = Some(had_everything(partition));
                record.last_known_elr = Some(vec![broker_id]);
            } else if !last {
                record.isr = Some(without(&partition.isr, broker_id));
            }
            records.push(MetadataRecord::PartitionChange(record));
        }
    }
    records.push(change(1, 0));
    records
}

/// The records that forget a broker for good: it leads nothing any more, is in sync with nothing,
/// and the last one takes its registration away.
///
/// # Errors
/// `BROKER_ID_NOT_REGISTERED`.
pub fn unregister_broker(image: &Image, broker_id: i32) -> Result<Vec<MetadataRecord>, Refusal> {
    let Some(registration) = image.broker(broker_id) else {
        let message = format!("no broker is registered as {broker_id}");
        return Err(Refusal::new(ErrorCode::BrokerIdNotRegistered, message));
    };
    let mut records = Vec::new();
    for topic in image.topics() {
        for (number, partition) in &topic.partitions {
            let mut record = partition_change(topic.id, *number);
            if partition.leader == broker_id {
                record.leader = NO_LEADER;
            }
            if partition.isr.contains(&broker_id) {
                record.isr = Some(without(&partition.isr, broker_id));
            }
            if record.leader == NO_LEADER || record.isr.is_some() {
                records.push(MetadataRecord::PartitionChange(record));
            }
        }
    }
    records.push(MetadataRecord::UnregisterBroker(UnregisterBrokerRecord {
        broker_id,
        broker_epoch: registration.broker_epoch,
    }));
    Ok(records)
}

/// The directories of a partition whose own one isn't any of the broker's, when there is no doubt
/// which it must be.
fn directories(
    image: &Image,
    new: &BrokerRegistration,
    partition: &Partition,
) -> Option<Vec<Uuid>> {
    let mut replicas = partition.replicas.iter();
    let place = replicas.position(|id| *id == new.broker_id)?;
    let [only] = new.log_dirs.as_slice() else {
        return None;
    };
    if image.metadata_version() < DIRECTORIES_SINCE
        || partition.directories.get(place) == Some(only)
    {
        return None;
    }
    let mut directories = partition.directories.clone();
    directories.resize(partition.replicas.len(), Uuid::ZERO);
    directories[place] = *only;
    Some(directories)
}

fn broker_record(new: &BrokerRegistration, broker_epoch: i64) -> MetadataRecord {
    use register_broker_record::{BrokerEndpoint, BrokerFeature};
    let end_points = new.endpoints.iter().map(|endpoint| BrokerEndpoint {
        name: endpoint.name.clone(),
        host: endpoint.host.clone(),
        port: endpoint.port,
        security_protocol: endpoint.security_protocol,
    });
    let features = new.features.iter().map(|feature| BrokerFeature {
        name: feature.name.clone(),
        min_supported_version: feature.min,
        max_supported_version: feature.max,
    });
    MetadataRecord::RegisterBroker(RegisterBrokerRecord {
        broker_id: new.broker_id,
        incarnation_id: new.incarnation_id,
        broker_epoch,
        end_points: end_points.collect(),
        features: features.collect(),
        rack: new.rack.clone(),
        fenced: true,
        log_dirs: new.log_dirs.clone(),
        ..RegisterBrokerRecord::default()
    })
}

fn controller_record(new: &BrokerRegistration) -> MetadataRecord {
    use register_controller_record::{ControllerEndpoint, ControllerFeature};
    let end_points = new
        .controller_endpoints
        .iter()
        .map(|endpoint| ControllerEndpoint {
            name: endpoint.name.clone(),
            host: endpoint.host.clone(),
            port: endpoint.port,
            security_protocol: endpoint.security_protocol,
        });
    let features = new.features.iter().map(|feature| ControllerFeature {
        name: feature.name.clone(),
        min_supported_version: feature.min,
        max_supported_version: feature.max,
    });
    MetadataRecord::RegisterController(RegisterControllerRecord {
        controller_id: new.broker_id,
        incarnation_id: new.incarnation_id,
        zk_migration_ready: false,
        end_points: end_points.collect(),
        features: features.collect(),
    })
}
