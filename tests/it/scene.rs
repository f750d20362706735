//! A topic and groups that read it, on a clock that can be moved on: what faults are scripted with.

use std::time::Duration;

use bytes::BytesMut;
use limpid_cluster::Group;
use limpid_cluster::findings::{self, Cause, Found};
use limpid_platform::clock::Clock as _;
use limpid_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use limpid_protocol::messages::consumer_protocol_assignment::{
    ConsumerProtocolAssignment, TopicPartition,
};
use limpid_protocol::messages::create_topics_request::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use limpid_protocol::messages::fetch_response::FetchResponse;
use limpid_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use limpid_protocol::messages::leave_group_request::MemberIdentity;
use limpid_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use limpid_protocol::messages::produce_request::{
    PartitionProduceData, ProduceRequest, TopicProduceData,
};
use limpid_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use limpid_protocol::messages::{
    AddPartitionsToTxnRequest, InitProducerIdRequest, JoinGroupRequest, LeaveGroupRequest,
    OffsetCommitRequest, SyncGroupRequest,
};
use limpid_protocol::records::{BatchBuilder, Codec, Producer};
use limpid_protocol::{ErrorCode, Message, Request};

use crate::home::{Client, Home, fetch, until};

/// The topic.
pub const TOPIC: &str = "orders";
/// The group.
pub const GROUP: &str = "readers";
/// Nobody is thrown out while the clock is moved on.
const SESSION_MS: i32 = 1_800_000;
/// "Wait and ask again": loading, no coordinator.
const EARLY: [i16; 3] = [14, 15, 16];

/// A node with one topic.
pub struct Scene {
    /// The node.
    pub home: Home,
    /// A client of its own.
    pub client: Client,
}

/// A member of the group, of the classic protocol.
pub struct Reader {
    client: Client,
    id: String,
    generation: i32,
}

impl Scene {
    /// A topic of so many partitions.
    pub fn new(partitions: i32) -> Self {
        Self::with(partitions, &[], &[])
    }

    /// The same with settings of the node and of the topic.
    pub fn with(partitions: i32, node: &[&str], topic: &[(&str, &str)]) -> Self {
        let mut settings = vec!["group.initial.rebalance.delay.ms=0"];
        settings.extend(node);
        let home = Home::with(&settings);
        let mut client = home.client();
        let config = |(name, value): &(&str, &str)| CreatableTopicConfig {
            name: (*name).to_owned(),
            value: Some((*value).to_owned()),
        };
        let request = CreateTopicsRequest {
            topics: vec![CreatableTopic {
                name: TOPIC.to_owned(),
                num_partitions: partitions,
                replication_factor: 1,
                configs: topic.iter().map(config).collect(),
                ..CreatableTopic::default()
            }],
            ..CreateTopicsRequest::default()
        };
        let answer = client.call(&request, 7);
        assert_eq!(answer.topics[0].error_code, 0, "{answer:?}");
        Self { home, client }
    }

    /// Writes so many records of now.
    pub fn write(&mut self, partition: i32, count: usize) {
        let mut batch = BatchBuilder::new(Codec::None);
        for _ in 0..count {
            batch
                .append(self.home.clock().wall_ms(), None, Some(b"value"), &[])
                .unwrap();
        }
        self.send(partition, None, batch);
    }

    /// Begins a transaction and writes its first record.
    pub fn begin(&mut self, id: &str, timeout_ms: i32) -> Producer {
        let request = InitProducerIdRequest {
            transactional_id: Some(id.to_owned()),
            transaction_timeout_ms: timeout_ms,
            producer_id: -1,
            producer_epoch: -1,
            ..InitProducerIdRequest::default()
        };
        let who = patiently(&mut self.client, &request, 4, |answer| answer.error_code);
        let request = AddPartitionsToTxnRequest {
            v3_and_below_transactional_id: id.to_owned(),
            v3_and_below_producer_id: who.producer_id,
            v3_and_below_producer_epoch: who.producer_epoch,
            v3_and_below_topics: vec![AddPartitionsToTxnTopic {
                name: TOPIC.to_owned(),
                partitions: vec![0],
            }],
            ..AddPartitionsToTxnRequest::default()
        };
        patiently(&mut self.client, &request, 3, |answer| {
            let topic = &answer.results_by_topic_v3_and_below[0];
            topic.results_by_partition[0].partition_error_code
        });
        let producer = Producer {
            id: who.producer_id,
            epoch: who.producer_epoch,
            base_sequence: 0,
        };
        self.write_in_transaction(id, producer);
        producer
    }

    fn write_in_transaction(&mut self, id: &str, producer: Producer) {
        let mut batch = BatchBuilder::new(Codec::None)
            .producer(producer)
            .transactional(true);
        let now_ms = self.home.clock().wall_ms();
        batch.append(now_ms, None, Some(b"value"), &[]).unwrap();
        self.send(0, Some(id), batch);
    }

