//! Batches per partition, and which of them are due.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use limpid_protocol::records::{
    BatchBuilder, BuildError, Codec, Producer as Identity, add_sequence,
};
use limpid_protocol::{ApiKey, ErrorCode};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::{Delivery, Outcome, Record, refused};
use crate::config::ProducerConfig;
use crate::error::{ClientError, ErrorKind};
use crate::metadata::TopicPartition;

/// The producer id and epoch under which batches are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProducerId {
    pub(super) id: i64,
    pub(super) epoch: i16,
}

/// All batches that are not acknowledged yet.
pub(super) struct Accumulator {
    linger: Duration,
    batch_bytes: usize,
    delivery_timeout: Duration,
    codec: Codec,
    queues: HashMap<TopicPartition, Queue>,
    /// Batches begun before this do not linger.
    hurry_until: Instant,
}

/// The batches of a partition, in order; the first may be under way.
#[derive(Default)]
struct Queue {
    batches: VecDeque<Batch>,
    /// The first batch is on its way to the broker.
    busy: bool,
    /// Not before, after an error.
    not_before: Option<Instant>,
    /// The producer id that `sequence` counts for.
    written_as: Option<ProducerId>,
    sequence: i32,
}

struct Batch {
    begun: Instant,
    content: Content,
    /// Records in it.
    count: i32,
    /// `buffer.memory` that it takes.
    _room: OwnedSemaphorePermit,
    outcome: watch::Sender<Option<Outcome>>,
    attempts: u32,
}

/// Open for more records until it is sent first; then the same bytes every time.
enum Content {
    Open(Box<BatchBuilder>),
    Sealed(Bytes),
}

/// What to do now.
pub(super) struct Due {
    /// Partitions whose first batch can be sent.
    pub(super) partitions: Vec<TopicPartition>,
    /// When to look again, if nothing happens before.
    pub(super) next: Option<Instant>,
}

impl Accumulator {
    pub(super) fn new(config: &ProducerConfig) -> Self {
        Self {
            linger: config.linger,
            batch_bytes: config.batch_bytes,
            delivery_timeout: config.delivery_timeout,
            codec: config.compression,
            queues: HashMap::new(),
            hurry_until: Instant::now(),
        }
    }

    /// Adds a record; true if the sender has something new to look at.
    pub(super) fn append(
        &mut self,
        at: TopicPartition,
        record: &Record,
        now_ms: i64,
        room: OwnedSemaphorePermit,
    ) -> Result<(Delivery, bool), ClientError> {
        let queue = self.queues.entry(at.clone()).or_default();
        let timestamp = record.timestamp_ms.unwrap_or(now_ms);
        let headers: Vec<(&[u8], Option<&[u8]>)> = record
            .headers
            .iter()
            .map(|(key, value)| (key.as_bytes(), value.as_deref()))
            .collect();
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        let add = |builder: &mut BatchBuilder| builder.append(timestamp, key, value, &headers);
        let unwritable = |error: BuildError| {
            ClientError::new(ApiKey::Produce, ErrorKind::Records(error.to_string()))
        };
        if let Some(batch) = queue.batches.back_mut()
            && let Content::Open(builder) = &mut batch.content
            && builder.size() + record.size_max() <= self.batch_bytes
        {
            add(builder).map_err(unwritable)?;
            batch.count += 1;
            batch._room.merge(room);
            return Ok((batch.delivery(at), false));
        }
        let mut builder = BatchBuilder::new(self.codec);
        add(&mut builder).map_err(unwritable)?;
        let batch = Batch {
            begun: Instant::now(),
            content: Content::Open(Box::new(builder)),
            count: 1,
            _room: room,
            outcome: watch::Sender::new(None),
            attempts: 0,
        };
        let delivery = batch.delivery(at);
        queue.batches.push_back(batch);
        Ok((delivery, true))
    }

