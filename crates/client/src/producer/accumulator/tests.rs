use std::sync::Arc;

use limpid_protocol::records::BatchView;
use tokio::sync::Semaphore;

use super::*;

const ID: ProducerId = ProducerId { id: 7, epoch: 0 };

/// An accumulator and `buffer.memory`.
struct Bench {
    accumulator: Accumulator,
    room: Arc<Semaphore>,
}

fn bench() -> Bench {
    let accumulator = Accumulator::new(&ProducerConfig {
        linger: Duration::from_millis(10),
        batch_bytes: 500,
        delivery_timeout: Duration::from_secs(1),
        ..ProducerConfig::default()
    });
    let room = Arc::new(Semaphore::new(100));
    Bench { accumulator, room }
}

fn at() -> TopicPartition {
    TopicPartition::new("t", 0)
}

fn add(bench: &mut Bench, value_bytes: usize) -> Delivery {
    let room = Arc::clone(&bench.room)
        .try_acquire_owned()
        .expect("a permit");
    let record = Record::keyed("t", "k", vec![b'v'; value_bytes]);
    let added = bench.accumulator.append(at(), &record, 5, room);
    added.expect("a record").0
}

fn due(accumulator: &mut Accumulator) -> bool {
    !accumulator.due(Instant::now()).0.partitions.is_empty()
}

/// First sequence number and number of records of what is sealed now.
fn seal(accumulator: &mut Accumulator, as_id: ProducerId) -> (i64, i32, i32) {
    let bytes = accumulator
        .seal(&at(), as_id)
        .expect("built")
        .expect("a batch");
    let header = *BatchView::parse(&bytes).expect("a batch").header();
    (
        header.producer_id,
        header.base_sequence,
        header.records_count,
    )
}

#[tokio::test(start_paused = true)]
async fn a_batch_lingers_unless_it_is_full_or_in_a_hurry() {
    let mut bench = bench();
    add(&mut bench, 10);
    assert!(!due(&mut bench.accumulator), "it waits for company");
    tokio::time::advance(Duration::from_millis(10)).await;
    assert!(due(&mut bench.accumulator));
    seal(&mut bench.accumulator, ID);
    assert!(!due(&mut bench.accumulator), "one is in flight");
    bench.accumulator.finish(&at(), Ok(0));

    add(&mut bench, 300);
    add(&mut bench, 300);
    assert!(due(&mut bench.accumulator), "a second batch was begun");
    seal(&mut bench.accumulator, ID);
    bench.accumulator.finish(&at(), Ok(1));
    assert!(!due(&mut bench.accumulator));
    assert_eq!(bench.accumulator.hurry().len(), 1);
    tokio::time::advance(Duration::from_nanos(1)).await;
    assert!(due(&mut bench.accumulator), "flushed");
}

#[tokio::test(start_paused = true)]
async fn sequences_go_on_and_begin_anew_with_a_new_id() {
    let mut bench = bench();
    add(&mut bench, 10);
    let second = add(&mut bench, 10);
    assert_eq!(seal(&mut bench.accumulator, ID), (7, 0, 2));
    add(&mut bench, 10);
    bench.accumulator.retry(&at(), |_| Duration::ZERO);
    assert_eq!(
        seal(&mut bench.accumulator, ID),
        (7, 0, 2),
        "the same bytes again"
    );
    bench.accumulator.finish(&at(), Ok(40));
    assert_eq!(second.acknowledged().await, Ok(41));
    assert_eq!(seal(&mut bench.accumulator, ID), (7, 2, 1));
    bench.accumulator.finish(&at(), Ok(42));
    add(&mut bench, 10);
    assert_eq!(
        seal(&mut bench.accumulator, ProducerId { id: 8, epoch: 0 }),
        (8, 0, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_may_be_written_is_lost_when_its_time_is_over() {
    let mut bench = bench();
    let never_sent = add(&mut bench, 10);
    tokio::time::advance(Duration::from_secs(1)).await;
    let (_, lost) = bench.accumulator.due(Instant::now());
    assert!(!lost, "its sequence numbers were never used");
    let error = never_sent.acknowledged().await.expect_err("too late");
    assert_eq!(error.code(), Some(ErrorCode::RequestTimedOut));

    add(&mut bench, 10);
    seal(&mut bench.accumulator, ID);
    bench.accumulator.retry(&at(), |_| Duration::ZERO);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(bench.accumulator.due(Instant::now()).1);
}

#[tokio::test]
async fn a_forgotten_batch_tells_who_waits() {
    let mut bench = bench();
    let delivery = add(&mut bench, 10);
    bench.accumulator.clear();
    let error = delivery.acknowledged().await.expect_err("closed");
    assert_eq!(error.kind, ErrorKind::Closed);
}
