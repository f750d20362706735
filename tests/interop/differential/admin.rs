//! Cases of what administrators ask about the cluster: elections, reassignments, the quorum,
//! features, what has settings, brokers that are gone.

use limpid_protocol::Uuid;
use limpid_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use limpid_protocol::messages::elect_leaders_request::TopicPartitions;
use limpid_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use limpid_protocol::messages::update_features_request::FeatureUpdateKey;
use limpid_protocol::messages::{
    AddRaftVoterRequest, AlterPartitionReassignmentsRequest, DescribeQuorumRequest,
    ElectLeadersRequest, ListConfigResourcesRequest, ListPartitionReassignmentsRequest,
    RemoveRaftVoterRequest, UnregisterBrokerRequest, UpdateFeaturesRequest, add_raft_voter_request,
    describe_quorum_request,
};

use super::case::{Case, case};
use super::setup::ALPHA;

/// Feature, level and upgrade type of each wish.
type Wishes = &'static [(&'static str, i16, i8)];

const ELR: &str = "eligible.leader.replicas.version";

/// Adds them.
pub fn cases(all: &mut Vec<Case>) {
    elections(all);
    reassignments(all);
    quorum(all);
    voters(all);
    features(all);
    resources(all);
    brokers(all);
}

fn elections(all: &mut Vec<Case>) {
    let of = |election_type: i8, topics: &[(&str, &[i32])]| ElectLeadersRequest {
        election_type,
        topic_partitions: Some(
            topics
                .iter()
                .map(|(topic, partitions)| TopicPartitions {
                    topic: (*topic).to_owned(),
                    partitions: partitions.to_vec(),
                })
                .collect(),
        ),
        ..ElectLeadersRequest::default()
    };
    all.push(case("a preferred leader", move |_, _| {
        of(0, &[(ALPHA, &[0, 2])])
    }));
    all.push(case("an unclean leader", move |_, _| {
        of(1, &[(ALPHA, &[0])])
    }));
    all.push(case("an unknown election", move |_, _| {
        of(7, &[(ALPHA, &[0])])
    }));
    all.push(case("partitions that aren't there", move |_, _| {
        of(0, &[(ALPHA, &[9]), ("absent", &[0])])
    }));
    all.push(case("no partitions", move |_, _| of(0, &[])));
    all.push(case("all partitions", |_, _| ElectLeadersRequest {
        topic_partitions: None,
        ..ElectLeadersRequest::default()
    }));
}

