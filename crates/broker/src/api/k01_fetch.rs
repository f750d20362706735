//! Fetch, key 1, versions 4–18.
//!
//! - Answers at once when `min_bytes` are there, a partition has an error, or `max_wait_ms` is 0;
//!   otherwise the request is parked (see `waiters`) and read again when it is woken.
//! - Whole batches only: an offset inside a batch returns the batch from its start, and the first
//!   batch of the first partition that has one is returned even if it is larger than every limit.
//! - Fetch sessions (KIP-227): see `fetch_sessions`. A session that a client only believes to have
//!   is FETCH_SESSION_ID_NOT_FOUND.
//! - Who is held back by a quota gets an empty answer, and everything later (KIP-219).
//! - read_committed reads up to the last stable offset and lists aborted transactions (KIP-98).
//! - From version 12 a diverging epoch is reported (KIP-595), from 13 topics come by id (KIP-516).

use std::sync::Arc;
use std::time::{Duration, Instant};

use limpid_platform::sabotage::Bug;
use limpid_protocol::messages::fetch_request::{FetchPartition, FetchRequest};
use limpid_protocol::messages::fetch_response::{
    AbortedTransaction, EpochEndOffset, FetchResponse, FetchableTopicResponse, PartitionData,
};
use limpid_protocol::records::offsets_of_run;
use limpid_protocol::{ApiKey, Chunks, ErrorCode, Gap, Message, Reader};
use limpid_storage::{ColdBytes, ColdRead, LogRead, PartitionLog, ReadError};
use limpid_telemetry::{Stage, Stamp};

use crate::access::{Operation, ResourceKind};
use crate::answer_memory::Room;
use crate::blocking::Blocking;
use crate::drain::Drain;
use crate::fetch_sessions::{self, FetchSessions};
use crate::handler::{ANSWER_BYTES, Answering, ApiRange, Call, Handler, Reply};
use crate::leadership::{check_leader_epoch, locate};
use crate::metrics::FetchMetrics;
use crate::piped::PipedRuns;
use crate::read_errors::read_error;
use crate::topics::{Partition, Topic, Topics};
use crate::trace_watch::TraceWatch;
use crate::waiters::Waiter;

const READ_COMMITTED: i8 = 1;
/// Bytes of one partition in an answer, and about the bytes of one answer that are read from files.
/// The rest comes with the next request; the bound keeps memory for reads small however much a
/// client allows.
const COLD_READ_BYTES_MAX: usize = 8 * 1024 * 1024;
const _: () = assert!(COLD_READ_BYTES_MAX < Gap::BYTES_LIMIT);

/// Answers Fetch.
pub struct Fetch {
    topics: Arc<Topics>,
    sessions: FetchSessions,
    blocking: Arc<Blocking>,
    drain: Drain,
    /// `fetch.max.bytes`.
    fetch_bytes_max: usize,
    waiting: FetchMetrics,
    traces: TraceWatch,
    /// What the watch counts its time from.
    began: Stamp,
}

/// All partitions of the request after one look at the logs.
struct Look {
    response: FetchResponse,
    /// What fills its gaps.
    piped: PipedRuns,
    bytes: usize,
    answer_now: bool,
}

impl Fetch {
    /// `fetch_bytes_max` is `fetch.max.bytes`; `waiting` counts the fetches that wait.
    pub fn new(
        topics: Arc<Topics>,
        sessions: FetchSessions,
        blocking: Arc<Blocking>,
        drain: Drain,
        fetch_bytes_max: usize,
        waiting: FetchMetrics,
    ) -> Self {
        Self {
            topics,
            sessions,
            blocking,
            drain,
            fetch_bytes_max,
            waiting,
            traces: TraceWatch::sparing(),
            began: Stamp::now(),
        }
    }

    async fn fetch(&self, mut request: FetchRequest, call: &mut Call<'_>) -> FetchResponse {
        // Where the replica is said depends on the version; the other one is -1.
        call.notes.for_replica = request.replica_id.max(request.replica_state.replica_id) >= 0;
        let plan = match self.sessions.begin(&mut request, call.version) {
            Ok(plan) => plan,
            Err(error) => {
                call.note(error);
                return fetch_sessions::refused(error);
            }
        };
        self.count(&request, call);
        let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
        // More than that would be throttled in any case.
        let bytes_max = call.quotas.fetch_bytes_max();
        request.max_bytes = request
            .max_bytes
            .min(i32::try_from(bytes_max).unwrap_or(i32::MAX));
        let min_bytes = usize::try_from(request.min_bytes)
            .unwrap_or(0)
            .min(bytes_max);
        let mut look = self.look(&request, call).await;
        let enough = look.bytes >= min_bytes || look.answer_now;
        if !enough && !wait.is_zero() && !self.drain.has_begun() {
            look = self.park(&request, min_bytes, wait, call).await;
        }
        if !call.quotas.admits_fetch(look.bytes) {
            return plan.postponed();
        }
        self.count_out(&look, call);
        call.piped = look.piped;
        let version = call.version;
        self.sessions.finish(plan, request, version, look.response)
    }

