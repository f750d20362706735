//! What is measured of records and of who writes them, from bytes on the wire to the pages.

use limpid_protocol::messages::FetchRequest;
use limpid_protocol::messages::produce_request::{
    PartitionProduceData, ProduceRequest, TopicProduceData,
};
use limpid_protocol::records::{BatchBuilder, Codec};

use crate::home::{Client, Home, fetch, until};
use crate::lag::commit;

/// The value of a series on a page.
pub fn value(page: &str, series: &str) -> Option<f64> {
    let line = page.lines().find(|line| line.starts_with(series))?;
    line[series.len()..].trim().parse().ok()
}

/// Waits until a series has at least this value.
pub fn at_least(home: &Home, series: &str, least: f64) -> f64 {
    until(series, || {
        value(&home.scrape(), series).filter(|value| *value >= least)
    })
}

/// A page as JSON, once it is there.
pub fn json(home: &Home, path: &str) -> Option<serde_json::Value> {
    let answer = home.get(&format!("{path}?format=json"));
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let is_there = head.starts_with("HTTP/1.0 200") || head.starts_with("HTTP/1.1 200");
    is_there.then(|| serde_json::from_str(body).unwrap())
}

/// Writes one batch of records with these keys; the error code.
fn write(client: &mut Client, topic: &str, (keys, value): (&[&[u8]], &[u8]), codec: Codec) -> i16 {
    let mut batch = BatchBuilder::new(codec);
    for key in keys {
        batch.append(1, Some(key), Some(value), &[]).unwrap();
    }
    let partition = PartitionProduceData {
        index: 0,
        records: Some(batch.build().unwrap()),
    };
    let request = ProduceRequest {
        acks: -1,
        timeout_ms: 1000,
        topic_data: vec![TopicProduceData {
            name: topic.to_owned(),
            partition_data: vec![partition],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    };
    let response = client.call(&request, 9);
    response.responses[0].partition_responses[0].error_code
}

#[test]
fn delivery_commit_and_size_of_records_are_told_by_topic_and_group() {
    let home = Home::with(&["message.max.bytes=2000"]);
    let (mut writer, mut reader) = (home.client(), home.client());
    writer.create("t");
    reader.send(&fetch("t", 0, 1, 600_000), 12);
    home.await_parked_fetch();
    assert_eq!(writer.produce("t", &[b'v'; 500]), 0);
    let sent = reader.receive::<FetchRequest>(12);
    assert!(!sent.responses[0].partitions[0].records.is_empty());
    at_least(&home, "limpid_deliver_seconds_count{topic=\"t\"}", 1.0);
    let seconds = value(&home.scrape(), "limpid_deliver_seconds_sum{topic=\"t\"}").unwrap();
    assert!((0.0..5.0).contains(&seconds), "{seconds}");
    // A second reader of the same record is no first delivery.
    reader.call(&fetch("t", 0, 1, 0), 12);

    let bytes = at_least(&home, "limpid_record_bytes_sum{topic=\"t\"}", 500.0);
    assert!(
        bytes < 700.0,
        "one record and the head of its batch: {bytes}"
    );
    let oversized = "limpid_topic_oversized_batches_total{topic=\"t\"}";
    assert_eq!(value(&home.scrape(), oversized), Some(0.0));
    let code = write(&mut writer, "t", (&[b"k"], &[b'v'; 5_000]), Codec::None);
    assert_eq!(code, 10, "MESSAGE_TOO_LARGE");
    at_least(&home, oversized, 1.0);

    commit(&mut reader, "g", "t", 1);
    at_least(&home, "limpid_commit_seconds_count{group=\"g\"}", 1.0);
    let page = home.scrape();
    assert_eq!(
        value(&page, "limpid_deliver_seconds_count{topic=\"t\"}"),
        Some(1.0)
    );
    let seconds = value(&page, "limpid_commit_seconds_sum{group=\"g\"}").unwrap();
    assert!((0.0..30.0).contains(&seconds), "{seconds}");
}

#[test]
fn records_that_a_topic_compresses_anew_are_conversions() {
    let home = Home::with(&["compression.type=zstd"]);
    let mut client = home.client();
    client.create("zipped");
    client.create("plain");
    let keys: [&[u8]; 3] = [b"a", b"b", b"c"];
    let name = "kafka_server_brokertopicmetrics_producemessageconversions_total";
    assert_eq!(value(&home.scrape(), &format!("{name} ")), Some(0.0));
    for (topic, codec) in [
        ("zipped", Codec::Gzip),
        ("zipped", Codec::Zstd),
        ("plain", Codec::Zstd),
    ] {
        assert_eq!(write(&mut client, topic, (&keys, b"v"), codec), 0);
    }
    let of_topic = format!("{name}{{topic=\"zipped\"}}");
    assert_eq!(at_least(&home, &of_topic, 1.0), 3.0);
    let page = home.scrape();
    assert_eq!(value(&page, &format!("{name} ")), Some(3.0));
    assert!(!page.contains(&format!("{name}{{topic=\"plain\"}}")));
}

#[test]
fn fetches_for_a_replica_are_no_consumers() {
    let home = Home::start();
    let mut client = home.client();
    client.create("t");
    client.call(&fetch("t", 0, 0, 0), 12);
    let count = |page: &str, request: &str| {
        let name = "kafka_network_requestmetrics_totaltimems_count_total";
        value(page, &format!("{name}{{request=\"{request}\"}}"))
    };
    let page = until("a fetch", || {
        let page = home.get("/metrics?dialect=strimzi");
        count(&page, "FetchConsumer").is_some().then_some(page)
    });
    assert_eq!(
        count(&page, "FetchFollower"),
        Some(0.0),
        "it is counted apart"
    );
    assert_eq!(count(&page, "FetchConsumer"), Some(1.0));
    let mut of_replica = fetch("t", 0, 0, 0);
    of_replica.replica_id = 2;
    client.call(&of_replica, 12);
    let page = until("a fetch for a replica", || {
        let page = home.get("/metrics?dialect=strimzi");
        (count(&page, "FetchFollower") == Some(1.0)).then_some(page)
    });
    assert_eq!(count(&page, "FetchConsumer"), Some(1.0));
    at_least(
        &home,
        "limpid_requests_total{api=\"FetchFollower\",error=\"NONE\"}",
        1.0,
    );
}

#[test]
fn the_largest_writer_and_the_hottest_key_are_on_the_page_of_the_topic() {
    let home = Home::start();
    let mut client = home.client();
    client.create("skewed");
    let keys: [&[u8]; 4] = [b"hot", b"hot", b"hot", b"cold"];
    let page = until("keys", || {
        for codec in [Codec::None, Codec::Lz4] {
            for _ in 0..20 {
                assert_eq!(write(&mut client, "skewed", (&keys, b"v"), codec), 0);
            }
        }
        let json = json(&home, "/c/local/topics/skewed")?;
        let enough = json["authors"]["sampled"].as_u64()? >= 100;
        enough.then_some(json)
    });
    let writer = &page["authors"]["writers"][0];
    assert_eq!(writer["client_id"], "it");
    assert_eq!(writer["host"], "127.0.0.1");
    assert_eq!(writer["principal"], "User:ANONYMOUS");
    assert!(writer["bytes"].as_u64() > Some(1_000), "{writer}");
    let hottest = &page["authors"]["keys"][0];
    assert_eq!(hottest["key"], "hot");
    let share = hottest["share"].as_f64().unwrap();
    assert!((0.5..0.95).contains(&share), "three of four: {share}");
    let ratio = at_least(
        &home,
        "limpid_topic_hottest_key_ratio{topic=\"skewed\"}",
        0.5,
    );
    assert!(ratio < 0.95, "{ratio}");
    let largest = "limpid_topic_largest_writer_ratio{topic=\"skewed\"}";
    assert!(at_least(&home, largest, 0.99) <= 1.0);
    let html = home.get("/c/local/topics/skewed");
    assert!(html.contains("Who writes here") && html.contains(">hot<"));
}
