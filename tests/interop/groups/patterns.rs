//! Patterns of consumer groups (KIP-848) where not everybody may describe every topic.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::peer::Peer;
use limpid_interop::process::wait_for;
use limpid_interop::wire::create_topic;
use limpid_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use limpid_protocol::messages::create_acls_request::AclCreation;
use limpid_protocol::messages::delete_acls_request::DeleteAclsFilter;
use limpid_protocol::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, CreateAclsRequest,
    DeleteAclsRequest, MetadataRequest,
};
use limpid_protocol::{ErrorCode, Uuid};

use crate::differential::side::Side;

const LIMIT: Duration = Duration::from_secs(60);

/// A topic with rules is for those alone that they name. Patterns are matched again as often as
/// Kafka allows.
const PROPERTIES: [(&str, &str); 5] = [
    (
        "authorizer.class.name",
        "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    ),
    ("allow.everyone.if.no.acl.found", "true"),
    ("group.consumer.regex.refresh.interval.ms", "10000"),
    ("group.consumer.min.heartbeat.interval.ms", "300"),
    ("group.consumer.heartbeat.interval.ms", "300"),
];

/// Codes of `ResourceType`, `PatternType`, `AclOperation` and `AclPermissionType`.
const TOPIC: i8 = 2;
const LITERAL: i8 = 3;
const DESCRIBE: i8 = 8;
const ANY: i8 = 1;
const ALLOW: i8 = 3;

const OPEN: &str = "logs-open";
const CLOSED: &str = "logs-closed";
const LATER: &str = "logs-later";

/// The only member of the group.
struct Reader {
    side: Side,
    epoch: i32,
    has: BTreeSet<Uuid>,
}

impl Reader {
    /// A heartbeat; what is given is taken, what is taken away is given up.
    fn beat(&mut self) -> Result<&BTreeSet<Uuid>> {
        let has = self.has.iter().map(|topic_id| TopicPartitions {
            topic_id: *topic_id,
            partitions: vec![0],
        });
        let request = ConsumerGroupHeartbeatRequest {
            group_id: "patterned".to_owned(),
            member_id: "reader".to_owned(),
            member_epoch: self.epoch,
            rebalance_timeout_ms: 60_000,
            subscribed_topic_names: Some(Vec::new()),
            subscribed_topic_regex: Some("logs-.*".to_owned()),
            topic_partitions: Some(has.collect()),
            ..ConsumerGroupHeartbeatRequest::default()
        };
        let answer: ConsumerGroupHeartbeatResponse = self.side.must(&request, 1)?;
        if answer.error_code == ErrorCode::CoordinatorNotAvailable.code()
            || answer.error_code == ErrorCode::CoordinatorLoadInProgress.code()
            || answer.error_code == ErrorCode::NotCoordinator.code()
        {
            return Ok(&self.has);
        }
        ensure!(answer.error_code == 0, "{answer:?}");
        self.epoch = answer.member_epoch;
        if let Some(assignment) = answer.assignment {
            let topics = assignment
                .topic_partitions
                .iter()
                .map(|topic| topic.topic_id);
            self.has = topics.collect();
        }
        Ok(&self.has)
    }

    fn await_topics(&mut self, wanted: &BTreeSet<Uuid>) -> Result<()> {
        let mut last = BTreeSet::new();
        let found = wait_for("the topics of the pattern", LIMIT, || {
            last.clone_from(self.beat()?);
            Ok((last == *wanted).then_some(()))
        });
        found.with_context(|| format!("{wanted:?} are wanted, the member has {last:?}"))
    }
}

/// Asks for all topics that one may describe.
fn everything() -> MetadataRequest {
    MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    }
}

fn id(side: &mut Side, topic: &str) -> Result<Uuid> {
    wait_for("a topic", LIMIT, || {
        let answer = side.must(&everything(), 12)?;
        let mut topics = answer.topics.into_iter();
        let found = topics.find(|one| one.name.as_deref() == Some(topic));
        Ok(found.map(|one| one.topic_id))
    })
}

/// From now on somebody else alone may describe the topic.
fn close(side: &mut Side, topic: &str) -> Result<()> {
    let request = CreateAclsRequest {
        creations: vec![AclCreation {
            resource_type: TOPIC,
            resource_name: topic.to_owned(),
            resource_pattern_type: LITERAL,
            principal: "User:somebody-else".to_owned(),
            host: "*".to_owned(),
            operation: DESCRIBE,
            permission_type: ALLOW,
        }],
    };
    let answer = side.must(&request, 3)?;
    ensure!(answer.results[0].error_code == 0, "{answer:?}");
    wait_for("the rule", LIMIT, || {
        let answer = side.must(&everything(), 12)?;
        let mut names = answer.topics.iter().filter_map(|one| one.name.as_deref());
        Ok((!names.any(|name| name == topic)).then_some(()))
    })
}

fn open(side: &mut Side, topic: &str) -> Result<()> {
    let filter = DeleteAclsFilter {
        resource_type_filter: TOPIC,
        resource_name_filter: Some(topic.to_owned()),
        pattern_type_filter: LITERAL,
        principal_filter: None,
        host_filter: None,
        operation: ANY,
        permission_type: ANY,
    };
    let request = DeleteAclsRequest {
        filters: vec![filter],
    };
    let answer = side.must(&request, 3)?;
    let result = &answer.filter_results[0];
    ensure!(
        result.error_code == 0 && result.matching_acls.len() == 1,
        "{answer:?}"
    );
    Ok(())
}

/// A pattern means the topics that the member may describe, also after topics and rules have come
/// and gone.
pub fn mean_what_may_be_described(lab: &mut Lab) -> Result<()> {
    let folder = lab.folder("patterns")?;
    let mut peer = Peer::start_new(lab.kind().clone(), &lab.tools, &folder, &PROPERTIES)?;
    let address = peer.address();
    let mut side = Side::new("the subject", &peer);
    crate::differential::groups::await_coordinator(&mut side)?;
    for topic in [OPEN, CLOSED] {
        create_topic(&address, topic, 1, &[])?;
    }
    let (open_id, closed_id) = (id(&mut side, OPEN)?, id(&mut side, CLOSED)?);
    close(&mut side, CLOSED)?;
    let mut reader = Reader {
        side: Side::new("the reader", &peer),
        epoch: 0,
        has: BTreeSet::new(),
    };
    reader.await_topics(&[open_id].into())?;
    create_topic(&address, LATER, 1, &[])?;
    let later_id = id(&mut side, LATER)?;
    // The pattern was matched again, and the closed one still isn't among them.
    reader.await_topics(&[open_id, later_id].into())?;
    open(&mut side, CLOSED)?;
    reader.await_topics(&[open_id, closed_id, later_id].into())?;
    close(&mut side, LATER)?;
    reader.await_topics(&[open_id, closed_id].into())?;
    peer.stop()
}
