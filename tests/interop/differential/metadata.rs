//! Cases of Metadata, ApiVersions, DescribeCluster and DescribeTopicPartitions.

use limpid_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use limpid_protocol::messages::metadata_request::MetadataRequestTopic;
use limpid_protocol::messages::{
    ApiVersionsRequest, DescribeClusterRequest, DescribeTopicPartitionsRequest, MetadataRequest,
};
use limpid_protocol::{ApiKey, Message, Uuid};

use super::case::{Case, Outcome, case, talk};
use super::setup::{ALPHA, STRICT, TUNED};
use super::side::{Reply, Side};
use super::walk::fields;

/// Adds them.
pub fn cases(all: &mut Vec<Case>) {
    topics_by_name(all);
    topics_by_id(all);
    api_versions(all);
    cluster(all);
    partitions(all);
}

fn named(names: &[&str]) -> MetadataRequest {
    let topics = names.iter().map(|name| MetadataRequestTopic {
        name: Some((*name).to_owned()),
        topic_id: Uuid::ZERO,
    });
    MetadataRequest {
        topics: Some(topics.collect()),
        ..MetadataRequest::default()
    }
}

fn topics_by_name(all: &mut Vec<Case>) {
    all.push(case("some topics", |_, _| named(&[STRICT, ALPHA])));
    all.push(case("no topic, or all in version 0", |_, version| {
        // An empty list meant all topics in version 0; the other cases change that list.
        if version == 0 {
            named(&[TUNED])
        } else {
            named(&[])
        }
    }));
    all.push(case("unknown topic", |_, _| named(&["absent", ALPHA])));
    all.push(case("unknown topic, creation not allowed", |_, _| {
        MetadataRequest {
            allow_auto_topic_creation: false,
            ..named(&["absent"])
        }
    }));
    all.push(case("names that no topic can have", |_, _| {
        named(&["a/b", "", ".", "a b"])
    }));
    all.push(case("a name of 250 characters", |_, _| {
        named(&[&"n".repeat(250)])
    }));
    all.push(case("a topic twice", |_, _| named(&[ALPHA, ALPHA])));
    all.push(case("what is allowed on topics", |_, _| MetadataRequest {
        include_topic_authorized_operations: true,
        ..named(&[ALPHA])
    }));
    all.push(case("what is allowed on the cluster", |_, _| {
        MetadataRequest {
            include_cluster_authorized_operations: true,
            ..named(&[ALPHA])
        }
    }));
    all.push(talk(
        ApiKey::Metadata,
        "all topics of the set-up",
        |side, version, _| {
            if version == 0 {
                return Ok(Outcome::Inexpressible);
            }
            let request = MetadataRequest {
                topics: None,
                ..MetadataRequest::default()
            };
            Ok(match side.ask(&request, version)? {
                Reply::Inexpressible => Outcome::Inexpressible,
                Reply::Closed => Outcome::Closed,
                Reply::Answer(mut answer) => {
                    let known = |name: &Option<String>| {
                        name.as_ref()
                            .is_some_and(|name| side.topic_ids.contains_key(name))
                    };
                    answer.topics.retain(|topic| known(&topic.name));
                    answer.topics.sort_by(|a, b| a.name.cmp(&b.name));
                    Outcome::Answer(fields(&answer, side))
                }
            })
        },
    ));
}

fn with_id(id: Uuid, name: Option<&str>) -> MetadataRequest {
    let topic = MetadataRequestTopic {
        topic_id: id,
        name: name.map(str::to_owned),
    };
    MetadataRequest {
        topics: Some(vec![topic]),
        ..MetadataRequest::default()
    }
}

fn topics_by_id(all: &mut Vec<Case>) {
    all.push(case("a topic by its id", |s: &Side, _| {
        with_id(s.id(ALPHA), None)
    }));
    all.push(case("an unknown id", |s: &Side, _| {
        with_id(s.id("absent"), None)
    }));
    all.push(case("an id and a name", |s: &Side, _| {
        with_id(s.id(ALPHA), Some(ALPHA))
    }));
    all.push(case("neither an id nor a name", |_, _| {
        with_id(Uuid::ZERO, None)
    }));
}

