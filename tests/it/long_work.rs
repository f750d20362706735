//! Requests that take long are worked on by threads that come last, and answered all the same: in their
//! order, and as if they were short.

use limpid_protocol::messages::metadata_request::MetadataRequestTopic;
use limpid_protocol::messages::produce_request::{
    PartitionProduceData, ProduceRequest, TopicProduceData,
};
use limpid_protocol::messages::{MetadataRequest, MetadataResponse};
use limpid_protocol::records::{BatchBuilder, Codec};

use crate::home::{Client, Home};
use crate::measured::at_least;

/// More than is decompressed on the data path.
const LARGE_BYTES: usize = 4 << 20;
/// Long to write, whatever else is in the request.
const LONG_RECORD_BYTES: usize = 900_000;
const UNKNOWN: i16 = 3;

fn produce(codec: Codec, value: &[u8]) -> ProduceRequest {
    let mut batch = BatchBuilder::new(codec);
    batch.append(1, None, Some(value), &[]).unwrap();
    ProduceRequest {
        acks: -1,
        timeout_ms: 1000,
        topic_data: vec![TopicProduceData {
            name: "t".to_owned(),
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(batch.build().unwrap()),
            }],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    }
}

/// So many pieces of work were done aside, and no more.
fn assert_pieces(home: &Home, pieces: usize) {
    let pieces = pieces as f64;
    assert_eq!(at_least(home, "limpid_aside_pieces_total ", pieces), pieces);
}

#[test]
fn batches_are_written_in_the_order_they_were_sent() {
    for threads in [1, 2] {
        let home = Home::with(&[&format!("limpid.worker.threads={threads}")]);
        let mut client = home.client();
        client.create("t");
        let long = [Codec::Zstd, Codec::Gzip, Codec::Lz4, Codec::Snappy];
        let long = long.map(|codec| produce(codec, &vec![0; LARGE_BYTES]));
        let short = produce(Codec::None, b"short");
        for long in &long {
            client.send(long, 9);
            client.send(&short, 9);
        }
        let sent = 2 * long.len();
        for offset in 0..sent {
            let others = i32::try_from(sent - 1 - offset).unwrap();
            let answer = client.receive_before::<ProduceRequest>(others, 9);
            let answer = &answer.responses[0].partition_responses[0];
            assert_eq!((answer.error_code, answer.base_offset), (0, offset as i64));
        }
        assert_pieces(&home, long.len());
    }
}

fn ask(client: &mut Client, names: &[String], may_create: bool) -> MetadataResponse {
    let topic = |name: &String| MetadataRequestTopic {
        name: Some(name.clone()),
        ..MetadataRequestTopic::default()
    };
    let request = MetadataRequest {
        topics: Some(names.iter().map(topic).collect()),
        allow_auto_topic_creation: may_create,
        ..MetadataRequest::default()
    };
    client.call(&request, 9)
}

#[test]
fn metadata_of_very_many_topics_is_complete() {
    let home = Home::with(&["limpid.worker.threads=1"]);
    let mut client = home.client();
    client.create("none-000007");
    let names: Vec<String> = (0..20_000).map(|n| format!("none-{n:06}")).collect();
    let answer = ask(&mut client, &names, false);
    assert_eq!(answer.topics.len(), names.len());
    for (topic, name) in answer.topics.iter().zip(&names) {
        let error = if name == "none-000007" { 0 } else { UNKNOWN };
        assert_eq!((topic.name.as_ref(), topic.error_code), (Some(name), error));
    }
    assert_pieces(&home, 1);
    // A short one needs no such thread.
    assert_eq!(ask(&mut client, &names[..10], false).topics.len(), 10);
    // Topics are made where all requests are answered; the rest of the answer is made aside again.
    let new = "n".repeat(100);
    let names = vec![new.clone(); 2_000];
    let answer = ask(&mut client, &names, true);
    let made = answer
        .topics
        .iter()
        .map(|t| (t.name.as_deref(), t.error_code));
    assert_eq!(made.collect::<Vec<_>>(), [(Some(new.as_str()), 0)]);
    assert_pieces(&home, 3);
}

#[test]
fn large_records_are_written_aside_while_others_send_short_requests() {
    let home = Home::with(&["limpid.worker.threads=1"]);
    let mut client = home.client();
    client.create("t");
    let (long, short) = (vec![b'x'; LONG_RECORD_BYTES], b"short");
    let requests = [produce(Codec::None, &long), produce(Codec::None, short)];
    const EACH: usize = 20;
    let offsets_of = |request: &ProduceRequest| {
        let mut client = home.client();
        for _ in 0..EACH {
            client.send(request, 9);
        }
        let offset = |sent: usize| {
            let others = i32::try_from(EACH - 1 - sent).unwrap();
            let answer = client.receive_before::<ProduceRequest>(others, 9);
            let answer = &answer.responses[0].partition_responses[0];
            assert_eq!(answer.error_code, 0);
            answer.base_offset
        };
        (0..EACH).map(offset).collect::<Vec<_>>()
    };
    let offsets = std::thread::scope(|scope| {
        let writers = requests.each_ref().map(|it| scope.spawn(|| offsets_of(it)));
        writers.map(|writer| writer.join().unwrap())
    });
    assert!(offsets.iter().all(|each| each.is_sorted()), "{offsets:?}");
    let mut all = offsets.concat();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..2 * EACH as i64), "{offsets:?}");
    // What is still to come of a long frame is read by nobody whom others need.
    at_least(&home, "limpid_entrance_returned_total ", 1.0);
    // Short ones go there too if one of the long ones is being written, so there may be more.
    at_least(&home, "limpid_aside_pieces_total ", EACH as f64);
}
