//! The groups of one partition of `__consumer_offsets`.

mod admin;
mod consumer;
mod convert;
mod offsets;
mod replay;
mod share;
mod transactional;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use limpid_protocol::ErrorCode;
use limpid_protocol::messages::heartbeat_request::HeartbeatRequest;
use limpid_protocol::messages::join_group_request::JoinGroupRequest;
use limpid_protocol::messages::leave_group_request::MemberIdentity;
use limpid_protocol::messages::leave_group_response::MemberResponse;
use limpid_protocol::messages::sync_group_request::SyncGroupRequest;

use crate::after::{After, OffsetsAfter, Protocol};
use crate::group::{Group, Kind};
use crate::join_call::JoinCall;
use crate::limits::{Limits, Now};
use crate::open_offsets::OpenOffsets;
use crate::out::{Event, Out, Token};
use crate::record::Record;
use crate::timers::{TimerKey, Timers};
use crate::topics::{TopicSource, Topics};
use crate::turn::Turn;

/// Version from which a dynamic member must know its id before it may join (KIP-394).
const KNOWN_ID_VERSION: i16 = 4;
/// Version from which the leader may be told not to assign (KIP-814).
const SKIP_ASSIGNMENT_VERSION: i16 = 9;

/// Who sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// `client.id`.
    pub id: String,
    /// Address, as Kafka writes it: with a slash in front.
    pub host: String,
}

/// The groups of one partition.
#[derive(Debug)]
pub struct Coordinator {
    limits: Limits,
    groups: BTreeMap<Arc<str>, Group>,
    open: OpenOffsets,
    timers: Timers,
    topics: Topics,
}

