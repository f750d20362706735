//! What a broker tells of its state: lines of a name and a value, which must be the same after a
//! restart, an upgrade, or a change to another broker.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use limpid_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use limpid_protocol::messages::fetch_response::PartitionData;
use limpid_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use limpid_protocol::messages::{
    ApiVersionsRequest, DescribeProducersRequest, DescribeTransactionsRequest, FetchRequest,
    ListOffsetsRequest, ListTransactionsRequest, MetadataRequest,
};
use limpid_protocol::records::Batches;

use super::topics::COMPACTED;
use super::{Wire, access, groups, shares};

/// Names, each with its kind as the first word, and values.
pub type Facts = BTreeMap<String, String>;

/// Kinds of facts.
pub const KINDS: [&str; 19] = [
    "acl",
    "classic-group",
    "committed",
    "compacted",
    "config",
    "consumer-group",
    "feature",
    "group",
    "log",
    "member",
    "offset",
    "open-producer",
    "quota",
    "record",
    "share-group",
    "share-offset",
    "topic",
    "transaction",
    "user",
];

/// At most so much of an uncompressed batch is read.
const BATCH_BYTES_MAX: usize = 1 << 20;
const READ_COMMITTED: i8 = 1;

/// Everything that is there, through a connection that may see it.
pub fn dump(wire: &mut impl Wire) -> Result<Facts> {
    super::await_coordinators(wire)?;
    let mut facts = Facts::new();
    features(wire, &mut facts)?;
    let topics = topics(wire, &mut facts)?;
    for (topic, partitions) in &topics {
        for index in 0..*partitions {
            log(wire, topic, index, &mut facts)
                .with_context(|| format!("partition {index} of {topic}"))?;
        }
    }
    transactions(wire, &mut facts).context("transactions")?;
    groups::dump(wire, &mut facts).context("groups")?;
    shares::dump(wire, &mut facts).context("share groups")?;
    let names: Vec<&str> = topics.keys().map(String::as_str).collect();
    access::dump(wire, &names, &mut facts).context("access")?;
    Ok(facts)
}

fn features(wire: &mut impl Wire, facts: &mut Facts) -> Result<()> {
    let request = ApiVersionsRequest {
        client_software_name: "facts".to_owned(),
        client_software_version: "1".to_owned(),
    };
    for feature in wire.ask(&request, 3)?.finalized_features {
        let level = feature.max_version_level.to_string();
        facts.insert(format!("feature {}", feature.name), level);
    }
    Ok(())
}

/// Topics of clients, with the number of their partitions.
fn topics(wire: &mut impl Wire, facts: &mut Facts) -> Result<BTreeMap<String, i32>> {
    let request = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    let answer = wire.ask(&request, 12)?;
    let cluster = answer.cluster_id.context("no cluster id")?;
    facts.insert("topic cluster".to_owned(), cluster);
    let mut topics = BTreeMap::new();
    for topic in answer.topics {
        let name = topic.name.context("a topic without a name")?;
        let partitions = i32::try_from(topic.partitions.len())?;
        let told = format!("id {:?}, {partitions} partitions", topic.topic_id);
        facts.insert(format!("topic {name}"), told);
        if !topic.is_internal {
            topics.insert(name, partitions);
        }
    }
    Ok(topics)
}

fn log(wire: &mut impl Wire, topic: &str, index: i32, facts: &mut Facts) -> Result<()> {
    let place = format!("{topic}/{index}");
    let mut told = Vec::new();
    for (name, isolation, time) in [("start", 0, -2), ("end", 0, -1), ("stable", 1, -1)] {
        let offset = list_offset(wire, (topic, index), isolation, time)?;
        told.push(format!("{name} {offset}"));
    }
    facts.insert(format!("log {place}"), told.join(", "));
    let all = records(wire, topic, index)?;
    if topic == COMPACTED {
        // Which of the older records are still there is a matter of time.
        for record in all {
            let told = format!("{} {}", record.offset, record.content);
            facts.insert(format!("compacted {topic} {}", record.key), told);
        }
        return Ok(());
    }
    for record in all {
        let told = format!("{} = {}", record.key, record.content);
        facts.insert(format!("record {place} {}", record.offset), told);
    }
    let seen = committed(wire, topic, index)?;
    let seen: Vec<String> = seen
        .iter()
        .map(|record| record.offset.to_string())
        .collect();
    facts.insert(format!("committed {place}"), seen.join(" "));
    Ok(())
}

