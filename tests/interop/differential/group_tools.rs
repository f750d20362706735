//! Cases of what tools ask about consumer groups.

use limpid_protocol::ApiKey;
use limpid_protocol::messages::{DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest};

use super::case::{Case, Outcome, case, talk};
use super::groups::{JOIN, join_with, joining, leaving, outcome, stable};
use super::side::Reply;
use super::walk::fields;

/// Adds them.
pub fn cases(all: &mut Vec<Case>) {
    describe(all);
    list(all);
    delete(all);
}

fn describe(all: &mut Vec<Case>) {
    let key = ApiKey::DescribeGroups;
    let of = |group: &str, version: i16| DescribeGroupsRequest {
        groups: vec![group.to_owned()],
        include_authorized_operations: version >= 3,
    };
    all.push(talk(key, "a stable group", move |side, version, _| {
        let group = format!("describe-{version}");
        stable(side, &group)?;
        outcome(side, &of(&group, version), version)
    }));
    all.push(talk(key, "a group that syncs", move |side, version, _| {
        let group = format!("describe-sync-{version}");
        join_with(side, joining(&group, "", &["range"]), JOIN)?;
        outcome(side, &of(&group, version), version)
    }));
    all.push(talk(
        key,
        "a group that was left",
        move |side, version, _| {
            let group = format!("describe-left-{version}");
            let joined = stable(side, &group)?;
            side.must(&leaving(&group, 3, &[(&joined.member_id, None)]), 3)?;
            outcome(side, &of(&group, version), version)
        },
    ));
    all.push(case("a group that isn't there", move |_, version| {
        of("nowhere", version)
    }));
    all.push(case("a group without a name", move |_, version| {
        of("", version)
    }));
}

fn list(all: &mut Vec<Case>) {
    let filters: [(&'static str, &[&str], &[&str]); 7] = [
        ("all", &[], &[]),
        ("stable ones", &["Stable"], &[]),
        ("in any case", &["sTaBle", "EMPTY"], &[]),
        ("an unknown state", &["Fine"], &[]),
        ("classic ones", &[], &["Classic"]),
        ("consumer ones", &[], &["consumer"]),
        ("an unknown type", &[], &["strange"]),
    ];
    for (name, states, types) in filters {
        all.push(talk(ApiKey::ListGroups, name, move |side, version, _| {
            let owned = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect();
            let request = ListGroupsRequest {
                states_filter: owned(states),
                types_filter: owned(types),
            };
            Ok(match side.ask(&request, version)? {
                Reply::Inexpressible => Outcome::Inexpressible,
                Reply::Closed => Outcome::Closed,
                Reply::Answer(mut answer) => {
                    answer
                        .groups
                        .sort_by(|one, two| one.group_id.cmp(&two.group_id));
                    Outcome::Answer(fields(&answer, side))
                }
            })
        }));
    }
}

fn delete(all: &mut Vec<Case>) {
    let key = ApiKey::DeleteGroups;
    all.push(talk(key, "one of each kind", |side, version, _| {
        let (left, busy) = (
            format!("delete-{version}"),
            format!("delete-busy-{version}"),
        );
        let joined = stable(side, &left)?;
        side.must(&leaving(&left, 3, &[(&joined.member_id, None)]), 3)?;
        stable(side, &busy)?;
        let mut codes = Vec::new();
        for group in [&left, &left, &busy, &"nowhere".to_owned(), &String::new()] {
            let request = DeleteGroupsRequest {
                groups_names: vec![group.clone()],
            };
            codes.push(side.must(&request, version)?);
        }
        Ok(Outcome::Answer(fields(&codes, side)))
    }));
    all.push(case("one that is named twice", |_, _| {
        DeleteGroupsRequest {
            groups_names: vec!["nowhere".to_owned(), "nowhere".to_owned()],
        }
    }));
}
