//! ShareFetch, key 78, versions 1–2 (KIP-932).
//!
//! - What a member reads is in its share session (see `share::sessions`); the first request opens it,
//!   with epoch 0, and the last closes it, with −1.
//! - Acknowledgements come along; they are taken over before anything is read.
//! - Waits until `min_bytes` are there that can be acquired, or `max_wait_ms` are over.
//! - Under the quotas of Fetch; who used too much gets nothing, and no record is acquired for it.
//! - From version 2 with a mode in which batches are cut so that no more than `max_records` come
//!   (KIP-1206), and with wishes for more time (KIP-1222), which come without reading.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use limpid_coordinator::delivery::Wish;
use limpid_protocol::messages::ShareFetchRequest;
use limpid_protocol::messages::share_fetch_response::{
    AcquiredRecords, PartitionData, ShareFetchResponse, ShareFetchableTopicResponse,
};
use limpid_protocol::{ApiKey, ErrorCode, Uuid};

use super::k76_share_group_heartbeat::is_member_id;
use crate::access::{Operation, ResourceKind};
use crate::features;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::quotas::rules::QuotaKind;
use crate::share::{Fetched, Plan, SessionKey, Shares, Wanted};
use crate::share_requests::{Outcomes, Speaker, Spoken, acknowledge};
use crate::topics::{Partition, TopicTable, Topics};

/// "No more records than I want."
const RECORD_LIMIT: i8 = 1;
/// Version from which there are modes and wishes for more time.
const MODES_VERSION: i16 = 2;

/// Answers ShareFetch.
pub struct ShareFetch {
    shares: Arc<Shares>,
    topics: Arc<Topics>,
    metadata: Arc<Metadata>,
    /// `fetch.max.bytes`.
    fetch_bytes_max: usize,
}

/// By topic and partition.
type Answers = BTreeMap<(Uuid, i32), PartitionData>;

/// A session ends with its connection.
#[derive(Debug)]
struct Lasting {
    shares: Weak<Shares>,
    key: SessionKey,
    number: u64,
}

impl Drop for Lasting {
    fn drop(&mut self) {
        if let Some(shares) = self.shares.upgrade() {
            shares.connection_lost(&self.key, self.number);
        }
    }
}

impl ShareFetch {
    /// `fetch_bytes_max` is `fetch.max.bytes`; `metadata` tell whether the feature is on.
    pub fn new(
        shares: Arc<Shares>,
        topics: Arc<Topics>,
        metadata: Arc<Metadata>,
        fetch_bytes_max: usize,
    ) -> Self {
        Self {
            shares,
            topics,
            metadata,
            fetch_bytes_max,
        }
    }

    fn check(&self, request: &ShareFetchRequest, call: &Call<'_>) -> Result<Speaker, ErrorCode> {
        if !features::has_share_groups(&self.metadata.image()) {
            return Err(ErrorCode::UnsupportedVersion);
        }
        let group = request.group_id.as_deref().unwrap_or_default();
        if !call.may(Operation::Read, ResourceKind::Group, group) {
            return Err(ErrorCode::GroupAuthorizationFailed);
        }
        let member = request.member_id.as_deref().unwrap_or_default();
        let renews = call.version >= MODES_VERSION && request.is_renew_ack;
        let reads = request.max_bytes != 0
            || request.min_bytes != 0
            || request.max_records != 0
            || request.max_wait_ms != 0;
        let opens = request.share_session_epoch == 0;
        if !is_member_id(member) || renews && reads || opens && speaks(request) {
            return Err(ErrorCode::InvalidRequest);
        }
        Ok(Speaker {
            group: group.into(),
            member: member.into(),
            renews,
        })
    }

    fn begin(
        &self,
        request: &ShareFetchRequest,
        speaker: &Speaker,
        call: &Call<'_>,
    ) -> Result<(Plan, SessionKey), ErrorCode> {
        let topics = request.topics.iter();
        let wanted: Vec<(Uuid, i32)> = topics
            .flat_map(|t| t.partitions.iter().map(|p| (t.topic_id, p.partition_index)))
            .collect();
        let topics = request.forgotten_topics_data.iter();
        let forgotten: Vec<(Uuid, i32)> = topics
            .flat_map(|t| t.partitions.iter().map(|p| (t.topic_id, *p)))
            .collect();
        let key = (Arc::clone(&speaker.group), Arc::clone(&speaker.member));
        let sessions = self.shares.sessions();
        let plan = sessions.begin(&key, request.share_session_epoch, &wanted, &forgotten)?;
        if plan.is_new {
            call.peer.keep(Box::new(Lasting {
                shares: Arc::downgrade(&self.shares),
                key: key.clone(),
                number: plan.number,
            }));
        }
        Ok((plan, key))
    }

