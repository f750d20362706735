//! Cases of Fetch and ListOffsets.

use anyhow::Result;
use limpid_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use limpid_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use limpid_protocol::messages::{FetchRequest, ListOffsetsRequest};
use limpid_protocol::{ApiKey, Uuid};

use super::case::{Case, Outcome, case, talk};
use super::groups::outcome;
use super::setup::{ALPHA, TIME};
use super::side::Side;

/// From here on requests know sessions.
const SESSIONS_VERSION: i16 = 7;

/// Adds them.
pub fn cases(all: &mut Vec<Case>) {
    fetch(all);
    fetch_errors(all);
    fetch_sessions(all);
    conversations(all);
    list_offsets(all);
}

/// A fetch of one partition outside any session, which waits for nothing.
fn from(side: &Side, topic: &str, partition: i32, offset: i64) -> FetchRequest {
    let partition = FetchPartition {
        partition,
        current_leader_epoch: -1,
        fetch_offset: offset,
        last_fetched_epoch: -1,
        log_start_offset: -1,
        partition_max_bytes: 1 << 20,
        ..FetchPartition::default()
    };
    let topic = FetchTopic {
        topic: topic.to_owned(),
        topic_id: side.id(topic),
        partitions: vec![partition],
    };
    FetchRequest {
        replica_id: -1,
        max_wait_ms: 0,
        min_bytes: 0,
        max_bytes: 1 << 20,
        session_epoch: -1,
        topics: vec![topic],
        ..FetchRequest::default()
    }
}

/// As [`from`] for the first partition of the filled topic, with its partition changed.
fn changed(side: &Side, change: impl Fn(&mut FetchPartition)) -> FetchRequest {
    let mut request = from(side, ALPHA, 0, 0);
    change(&mut request.topics[0].partitions[0]);
    request
}

fn fetch(all: &mut Vec<Case>) {
    all.push(case("from the beginning", |s, _| from(s, ALPHA, 0, 0)));
    all.push(case("from the middle of a batch", |s, _| {
        from(s, ALPHA, 0, 5)
    }));
    all.push(case("from the end", |s, _| from(s, ALPHA, 0, 10)));
    all.push(case("from an empty partition", |s, _| from(s, ALPHA, 1, 0)));
    all.push(case("committed records only", |s, _| FetchRequest {
        isolation_level: 1,
        ..from(s, ALPHA, 0, 0)
    }));
    all.push(case(
        "one byte of a partition still brings a batch",
        |s, _| changed(s, |partition| partition.partition_max_bytes = 1),
    ));
    all.push(case("one byte in all still brings a batch", |s, _| {
        FetchRequest {
            max_bytes: 1,
            ..from(s, ALPHA, 0, 3)
        }
    }));
    all.push(case("zero bytes", |s, _| FetchRequest {
        max_bytes: 0,
        ..from(s, ALPHA, 0, 0)
    }));
    all.push(case("three partitions, little room", |s, _| {
        let mut request = from(s, ALPHA, 0, 0);
        for partition in [2, 1] {
            let other = from(s, ALPHA, partition, 0)
                .topics
                .remove(0)
                .partitions
                .remove(0);
            request.topics[0].partitions.push(other);
        }
        FetchRequest {
            max_bytes: 300,
            ..request
        }
    }));
    all.push(case("no topics", |s, _| FetchRequest {
        topics: Vec::new(),
        ..from(s, ALPHA, 0, 0)
    }));
    all.push(case("waits in vain for more than there is", |s, _| {
        FetchRequest {
            max_wait_ms: 50,
            min_bytes: 1 << 20,
            ..from(s, ALPHA, 0, 0)
        }
    }));
}

