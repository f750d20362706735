//! Cases of CreateTopics and DeleteTopics. Names carry the version under test, so that each
//! version has topics of its own to create and delete.

use limpid_protocol::Uuid;
use limpid_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic,
};
use limpid_protocol::messages::delete_topics_request::DeleteTopicState;
use limpid_protocol::messages::{CreateTopicsRequest, DeleteTopicsRequest};

use super::case::{Case, case};
use super::setup::{ALPHA, topic};
use super::side::Side;

/// Adds them.
pub fn cases(all: &mut Vec<Case>) {
    created(all);
    not_created(all);
    deleted(all);
}

fn create(topics: Vec<CreatableTopic>) -> CreateTopicsRequest {
    CreateTopicsRequest {
        topics,
        timeout_ms: 20_000,
        validate_only: false,
    }
}

/// The name of this version's topic.
fn own(name: &str, version: i16) -> String {
    format!("{name}-v{version}")
}

fn created(all: &mut Vec<Case>) {
    all.push(case("a topic", |_, v| {
        create(vec![topic(&own("plain", v), 3, &[])])
    }));
    all.push(case("with configs", |_, v| {
        let configs = [
            ("retention.ms", "1000000"),
            ("cleanup.policy", "compact,delete"),
        ];
        create(vec![topic(&own("configured", v), 1, &configs)])
    }));
    all.push(case("with defaults for partitions and replicas", |_, v| {
        create(vec![CreatableTopic {
            replication_factor: -1,
            ..topic(&own("defaults", v), -1, &[])
        }])
    }));
    all.push(case("with assignments", |_, v| {
        create(vec![assigned(&own("assigned", v), &[1])])
    }));
    all.push(case("two at once, one of which exists", |_, v| {
        create(vec![topic(&own("second", v), 1, &[]), topic(ALPHA, 1, &[])])
    }));
    all.push(case("only to be checked", |_, v| CreateTopicsRequest {
        validate_only: true,
        ..create(vec![topic(&own("checked", v), 2, &[("retention.ms", "5")])])
    }));
}

fn assigned(name: &str, brokers: &[i32]) -> CreatableTopic {
    let assignment = |index| CreatableReplicaAssignment {
        partition_index: index,
        broker_ids: brokers.to_vec(),
    };
    CreatableTopic {
        replication_factor: -1,
        assignments: vec![assignment(0), assignment(1)],
        ..topic(name, -1, &[])
    }
}