    /// Kafka counts the topics that are asked for, and those of which a partition is refused.
    fn count_topics(&self, wanted: &[(Uuid, Arc<Partition>)], answers: &Answers) {
        let failed = answers.iter().filter(|(_, data)| data.error_code != 0);
        let failed: BTreeSet<Uuid> = failed.map(|((topic, _), _)| *topic).collect();
        let mut topics = failed.clone();
        topics.extend(wanted.iter().map(|(topic, _)| *topic));
        let metrics = self.shares.metrics();
        metrics.fetch_requests.inc_by(topics.len() as u64);
        metrics.failed_fetch_requests.inc_by(failed.len() as u64);
    }

    async fn fetch(
        &self,
        request: &ShareFetchRequest,
        plan: &Plan,
        speaker: &Speaker,
        call: &mut Call<'_>,
    ) -> Answers {
        let table = self.topics.table();
        let mut answers = Answers::new();
        let mut partitions = Vec::new();
        for (topic, index) in rotated(&plan.partitions, plan.epoch) {
            match find(&table, topic, index, call) {
                Ok(partition) => partitions.push((topic, partition)),
                Err(error) => {
                    answers.insert((topic, index), failed(index, error));
                }
            }
        }
        let size = |bytes: i32| usize::try_from(bytes).unwrap_or(0);
        let max_bytes = size(request.max_bytes).min(self.fetch_bytes_max);
        if partitions.is_empty() || request.max_records <= 0 || max_bytes == 0 {
            return answers;
        }
        // More than that would be throttled in any case. A whole batch comes always.
        let max_bytes = max_bytes.min(call.quotas.fetch_bytes_max().max(1));
        let wait_ms = u64::try_from(request.max_wait_ms).unwrap_or(0);
        let wanted = Wanted {
            group: &speaker.group,
            member: &speaker.member,
            wish: Wish {
                records_max: i64::from(request.max_records),
                batch_size: i64::from(request.batch_size),
                exact: request.share_acquire_mode == RECORD_LIMIT,
            },
            min_bytes: size(request.min_bytes).min(max_bytes),
            max_bytes,
            max_wait: Duration::from_millis(wait_ms),
            memory: call.answers,
            partitions,
        };
        let (clock, quotas) = (&mut *call.clock, &mut call.quotas);
        let mut charged = 0;
        let admit = |bytes: usize| {
            charged = bytes;
            quotas.admits_fetch(bytes)
        };
        let Some(given) = self.shares.fetch(&wanted, clock, admit).await else {
            return Answers::new();
        };
        let mut fetched = given.answers;
        call.answer_room = given.room;
        let sent: usize = fetched.values().map(|one| one.records.len()).sum();
        let unused = charged.saturating_sub(sent);
        call.quotas.take_back(QuotaKind::Fetch, unused as f64);
        for (topic, partition) in &wanted.partitions {
            let index = partition.index;
            let one = fetched.remove(&(*topic, index));
            let is_told = plan.is_new || one.as_ref().is_some_and(has_news);
            if is_told {
                answers.insert((*topic, index), data(index, one.unwrap_or_default()));
            }
        }
        count(&table, &answers);
        self.count_topics(&wanted.partitions, &answers);
        answers
    }
}

impl Answer for ShareFetch {
    type Request = ShareFetchRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::ShareFetch, 1, 2);

    async fn answer(
        &self,
        mut request: ShareFetchRequest,
        call: &mut Call<'_>,
    ) -> ShareFetchResponse {
        let begun = self
            .check(&request, call)
            .and_then(|speaker| Ok((self.begin(&request, &speaker, call)?, speaker)));
        let ((plan, key), speaker) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                if error == ErrorCode::ShareSessionLimitReached {
                    // So that it does not come again at once.
                    self.shares.wait(request.max_wait_ms).await;
                }
                return refused(error, call);
            }
        };
        let spoken = spoken(&mut request);
        let table = self.topics.table();
        let outcomes = acknowledge(&self.shares, &table, &speaker, spoken, call).await;
        let mut answers = Answers::new();
        if !plan.closes && !speaker.renews {
            answers = self.fetch(&request, &plan, &speaker, call).await;
        }
        add(&mut answers, outcomes);
        if plan.closes {
            let _was_there = self.shares.end_session(&key, None);
        }
        let settings = self.shares.settings_of(&speaker.group);
        let mut response = ShareFetchResponse {
            acquisition_lock_timeout_ms: settings.record_lock_ms,
            ..ShareFetchResponse::default()
        };
        let mut topics: BTreeMap<Uuid, Vec<PartitionData>> = BTreeMap::new();
        for ((topic, _), data) in answers {
            for code in [data.error_code, data.acknowledge_error_code] {
                call.note(ErrorCode::from_code(code).unwrap_or(ErrorCode::UnknownServerError));
            }
            topics.entry(topic).or_default().push(data);
        }
        let topics = topics.into_iter();
        response.responses = topics
            .map(|(topic_id, partitions)| ShareFetchableTopicResponse {
                topic_id,
                partitions,
            })
            .collect();
        response
    }
}

