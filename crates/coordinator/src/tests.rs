//! Groups in simulated time.

mod commits;
mod consumer_classic;
mod consumer_commits;
mod consumer_leaving;
mod consumer_model;
mod consumer_patterns;
mod consumer_records;
mod consumer_statics;
mod consumers;
mod joining;
mod leaving;
mod model;
mod restart;
mod shares;
mod statics;
mod timeouts;
mod transactional;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use limpid_protocol::messages::consumer_protocol_assignment::{
    ConsumerProtocolAssignment, TopicPartition,
};
use limpid_protocol::messages::consumer_protocol_subscription::ConsumerProtocolSubscription;
use limpid_protocol::messages::heartbeat_request::HeartbeatRequest;
use limpid_protocol::messages::join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol};
use limpid_protocol::messages::join_group_response::JoinGroupResponse;
use limpid_protocol::messages::leave_group_request::MemberIdentity;
use limpid_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use limpid_protocol::messages::sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment};
use limpid_protocol::messages::sync_group_response::SyncGroupResponse;
use limpid_protocol::{ErrorCode, Message};

use crate::view::GroupView;
use crate::{
    Answer, Client, Coordinator, Event, Limits, Now, Out, Record, Sight, Token, TopicSource,
};

const GROUP: &str = "g";

/// A coordinator, a clock, and a log that may fail.
struct World {
    coordinator: Coordinator,
    now: Now,
    log: Vec<Record>,
    fails: Option<ErrorCode>,
    answers: BTreeMap<Token, Answer>,
    asked: Token,
    events: Vec<Event>,
    random: u8,
    topics: Arc<dyn TopicSource>,
    /// Topics that members may not describe.
    hidden: Vec<&'static str>,
}

impl World {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        Self {
            coordinator: Coordinator::new(limits),
            now: Now {
                mono_ms: 1_000,
                wall_ms: 1_700_000_000_000,
            },
            log: Vec::new(),
            fails: None,
            answers: BTreeMap::new(),
            asked: 0,
            events: Vec::new(),
            random: 0,
            topics: Arc::new(consumers::Fixed::default()),
            hidden: Vec::new(),
        }
    }

    /// Without the delay that gathers the first members.
    fn quick() -> Self {
        Self::with(Limits {
            initial_rebalance_delay_ms: 0,
            ..Limits::default()
        })
    }

    fn settle(&mut self, mut out: Out) -> Result<(), ErrorCode> {
        let mut done = Ok(());
        while !out.records.is_empty() {
            done = self.fails.map_or(Ok(()), Err);
            if done.is_ok() {
                for record in &out.records {
                    let (key, value) = record.encode().expect("fits");
                    let again = Record::decode(key, value).expect("reads");
                    assert_eq!(again.as_ref(), Some(record), "records survive the disk");
                }
                self.log.extend(out.records.iter().cloned());
            }
            self.coordinator.written(self.now, done, &mut out);
        }
        for (token, answer) in out.answers {
            let before = self.answers.insert(token, answer);
            assert!(before.is_none(), "token {token} is answered once");
        }
        self.events.extend(out.events);
        done
    }

    fn token(&mut self) -> Token {
        self.asked += 1;
        self.asked
    }

    fn send_join(&mut self, request: JoinGroupRequest, version: i16) -> Token {
        let token = self.token();
        let mut out = Out::default();
        self.random += 1;
        let client = Client {
            id: "client".to_owned(),
            host: "/127.0.0.1".to_owned(),
        };
        let random = [self.random; 16];
        self.coordinator.join(
            self.now,
            (request, version),
            client,
            random,
            token,
            &mut out,
        );
        let _failed = self.settle(out);
        token
    }

    fn joined(&self, token: Token) -> &JoinGroupResponse {
        match self.answers.get(&token) {
            Some(Answer::Join(response)) => response,
            other => panic!("join {token} has {other:?}"),
        }
    }

    fn join_error(&self, token: Token) -> ErrorCode {
        ErrorCode::from_code(self.joined(token).error_code).expect("known")
    }

    fn waits(&self, token: Token) -> bool {
        !self.answers.contains_key(&token)
    }

    /// The two steps of a new dynamic member.
    fn join_new(&mut self, protocols: &[&str]) -> (String, Token) {
        let first = self.send_join(join("", protocols), 9);
        assert_eq!(self.join_error(first), ErrorCode::MemberIdRequired);
        let id = self.joined(first).member_id.clone();
        let token = self.send_join(join(&id, protocols), 9);
        (id, token)
    }

    fn send_sync(&mut self, member: &str, generation: i32, to: &[(&str, &[i32])]) -> Token {
        let token = self.token();
        let assignments = to
            .iter()
            .map(|(id, partitions)| SyncGroupRequestAssignment {
                member_id: (*id).to_owned(),
                assignment: assignment(partitions),
            });
        let request = SyncGroupRequest {
            group_id: GROUP.to_owned(),
            generation_id: generation,
            member_id: member.to_owned(),
            protocol_type: Some("consumer".to_owned()),
            assignments: assignments.collect(),
            ..SyncGroupRequest::default()
        };
        let mut out = Out::default();
        self.coordinator.sync(self.now, request, token, &mut out);
        let _failed = self.settle(out);
        token
    }

    fn synced(&self, token: Token) -> &SyncGroupResponse {
        match self.answers.get(&token) {
            Some(Answer::Sync(response)) => response,
            other => panic!("sync {token} has {other:?}"),
        }
    }

    fn sync_error(&self, token: Token) -> ErrorCode {
        ErrorCode::from_code(self.synced(token).error_code).expect("known")
    }

    fn beat(&mut self, member: &str, generation: i32) -> ErrorCode {
        let request = HeartbeatRequest {
            group_id: GROUP.to_owned(),
            generation_id: generation,
            member_id: member.to_owned(),
            group_instance_id: None,
        };
        let beat = self.coordinator.heartbeat(self.now, &request);
        beat.err().unwrap_or(ErrorCode::None)
    }

    fn leave(&mut self, member: &str) -> ErrorCode {
        self.leave_as(member, None)
    }

    fn leave_as(&mut self, member: &str, instance: Option<&str>) -> ErrorCode {
        let member = MemberIdentity {
            member_id: member.to_owned(),
            group_instance_id: instance.map(str::to_owned),
            ..MemberIdentity::default()
        };
        let mut out = Out::default();
        let left = self
            .coordinator
            .leave(self.now, GROUP, vec![member], &mut out);
        let _failed = self.settle(out);
        let code = left.expect("named")[0].error_code;
        ErrorCode::from_code(code).expect("known")
    }

    fn commit(&mut self, member: &str, generation: i32, offset: i64) -> ErrorCode {
        self.send_commit(commit(member, generation, offset), 8)
    }

    fn send_commit(&mut self, request: OffsetCommitRequest, version: i16) -> ErrorCode {
        let mut out = Out::default();
        let answer = self
            .coordinator
            .commit(self.now, request, version, &mut out);
        let settled = self.settle(out);
        match (answer, settled) {
            (Err(error), _) | (Ok(_), Err(error)) => error,
            (Ok(topics), Ok(())) => {
                ErrorCode::from_code(topics[0].partitions[0].error_code).expect("known")
            }
        }
    }

    fn pass(&mut self, ms: u64) {
        let until = self.now.mono_ms + ms;
        loop {
            let next = self.coordinator.next_deadline_ms();
            let at = next.unwrap_or(until).clamp(self.now.mono_ms, until);
            self.now.wall_ms += i64::try_from(at - self.now.mono_ms).expect("small");
            self.now.mono_ms = at;
            let mut out = Out::default();
            if !self.coordinator.tick(self.now, &mut out) {
                if at == until {
                    return;
                }
                continue;
            }
            let _failed = self.settle(out);
        }
    }

    fn view(&mut self) -> Arc<GroupView> {
        let mut views = Vec::new();
        self.coordinator.views(&mut views);
        let view = views.into_iter().find(|v| &*v.id == GROUP);
        view.expect("the group is there")
    }

    fn state(&mut self) -> &'static str {
        let mut views = Vec::new();
        self.coordinator.views(&mut views);
        let view = views.into_iter().find(|v| &*v.id == GROUP);
        view.map_or("Dead", |view| view.state.as_str())
    }

    /// A stable group of `count` members with a partition each; the first is the leader.
    fn stable(&mut self, count: usize) -> Vec<String> {
        let mut members: Vec<(String, Token)> =
            (0..count).map(|_| self.join_new(&["range"])).collect();
        self.pass(0);
        while self.waits(members[0].1) {
            self.pass(500);
        }
        let leader = self.joined(members[0].1).leader.clone();
        members.sort_by_key(|(id, _)| *id != leader);
        let generation = self.joined(members[0].1).generation_id;
        let ids: Vec<String> = members.into_iter().map(|(id, _)| id).collect();
        self.assign(&ids, generation);
        ids
    }

    /// All of `ids` sync, the first as the leader last.
    fn assign(&mut self, ids: &[String], generation: i32) {
        let followers = ids[1..].iter();
        let followers: Vec<Token> = followers
            .map(|id| self.send_sync(id, generation, &[]))
            .collect();
        let partitions: Vec<[i32; 1]> = (0..).take(ids.len()).map(|p| [p]).collect();
        let to: Vec<(&str, &[i32])> = ids
            .iter()
            .zip(&partitions)
            .map(|(id, p)| (id.as_str(), p.as_slice()))
            .collect();
        let leader = self.send_sync(&ids[0], generation, &to);
        for token in followers.into_iter().chain([leader]) {
            assert_eq!(self.sync_error(token), ErrorCode::None);
        }
        assert_eq!(self.state(), "Stable");
    }
}