    fn send(&mut self, partition: i32, id: Option<&str>, batch: BatchBuilder) {
        let request = ProduceRequest {
            transactional_id: id.map(str::to_owned),
            acks: -1,
            timeout_ms: 1_000,
            topic_data: vec![TopicProduceData {
                name: TOPIC.to_owned(),
                partition_data: vec![PartitionProduceData {
                    index: partition,
                    records: Some(batch.build().unwrap()),
                }],
                ..TopicProduceData::default()
            }],
        };
        let answer = self.client.call(&request, 9);
        let answer = &answer.responses[0].partition_responses[0];
        assert_eq!(answer.error_code, 0, "{answer:?}");
    }

    /// The only member, with these partitions.
    pub fn reader(&self, client_id: &str, partitions: &[i32]) -> Reader {
        let client = self.home.client().named(client_id);
        let mut reader = Reader {
            client,
            id: String::new(),
            generation: -1,
        };
        reader.rejoin(partitions);
        reader
    }

    /// So many seconds pass, and somebody looks.
    pub fn pass(&self, seconds: u64) {
        self.home.clock().skip(Duration::from_secs(seconds));
        let now_ms = self.home.clock().wall_ms();
        until("look at the cluster", || {
            let snapshot = self.home.server().cluster().snapshot();
            (snapshot.taken_at_ms >= now_ms).then_some(())
        });
    }

    /// The group now, once the coordinator has it.
    pub fn group(&self) -> Group {
        until("group", || self.group_now())
    }

    fn group_now(&self) -> Option<Group> {
        let snapshot = self.home.server().cluster().snapshot();
        Some((**snapshot.group(GROUP)?).clone())
    }

    /// What is found of the group now.
    pub fn found(&self) -> Vec<Found> {
        let now_ms = self.home.server().cluster().snapshot().taken_at_ms;
        let group = self.group_now();
        group.map_or_else(Vec::new, |group| findings::explain(&group, now_ms))
    }

    /// Waits until this cause is named first, and everywhere: in what is found, on the page's JSON, in
    /// the shell's text and in the metrics.
    pub fn expect_first(&self, cause: Cause) -> Vec<Found> {
        self.expect_when(cause, |_| true)
    }

    /// The same, once it is told as wanted: what is asked may be a second old.
    pub fn expect_when(&self, cause: Cause, wanted: impl Fn(&Found) -> bool) -> Vec<Found> {
        let mut last = Vec::new();
        let began = std::time::Instant::now();
        let all = until(&format!("finding {}", cause.as_str()), || {
            last = self.found();
            if began.elapsed() > Duration::from_secs(15) {
                panic!("{cause:?} is not first of {last:#?} in {:#?}", self.group());
            }
            let first = last.first().filter(|found| found.cause == cause);
            first.is_some_and(&wanted).then(|| last.clone())
        });
        let page = self
            .home
            .get(&format!("/c/local/groups/{GROUP}?format=json"));
        let (_, body) = page.split_once("\r\n\r\n").unwrap();
        let json: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(json["causes"][0]["cause"], cause.as_str(), "{body}");
        let metric = format!(
            "limpid_group_finding{{group=\"{GROUP}\",cause=\"{}\"}} 1",
            cause.as_str()
        );
        assert!(self.home.scrape().contains(&metric), "{metric}");
        let text = self
            .home
            .get(&format!("/c/local/groups/{GROUP}?format=text"));
        let (_, why) = text.split_once("\nWhy").unwrap();
        let (_, first) = why.split_once("  * ").unwrap();
        let word = all[0].sentence.split(' ').next().unwrap();
        assert!(first.starts_with(word), "{text}");
        all
    }
}

impl Reader {
    /// Joins (again): a new generation, with these partitions.
    pub fn rejoin(&mut self, partitions: &[i32]) {
        let request = join(&self.id);
        let joined = until("join", || {
            let joined = self.client.call(&request, 3);
            assert!(
                joined.error_code == 0 || EARLY.contains(&joined.error_code),
                "{joined:?}"
            );
            (joined.error_code == 0).then_some(joined)
        });
        self.id = joined.member_id;
        self.generation = joined.generation_id;
        let synced = self.sync(vec![(self.id.clone(), partitions.to_vec())]);
        assert!(synced, "nobody else is there");
    }

    /// False if another rebalance came in between.
    fn sync(&mut self, assignments: Vec<(String, Vec<i32>)>) -> bool {
        self.send_sync(assignments);
        let answer = self.client.receive::<SyncGroupRequest>(3);
        let code = answer.error_code;
        let is_over = code == ErrorCode::RebalanceInProgress.code();
        assert!(code == 0 || is_over, "{answer:?}");
        code == 0
    }