fn speaks(request: &ShareFetchRequest) -> bool {
    let mut partitions = request.topics.iter().flat_map(|t| &t.partitions);
    partitions.any(|p| !p.acknowledgement_batches.is_empty())
}

/// Takes the acknowledgements out of a request.
fn spoken(request: &mut ShareFetchRequest) -> Vec<Spoken> {
    if !speaks(request) {
        return Vec::new();
    }
    let mut spoken = Vec::new();
    let mut seen = BTreeSet::new();
    for topic in &mut request.topics {
        for partition in &mut topic.partitions {
            let batches = std::mem::take(&mut partition.acknowledgement_batches);
            if seen.insert((topic.topic_id, partition.partition_index)) {
                let batches = batches.into_iter();
                spoken.push(Spoken {
                    topic: topic.topic_id,
                    partition: partition.partition_index,
                    batches: batches
                        .map(|b| (b.first_offset, b.last_offset, b.acknowledge_types))
                        .collect(),
                });
            }
        }
    }
    spoken
}

/// Partitions from another one on each time, so that none is always the last.
fn rotated(partitions: &[(Uuid, i32)], epoch: i32) -> Vec<(Uuid, i32)> {
    let mut rotated = partitions.to_vec();
    if !rotated.is_empty() {
        let by = usize::try_from(epoch).unwrap_or(0) % rotated.len();
        rotated.rotate_left(by);
    }
    rotated
}

fn find(
    table: &TopicTable,
    topic: Uuid,
    index: i32,
    call: &Call<'_>,
) -> Result<Arc<crate::topics::Partition>, ErrorCode> {
    let topic = table.with_id(topic).ok_or(ErrorCode::UnknownTopicId)?;
    if !call.may(Operation::Read, ResourceKind::Topic, &topic.name) {
        return Err(ErrorCode::TopicAuthorizationFailed);
    }
    let partition = topic.partition(index).cloned();
    partition.ok_or_else(|| topic.missing(index))
}

fn has_news(fetched: &Fetched) -> bool {
    fetched.error.is_some() || !fetched.acquired.is_empty()
}

fn data(index: i32, fetched: Fetched) -> PartitionData {
    if let Some(error) = fetched.error {
        return PartitionData {
            error_message: Some(error.message().to_owned()),
            ..failed(index, error)
        };
    }
    let acquired = fetched.acquired.into_iter();
    PartitionData {
        partition_index: index,
        records: fetched.records,
        acquired_records: acquired
            .map(|batch| AcquiredRecords {
                first_offset: batch.first,
                last_offset: batch.last,
                delivery_count: batch.count,
            })
            .collect(),
        ..PartitionData::default()
    }
}

fn failed(index: i32, error: ErrorCode) -> PartitionData {
    PartitionData {
        partition_index: index,
        error_code: error.code(),
        ..PartitionData::default()
    }
}

/// Adds what became of acknowledgements.
fn add(answers: &mut Answers, outcomes: Outcomes) {
    for ((topic, index), outcome) in outcomes {
        let new = || failed(index, ErrorCode::None);
        let answer = answers.entry((topic, index)).or_insert_with(new);
        if let Some((error, message)) = outcome {
            answer.acknowledge_error_code = error.code();
            answer.acknowledge_error_message = message;
        }
    }
}

fn count(table: &TopicTable, answers: &Answers) {
    for ((topic, index), data) in answers {
        if let Some(topic) = table.with_id(*topic) {
            topic.metrics.bytes_out.inc_by(data.records.len() as u64);
            topic.delivered(*index, std::slice::from_ref(&data.records), None);
        }
    }
}

fn refused(error: ErrorCode, call: &mut Call<'_>) -> ShareFetchResponse {
    ShareFetchResponse {
        error_code: call.note(error),
        ..ShareFetchResponse::default()
    }
}