fn list_offset(
    wire: &mut impl Wire,
    (topic, index): (&str, i32),
    isolation_level: i8,
    timestamp: i64,
) -> Result<i64> {
    let request = ListOffsetsRequest {
        replica_id: -1,
        isolation_level,
        topics: vec![ListOffsetsTopic {
            name: topic.to_owned(),
            partitions: vec![ListOffsetsPartition {
                partition_index: index,
                current_leader_epoch: -1,
                timestamp,
            }],
        }],
        ..ListOffsetsRequest::default()
    };
    let answer = wire.ask(&request, 7)?;
    let part = &answer.topics[0].partitions[0];
    ensure!(part.error_code == 0, "{answer:?}");
    Ok(part.offset)
}

/// Where a reader of this isolation level finds the end.
pub fn end(wire: &mut impl Wire, topic: &str, index: i32, isolation: i8) -> Result<i64> {
    list_offset(wire, (topic, index), isolation, -1)
}

/// A record in words.
pub struct Told {
    pub offset: i64,
    key: String,
    content: String,
    producer: i64,
    is_transactional: bool,
}

/// All records of data, committed or not.
pub fn records(wire: &mut impl Wire, topic: &str, index: i32) -> Result<Vec<Told>> {
    Ok(read(wire, (topic, index), 0)?.0)
}

/// What a `read_committed` reader keeps.
pub fn committed(wire: &mut impl Wire, topic: &str, index: i32) -> Result<Vec<Told>> {
    let (mut records, aborts) = read(wire, (topic, index), READ_COMMITTED)?;
    records.retain(|record| {
        let aborted = |(producer, first, last): &(i64, i64, i64)| {
            record.is_transactional
                && record.producer == *producer
                && (*first..*last).contains(&record.offset)
        };
        !aborts.iter().any(aborted)
    });
    Ok(records)
}

/// Producer, first offset, and that of the marker.
type Abort = (i64, i64, i64);

fn read(
    wire: &mut impl Wire,
    (topic, index): (&str, i32),
    isolation: i8,
) -> Result<(Vec<Told>, Vec<Abort>)> {
    let mut at = list_offset(wire, (topic, index), isolation, -2)?;
    let end = end(wire, topic, index, isolation)?;
    let (mut all, mut begun, mut aborts) = (Vec::new(), Vec::new(), Vec::new());
    while at < end {
        let part = fetch(wire, (topic, index), isolation, at)?;
        for aborted in part.aborted_transactions.iter().flatten() {
            begun.push((aborted.producer_id, aborted.first_offset));
        }
        let bytes = part.records.concat();
        ensure!(!bytes.is_empty(), "nothing at {at} before the end {end}");
        for batch in Batches::new(&bytes) {
            let batch = batch?;
            let header = *batch.header();
            at = header.next_offset();
            if let Some((_, _)) = batch.control_record()? {
                let first = begun.iter().filter(|(id, _)| *id == header.producer_id);
                let marker = header.base_offset;
                let first = first
                    .map(|(_, first)| *first)
                    .filter(|first| *first < marker);
                if let Some(first) = first.min() {
                    begun.retain(|had| *had != (header.producer_id, first));
                    aborts.push((header.producer_id, first, marker));
                }
                continue;
            }
            let mut scratch = Vec::new();
            for record in batch.records_with(BATCH_BYTES_MAX, &mut scratch)? {
                let record = record?;
                let text = |bytes: Option<&[u8]>| match bytes {
                    Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    None => "null".to_owned(),
                };
                let headers: Vec<String> = record
                    .headers
                    .map(|header| format!("{}={}", text(Some(header.key)), text(header.value)))
                    .collect();
                let codec = batch.compression()?.name();
                all.push(Told {
                    offset: record.offset,
                    key: text(record.key),
                    content: format!(
                        "{} [{}] at {} by {codec}",
                        text(record.value),
                        headers.join(" "),
                        record.timestamp
                    ),
                    producer: header.producer_id,
                    is_transactional: header.attributes.is_transactional(),
                });
            }
        }
    }
    Ok((all, aborts))
}

