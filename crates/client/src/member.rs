//! Membership in a classic group: join, sync, heartbeat, leave.
//!
//! The state is shared with a task that sends heartbeats. That task never joins: it only notes that
//! the member must, and [`Membership::join`] is called by whoever consumes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use limpid_protocol::messages::heartbeat_request::HeartbeatRequest;
use limpid_protocol::messages::join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol};
use limpid_protocol::messages::join_group_response::JoinGroupResponse;
use limpid_protocol::messages::leave_group_request::{LeaveGroupRequest, MemberIdentity};
use limpid_protocol::messages::sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment};
use limpid_protocol::{ApiKey, EncodeError, ErrorCode};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::client::{Client, NEWEST};
use crate::config::ConsumerConfig;
use crate::error::{ClientError, ErrorKind, check};
use crate::groups::{OFFSETS_BY_NAME_VERSION_MAX, commit_errors, commit_request};
use crate::metadata::{TopicInfo, TopicPartition};
use crate::pool::Lane;
use crate::range::{self, Subscriber};

/// The protocol type of consumers.
const CONSUMER: &str = "consumer";
/// JoinGroup is answered when all have joined; the answer may take this much longer.
const JOIN_GRACE: Duration = Duration::from_secs(5);
/// LeaveGroup takes a list of members from here on.
const LEAVE_LIST_VERSION: i16 = 3;

/// A member's place in its group.
pub(crate) struct Membership {
    client: Client,
    config: ConsumerConfig,
    topics: Vec<String>,
    state: Mutex<State>,
}

struct State {
    member_id: String,
    generation: i32,
    /// It has a generation, and nothing said that it must join again.
    joined: bool,
    last_poll: Instant,
    /// What the assignment was made of, if this member made it.
    led: Option<Led>,
    /// The group won't have it any more.
    fenced: Option<ClientError>,
}

/// The group's topics as its leader knew them.
#[derive(Clone)]
struct Led {
    partitions: HashMap<String, Vec<i32>>,
    names: Vec<String>,
    looked: Instant,
}

/// Member id and generation at one moment.
#[derive(Clone)]
struct Identity {
    member_id: String,
    generation: i32,
}

impl Membership {
    pub(crate) fn new(client: Client, config: ConsumerConfig, topics: Vec<String>) -> Self {
        let state = State {
            member_id: String::new(),
            generation: -1,
            joined: false,
            last_poll: Instant::now(),
            led: None,
            fenced: None,
        };
        let state = Mutex::new(state);
        Self {
            client,
            config,
            topics,
            state,
        }
    }

    /// Whether it must join (again) before it may go on.
    ///
    /// # Errors
    /// When the group won't have it any more.
    pub(crate) fn must_join(&self) -> Result<bool, ClientError> {
        let mut state = self.state.lock();
        state.last_poll = Instant::now();
        match &state.fenced {
            Some(error) => Err(error.clone()),
            None => Ok(!state.joined),
        }
    }

    pub(crate) fn member_id(&self) -> String {
        self.state.lock().member_id.clone()
    }

    pub(crate) fn generation(&self) -> i32 {
        self.state.lock().generation
    }

    fn identity(&self) -> Identity {
        let state = self.state.lock();
        Identity {
            member_id: state.member_id.clone(),
            generation: state.generation,
        }
    }

    /// Joins until it has an assignment.
    pub(crate) async fn join(&self) -> Result<Vec<TopicPartition>, ClientError> {
        let mut backoff = Backoff::new(self.client.config());
        loop {
            let error = match self.join_once().await {
                Ok(Some(partitions)) => return Ok(partitions),
                // Another round of the same handshake.
                Ok(None) => continue,
                Err(error) => error,
            };
            if !self.is_out_of_date(&error) {
                backoff.after(error).await?;
            }
        }
    }

    /// Takes back what the error proves wrong; false if it proves nothing.
    fn is_out_of_date(&self, error: &ClientError) -> bool {
        let mut state = self.state.lock();
        match error.code() {
            Some(ErrorCode::RebalanceInProgress | ErrorCode::IllegalGeneration) => {}
            Some(ErrorCode::UnknownMemberId) => state.member_id.clear(),
            Some(ErrorCode::FencedInstanceId) => {
                state.fenced = Some(error.clone());
                state.joined = false;
                return false;
            }
            _ => return false,
        }
        state.joined = false;
        true
    }

