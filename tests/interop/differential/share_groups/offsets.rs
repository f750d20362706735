//! Cases of where share groups are.

use limpid_protocol::ApiKey;
use limpid_protocol::messages::alter_share_group_offsets_request::{
    AlterShareGroupOffsetsRequest, AlterShareGroupOffsetsRequestPartition,
    AlterShareGroupOffsetsRequestTopic,
};
use limpid_protocol::messages::delete_share_group_offsets_request::{
    DeleteShareGroupOffsetsRequest, DeleteShareGroupOffsetsRequestTopic,
};
use limpid_protocol::messages::describe_share_group_offsets_request::{
    DescribeShareGroupOffsetsRequest, DescribeShareGroupOffsetsRequestGroup,
    DescribeShareGroupOffsetsRequestTopic,
};

use super::super::case::{Case, Outcome, case, talk};
use super::super::groups::outcome;
use super::super::setup::ALPHA;
use super::super::walk::fields;
use super::{beating, member, reading, saying};

fn describing(group: &str, topics: Option<&[(&str, i32)]>) -> DescribeShareGroupOffsetsRequest {
    let named = |topics: &[(&str, i32)]| {
        let topics = topics
            .iter()
            .map(|(name, partition)| DescribeShareGroupOffsetsRequestTopic {
                topic_name: (*name).to_owned(),
                partitions: vec![*partition],
            });
        topics.collect()
    };
    DescribeShareGroupOffsetsRequest {
        groups: vec![DescribeShareGroupOffsetsRequestGroup {
            group_id: group.to_owned(),
            topics: topics.map(named),
        }],
    }
}

fn altering(group: &str, topics: &[(&str, i32, i64)]) -> AlterShareGroupOffsetsRequest {
    let topics =
        topics.iter().map(
            |(name, partition, offset)| AlterShareGroupOffsetsRequestTopic {
                topic_name: (*name).to_owned(),
                partitions: vec![AlterShareGroupOffsetsRequestPartition {
                    partition_index: *partition,
                    start_offset: *offset,
                }],
            },
        );
    AlterShareGroupOffsetsRequest {
        group_id: group.to_owned(),
        topics: topics.collect(),
    }
}

fn deleting(group: &str, topics: &[&str]) -> DeleteShareGroupOffsetsRequest {
    let topics = topics
        .iter()
        .map(|name| DeleteShareGroupOffsetsRequestTopic {
            topic_name: (*name).to_owned(),
        });
    DeleteShareGroupOffsetsRequest {
        group_id: group.to_owned(),
        topics: topics.collect(),
    }
}

pub(super) fn cases(all: &mut Vec<Case>) {
    describe(all);
    alter(all);
    delete(all);
}

fn describe(all: &mut Vec<Case>) {
    let key = ApiKey::DescribeShareGroupOffsets;
    for (name, topics) in [
        ("a group that isn't there", Some(&[(ALPHA, 0)][..])),
        ("all of a group that isn't there", None),
        ("a topic that isn't there", Some(&[("absent", 0)][..])),
        ("no topics", Some(&[][..])),
    ] {
        all.push(case(name, move |_, _| describing("share-nowhere", topics)));
    }
    all.push(talk(key, "after some were accepted", |side, version, _| {
        let group = format!("share-described-{version}");
        reading(side, &group)?;
        let request = saying(side, &group, 1, &[(0, 2, &[1])]);
        side.must(&request, 1)?;
        let request = saying(side, &group, 2, &[(3, 5, &[1])]);
        side.must(&request, 1)?;
        outcome(side, &describing(&group, Some(&[(ALPHA, 0)])), version)
    }));
    all.push(talk(key, "what nobody has read", |side, version, _| {
        let group = format!("share-unread-{version}");
        member(side, &group)?;
        outcome(side, &describing(&group, Some(&[(ALPHA, 1)])), version)
    }));
}

fn alter(all: &mut Vec<Case>) {
    let key = ApiKey::AlterShareGroupOffsets;
    all.push(case("a group without a name", |_, _| {
        altering("", &[(ALPHA, 0, 3)])
    }));
    all.push(case("what isn't there", |_, _| {
        altering("share-altered-nowhere", &[("absent", 0, 3), (ALPHA, 7, 1)])
    }));
    all.push(talk(key, "a new group", |side, version, _| {
        let altered = side.must(&altering("share-altered", &[(ALPHA, 0, 3)]), version)?;
        let described = side.must(&describing("share-altered", None), 1)?;
        Ok(Outcome::Answer(fields(&(altered, described), side)))
    }));
    all.push(talk(key, "a group with a member", |side, version, _| {
        member(side, "share-altered-busy")?;
        let request = altering("share-altered-busy", &[(ALPHA, 0, 3)]);
        outcome(side, &request, version)
    }));
}

fn delete(all: &mut Vec<Case>) {
    let key = ApiKey::DeleteShareGroupOffsets;
    all.push(case("a group without a name", |_, _| {
        deleting("", &[ALPHA])
    }));
    all.push(case("a group that isn't there", |_, _| {
        deleting("share-nowhere", &[ALPHA])
    }));
    all.push(talk(
        key,
        "with a member and without",
        |side, version, _| {
            let group = "share-forgotten";
            member(side, group)?;
            let busy = side.must(&deleting(group, &[ALPHA]), version)?;
            side.must(&beating(group, "one", -1), 1)?;
            let gone = side.must(&deleting(group, &[ALPHA]), version)?;
            let absent = side.must(&deleting(group, &["absent", ALPHA]), version)?;
            let described = side.must(&describing(group, None), 0)?;
            let answers = (busy, (gone, (absent, described)));
            Ok(Outcome::Answer(fields(&answers, side)))
        },
    ));
}