fn fetch(
    wire: &mut impl Wire,
    (topic, index): (&str, i32),
    isolation_level: i8,
    fetch_offset: i64,
) -> Result<PartitionData> {
    let request = FetchRequest {
        max_wait_ms: 1_000,
        min_bytes: 1,
        max_bytes: 1 << 20,
        isolation_level,
        session_epoch: -1,
        topics: vec![FetchTopic {
            topic: topic.to_owned(),
            partitions: vec![FetchPartition {
                partition: index,
                fetch_offset,
                current_leader_epoch: -1,
                partition_max_bytes: 1 << 20,
                ..FetchPartition::default()
            }],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    };
    let mut answer = wire.ask(&request, 11)?;
    let part = answer
        .responses
        .pop()
        .and_then(|mut topic| topic.partitions.pop());
    let part = part.context("an answer without a partition")?;
    ensure!(
        part.error_code == 0,
        "fetching from {fetch_offset}: {part:?}"
    );
    Ok(part)
}

fn transactions(wire: &mut impl Wire, facts: &mut Facts) -> Result<()> {
    let listed = wire.ask(&ListTransactionsRequest::default(), 0)?;
    ensure!(listed.error_code == 0, "{listed:?}");
    let ids: Vec<_> = listed
        .transaction_states
        .into_iter()
        .map(|t| t.transactional_id)
        .collect();
    let request = DescribeTransactionsRequest {
        transactional_ids: ids,
    };
    let mut topics = Vec::new();
    for state in wire.ask(&request, 0)?.transaction_states {
        ensure!(state.error_code == 0, "{state:?}");
        let (id, epoch) = (state.producer_id, state.producer_epoch);
        let mut told = format!("{}, producer {id}, epoch {epoch}", state.transaction_state);
        told.push_str(&format!(", timeout {}", state.transaction_timeout_ms));
        if state.transaction_state == "Ongoing" {
            told.push_str(&format!(", since {}", state.transaction_start_time_ms));
        }
        for topic in state.topics {
            told.push_str(&format!(", {} {:?}", topic.topic, topic.partitions));
            topics.push(topic.topic);
        }
        facts.insert(format!("transaction {}", state.transactional_id), told);
    }
    topics.sort();
    topics.dedup();
    open_producers(wire, &topics, facts)
}

/// What the logs know of producers with an open transaction; of others they forget in time.
fn open_producers(wire: &mut impl Wire, topics: &[String], facts: &mut Facts) -> Result<()> {
    use limpid_protocol::messages::describe_producers_request::TopicRequest;
    for topic in topics {
        let request = DescribeProducersRequest {
            topics: vec![TopicRequest {
                name: topic.clone(),
                partition_indexes: vec![0],
            }],
        };
        let answer = wire.ask(&request, 0)?;
        let part = &answer.topics[0].partitions[0];
        ensure!(part.error_code == 0, "{answer:?}");
        for producer in &part.active_producers {
            if producer.current_txn_start_offset >= 0 {
                let told = format!(
                    "epoch {}, sequence {}, since offset {}",
                    producer.producer_epoch,
                    producer.last_sequence,
                    producer.current_txn_start_offset
                );
                facts.insert(
                    format!("open-producer {topic} {}", producer.producer_id),
                    told,
                );
            }
        }
    }
    Ok(())
}