    async fn join_once(&self) -> Result<Option<Vec<TopicPartition>>, ClientError> {
        let answer = self.ask_to_join().await?;
        {
            let mut state = self.state.lock();
            state.member_id.clone_from(&answer.member_id);
            state.led = None;
        }
        if answer.error_code == ErrorCode::MemberIdRequired.code() {
            return Ok(None);
        }
        let identity = Identity {
            member_id: answer.member_id.clone(),
            generation: answer.generation_id,
        };
        let assignments = if answer.leader == answer.member_id && !answer.skip_assignment {
            self.assign(&answer).await?
        } else {
            Vec::new()
        };
        let partitions = self.sync(&identity, assignments).await?;
        let mut state = self.state.lock();
        state.generation = identity.generation;
        state.joined = true;
        Ok(Some(partitions))
    }

    async fn ask_to_join(&self) -> Result<JoinGroupResponse, ClientError> {
        let group = &self.config.group_id;
        let request = JoinGroupRequest {
            group_id: group.clone(),
            session_timeout_ms: millis(self.config.session_timeout),
            rebalance_timeout_ms: millis(self.config.max_poll_interval),
            member_id: self.member_id(),
            group_instance_id: self.config.group_instance_id.clone(),
            protocol_type: CONSUMER.to_owned(),
            protocols: vec![JoinGroupRequestProtocol {
                name: range::NAME.to_owned(),
                metadata: range::encode_subscription(&self.topics).map_err(unwritable)?,
            }],
            reason: None,
        };
        let patience = self.config.max_poll_interval + JOIN_GRACE;
        let judge = |answer: &JoinGroupResponse| match ErrorCode::from_code(answer.error_code) {
            Some(ErrorCode::MemberIdRequired) => Ok(()),
            _ => check(answer.error_code, group, None),
        };
        let to = (group.as_str(), Lane::Group);
        self.client
            .ask_coordinator_once(to, (NEWEST, patience), |_| request, judge)
            .await
    }

    /// The leader's part: who gets what.
    async fn assign(
        &self,
        answer: &JoinGroupResponse,
    ) -> Result<Vec<SyncGroupRequestAssignment>, ClientError> {
        let failed = |kind| ClientError::new(ApiKey::JoinGroup, kind);
        let mut subscribers = Vec::with_capacity(answer.members.len());
        for member in &answer.members {
            let topics = range::decode_subscription(member.metadata.clone());
            subscribers.push(Subscriber {
                member_id: member.member_id.clone(),
                instance_id: member.group_instance_id.clone(),
                topics: topics.map_err(|error| failed(error.into()))?,
            });
        }
        let mut names: Vec<&str> = subscribers
            .iter()
            .flat_map(|s| s.topics.iter().map(String::as_str))
            .collect();
        names.sort_unstable();
        names.dedup();
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let partitions = self.partitions_of(&names).await?;
        let assigned = range::assign(&subscribers, &partitions);
        self.state.lock().led = Some(Led {
            partitions,
            names,
            looked: Instant::now(),
        });
        let encode = |(member_id, partitions): (String, Vec<TopicPartition>)| {
            let assignment = range::encode_assignment(&partitions).map_err(unwritable)?;
            Ok(SyncGroupRequestAssignment {
                member_id,
                assignment,
            })
        };
        assigned.into_iter().map(encode).collect()
    }