impl Coordinator {
    /// No groups.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            groups: BTreeMap::new(),
            open: OpenOffsets::default(),
            timers: Timers::default(),
            topics: Topics::default(),
        }
    }

    /// Takes over the topics of the cluster, as they are now.
    pub fn see_topics(&mut self, topics: Arc<dyn TopicSource>) {
        self.topics.see(topics);
    }

    /// Takes over changed settings.
    pub fn set_limits(&mut self, limits: Limits) {
        if self.limits != limits {
            self.limits = limits;
            for group in self.groups.values_mut() {
                group.view = None;
            }
        }
    }

    /// JoinGroup. The answer to `token` comes now or later. `random` makes the id of a new member.
    pub fn join(
        &mut self,
        now: Now,
        (request, version): (JoinGroupRequest, i16),
        client: Client,
        random: [u8; 16],
        token: Token,
        out: &mut Out,
    ) {
        let id: Arc<str> = request.group_id.as_str().into();
        let is_new = !self.groups.contains_key(&id);
        if let Err(error) = self.check_join(&request, is_new) {
            return out.join_error(token, &request.member_id, error);
        }
        let group = self
            .groups
            .entry(Arc::clone(&id))
            .or_insert_with(|| Group::new(Arc::clone(&id), now));
        group.view = None;
        let mut turn = Turn {
            now,
            limits: &self.limits,
            topics: &self.topics,
            timers: &mut self.timers,
            out,
        };
        let call = join_call(request, version, client, random, token);
        match &mut group.kind {
            Kind::Classic => group.join(&mut turn, call),
            Kind::Consumer(consumer) => consumer.join(&mut turn, &id, &call),
            Kind::Share(_) => {
                let error = ErrorCode::InconsistentGroupProtocol;
                turn.out.join_error(token, "", error);
            }
        }
        if is_new {
            let record = group.empty_record();
            out.write(vec![record], After::NewGroup(id));
        }
    }

    fn check_join(&self, request: &JoinGroupRequest, is_new: bool) -> Result<(), ErrorCode> {
        let limits = &self.limits;
        let session = limits.session_timeout_ms_min..=limits.session_timeout_ms_max;
        if request.group_id.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        if !session.contains(&request.session_timeout_ms) {
            return Err(ErrorCode::InvalidSessionTimeout);
        }
        if is_new && !request.member_id.is_empty() {
            return Err(ErrorCode::UnknownMemberId);
        }
        Ok(())
    }

    /// SyncGroup. The answer to `token` comes now or later.
    pub fn sync(&mut self, now: Now, request: SyncGroupRequest, token: Token, out: &mut Out) {
        if request.group_id.is_empty() {
            return out.sync_error(token, ErrorCode::InvalidGroupId);
        }
        let id = request.group_id.clone();
        let Some((group, mut turn)) = self.turn(&id, now, out) else {
            return out.sync_error(token, ErrorCode::UnknownMemberId);
        };
        match &mut group.kind {
            Kind::Classic => group.sync(&mut turn, request, token),
            Kind::Consumer(consumer) => consumer.sync(&mut turn, &group.id, &request, token),
            Kind::Share(_) => turn.out.sync_error(token, ErrorCode::UnknownMemberId),
        }
    }

    /// Heartbeat.
    ///
    /// # Errors
    /// What the member is to be told.
    pub fn heartbeat(&mut self, now: Now, request: &HeartbeatRequest) -> Result<(), ErrorCode> {
        if request.group_id.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        let mut nothing = Out::default();
        let found = self.turn(&request.group_id, now, &mut nothing);
        let (group, mut turn) = found.ok_or(ErrorCode::UnknownMemberId)?;
        if let Kind::Share(_) = group.kind {
            return Err(ErrorCode::UnknownMemberId);
        }
        if let Kind::Consumer(consumer) = &mut group.kind {
            return consumer.beat_classic(&mut turn, &group.id, request);
        }
        let instance = request.group_instance_id.as_deref();
        group.heartbeat(
            &mut turn,
            &request.member_id,
            instance,
            request.generation_id,
        )
    }

    /// LeaveGroup, with an answer for each member.
    ///
    /// # Errors
    /// The group has no name.
    pub fn leave(
        &mut self,
        now: Now,
        group_id: &str,
        members: Vec<MemberIdentity>,
        out: &mut Out,
    ) -> Result<Vec<MemberResponse>, ErrorCode> {
        if group_id.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        let Some((group, mut turn)) = self.turn(group_id, now, out) else {
            let unknown = members.into_iter().map(|member| MemberResponse {
                member_id: member.member_id,
                group_instance_id: member.group_instance_id,
                error_code: ErrorCode::UnknownMemberId.code(),
            });
            return Ok(unknown.collect());
        };
        match group.kind {
            Kind::Classic => Ok(group.leave(&mut turn, members)),
            Kind::Consumer(_) => Ok(group.leave_consumer(&mut turn, members)),
            Kind::Share(_) => Err(ErrorCode::UnknownMemberId),
        }
    }

    /// When the next timer is due, on the monotonic clock.
    pub fn next_deadline_ms(&self) -> Option<u64> {
        self.timers.next()
    }

    /// Handles one timer that is due; false when there is none.
    pub fn tick(&mut self, now: Now, out: &mut Out) -> bool {
        let Some(key) = self.timers.pop(now.mono_ms) else {
            return false;
        };
        let Some((group, mut turn)) = self.turn(key.group(), now, out) else {
            return true;
        };
        match (&key, &group.kind) {
            (TimerKey::Member(_, member), Kind::Classic) => group.session_over(&mut turn, member),
            (TimerKey::Member(_, member), _) => group.overdue(&mut turn, member, false),
            (TimerKey::Task(_, member), _) => group.overdue(&mut turn, member, true),
            (TimerKey::Phase(_), _) => group.phase_over(&mut turn),
        }
        true
    }

    /// What follows from the records of `out` having been appended, or not. It may ask for more
    /// records.
    pub fn written(&mut self, now: Now, result: Result<(), ErrorCode>, out: &mut Out) {
        let records = std::mem::take(&mut out.records);
        out.producer = None;
        match out.after.take() {
            None | Some(After::Emptied) => {}
            Some(After::NewGroup(id)) => {
                if let Err(error) = result {
                    self.unmake(now, &id, error, out);
                }
            }
            Some(After::Assigned {
                group,
                generation,
                assignment,
            }) => {
                if let Some((group, mut turn)) = self.turn(&group, now, out) {
                    group.assigned(&mut turn, generation, assignment, result);
                }
            }
            Some(After::Replaced(replaced)) => {
                let id = Arc::clone(&replaced.group);
                if let Some((group, mut turn)) = self.turn(&id, now, out) {
                    group.replaced(&mut turn, *replaced, result);
                }
            }
            Some(After::Share(after)) => self.share_written(now, *after, result, out),
            Some(After::Consumer(after)) => self.consumer_written(now, *after, result, out),
            Some(After::Converted(id)) => {
                if result.is_ok() {
                    self.converted(now, &id, records, out);
                }
            }
            Some(After::Offsets(after)) => {
                if result.is_ok() {
                    self.offsets_written(now, &after, records, out);
                }
            }
        }
    }

    /// Answers everybody who waits, and forgets all groups: the broker stops, or another one takes
    /// over.
    pub fn resign(&mut self, now: Now, error: ErrorCode, out: &mut Out) {
        self.open = OpenOffsets::default();
        for (_, mut group) in std::mem::take(&mut self.groups) {
            let first = out.answers.len();
            let mut turn = Turn {
                now,
                limits: &self.limits,
                topics: &self.topics,
                timers: &mut self.timers,
                out,
            };
            group.dissolve(&mut turn);
            set_errors(&mut out.answers[first..], error);
        }
    }

    #[cfg(test)]
    pub(crate) fn timers_len(&self) -> usize {
        self.timers.len()
    }

    #[cfg(test)]
    pub(crate) fn check_invariants(&self) {
        for group in self.groups.values() {
            group.check_invariants();
        }
    }

    fn turn<'a>(
        &'a mut self,
        id: &str,
        now: Now,
        out: &'a mut Out,
    ) -> Option<(&'a mut Group, Turn<'a>)> {
        let group = self.groups.get_mut(id)?;
        group.view = None;
        let turn = Turn {
            now,
            limits: &self.limits,
            topics: &self.topics,
            timers: &mut self.timers,
            out,
        };
        Some((group, turn))
    }

    /// A group that could not be written down never was.
    fn unmake(&mut self, now: Now, id: &str, error: ErrorCode, out: &mut Out) {
        if let Some((group, mut turn)) = self.turn(id, now, out) {
            group.dissolve(&mut turn);
        }
        self.groups.remove(id);
        set_errors(&mut out.answers, error);
    }

    fn forget(&mut self, now: Now, id: &Arc<str>, out: &mut Out) {
        if let Some((group, mut turn)) = self.turn(id, now, out) {
            group.dissolve(&mut turn);
            self.groups.remove(id);
            out.events.push(Event::Deleted {
                group: Arc::clone(id),
            });
        }
    }

    fn offsets_written(
        &mut self,
        now: Now,
        after: &OffsetsAfter,
        records: Vec<Record>,
        out: &mut Out,
    ) {
        let partitions = records.iter();
        let partitions = partitions
            .filter(|r| matches!(r, Record::Offset { .. }))
            .count();
        for record in records {
            match after {
                OffsetsAfter::InTransaction(_, producer_id) => {
                    self.replay_in_transaction(now, *producer_id, record);
                }
                _ => self.apply(now, record, out),
            }
        }
        match after {
            OffsetsAfter::Commit(group) | OffsetsAfter::InTransaction(group, _) => {
                if let Some(known) = self.groups.get_mut(group) {
                    known.story.commits += partitions as u64;
                }
                let group = Arc::clone(group);
                out.events.push(Event::Committed { group, partitions });
            }
            OffsetsAfter::Expiry(group) => {
                let group = Arc::clone(group);
                out.events.push(Event::Expired { group, partitions });
            }
            OffsetsAfter::Deletion => {}
        }
    }
}