    /// Waits for more bytes, or the time, or the drain; then looks again.
    async fn park(
        &self,
        request: &FetchRequest,
        min_bytes: usize,
        wait: Duration,
        call: &mut Call<'_>,
    ) -> Look {
        let deadline = Instant::now() + wait;
        let mut drain = self.drain.clone();
        loop {
            let waiter = Waiter::new();
            let watched = self.watch(request, call.version, &waiter);
            // Registered first, read second: what is appended between the two wakes the waiter.
            let look = self.look(request, call).await;
            let is_over = Instant::now() >= deadline || drain.has_begun();
            if look.bytes >= min_bytes || look.answer_now || is_over {
                return look;
            }
            waiter.arm((min_bytes - look.bytes) as u64);
            call.clock.enter(Stage::Purgatory);
            let parked = self.waiting.parked.track();
            // What wakes it may not be for a reader of committed records yet.
            tokio::select! {
                () = waiter.ready() => {}
                () = tokio::time::sleep_until(deadline.into()) => self.waiting.expired.inc(),
                () = drain.begun() => {}
            }
            call.clock.enter(Stage::LocalAppend);
            drop((parked, watched));
        }
    }

    fn watch(&self, request: &FetchRequest, version: i16, waiter: &Arc<Waiter>) -> Watched {
        let table = self.topics.table();
        let mut partitions = Vec::new();
        for wanted in &request.topics {
            let Ok(topic) = locate(&table, version >= 13, wanted.topic_id, &wanted.topic) else {
                continue;
            };
            for partition in &wanted.partitions {
                if let Some(partition) = topic.partition(partition.partition) {
                    partition.waiters.register(waiter);
                    partitions.push(Arc::clone(partition));
                }
            }
        }
        Watched {
            partitions,
            waiter: Arc::clone(waiter),
        }
    }

    fn count(&self, request: &FetchRequest, call: &mut Call<'_>) {
        let table = self.topics.table();
        for wanted in &request.topics {
            let by_id = call.version >= 13;
            if let Ok(topic) = locate(&table, by_id, wanted.topic_id, &wanted.topic) {
                topic.metrics.fetch_requests.inc();
                call.touches(&topic.name);
            }
        }
    }

    /// Reads every partition that the limits of the request leave room for.
    async fn look(&self, request: &FetchRequest, call: &Call<'_>) -> Look {
        let table = self.topics.table();
        let limit = usize::try_from(request.max_bytes)
            .unwrap_or(0)
            .min(self.fetch_bytes_max);
        let mut budget = Budget {
            left: limit,
            cold_left: COLD_READ_BYTES_MAX,
            bytes: 0,
            piped: PipedRuns::default(),
        };
        let mut response = FetchResponse::default();
        let mut answer_now = request.topics.is_empty();
        for wanted in &request.topics {
            let located = locate(&table, call.version >= 13, wanted.topic_id, &wanted.topic);
            let located = may_read(call, located, &wanted.topic);
            let mut answer = FetchableTopicResponse {
                topic: wanted.topic.clone(),
                topic_id: wanted.topic_id,
                partitions: Vec::with_capacity(wanted.partitions.len()),
            };
            for partition in &wanted.partitions {
                let data = match &located {
                    Ok(topic) => {
                        let isolation = request.isolation_level;
                        self.read(topic, partition, isolation, (&mut budget, call))
                            .await
                    }
                    Err(error) => Err(*error),
                };
                let data = data.unwrap_or_else(|error| failed(partition, error));
                answer_now |=
                    data.error_code != ErrorCode::None.code() || data.diverging_epoch.epoch >= 0;
                answer.partitions.push(data);
            }
            response.responses.push(answer);
        }
        Look {
            response,
            piped: budget.piped,
            bytes: budget.bytes,
            answer_now,
        }
    }

