//! Levels of features, and what they ask of settings.

use std::collections::BTreeMap;

use limpid_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use limpid_protocol::messages::update_features_request::FeatureUpdateKey;
use limpid_protocol::messages::{
    AddRaftVoterRequest, ApiVersionsRequest, DescribeQuorumRequest, RemoveRaftVoterRequest,
    UpdateFeaturesRequest, add_raft_voter_request, describe_quorum_request,
};
use limpid_protocol::{ErrorCode, Uuid};

use crate::home::{Client, Home};

const ELR: &str = "eligible.leader.replicas.version";
const KRAFT: &str = "kraft.version";
const UP: i8 = 1;
const DOWN: i8 = 2;
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const MINIMUM: &str = "min.insync.replicas";

/// Lowest, highest and present level of each feature.
fn features(client: &mut Client) -> BTreeMap<String, (i16, i16, i16)> {
    let request = ApiVersionsRequest {
        client_software_name: "test".to_owned(),
        client_software_version: "1".to_owned(),
    };
    let answer = client.call(&request, 4);
    let finalized = |name: &str| {
        let mut of = answer.finalized_features.iter();
        of.find(|f| f.name == name)
            .map_or(0, |f| f.max_version_level)
    };
    let levels = answer.supported_features.iter().map(|f| {
        let level = finalized(&f.name);
        (f.name.clone(), (f.min_version, f.max_version, level))
    });
    levels.collect()
}

fn update(client: &mut Client, wishes: &[(&str, i16, i8)], validate_only: bool) -> ErrorCode {
    let wish = |(feature, level, upgrade_type): &(&str, i16, i8)| FeatureUpdateKey {
        feature: (*feature).to_owned(),
        max_version_level: *level,
        upgrade_type: *upgrade_type,
        ..FeatureUpdateKey::default()
    };
    let request = UpdateFeaturesRequest {
        feature_updates: wishes.iter().map(wish).collect(),
        validate_only,
        ..UpdateFeaturesRequest::default()
    };
    ErrorCode::from_code(client.call(&request, 2).error_code).unwrap()
}

fn alter(client: &mut Client, resource: (i8, &str), key: &str, value: Option<&str>) -> ErrorCode {
    let request = IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: resource.0,
            resource_name: resource.1.to_owned(),
            configs: vec![AlterableConfig {
                name: key.to_owned(),
                config_operation: i8::from(value.is_none()),
                value: value.map(str::to_owned),
            }],
        }],
        ..IncrementalAlterConfigsRequest::default()
    };
    ErrorCode::from_code(client.call(&request, 1).responses[0].error_code).unwrap()
}

/// The directory of the one voter, zero when the log does not name it.
fn voter(client: &mut Client) -> Uuid {
    let request = DescribeQuorumRequest {
        topics: vec![describe_quorum_request::TopicData {
            topic_name: "__cluster_metadata".to_owned(),
            partitions: vec![describe_quorum_request::PartitionData { partition_index: 0 }],
        }],
    };
    let answer = client.call(&request, 2);
    let [voter] = &answer.topics[0].partitions[0].current_voters[..] else {
        panic!("{answer:?}");
    };
    voter.replica_directory_id
}

fn remove_voter(client: &mut Client, voter_id: i32, voter_directory_id: Uuid) -> ErrorCode {
    let request = RemoveRaftVoterRequest {
        cluster_id: None,
        voter_id,
        voter_directory_id,
    };
    ErrorCode::from_code(client.call(&request, 0).error_code).unwrap()
}

fn add_voter(client: &mut Client, voter_id: i32) -> ErrorCode {
    let request = AddRaftVoterRequest {
        cluster_id: None,
        voter_id,
        voter_directory_id: Uuid::from_bytes([7; 16]),
        listeners: vec![add_raft_voter_request::Listener::default()],
        ..AddRaftVoterRequest::default()
    };
    ErrorCode::from_code(client.call(&request, 1).error_code).unwrap()
}

#[test]
fn a_new_cluster_has_kafkas_features() {
    let home = Home::start();
    let told = features(&mut home.client());
    let expected = [
        (ELR, (0, 1, 1)),
        ("group.version", (0, 1, 1)),
        (KRAFT, (0, 1, 1)),
        ("metadata.version", (7, 30, 30)),
        ("share.version", (0, 1, 1)),
        // There are no streams groups.
        ("streams.version", (0, 0, 0)),
        ("transaction.version", (0, 2, 2)),
    ];
    let expected = expected.map(|(name, levels)| (name.to_owned(), levels));
    assert_eq!(told, BTreeMap::from(expected));
}

#[test]
fn what_a_release_has_can_be_asked_for_again() {
    let home = Home::start();
    let mut client = home.client();
    let release = [
        (ELR, 1, UP),
        ("group.version", 1, UP),
        (KRAFT, 1, UP),
        ("metadata.version", 30, UP),
        ("share.version", 1, UP),
        ("streams.version", 1, UP),
        ("transaction.version", 2, UP),
    ];
    let before = features(&mut client);
    for dry in [true, false] {
        assert_eq!(update(&mut client, &release, dry), ErrorCode::None);
    }
    assert_eq!(features(&mut client), before);
    for (feature, level, way) in [
        (KRAFT, 0, DOWN),
        (KRAFT, 2, UP),
        (ELR, 0, UP),
        (ELR, 2, UP),
        ("streams.version", 2, UP),
        ("metadata.version", 25, DOWN),
    ] {
        let code = update(&mut client, &[(feature, level, way)], false);
        assert_eq!(code, ErrorCode::InvalidUpdateVersion, "{feature} {level}");
    }
    assert_eq!(features(&mut client), before);
}

