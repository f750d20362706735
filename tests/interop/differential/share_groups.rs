//! Cases of share groups (KIP-932): members, records that are given and spoken of, and what tools
//! ask for.

mod offsets;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use limpid_protocol::ApiKey;
use limpid_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use limpid_protocol::messages::share_acknowledge_request::{
    AcknowledgePartition, AcknowledgeTopic, AcknowledgementBatch as AckBatch,
    ShareAcknowledgeRequest,
};
use limpid_protocol::messages::share_fetch_request::{
    AcknowledgementBatch, FetchPartition, FetchTopic, ShareFetchRequest,
};
use limpid_protocol::messages::{
    DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest, ShareFetchResponse,
    ShareGroupDescribeRequest, ShareGroupHeartbeatRequest, StreamsGroupDescribeRequest,
};

use super::case::{Case, Outcome, case, talk};
use super::groups::outcome;
use super::setup::ALPHA;
use super::side::Side;
use super::walk::fields;

const LIMIT: Duration = Duration::from_secs(30);
const GROUP: i8 = 32;

/// A batch of a request: first and last offset, and codes.
type Said = (i64, i64, &'static [i8]);

fn coming(group: &str, member: &str) -> ShareGroupHeartbeatRequest {
    ShareGroupHeartbeatRequest {
        group_id: group.to_owned(),
        member_id: member.to_owned(),
        subscribed_topic_names: Some(vec![ALPHA.to_owned()]),
        ..ShareGroupHeartbeatRequest::default()
    }
}

fn beating(group: &str, member: &str, epoch: i32) -> ShareGroupHeartbeatRequest {
    ShareGroupHeartbeatRequest {
        member_epoch: epoch,
        subscribed_topic_names: None,
        ..coming(group, member)
    }
}

/// A group that begins at the first record, with a member that has its partitions; its epoch.
fn member(side: &mut Side, group: &str) -> Result<i32> {
    let earliest = AlterableConfig {
        name: "share.auto.offset.reset".to_owned(),
        value: Some("earliest".to_owned()),
        ..AlterableConfig::default()
    };
    let request = IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: GROUP,
            resource_name: group.to_owned(),
            configs: vec![earliest],
        }],
        validate_only: false,
    };
    let altered = side.must(&request, 1)?;
    ensure!(altered.responses[0].error_code == 0, "{altered:?}");
    // Kafka takes its time: it sets the state up after the first heartbeat.
    let began = Instant::now();
    let mut answer = side.must(&coming(group, "one"), 1)?;
    loop {
        ensure!(answer.error_code == 0, "{answer:?}");
        let assigned = answer.assignment.iter();
        let assigned: usize = assigned
            .flat_map(|a| &a.topic_partitions)
            .map(|t| t.partitions.len())
            .sum();
        if assigned == 3 {
            return Ok(answer.member_epoch);
        }
        ensure!(began.elapsed() < LIMIT, "nothing is assigned: {answer:?}");
        limpid_interop::process::pause(Duration::from_millis(200));
        answer = side.must(&beating(group, "one", answer.member_epoch), 1)?;
    }
}

fn fetching(side: &Side, group: &str, epoch: i32, said: &[Said]) -> ShareFetchRequest {
    let batches = said
        .iter()
        .map(|(first, last, codes)| AcknowledgementBatch {
            first_offset: *first,
            last_offset: *last,
            acknowledge_types: codes.to_vec(),
        });
    ShareFetchRequest {
        group_id: Some(group.to_owned()),
        member_id: Some("one".to_owned()),
        share_session_epoch: epoch,
        max_wait_ms: 5_000,
        min_bytes: 1,
        max_bytes: 1 << 20,
        max_records: 500,
        batch_size: 500,
        topics: vec![FetchTopic {
            topic_id: side.id(ALPHA),
            partitions: vec![FetchPartition {
                partition_index: 0,
                acknowledgement_batches: batches.collect(),
            }],
        }],
        ..ShareFetchRequest::default()
    }
}

fn saying(side: &Side, group: &str, epoch: i32, said: &[Said]) -> ShareAcknowledgeRequest {
    let batches = said.iter().map(|(first, last, codes)| AckBatch {
        first_offset: *first,
        last_offset: *last,
        acknowledge_types: codes.to_vec(),
    });
    ShareAcknowledgeRequest {
        group_id: Some(group.to_owned()),
        member_id: Some("one".to_owned()),
        share_session_epoch: epoch,
        topics: vec![AcknowledgeTopic {
            topic_id: side.id(ALPHA),
            partitions: vec![AcknowledgePartition {
                partition_index: 0,
                acknowledgement_batches: batches.collect(),
            }],
        }],
        ..ShareAcknowledgeRequest::default()
    }
}