fn not_created(all: &mut Vec<Case>) {
    all.push(case("that exists", |_, _| {
        create(vec![topic(ALPHA, 1, &[])])
    }));
    all.push(case("with impossible names", |_, _| {
        let names = ["a/b", "", ".", "..", "a b", "ü"];
        create(names.iter().map(|name| topic(name, 1, &[])).collect())
    }));
    all.push(case("with a name of 250 characters", |_, _| {
        create(vec![topic(&"n".repeat(250), 1, &[])])
    }));
    all.push(case("whose name collides", |_, v| {
        create(vec![
            topic(&own("dot.ted", v), 1, &[]),
            topic(&own("dot_ted", v), 1, &[]),
        ])
    }));
    all.push(case("named twice", |_, v| {
        create(vec![
            topic(&own("twice", v), 1, &[]),
            topic(&own("twice", v), 2, &[]),
        ])
    }));
    all.push(case("with no partitions", |_, v| {
        create(vec![topic(&own("none", v), 0, &[])])
    }));
    all.push(case("with -2 partitions", |_, v| {
        create(vec![topic(&own("none", v), -2, &[])])
    }));
    all.push(case("with two replicas", |_, v| {
        create(vec![CreatableTopic {
            replication_factor: 2,
            ..topic(&own("two", v), 1, &[])
        }])
    }));
    all.push(case("with zero replicas", |_, v| {
        create(vec![CreatableTopic {
            replication_factor: 0,
            ..topic(&own("zero", v), 1, &[])
        }])
    }));
    all.push(case("on an unknown broker", |_, v| {
        create(vec![assigned(&own("far", v), &[7])])
    }));
    all.push(case("on a broker twice", |_, v| {
        create(vec![assigned(&own("dup", v), &[1, 1])])
    }));
    all.push(case("on no broker", |_, v| {
        create(vec![assigned(&own("nowhere", v), &[])])
    }));
    all.push(case("with a gap in the assignments", |_, v| {
        let mut gap = assigned(&own("gap", v), &[1]);
        gap.assignments[1].partition_index = 3;
        create(vec![gap])
    }));
    all.push(case("with assignments and a count", |_, v| {
        let assigned = assigned(&own("both", v), &[1]);
        create(vec![CreatableTopic {
            num_partitions: 2,
            ..assigned
        }])
    }));
    all.push(case("with a config that isn't one", |_, v| {
        create(vec![topic(
            &own("unknown", v),
            1,
            &[("no.such.config", "1")],
        )])
    }));
    all.push(case("with a config value that isn't one", |_, v| {
        create(vec![topic(
            &own("value", v),
            1,
            &[("retention.ms", "soon")],
        )])
    }));
    all.push(case("with a config value out of range", |_, v| {
        create(vec![topic(
            &own("range", v),
            1,
            &[("min.cleanable.dirty.ratio", "1.5")],
        )])
    }));
    all.push(case("with a config without a value", |_, v| {
        let mut null = topic(&own("null", v), 1, &[("retention.ms", "")]);
        null.configs[0].value = None;
        create(vec![null])
    }));
    all.push(case("with a config named twice", |_, v| {
        let configs = [("retention.ms", "1"), ("retention.ms", "2")];
        create(vec![topic(&own("twice-set", v), 1, &configs)])
    }));
    all.push(case("no topics", |_, _| create(Vec::new())));
}

/// By name in the field of the version, by id from version 6 on.
fn delete(names: &[&str], version: i16) -> DeleteTopicsRequest {
    let mut request = DeleteTopicsRequest {
        timeout_ms: 20_000,
        ..DeleteTopicsRequest::default()
    };
    if version >= 6 {
        let topics = names.iter().map(|name| DeleteTopicState {
            name: Some((*name).to_owned()),
            topic_id: Uuid::ZERO,
        });
        request.topics = topics.collect();
    } else {
        request.topic_names = names.iter().map(|name| (*name).to_owned()).collect();
    }
    request
}

/// Names of topics that the cases of CreateTopics made, one for each version here.
fn doomed(name: &str, version: i16) -> String {
    // CreateTopics has versions up to 7, DeleteTopics up to 6.
    own(name, version)
}

fn deleted(all: &mut Vec<Case>) {
    all.push(case("a topic", |_, v| delete(&[&doomed("plain", v)], v)));
    all.push(case("a topic that was deleted before", |_, v| {
        delete(&[&doomed("plain", v)], v)
    }));
    all.push(case("two topics, one unknown", |_, v| {
        delete(&[&doomed("second", v), "absent"], v)
    }));
    all.push(case("a topic twice", |_, v| {
        delete(&[&doomed("assigned", v), &doomed("assigned", v)], v)
    }));
    all.push(case("an impossible name", |_, v| delete(&["a/b"], v)));
    all.push(case("nothing", |_, v| delete(&[], v)));
    let by_id = |name: Option<&str>, id: Uuid| DeleteTopicsRequest {
        topics: vec![DeleteTopicState {
            name: name.map(str::to_owned),
            topic_id: id,
        }],
        timeout_ms: 20_000,
        ..DeleteTopicsRequest::default()
    };
    all.push(case("an unknown id", move |s: &Side, _| {
        by_id(None, s.id("absent"))
    }));
    all.push(case("an id and a name", move |s: &Side, _| {
        by_id(Some(ALPHA), s.id(ALPHA))
    }));
    all.push(case("neither an id nor a name", move |_, _| {
        by_id(None, Uuid::ZERO)
    }));
}
