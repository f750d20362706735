//! Groups and their offsets, as an administrator sees them.

use std::collections::{BTreeMap, HashMap};

use limpid_protocol::messages::delete_groups_request::DeleteGroupsRequest;
use limpid_protocol::messages::describe_groups_request::DescribeGroupsRequest;
use limpid_protocol::messages::describe_groups_response::DescribedGroup;
use limpid_protocol::messages::list_groups_request::ListGroupsRequest;
use limpid_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use limpid_protocol::messages::offset_delete_request::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use limpid_protocol::messages::offset_fetch_request::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use limpid_protocol::messages::offset_fetch_response::OffsetFetchResponse;
use limpid_protocol::{ApiKey, ErrorCode};

use crate::backoff::Backoff;
use crate::client::{Client, NEWEST};
use crate::error::{ClientError, ErrorKind, check};
use crate::metadata::{Node, TopicPartition};
use crate::pool::Lane;
use crate::range;

/// The last version that names topics; later ones take ids.
pub(crate) const OFFSETS_BY_NAME_VERSION_MAX: i16 = 9;
/// OffsetFetch asks for several groups from here on.
const OFFSET_FETCH_BATCH_VERSION: i16 = 8;
/// The generation of a commit from outside of the group.
const NO_GENERATION: i32 = -1;

/// A group in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupListing {
    /// `group.id`.
    pub id: String,
    /// `consumer`, `connect`, or empty.
    pub protocol_type: String,
    /// Kafka's name of the state; empty from brokers before 2.6.
    pub state: String,
    /// `classic`, `consumer` …; empty from brokers before 3.8.
    pub kind: String,
}

/// A group and its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDescription {
    /// `group.id`.
    pub id: String,
    /// Kafka's name of the state.
    pub state: String,
    /// `consumer`, `connect`, or empty.
    pub protocol_type: String,
    /// The assignor agreed on.
    pub protocol: String,
    /// The members.
    pub members: Vec<GroupMember>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// Id that the coordinator gave it.
    pub id: String,
    /// `group.instance.id`.
    pub instance_id: Option<String>,
    /// `client.id`.
    pub client_id: String,
    /// Where it connects from.
    pub host: String,
    /// Its partitions, if the assignment can be read.
    pub assignment: Vec<TopicPartition>,
}

/// An offset that a group committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The next offset to be read.
    pub offset: i64,
    /// What the member noted with it.
    pub metadata: String,
}

impl Client {
    /// The groups of all brokers, by id.
    ///
    /// # Errors
    /// When one of the brokers doesn't answer in time.
    pub async fn list_groups(&self) -> Result<Vec<GroupListing>, ClientError> {
        let mut backoff = Backoff::new(self.config());
        loop {
            match self.list_groups_once().await {
                Ok(groups) => return Ok(groups),
                Err(error) => backoff.after(error).await?,
            }
        }
    }

    async fn list_groups_once(&self) -> Result<Vec<GroupListing>, ClientError> {
        let mut groups = Vec::new();
        let limits = (NEWEST, self.config().request_timeout);
        for node in self.brokers().await? {
            let asked = self.ask((&node, Lane::General), limits, |_| {
                ListGroupsRequest::default()
            });
            let answer = asked.await?;
            check(answer.error_code, "", None)
                .map_err(|kind| ClientError::at(&node.address, ApiKey::ListGroups, kind))?;
            groups.extend(answer.groups.into_iter().map(|group| GroupListing {
                id: group.group_id,
                protocol_type: group.protocol_type,
                state: group.group_state,
                kind: group.group_type,
            }));
        }
        groups.sort_by(|a, b| a.id.cmp(&b.id));
        groups.dedup_by(|a, b| a.id == b.id);
        Ok(groups)
    }

    /// Describes groups: one request to each coordinator.
    ///
    /// # Errors
    /// When one of them can't be described in time.
    pub async fn describe_groups(
        &self,
        ids: &[&str],
    ) -> Result<Vec<GroupDescription>, ClientError> {
        let mut backoff = Backoff::new(self.config());
        let mut described: BTreeMap<String, GroupDescription> = BTreeMap::new();
        loop {
            let missing = ids.iter().filter(|id| !described.contains_key(**id));
            let missing: Vec<&str> = missing.copied().collect();
            match self.describe_groups_once(&missing, &mut described).await {
                Ok(()) => return Ok(described.into_values().collect()),
                Err(error) => {
                    missing.iter().for_each(|id| self.forget_coordinator(id));
                    backoff.after(error).await?;
                }
            }
        }
    }

