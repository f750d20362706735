//! A share group as tools and faces see it.

use limpid_protocol::messages::share_group_describe_response::{
    Assignment, DescribedGroup, Member as DescribedMember, TopicPartitions,
};

use super::{ASSIGNOR, Member, ShareGroup};
use crate::topics::Topics;
use crate::view::MemberView;

impl ShareGroup {
    /// ShareGroupDescribe.
    pub(crate) fn describe(&self, id: &str, topics: &Topics) -> DescribedGroup {
        let members = self.members.values();
        DescribedGroup {
            group_id: id.to_owned(),
            group_state: self.state().as_str().to_owned(),
            group_epoch: self.epoch,
            assignment_epoch: self.assignment_epoch,
            assignor_name: ASSIGNOR.to_owned(),
            members: members.map(|member| describe(member, topics)).collect(),
            ..DescribedGroup::default()
        }
    }

    /// The members, for faces.
    pub(crate) fn member_views(&self, topics: &Topics) -> Vec<MemberView> {
        let members = self.members.values().map(|member| MemberView {
            id: std::sync::Arc::clone(&member.id),
            instance_id: None,
            client_id: member.client_id.clone(),
            host: member.client_host.trim_start_matches('/').to_owned(),
            assignment: named(member, topics)
                .map(|topic| (topic.topic_name, topic.partitions))
                .collect(),
        });
        members.collect()
    }
}

fn describe(member: &Member, topics: &Topics) -> DescribedMember {
    DescribedMember {
        member_id: member.id.to_string(),
        rack_id: member.rack_id.clone(),
        member_epoch: member.epoch,
        client_id: member.client_id.clone(),
        client_host: member.client_host.clone(),
        subscribed_topic_names: member.topics.iter().cloned().collect(),
        assignment: Assignment {
            topic_partitions: named(member, topics).collect(),
        },
    }
}

/// What a member has, of topics that exist.
fn named<'a>(member: &'a Member, topics: &'a Topics) -> impl Iterator<Item = TopicPartitions> + 'a {
    member.assigned.iter().filter_map(|(id, partitions)| {
        let topic = topics.with_id(*id)?;
        Some(TopicPartitions {
            topic_id: *id,
            topic_name: topic.name.to_string(),
            partitions: partitions.iter().copied().collect(),
        })
    })
}
