//! Cases of consumer groups: members and generations. What tools ask for is in
//! [`super::group_tools`], committed offsets are in [`super::offsets`].

use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use limpid_interop::process::wait_for;
use limpid_protocol::ApiKey;
use limpid_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use limpid_protocol::messages::leave_group_request::MemberIdentity;
use limpid_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use limpid_protocol::messages::{
    DescribeGroupsRequest, FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest,
    JoinGroupResponse, LeaveGroupRequest, ListGroupsRequest, SyncGroupRequest,
};

use super::case::{Case, Outcome, case, talk};
use super::side::{Reply, Side};
use super::walk::fields;

/// The coordinator must be found within this.
const LIMIT: Duration = Duration::from_secs(60);
/// A version with everything but the skipped assignment, for the steps that lead to a case.
pub const JOIN: i16 = 7;
const MEMBER_ID_REQUIRED: i16 = 79;

/// Adds them.
pub fn cases(all: &mut Vec<Case>) {
    find(all);
    join(all);
    statics(all);
    sync(all);
    heartbeat(all);
    leave(all);
}

/// Kafka makes its offsets topic when somebody asks, and reads it before it coordinates.
pub fn await_coordinator(side: &mut Side) -> Result<()> {
    let find = FindCoordinatorRequest {
        key: "any".to_owned(),
        ..FindCoordinatorRequest::default()
    };
    wait_for("coordinator", LIMIT, || {
        let found = side.must(&find, 3)?.error_code == 0;
        let listed = found && side.must(&ListGroupsRequest::default(), 4)?.error_code == 0;
        let group = DescribeGroupsRequest {
            groups: (0..20).map(|g| format!("g{g}")).collect(),
            ..DescribeGroupsRequest::default()
        };
        let ready = listed && {
            let described = side.must(&group, 5)?;
            described.groups.iter().all(|g| g.error_code == 0)
        };
        Ok(ready.then_some(()))
    })
}

