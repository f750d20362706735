//! Those who read everything that is written, in both views, and now and then once more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::checker::View;
use super::findings::Fault;
use super::run::Run;
use super::value::{Place, Topic};
use crate::chance::Chance;
use crate::librdkafka::config;
use crate::process::pause;

/// How long a poll waits.
const POLL: Duration = Duration::from_millis(100);
/// Seconds after which a reader starts anew, as another client.
const AGAIN: std::ops::Range<u64> = 10..40;
/// How often the relay's offsets are asked for.
const ASK_EVERY: Duration = Duration::from_millis(300);
/// Once in so many times it starts with the oldest record that the checker remembers.
const FROM_OLDEST: u64 = 2;

/// Reads until it is asked to end.
pub(super) fn read(run: &Arc<Run>, view: View) -> Result<()> {
    let steps = run.steps(&format!("reader of {view:?}"));
    let mut chance = Chance::new(run.seed ^ 0x5ead ^ view as u64);
    while run.is_reading() {
        let consumer = start(run, view, chance.one_in(FROM_OLDEST))?;
        let until = Instant::now() + Duration::from_secs(chance.within(AGAIN));
        while Instant::now() < until && run.is_reading() {
            match consumer.poll(POLL) {
                None => {}
                Some(Ok(message)) => {
                    let topic = Topic::named(message.topic()).context("no topic of ours")?;
                    let place = Place {
                        topic,
                        partition: message.partition(),
                    };
                    let bytes = message.payload().unwrap_or_default();
                    run.checker
                        .lock()
                        .read(view, place, message.offset(), bytes);
                    steps.fetch_add(1, Ordering::Relaxed);
                }
                Some(Err(error)) => judge(run, view, &error),
            }
        }
    }
    Ok(())
}

/// A new client that goes on where the last one was, or before.
fn start(run: &Run, view: View, from_oldest: bool) -> Result<BaseConsumer> {
    let isolation = match view {
        View::Everything => "read_uncommitted",
        View::Committed => "read_committed",
    };
    let settings = [
        ("group.id", "unused"),
        ("enable.auto.commit", "false"),
        ("auto.offset.reset", "error"),
        ("isolation.level", isolation),
        ("fetch.wait.max.ms", "100"),
        ("fetch.error.backoff.ms", "50"),
        ("reconnect.backoff.ms", "20"),
        ("reconnect.backoff.max.ms", "200"),
        ("check.crcs", "true"),
    ];
    let consumer: BaseConsumer = config(&run.address, &settings).create()?;
    let mut assignment = TopicPartitionList::new();
    let mut checker = run.checker.lock();
    for place in Place::all() {
        let offset = match from_oldest {
            true => checker.oldest(view, place),
            false => checker.next(view, place),
        };
        checker.rewind(view, place, offset);
        let offset = Offset::Offset(offset);
        assignment.add_partition_offset(place.topic.name(), place.partition, offset)?;
    }
    drop(checker);
    consumer.assign(&assignment)?;
    Ok(consumer)
}

fn judge(run: &Run, view: View, error: &KafkaError) {
    run.told("read", error);
    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset) {
        run.found(Fault::OutOfRange, || format!("reader of {view:?}: {error}"));
    }
}

/// Commits offsets of a group of its own, one after the other, and asks for them.
pub(super) fn note_offsets(run: &Arc<Run>) -> Result<()> {
    const GROUP: &str = "notes";
    let steps = run.steps("notes");
    let consumer = asker(run, GROUP)?;
    let mut chance = Chance::new(run.seed ^ 0x0ff5);
    let mut next = 0_i64;
    while run.is_writing() {
        next += 1;
        let mut offsets = TopicPartitionList::new();
        let places: Vec<_> = Place::all().filter(|_| chance.one_in(3)).collect();
        for place in &places {
            let (topic, partition) = (place.topic.name(), place.partition);
            offsets.add_partition_offset(topic, partition, Offset::Offset(next))?;
        }
        if places.is_empty() {
            continue;
        }
        match consumer.commit(&offsets, rdkafka::consumer::CommitMode::Sync) {
            Ok(()) => {
                let mut checker = run.checker.lock();
                places
                    .iter()
                    .for_each(|place| checker.offset_committed(GROUP, *place, next));
                steps.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => run.told("commit of offsets", &error),
        }
        ask(run, &consumer, GROUP);
        pause(Duration::from_millis(chance.within(20..150)));
    }
    Ok(())
}

/// Asks again and again how far the relay's group is.
pub(super) fn watch_relay(run: &Arc<Run>, group: &str) -> Result<()> {
    let consumer = asker(run, group)?;
    while run.is_reading() {
        ask(run, &consumer, group);
        pause(ASK_EVERY);
    }
    Ok(())
}

fn asker(run: &Run, group: &str) -> Result<BaseConsumer> {
    let settings = [
        ("group.id", group),
        ("enable.auto.commit", "false"),
        ("isolation.level", "read_uncommitted"),
        ("reconnect.backoff.ms", "20"),
        ("reconnect.backoff.max.ms", "200"),
    ];
    Ok(config(&run.address, &settings).create()?)
}

fn ask(run: &Run, consumer: &BaseConsumer, group: &str) {
    let mut places = TopicPartitionList::new();
    for place in Place::all() {
        places.add_partition(place.topic.name(), place.partition);
    }
    let found = match consumer.committed_offsets(places, Duration::from_secs(10)) {
        Ok(found) => found,
        Err(error) => return run.told("offsets", &error),
    };
    let found: BTreeMap<_, _> = found.to_topic_map().into_iter().collect();
    let mut checker = run.checker.lock();
    for place in Place::all() {
        let offset = found.get(&(place.topic.name().to_owned(), place.partition));
        match offset {
            Some(Offset::Offset(offset)) => checker.offset_found(group, place, *offset),
            // No offset at all; it can only be so if none was ever committed.
            Some(Offset::Invalid) => checker.offset_found(group, place, -1),
            _ => {}
        }
    }
}
