//! OffsetFetch, key 9, versions 1–10.
//!
//! - From version 2 without topics for all of a group; from 8 for many groups at once; from 10 by
//!   topic id.
//! - From version 9 a member of a consumer group says who it is and in which epoch.
//! - "No commit" is offset −1 without an error. A group that does not exist has no commits.
//! - `require_stable` (version 7) asks not to be told offsets that a transaction may still change:
//!   UNSTABLE_OFFSET_COMMIT, ask again.

use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_coordinator::{Committed, Coordinator};
use limpid_protocol::messages::OffsetFetchRequest;
use limpid_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use limpid_protocol::messages::offset_fetch_response::{
    OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions, OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{Operation, ResourceKind};
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};
use crate::leadership::locate;
use crate::topics::{TopicTable, Topics};

/// Version from which a request is for many groups.
const MANY_GROUPS: i16 = 8;
/// Version from which topics come by id.
const BY_ID: i16 = 10;
/// Version from which the whole answer has an error.
const WITH_ERROR: i16 = 2;
const NO_OFFSET: i64 = -1;
const NO_EPOCH: i32 = -1;

/// Answers OffsetFetch.
pub struct OffsetFetch {
    groups: Arc<Groups>,
    topics: Arc<Topics>,
}

impl OffsetFetch {
    /// `topics` translate ids.
    pub fn new(groups: Arc<Groups>, topics: Arc<Topics>) -> Self {
        Self { groups, topics }
    }
}

impl Answer for OffsetFetch {
    type Request = OffsetFetchRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::OffsetFetch, 1, 10);

    async fn answer(
        &self,
        request: OffsetFetchRequest,
        call: &mut Call<'_>,
    ) -> OffsetFetchResponse {
        if call.version >= MANY_GROUPS {
            let mut response = OffsetFetchResponse::default();
            for group in request.groups {
                let answer = self.fetch(group, request.require_stable, call).await;
                response.groups.push(answer);
            }
            return response;
        }
        let topics = request.topics.map(|topics| {
            let topics = topics.into_iter().map(|t| OffsetFetchRequestTopics {
                name: t.name,
                partition_indexes: t.partition_indexes,
                ..OffsetFetchRequestTopics::default()
            });
            topics.collect()
        });
        let group = OffsetFetchRequestGroup {
            group_id: request.group_id,
            topics,
            ..OffsetFetchRequestGroup::default()
        };
        let wanted = group.topics.clone();
        let answer = self.fetch(group, request.require_stable, call).await;
        single(answer, wanted, call.version)
    }
}

impl OffsetFetch {
    async fn fetch(
        &self,
        group: OffsetFetchRequestGroup,
        stable: bool,
        call: &mut Call<'_>,
    ) -> OffsetFetchResponseGroup {
        let id = group.group_id.clone();
        if !call.may(Operation::Describe, ResourceKind::Group, &id) {
            return OffsetFetchResponseGroup {
                group_id: id,
                error_code: call.note(ErrorCode::GroupAuthorizationFailed),
                ..OffsetFetchResponseGroup::default()
            };
        }
        let table = self.topics.table();
        let by_id = call.version >= BY_ID;
        let wants_all = group.topics.is_none();
        let done = self.groups.step(&id, |coordinator, _, _| {
            coordinator.check_fetch(&id, group.member_id.as_deref(), group.member_epoch)?;
            Ok(match group.topics {
                Some(topics) => {
                    let topics = topics.into_iter();
                    topics
                        .map(|t| some((coordinator, &table), &id, t, (by_id, stable)))
                        .collect()
                }
                None => all((coordinator, &table), &id, (by_id, stable)),
            })
        });
        match done.await.and_then(|done| done.value) {
            Ok(topics) => OffsetFetchResponseGroup {
                group_id: id,
                topics: allowed(topics, wants_all, call),
                ..OffsetFetchResponseGroup::default()
            },
            Err(error) => OffsetFetchResponseGroup {
                group_id: id,
                // Consumers before 3.9 don't try again on the more exact code.
                error_code: call.note(match error {
                    ErrorCode::CoordinatorNotAvailable => ErrorCode::NotCoordinator,
                    other => other,
                }),
                ..OffsetFetchResponseGroup::default()
            },
        }
    }
}

