//! Produce, key 0, versions 3–13; 0–13 are advertised.
//!
//! - Versions 0–2 are advertised and refused: without them librdkafka silently stops compressing
//!   (KAFKA-18659).
//! - One batch per partition, format 2; it is checked before the log is touched and stored as it
//!   came, but for offset, leader epoch and (LogAppendTime) timestamp. Only a topic with a
//!   `compression.type` of its own has batches of another codec rewritten.
//! - `acks=0` has no answer. An error then closes the connection, as in Kafka: there is no other way
//!   to tell.
//! - `acks=all` demands `min.insync.replicas`.
//! - From version 13 topics come by id (KIP-516); from 8 errors carry a message (KIP-467).
//! - Batches of a transaction: see `admission`. From version 12 they make their partition part of it.

use std::sync::Arc;

use bytes::Bytes;
use limpid_config::TopicConfig;
use limpid_platform::clock::Clock;
#[cfg(feature = "sabotage")]
use limpid_platform::sabotage::Bug;
use limpid_protocol::messages::produce_request::{
    PartitionProduceData, ProduceRequest, TopicProduceData,
};
use limpid_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, PartitionProduceResponse, ProduceResponse, TopicProduceResponse,
};
use limpid_protocol::records::ValidationLimits;
use limpid_protocol::{ApiKey, ErrorCode, Message, Reader};
use limpid_storage::{AppendBytes, AppendError, AppendInfo, AppendMeta, Origin};
use limpid_telemetry::Stage;
use tokio::sync::oneshot;

use crate::batch::{self, Look, Prepared};
use crate::handler::{Answering, ApiRange, Call, Handler, Reply, encode};
use crate::quotas::rules::QuotaKind;
use crate::topics::{Partition, Topic, Topics};
use crate::trace_watch::TraceWatch;
use crate::transactions::Transactions;
use crate::turns::{LONG_PRODUCE_BYTES, Turn};
use crate::writers::Wrote;

mod admission;
mod checking;
mod permission;
mod refusal;
mod room;
#[cfg(feature = "sabotage")]
mod sabotage;

use self::admission::{Admitted, Permit};
use self::refusal::{NO_OFFSET, Refusal};

/// The one client that may write to the coordinators' topics, as in Kafka.
const ADMIN_CLIENT_ID: &str = "__admin_client";
const NO_TIMESTAMP: i64 = -1;
const ACKS_ALL: i16 = -1;

/// Answers Produce.
pub struct Produce {
    topics: Arc<Topics>,
    transactions: Arc<Transactions>,
    clock: Arc<dyn Clock>,
    rules: ProduceRules,
    traces: TraceWatch,
}

/// What the broker's configuration says about every batch.
#[derive(Debug, Clone)]
pub struct ProduceRules {
    /// `limpid.validate.compressed=header`.
    pub trust_compressed_headers: bool,
    /// `limpid.audit.topic`, which only the broker writes to.
    pub audit_topic: Option<String>,
}

impl Produce {
    /// `topics` is where batches go, `transactions` whose they may be part of.
    pub fn new(
        topics: Arc<Topics>,
        transactions: Arc<Transactions>,
        clock: Arc<dyn Clock>,
        rules: ProduceRules,
    ) -> Self {
        Self {
            topics,
            transactions,
            clock,
            rules,
            traces: TraceWatch::default(),
        }
    }

