//! Share groups: how far behind they are, and what becomes of deliveries.

use std::time::Duration;

use limpid_cluster::GroupKind;
use limpid_cluster::findings::{Cause, Field};
use limpid_protocol::Uuid;
use limpid_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use limpid_protocol::messages::share_acknowledge_request::{
    AcknowledgePartition, AcknowledgeTopic, AcknowledgementBatch, ShareAcknowledgeRequest,
};
use limpid_protocol::messages::share_fetch_request::{
    FetchPartition, FetchTopic, ShareFetchRequest,
};
use limpid_protocol::messages::{MetadataRequest, ShareGroupHeartbeatRequest};

use crate::home::{Client, until};
use crate::scene::{GROUP, Scene, TOPIC};

const MEMBER: &str = "wTVcqRjJSgqLxQnmJ1yUbA";
/// Kafka's type of a group's configuration.
const GROUP_CONFIG: i8 = 32;
const ACCEPT: i8 = 1;

/// A member, and where it is in its session.
struct Sharer {
    client: Client,
    topic_id: Uuid,
    epoch: i32,
    session: i32,
}

impl Sharer {
    fn join(scene: &mut Scene) -> Self {
        from_the_beginning(&mut scene.client);
        let request = MetadataRequest {
            topics: None,
            ..MetadataRequest::default()
        };
        let mut topics = scene.client.call(&request, 12).topics.into_iter();
        let topic = topics.find(|topic| topic.name.as_deref() == Some(TOPIC));
        let mut sharer = Self {
            client: scene.home.client(),
            topic_id: topic.unwrap().topic_id,
            epoch: 0,
            session: 0,
        };
        until("partition of the share group", || {
            (sharer.beat() > 0).then_some(())
        });
        sharer
    }

    /// Topics that it is assigned.
    fn beat(&mut self) -> usize {
        let request = ShareGroupHeartbeatRequest {
            group_id: GROUP.to_owned(),
            member_id: MEMBER.to_owned(),
            member_epoch: self.epoch,
            subscribed_topic_names: (self.epoch == 0).then(|| vec![TOPIC.to_owned()]),
            ..ShareGroupHeartbeatRequest::default()
        };
        let answer = self.client.call(&request, 1);
        if answer.error_code != 0 {
            return 0;
        }
        self.epoch = answer.member_epoch;
        answer.assignment.map_or(0, |a| a.topic_partitions.len())
    }

    /// Takes what there is: the first and the last offset.
    fn take(&mut self) -> (i64, i64) {
        until("records of the share group", || {
            let request = ShareFetchRequest {
                group_id: Some(GROUP.to_owned()),
                member_id: Some(MEMBER.to_owned()),
                share_session_epoch: self.session,
                max_wait_ms: 500,
                min_bytes: 1,
                max_bytes: 1 << 20,
                max_records: 500,
                batch_size: 500,
                topics: vec![FetchTopic {
                    topic_id: self.topic_id,
                    partitions: vec![FetchPartition::default()],
                }],
                ..ShareFetchRequest::default()
            };
            let answer = self.client.call(&request, 1);
            assert_eq!(answer.error_code, 0, "{answer:?}");
            self.session += 1;
            let acquired = answer.responses.iter().flat_map(|topic| &topic.partitions);
            let acquired = acquired.flat_map(|part| &part.acquired_records);
            let ends: Vec<(i64, i64)> = acquired.map(|a| (a.first_offset, a.last_offset)).collect();
            Some((ends.first()?.0, ends.last()?.1))
        })
    }

    fn accept(&mut self, (first, last): (i64, i64)) {
        let request = ShareAcknowledgeRequest {
            group_id: Some(GROUP.to_owned()),
            member_id: Some(MEMBER.to_owned()),
            share_session_epoch: self.session,
            topics: vec![AcknowledgeTopic {
                topic_id: self.topic_id,
                partitions: vec![AcknowledgePartition {
                    partition_index: 0,
                    acknowledgement_batches: vec![AcknowledgementBatch {
                        first_offset: first,
                        last_offset: last,
                        acknowledge_types: vec![ACCEPT],
                    }],
                }],
            }],
            ..ShareAcknowledgeRequest::default()
        };
        let answer = self.client.call(&request, 1);
        assert_eq!(answer.error_code, 0, "{answer:?}");
        self.session += 1;
    }
}

fn from_the_beginning(client: &mut Client) {
    let request = IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: GROUP_CONFIG,
            resource_name: GROUP.to_owned(),
            configs: vec![AlterableConfig {
                name: "share.auto.offset.reset".to_owned(),
                value: Some("earliest".to_owned()),
                ..AlterableConfig::default()
            }],
        }],
        ..IncrementalAlterConfigsRequest::default()
    };
    let answer = client.call(&request, 1);
    assert_eq!(answer.responses[0].error_code, 0, "{answer:?}");
}

#[test]
fn what_is_acknowledged_is_done() {
    let mut scene = Scene::new(1);
    scene.write(0, 10);
    let mut sharer = Sharer::join(&mut scene);
    let all = sharer.take();
    assert_eq!(all, (0, 9));
    let lag = |records| {
        until("lag of the share group", || {
            let group = scene.group();
            let known = group.partitions().any(|(_, p)| p.lag.is_some());
            (known && group.lag_records() == records).then_some(group)
        })
    };
    // Behind the first that is not done two are done: 8 are left, wherever they are.
    sharer.accept((4, 5));
    let group = lag(8);
    assert_eq!((group.kind, group.members.len()), (GroupKind::Share, 1));
    sharer.accept((0, 3));
    lag(4);
    sharer.accept((6, 9));
    assert_eq!(lag(0).lag_seconds(), Some(0.0));
    scene.client.delete(TOPIC);
    until("end of the series", || {
        let series = format!("{{group=\"{GROUP}\",topic");
        (!scene.home.scrape().contains(&series)).then_some(())
    });
}

#[test]
fn locks_that_end_by_themselves_are_named() {
    let mut scene = Scene::new(1);
    scene.write(0, 10);
    let mut sharer = Sharer::join(&mut scene);
    assert_eq!(sharer.take(), (0, 9));
    // The watch must have seen the group before.
    scene.pass(1);
    scene.home.clock().skip(Duration::from_secs(31));
    scene.expect_when(Cause::LocksExpire, |found| {
        found.fields["locks_expired"] == Field::Count(10)
    });
}