#[test]
fn with_eligible_leaders_the_minimum_in_sync_is_the_clusters() {
    let home = Home::with(&["min.insync.replicas=2"]);
    let mut client = home.client();
    let (own, all) = ((BROKER, "1"), (BROKER, ""));
    assert_eq!(
        alter(&mut client, own, MINIMUM, Some("1")),
        ErrorCode::InvalidConfig
    );
    assert_eq!(
        alter(&mut client, all, MINIMUM, None),
        ErrorCode::InvalidConfig
    );
    assert_eq!(alter(&mut client, all, MINIMUM, Some("1")), ErrorCode::None);

    assert_eq!(
        update(&mut client, &[(ELR, 0, DOWN)], false),
        ErrorCode::None
    );
    assert_eq!(features(&mut client)[ELR], (0, 1, 0));
    assert_eq!(alter(&mut client, own, MINIMUM, Some("1")), ErrorCode::None);
    assert_eq!(alter(&mut client, all, MINIMUM, None), ErrorCode::None);

    assert_eq!(update(&mut client, &[(ELR, 1, UP)], false), ErrorCode::None);
    // The broker's own value has made room for the configured one, which holds for all: two must be in
    // sync, and there is one.
    client.create("a");
    let acked = client.try_produce("a", b"x");
    assert_eq!(acked, Err(ErrorCode::NotEnoughReplicas.code()));
    assert_eq!(
        alter(&mut client, (TOPIC, "a"), MINIMUM, Some("1")),
        ErrorCode::None
    );
    assert_eq!(client.produce("a", b"x"), 0);
    drop(client);
    let home = home.restart();
    assert_eq!(features(&mut home.client())[ELR], (0, 1, 1));
}

#[test]
fn settings_that_cant_be_are_told_before_topics_that_are_not_there() {
    let home = Home::start();
    let mut client = home.client();
    let absent = (TOPIC, "absent");
    let unknown = ErrorCode::UnknownTopicOrPartition;
    assert_eq!(
        alter(&mut client, absent, "no.such", Some("1")),
        ErrorCode::InvalidConfig
    );
    assert_eq!(
        alter(&mut client, absent, "retention.ms", Some("x")),
        ErrorCode::InvalidConfig
    );
    assert_eq!(
        alter(&mut client, absent, "retention.ms", Some("1")),
        unknown
    );
    assert_eq!(alter(&mut client, absent, "no.such", None), unknown);
}

#[test]
fn the_one_voter_stays_alone() {
    let home = Home::start();
    let mut client = home.client();
    let own = voter(&mut client);
    assert_ne!(own, Uuid::ZERO);
    assert_eq!(remove_voter(&mut client, 1, own), ErrorCode::InvalidRequest);
    assert_eq!(remove_voter(&mut client, 2, own), ErrorCode::VoterNotFound);
    assert_eq!(
        remove_voter(&mut client, 2, Uuid::ZERO),
        ErrorCode::InvalidRequest
    );
    assert_eq!(add_voter(&mut client, 1), ErrorCode::DuplicateVoter);
    assert_eq!(add_voter(&mut client, 2), ErrorCode::InvalidRequest);
}

#[test]
fn configured_voters_can_be_put_into_the_log() {
    let home = Home::with(&["controller.quorum.voters=1@127.0.0.1:1"]);
    let mut client = home.client();
    assert_eq!(features(&mut client)[KRAFT], (0, 1, 0));
    assert_eq!(voter(&mut client), Uuid::ZERO);
    let unsupported = ErrorCode::UnsupportedVersion;
    assert_eq!(
        remove_voter(&mut client, 2, Uuid::from_bytes([7; 16])),
        unsupported
    );
    assert_eq!(add_voter(&mut client, 2), unsupported);
    assert_eq!(
        update(&mut client, &[(KRAFT, 1, UP)], true),
        ErrorCode::None
    );
    // What is refused takes it along.
    let both = [(KRAFT, 1, UP), ("share.version", 9, UP)];
    assert_eq!(
        update(&mut client, &both, false),
        ErrorCode::InvalidUpdateVersion
    );
    assert_eq!(features(&mut client)[KRAFT], (0, 1, 0));
    assert_eq!(
        update(&mut client, &[(KRAFT, 1, UP)], false),
        ErrorCode::None
    );
    assert_eq!(features(&mut client)[KRAFT], (0, 1, 1));
    let named = voter(&mut client);
    assert_ne!(named, Uuid::ZERO);
    drop(client);
    let home = home.restart();
    assert_eq!(features(&mut home.client())[KRAFT], (0, 1, 1));
    assert_eq!(voter(&mut home.client()), named);
}