    /// Appends everything before it waits for the disk, so that a request with many partitions
    /// costs one wait and not one per partition.
    async fn produce<'t>(
        &self,
        mut request: ProduceRequest,
        call: &mut Call<'t>,
    ) -> ProduceResponse {
        // What the client may not write to must not get into its transaction.
        let (denied, error) = permission::take_denied(&mut request, &self.topics, call);
        let table = self.topics.table();
        let admitted = admission::admit(&self.transactions, &table, &request, call.version);
        let mut admitted = admitted.await;
        let topics = request.topic_data.into_iter().enumerate();
        let mut begun = Vec::with_capacity(topics.len());
        let mut turn = yield_to_others(call).await;
        for data in topics {
            let topic = self.append_topic(data, &mut admitted, request.acks, (call, &mut turn));
            begun.push(topic.await);
        }
        drop(turn);
        call.step_back().await;
        let mut response = ProduceResponse {
            responses: Vec::with_capacity(denied.len() + begun.len()),
            ..ProduceResponse::default()
        };
        for data in denied {
            let indexes = data.partition_data.iter().map(|partition| partition.index);
            let refused = |index| partition_answer(index, Err(Refusal::new(error, None)), call);
            response.responses.push(TopicProduceResponse {
                partition_responses: indexes.map(refused).collect(),
                name: data.name,
                topic_id: data.topic_id,
            });
        }
        for topic in begun {
            response.responses.push(topic.finish(call).await);
        }
        response
    }

    async fn append_topic<'t>(
        &self,
        (position, data): (usize, TopicProduceData),
        admitted: &mut Admitted,
        acks: i16,
        (call, turn): (&mut Call<'t>, &mut Option<Turn<'t>>),
    ) -> TopicInProgress {
        let table = self.topics.table();
        let by_id = call.version >= 13;
        let found = if by_id {
            table.with_id(data.topic_id)
        } else {
            table.named(&data.name)
        };
        let topic = found.cloned();
        drop(table);
        if let Some(topic) = &topic {
            topic.metrics.produce_requests.inc();
            call.touches(&topic.name);
        }
        let answer = TopicProduceResponse {
            name: data.name,
            topic_id: data.topic_id,
            ..TopicProduceResponse::default()
        };
        let mut partitions = Vec::with_capacity(data.partition_data.len());
        for partition in data.partition_data {
            let index = partition.index;
            let size = partition.records.as_ref().map_or(0, Bytes::len);
            let permit = admitted.take(position, index);
            let appended = match &topic {
                Some(topic) => match permit {
                    Ok(permit) => {
                        self.append_partition(topic, (partition, permit), acks, (call, turn))
                            .await
                    }
                    Err(refusal) => Err(refusal),
                },
                None if by_id => Err(Refusal::new(ErrorCode::UnknownTopicId, None)),
                None => Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, None)),
            };
            partitions.push((index, size, appended));
        }
        TopicInProgress {
            topic,
            answer,
            partitions,
        }
    }

    async fn append_partition<'t>(
        &self,
        topic: &Topic,
        (data, permit): (PartitionProduceData, Permit),
        acks: i16,
        (call, turn): (&mut Call<'t>, &mut Option<Turn<'t>>),
    ) -> Result<Appended, Refusal> {
        if !matches!(acks, ACKS_ALL..=1) {
            let message = format!("acks must be -1, 0 or 1, not {acks}");
            return Err(Refusal::new(ErrorCode::InvalidRequiredAcks, message));
        }
        if topic.internal && call.client_id != Some(ADMIN_CLIENT_ID) {
            let message = format!("topic '{}' belongs to the coordinators", topic.name);
            return Err(Refusal::new(ErrorCode::InvalidTopicException, message));
        }
        if self.rules.audit_topic.as_deref() == Some(&*topic.name) {
            let message = format!("topic '{}' is the broker's audit", topic.name);
            return Err(Refusal::new(ErrorCode::InvalidTopicException, message));
        }
        let partition = topic
            .partition(data.index)
            .ok_or_else(|| Refusal::new(topic.missing(data.index), None))?;
        let needed = topic.config.min_insync_replicas;
        if acks == ACKS_ALL && partition.in_sync() < needed {
            let have = partition.in_sync();
            let message = format!("{have} replicas are in sync, min.insync.replicas is {needed}");
            return Err(Refusal::new(ErrorCode::NotEnoughReplicas, message));
        }
        let records = data.records.unwrap_or_default();
        let limits = self.limits(topic, call.version);
        let start = partition.log.log_start_offset();
        let now_ms = limits.now_ms;
        let exemplar_due = self.traces.is_due(now_ms);
        let look = Look {
            writers: &topic.writers,
            for_trace: call.looks_for_trace() || exemplar_due,
        };
        // Held until the batch is in the log.
        let mut place = call.turns.place(records.len(), turn.as_ref()).await;
        let rules = (limits, &*topic.config, &look);
        let held = (&mut place, &mut *turn);
        let prepared = checking::prepare(&records, rules, call, held).await;
        let prepared = prepared.map_err(|error| {
            topic.metrics.refused.count(&error);
            Refusal::from_records(error, start)
        })?;
        if exemplar_due && let Some(trace) = self.traces.found(prepared.trace, now_ms) {
            call.clock.belongs_to(trace);
        }
        call.found_trace(prepared.trace);
        if !partition.log.has_room() {
            room::wait(&partition.log, (&mut place, turn), call).await;
        }
        let converted = prepared.converted;
        if call.section.is_none() && partition.is_written_aside() {
            drop((place.take(), turn.take()));
            call.step_aside().await;
        }
        let _others_wait_aside = call.section.is_some().then(|| partition.write_aside());
        let appended =
            append(partition, (records, prepared, permit), call).map_err(|error| Refusal {
                log_start_offset: start,
                ..error.into()
            })?;
        topic.metrics.records.converted.count(converted);
        Ok(appended)
    }

    fn limits(&self, topic: &Topic, version: i16) -> ValidationLimits {
        let config: &TopicConfig = &topic.config;
        ValidationLimits {
            max_batch_bytes: usize::try_from(config.max_message_bytes).unwrap_or(0),
            require_keys: config.cleanup_policy.compact,
            allow_control: false,
            timestamp_type: batch::timestamp_type(config),
            now_ms: self.clock.wall_ms(),
            timestamp_before_max_ms: config.message_timestamp_before_max_ms,
            timestamp_after_max_ms: config.message_timestamp_after_max_ms,
            allow_zstd: version >= 7,
            trust_compressed_headers: self.rules.trust_compressed_headers,
            ..ValidationLimits::default()
        }
    }
}

