//! Cases of consumer groups (KIP-848): members, epochs, and what tools ask for.

use anyhow::Result;
use limpid_protocol::ApiKey;
use limpid_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
    ListGroupsRequest,
};

use super::case::{Case, Outcome, case, talk};
use super::groups::{JOIN, join_with, joining, outcome, stable};
use super::setup::ALPHA;
use super::side::Side;

/// A member that comes, for the first time or again.
fn coming(group: &str, member: &str) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: group.to_owned(),
        member_id: member.to_owned(),
        rebalance_timeout_ms: 60_000,
        subscribed_topic_names: Some(vec![ALPHA.to_owned()]),
        topic_partitions: Some(Vec::new()),
        ..ConsumerGroupHeartbeatRequest::default()
    }
}

fn beating(group: &str, member: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: group.to_owned(),
        member_id: member.to_owned(),
        member_epoch: epoch,
        ..ConsumerGroupHeartbeatRequest::default()
    }
}

fn joined(side: &mut Side, group: &str, version: i16) -> Result<ConsumerGroupHeartbeatResponse> {
    side.must(&coming(group, "one"), version)
}

/// Adds them.
pub fn cases(all: &mut Vec<Case>) {
    requests(all);
    members(all);
    statics(all);
    describe(all);
    migration(all);
}

fn requests(all: &mut Vec<Case>) {
    type Change = fn(&mut ConsumerGroupHeartbeatRequest);
    let changes: [(&'static str, Change); 9] = [
        ("a group without a name", |r| r.group_id.clear()),
        ("a blank instance", |r| r.instance_id = Some(" ".to_owned())),
        ("a blank rack", |r| r.rack_id = Some(String::new())),
        ("no rebalance timeout", |r| r.rebalance_timeout_ms = -1),
        ("no partitions", |r| r.topic_partitions = None),
        ("no topics", |r| r.subscribed_topic_names = None),
        ("an epoch that isn't", |r| r.member_epoch = -3),
        ("leaving for now without a name", |r| r.member_epoch = -2),
        ("an assignor that isn't", |r| {
            r.server_assignor = Some("best".to_owned())
        }),
    ];
    for (name, change) in changes {
        all.push(case(name, move |_, _| {
            let mut request = coming("next-invalid", "one");
            change(&mut request);
            request
        }));
    }
    all.push(case("a group that isn't there", |_, _| {
        beating("next-nowhere", "one", 1)
    }));
}

fn members(all: &mut Vec<Case>) {
    let key = ApiKey::ConsumerGroupHeartbeat;
    all.push(talk(key, "the first member", |side, version, _| {
        outcome(
            side,
            &coming(&format!("next-first-{version}"), "one"),
            version,
        )
    }));
    all.push(talk(key, "a topic that isn't there", |side, version, _| {
        let mut request = coming(&format!("next-absent-{version}"), "one");
        request.subscribed_topic_names = Some(vec!["absent".to_owned()]);
        outcome(side, &request, version)
    }));
    all.push(talk(key, "nothing new", |side, version, _| {
        let group = format!("next-beat-{version}");
        let epoch = joined(side, &group, version)?.member_epoch;
        outcome(side, &beating(&group, "one", epoch), version)
    }));
    all.push(talk(key, "coming again", |side, version, _| {
        let group = format!("next-again-{version}");
        joined(side, &group, version)?;
        outcome(side, &coming(&group, "one"), version)
    }));
    all.push(talk(key, "a second member", |side, version, _| {
        let group = format!("next-second-{version}");
        joined(side, &group, version)?;
        outcome(side, &coming(&group, "two"), version)
    }));
    all.push(talk(key, "an epoch ahead", |side, version, _| {
        let group = format!("next-ahead-{version}");
        joined(side, &group, version)?;
        outcome(side, &beating(&group, "one", 7), version)
    }));
    all.push(talk(key, "a stranger", |side, version, _| {
        let group = format!("next-stranger-{version}");
        joined(side, &group, version)?;
        outcome(side, &beating(&group, "stranger", 1), version)
    }));
    all.push(talk(key, "leaving", |side, version, _| {
        let group = format!("next-leave-{version}");
        joined(side, &group, version)?;
        outcome(side, &beating(&group, "one", -1), version)
    }));
}

fn statics(all: &mut Vec<Case>) {
    let key = ApiKey::ConsumerGroupHeartbeat;
    let named = |mut request: ConsumerGroupHeartbeatRequest| {
        request.instance_id = Some("instance".to_owned());
        request
    };
    all.push(talk(key, "a name in use", move |side, version, _| {
        let group = format!("next-static-{version}");
        side.must(&named(coming(&group, "one")), version)?;
        outcome(side, &named(coming(&group, "two")), version)
    }));
    all.push(talk(key, "leaving for now", move |side, version, _| {
        let group = format!("next-static-leave-{version}");
        side.must(&named(coming(&group, "one")), version)?;
        outcome(side, &named(beating(&group, "one", -2)), version)
    }));
    all.push(talk(key, "coming back", move |side, version, _| {
        let group = format!("next-static-back-{version}");
        side.must(&named(coming(&group, "one")), version)?;
        side.must(&named(beating(&group, "one", -2)), version)?;
        outcome(side, &named(coming(&group, "two")), version)
    }));
}

fn describe(all: &mut Vec<Case>) {
    let key = ApiKey::ConsumerGroupDescribe;
    let describing = |group: &str| ConsumerGroupDescribeRequest {
        group_ids: vec![group.to_owned()],
        include_authorized_operations: true,
    };
    all.push(talk(key, "a member", move |side, version, _| {
        let group = format!("next-described-{version}");
        joined(side, &group, 0)?;
        outcome(side, &describing(&group), version)
    }));
    all.push(talk(key, "an empty group", move |side, version, _| {
        let group = format!("next-described-empty-{version}");
        joined(side, &group, 0)?;
        side.must(&beating(&group, "one", -1), 0)?;
        outcome(side, &describing(&group), version)
    }));
    all.push(talk(key, "a classic group", move |side, version, _| {
        let group = format!("next-described-classic-{version}");
        stable(side, &group)?;
        outcome(side, &describing(&group), version)
    }));
    for (name, group) in [("a group that isn't there", "nowhere"), ("no name", "")] {
        all.push(case(name, move |_, _| describing(group)));
    }
    all.push(talk(
        ApiKey::ListGroups,
        "consumer groups",
        |side, version, _| {
            let group = format!("next-listed-{version}");
            joined(side, &group, 0)?;
            let request = ListGroupsRequest {
                types_filter: match version {
                    5.. => vec!["Consumer".to_owned()],
                    _ => Vec::new(),
                },
                ..ListGroupsRequest::default()
            };
            let mut answer = side.must(&request, version)?;
            answer.groups.retain(|listed| listed.group_id == group);
            Ok(Outcome::Answer(super::walk::fields(&answer, side)))
        },
    ));
}

fn migration(all: &mut Vec<Case>) {
    all.push(talk(
        ApiKey::ConsumerGroupHeartbeat,
        "a group of unreadable subscriptions",
        |side, version, _| {
            let group = format!("next-migration-{version}");
            let mut request = joining(&group, "", &["range"]);
            request.protocol_type = "connect".to_owned();
            join_with(side, request, JOIN)?;
            outcome(side, &coming(&group, "one"), version)
        },
    ));
}
