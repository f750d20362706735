//! Where the replicas of a partition are to be. There is nobody that a replica could be copied to or from:
//! replicas can be given up, and put into another order, and that is done at once.

use limpid_protocol::ErrorCode;

use super::election::partition_change;
use super::known_partition;
use crate::metadata::error::Refusal;
use crate::metadata::image::{Image, NO_LEADER, Partition};
use crate::metadata::record::MetadataRecord;

/// What is asked for a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reassignment {
    /// The topic's name.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// Where its replicas are to be; `None` to give up what an earlier wish has begun.
    pub replicas: Option<Vec<i32>>,
    /// Whether there may be more or fewer of them than before.
    pub may_resize: bool,
}

/// The records that make a reassignment; none when everything is as it is asked for.
///
/// # Errors
/// Why it can't be made.
pub fn reassign(image: &Image, wanted: &Reassignment) -> Result<Vec<MetadataRecord>, Refusal> {
    let (topic, partition) = known_partition(image, &wanted.topic, wanted.partition)?;
    let is_under_way =
        !(partition.adding_replicas.is_empty() && partition.removing_replicas.is_empty());
    let replicas = match &wanted.replicas {
        Some(replicas) => checked(image, partition, replicas, wanted.may_resize)?,
        None if is_under_way => before(partition),
        None => {
            let message = "no reassignment is in progress";
            return Err(Refusal::new(ErrorCode::NoReassignmentInProgress, message));
        }
    };
    if replicas == partition.replicas && !is_under_way {
        return Ok(Vec::new());
    }
    let stay: Vec<i32> = partition
        .isr
        .iter()
        .copied()
        .filter(|id| replicas.contains(id))
        .collect();
    if partition.leader == NO_LEADER || !stay.contains(&partition.leader) {
        return Err(Refusal::new(
            ErrorCode::InvalidReplicaAssignment,
            not_in_sync(&format!("{}-{}", wanted.topic, wanted.partition), partition),
        ));
    }
    let mut record = partition_change(topic.id, wanted.partition);
    // A new epoch: who is no replica any more must not be taken for one.
    record.leader = partition.leader;
    record.isr = (stay != partition.isr).then_some(stay);
    record.directories = moved_directories(partition, &replicas);
    let rest = |ids: &[i32]| {
        let stay = ids.iter().copied().filter(|id| replicas.contains(id));
        let stay: Vec<i32> = stay.collect();
        (stay != ids).then_some(stay)
    };
    record.eligible_leader_replicas = rest(&partition.eligible_leader_replicas);
    record.last_known_elr = rest(&partition.last_known_elr);
    let emptied = |ids: &[i32]| (!ids.is_empty()).then(Vec::new);
    record.adding_replicas = emptied(&partition.adding_replicas);
    record.removing_replicas = emptied(&partition.removing_replicas);
    record.replicas = (replicas != partition.replicas).then_some(replicas);
    Ok(vec![MetadataRecord::PartitionChange(record)])
}

fn checked(
    image: &Image,
    partition: &Partition,
    replicas: &[i32],
    may_resize: bool,
) -> Result<Vec<i32>, Refusal> {
    let wrong = |what: String| Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, what));
    if replicas.is_empty() {
        return wrong("a partition needs a replica".to_owned());
    }
    let new = |id: &&i32| !partition.replicas.contains(id);
    if let Some(stranger) = replicas
        .iter()
        .find(|id| new(id) && image.broker(**id).is_none())
    {
        return wrong(format!("there is no broker {stranger}"));
    }
    let twice = |at: usize| replicas[..at].contains(&replicas[at]);
    let has_doubles = (0..replicas.len()).any(twice);
    if replicas.len() != before(partition).len() && !may_resize {
        let message = "the number of replicas may not change";
        return Err(Refusal::new(ErrorCode::InvalidReplicationFactor, message));
    }
    if has_doubles {
        return wrong("a broker may be there only once".to_owned());
    }
    if let Some(new) = replicas.iter().find(new) {
        return wrong(format!(
            "broker {new} is fenced: nothing can be copied to it"
        ));
    }
    Ok(replicas.to_vec())
}

/// Where the replicas were before the reassignment that is under way.
fn before(partition: &Partition) -> Vec<i32> {
    let replicas = partition.replicas.iter().copied();
    replicas
        .filter(|id| !partition.adding_replicas.contains(id))
        .collect()
}

fn not_in_sync(name: &str, partition: &Partition) -> String {
    if partition.leader == NO_LEADER {
        return format!(
            "{name} has no leader: those that had all of its records are not there. \
             An unclean election makes it usable without what only they had"
        );
    }
    format!("broker {} leads {name} and has to stay", partition.leader)
}

fn moved_directories(
    partition: &Partition,
    replicas: &[i32],
) -> Option<Vec<limpid_protocol::Uuid>> {
    if partition.directories.is_empty() || replicas == partition.replicas {
        return None;
    }
    let of = |id: &i32| {
        let place = partition
            .replicas
            .iter()
            .position(|replica| replica == id)?;
        partition.directories.get(place).copied()
    };
    Some(
        replicas
            .iter()
            .map(|id| of(id).unwrap_or_default())
            .collect(),
    )
}