/// A member that has the ten records of a partition, in a session whose next epoch is 1.
fn reading(side: &mut Side, group: &str) -> Result<ShareFetchResponse> {
    member(side, group)?;
    let request = fetching(side, group, 0, &[]);
    let answer = side.must(&request, 1)?;
    ensure!(answer.error_code == 0, "{answer:?}");
    let acquired = &answer.responses[0].partitions[0].acquired_records;
    ensure!(
        acquired.last().map(|a| a.last_offset) == Some(9),
        "{acquired:?}"
    );
    Ok(answer)
}

/// Adds them.
pub fn cases(all: &mut Vec<Case>) {
    heartbeats(all);
    describe(all);
    sessions(all);
    fetches(all);
    acknowledgements(all);
    offsets::cases(all);
}

fn heartbeats(all: &mut Vec<Case>) {
    type Change = fn(&mut ShareGroupHeartbeatRequest);
    let changes: [(&'static str, Change); 7] = [
        ("a group without a name", |r| r.group_id.clear()),
        ("a member without a name", |r| r.member_id.clear()),
        ("a member with a long name", |r| {
            r.member_id = "m".repeat(37)
        }),
        ("a blank rack", |r| r.rack_id = Some(String::new())),
        ("no topics", |r| r.subscribed_topic_names = None),
        ("an epoch that isn't", |r| r.member_epoch = -2),
        ("a group that isn't there", |r| r.member_epoch = 1),
    ];
    for (name, change) in changes {
        all.push(case(name, move |_, _| {
            let mut request = coming("share-invalid", "one");
            change(&mut request);
            request
        }));
    }
    let key = ApiKey::ShareGroupHeartbeat;
    all.push(talk(key, "nothing new", |side, version, _| {
        let epoch = member(side, "share-beat")?;
        let mut answer = side.must(&beating("share-beat", "one", epoch), version)?;
        answer.member_epoch -= epoch;
        Ok(Outcome::Answer(fields(&answer, side)))
    }));
    all.push(talk(key, "everything again", |side, version, _| {
        let epoch = member(side, "share-full")?;
        let mut request = beating("share-full", "one", epoch);
        request.subscribed_topic_names = Some(vec![ALPHA.to_owned()]);
        let mut answer = side.must(&request, version)?;
        answer.member_epoch -= epoch;
        for topic in answer
            .assignment
            .iter_mut()
            .flat_map(|a| &mut a.topic_partitions)
        {
            topic.partitions.sort_unstable();
        }
        Ok(Outcome::Answer(fields(&answer, side)))
    }));
    all.push(talk(key, "an epoch ahead", |side, version, _| {
        member(side, "share-ahead")?;
        let mut answer = side.must(&beating("share-ahead", "one", 70), version)?;
        // It tells the member's epoch.
        answer.error_message = None;
        Ok(Outcome::Answer(fields(&answer, side)))
    }));
    all.push(talk(key, "coming again", |side, version, _| {
        member(side, "share-again")?;
        let mut answer = side.must(&coming("share-again", "one"), version)?;
        answer.error_message = None;
        answer.member_epoch = answer.member_epoch.min(1);
        for topic in answer
            .assignment
            .iter_mut()
            .flat_map(|a| &mut a.topic_partitions)
        {
            topic.partitions.sort_unstable();
        }
        Ok(Outcome::Answer(fields(&answer, side)))
    }));
    all.push(talk(key, "a stranger", |side, version, _| {
        member(side, "share-stranger")?;
        outcome(side, &beating("share-stranger", "two", 1), version)
    }));
    all.push(talk(key, "leaving", |side, version, _| {
        member(side, "share-leave")?;
        outcome(side, &beating("share-leave", "one", -1), version)
    }));
}

fn describe(all: &mut Vec<Case>) {
    let key = ApiKey::ShareGroupDescribe;
    let describing = |group: &str| ShareGroupDescribeRequest {
        group_ids: vec![group.to_owned()],
        include_authorized_operations: true,
    };
    all.push(talk(key, "a member", move |side, version, _| {
        member(side, "share-described")?;
        let mut answer = side.must(&describing("share-described"), version)?;
        for group in &mut answer.groups {
            // Kafka takes an assignment more to get there.
            group.group_epoch -= group.assignment_epoch;
            group.assignment_epoch = 0;
            for member in &mut group.members {
                member.member_epoch = 0;
                for topic in &mut member.assignment.topic_partitions {
                    topic.partitions.sort_unstable();
                }
            }
        }
        Ok(Outcome::Answer(fields(&answer, side)))
    }));
    for (name, group) in [("a group that isn't there", "nowhere"), ("no name", "")] {
        all.push(case(name, move |_, _| describing(group)));
        all.push(case(name, move |_, _| StreamsGroupDescribeRequest {
            group_ids: vec![group.to_owned()],
            include_authorized_operations: true,
        }));
    }
    all.push(talk(
        ApiKey::ListGroups,
        "share groups",
        |side, version, _| {
            let group = format!("share-listed-{version}");
            member(side, &group)?;
            let request = ListGroupsRequest {
                types_filter: match version {
                    5.. => vec!["Share".to_owned()],
                    _ => Vec::new(),
                },
                ..ListGroupsRequest::default()
            };
            let mut answer = side.must(&request, version)?;
            answer.groups.retain(|listed| listed.group_id == group);
            side.must(&beating(&group, "one", -1), 1)?;
            Ok(Outcome::Answer(fields(&answer, side)))
        },
    ));
    all.push(talk(
        ApiKey::DescribeGroups,
        "a share group",
        |side, version, _| {
            let group = format!("share-classic-{version}");
            member(side, &group)?;
            let request = DescribeGroupsRequest {
                groups: vec![group.clone()],
                include_authorized_operations: false,
            };
            let answer = outcome(side, &request, version);
            side.must(&beating(&group, "one", -1), 1)?;
            answer
        },
    ));
    all.push(talk(
        ApiKey::DeleteGroups,
        "a share group, with a member and without",
        |side, version, _| {
            let group = format!("share-deleted-{version}");
            member(side, &group)?;
            let request = DeleteGroupsRequest {
                groups_names: vec![group.clone()],
            };
            let busy = side.must(&request, version)?;
            side.must(&beating(&group, "one", -1), 1)?;
            let gone = side.must(&request, version)?;
            let again = side.must(&request, version)?;
            let answers = (busy, (gone, again));
            Ok(Outcome::Answer(fields(&answers, side)))
        },
    ));
}

fn sessions(all: &mut Vec<Case>) {
    for (name, epoch) in [
        ("a session that isn't there", 5),
        ("closing a session that isn't there", -1),
    ] {
        all.push(case(name, move |side: &Side, _| {
            fetching(side, "share-none", epoch, &[])
        }));
        all.push(case(name, move |side: &Side, _| {
            saying(side, "share-none", epoch, &[(0, 1, &[1])])
        }));
    }
    all.push(case("opening a session", |side: &Side, _| {
        saying(side, "share-none", 0, &[(0, 1, &[1])])
    }));
    all.push(case("speaking at once", |side: &Side, _| {
        fetching(side, "share-none", 0, &[(0, 1, &[1])])
    }));
    all.push(case("no member", |side: &Side, _| ShareFetchRequest {
        member_id: Some(String::new()),
        ..fetching(side, "share-none", 0, &[])
    }));
    all.push(case("no member", |side: &Side, _| {
        ShareAcknowledgeRequest {
            member_id: Some(String::new()),
            ..saying(side, "share-none", 1, &[])
        }
    }));
    all.push(talk(
        ApiKey::ShareFetch,
        "an epoch too many",
        |side, version, _| {
            reading(side, &format!("share-epoch-{version}"))?;
            let request = fetching(side, &format!("share-epoch-{version}"), 2, &[]);
            outcome(side, &request, version)
        },
    ));
    all.push(talk(
        ApiKey::ShareFetch,
        "closing a session",
        |side, version, _| {
            let group = format!("share-close-{version}");
            reading(side, &group)?;
            let request = fetching(side, &group, -1, &[(0, 9, &[1])]);
            outcome(side, &request, version)
        },
    ));
}

fn fetches(all: &mut Vec<Case>) {
    let key = ApiKey::ShareFetch;
    all.push(talk(key, "the first records", |side, version, _| {
        let group = format!("share-first-{version}");
        member(side, &group)?;
        let request = fetching(side, &group, 0, &[]);
        outcome(side, &request, version)
    }));
    all.push(talk(key, "a few records", |side, version, _| {
        let group = format!("share-few-{version}");
        member(side, &group)?;
        let mut request = fetching(side, &group, 0, &[]);
        (request.max_records, request.batch_size) = (4, 2);
        outcome(side, &request, version)
    }));
    all.push(talk(key, "no more than a few", |side, version, _| {
        let group = format!("share-exact-{version}");
        member(side, &group)?;
        let mut request = fetching(side, &group, 0, &[]);
        (request.max_records, request.share_acquire_mode) = (4, 1);
        outcome(side, &request, version)
    }));
    all.push(talk(key, "a topic that isn't there", |side, version, _| {
        let group = format!("share-absent-{version}");
        let mut request = fetching(side, &group, 0, &[]);
        request.topics[0].topic_id = side.id("no such topic");
        request.max_wait_ms = 100;
        outcome(side, &request, version)
    }));
    all.push(talk(
        key,
        "released and delivered again",
        |side, version, _| {
            let group = format!("share-release-{version}");
            reading(side, &group)?;
            let request = fetching(side, &group, 1, &[(0, 9, &[2])]);
            outcome(side, &request, version)
        },
    ));
    all.push(talk(
        key,
        "accepted, and nothing more",
        |side, version, _| {
            let group = format!("share-accept-{version}");
            reading(side, &group)?;
            let mut request = fetching(side, &group, 1, &[(0, 9, &[1])]);
            request.max_wait_ms = 100;
            outcome(side, &request, version)
        },
    ));
    all.push(talk(key, "more time, with records", |side, version, _| {
        let group = format!("share-more-{version}");
        let mut request = fetching(side, &group, 1, &[(0, 9, &[4])]);
        request.is_renew_ack = true;
        outcome(side, &request, version)
    }));
    all.push(talk(key, "more time", |side, version, _| {
        let group = format!("share-renew-{version}");
        reading(side, &group)?;
        let mut request = fetching(side, &group, 1, &[(0, 9, &[4])]);
        request.is_renew_ack = true;
        (request.max_bytes, request.min_bytes) = (0, 0);
        (request.max_records, request.max_wait_ms) = (0, 0);
        outcome(side, &request, version)
    }));
}

fn acknowledgements(all: &mut Vec<Case>) {
    let key = ApiKey::ShareAcknowledge;
    let said: [(&'static str, &'static [Said]); 13] = [
        ("accepted", &[(0, 9, &[1])]),
        ("in parts", &[(0, 2, &[1]), (3, 6, &[2]), (7, 9, &[3])]),
        ("one by one", &[(0, 2, &[1, 0, 2])]),
        ("nothing", &[]),
        ("backwards", &[(5, 4, &[1])]),
        ("out of order", &[(5, 9, &[1]), (0, 4, &[1])]),
        ("no verdicts", &[(0, 4, &[])]),
        ("too few verdicts", &[(0, 4, &[1, 1])]),
        ("a verdict that isn't", &[(0, 4, &[5])]),
        ("more time without saying so", &[(0, 4, &[4])]),
        ("beyond the end", &[(0, 20, &[1])]),
        ("far beyond the end", &[(30, 40, &[1])]),
        ("twice", &[(0, 4, &[1]), (4, 5, &[1])]),
    ];
    for (place, (name, said)) in said.into_iter().enumerate() {
        all.push(talk(key, name, move |side, version, _| {
            let group = format!("share-say-{place}-{version}");
            reading(side, &group)?;
            let request = saying(side, &group, 1, said);
            outcome(side, &request, version)
        }));
    }
    all.push(talk(key, "more time", |side, version, _| {
        let group = format!("share-renewing-{version}");
        reading(side, &group)?;
        let mut request = saying(side, &group, 1, &[(0, 4, &[4])]);
        request.is_renew_ack = true;
        outcome(side, &request, version)
    }));
    all.push(talk(key, "said before", |side, version, _| {
        let group = format!("share-before-{version}");
        reading(side, &group)?;
        let request = saying(side, &group, 1, &[(2, 4, &[1])]);
        side.must(&request, version)?;
        let request = saying(side, &group, 2, &[(2, 4, &[1])]);
        outcome(side, &request, version)
    }));
    all.push(talk(key, "by another one", |side, version, _| {
        let group = format!("share-other-{version}");
        reading(side, &group)?;
        let mut opening = fetching(side, &group, 0, &[]);
        opening.member_id = Some("two".to_owned());
        opening.max_wait_ms = 100;
        side.must(&opening, 1)?;
        let mut request = saying(side, &group, 1, &[(0, 9, &[1])]);
        request.member_id = Some("two".to_owned());
        outcome(side, &request, version)
    }));
    all.push(talk(key, "closing a session", |side, version, _| {
        let group = format!("share-closing-{version}");
        reading(side, &group)?;
        let request = saying(side, &group, -1, &[(0, 9, &[1])]);
        outcome(side, &request, version)
    }));
}