/// The partitions of one topic that have been appended to, or refused.
struct TopicInProgress {
    topic: Option<Arc<Topic>>,
    answer: TopicProduceResponse,
    /// Index, size of what came, and what became of it.
    partitions: Vec<(i32, usize, Result<Appended, Refusal>)>,
}

impl TopicInProgress {
    async fn finish(mut self, call: &mut Call<'_>) -> TopicProduceResponse {
        let mut wrote = Wrote::default();
        self.answer.partition_responses = Vec::with_capacity(self.partitions.len());
        for (index, size, appended) in self.partitions {
            let (records, done) = match appended {
                Ok(appended) => (appended.records, appended.finish(call).await),
                Err(refusal) => (0, Err(refusal)),
            };
            if let Some(topic) = &self.topic {
                count(topic, (records, size as u64), &done, &mut wrote);
            }
            let answer = partition_answer(index, done, call);
            self.answer.partition_responses.push(answer);
        }
        if let Some(topic) = &self.topic {
            let who = (call.client_id, call.peer);
            topic.writers.wrote(call.writer, who, wrote);
        }
        self.answer
    }
}

fn count(
    topic: &Topic,
    (records, size): (i32, u64),
    done: &Result<AppendInfo, Refusal>,
    wrote: &mut Wrote,
) {
    let metrics = &topic.metrics;
    match done {
        Ok(info) if info.duplicate => {}
        Ok(_) => {
            metrics
                .records
                .bytes
                .observe(size as f64 / f64::from(records.max(1)));
            let records = u64::try_from(records).unwrap_or(0);
            metrics.messages_in.inc_by(records);
            metrics.bytes_in.inc_by(size);
            wrote.bytes += size;
            wrote.records += records;
            wrote.batches += 1;
        }
        Err(refusal) => {
            if refusal.is_oversized() {
                metrics.records.oversized.inc();
            }
            wrote.refused += 1;
            metrics.failed_produce_requests.inc();
            metrics.bytes_rejected.inc_by(size);
            metrics.refused.bytes.inc_by(size);
        }
    }
}

/// A batch that is in the log, but perhaps not yet where its topic wants it before it is
/// acknowledged.
struct Appended {
    info: AppendInfo,
    partition: Arc<Partition>,
    records: i32,
    bytes: usize,
    /// The word that it is on the disk (`flush.messages=1`).
    flushed: Option<oneshot::Receiver<Result<(), String>>>,
}

impl Appended {
    /// Waits for the disk if the topic asks for that, and wakes who waits for records.
    async fn finish(self, call: &mut Call<'_>) -> Result<AppendInfo, Refusal> {
        if let Some(flushed) = self.flushed {
            call.clock.enter(Stage::Remote);
            let done = flushed.await;
            call.clock.enter(Stage::LocalAppend);
            match done {
                Ok(Ok(())) => {}
                Ok(Err(why)) => return Err(Refusal::new(ErrorCode::KafkaStorageError, why)),
                Err(_) => return Err(Refusal::new(ErrorCode::KafkaStorageError, None)),
            }
        }
        self.partition.waiters.appended(self.bytes as u64);
        Ok(self.info)
    }
}

/// Lets others work while a long request is checked and written: aside if one of them is short, and otherwise
/// in a turn, since nobody needs a thread that comes last then.
async fn yield_to_others<'t>(call: &mut Call<'t>) -> Option<Turn<'t>> {
    if call.request_bytes <= LONG_PRODUCE_BYTES {
        return None;
    }
    if call.others_hurry {
        call.step_aside().await;
        return None;
    }
    call.turns.next().await
}