    async fn partitions_of(
        &self,
        names: &[String],
    ) -> Result<HashMap<String, Vec<i32>>, ClientError> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let topics = self.client.topics(Some(&names)).await?;
        let numbers = |topic: &TopicInfo| topic.partitions.iter().map(|p| p.partition).collect();
        Ok(topics
            .iter()
            .map(|t| (t.name.clone(), numbers(t)))
            .collect())
    }

    /// The leader looks whether there are other partitions than those it assigned: now and then
    /// (`metadata.max.age.ms`), and with each heartbeat while a topic is missing.
    async fn look_for_partitions(&self) -> Result<(), ClientError> {
        let Some(led) = self.state.lock().led.clone() else {
            return Ok(());
        };
        let complete = led
            .names
            .iter()
            .all(|name| led.partitions.contains_key(name));
        if complete && led.looked.elapsed() < self.client.config().metadata_max_age {
            return Ok(());
        }
        let partitions = self.partitions_of(&led.names).await?;
        let mut state = self.state.lock();
        if let Some(known) = &mut state.led {
            known.looked = Instant::now();
            if known.partitions != partitions {
                state.joined = false;
            }
        }
        Ok(())
    }

    async fn sync(
        &self,
        identity: &Identity,
        assignments: Vec<SyncGroupRequestAssignment>,
    ) -> Result<Vec<TopicPartition>, ClientError> {
        let group = &self.config.group_id;
        let request = SyncGroupRequest {
            group_id: group.clone(),
            generation_id: identity.generation,
            member_id: identity.member_id.clone(),
            group_instance_id: self.config.group_instance_id.clone(),
            protocol_type: Some(CONSUMER.to_owned()),
            protocol_name: Some(range::NAME.to_owned()),
            assignments,
        };
        let patience = self.config.max_poll_interval + JOIN_GRACE;
        let to = (group.as_str(), Lane::Group);
        let limits = (NEWEST, patience);
        let asked = self.client.ask_coordinator_once(
            to,
            limits,
            |_| request,
            |answer| check(answer.error_code, group, None),
        );
        let assignment: Bytes = asked.await?.assignment;
        let failed = |error| ClientError::new(ApiKey::SyncGroup, ErrorKind::Malformed(error));
        range::decode_assignment(assignment).map_err(failed)
    }

    /// Commits in the name of this member and its generation.
    pub(crate) async fn commit(
        &self,
        offsets: &BTreeMap<TopicPartition, i64>,
    ) -> Result<(), ClientError> {
        let Identity {
            member_id,
            generation,
        } = self.identity();
        let group = &self.config.group_id;
        let mut request = commit_request(group, &member_id, generation, offsets);
        request
            .group_instance_id
            .clone_from(&self.config.group_instance_id);
        let build = |_| request.clone();
        let judge = |answer: &_| commit_errors(group, answer);
        let ceiling = OFFSETS_BY_NAME_VERSION_MAX;
        let done = self
            .client
            .ask_coordinator(group, ceiling, build, judge)
            .await;
        if let Err(error) = &done {
            self.is_out_of_date(error);
        }
        done.map(drop)
    }

    /// Sends heartbeats for ever.
    pub(crate) async fn beat(self: Arc<Self>) {
        loop {
            tokio::time::sleep(self.config.heartbeat_interval).await;
            let (joined, silent) = {
                let state = self.state.lock();
                (state.joined, state.last_poll.elapsed())
            };
            if !joined {
                continue;
            }
            if silent > self.config.max_poll_interval {
                let group = &self.config.group_id;
                tracing::warn!(
                    group,
                    "left: nothing was polled within max.poll.interval.ms"
                );
                self.state.lock().joined = false;
                self.leave().await;
                continue;
            }
            if let Err(error) = self.heartbeat().await
                && !self.is_out_of_date(&error)
            {
                tracing::debug!(%error, "heartbeat failed");
            }
            if let Err(error) = self.look_for_partitions().await {
                tracing::debug!(%error, "the leader can't see the topics");
            }
        }
    }

    async fn heartbeat(&self) -> Result<(), ClientError> {
        let Identity {
            member_id,
            generation,
        } = self.identity();
        let group = &self.config.group_id;
        let request = HeartbeatRequest {
            group_id: group.clone(),
            generation_id: generation,
            member_id,
            group_instance_id: self.config.group_instance_id.clone(),
        };
        let limits = (NEWEST, self.config.session_timeout);
        let to = (group.as_str(), Lane::Group);
        let asked = self.client.ask_coordinator_once(
            to,
            limits,
            |_| request,
            |answer| check(answer.error_code, group, None),
        );
        asked.await.map(drop)
    }

    /// Leaves the group, so that it need not wait for the session to end. A static member stays:
    /// it is expected back.
    pub(crate) async fn leave(&self) {
        let member_id = std::mem::take(&mut self.state.lock().member_id);
        self.state.lock().joined = false;
        if member_id.is_empty() || self.config.group_instance_id.is_some() {
            return;
        }
        let group = &self.config.group_id;
        let build = |version| {
            let mut request = LeaveGroupRequest {
                group_id: group.clone(),
                ..LeaveGroupRequest::default()
            };
            if version < LEAVE_LIST_VERSION {
                request.member_id.clone_from(&member_id);
            } else {
                request.members.push(MemberIdentity {
                    member_id: member_id.clone(),
                    ..MemberIdentity::default()
                });
            }
            request
        };
        let limits = (NEWEST, self.client.config().request_timeout);
        let to = (group.as_str(), Lane::Group);
        let asked = self
            .client
            .ask_coordinator_once(to, limits, build, |answer| {
                check(answer.error_code, group, None)
            });
        if let Err(error) = asked.await {
            // The session's end does the same, only later.
            tracing::debug!(%error, "leaving the group failed");
        }
    }
}

fn unwritable(error: EncodeError) -> ClientError {
    ClientError::new(ApiKey::JoinGroup, ErrorKind::Encode(error))
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}
