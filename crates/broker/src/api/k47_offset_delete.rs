//! OffsetDelete, key 47, version 0.
//!
//! - Deletes single offsets of a group (KIP-496), not those of topics that it reads now:
//!   GROUP_SUBSCRIBED_TO_TOPIC.

use std::sync::Arc;

use limpid_protocol::messages::OffsetDeleteRequest;
use limpid_protocol::messages::offset_delete_response::{
    OffsetDeleteResponse, OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{Operation, ResourceKind};
use crate::audit::changes::Change;
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};
use crate::topics::Topics;

/// Answers OffsetDelete.
pub struct OffsetDelete {
    groups: Arc<Groups>,
    topics: Arc<Topics>,
}

impl OffsetDelete {
    /// `topics` tell which partitions exist.
    pub fn new(groups: Arc<Groups>, topics: Arc<Topics>) -> Self {
        Self { groups, topics }
    }
}

impl Answer for OffsetDelete {
    type Request = OffsetDeleteRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::OffsetDelete, 0, 0);

    async fn answer(
        &self,
        request: OffsetDeleteRequest,
        call: &mut Call<'_>,
    ) -> OffsetDeleteResponse {
        if !call.may(Operation::Delete, ResourceKind::Group, &request.group_id) {
            return OffsetDeleteResponse {
                error_code: call.note(ErrorCode::GroupAuthorizationFailed),
                ..OffsetDeleteResponse::default()
            };
        }
        let table = self.topics.table();
        let (mut known, mut refused) = (Vec::new(), Vec::new());
        for topic in request.topics {
            if !call.may(Operation::Read, ResourceKind::Topic, &topic.name) {
                let indexes = topic.partitions.iter().map(|p| p.partition_index);
                let denied = call.note(ErrorCode::TopicAuthorizationFailed);
                refused.push(answer(&topic.name, &indexes.collect::<Vec<i32>>(), denied));
                continue;
            }
            let found = table.named(&topic.name);
            let exists = |index: i32| found.is_some_and(|t| t.has_partition(index));
            let indexes = topic.partitions.iter().map(|p| p.partition_index);
            let (good, bad): (Vec<i32>, Vec<i32>) = indexes.partition(|i| exists(*i));
            if !bad.is_empty() {
                let missing = call.note(ErrorCode::UnknownTopicOrPartition);
                refused.push(answer(&topic.name, &bad, missing));
            }
            if !good.is_empty() {
                known.push((topic.name, good));
            }
        }
        let id = request.group_id;
        let done = self
            .groups
            .step(&id, |c, _, out| c.delete_offsets(&id, &known, out))
            .await;
        let done = done.and_then(|done| Ok((done.value?, done.written)));
        let (errors, written) = match done {
            Ok(done) => done,
            Err(error) => {
                return OffsetDeleteResponse {
                    error_code: call.note(error),
                    ..OffsetDeleteResponse::default()
                };
            }
        };
        for ((name, indexes), error) in known.iter().zip(errors) {
            let error = match error {
                ErrorCode::None => written.err().unwrap_or(ErrorCode::None),
                error => error,
            };
            if error == ErrorCode::None {
                self.groups.count_deleted_offsets(indexes.len());
            }
            for index in indexes {
                let change = Change::new("delete offset", "group", &id);
                call.changed(change.after(format!("{name}-{index}")).ended(error));
            }
            let code = call.note(error);
            let more = answer(name, indexes, code);
            match refused.iter_mut().find(|t| t.name == more.name) {
                Some(there) => there.partitions.extend(more.partitions),
                None => refused.push(more),
            }
        }
        OffsetDeleteResponse {
            topics: refused,
            ..OffsetDeleteResponse::default()
        }
    }
}

fn answer(name: &str, indexes: &[i32], error_code: i16) -> OffsetDeleteResponseTopic {
    let partitions = indexes.iter().map(|index| OffsetDeleteResponsePartition {
        partition_index: *index,
        error_code,
    });
    OffsetDeleteResponseTopic {
        name: name.to_owned(),
        partitions: partitions.collect(),
    }
}