    async fn read(
        &self,
        topic: &Topic,
        wanted: &FetchPartition,
        isolation: i8,
        (budget, call): (&mut Budget, &Call<'_>),
    ) -> Result<PartitionData, ErrorCode> {
        let partition = topic
            .partition(wanted.partition)
            .ok_or_else(|| topic.missing(wanted.partition))?;
        check_leader_epoch(wanted.current_leader_epoch, partition.leader_epoch())?;
        let log = &partition.log;
        let committed_only = isolation == READ_COMMITTED && !Bug::ReadPastStable.is_planted();
        let last_stable_offset = log.last_stable_offset();
        let high_watermark = log.high_watermark();
        let end = if committed_only {
            last_stable_offset
        } else {
            high_watermark
        };
        let mut data = PartitionData {
            partition_index: wanted.partition,
            high_watermark,
            last_stable_offset,
            log_start_offset: log.log_start_offset(),
            aborted_transactions: committed_only.then(Vec::new),
            ..PartitionData::default()
        };
        if let Some(diverging) = diverging_epoch(partition, wanted)? {
            data.diverging_epoch = diverging;
            return Ok(data);
        }
        let most = budget.most(wanted.partition_max_bytes);
        let look = |most| {
            let read = log.read(wanted.fetch_offset, most, end, budget.bytes == 0);
            read.map_err(|error| read_error(&error))
        };
        let mut read = look(most)?;
        let mut room = None;
        let is_cold = |read: &LogRead| matches!(read, LogRead::FileRange(_));
        if is_cold(&read) && budget.cold_left > 0 {
            // Who has something to send already sends that, instead of waiting with it.
            room = match budget.bytes {
                0 => call.answers.room(most).await,
                _ => call.answers.room_now(most),
            };
            if room.is_none() {
                budget.cold_left = 0;
            }
            // Meanwhile the log may have moved on, and there may be room for a part only.
            read = look(room.as_ref().map_or(0, Room::bytes))?;
        }
        match (read, room) {
            (LogRead::Memory(batches), _) => {
                data.records = batches;
                budget.take(data.records_bytes(), false);
            }
            (LogRead::FileRange(cold), Some(room)) => {
                let splices = call.splices && budget.piped.has_room();
                let read = self.read_cold(cold, splices, call).await;
                let read = read.map_err(|error| read_error(&error))?;
                let records = budget.piped.keep(read, room);
                (data.records, data.gap) = (records.runs, records.gap);
                budget.take(data.records_bytes(), true);
            }
            (LogRead::FileRange(_), None) => {}
        }
        let lists_aborted = committed_only && log.has_aborted_transactions();
        if let Some(to) = lists_aborted
            .then(|| end_of(&data, &budget.piped))
            .flatten()
        {
            let log = Arc::clone(log);
            let from = wanted.fetch_offset;
            let done = self.blocking.run(move || aborted(&log, from, to)).await;
            let done = done.unwrap_or_else(|error| Err(ReadError::Busy(error.to_string())));
            data.aborted_transactions = Some(done.map_err(|error| read_error(&error))?);
        }
        Ok(data)
    }

    /// Counts what goes out, and the errors that do.
    fn count_out(&self, look: &Look, call: &mut Call<'_>) {
        let table = self.topics.table();
        // Of the clock that runs anyway: it need not be asked again.
        let since = call.clock.since().since(self.began);
        let now_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        for answer in &look.response.responses {
            let topic = locate(&table, call.version >= 13, answer.topic_id, &answer.topic).ok();
            for data in &answer.partitions {
                let error = ErrorCode::from_code(data.error_code);
                call.note(error.unwrap_or(ErrorCode::UnknownServerError));
                let Some(topic) = &topic else { continue };
                data.records.iter().for_each(|run| call.look_for_trace(run));
                let first = data.records.first();
                if let Some(trace) = first.and_then(|run| self.traces.look(run, now_ms)) {
                    call.clock.belongs_to(trace);
                }
                topic.metrics.bytes_out.inc_by(data.records_bytes() as u64);
                let end_offset = data.gap.and_then(|gap| look.piped.end_of(gap));
                topic.delivered(data.partition_index, &data.records, end_offset);
                if error != Some(ErrorCode::None) {
                    topic.metrics.failed_fetch_requests.inc();
                }
            }
        }
    }

    async fn read_cold(
        &self,
        cold: ColdRead,
        splices: bool,
        call: &Call<'_>,
    ) -> Result<ColdBytes, ReadError> {
        // Who traces looks into all records.
        let pipes = (splices && call.notes.contexts.is_none()).then(|| call.answers.pipes());
        if let Some(read) = cold.read_at_once(pipes)? {
            return Ok(read);
        }
        let pipes = pipes.map(Arc::clone);
        let done = self.blocking.run(move || match &pipes {
            Some(pipes) => cold.read_for_socket(pipes),
            None => cold.read().map(ColdBytes::from),
        });
        let done = done.await;
        done.unwrap_or_else(|error| Err(ReadError::Busy(error.to_string())))
    }
}

/// Registered waiters; deregistered on drop, also when the connection goes away.
struct Watched {
    partitions: Vec<Arc<Partition>>,
    waiter: Arc<Waiter>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        for partition in &self.partitions {
            partition.waiters.deregister(&self.waiter);
        }
    }
}

