//! A consumer group as tools and faces see it.

use limpid_protocol::messages::consumer_group_describe_response::{
    Assignment, DescribedGroup, Member as DescribedMember, TopicPartitions,
};

use super::{ConsumerGroup, Member};
use crate::limits::Limits;
use crate::topics::Topics;
use crate::view::MemberView;

/// What a member speaks, in descriptions.
const CLASSIC_MEMBER: i8 = 0;
const CONSUMER_MEMBER: i8 = 1;

impl ConsumerGroup {
    /// ConsumerGroupDescribe.
    pub(crate) fn describe(&self, id: &str, topics: &Topics, limits: &Limits) -> DescribedGroup {
        DescribedGroup {
            group_id: id.to_owned(),
            group_state: self.state().as_str().to_owned(),
            group_epoch: self.epoch,
            assignment_epoch: self.assignment_epoch,
            assignor_name: self.assignor(limits).as_str().to_owned(),
            members: self
                .members
                .values()
                .map(|m| self.described(m, topics))
                .collect(),
            ..DescribedGroup::default()
        }
    }

    fn described(&self, member: &Member, topics: &Topics) -> DescribedMember {
        let target = self.targets.get(&member.id).into_iter().flatten();
        let target = target.map(|(id, partitions)| (id, partitions.iter().copied().collect()));
        let assigned = member.assigned.iter();
        let assigned = assigned.map(|(id, partitions)| (id, partitions.keys().copied().collect()));
        let named = |(id, partitions): (&_, Vec<i32>)| {
            Some(TopicPartitions {
                topic_id: *id,
                topic_name: topics.with_id(*id)?.name.to_string(),
                partitions,
            })
        };
        DescribedMember {
            member_id: member.id.to_string(),
            instance_id: member.instance_id.clone(),
            rack_id: member.rack_id.clone(),
            member_epoch: member.epoch,
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            subscribed_topic_names: member.topics.iter().cloned().collect(),
            // Kafka says an empty string for none.
            subscribed_topic_regex: Some(member.regex.as_deref().unwrap_or_default().to_owned()),
            assignment: Assignment {
                topic_partitions: assigned.filter_map(named).collect(),
            },
            target_assignment: Assignment {
                topic_partitions: target.filter_map(named).collect(),
            },
            member_type: match member.classic {
                Some(_) => CLASSIC_MEMBER,
                None => CONSUMER_MEMBER,
            },
        }
    }

    /// Its members, for faces.
    pub(crate) fn member_views(&self, topics: &Topics) -> Vec<MemberView> {
        let view = |member: &Member| {
            let assigned = member.assigned.iter().filter_map(|(id, partitions)| {
                let name = topics.with_id(*id)?.name.to_string();
                Some((name, partitions.keys().copied().collect()))
            });
            let mut assignment: Vec<(String, Vec<i32>)> = assigned.collect();
            assignment.sort_unstable();
            MemberView {
                id: member.id.clone(),
                instance_id: member.instance_id.clone(),
                client_id: member.client_id.clone(),
                host: member.client_host.trim_start_matches('/').to_owned(),
                assignment,
            }
        };
        self.members.values().map(view).collect()
    }
}
