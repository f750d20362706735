use limpid_protocol::messages::{
    AbortTransactionRecord, BeginTransactionRecord, ClearElrRecord, EndTransactionRecord,
};

use super::*;
use crate::metadata::changes::{self, NewTopic, ReplicaPlace};

fn id(n: u8) -> Uuid {
    Uuid::from_bytes([n; 16])
}

fn new_topic(name: &str, n: u8, partitions: usize) -> NewTopic {
    let place = ReplicaPlace {
        broker: 1,
        directory: id(99),
    };
    NewTopic {
        name: name.to_owned(),
        id: id(n),
        partitions: vec![vec![place]; partitions],
        configs: vec![("retention.ms".to_owned(), "5".to_owned())],
    }
}

fn replayed(records: &[MetadataRecord]) -> Replay {
    let mut replay = Replay::new(Image::default());
    for record in records {
        replay.apply(record).unwrap();
    }
    replay
}

#[test]
fn a_topic_comes_with_configs_and_goes_with_them() {
    let created = changes::create_topic(&Image::default(), &new_topic("t", 1, 2)).unwrap();
    let mut replay = replayed(&created);
    let image = replay.image().clone();
    assert_eq!(image.topic_named("t").unwrap().partitions.len(), 2);
    assert_eq!(
        image.config(&ConfigResource::topic("t"), "retention.ms"),
        Some("5")
    );
    assert_eq!(replay.take_changes().created_topics.len(), 1);

    for record in changes::delete_topic(&image, id(1)).unwrap() {
        replay.apply(&record).unwrap();
    }
    assert_eq!(*replay.image(), Image::default());
    assert_eq!(replay.take_changes().deleted_topics.len(), 1);
    assert_eq!(
        image.topic_count(),
        1,
        "an image that was handed out does not change"
    );
}

#[test]
fn naming_a_leader_raises_the_epoch_even_if_it_is_the_same() {
    let created = changes::create_topic(&Image::default(), &new_topic("t", 1, 1)).unwrap();
    let mut replay = replayed(&created);
    let change = |leader, isr| {
        MetadataRecord::PartitionChange(PartitionChangeRecord {
            partition_id: 0,
            topic_id: id(1),
            leader,
            isr,
            leader_recovery_state: NO_RECOVERY_CHANGE,
            ..Default::default()
        })
    };
    replay.apply(&change(1, None)).unwrap();
    replay
        .apply(&change(NO_LEADER_CHANGE, Some(vec![])))
        .unwrap();
    let partition = replay.image().partition(id(1), 0).unwrap();
    assert_eq!((partition.leader_epoch, partition.partition_epoch), (1, 2));
    assert!(partition.isr.is_empty());
}

#[test]
fn records_that_contradict_the_metadata_are_refused_and_change_nothing() {
    let created = changes::create_topic(&Image::default(), &new_topic("t", 1, 1)).unwrap();
    let mut replay = replayed(&created);
    let before = replay.image().clone();
    let partition = |topic_id| PartitionRecord {
        topic_id,
        partition_id: 0,
        ..Default::default()
    };
    let bad = [
        MetadataRecord::Topic(TopicRecord {
            name: "t".to_owned(),
            topic_id: id(2),
        }),
        MetadataRecord::Topic(TopicRecord {
            name: "u".to_owned(),
            topic_id: id(1),
        }),
        MetadataRecord::Partition(partition(id(7))),
        MetadataRecord::PartitionChange(PartitionChangeRecord {
            topic_id: id(1),
            partition_id: 1,
            ..Default::default()
        }),
        MetadataRecord::BrokerRegistrationChange(Default::default()),
        MetadataRecord::EndTransaction(EndTransactionRecord {}),
        MetadataRecord::AbortTransaction(AbortTransactionRecord::default()),
    ];
    for record in bad {
        assert!(replay.apply(&record).is_err(), "{record:?}");
        assert_eq!(*replay.image(), before, "{record:?}");
    }
}

#[test]
fn a_transaction_counts_whole_or_not_at_all() {
    let created = changes::create_topic(&Image::default(), &new_topic("t", 1, 1)).unwrap();
    for commit in [true, false] {
        let mut replay = replayed(&created);
        let before = replay.image().clone();
        let begin = MetadataRecord::BeginTransaction(BeginTransactionRecord::default());
        replay.apply(&begin).unwrap();
        assert!(replay.apply(&begin).is_err(), "they do not nest");
        replay.apply(&changes::set_feature("f", 3)).unwrap();
        assert!(replay.in_transaction());
        let end = if commit {
            MetadataRecord::EndTransaction(EndTransactionRecord {})
        } else {
            MetadataRecord::AbortTransaction(AbortTransactionRecord::default())
        };
        replay.apply(&end).unwrap();
        assert!(!replay.in_transaction());
        assert_eq!(replay.image().feature("f"), if commit { 3 } else { 0 });
        assert_eq!(*replay.image() == before, !commit);
    }
}

#[test]
fn clear_elr_empties_the_lists_of_one_topic_or_all() {
    let mut records = changes::create_topic(&Image::default(), &new_topic("a", 1, 1)).unwrap();
    records.extend(changes::create_topic(&Image::default(), &new_topic("b", 2, 1)).unwrap());
    for record in &mut records {
        if let MetadataRecord::Partition(partition) = record {
            partition.eligible_leader_replicas = Some(vec![1]);
        }
    }
    let mut replay = replayed(&records);
    let elr = |replay: &Replay, n| {
        let partition = replay.image().partition(id(n), 0).unwrap();
        (
            partition.eligible_leader_replicas.len(),
            partition.partition_epoch,
        )
    };
    let clear = |name: &str| {
        MetadataRecord::ClearElr(ClearElrRecord {
            topic_name: name.into(),
        })
    };
    replay.apply(&clear("a")).unwrap();
    assert_eq!((elr(&replay, 1), elr(&replay, 2)), ((0, 1), (1, 0)));
    replay.apply(&clear("")).unwrap();
    assert_eq!((elr(&replay, 1), elr(&replay, 2)), ((0, 1), (0, 1)));
}