fn reassignments(all: &mut Vec<Case>) {
    let to = |topic: &str, index: i32, replicas: Option<&[i32]>| {
        let partition = ReassignablePartition {
            partition_index: index,
            replicas: replicas.map(<[i32]>::to_vec),
        };
        AlterPartitionReassignmentsRequest {
            topics: vec![ReassignableTopic {
                name: topic.to_owned(),
                partitions: vec![partition],
            }],
            ..AlterPartitionReassignmentsRequest::default()
        }
    };
    let cases: [(&'static str, &'static str, i32, Option<&'static [i32]>); 8] = [
        ("to where it is", ALPHA, 0, Some(&[1])),
        ("to nowhere", ALPHA, 0, Some(&[])),
        ("to another broker", ALPHA, 0, Some(&[5])),
        ("to another one as well", ALPHA, 0, Some(&[1, 5])),
        ("twice to the same", ALPHA, 0, Some(&[1, 1])),
        ("cancelled", ALPHA, 0, None),
        ("of a partition that isn't there", ALPHA, 9, Some(&[1])),
        ("of a topic that isn't there", "absent", 0, Some(&[1])),
    ];
    for (name, topic, index, replicas) in cases {
        all.push(case(name, move |_, _| to(topic, index, replicas)));
    }
    all.push(case("of nothing", |_, _| {
        AlterPartitionReassignmentsRequest::default()
    }));
    all.push(case("all of them", |_, _| {
        ListPartitionReassignmentsRequest::default()
    }));
    all.push(case("of some partitions", |_, _| {
        let of = |name: &str| ListPartitionReassignmentsTopics {
            name: name.to_owned(),
            partition_indexes: vec![0, 9],
        };
        ListPartitionReassignmentsRequest {
            topics: Some(vec![of(ALPHA), of("absent")]),
            ..ListPartitionReassignmentsRequest::default()
        }
    }));
}

fn quorum(all: &mut Vec<Case>) {
    let of = |topic: &str, partitions: &[i32]| {
        let partition = |index: &i32| describe_quorum_request::PartitionData {
            partition_index: *index,
        };
        DescribeQuorumRequest {
            topics: vec![describe_quorum_request::TopicData {
                topic_name: topic.to_owned(),
                partitions: partitions.iter().map(partition).collect(),
            }],
        }
    };
    all.push(case("of the metadata", move |_, _| {
        of("__cluster_metadata", &[0])
    }));
    all.push(case("of another partition", move |_, _| {
        of("__cluster_metadata", &[1])
    }));
    all.push(case("of two partitions", move |_, _| {
        of("__cluster_metadata", &[0, 1])
    }));
    all.push(case("of another topic", move |_, _| of(ALPHA, &[0])));
    all.push(case("of no topic", |_, _| DescribeQuorumRequest::default()));
}

/// Those that change nothing; the voter is this node, which must not go.
fn voters(all: &mut Vec<Case>) {
    let directory = Uuid::from_bytes([7; 16]);
    for (name, cluster, voter_id, voter_directory_id) in [
        ("a voter of another cluster", Some("nope"), 2, directory),
        ("a voter without a directory", None, 2, Uuid::ZERO),
        ("a voter that can't be", None, -1, directory),
        ("another voter", None, 2, directory),
    ] {
        let cluster_id = move || cluster.map(str::to_owned);
        all.push(case(name, move |_, _| RemoveRaftVoterRequest {
            cluster_id: cluster_id(),
            voter_id,
            voter_directory_id,
        }));
        all.push(case(name, move |_, _| AddRaftVoterRequest {
            cluster_id: cluster_id(),
            timeout_ms: 100,
            voter_id,
            voter_directory_id,
            listeners: vec![add_raft_voter_request::Listener {
                name: "CONTROLLER".to_owned(),
                host: "127.0.0.1".to_owned(),
                port: 1,
            }],
            ..AddRaftVoterRequest::default()
        }));
    }
    all.push(case("a voter without a place", move |_, _| {
        AddRaftVoterRequest {
            cluster_id: None,
            voter_id: 2,
            voter_directory_id: directory,
            ..AddRaftVoterRequest::default()
        }
    }));
}

fn features(all: &mut Vec<Case>) {
    let to = |features: &[(&str, i16, i8)], version: i16| UpdateFeaturesRequest {
        feature_updates: features
            .iter()
            .map(|(feature, level, upgrade_type)| FeatureUpdateKey {
                feature: (*feature).to_owned(),
                max_version_level: *level,
                allow_downgrade: version == 0 && *upgrade_type > 1,
                upgrade_type: if version == 0 { 1 } else { *upgrade_type },
            })
            .collect(),
        ..UpdateFeaturesRequest::default()
    };
    let cases: [(&'static str, Wishes); 13] = [
        ("an unknown one", &[("no.such", 1, 1)]),
        ("beyond what there is", &[("metadata.version", 999, 1)]),
        ("below what there is", &[("metadata.version", 1, 3)]),
        ("down without a word", &[("metadata.version", 20, 1)]),
        ("down to a higher level", &[("metadata.version", 999, 2)]),
        (
            "the level there is",
            &[(ELR, 1, 1), ("transaction.version", 2, 1)],
        ),
        ("a level too high", &[(ELR, 2, 1)]),
        ("down from eligible leaders, without a word", &[(ELR, 0, 1)]),
        (
            "no voters in the log, which are not",
            &[("kraft.version", 0, 2)],
        ),
        ("voters of a later kind", &[("kraft.version", 2, 1)]),
        ("a negative level", &[("share.version", -1, 2)]),
        ("one twice", &[("no.such", 1, 1), ("no.such", 1, 1)]),
        ("none", &[]),
    ];
    for (name, wishes) in cases {
        all.push(case(name, move |_, version| to(wishes, version)));
    }
    all.push(case("an unknown way", move |_, version| {
        let mut request = to(&[("metadata.version", 20, 1)], version);
        if version > 0 {
            request.feature_updates[0].upgrade_type = 9;
        }
        request
    }));
}

fn resources(all: &mut Vec<Case>) {
    let cases: [(&'static str, &'static [i8]); 6] = [
        ("of every kind", &[]),
        ("topics", &[2]),
        ("brokers", &[4]),
        ("loggers", &[8]),
        ("client metrics and groups", &[16, 32]),
        ("an unknown kind", &[77]),
    ];
    for (name, kinds) in cases {
        all.push(case(name, move |_, version| ListConfigResourcesRequest {
            resource_types: if version == 0 {
                Vec::new()
            } else {
                kinds.to_vec()
            },
        }));
    }
}

/// The broker that answers is not among them: Kafka would unregister it, and be of no use after.
fn brokers(all: &mut Vec<Case>) {
    for (name, broker_id) in [
        ("a broker that was never there", 9),
        ("a broker that can't be", -1),
        ("a controller that is none", 0),
    ] {
        all.push(case(name, move |_, _| UnregisterBrokerRequest {
            broker_id,
        }));
    }
}
