//! A directory of a larger cluster, of which this broker alone is left.

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::RegisterBrokerRecord;

use super::*;
use crate::metadata::MetadataRecord::{PartitionChange, RegisterBroker};
use crate::metadata::changes::Reassignment;
use crate::metadata::{Partition, Refusal};
use limpid_protocol::messages::PartitionChangeRecord;

type Records = Vec<MetadataRecord>;

/// A partition of topic 1 as the cluster left it.
#[derive(Clone, Copy)]
struct Left {
    replicas: &'static [i32],
    isr: &'static [i32],
    eligible: &'static [i32],
    leader: i32,
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
struct Now(i32, Vec<i32>, Vec<i32>);

fn now(leader: i32, isr: &[i32], eligible: &[i32]) -> Now {
    Now(leader, isr.to_vec(), eligible.to_vec())
}

fn of(image: &Image, number: i32) -> Now {
    let partition = image.partition(id(1), number).unwrap();
    now(
        partition.leader,
        &partition.isr,
        &partition.eligible_leader_replicas,
    )
}

fn write(log: &LocalMetadataLog, records: Records) -> Arc<Image> {
    log.update(Box::new(move |_| Ok(records)))
        .wait()
        .unwrap()
        .image
}

fn try_to(
    log: &LocalMetadataLog,
    change: impl FnOnce(&Image) -> Result<Records, Refusal> + Send + 'static,
) -> Result<Arc<Image>, (ErrorCode, String)> {
    match log.update(Box::new(change)).wait() {
        Ok(committed) => Ok(committed.image),
        Err(AppendError::Refused(refusal)) => Err((refusal.code, refusal.message)),
        Err(other) => panic!("{other:?}"),
    }
}

/// Topic 1 with these partitions, and broker 2, which is alive as far as anybody has written down.
fn left(dir: &TempDir, partitions: &[Left], settings: &[(&str, &str)]) -> LocalMetadataLog {
    let log = open(dir);
    let gone = RegisterBrokerRecord {
        broker_id: 2,
        incarnation_id: id(3),
        broker_epoch: 7,
        fenced: false,
        log_dirs: vec![id(201)],
        ..RegisterBrokerRecord::default()
    };
    write(&log, vec![RegisterBroker(gone)]);
    let place = |broker: &i32| ReplicaPlace {
        broker: *broker,
        directory: id(199 + u8::try_from(*broker).unwrap()),
    };
    let places = partitions
        .iter()
        .map(|p| p.replicas.iter().map(place).collect());
    let new = NewTopic {
        partitions: places.collect(),
        configs: settings
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect(),
        ..topic("a", 1, 0)
    };
    let made = log.update(Box::new(move |image| changes::create_topic(image, &new)));
    made.wait().unwrap();
    let change = |(number, left): (usize, &Left)| {
        PartitionChange(PartitionChangeRecord {
            topic_id: id(1),
            partition_id: i32::try_from(number).unwrap(),
            leader: left.leader,
            isr: Some(left.isr.to_vec()),
            eligible_leader_replicas: Some(left.eligible.to_vec()),
            leader_recovery_state: -1,
            ..PartitionChangeRecord::default()
        })
    };
    write(&log, partitions.iter().enumerate().map(change).collect());
    log
}

const BOTH: Left = Left {
    replicas: &[1, 2],
    isr: &[1, 2],
    eligible: &[],
    leader: 1,
};
const LED_BY_THE_OTHER: Left = Left {
    replicas: &[2, 1],
    isr: &[2, 1],
    eligible: &[],
    leader: 2,
};
const ONLY_THE_OTHERS: Left = Left {
    replicas: &[2],
    isr: &[2],
    eligible: &[],
    leader: 2,
};
const OUT_OF_SYNC: Left = Left {
    replicas: &[2, 1],
    isr: &[2],
    eligible: &[],
    leader: 2,
};
/// With a minimum of two.
const ELIGIBLE: Left = Left {
    eligible: &[1],
    ..OUT_OF_SYNC
};

#[test]
fn copies_of_others_are_not_in_sync_and_what_only_they_had_has_no_leader() {
    let all = [BOTH, LED_BY_THE_OTHER, ONLY_THE_OTHERS, OUT_OF_SYNC];
    let dir = formatted();
    let log = left(&dir, &all, &[]);
    let before = log.image().partition(id(1), 1).unwrap().leader_epoch;
    let image = register(&log, 1);
    assert!(image.broker(2).unwrap().fenced && !image.broker(1).unwrap().fenced);
    assert_eq!(of(&image, 0), now(1, &[1], &[]));
    assert_eq!(of(&image, 1), now(1, &[1], &[]));
    let epoch = image.partition(id(1), 1).unwrap().leader_epoch;
    assert_eq!(epoch, before + 1, "the other's leadership is over");
    assert_eq!(of(&image, 2), now(NO_LEADER, &[], &[2]));
    assert_eq!(of(&image, 3), now(NO_LEADER, &[], &[2]));
    // A further start changes nothing of that.
    log.close();
    let again = register(&open(&dir), 2);
    for number in 0..4 {
        assert_eq!(of(&again, number), of(&image, number), "{number}");
    }
}

#[test]
fn below_the_minimum_others_stay_eligible_and_so_did_we() {
    let dir = formatted();
    let log = left(&dir, &[BOTH, ELIGIBLE], &[("min.insync.replicas", "2")]);
    let image = register(&log, 1);
    assert_eq!(of(&image, 0), now(1, &[1], &[2]));
    assert_eq!(of(&image, 1), now(1, &[1], &[2]));
    let stop = log.update(Box::new(|image| Ok(changes::controlled_shutdown(image, 1))));
    let image = stop.wait().unwrap().image;
    assert_eq!(of(&image, 0), now(NO_LEADER, &[], &[1, 2]));
}

#[test]
fn without_eligible_replicas_the_last_in_sync_stay_so() {
    let dir = formatted();
    let log = left(&dir, &[BOTH, OUT_OF_SYNC], &[("min.insync.replicas", "2")]);
    write(
        &log,
        vec![changes::set_feature("eligible.leader.replicas.version", 0)],
    );
    let image = register(&log, 1);
    assert_eq!(of(&image, 0), now(1, &[1], &[]));
    assert_eq!(of(&image, 1), now(NO_LEADER, &[2], &[]));
}

#[test]
fn an_unclean_election_takes_what_is_here() {
    let dir = formatted();
    let log = left(&dir, &[BOTH, ONLY_THE_OTHERS, OUT_OF_SYNC], &[]);
    register(&log, 1);
    let elect = |number| try_to(&log, move |i| changes::elect_unclean(i, 1, id(1), number));
    assert_eq!(elect(0).unwrap_err().0, ErrorCode::ElectionNotNeeded);
    let none = elect(1).unwrap_err();
    assert_eq!(none.0, ErrorCode::EligibleLeadersNotAvailable, "{none:?}");
    assert_eq!(elect(9).unwrap_err().0, ErrorCode::UnknownTopicOrPartition);
    assert_eq!(of(&elect(2).unwrap(), 2), now(1, &[1], &[]));
}

fn wish(partition: i32, replicas: Option<&[i32]>) -> Reassignment {
    Reassignment {
        topic: "a".to_owned(),
        partition,
        replicas: replicas.map(<[i32]>::to_vec),
        may_resize: true,
    }
}

#[test]
fn replicas_of_others_can_be_given_up() {
    let dir = formatted();
    let log = left(
        &dir,
        &[BOTH, LED_BY_THE_OTHER, OUT_OF_SYNC],
        &[("min.insync.replicas", "2")],
    );
    register(&log, 1);
    let go = |wanted: Reassignment| try_to(&log, move |i| changes::reassign(i, &wanted));
    let partition = |image: &Image, number: i32| -> Partition {
        image.partition(id(1), number).unwrap().clone()
    };
    let image = go(wish(1, Some(&[1]))).unwrap();
    let alone = partition(&image, 1);
    assert_eq!(
        (&*alone.replicas, &*alone.directories),
        (&[1][..], &[id(200)][..])
    );
    assert_eq!(
        of(&image, 1),
        now(1, &[1], &[]),
        "2 is not eligible any more"
    );
    // Another order is no copy.
    let image = go(wish(0, Some(&[2, 1]))).unwrap();
    let turned = partition(&image, 0);
    assert_eq!(
        (&*turned.replicas, &*turned.directories),
        (&[2, 1][..], &[id(201), id(200)][..])
    );
    assert_eq!(of(&image, 0), now(1, &[1], &[2]));

    let refused = |wanted, code, word: &str| {
        let (is, why) = go(wanted).unwrap_err();
        assert!(is == code && why.contains(word), "{is:?}: {why}");
    };
    let wrong = ErrorCode::InvalidReplicaAssignment;
    refused(wish(0, Some(&[2])), wrong, "has to stay");
    refused(wish(1, Some(&[1, 2])), wrong, "fenced");
    refused(wish(0, Some(&[1, 3])), wrong, "no broker 3");
    refused(wish(0, Some(&[1, 1])), wrong, "only once");
    refused(wish(0, Some(&[])), wrong, "needs a replica");
    refused(wish(2, Some(&[1])), wrong, "unclean");
    refused(
        wish(0, None),
        ErrorCode::NoReassignmentInProgress,
        "progress",
    );
    let mut same_size = wish(0, Some(&[1]));
    same_size.may_resize = false;
    refused(same_size, ErrorCode::InvalidReplicationFactor, "number");
}

#[test]
fn what_a_larger_cluster_had_begun_can_be_cancelled() {
    let dir = formatted();
    let log = left(&dir, &[BOTH], &[]);
    register(&log, 1);
    let begun = PartitionChangeRecord {
        topic_id: id(1),
        partition_id: 0,
        replicas: Some(vec![2, 1]),
        adding_replicas: Some(vec![2]),
        leader: -2,
        leader_recovery_state: -1,
        ..PartitionChangeRecord::default()
    };
    write(&log, vec![PartitionChange(begun)]);
    let image = try_to(&log, |i| changes::reassign(i, &wish(0, None))).unwrap();
    let partition = image.partition(id(1), 0).unwrap();
    assert_eq!(partition.replicas, [1]);
    assert!(partition.adding_replicas.is_empty() && partition.removing_replicas.is_empty());
}

#[test]
fn an_unregistered_broker_leads_nothing_and_stays_away() {
    let dir = formatted();
    let log = left(&dir, &[BOTH, LED_BY_THE_OTHER], &[]);
    register(&log, 1);
    let image = try_to(&log, |image| changes::unregister_broker(image, 2)).unwrap();
    assert!(image.broker(2).is_none() && image.broker(1).is_some());
    assert_eq!(of(&image, 1), now(1, &[1], &[]));
    let again = try_to(&log, |image| changes::unregister_broker(image, 2));
    assert_eq!(again.unwrap_err().0, ErrorCode::BrokerIdNotRegistered);
    log.close();
    let image = register(&open(&dir), 2);
    assert!(image.broker(2).is_none());
    assert_eq!(of(&image, 1), now(1, &[1], &[]));
}