/// Leaves out the offsets of topics that the client may not see; one that it named itself is
/// answered with the error.
fn allowed(
    topics: Vec<OffsetFetchResponseTopics>,
    wants_all: bool,
    call: &mut Call<'_>,
) -> Vec<OffsetFetchResponseTopics> {
    let mut answer = Vec::with_capacity(topics.len());
    for mut topic in topics {
        if !topic.name.is_empty()
            && !call.sees(Operation::Describe, ResourceKind::Topic, &topic.name)
        {
            if wants_all {
                continue;
            }
            let denied = ErrorCode::TopicAuthorizationFailed;
            call.note(denied);
            let indexes = topic.partitions.iter().map(|p| p.partition_index);
            topic.partitions = indexes
                .map(|index| partition(index, None, denied))
                .collect();
        }
        answer.push(topic);
    }
    answer
}

fn some(
    (coordinator, table): (&Coordinator, &TopicTable),
    group: &str,
    mut topic: OffsetFetchRequestTopics,
    (by_id, stable): (bool, bool),
) -> OffsetFetchResponseTopics {
    let mut error = ErrorCode::None;
    if by_id {
        match locate(table, true, topic.topic_id, "") {
            Ok(found) => topic.name = found.name.to_string(),
            Err(unknown) => error = unknown,
        }
    }
    let partitions = topic.partition_indexes.into_iter().map(|index| {
        if stable && error == ErrorCode::None && coordinator.is_unstable(group, &topic.name, index)
        {
            return partition(index, None, ErrorCode::UnstableOffsetCommit);
        }
        let committed = coordinator.offset(group, &topic.name, index);
        partition(index, committed.filter(|_| error == ErrorCode::None), error)
    });
    OffsetFetchResponseTopics {
        partitions: partitions.collect(),
        name: topic.name,
        topic_id: topic.topic_id,
    }
}

fn all(
    (coordinator, table): (&Coordinator, &TopicTable),
    group: &str,
    (by_id, stable): (bool, bool),
) -> Vec<OffsetFetchResponseTopics> {
    let none = BTreeMap::new();
    let offsets = coordinator.offsets(group).unwrap_or(&none);
    let topics = offsets.iter().filter_map(|(name, partitions)| {
        let known = table.named(name);
        if by_id && known.is_none() {
            // It can't be named.
            return None;
        }
        let partitions = partitions.iter();
        Some(OffsetFetchResponseTopics {
            name: name.to_string(),
            topic_id: known.map(|t| t.id).unwrap_or_default(),
            partitions: partitions
                .map(
                    |(index, c)| match stable && coordinator.is_unstable(group, name, *index) {
                        true => partition(*index, None, ErrorCode::UnstableOffsetCommit),
                        false => partition(*index, Some(c), ErrorCode::None),
                    },
                )
                .collect(),
        })
    });
    topics.collect()
}

fn partition(
    index: i32,
    committed: Option<&Committed>,
    error: ErrorCode,
) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index: index,
        committed_offset: committed.map_or(NO_OFFSET, |c| c.offset),
        committed_leader_epoch: committed.map_or(NO_EPOCH, |c| c.leader_epoch),
        metadata: Some(committed.map_or_else(String::new, |c| c.metadata.to_string())),
        error_code: error.code(),
    }
}

/// The answer of versions that know one group only.
fn single(
    group: OffsetFetchResponseGroup,
    wanted: Option<Vec<OffsetFetchRequestTopics>>,
    version: i16,
) -> OffsetFetchResponse {
    let mut topics = group.topics;
    if version < WITH_ERROR && group.error_code != ErrorCode::None.code() {
        // The error has to be said for each partition.
        let wanted = wanted.unwrap_or_default().into_iter();
        let refused = wanted.map(|t| OffsetFetchResponseTopics {
            name: t.name,
            topic_id: t.topic_id,
            partitions: t
                .partition_indexes
                .into_iter()
                .map(|index| OffsetFetchResponsePartitions {
                    error_code: group.error_code,
                    ..partition(index, None, ErrorCode::None)
                })
                .collect(),
        });
        topics = refused.collect();
    }
    let topics = topics.into_iter().map(|t| OffsetFetchResponseTopic {
        name: t.name,
        partitions: t
            .partitions
            .into_iter()
            .map(|p| OffsetFetchResponsePartition {
                partition_index: p.partition_index,
                committed_offset: p.committed_offset,
                committed_leader_epoch: p.committed_leader_epoch,
                metadata: p.metadata,
                error_code: p.error_code,
            })
            .collect(),
    });
    OffsetFetchResponse {
        topics: topics.collect(),
        error_code: group.error_code,
        ..OffsetFetchResponse::default()
    }
}
