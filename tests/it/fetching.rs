//! Long polls: woken by an append, ended by the time, answered by the drain.

use std::time::{Duration, Instant};

use limpid_protocol::messages::FetchRequest;
use limpid_protocol::records::{BatchView, Batches};
use limpid_server::Stopped;

use crate::home::{Home, fetch};

/// Nobody may wait that long in a test.
const FOREVER_MS: i32 = 600_000;

#[test]
fn a_parked_fetch_is_woken_by_an_append() {
    let home = Home::start();
    let (mut writer, mut reader) = (home.client(), home.client());
    writer.create("t");
    reader.send(&fetch("t", 0, 1, FOREVER_MS), 12);
    home.await_parked_fetch();
    assert_eq!(writer.produce("t", b"hello"), 0);
    let response = reader.receive::<FetchRequest>(12);
    let data = &response.responses[0].partitions[0];
    assert_eq!((data.error_code, data.high_watermark), (0, 1));
    let records = data.records.concat();
    let batch = BatchView::parse(&records).unwrap();
    let record = batch.records().unwrap().next().unwrap().unwrap();
    assert_eq!(record.value, Some(&b"hello"[..]));
}

#[test]
fn min_bytes_are_waited_for() {
    let home = Home::start();
    let (mut writer, mut reader) = (home.client(), home.client());
    writer.create("t");
    let size = {
        writer.produce("t", b"x");
        let response = reader.call(&fetch("t", 0, 1, FOREVER_MS), 12);
        response.responses[0].partitions[0].records.concat().len()
    };
    // Two more of the same size are needed; one is not enough.
    let wanted = i32::try_from(2 * size).unwrap();
    reader.send(&fetch("t", 1, wanted, FOREVER_MS), 12);
    writer.produce("t", b"x");
    writer.produce("t", b"x");
    let response = reader.receive::<FetchRequest>(12);
    assert_eq!(
        response.responses[0].partitions[0].records.concat().len(),
        2 * size
    );
}

#[test]
fn an_empty_answer_comes_when_the_time_is_over() {
    let home = Home::start();
    let mut client = home.client();
    client.create("t");
    let began = Instant::now();
    let response = client.call(&fetch("t", 0, 1, 200), 12);
    assert!(began.elapsed() >= Duration::from_millis(200));
    assert!(response.responses[0].partitions[0].records.is_empty());
}

#[test]
fn the_drain_answers_parked_fetches() {
    let home = Home::start();
    let mut client = home.client();
    client.create("t");
    client.send(&fetch("t", 0, 1, FOREVER_MS), 12);
    home.await_parked_fetch();
    assert_eq!(home.stop(), Stopped::Clean);
    let response = client.receive::<FetchRequest>(12);
    assert_eq!(response.responses[0].partitions[0].error_code, 0);
}

#[test]
fn an_offset_beyond_the_end_is_told_at_once() {
    let home = Home::start();
    let mut client = home.client();
    client.create("t");
    let response = client.call(&fetch("t", 7, 1, FOREVER_MS), 12);
    assert_eq!(
        response.responses[0].partitions[0].error_code, 1,
        "OFFSET_OUT_OF_RANGE"
    );
}

/// What is not in memory goes from its file to the socket, a megabyte at a time.
#[test]
fn what_is_only_on_the_disk_comes_as_it_was_written() {
    let sizes: Vec<usize> = (0..300).map(|i| 5_000 + 37 * (i % 90)).collect();
    assert_eq!(answers_until_all_are_read(&sizes), 2);
}

/// librdkafka makes batches that are as large as its consumer's answers.
#[test]
fn batches_that_are_all_of_an_answer_come_as_they_were_written() {
    let sizes: Vec<usize> = (0..7).map(|i| 700_000 + 50_000 * i).collect();
    assert_eq!(answers_until_all_are_read(&sizes), 7);
}

fn answers_until_all_are_read(sizes: &[usize]) -> usize {
    let home = Home::with(&["limpid.tail.cache.bytes=0"]);
    let mut client = home.client();
    client.create("t");
    let value = |i: usize| vec![u8::try_from(i % 251).unwrap(); sizes[i]];
    for i in 0..sizes.len() {
        assert_eq!(client.produce("t", &value(i)), i64::try_from(i).unwrap());
    }
    let (mut answers, mut read) = (0, 0);
    while read < sizes.len() {
        let from = i64::try_from(read).unwrap();
        let response = client.call(&fetch("t", from, 1, FOREVER_MS), 12);
        let records = response.responses[0].partitions[0].records.concat();
        assert!(!records.is_empty() && records.len() <= 1 << 20);
        answers += 1;
        for batch in Batches::new(&records) {
            let batch = batch.unwrap();
            batch.verify_crc().unwrap();
            let record = batch.records().unwrap().next().unwrap().unwrap();
            assert_eq!(record.value, Some(&value(read)[..]));
            read += 1;
        }
    }
    assert_eq!(home.stop(), Stopped::Clean);
    answers
}