fn fetch_errors(all: &mut Vec<Case>) {
    all.push(case("beyond the end", |s, _| from(s, ALPHA, 0, 11)));
    all.push(case("a negative offset", |s, _| from(s, ALPHA, 0, -1)));
    all.push(case("unknown topic", |s, _| from(s, "absent", 0, 0)));
    all.push(case("no topic id", |s, _| {
        let mut request = from(s, ALPHA, 0, 0);
        request.topics[0].topic_id = Uuid::ZERO;
        request
    }));
    all.push(case("partition that isn't there", |s, _| {
        from(s, ALPHA, 9, 0)
    }));
    all.push(case("negative partition", |s, _| from(s, ALPHA, -1, 0)));
    all.push(case("the right leader epoch", |s, _| {
        changed(s, |p| p.current_leader_epoch = 0)
    }));
    all.push(case("a future leader epoch", |s, _| {
        changed(s, |p| p.current_leader_epoch = 5)
    }));
    all.push(case("a diverging epoch", |s, _| {
        changed(s, |p| {
            p.last_fetched_epoch = 3;
            p.fetch_offset = 4;
        })
    }));
    all.push(case("the epoch last fetched", |s, _| {
        changed(s, |p| {
            p.last_fetched_epoch = 0;
            p.fetch_offset = 4;
        })
    }));
    all.push(case("an unknown and a known topic", |s, _| {
        let mut request = from(s, "absent", 0, 0);
        request.topics.extend(from(s, ALPHA, 2, 3).topics);
        request
    }));
}

fn fetch_sessions(all: &mut Vec<Case>) {
    all.push(case("opening a session", |s, _| FetchRequest {
        session_epoch: 0,
        ..from(s, ALPHA, 0, 8)
    }));
    all.push(case("going on with a session that isn't there", |s, _| {
        FetchRequest {
            session_id: 12_345,
            session_epoch: 1,
            ..from(s, ALPHA, 0, 8)
        }
    }));
    all.push(case("closing a session that isn't there", |s, _| {
        FetchRequest {
            session_id: 12_345,
            session_epoch: -1,
            ..from(s, ALPHA, 0, 8)
        }
    }));
}

/// The request that goes on with the session that an earlier answer opened.
fn going_on(session_id: i32, session_epoch: i32, topics: Vec<FetchTopic>) -> FetchRequest {
    FetchRequest {
        session_id,
        session_epoch,
        topics,
        replica_id: -1,
        max_bytes: 1 << 20,
        ..FetchRequest::default()
    }
}

/// What is said in an open session, after it was opened with two partitions: the first of them at
/// its end, the second at its beginning.
fn in_a_session(
    name: &'static str,
    ask: impl Fn(&mut Side, i16, i32) -> Result<FetchRequest> + 'static,
) -> Case {
    talk(ApiKey::Fetch, name, move |side, version, _| {
        if version < SESSIONS_VERSION {
            return Ok(Outcome::Inexpressible);
        }
        let mut open = from(side, ALPHA, 0, 10);
        open.session_epoch = 0;
        open.topics.extend(from(side, ALPHA, 2, 0).topics);
        let opened = side.must(&open, version)?;
        let request = ask(side, version, opened.session_id)?;
        outcome(side, &request, version)
    })
}