    fn send_sync(&mut self, assignments: Vec<(String, Vec<i32>)>) {
        let assignment = |(member, partitions): (String, Vec<i32>)| SyncGroupRequestAssignment {
            member_id: member,
            assignment: assigned(&partitions).freeze(),
        };
        let request = SyncGroupRequest {
            group_id: GROUP.to_owned(),
            generation_id: self.generation,
            member_id: self.id.clone(),
            assignments: assignments.into_iter().map(assignment).collect(),
            ..SyncGroupRequest::default()
        };
        self.client.send(&request, 3);
    }

    /// A second member comes and gets these partitions; this one, which leads, keeps those.
    pub fn joined_by(&mut self, mut other: Client, mine: &[i32], its: &[i32]) -> Reader {
        other.send(&join(""), 3);
        // Until the coordinator has heard of the other one, this one stays alone.
        let joined = until("second member", || {
            let joined = self.client.call(&join(&self.id), 3);
            assert_eq!(joined.error_code, 0, "{joined:?}");
            self.generation = joined.generation_id;
            if joined.members.len() == 2 {
                return Some(joined);
            }
            self.sync(vec![(self.id.clone(), mine.to_vec())]);
            None
        });
        let answer = other.receive::<JoinGroupRequest>(3);
        assert_eq!(answer.error_code, 0, "{answer:?}");
        let mut second = Reader {
            client: other,
            id: answer.member_id,
            generation: answer.generation_id,
        };
        assert_eq!(joined.leader, self.id, "who came first leads");
        second.send_sync(Vec::new());
        let synced = self.sync(vec![
            (self.id.clone(), mine.to_vec()),
            (second.id.clone(), its.to_vec()),
        ]);
        assert!(synced, "nobody else comes");
        let answer = second.client.receive::<SyncGroupRequest>(3);
        assert_eq!(answer.error_code, 0, "{answer:?}");
        second
    }

    /// Commits offsets by partition.
    pub fn commit(&mut self, offsets: &[(i32, i64)]) {
        let partition = |(index, offset): &(i32, i64)| OffsetCommitRequestPartition {
            partition_index: *index,
            committed_offset: *offset,
            ..OffsetCommitRequestPartition::default()
        };
        let request = OffsetCommitRequest {
            group_id: GROUP.to_owned(),
            generation_id_or_member_epoch: self.generation,
            member_id: self.id.clone(),
            topics: vec![OffsetCommitRequestTopic {
                name: TOPIC.to_owned(),
                partitions: offsets.iter().map(partition).collect(),
                ..OffsetCommitRequestTopic::default()
            }],
            ..OffsetCommitRequest::default()
        };
        let answer = self.client.call(&request, 7);
        for partition in &answer.topics[0].partitions {
            assert_eq!(partition.error_code, 0, "{answer:?}");
        }
    }

    /// Fetches from partition 0.
    pub fn fetch(&mut self, offset: i64, committed_only: bool) -> FetchResponse {
        let mut request = fetch(TOPIC, offset, 0, 0);
        request.isolation_level = i8::from(committed_only);
        let answer = self.client.call(&request, 12);
        assert_eq!(answer.error_code, 0, "{answer:?}");
        answer
    }

    /// Leaves the group.
    pub fn leave(mut self) {
        let request = LeaveGroupRequest {
            group_id: GROUP.to_owned(),
            members: vec![MemberIdentity {
                member_id: self.id.clone(),
                ..MemberIdentity::default()
            }],
            ..LeaveGroupRequest::default()
        };
        assert_eq!(self.client.call(&request, 3).error_code, 0);
    }
}

/// Asks again while a coordinator is made.
pub fn patiently<R: Request>(
    client: &mut Client,
    request: &R,
    version: i16,
    code: impl Fn(&R::Response) -> i16,
) -> R::Response {
    until("answer", || {
        let answer = client.call(request, version);
        let code = code(&answer);
        assert!(
            code == 0 || code == 51 || EARLY.contains(&code),
            "error {code}"
        );
        (code == 0).then_some(answer)
    })
}

fn join(member: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: GROUP.to_owned(),
        session_timeout_ms: SESSION_MS,
        rebalance_timeout_ms: SESSION_MS,
        member_id: member.to_owned(),
        protocol_type: "consumer".to_owned(),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".to_owned(),
            metadata: bytes::Bytes::from_static(b"\0\0\0\0\0\0\0\0\0\0"),
        }],
        ..JoinGroupRequest::default()
    }
}

fn assigned(partitions: &[i32]) -> BytesMut {
    let mut bytes = BytesMut::from(&[0, 0][..]);
    let topics = (!partitions.is_empty()).then(|| TopicPartition {
        topic: TOPIC.to_owned(),
        partitions: partitions.to_vec(),
    });
    let assignment = ConsumerProtocolAssignment {
        assigned_partitions: topics.into_iter().collect(),
        ..ConsumerProtocolAssignment::default()
    };
    assignment.encode(&mut bytes, 0).unwrap();
    bytes
}