fn software(name: &str, version: &str) -> ApiVersionsRequest {
    ApiVersionsRequest {
        client_software_name: name.to_owned(),
        client_software_version: version.to_owned(),
    }
}

fn api_versions(all: &mut Vec<Case>) {
    all.push(case("the list", |_, version| {
        if version < 3 {
            ApiVersionsRequest::default()
        } else {
            software("interop-test", "1.0")
        }
    }));
    all.push(case("a software name that isn't one", |_, _| {
        software("-_-", "1")
    }));
    all.push(case("a software version that isn't one", |_, _| {
        software("x", "1 2")
    }));
    all.push(talk(
        ApiKey::ApiVersions,
        "a version of the future",
        |side, _, _| {
            let answer = side.send(ApiKey::ApiVersions, 99, b"\x02a\x02b\0")?;
            let Some(frame) = answer else {
                return Ok(Outcome::Closed);
            };
            // Version 0, whatever was asked: an error code and the list (KIP-511).
            let mut reader = limpid_protocol::Reader::new(frame.slice(4..));
            let list = limpid_protocol::messages::ApiVersionsResponse::decode(&mut reader, 0)?;
            Ok(Outcome::Answer(fields(&list, side)))
        },
    ));
}

fn cluster(all: &mut Vec<Case>) {
    all.push(case("the cluster", |_, _| {
        DescribeClusterRequest::default()
    }));
    all.push(case("what is allowed on it", |_, _| {
        DescribeClusterRequest {
            include_cluster_authorized_operations: true,
            ..DescribeClusterRequest::default()
        }
    }));
    all.push(case("its controllers, asked on a broker", |_, _| {
        DescribeClusterRequest {
            endpoint_type: 2,
            ..DescribeClusterRequest::default()
        }
    }));
    all.push(case("an unknown kind of endpoint", |_, _| {
        DescribeClusterRequest {
            endpoint_type: 3,
            ..DescribeClusterRequest::default()
        }
    }));
    all.push(case("with fenced brokers", |_, _| DescribeClusterRequest {
        include_fenced_brokers: true,
        ..DescribeClusterRequest::default()
    }));
}

fn describe(
    names: &[&str],
    limit: i32,
    cursor: Option<(&str, i32)>,
) -> DescribeTopicPartitionsRequest {
    let topics = names.iter().map(|name| TopicRequest {
        name: (*name).to_owned(),
    });
    DescribeTopicPartitionsRequest {
        topics: topics.collect(),
        response_partition_limit: limit,
        cursor: cursor.map(|(name, partition_index)| Cursor {
            topic_name: name.to_owned(),
            partition_index,
        }),
    }
}

fn partitions(all: &mut Vec<Case>) {
    all.push(case("some topics", |_, _| {
        describe(&[TUNED, ALPHA], 2_000, None)
    }));
    all.push(case("unknown topic", |_, _| {
        describe(&["absent", ALPHA], 2_000, None)
    }));
    all.push(case("a name that no topic can have", |_, _| {
        describe(&["a/b"], 2_000, None)
    }));
    all.push(case("cut off in a topic", |_, _| {
        describe(&[ALPHA, TUNED], 2, None)
    }));
    all.push(case("cut off between topics", |_, _| {
        describe(&[ALPHA, TUNED], 3, None)
    }));
    all.push(case("on from a cursor", |_, _| {
        describe(&[ALPHA, TUNED], 10, Some((ALPHA, 1)))
    }));
    all.push(case("a cursor behind all topics", |_, _| {
        describe(&[ALPHA, TUNED], 10, Some(("zzz", 0)))
    }));
    all.push(case("a negative cursor", |_, _| {
        describe(&[ALPHA], 10, Some((ALPHA, -1)))
    }));
    all.push(case("a limit of zero", |_, _| describe(&[ALPHA], 0, None)));
}
