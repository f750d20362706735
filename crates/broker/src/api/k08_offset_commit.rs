//! OffsetCommit, key 8, versions 2–10.
//!
//! - Versions 2 to 4 may say how long the offset is kept, later ones leave that to the broker
//!   (KIP-211). From version 6 with a leader epoch, from 7 with `group.instance.id`, from 10 by
//!   topic id.
//! - Without generation and member (−1 and "") it is a commit of a tool or of a consumer that
//!   assigns its partitions itself: allowed while the group has no members.
//! - From version 9 for members of consumer groups (KIP-848), who tell their epoch in the place of
//!   a generation.
//! - Topics and partitions that don't exist are answered one by one, the rest is committed.

use std::sync::Arc;

use limpid_platform::sabotage::Bug;
use limpid_protocol::messages::OffsetCommitRequest;
use limpid_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use limpid_protocol::messages::offset_commit_response::{
    OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{Operation, ResourceKind};
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};
use crate::leadership::locate;
use crate::topics::{TopicTable, Topics};

/// Version from which topics come by id.
const BY_ID: i16 = 10;

/// Answers OffsetCommit.
pub struct OffsetCommit {
    groups: Arc<Groups>,
    topics: Arc<Topics>,
}

impl OffsetCommit {
    /// `topics` tell which partitions exist.
    pub fn new(groups: Arc<Groups>, topics: Arc<Topics>) -> Self {
        Self { groups, topics }
    }
}

impl Answer for OffsetCommit {
    type Request = OffsetCommitRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::OffsetCommit, 2, 10);

    async fn answer(
        &self,
        mut request: OffsetCommitRequest,
        call: &mut Call<'_>,
    ) -> OffsetCommitResponse {
        let mut response = OffsetCommitResponse::default();
        if !call.may(Operation::Read, ResourceKind::Group, &request.group_id) {
            let error = ErrorCode::GroupAuthorizationFailed;
            call.note(error);
            let topics = request.topics.iter();
            response.topics = topics.map(|t| refuse(t, &t.partitions, error)).collect();
            return response;
        }
        let table = self.topics.table();
        let mut known = Vec::new();
        for topic in std::mem::take(&mut request.topics) {
            let (found, refused) = sort(&table, topic, call);
            known.extend(found);
            response.topics.extend(refused);
        }
        request.topics = known;
        if !request.topics.is_empty() {
            let committed = self.commit(request, call.version).await;
            merge(&mut response.topics, committed);
        }
        for topic in &response.topics {
            for code in topic.partitions.iter().map(|p| p.error_code) {
                call.note(ErrorCode::from_code(code).unwrap_or(ErrorCode::UnknownServerError));
            }
        }
        response
    }
}

impl OffsetCommit {
    async fn commit(
        &self,
        request: OffsetCommitRequest,
        version: i16,
    ) -> Vec<OffsetCommitResponseTopic> {
        let topics = request.topics.clone();
        if Bug::ForgetOffsets.is_planted() {
            let accept = |topic| refuse(topic, &topic.partitions, ErrorCode::None);
            return topics.iter().map(accept).collect();
        }
        let group_id = request.group_id.clone();
        let done = self.groups.step(&group_id, |coordinator, now, out| {
            coordinator.commit(now, request, version, out)
        });
        let error = match done.await {
            Ok(done) => match (done.value, done.written) {
                (Ok(mut answer), written) => {
                    if let Err(error) = written {
                        fail(&mut answer, error);
                    }
                    return answer;
                }
                (Err(error), _) => error,
            },
            Err(error) => error,
        };
        topics
            .iter()
            .map(|topic| refuse(topic, &topic.partitions, error))
            .collect()
    }
}

/// What of a topic exists, with its name and id, and the answer to the rest.
fn sort(
    table: &TopicTable,
    mut topic: OffsetCommitRequestTopic,
    call: &Call<'_>,
) -> (
    Option<OffsetCommitRequestTopic>,
    Option<OffsetCommitResponseTopic>,
) {
    let found = locate(table, call.version >= BY_ID, topic.topic_id, &topic.name);
    let name = found
        .as_ref()
        .map_or(topic.name.as_str(), |found| &found.name);
    let is_named = !matches!(found, Err(ErrorCode::UnknownTopicId));
    if is_named && !call.may(Operation::Read, ResourceKind::Topic, name) {
        let answer = refuse(
            &topic,
            &topic.partitions,
            ErrorCode::TopicAuthorizationFailed,
        );
        return (None, Some(answer));
    }
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            let answer = refuse(&topic, &topic.partitions, error);
            return (None, Some(answer));
        }
    };
    topic.name = found.name.to_string();
    topic.topic_id = found.id;
    let partitions = std::mem::take(&mut topic.partitions);
    let (known, unknown): (Vec<_>, Vec<_>) = partitions
        .into_iter()
        .partition(|p| found.has_partition(p.partition_index));
    let missing = ErrorCode::UnknownTopicOrPartition;
    let refused = (!unknown.is_empty()).then(|| refuse(&topic, &unknown, missing));
    topic.partitions = known;
    ((!topic.partitions.is_empty()).then_some(topic), refused)
}

fn refuse(
    topic: &OffsetCommitRequestTopic,
    partitions: &[OffsetCommitRequestPartition],
    error: ErrorCode,
) -> OffsetCommitResponseTopic {
    let partitions = partitions.iter().map(|p| OffsetCommitResponsePartition {
        partition_index: p.partition_index,
        error_code: error.code(),
    });
    OffsetCommitResponseTopic {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partitions: partitions.collect(),
    }
}

fn fail(answer: &mut [OffsetCommitResponseTopic], error: ErrorCode) {
    let partitions = answer.iter_mut().flat_map(|t| &mut t.partitions);
    for partition in partitions.filter(|p| p.error_code == ErrorCode::None.code()) {
        partition.error_code = error.code();
    }
}

/// Adds answers to those that are there, without naming a topic twice.
fn merge(answers: &mut Vec<OffsetCommitResponseTopic>, more: Vec<OffsetCommitResponseTopic>) {
    for topic in more {
        let same = |one: &&mut OffsetCommitResponseTopic| {
            one.name == topic.name && one.topic_id == topic.topic_id
        };
        match answers.iter_mut().find(same) {
            Some(known) => known.partitions.extend(topic.partitions),
            None => answers.push(topic),
        }
    }
}