/// Whether a batch is so much of its request that it may as well stay in the memory of the request.
fn keeps_its_frame(batch_bytes: usize, request_bytes: usize) -> bool {
    request_bytes - request_bytes / 5 <= batch_bytes
}

/// Appends, and asks for the disk if the topic wants that before the acknowledgement.
fn append(
    partition: &Arc<Partition>,
    (records, prepared, permit): (Bytes, Prepared, Permit),
    call: &mut Call<'_>,
) -> Result<Appended, AppendError> {
    let batch = match prepared.rewritten {
        Some(rewritten) => AppendBytes::Given(rewritten.into()),
        None if keeps_its_frame(records.len(), call.request_bytes) => AppendBytes::Given(records),
        None => AppendBytes::Lent(&records),
    };
    let bytes = batch.len();
    let meta = AppendMeta {
        leader_epoch: partition.leader_epoch(),
        origin: Origin::Client,
    };
    #[cfg(feature = "sabotage")]
    if Bug::AckBeforeAppend.is_planted() && !prepared.is_transactional {
        return Ok(sabotage::append_later(partition, batch, prepared.records));
    }
    let log = &partition.log;
    #[cfg(feature = "sabotage")]
    if Bug::IgnoreSequences.is_planted() && sabotage::is_unlucky() {
        return Err(AppendError::Busy("sabotage".to_owned()));
    }
    let info = match prepared.is_transactional {
        true => log.append_in_transaction(batch, &meta, permit)?,
        false => log.append(batch, &meta)?,
    };
    call.clock.carve(Stage::LocalLock, info.lock_wait);
    if !info.duplicate {
        partition.delivery.appended(info.first_offset);
    }
    let wanted = partition.log.config().flush_before_ack();
    let flushed = wanted.then(|| {
        let (sender, receiver) = oneshot::channel();
        let callback = Box::new(move |done| {
            // The connection may be gone by now.
            let _unheard = sender.send(done).is_err();
        });
        partition.log.on_flushed(info.last_offset + 1, callback);
        receiver
    });
    Ok(Appended {
        info,
        partition: Arc::clone(partition),
        records: prepared.records,
        bytes,
        flushed,
    })
}

fn partition_answer(
    index: i32,
    done: Result<AppendInfo, Refusal>,
    call: &mut Call<'_>,
) -> PartitionProduceResponse {
    let mut answer = PartitionProduceResponse {
        index,
        base_offset: NO_OFFSET,
        log_append_time_ms: NO_TIMESTAMP,
        log_start_offset: NO_OFFSET,
        ..PartitionProduceResponse::default()
    };
    match done {
        Ok(info) => {
            answer.base_offset = info.first_offset;
            answer.log_append_time_ms = info.log_append_time_ms;
            answer.log_start_offset = info.log_start_offset;
        }
        Err(refusal) => {
            answer.error_code = call.note(refusal.error);
            answer.log_start_offset = refusal.log_start_offset;
            let record = |(batch_index, message)| BatchIndexAndErrorMessage {
                batch_index,
                batch_index_error_message: Some(message),
            };
            answer.record_errors = refusal.records.into_iter().map(record).collect();
            answer.error_message = refusal.message;
        }
    }
    answer
}

impl Handler for Produce {
    fn range(&self) -> ApiRange {
        ApiRange {
            key: ApiKey::Produce,
            advertised_min: 0,
            min: 3,
            max: 13,
        }
    }

    fn handle<'a>(&'a self, mut body: Reader, call: &'a mut Call<'_>) -> Answering<'a> {
        Box::pin(async move {
            let body_bytes = body.remaining();
            let request = ProduceRequest::decode(&mut body, call.version)?;
            // A batch that has the request's memory to itself need not be copied.
            drop(body);
            let acks = request.acks;
            let mut response = self.produce(request, call).await;
            call.quotas.charge(QuotaKind::Produce, body_bytes as f64);
            if acks != 0 {
                call.quotas.charge_thread_time();
                response.throttle_time_ms = call.quotas.throttle_time_ms();
                return Ok(Reply::Body(encode(&response, call.version)?));
            }
            if call.error == ErrorCode::None {
                return Ok(Reply::Silence);
            }
            Ok(Reply::Disconnect("a produce request with acks=0 failed"))
        })
    }
}
