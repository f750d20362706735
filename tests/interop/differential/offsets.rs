//! Cases of committed offsets.

use anyhow::Result;
use limpid_protocol::ApiKey;
use limpid_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use limpid_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use limpid_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use limpid_protocol::messages::{OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest};

use super::case::{Case, Outcome, case, talk};
use super::groups::{joining, stable};
use super::setup::ALPHA;
use super::side::{Reply, Side};
use super::walk::fields;

/// A version with everything but topic ids.
const COMMIT: i16 = 8;

/// Adds them.
pub fn cases(all: &mut Vec<Case>) {
    commits(all);
    fetches(all);
    deletions(all);
}

/// A commit to the partitions 0 and 1 of a topic.
fn commit(side: &Side, group: &str, topic: &str, version: i16) -> OffsetCommitRequest {
    let partitions = [(0, 5, Some("a note")), (1, 0, None)];
    let partitions = partitions.map(|(index, offset, metadata)| OffsetCommitRequestPartition {
        partition_index: index,
        committed_offset: offset,
        committed_leader_epoch: if version >= 6 { index - 1 } else { -1 },
        committed_metadata: metadata.map(ToOwned::to_owned),
    });
    OffsetCommitRequest {
        group_id: group.to_owned(),
        topics: vec![OffsetCommitRequestTopic {
            name: topic.to_owned(),
            topic_id: if version >= 10 {
                side.id(topic)
            } else {
                Default::default()
            },
            partitions: partitions.into(),
        }],
        ..OffsetCommitRequest::default()
    }
}

fn commits(all: &mut Vec<Case>) {
    all.push(case("without members", |side, version| {
        commit(side, &format!("commit-{version}"), ALPHA, version)
    }));
    all.push(case("to a group without a name", |side, version| {
        commit(side, "", ALPHA, version)
    }));
    all.push(case("an unknown topic", |side, version| {
        commit(
            side,
            &format!("commit-unknown-{version}"),
            "absent",
            version,
        )
    }));
    all.push(case(
        "an unknown topic and partition among others",
        |side, version| {
            let mut request = commit(side, &format!("commit-mixed-{version}"), ALPHA, version);
            request.topics[0].partitions[1].partition_index = 17;
            let absent = commit(side, "", "absent", version).topics;
            request.topics.extend(absent);
            request
        },
    ));
    all.push(case("a long note", |side, version| {
        let mut request = commit(side, &format!("commit-note-{version}"), ALPHA, version);
        request.topics[0].partitions[0].committed_metadata = Some("x".repeat(4_097));
        request
    }));
    all.push(case("nothing", |side, version| {
        let mut request = commit(side, &format!("commit-none-{version}"), ALPHA, version);
        request.topics.clear();
        request
    }));
    all.push(case("a generation without a group", |side, version| {
        OffsetCommitRequest {
            generation_id_or_member_epoch: 3,
            member_id: "m".to_owned(),
            ..commit(side, &format!("commit-nowhere-{version}"), ALPHA, version)
        }
    }));
    for (name, generation, member) in [
        ("a member", 1, None),
        ("an old generation", 0, None),
        ("a stranger", 1, Some("stranger")),
        ("without members while there are some", -1, Some("")),
    ] {
        all.push(talk(ApiKey::OffsetCommit, name, move |side, version, _| {
            let group = format!("commit-{name}-{version}");
            let joined = stable(side, &group)?;
            let request = OffsetCommitRequest {
                generation_id_or_member_epoch: generation,
                member_id: member.unwrap_or(&joined.member_id).to_owned(),
                ..commit(side, &group, ALPHA, version)
            };
            answer(side, &request, version)
        }));
    }
    all.push(talk(
        ApiKey::OffsetCommit,
        "between join and sync",
        |side, version, _| {
            let group = format!("commit-syncing-{version}");
            let mut joined = side.must(&joining(&group, "", &["range"]), 3)?;
            let request = OffsetCommitRequest {
                generation_id_or_member_epoch: joined.generation_id,
                member_id: std::mem::take(&mut joined.member_id),
                ..commit(side, &group, ALPHA, version)
            };
            answer(side, &request, version)
        },
    ));
}

fn answer<R>(side: &mut Side, request: &R, version: i16) -> Result<Outcome>
where
    R: limpid_protocol::codec::Request,
    R::Response: std::fmt::Debug,
{
    Ok(match side.ask(request, version)? {
        Reply::Inexpressible => Outcome::Inexpressible,
        Reply::Closed => Outcome::Closed,
        Reply::Answer(answer) => Outcome::Answer(fields(&answer, side)),
    })
}