fn join(member: &str, protocols: &[&str]) -> JoinGroupRequest {
    let protocols = protocols.iter().map(|name| JoinGroupRequestProtocol {
        name: (*name).to_owned(),
        metadata: subscription(&["t"]),
    });
    JoinGroupRequest {
        group_id: GROUP.to_owned(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        member_id: member.to_owned(),
        protocol_type: "consumer".to_owned(),
        protocols: protocols.collect(),
        ..JoinGroupRequest::default()
    }
}

fn commit(member: &str, generation: i32, offset: i64) -> OffsetCommitRequest {
    OffsetCommitRequest {
        group_id: GROUP.to_owned(),
        generation_id_or_member_epoch: generation,
        member_id: member.to_owned(),
        topics: vec![OffsetCommitRequestTopic {
            name: "t".to_owned(),
            partitions: vec![OffsetCommitRequestPartition {
                partition_index: 0,
                committed_offset: offset,
                committed_metadata: Some("note".to_owned()),
                ..OffsetCommitRequestPartition::default()
            }],
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    }
}

fn subscription(topics: &[&str]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(1);
    let subscription = ConsumerProtocolSubscription {
        topics: topics.iter().map(|t| (*t).to_owned()).collect(),
        ..ConsumerProtocolSubscription::default()
    };
    subscription.encode(&mut bytes, 1).expect("encodes");
    bytes.freeze()
}

fn assignment(partitions: &[i32]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(1);
    let assignment = ConsumerProtocolAssignment {
        assigned_partitions: vec![TopicPartition {
            topic: "t".to_owned(),
            partitions: partitions.to_vec(),
        }],
        user_data: None,
    };
    assignment.encode(&mut bytes, 1).expect("encodes");
    bytes.freeze()
}