    async fn describe_groups_once(
        &self,
        ids: &[&str],
        described: &mut BTreeMap<String, GroupDescription>,
    ) -> Result<(), ClientError> {
        let mut by_coordinator: HashMap<i32, (Node, Vec<String>)> = HashMap::new();
        for id in ids {
            let node = self.coordinator(id).await?;
            let (_, groups) = by_coordinator.entry(node.id).or_insert((node, Vec::new()));
            groups.push((*id).to_owned());
        }
        let limits = (NEWEST, self.config().request_timeout);
        for (node, groups) in by_coordinator.into_values() {
            let request = DescribeGroupsRequest {
                groups,
                ..DescribeGroupsRequest::default()
            };
            let answer = self
                .ask((&node, Lane::General), limits, |_| request)
                .await?;
            for group in answer.groups {
                check(
                    group.error_code,
                    &group.group_id,
                    group.error_message.as_deref(),
                )
                .map_err(|kind| ClientError::at(&node.address, ApiKey::DescribeGroups, kind))?;
                described.insert(group.group_id.clone(), describe(group));
            }
        }
        Ok(())
    }

    /// The offsets that a group committed.
    ///
    /// # Errors
    /// When the coordinator can't be asked in time.
    pub async fn offset_fetch(
        &self,
        group: &str,
    ) -> Result<BTreeMap<TopicPartition, CommittedOffset>, ClientError> {
        self.offset_fetch_of(group, None).await
    }

    /// The offsets that a group committed for some partitions, or for all.
    pub(crate) async fn offset_fetch_of(
        &self,
        group: &str,
        partitions: Option<&[TopicPartition]>,
    ) -> Result<BTreeMap<TopicPartition, CommittedOffset>, ClientError> {
        let build = |version| offset_fetch_request(group, partitions, version);
        let judge = |answer: &OffsetFetchResponse| {
            let codes = answer
                .groups
                .first()
                .map_or(answer.error_code, |g| g.error_code);
            check(codes, group, None)?;
            committed(answer).map(drop)
        };
        let ceiling = OFFSETS_BY_NAME_VERSION_MAX;
        let answer = self.ask_coordinator(group, ceiling, build, judge).await?;
        committed(&answer).map_err(|kind| ClientError::new(ApiKey::OffsetFetch, kind))
    }

    /// Commits offsets from outside of the group, which must have no members.
    ///
    /// # Errors
    /// What the coordinator says, `UNKNOWN_MEMBER_ID` if there are members.
    pub async fn offset_commit(
        &self,
        group: &str,
        offsets: &BTreeMap<TopicPartition, i64>,
    ) -> Result<(), ClientError> {
        let request = commit_request(group, "", NO_GENERATION, offsets);
        let build = |_| request.clone();
        let ceiling = OFFSETS_BY_NAME_VERSION_MAX;
        self.ask_coordinator(group, ceiling, build, |answer| commit_errors(group, answer))
            .await?;
        Ok(())
    }