fn conversations(all: &mut Vec<Case>) {
    all.push(in_a_session("a session: what has records", |_, _, id| {
        Ok(going_on(id, 1, Vec::new()))
    }));
    all.push(in_a_session("a session: no news", |side, version, id| {
        let topics = from(side, ALPHA, 2, 10).topics;
        side.must(&going_on(id, 1, topics), version)?;
        Ok(going_on(id, 2, Vec::new()))
    }));
    all.push(in_a_session("a session: another one", |side, _, id| {
        Ok(going_on(id, 1, from(side, ALPHA, 1, 0).topics))
    }));
    all.push(in_a_session(
        "a session: one that isn't there",
        |side, _, id| Ok(going_on(id, 1, from(side, ALPHA, 9, 0).topics)),
    ));
    all.push(in_a_session(
        "a session: an unknown topic",
        |side, _, id| Ok(going_on(id, 1, from(side, "absent", 0, 0).topics)),
    ));
    all.push(in_a_session("a session: one less", |side, _, id| {
        let mut request = going_on(id, 1, Vec::new());
        request.forgotten_topics_data = forgotten(side, &[2]);
        Ok(request)
    }));
    all.push(in_a_session("a session: none left", |side, _, id| {
        let mut request = going_on(id, 1, Vec::new());
        request.forgotten_topics_data = forgotten(side, &[0, 2]);
        Ok(request)
    }));
    all.push(in_a_session(
        "a session: after none was left",
        |side, version, id| {
            let mut request = going_on(id, 1, Vec::new());
            request.forgotten_topics_data = forgotten(side, &[0, 2]);
            side.must(&request, version)?;
            Ok(going_on(id, 2, Vec::new()))
        },
    ));
    for (name, epoch) in [
        ("a session: a later epoch", 2),
        ("a session: a negative epoch", -2),
    ] {
        all.push(in_a_session(name, move |_, _, id| {
            Ok(going_on(id, epoch, Vec::new()))
        }));
    }
    all.push(in_a_session("a session: closed", |side, version, id| {
        side.must(&going_on(id, -1, Vec::new()), version)?;
        Ok(going_on(id, 1, Vec::new()))
    }));
    all.push(in_a_session(
        "a session: opened anew",
        |side, version, id| {
            let again = side.must(&going_on(id, 0, from(side, ALPHA, 0, 8).topics), version)?;
            Ok(going_on(again.session_id, 1, Vec::new()))
        },
    ));
}

fn forgotten(side: &Side, partitions: &[i32]) -> Vec<ForgottenTopic> {
    vec![ForgottenTopic {
        topic: ALPHA.to_owned(),
        topic_id: side.id(ALPHA),
        partitions: partitions.to_vec(),
    }]
}

fn offsets(topic: &str, partitions: &[(i32, i64, i32)]) -> ListOffsetsRequest {
    let partitions = partitions
        .iter()
        .map(|(index, timestamp, epoch)| ListOffsetsPartition {
            partition_index: *index,
            current_leader_epoch: *epoch,
            timestamp: *timestamp,
        });
    let topic = ListOffsetsTopic {
        name: topic.to_owned(),
        partitions: partitions.collect(),
    };
    ListOffsetsRequest {
        replica_id: -1,
        topics: vec![topic],
        ..ListOffsetsRequest::default()
    }
}

fn list_offsets(all: &mut Vec<Case>) {
    for (name, timestamp) in [
        ("latest", -1),
        ("earliest", -2),
        ("the greatest timestamp", -3),
        ("earliest local", -4),
        ("latest tiered", -5),
        ("earliest pending upload", -6),
        ("a special time that isn't one", -7),
        ("a time before all", 0),
        ("exactly a record's time", TIME + 1_010),
        ("between two records", TIME + 1_011),
        ("between two batches", TIME + 100),
        ("a time after all", TIME + 9_000_000),
    ] {
        all.push(case(name, move |_, _| {
            offsets(
                ALPHA,
                &[(0, timestamp, -1), (1, timestamp, -1), (2, timestamp, -1)],
            )
        }));
    }
    all.push(case("latest of committed records", |_, _| {
        ListOffsetsRequest {
            isolation_level: 1,
            ..offsets(ALPHA, &[(0, -1, -1)])
        }
    }));
    all.push(case("the right leader epoch", |_, _| {
        offsets(ALPHA, &[(0, -1, 0)])
    }));
    all.push(case("a future leader epoch", |_, _| {
        offsets(ALPHA, &[(0, -1, 7), (1, -1, -1)])
    }));
    all.push(case("unknown topic", |_, _| {
        offsets("absent", &[(0, -1, -1)])
    }));
    all.push(case("partition that isn't there", |_, _| {
        offsets(ALPHA, &[(9, -1, -1)])
    }));
    all.push(case("a partition twice", |_, _| {
        offsets(ALPHA, &[(0, -1, -1), (0, -2, -1)])
    }));
    all.push(case("an out-of-order maximum", |_, _| {
        offsets(ALPHA, &[(2, TIME + 4_200, -1)])
    }));
    all.push(case("no topics", |_, _| ListOffsetsRequest {
        replica_id: -1,
        ..ListOffsetsRequest::default()
    }));
}