/// A consumer that wants to join, knowing these assignors.
pub fn joining(group: &str, member: &str, protocols: &[&str]) -> JoinGroupRequest {
    let protocols = protocols.iter().map(|name| JoinGroupRequestProtocol {
        name: (*name).to_owned(),
        // Version 0, no topics, no user data.
        metadata: Bytes::from_static(&[0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
    });
    JoinGroupRequest {
        group_id: group.to_owned(),
        session_timeout_ms: 30_000,
        rebalance_timeout_ms: 30_000,
        member_id: member.to_owned(),
        protocol_type: "consumer".to_owned(),
        protocols: protocols.collect(),
        ..JoinGroupRequest::default()
    }
}

/// Joins in one or two steps, as the version has it; member ids are hidden from then on.
pub fn join_with(
    side: &mut Side,
    mut request: JoinGroupRequest,
    version: i16,
) -> Result<JoinGroupResponse> {
    if version < 5 {
        request.group_instance_id = None;
    }
    let mut answer = side.must(&request, version)?;
    if answer.error_code == MEMBER_ID_REQUIRED {
        hide(side, &answer.member_id);
        request.member_id = answer.member_id;
        answer = side.must(&request, version)?;
    }
    hide(side, &answer.member_id);
    Ok(answer)
}

fn hide(side: &mut Side, member: &str) {
    if !member.is_empty() && !side.own.iter().any(|(text, _)| text == member) {
        side.own.insert(0, (member.to_owned(), "a member"));
    }
}

fn sync_of(group: &str, joined: &JoinGroupResponse) -> SyncGroupRequest {
    SyncGroupRequest {
        group_id: group.to_owned(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        protocol_type: Some("consumer".to_owned()),
        protocol_name: Some("range".to_owned()),
        assignments: vec![SyncGroupRequestAssignment {
            member_id: joined.member_id.clone(),
            assignment: Bytes::from_static(b"\0\0an assignment"),
        }],
        ..SyncGroupRequest::default()
    }
}

/// A stable group of one member.
pub fn stable(side: &mut Side, group: &str) -> Result<JoinGroupResponse> {
    let joined = join_with(side, joining(group, "", &["range"]), JOIN)?;
    ensure!(joined.error_code == 0, "joining {group}: {joined:?}");
    let synced = side.must(&sync_of(group, &joined), 5)?;
    ensure!(synced.error_code == 0, "syncing {group}: {synced:?}");
    Ok(joined)
}

/// The outcome of a request that may not exist in a version.
pub fn outcome<R>(side: &mut Side, request: &R, version: i16) -> Result<Outcome>
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

fn find(all: &mut Vec<Case>) {
    all.push(case("a group", |_, version| FindCoordinatorRequest {
        key: if version < 4 {
            "g".to_owned()
        } else {
            String::new()
        },
        coordinator_keys: match version {
            ..4 => Vec::new(),
            _ => vec!["g".to_owned(), "h".to_owned(), String::new()],
        },
        ..FindCoordinatorRequest::default()
    }));
    all.push(case("a type that nobody knows", |_, version| {
        FindCoordinatorRequest {
            key_type: 9,
            key: if version < 4 {
                "g".to_owned()
            } else {
                String::new()
            },
            coordinator_keys: match version {
                ..4 => Vec::new(),
                _ => vec!["g".to_owned()],
            },
        }
    }));
}

fn join(all: &mut Vec<Case>) {
    let key = ApiKey::JoinGroup;
    all.push(talk(key, "a new member", |side, version, _| {
        let request = joining(&format!("join-new-{version}"), "", &["range"]);
        let answer = side.must(&request, version)?;
        hide(side, &answer.member_id);
        Ok(Outcome::Answer(fields(&answer, side)))
    }));
    all.push(talk(
        key,
        "a member that knows its id",
        |side, version, _| {
            let request = joining(&format!("join-{version}"), "", &["range", "sticky"]);
            let answer = join_with(side, request, version)?;
            Ok(Outcome::Answer(fields(&answer, side)))
        },
    ));
    all.push(talk(key, "the leader again", |side, version, _| {
        let group = format!("join-leader-{version}");
        let joined = stable(side, &group)?;
        let request = joining(&group, &joined.member_id, &["range"]);
        outcome(side, &request, version)
    }));
    all.push(talk(key, "nothing in common", |side, version, _| {
        let group = format!("join-inconsistent-{version}");
        stable(side, &group)?;
        outcome(side, &joining(&group, "", &["other"]), version)
    }));
    all.push(talk(key, "another type", |side, version, _| {
        let group = format!("join-type-{version}");
        stable(side, &group)?;
        let mut request = joining(&group, "", &["range"]);
        request.protocol_type = "connect".to_owned();
        outcome(side, &request, version)
    }));
    all.push(talk(key, "a stranger in a group", |side, version, _| {
        let group = format!("join-stranger-{version}");
        stable(side, &group)?;
        outcome(side, &joining(&group, "stranger", &["range"]), version)
    }));
    all.push(case("a stranger without a group", |_, _| {
        joining("join-nowhere", "stranger", &["range"])
    }));
    all.push(case("a group without a name", |_, _| {
        joining("", "", &["range"])
    }));
    all.push(case("no protocols", |_, version| {
        joining(&format!("join-none-{version}"), "", &[])
    }));
    for (name, timeout) in [("a short session", 10), ("a long session", 3_600_000)] {
        all.push(case(name, move |_, _| JoinGroupRequest {
            session_timeout_ms: timeout,
            ..joining("join-session", "", &["range"])
        }));
    }
}

fn statics(all: &mut Vec<Case>) {
    let named = |group: &str, member: &str| JoinGroupRequest {
        group_instance_id: Some("instance".to_owned()),
        ..joining(group, member, &["range"])
    };
    let key = ApiKey::JoinGroup;
    all.push(talk(
        key,
        "a static member comes back",
        move |side, version, _| {
            if version < 5 {
                return Ok(Outcome::Inexpressible);
            }
            let group = format!("static-{version}");
            let first = join_with(side, named(&group, ""), version)?;
            side.must(&sync_of(&group, &first), 4)?;
            let again = join_with(side, named(&group, ""), version)?;
            Ok(Outcome::Answer(fields(&again, side)))
        },
    ));
    all.push(talk(
        key,
        "a static member is fenced",
        move |side, version, _| {
            if version < 5 {
                return Ok(Outcome::Inexpressible);
            }
            let group = format!("fenced-{version}");
            join_with(side, named(&group, ""), version)?;
            outcome(side, &named(&group, "impostor"), version)
        },
    ));
    all.push(talk(
        ApiKey::Heartbeat,
        "a fenced member",
        move |side, version, _| {
            if version < 3 {
                return Ok(Outcome::Inexpressible);
            }
            let group = format!("fenced-heartbeat-{version}");
            let joined = join_with(side, named(&group, ""), JOIN)?;
            let request = HeartbeatRequest {
                group_id: group,
                generation_id: joined.generation_id,
                member_id: "impostor".to_owned(),
                group_instance_id: Some("instance".to_owned()),
            };
            outcome(side, &request, version)
        },
    ));
    all.push(talk(
        ApiKey::LeaveGroup,
        "a static member by its name",
        move |side, version, _| {
            let group = format!("static-leave-{version}");
            join_with(side, named(&group, ""), JOIN)?;
            let request = leaving(
                &group,
                version,
                &[("", Some("instance")), ("", Some("other"))],
            );
            outcome(side, &request, version)
        },
    ));
}

fn sync(all: &mut Vec<Case>) {
    let key = ApiKey::SyncGroup;
    all.push(talk(key, "the leader", |side, version, _| {
        let group = format!("sync-{version}");
        let joined = join_with(side, joining(&group, "", &["range"]), JOIN)?;
        let request = in_version(sync_of(&group, &joined), version);
        outcome(side, &request, version)
    }));
    all.push(talk(key, "again when all is done", |side, version, _| {
        let group = format!("sync-again-{version}");
        let joined = stable(side, &group)?;
        let request = in_version(sync_of(&group, &joined), version);
        outcome(side, &request, version)
    }));
    type Spoil = fn(&mut SyncGroupRequest);
    let spoiled: [(&'static str, Spoil); 5] = [
        ("an old generation", |r| r.generation_id = 0),
        ("a stranger", |r| r.member_id = "stranger".to_owned()),
        ("another protocol", |r| {
            r.protocol_name = Some("other".to_owned())
        }),
        ("another type", |r| {
            r.protocol_type = Some("connect".to_owned())
        }),
        ("a group that isn't there", |r| {
            r.group_id = "nowhere".to_owned()
        }),
    ];
    for (name, spoil) in spoiled {
        all.push(talk(key, name, move |side, version, _| {
            let group = format!("sync-{name}-{version}");
            let joined = join_with(side, joining(&group, "", &["range"]), JOIN)?;
            let mut request = sync_of(&group, &joined);
            spoil(&mut request);
            let request = in_version(request, version);
            outcome(side, &request, version)
        }));
    }
    all.push(case("no protocol named", |_, _| SyncGroupRequest {
        group_id: "nowhere".to_owned(),
        ..SyncGroupRequest::default()
    }));
    all.push(case("a group without a name", |_, version| {
        in_version(sync_of("", &JoinGroupResponse::default()), version)
    }));
}

/// Older versions don't name the protocol.
fn in_version(mut request: SyncGroupRequest, version: i16) -> SyncGroupRequest {
    if version < 5 {
        (request.protocol_type, request.protocol_name) = (None, None);
    }
    request
}

fn heartbeat(all: &mut Vec<Case>) {
    let beat = |group: &str, generation_id: i32, member: &str| HeartbeatRequest {
        group_id: group.to_owned(),
        generation_id,
        member_id: member.to_owned(),
        group_instance_id: None,
    };
    let key = ApiKey::Heartbeat;
    all.push(talk(key, "a member", move |side, version, _| {
        let group = format!("heartbeat-{version}");
        let joined = stable(side, &group)?;
        let request = beat(&group, joined.generation_id, &joined.member_id);
        outcome(side, &request, version)
    }));
    all.push(talk(key, "an old generation", move |side, version, _| {
        let group = format!("heartbeat-old-{version}");
        let joined = stable(side, &group)?;
        outcome(side, &beat(&group, 7, &joined.member_id), version)
    }));
    all.push(talk(key, "a stranger", move |side, version, _| {
        let group = format!("heartbeat-stranger-{version}");
        stable(side, &group)?;
        outcome(side, &beat(&group, 1, "stranger"), version)
    }));
    all.push(case("a group that isn't there", move |_, _| {
        beat("nowhere", 1, "m")
    }));
    all.push(case("a group without a name", move |_, _| beat("", 1, "m")));
}

/// A request to leave.
pub fn leaving(group: &str, version: i16, members: &[(&str, Option<&str>)]) -> LeaveGroupRequest {
    if version < 3 {
        return LeaveGroupRequest {
            group_id: group.to_owned(),
            member_id: members[0].0.to_owned(),
            ..LeaveGroupRequest::default()
        };
    }
    let members = members.iter().map(|(member, instance)| MemberIdentity {
        member_id: (*member).to_owned(),
        group_instance_id: instance.map(ToOwned::to_owned),
        ..MemberIdentity::default()
    });
    LeaveGroupRequest {
        group_id: group.to_owned(),
        members: members.collect(),
        ..LeaveGroupRequest::default()
    }
}

fn leave(all: &mut Vec<Case>) {
    let key = ApiKey::LeaveGroup;
    all.push(talk(key, "a member", |side, version, _| {
        let group = format!("leave-{version}");
        let joined = stable(side, &group)?;
        let members = [(joined.member_id.as_str(), None), ("stranger", None)];
        outcome(side, &leaving(&group, version, &members), version)
    }));
    all.push(talk(key, "a stranger", |side, version, _| {
        let group = format!("leave-stranger-{version}");
        stable(side, &group)?;
        outcome(
            side,
            &leaving(&group, version, &[("stranger", None)]),
            version,
        )
    }));
    all.push(case("a group that isn't there", |_, version| {
        leaving("nowhere", version, &[("m", None)])
    }));
    all.push(case("a group without a name", |_, version| {
        leaving("", version, &[("m", None)])
    }));
}