    /// Forgets what a group committed for some partitions.
    ///
    /// # Errors
    /// What the coordinator says, `GROUP_SUBSCRIBED_TO_TOPIC` while members read the topic.
    pub async fn offset_delete(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<(), ClientError> {
        let mut topics: BTreeMap<&str, Vec<OffsetDeleteRequestPartition>> = BTreeMap::new();
        for at in partitions {
            let partition_index = at.partition;
            let of_topic = topics.entry(&at.topic).or_default();
            of_topic.push(OffsetDeleteRequestPartition { partition_index });
        }
        let topic = |(name, partitions): (&str, _)| OffsetDeleteRequestTopic {
            name: name.to_owned(),
            partitions,
        };
        let request = OffsetDeleteRequest {
            group_id: group.to_owned(),
            topics: topics.into_iter().map(topic).collect(),
        };
        self.ask_coordinator(
            group,
            NEWEST,
            |_| request.clone(),
            |answer| {
                check(answer.error_code, group, None)?;
                for topic in &answer.topics {
                    for partition in &topic.partitions {
                        let at = TopicPartition::new(&topic.name, partition.partition_index);
                        check(partition.error_code, at, None)?;
                    }
                }
                Ok(())
            },
        )
        .await?;
        Ok(())
    }

    /// Deletes a group without members, and its offsets.
    ///
    /// # Errors
    /// What the coordinator says: `NON_EMPTY_GROUP`, `GROUP_ID_NOT_FOUND`.
    pub async fn delete_group(&self, group: &str) -> Result<(), ClientError> {
        let request = DeleteGroupsRequest {
            groups_names: vec![group.to_owned()],
        };
        self.ask_coordinator(
            group,
            NEWEST,
            |_| request.clone(),
            |answer| {
                let told = answer.results.first();
                let told = told.ok_or_else(|| ErrorKind::Missing(group.to_owned()))?;
                check(told.error_code, group, None)
            },
        )
        .await?;
        Ok(())
    }
}

fn describe(group: DescribedGroup) -> GroupDescription {
    let members = group.members.into_iter().map(|member| GroupMember {
        id: member.member_id,
        instance_id: member.group_instance_id,
        client_id: member.client_id,
        host: member.client_host,
        // Other kinds of groups (Connect's) have assignments of their own shape.
        assignment: range::decode_assignment(member.member_assignment).unwrap_or_default(),
    });
    GroupDescription {
        id: group.group_id,
        state: group.group_state,
        protocol_type: group.protocol_type,
        protocol: group.protocol_data,
        members: members.collect(),
    }
}

/// OffsetFetch in the shape of the version.
fn offset_fetch_request(
    group: &str,
    partitions: Option<&[TopicPartition]>,
    version: i16,
) -> OffsetFetchRequest {
    let topics: Option<BTreeMap<&str, Vec<i32>>> = partitions.map(|partitions| {
        let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
        for at in partitions {
            topics.entry(&at.topic).or_default().push(at.partition);
        }
        topics
    });
    let mut request = OffsetFetchRequest::default();
    if version < OFFSET_FETCH_BATCH_VERSION {
        request.group_id = group.to_owned();
        request.topics = topics.map(|topics| {
            let topic = |(name, partition_indexes): (&str, _)| OffsetFetchRequestTopic {
                name: name.to_owned(),
                partition_indexes,
            };
            topics.into_iter().map(topic).collect()
        });
        return request;
    }
    let topic = |(name, partition_indexes): (&str, _)| OffsetFetchRequestTopics {
        name: name.to_owned(),
        partition_indexes,
        ..OffsetFetchRequestTopics::default()
    };
    request.groups.push(OffsetFetchRequestGroup {
        group_id: group.to_owned(),
        topics: topics.map(|topics| topics.into_iter().map(topic).collect()),
        ..OffsetFetchRequestGroup::default()
    });
    request
}

/// The commits in an answer of either shape. Partitions without one are left out.
fn committed(
    answer: &OffsetFetchResponse,
) -> Result<BTreeMap<TopicPartition, CommittedOffset>, ErrorKind> {
    let mut committed = BTreeMap::new();
    let mut note = |at: TopicPartition, code, offset, metadata: &Option<String>| {
        check(code, &at, None)?;
        if offset >= 0 {
            let metadata = metadata.clone().unwrap_or_default();
            committed.insert(at, CommittedOffset { offset, metadata });
        }
        Ok::<_, ErrorKind>(())
    };
    for topic in &answer.topics {
        for p in &topic.partitions {
            let at = TopicPartition::new(&topic.name, p.partition_index);
            note(at, p.error_code, p.committed_offset, &p.metadata)?;
        }
    }
    for topic in answer.groups.iter().flat_map(|group| &group.topics) {
        for p in &topic.partitions {
            let at = TopicPartition::new(&topic.name, p.partition_index);
            note(at, p.error_code, p.committed_offset, &p.metadata)?;
        }
    }
    Ok(committed)
}

/// OffsetCommit of a member, or of nobody.
pub(crate) fn commit_request(
    group: &str,
    member_id: &str,
    generation: i32,
    offsets: &BTreeMap<TopicPartition, i64>,
) -> OffsetCommitRequest {
    let mut topics: BTreeMap<&str, Vec<OffsetCommitRequestPartition>> = BTreeMap::new();
    for (at, offset) in offsets {
        let partition = OffsetCommitRequestPartition {
            partition_index: at.partition,
            committed_offset: *offset,
            committed_metadata: Some(String::new()),
            ..OffsetCommitRequestPartition::default()
        };
        topics.entry(&at.topic).or_default().push(partition);
    }
    let topic = |(name, partitions): (&str, _)| OffsetCommitRequestTopic {
        name: name.to_owned(),
        partitions,
        ..OffsetCommitRequestTopic::default()
    };
    OffsetCommitRequest {
        group_id: group.to_owned(),
        generation_id_or_member_epoch: generation,
        member_id: member_id.to_owned(),
        topics: topics.into_iter().map(topic).collect(),
        ..OffsetCommitRequest::default()
    }
}

/// The first error of a commit.
pub(crate) fn commit_errors(
    group: &str,
    answer: &limpid_protocol::messages::offset_commit_response::OffsetCommitResponse,
) -> Result<(), ErrorKind> {
    for topic in &answer.topics {
        for partition in &topic.partitions {
            if partition.error_code != ErrorCode::None.code() {
                let at = TopicPartition::new(&topic.name, partition.partition_index);
                check(partition.error_code, format_args!("{group}, {at}"), None)?;
            }
        }
    }
    Ok(())
}