/// What an answer may still take.
struct Budget {
    left: usize,
    cold_left: usize,
    bytes: usize,
    piped: PipedRuns,
}

impl Budget {
    /// Most bytes of one partition.
    fn most(&self, partition_max_bytes: i32) -> usize {
        let wanted = usize::try_from(partition_max_bytes).unwrap_or(0);
        wanted.min(self.left).min(COLD_READ_BYTES_MAX)
    }

    fn take(&mut self, bytes: usize, cold: bool) {
        self.left = self.left.saturating_sub(bytes);
        self.bytes += bytes;
        if cold {
            self.cold_left = self.cold_left.saturating_sub(bytes);
        }
    }
}

/// A topic, if the client may read it. One of an unknown id has no name to be denied by.
fn may_read(
    call: &Call<'_>,
    located: Result<Arc<Topic>, ErrorCode>,
    name: &str,
) -> Result<Arc<Topic>, ErrorCode> {
    let name = match &located {
        Ok(topic) => &topic.name,
        Err(ErrorCode::UnknownTopicId) => return located,
        Err(_) => name,
    };
    if call.may(Operation::Read, ResourceKind::Topic, name) {
        return located;
    }
    Err(ErrorCode::TopicAuthorizationFailed)
}

fn failed(wanted: &FetchPartition, error: ErrorCode) -> PartitionData {
    PartitionData {
        partition_index: wanted.partition,
        error_code: error.code(),
        high_watermark: -1,
        // An empty list says that the partition could not even be found.
        aborted_transactions: is_unknown(error).then(Vec::new),
        ..PartitionData::default()
    }
}

fn is_unknown(error: ErrorCode) -> bool {
    matches!(
        error,
        ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId
    )
}

/// A follower (or a client that keeps epochs) whose log took another turn (KIP-595).
fn diverging_epoch(
    partition: &Partition,
    wanted: &FetchPartition,
) -> Result<Option<EpochEndOffset>, ErrorCode> {
    if wanted.last_fetched_epoch < 0 {
        return Ok(None);
    }
    let (epoch, end_offset) = partition.log.epoch_end_offset(wanted.last_fetched_epoch);
    if epoch < 0 || end_offset < 0 {
        // An epoch that this log never had.
        return Err(ErrorCode::OffsetOutOfRange);
    }
    let diverges = epoch < wanted.last_fetched_epoch || end_offset < wanted.fetch_offset;
    Ok(diverges.then_some(EpochEndOffset { epoch, end_offset }))
}

/// Where the batches of an answer end.
fn end_of(data: &PartitionData, piped: &PipedRuns) -> Option<i64> {
    match data.gap {
        Some(gap) => piped.end_of(gap),
        None => offsets_of_run(data.records.last()?).map(|run| run.end),
    }
}

fn aborted(log: &PartitionLog, from: i64, to: i64) -> Result<Vec<AbortedTransaction>, ReadError> {
    let aborted = log.aborted_transactions(from, to)?;
    let wire = |txn: limpid_storage::AbortedTxn| AbortedTransaction {
        producer_id: txn.producer_id,
        first_offset: txn.first_offset,
    };
    Ok(aborted.into_iter().map(wire).collect())
}

impl Handler for Fetch {
    fn range(&self) -> ApiRange {
        ApiRange::new(ApiKey::Fetch, 4, 18)
    }

    fn handle<'a>(&'a self, mut body: Reader, call: &'a mut Call<'_>) -> Answering<'a> {
        Box::pin(async move {
            let request = FetchRequest::decode(&mut body, call.version)?;
            call.committed_only = Some(request.isolation_level == READ_COMMITTED);
            let mut response = self.fetch(request, call).await;
            response.throttle_time_ms = call.quotas.throttle_time_ms();
            let mut chunks = Chunks::with_capacity(ANSWER_BYTES);
            response.encode_to(&mut chunks, call.version)?;
            Ok(Reply::Body(chunks))
        })
    }
}
