//! DeleteTopics, key 20, versions 0–6.
//!
//! - Version 0, which Kafka 4 dropped, is kept for clients that hard-code it.
//! - From version 6 topics come by name or by id (KIP-516).
//! - Partitions are counted against the client's quota of changes (KIP-599); from version 5 who has
//!   used it up is refused, before that they are only held back.
//! - `delete.topic.enable=false` refuses. Files go after `file.delete.delay.ms`.

use std::collections::HashMap;
use std::sync::Arc;

use limpid_protocol::messages::DeleteTopicsRequest;
use limpid_protocol::messages::delete_topics_response::{
    DeletableTopicResult, DeleteTopicsResponse,
};
use limpid_protocol::{ApiKey, ErrorCode, Uuid};
use limpid_storage::metadata::{Image, Refusal, changes};

use crate::access::{Operation, ResourceKind};
use crate::audit::changes::Change;
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::quotas::mutations::Permits;
use crate::settings::Settings;
use crate::share::Shares;

/// From this version on clients know THROTTLING_QUOTA_EXCEEDED.
const STRICT_VERSION: i16 = 5;

/// Answers DeleteTopics.
pub struct DeleteTopics {
    metadata: Arc<Metadata>,
    settings: Arc<Settings>,
    groups: Arc<Groups>,
    shares: Arc<Shares>,
}

/// What a request names.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Target {
    name: Option<String>,
    id: Uuid,
}

impl DeleteTopics {
    /// `settings` say whether topics may be deleted; `groups` forget their offsets there, `shares`
    /// what became of records.
    pub fn new(
        metadata: Arc<Metadata>,
        settings: Arc<Settings>,
        groups: Arc<Groups>,
        shares: Arc<Shares>,
    ) -> Self {
        Self {
            metadata,
            settings,
            groups,
            shares,
        }
    }

    async fn delete(
        &self,
        target: &Target,
        permits: &Permits,
        call: &Call<'_>,
    ) -> Result<(String, Uuid), Refusal> {
        if !self.settings.current().broker().topics.delete_enabled {
            // Clients before version 3 don't know the better code.
            let code = if call.version >= 3 {
                ErrorCode::TopicDeletionDisabled
            } else {
                ErrorCode::InvalidRequest
            };
            return Err(Refusal::new(code, "delete.topic.enable is false"));
        }
        let image = self.metadata.image();
        let found = find(&image, target);
        let name = found
            .as_ref()
            .ok()
            .map(|(name, _)| name)
            .or(target.name.as_ref());
        if let Some(name) = name {
            may_delete(call, name, target)?;
        }
        let (name, id) = found?;
        permits.take(image.topic(id).map_or(0, |topic| topic.partitions.len()))?;
        self.metadata
            .change(move |image| changes::delete_topic(image, id))
            .await?;
        Ok((name, id))
    }
}

impl Answer for DeleteTopics {
    type Request = DeleteTopicsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::DeleteTopics, 0, 6);

    async fn answer(
        &self,
        request: DeleteTopicsRequest,
        call: &mut Call<'_>,
    ) -> DeleteTopicsResponse {
        let by_name = request.topic_names.into_iter();
        let mut targets: Vec<Target> = by_name
            .map(|name| Target {
                name: Some(name),
                id: Uuid::ZERO,
            })
            .collect();
        let states = request.topics.into_iter();
        targets.extend(states.map(|t| Target {
            name: t.name,
            id: t.topic_id,
        }));
        let mut counts: HashMap<Target, usize> = HashMap::new();
        for target in &targets {
            *counts.entry(target.clone()).or_default() += 1;
        }
        let mut response = DeleteTopicsResponse::default();
        let permits = call.quotas.permits(call.version >= STRICT_VERSION);
        let mut some_are_gone = false;
        for target in targets {
            let done = match counts.remove(&target) {
                Some(1) => self.delete(&target, &permits, call).await,
                Some(_) => {
                    let message = "a topic may be named only once";
                    Err(Refusal::new(ErrorCode::InvalidRequest, message))
                }
                // Answered when it was seen first.
                None => continue,
            };
            response.responses.push(match done {
                Ok((name, topic_id)) => {
                    some_are_gone = true;
                    call.changed(Change::new("delete", "topic", &name));
                    DeletableTopicResult {
                        name: Some(name),
                        topic_id,
                        ..DeletableTopicResult::default()
                    }
                }
                Err(refusal) => {
                    let name = target.name.as_deref().unwrap_or_default();
                    call.changed(Change::new("delete", "topic", name).ended(refusal.code));
                    DeletableTopicResult {
                        name: target.name,
                        topic_id: target.id,
                        error_code: call.note(refusal.code),
                        error_message: Some(refusal.message),
                    }
                }
            });
        }
        call.quotas.hold_back_for(&permits);
        if some_are_gone {
            self.groups.forget_missing_topics().await;
            self.shares.forget_missing_topics();
        }
        response
    }
}

/// Whether the client may delete a topic. One who may not even see it is not told its name.
fn may_delete(call: &Call<'_>, name: &str, target: &Target) -> Result<(), Refusal> {
    if call.may(Operation::Delete, ResourceKind::Topic, name) {
        return Ok(());
    }
    let sees = call.sees(Operation::Describe, ResourceKind::Topic, name);
    let code = if target.name.is_none() && !sees {
        ErrorCode::UnknownTopicId
    } else {
        ErrorCode::TopicAuthorizationFailed
    };
    Err(Refusal::new(code, code.message()))
}

fn find(image: &Image, target: &Target) -> Result<(String, Uuid), Refusal> {
    match &target.name {
        Some(_) if !target.id.is_zero() => {
            let message = "a topic is named by name or by id, not by both";
            Err(Refusal::new(ErrorCode::InvalidRequest, message))
        }
        Some(name) => match image.topic_id(name) {
            Some(id) => Ok((name.clone(), id)),
            None => {
                let message = format!("there is no topic '{name}'");
                Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, message))
            }
        },
        None if target.id.is_zero() => {
            let message = "neither the name nor the id of a topic was given";
            Err(Refusal::new(ErrorCode::InvalidRequest, message))
        }
        None => match image.topic(target.id) {
            Some(topic) => Ok((topic.name.to_string(), target.id)),
            None => {
                let message = format!("there is no topic of id {}", target.id);
                Err(Refusal::new(ErrorCode::UnknownTopicId, message))
            }
        },
    }
}
