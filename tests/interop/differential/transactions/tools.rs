//! Cases of what brokers and tools ask about transactions.

use limpid_protocol::ApiKey;
use limpid_protocol::messages::describe_producers_request::TopicRequest;
use limpid_protocol::messages::write_txn_markers_request::{
    WritableTxnMarker, WritableTxnMarkerTopic,
};
use limpid_protocol::messages::{
    DescribeProducersRequest, DescribeTransactionsRequest, ListTransactionsRequest,
    WriteTxnMarkersRequest,
};

use super::super::case::{Case, case, talk};
use super::super::setup::{ALPHA, WRITTEN};
use super::{Who, open, start, told};

/// Adds them.
pub fn cases(all: &mut Vec<Case>) {
    markers(all);
    looking(all);
}

fn markers(all: &mut Vec<Case>) {
    let request = |producer_id: i64, topics: &[(&str, &[i32])]| {
        let topics = topics.iter().map(|(name, indexes)| WritableTxnMarkerTopic {
            name: (*name).to_owned(),
            partition_indexes: indexes.to_vec(),
        });
        WriteTxnMarkersRequest {
            markers: vec![WritableTxnMarker {
                producer_id,
                producer_epoch: 1,
                transaction_result: false,
                topics: topics.collect(),
                coordinator_epoch: 0,
                ..WritableTxnMarker::default()
            }],
        }
    };
    all.push(case("to a partition", move |_, version| {
        request(8_000 + i64::from(version), &[(WRITTEN, &[0])])
    }));
    all.push(case("an unknown topic and partition", move |_, _| {
        request(9_000, &[("absent", &[0]), (WRITTEN, &[17])])
    }));
    all.push(case("no markers", |_, _| WriteTxnMarkersRequest::default()));
    all.push(talk(
        ApiKey::WriteTxnMarkers,
        "an epoch not raised",
        move |side, version, _| {
            let mut again = request(8_500 + i64::from(version), &[(WRITTEN, &[0])]);
            if version >= 2 {
                again.markers[0].transaction_version = 2;
            }
            let who = Who { id: -2, epoch: 0 };
            told(side, &again, version, who)?;
            told(side, &again, version, who)
        },
    ));
}

fn looking(all: &mut Vec<Case>) {
    for (name, topic, indexes) in [
        ("partitions", ALPHA, vec![0, 1, 17]),
        ("an unknown topic", "absent", vec![0]),
        ("no name for a topic", "a b", vec![0]),
    ] {
        all.push(case(name, move |_, _| DescribeProducersRequest {
            topics: vec![TopicRequest {
                name: topic.to_owned(),
                partition_indexes: indexes.clone(),
            }],
        }));
    }
    let api = ApiKey::DescribeTransactions;
    all.push(talk(api, "open ones", |side, version, _| {
        let id = format!("describe-{version}");
        let who = start(side, &id)?;
        open(side, &id, who, true)?;
        let request = DescribeTransactionsRequest {
            transactional_ids: vec![id, "nobody".to_owned(), String::new()],
        };
        told(side, &request, version, who)
    }));
    let api = ApiKey::ListTransactions;
    for (name, states, longer_ms, pattern) in [
        ("all of a producer", vec![], -1, None),
        ("by states", vec!["Ongoing", "Bogus", "Dead"], -1, None),
        ("by other states", vec!["Empty"], -1, None),
        ("by duration", vec![], 1_000_000_000, None),
        ("by a pattern", vec![], -1, Some("list-.*")),
        ("by another pattern", vec![], -1, Some("list")),
        ("by what is no pattern", vec![], -1, Some("(")),
    ] {
        all.push(talk(api, name, move |side, version, _| {
            let id = format!("list-{name}-{version}");
            let who = start(side, &id)?;
            open(side, &id, who, true)?;
            let request = ListTransactionsRequest {
                state_filters: states.iter().map(|s| (*s).to_owned()).collect(),
                producer_id_filters: vec![who.id],
                duration_filter: longer_ms,
                transactional_id_pattern: pattern.map(ToOwned::to_owned),
            };
            told(side, &request, version, who)
        }));
    }
}
