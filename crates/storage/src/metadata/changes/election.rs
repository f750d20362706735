//! Who leads a partition. No other broker can take part here, whatever is registered: what others had is
//! out of sync, and what only others had has no leader.

use limpid_protocol::messages::PartitionChangeRecord;
use limpid_protocol::{ErrorCode, Uuid};

use super::eligible::{keeps_eligible, min_in_sync};
use crate::metadata::error::Refusal;
use crate::metadata::image::{Image, NO_LEADER, Partition, Topic};
use crate::metadata::record::MetadataRecord;
use crate::metadata::replay::NO_LEADER_CHANGE;

/// What becomes of a partition when the one broker that there is begins its work: it leads where it has
/// every record that was promised, and nobody leads the rest. What Kafka's controller does when the session of
/// every other broker is over.
pub(super) fn at_start(
    image: &Image,
    me: i32,
    topic: &Topic,
    (number, partition): (i32, &Partition),
) -> Option<PartitionChangeRecord> {
    if !can_lead(partition, me) {
        let is_led = partition.leader != NO_LEADER;
        return is_led.then(|| leaderless(image, topic.id, number, partition));
    }
    Some(led_by(image, me, topic, (number, partition)))
}

/// The record that makes a broker lead a partition that has no leader, although it may lack records that
/// others had.
///
/// # Errors
/// `ELECTION_NOT_NEEDED` when somebody leads, `ELIGIBLE_LEADERS_NOT_AVAILABLE` when the broker has no
/// replica, and those of what is not there.
pub fn elect_unclean(
    image: &Image,
    broker: i32,
    topic: Uuid,
    number: i32,
) -> Result<Vec<MetadataRecord>, Refusal> {
    let topic = super::known_topic(image, topic)?;
    let Some(partition) = topic.partitions.get(&number) else {
        let message = format!("there is no partition {}-{number}", topic.name);
        return Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, message));
    };
    if partition.leader != NO_LEADER {
        let message = format!("broker {} leads it already", partition.leader);
        return Err(Refusal::new(ErrorCode::ElectionNotNeeded, message));
    }
    if !partition.replicas.contains(&broker) {
        let message = format!("broker {broker} has no replica of {}-{number}", topic.name);
        return Err(Refusal::new(
            ErrorCode::EligibleLeadersNotAvailable,
            message,
        ));
    }
    let record = led_by(image, broker, topic, (number, partition));
    Ok(vec![MetadataRecord::PartitionChange(record)])
}

/// Whether a broker has all records that were promised, as far as the metadata tell.
fn can_lead(partition: &Partition, me: i32) -> bool {
    partition.replicas.contains(&me)
        && (partition.leader == me
            || partition.isr.contains(&me)
            || partition.replicas == [me]
            || partition.eligible_leader_replicas.contains(&me))
}

/// Naming a leader raises the leader epoch, which fences what an earlier life of the broker, or another
/// leader, may still have under way.
fn led_by(
    image: &Image,
    me: i32,
    topic: &Topic,
    (number, partition): (i32, &Partition),
) -> PartitionChangeRecord {
    let mut record = partition_change(topic.id, number);
    record.leader = me;
    record.isr = (partition.isr != [me]).then(|| vec![me]);
    record.leader_recovery_state = if partition.leader_recovery_state == 0 {
        -1
    } else {
        0
    };
    // Below the minimum nothing is promised that the others lack: they stay eligible.
    let others = match keeps_eligible(image) && min_in_sync(image, &topic.name) > 1 {
        true => without(&had_everything(partition), me),
        false => Vec::new(),
    };
    let changed = others != partition.eligible_leader_replicas;
    record.eligible_leader_replicas = changed.then_some(others);
    record.last_known_elr = (!partition.last_known_elr.is_empty()).then(Vec::new);
    record
}

/// Nobody leads it any more. As in Kafka the last in sync stay so when nothing else says who had all.
fn leaderless(
    image: &Image,
    topic: Uuid,
    number: i32,
    partition: &Partition,
) -> PartitionChangeRecord {
    let mut record = partition_change(topic, number);
    record.leader = NO_LEADER;
    if keeps_eligible(image) && !partition.isr.is_empty() {
        record.isr = Some(Vec::new());
        record.eligible_leader_replicas = Some(had_everything(partition));
        record.last_known_elr = Some(vec![partition.leader]);
    }
    record
}

/// Those in sync, and those that were when the minimum was lost.
pub(super) fn had_everything(partition: &Partition) -> Vec<i32> {
    let eligible = partition.eligible_leader_replicas.iter();
    let more = eligible.filter(|id| !partition.isr.contains(id));
    partition.isr.iter().chain(more).copied().collect()
}

pub(super) fn without(ids: &[i32], gone: i32) -> Vec<i32> {
    ids.iter().copied().filter(|id| *id != gone).collect()
}

/// A record that changes nothing yet.
pub(super) fn partition_change(topic_id: Uuid, partition_id: i32) -> PartitionChangeRecord {
    PartitionChangeRecord {
        partition_id,
        topic_id,
        leader: NO_LEADER_CHANGE,
        leader_recovery_state: -1,
        ..PartitionChangeRecord::default()
    }
}
