//! Cases about logs: deleting records, leader epochs, partitions and directories.

use limpid_protocol::messages::alter_replica_log_dirs_request::{
    AlterReplicaLogDir, AlterReplicaLogDirTopic,
};
use limpid_protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use limpid_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use limpid_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use limpid_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use limpid_protocol::messages::{
    AlterReplicaLogDirsRequest, CreatePartitionsRequest, DeleteRecordsRequest,
    DescribeLogDirsRequest, OffsetForLeaderEpochRequest,
};

use super::case::{Case, case};
use super::setup::{ALPHA, COMPACTED, GROWN, PRUNED};

/// Adds them.
pub fn cases(all: &mut Vec<Case>) {
    deletions(all);
    epochs(all);
    partitions(all);
    directories(all);
}

fn delete(wishes: &[(&str, i32, i64)]) -> DeleteRecordsRequest {
    let topics = wishes
        .iter()
        .map(|(name, partition_index, offset)| DeleteRecordsTopic {
            name: (*name).to_owned(),
            partitions: vec![DeleteRecordsPartition {
                partition_index: *partition_index,
                offset: *offset,
            }],
        });
    DeleteRecordsRequest {
        topics: topics.collect(),
        timeout_ms: 10_000,
    }
}

fn deletions(all: &mut Vec<Case>) {
    all.push(case("up to an offset within a batch", |_, v| {
        delete(&[(PRUNED, 0, 1 + i64::from(v))])
    }));
    all.push(case("up to where it is already", |_, _| {
        delete(&[(PRUNED, 0, 0)])
    }));
    all.push(case("beyond the end", |_, _| delete(&[(PRUNED, 0, 99)])));
    all.push(case("up to a negative offset", |_, _| {
        delete(&[(PRUNED, 0, -2)])
    }));
    all.push(case("everything", |_, v| {
        delete(&[(PRUNED, 1 + i32::from(v), -1)])
    }));
    all.push(case("of a compacted topic", |_, _| {
        delete(&[(COMPACTED, 0, 0)])
    }));
    all.push(case("of the offsets topic", |_, _| {
        delete(&[("__consumer_offsets", 0, 0)])
    }));
    all.push(case("of partitions that are not there", |_, _| {
        delete(&[(PRUNED, 17, 0), ("absent", 0, 0)])
    }));
    all.push(case("of nothing", |_, _| delete(&[])));
}

fn epochs(all: &mut Vec<Case>) {
    let ask = |wishes: &[(&str, i32, i32, i32)]| {
        let topics = wishes
            .iter()
            .map(|(topic, partition, current, epoch)| OffsetForLeaderTopic {
                topic: (*topic).to_owned(),
                partitions: vec![OffsetForLeaderPartition {
                    partition: *partition,
                    current_leader_epoch: *current,
                    leader_epoch: *epoch,
                }],
            });
        OffsetForLeaderEpochRequest {
            replica_id: -2,
            topics: topics.collect(),
        }
    };
    all.push(case("the epoch now", move |_, _| ask(&[(ALPHA, 0, -1, 0)])));
    all.push(case("the epoch now, of an empty log", move |_, _| {
        ask(&[(ALPHA, 1, 0, 0)])
    }));
    all.push(case("an epoch to come", move |_, _| {
        ask(&[(ALPHA, 0, -1, 5)])
    }));
    all.push(case("no epoch", move |_, _| ask(&[(ALPHA, 0, -1, -1)])));
    all.push(case("from another leadership", move |_, _| {
        ask(&[(ALPHA, 0, 7, 0)])
    }));
    all.push(case("partitions that are not there", move |_, _| {
        ask(&[(ALPHA, 17, -1, 0), ("absent", 0, -1, 0)])
    }));
}

fn grow(topics: Vec<CreatePartitionsTopic>, validate_only: bool) -> CreatePartitionsRequest {
    CreatePartitionsRequest {
        topics,
        timeout_ms: 20_000,
        validate_only,
    }
}

fn to(name: &str, count: i32, assignments: Option<&[&[i32]]>) -> CreatePartitionsTopic {
    let assignment = |brokers: &&[i32]| CreatePartitionsAssignment {
        broker_ids: brokers.to_vec(),
    };
    CreatePartitionsTopic {
        name: name.to_owned(),
        count,
        assignments: assignments.map(|all| all.iter().map(assignment).collect()),
    }
}

fn partitions(all: &mut Vec<Case>) {
    all.push(case("more", |_, v| {
        grow(vec![to(GROWN, 10 + i32::from(v), None)], false)
    }));
    all.push(case("as many as there are", |_, _| {
        grow(vec![to(ALPHA, 3, None)], false)
    }));
    all.push(case("fewer", |_, _| grow(vec![to(ALPHA, 1, None)], false)));
    all.push(case("none", |_, _| grow(vec![to(ALPHA, 0, None)], false)));
    all.push(case("for a topic that is not there", |_, _| {
        grow(vec![to("absent", 3, None)], false)
    }));
    all.push(case("for a topic named twice", |_, _| {
        grow(vec![to(ALPHA, 5, None), to(ALPHA, 6, None)], false)
    }));
    all.push(case("only to be checked", |_, _| {
        grow(vec![to(ALPHA, 5, Some(&[&[1], &[1]]))], true)
    }));
    all.push(case("assigned to too few", |_, _| {
        grow(vec![to(ALPHA, 5, Some(&[&[1]]))], false)
    }));
    all.push(case("assigned to an unknown broker", |_, _| {
        grow(vec![to(ALPHA, 4, Some(&[&[7]]))], false)
    }));
    all.push(case("assigned to nobody", |_, _| {
        grow(vec![to(ALPHA, 4, Some(&[&[]]))], false)
    }));
    all.push(case("assigned to a broker twice", |_, _| {
        grow(vec![to(ALPHA, 4, Some(&[&[1, 1]]))], false)
    }));
}

fn directories(all: &mut Vec<Case>) {
    let some = |topics: &[(&str, &[i32])]| DescribeLogDirsRequest {
        topics: Some(
            topics
                .iter()
                .map(|(topic, partitions)| DescribableLogDirTopic {
                    topic: (*topic).to_owned(),
                    partitions: partitions.to_vec(),
                })
                .collect(),
        ),
    };
    all.push(case("of some partitions", move |_, _| {
        some(&[(ALPHA, &[0, 2, 17]), (COMPACTED, &[0]), ("absent", &[0])])
    }));
    all.push(case("of no partition", move |_, _| some(&[])));
    let mv = |dir: String, topics: &[(&str, &[i32])]| AlterReplicaLogDirsRequest {
        dirs: vec![AlterReplicaLogDir {
            path: dir,
            topics: topics
                .iter()
                .map(|(name, partitions)| AlterReplicaLogDirTopic {
                    name: (*name).to_owned(),
                    partitions: partitions.to_vec(),
                })
                .collect(),
        }],
    };
    all.push(case("to where it is", move |side, _| {
        mv(side.data.clone(), &[(ALPHA, &[0, 1])])
    }));
    all.push(case(
        "to a directory that is not configured",
        move |_, _| {
            mv(
                "/somewhere/else".to_owned(),
                &[(ALPHA, &[0]), ("absent", &[0])],
            )
        },
    ));
    all.push(case("of what is not there", move |side, _| {
        mv(side.data.clone(), &[(ALPHA, &[17]), ("absent", &[0])])
    }));
}