/// A fetch of some partitions of one group, or of all.
fn fetch(side: &Side, group: &str, topics: Option<&[&str]>, version: i16) -> OffsetFetchRequest {
    let indexes = vec![0, 1, 2, 17];
    if version < 8 {
        let topics = topics.map(|topics| {
            let topics = topics.iter().map(|topic| OffsetFetchRequestTopic {
                name: (*topic).to_owned(),
                partition_indexes: indexes.clone(),
            });
            topics.collect()
        });
        return OffsetFetchRequest {
            group_id: group.to_owned(),
            topics,
            ..OffsetFetchRequest::default()
        };
    }
    let topics = topics.map(|topics| {
        let topics = topics.iter().map(|topic| OffsetFetchRequestTopics {
            name: if version < 10 {
                (*topic).to_owned()
            } else {
                String::new()
            },
            topic_id: if version < 10 {
                Default::default()
            } else {
                side.id(topic)
            },
            partition_indexes: indexes.clone(),
        });
        topics.collect()
    });
    OffsetFetchRequest {
        topics: Some(Vec::new()),
        groups: vec![OffsetFetchRequestGroup {
            group_id: group.to_owned(),
            topics,
            ..OffsetFetchRequestGroup::default()
        }],
        ..OffsetFetchRequest::default()
    }
}

fn fetches(all: &mut Vec<Case>) {
    for (name, topics) in [
        ("some topics", Some(&[ALPHA, "absent"][..])),
        ("no topics", Some(&[][..])),
        ("all topics", None),
    ] {
        all.push(talk(ApiKey::OffsetFetch, name, move |side, version, _| {
            if topics.is_none() && version < 2 {
                return Ok(Outcome::Inexpressible);
            }
            let group = format!("fetch-{name}-{version}");
            side.must(&commit(side, &group, ALPHA, COMMIT), COMMIT)?;
            let request = fetch(side, &group, topics, version);
            answer(side, &request, version)
        }));
        all.push(case("a group that isn't there", move |side, version| {
            fetch(side, "nowhere", topics, version)
        }));
    }
    all.push(case("a group without a name", |side, version| {
        fetch(side, "no-name", Some(&[ALPHA]), version)
    }));
    all.push(talk(
        ApiKey::OffsetFetch,
        "stable offsets of two groups",
        |side, version, _| {
            let group = format!("fetch-two-{version}");
            side.must(&commit(side, &group, ALPHA, COMMIT), COMMIT)?;
            let mut request = fetch(side, &group, Some(&[ALPHA]), version);
            if version >= 7 {
                request.require_stable = true;
            }
            let other = fetch(side, "nowhere", None, version);
            request.groups.extend(other.groups);
            answer(side, &request, version)
        },
    ));
}

fn deletions(all: &mut Vec<Case>) {
    let delete = |group: &str, topics: &[&str]| OffsetDeleteRequest {
        group_id: group.to_owned(),
        topics: topics
            .iter()
            .map(|topic| OffsetDeleteRequestTopic {
                name: (*topic).to_owned(),
                partitions: [0, 2, 17]
                    .map(|partition_index| OffsetDeleteRequestPartition { partition_index })
                    .into(),
            })
            .collect(),
    };
    all.push(talk(
        ApiKey::OffsetDelete,
        "some",
        move |side, version, _| {
            let group = format!("delete-offsets-{version}");
            side.must(&commit(side, &group, ALPHA, COMMIT), COMMIT)?;
            side.must(&delete(&group, &[ALPHA, "absent"]), version)?;
            let request = delete(&group, &[ALPHA, "absent"]);
            let deleted = side.must(&request, version)?;
            let left = side.must(&fetch(side, &group, None, 7), 7)?;
            Ok(Outcome::Answer(fields(&(deleted, left), side)))
        },
    ));
    all.push(talk(
        ApiKey::OffsetDelete,
        "of a group with members",
        move |side, version, _| {
            let group = format!("delete-offsets-busy-{version}");
            stable(side, &group)?;
            answer(side, &delete(&group, &[ALPHA]), version)
        },
    ));
    all.push(case("of a group that isn't there", move |_, _| {
        delete("nowhere", &[ALPHA])
    }));
    all.push(case("of a group without a name", move |_, _| {
        delete("", &[ALPHA])
    }));
}