    /// What is ready to be sent at `now`. Batches older than `delivery.timeout.ms` end here, if they
    /// are not under way; true if one of them had been sent before.
    pub(super) fn due(&mut self, now: Instant) -> (Due, bool) {
        let mut due = Due {
            partitions: Vec::new(),
            next: None,
        };
        let mut lost = false;
        let hurry_until = self.hurry_until;
        for (at, queue) in &mut self.queues {
            lost |= !queue.busy && queue.expire(now, self.delivery_timeout);
            let Some(first) = queue.batches.front() else {
                continue;
            };
            if queue.busy {
                continue;
            }
            let full = queue.batches.len() > 1
                || matches!(first.content, Content::Sealed(_))
                || first.begun < hurry_until;
            let since = if full {
                first.begun
            } else {
                first.begun + self.linger
            };
            let since = since.max(queue.not_before.unwrap_or(since));
            if since <= now {
                due.partitions.push(at.clone());
            } else {
                due.next = Some(due.next.map_or(since, |next| next.min(since)));
            }
        }
        (due, lost)
    }

    /// Seals the first batch of a partition and marks it as under way.
    pub(super) fn seal(
        &mut self,
        at: &TopicPartition,
        written_as: ProducerId,
    ) -> Result<Option<Bytes>, ClientError> {
        let Some(queue) = self.queues.get_mut(at) else {
            return Ok(None);
        };
        let Some(batch) = queue.batches.front_mut() else {
            return Ok(None);
        };
        if let Content::Open(builder) = &batch.content {
            if queue.written_as != Some(written_as) {
                queue.written_as = Some(written_as);
                queue.sequence = 0;
            }
            let identity = Identity {
                id: written_as.id,
                epoch: written_as.epoch,
                base_sequence: queue.sequence,
            };
            let built = (**builder).clone().producer(identity).build();
            let bytes = built.map_err(|error| {
                ClientError::new(ApiKey::Produce, ErrorKind::Records(error.to_string()))
            })?;
            queue.sequence = add_sequence(queue.sequence, batch.count);
            batch.content = Content::Sealed(bytes);
        }
        batch.attempts += 1;
        queue.busy = true;
        match &batch.content {
            Content::Sealed(bytes) => Ok(Some(bytes.clone())),
            Content::Open(_) => Ok(None),
        }
    }

    /// The first batch of a partition has ended.
    pub(super) fn finish(&mut self, at: &TopicPartition, outcome: Outcome) {
        if let Some(queue) = self.queues.get_mut(at) {
            queue.busy = false;
            queue.not_before = None;
            if let Some(batch) = queue.batches.pop_front() {
                batch.outcome.send_replace(Some(outcome));
            }
        }
    }

    /// The first batch of a partition is to be sent again, unless its time is over.
    pub(super) fn retry(&mut self, at: &TopicPartition, pause: impl Fn(u32) -> Duration) {
        if let Some(queue) = self.queues.get_mut(at) {
            queue.busy = false;
            let attempts = queue.batches.front().map_or(0, |batch| batch.attempts);
            queue.not_before = Some(Instant::now() + pause(attempts));
        }
    }

    /// Ends every batch that is not under way.
    pub(super) fn fail_all(&mut self, error: &ClientError) {
        for queue in self.queues.values_mut().filter(|queue| !queue.busy) {
            for batch in queue.batches.drain(..) {
                batch.outcome.send_replace(Some(Err(error.clone())));
            }
        }
    }

    /// Lets nothing linger that is there now; gives the ends to wait for.
    pub(super) fn hurry(&mut self) -> Vec<watch::Receiver<Option<Outcome>>> {
        self.hurry_until = Instant::now() + Duration::from_nanos(1);
        let batches = self.queues.values().flat_map(|queue| &queue.batches);
        batches.map(|batch| batch.outcome.subscribe()).collect()
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.queues.clear();
    }
}

impl Queue {
    /// Ends batches that are too old; true if one of them may have been written.
    fn expire(&mut self, now: Instant, delivery_timeout: Duration) -> bool {
        let mut lost = false;
        while let Some(batch) = self.batches.front()
            && now.duration_since(batch.begun) >= delivery_timeout
        {
            lost |= batch.attempts > 0;
            if let Some(batch) = self.batches.pop_front() {
                let late = refused(ErrorCode::RequestTimedOut, "delivery.timeout.ms");
                batch.outcome.send_replace(Some(Err(late)));
            }
        }
        lost
    }
}

impl Batch {
    /// The delivery of its last record.
    fn delivery(&self, at: TopicPartition) -> Delivery {
        Delivery {
            at,
            index: i64::from(self.count) - 1,
            outcome: self.outcome.subscribe(),
        }
    }
}

#[cfg(test)]
mod tests;