fn join_call(
    request: JoinGroupRequest,
    version: i16,
    client: Client,
    random: [u8; 16],
    token: Token,
) -> JoinCall {
    let name = request.group_instance_id.as_deref().unwrap_or(&client.id);
    let new_id: Arc<str> = format!("{name}-{}", uuid_text(random)).into();
    // Copied, so that the whole request is not kept for as long as the member lives.
    let protocols = request.protocols.into_iter().map(|p| Protocol {
        name: p.name,
        metadata: Bytes::copy_from_slice(&p.metadata),
    });
    JoinCall {
        member_id: request.member_id,
        instance_id: request.group_instance_id,
        client_id: client.id,
        client_host: client.host,
        session_timeout_ms: request.session_timeout_ms,
        rebalance_timeout_ms: match version {
            0 => request.session_timeout_ms,
            _ => request.rebalance_timeout_ms,
        },
        protocol_type: request.protocol_type,
        protocols: protocols.collect(),
        new_id,
        needs_known_id: version >= KNOWN_ID_VERSION,
        skips_assignment: version >= SKIP_ASSIGNMENT_VERSION,
        token,
    }
}

/// A random UUID as Java writes it.
fn uuid_text(mut random: [u8; 16]) -> String {
    random[6] = (random[6] & 0x0f) | 0x40;
    random[8] = (random[8] & 0x3f) | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(random));
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| &hex[range]);
    parts.join("-")
}

/// Gives answers that say that a member is not known a better reason.
fn set_errors(answers: &mut [(Token, crate::out::Answer)], error: ErrorCode) {
    for (_, answer) in answers {
        answer.fail(error);
    }
}
