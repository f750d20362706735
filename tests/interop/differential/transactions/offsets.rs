//! Cases of offsets that are committed in transactions.

use limpid_protocol::ApiKey;
use limpid_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use limpid_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use limpid_protocol::messages::{
    AddOffsetsToTxnRequest, OffsetFetchRequest, TxnOffsetCommitRequest,
};

use super::super::case::{Case, Outcome, talk};
use super::super::setup::WRITTEN;
use super::{RAISES_EPOCH, Who, older, start, told};

fn commit(id: &str, who: Who, group: &str, topics: &[(&str, i32)]) -> TxnOffsetCommitRequest {
    let topics = topics
        .iter()
        .map(|(name, index)| TxnOffsetCommitRequestTopic {
            name: (*name).to_owned(),
            partitions: vec![TxnOffsetCommitRequestPartition {
                partition_index: *index,
                committed_offset: 3,
                committed_metadata: Some("a note".to_owned()),
                ..TxnOffsetCommitRequestPartition::default()
            }],
        });
    TxnOffsetCommitRequest {
        transactional_id: id.to_owned(),
        group_id: group.to_owned(),
        producer_id: who.id,
        producer_epoch: who.epoch,
        topics: topics.collect(),
        ..TxnOffsetCommitRequest::default()
    }
}

fn add_group(id: &str, who: Who, group: &str) -> AddOffsetsToTxnRequest {
    AddOffsetsToTxnRequest {
        transactional_id: id.to_owned(),
        producer_id: who.id,
        producer_epoch: who.epoch,
        group_id: group.to_owned(),
    }
}

/// Adds them.
pub fn cases(all: &mut Vec<Case>) {
    let api = ApiKey::AddOffsetsToTxn;
    all.push(talk(api, "a group", |side, version, _| {
        let id = format!("group-{version}");
        let who = start(side, &id)?;
        told(side, &add_group(&id, who, &id), version, who)
    }));
    all.push(talk(api, "an epoch that is over", |side, version, _| {
        let id = format!("group-old-{version}");
        start(side, &id)?;
        let who = start(side, &id)?;
        told(side, &add_group(&id, older(who), &id), version, who)
    }));
    all.push(talk(api, "an unknown id", |side, version, _| {
        let who = Who { id: 7, epoch: 0 };
        told(side, &add_group("nobody", who, "g"), version, who)
    }));
    let api = ApiKey::TxnOffsetCommit;
    for (name, topics) in [
        ("in the transaction", [(WRITTEN, 0), (WRITTEN, 1)]),
        (
            "an unknown topic among others",
            [("absent", 0), (WRITTEN, 1)],
        ),
        (
            "an unknown partition among others",
            [(WRITTEN, 17), (WRITTEN, 1)],
        ),
    ] {
        all.push(talk(api, name, move |side, version, _| {
            let id = format!("commit-{name}-{version}");
            let who = start(side, &id)?;
            if version < RAISES_EPOCH {
                side.must(&add_group(&id, who, &id), 3)?;
            }
            told(side, &commit(&id, who, &id, &topics), version, who)
        }));
    }
    all.push(talk(
        api,
        "not part of the transaction",
        |side, version, _| {
            if version >= RAISES_EPOCH {
                return Ok(Outcome::Inexpressible);
            }
            let id = format!("commit-not-{version}");
            let who = start(side, &id)?;
            told(side, &commit(&id, who, &id, &[(WRITTEN, 1)]), version, who)
        },
    ));
    all.push(talk(
        api,
        "of a member that is not there",
        |side, version, _| {
            let id = format!("commit-member-{version}");
            let who = start(side, &id)?;
            if version < RAISES_EPOCH {
                side.must(&add_group(&id, who, &id), 3)?;
            }
            let request = TxnOffsetCommitRequest {
                generation_id: 3,
                member_id: "m".to_owned(),
                ..commit(&id, who, &id, &[(WRITTEN, 1)])
            };
            told(side, &request, version, who)
        },
    ));
    all.push(talk(api, "an epoch that is over", |side, version, _| {
        let id = format!("commit-old-{version}");
        start(side, &id)?;
        let who = start(side, &id)?;
        told(
            side,
            &commit(&id, older(who), &id, &[(WRITTEN, 1)]),
            version,
            who,
        )
    }));
    all.push(talk(
        ApiKey::OffsetFetch,
        "in an open transaction",
        |side, version, tested| {
            if !(8..10).contains(&tested) {
                return Ok(Outcome::Inexpressible);
            }
            let id = format!("fetch-{version}");
            let who = start(side, &id)?;
            side.must(&commit(&id, who, &id, &[(WRITTEN, 1)]), 5)?;
            let request = OffsetFetchRequest {
                require_stable: true,
                groups: vec![OffsetFetchRequestGroup {
                    group_id: id,
                    topics: Some(vec![OffsetFetchRequestTopics {
                        name: WRITTEN.to_owned(),
                        partition_indexes: vec![0, 1],
                        ..OffsetFetchRequestTopics::default()
                    }]),
                    ..OffsetFetchRequestGroup::default()
                }],
                ..OffsetFetchRequest::default()
            };
            told(side, &request, version, who)
        },
    ));
}
