//! Many more partitions that are written to than the system gives descriptors.

use std::path::Path;

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::create_topics_request::CreatableTopic;
use limpid_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use limpid_protocol::messages::produce_request::PartitionProduceData;
use limpid_protocol::messages::{CreateTopicsRequest, FetchRequest, ProduceRequest};
use rustix::process::Signal;

use crate::broker::{Broker, Setup};
use crate::wait;
use crate::wire::{Client, batch, fetch_request, metric, produce_request};

const DESCRIPTORS: usize = 600;
const TOPICS: usize = 20;
const EACH: i32 = 100;
const ROUNDS: i64 = 3;
/// Connections that write at the same time.
const PRODUCERS: usize = 4;

fn setup(dir: &Path) -> Setup {
    let limit = format!("--nofile={DESCRIPTORS}:{DESCRIPTORS}");
    Setup::new(dir).through(&["prlimit", &limit, "--"])
}

fn name(topic: usize) -> String {
    format!("crowd-{topic}")
}

fn create(client: &mut Client, topic: usize) {
    let topic = CreatableTopic {
        name: name(topic),
        num_partitions: EACH,
        replication_factor: 1,
        ..CreatableTopic::default()
    };
    let request = CreateTopicsRequest {
        topics: vec![topic],
        timeout_ms: 60_000,
        ..Default::default()
    };
    let answer = client.call(&request, 6).unwrap();
    assert_eq!(answer.topics[0].error_code, 0);
}

/// One batch for these partitions of a topic; those that were refused, which a producer tries again.
fn write(client: &mut Client, topic: usize, partitions: &[i32]) -> Vec<i32> {
    let records = batch(&[&[b'x'; 200]]);
    let mut request: ProduceRequest = produce_request(&name(topic), records.clone());
    let data = partitions.iter().map(|index| PartitionProduceData {
        index: *index,
        records: Some(records.clone()),
    });
    request.topic_data[0].partition_data = data.collect();
    let answer = client.call(&request, 9).unwrap();
    let mut again = Vec::new();
    for partition in &answer.responses[0].partition_responses {
        let error = ErrorCode::from_code(partition.error_code).unwrap();
        assert!(
            error == ErrorCode::None || error.retriable(),
            "{error:?}: {partition:?}"
        );
        if error != ErrorCode::None {
            again.push(partition.index);
        }
    }
    again
}

/// Each producer writes to its topics; how many batches had to be sent again.
fn write_to_all(broker: &Broker) -> usize {
    let work = |producer: usize| {
        let mut client = Client::new(broker);
        let mut again = 0;
        for topic in (producer..TOPICS).step_by(PRODUCERS) {
            let mut left: Vec<i32> = (0..EACH).collect();
            wait::until_true("every batch to be taken", || {
                left = write(&mut client, topic, &left);
                again += left.len();
                left.is_empty()
            });
        }
        again
    };
    std::thread::scope(|scope| {
        let run = |producer| scope.spawn(move || work(producer));
        let running: Vec<_> = (0..PRODUCERS).map(run).collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    })
}

/// Every partition has every record.
fn read_all(broker: &Broker) {
    let mut client = Client::new(broker);
    for topic in 0..TOPICS {
        let mut request: FetchRequest = fetch_request(&name(topic), 0, 0);
        let partition = |partition| FetchPartition {
            partition,
            ..request.topics[0].partitions[0].clone()
        };
        request.topics = vec![FetchTopic {
            partitions: (0..EACH).map(partition).collect(),
            ..request.topics[0].clone()
        }];
        let answer = client.call(&request, 12).unwrap();
        for partition in &answer.responses[0].partitions {
            let index = partition.partition_index;
            assert_eq!(partition.error_code, 0, "{topic}-{index}");
            assert_eq!(partition.high_watermark, ROUNDS, "{topic}-{index}");
            assert!(!partition.records.concat().is_empty(), "{topic}-{index}");
        }
    }
}

fn check(broker: &Broker) {
    let newcomer = Client::new(broker).topics().unwrap();
    assert_eq!(newcomer.len(), TOPICS);
    let open = std::fs::read_dir(format!("/proc/{}/fd", broker.pid()));
    let open = open.unwrap().count();
    assert!(open < DESCRIPTORS * 9 / 10, "{open}");
}

#[test]
fn many_more_partitions_than_descriptors_are_written_to() {
    // In memory where there is such a place: it is about handles, and each of these files is synced.
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let dir = dir.unwrap();
    let mut broker = setup(dir.path()).start();
    let mut client = Client::new(&broker);
    (0..TOPICS).for_each(|topic| create(&mut client, topic));
    check(&broker);
    let mut again = 0;
    for _ in 0..ROUNDS {
        again += write_to_all(&broker);
        check(&broker);
    }
    assert_eq!(again, 0, "nobody had to be refused");
    // A page may be a second old.
    wait::until_true("early flushes on the page", || {
        metric(broker.http, "limpid_log_early_flushes_total") > 1_000.0
    });
    assert_eq!(metric(broker.http, "limpid_log_unsynced_files_max"), 370.0);
    assert_eq!(metric(broker.http, "limpid_log_busy_refusals_total"), 0.0);
    read_all(&broker);
    broker.assert_well();
    // Some is not on the disk.
    kill(&mut broker);

    let mut broker = setup(dir.path()).start();
    check(&broker);
    read_all(&broker);
    broker.assert_well();
    broker.stop();

    let mut broker = setup(dir.path()).start();
    check(&broker);
    read_all(&broker);
    broker.assert_well();
    broker.stop();
}

fn kill(broker: &mut Broker) {
    broker.signal(Signal::KILL);
    wait::until_true("it to be gone", || broker.process.try_end().is_some());
}
