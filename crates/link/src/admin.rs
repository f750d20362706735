//! Changes.

use std::collections::BTreeMap;

use limpid_client::{ClientError, TopicPartition, TopicSpec};
use limpid_cluster::{AdminError, ClusterAdmin, NewTopic, OffsetReset, Pending};
use limpid_protocol::ErrorCode;

use crate::error::admin_error;
use crate::{CHANGE_PATIENCE, Link};

impl ClusterAdmin for Link {
    fn create_topic(&self, topic: NewTopic) -> Pending<'_, ()> {
        let spec = TopicSpec {
            name: topic.name,
            partitions: topic.partitions,
            replication_factor: topic.replication_factor,
            configs: topic.configs,
        };
        within(async move { self.client.create_topic(&spec).await })
    }

    fn delete_topic<'a>(&'a self, name: &'a str) -> Pending<'a, ()> {
        within(self.client.delete_topic(name))
    }

    fn alter_topic<'a>(
        &'a self,
        name: &'a str,
        settings: Vec<(String, Option<String>)>,
    ) -> Pending<'a, ()> {
        within(async move { self.client.alter_topic(name, &settings).await })
    }

    fn reset_offsets<'a>(&'a self, group: &'a str, to: Vec<OffsetReset>) -> Pending<'a, ()> {
        let offsets: BTreeMap<TopicPartition, i64> = to
            .into_iter()
            .map(|reset| {
                let at = TopicPartition::new(reset.topic, reset.partition);
                (at, reset.offset)
            })
            .collect();
        Box::pin(async move {
            let done = within(async { self.client.offset_commit(group, &offsets).await }).await;
            done.map_err(|error| explained(group, error))
        })
    }

    fn delete_group<'a>(&'a self, group: &'a str) -> Pending<'a, ()> {
        within(self.client.delete_group(group))
    }
}

/// Kafka refuses a commit from outside of a group with members by a name that explains nothing.
fn explained(group: &str, error: AdminError) -> AdminError {
    match error {
        AdminError::Refused(why) if why.contains(ErrorCode::UnknownMemberId.name()) => {
            let cure = "stop them first, then move the offsets";
            AdminError::Refused(format!("{group} has members: {cure} ({why})"))
        }
        other => other,
    }
}

/// A call that ends in time and in the faces' words.
fn within<'a>(call: impl Future<Output = Result<(), ClientError>> + Send + 'a) -> Pending<'a, ()> {
    Box::pin(async move {
        match tokio::time::timeout(CHANGE_PATIENCE, call).await {
            Ok(done) => done.map_err(admin_error),
            Err(_) => {
                let sentence = format!("the cluster did not answer within {CHANGE_PATIENCE:?}");
                Err(AdminError::Unavailable(sentence))
            }
        }
    })
}
