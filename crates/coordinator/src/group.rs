//! A group: its offsets, and for a classic one its members and where it is in its rebalance.

mod commit;
mod join;
mod leave;
mod modern;
mod rebalance;
mod sketch;
mod story;
mod sync;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use limpid_protocol::messages::consumer_protocol_subscription::ConsumerProtocolSubscription;
use limpid_protocol::messages::group_metadata_value::GroupMetadataValue;
use limpid_protocol::{ErrorCode, Message, Reader};

pub(crate) use self::commit::commit_records;
pub(crate) use self::story::Story;
use crate::after::Protocol;
use crate::consumer::ConsumerGroup;
use crate::limits::Now;
use crate::member::Member;
use crate::offsets::Offsets;
use crate::out::Token;
use crate::record::Record;
use crate::share::ShareGroup;
use crate::state::State;
use crate::timers::{Deadline, Slot, TimerKey};
use crate::turn::Turn;
use crate::view::GroupView;

/// The protocol type of ordinary consumers, the only one whose subscriptions we can read.
pub(crate) const CONSUMER: &str = "consumer";
/// A new member can't heartbeat before it knows its id. If it disconnects meanwhile it will come
/// back under another id, so it is given this long only (Kafka's constant).
const NEW_MEMBER_JOIN_TIMEOUT_MS: u64 = 300_000;

/// What the timer of a group is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The first rebalance of a group waits for more members: the delay that runs, and how much
    /// more there may be.
    Gathering { delay_ms: u64, remaining_ms: u64 },
    /// Members must join again.
    Joining,
    /// Members must fetch their assignments.
    Syncing,
}

/// What a group is beside its offsets.
#[derive(Debug, Default)]
pub(crate) enum Kind {
    /// The members assign. All of that is in [`Group`] itself; a group that only commits is one of
    /// these, without members.
    #[default]
    Classic,
    /// The coordinator assigns.
    Consumer(Box<ConsumerGroup>),
    /// The coordinator assigns, and members share partitions.
    Share(Box<ShareGroup>),
}

/// A group.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) id: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) state: State,
    pub(crate) previous: State,
    pub(crate) since_ms: Option<i64>,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) generation: i32,
    pub(crate) leader: Option<Arc<str>>,
    pub(crate) members: BTreeMap<Arc<str>, Member>,
    statics: HashMap<String, Arc<str>>,
    /// Ids that were handed out, to members that have not come back with them yet.
    pending: HashMap<Arc<str>, Deadline>,
    pending_sync: BTreeSet<Arc<str>>,
    awaiting_join: usize,
    /// How many members know each protocol.
    supported: HashMap<String, usize>,
    /// What the members read, if that is known.
    pub(crate) subscribed: Option<BTreeSet<String>>,
    new_member_added: bool,
    phase: Option<(Phase, Slot)>,
    pub(crate) offsets: Offsets,
    pub(crate) story: Story,
    /// What faces see, until something changes.
    pub(crate) view: Option<Arc<GroupView>>,
}

impl Group {
    pub(crate) fn new(id: Arc<str>, now: Now) -> Self {
        Self {
            id,
            kind: Kind::Classic,
            state: State::Empty,
            previous: State::Dead,
            since_ms: Some(now.wall_ms),
            protocol_type: None,
            protocol: None,
            generation: 0,
            leader: None,
            members: BTreeMap::new(),
            statics: HashMap::new(),
            pending: HashMap::new(),
            pending_sync: BTreeSet::new(),
            awaiting_join: 0,
            supported: HashMap::new(),
            subscribed: None,
            new_member_added: false,
            phase: None,
            offsets: Offsets::default(),
            story: Story::default(),
            view: None,
        }
    }

    /// Whether its members are consumers, whichever protocol they speak.
    pub(crate) fn is_consumer(&self) -> bool {
        match self.kind {
            Kind::Classic => self.protocol_type.as_deref() == Some(CONSUMER),
            Kind::Consumer(_) => true,
            Kind::Share(_) => false,
        }
    }

    pub(crate) fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    pub(crate) fn is_pending(&self, member_id: &str) -> bool {
        self.pending.contains_key(member_id)
    }

    pub(crate) fn pending_count(&self) -> usize {
        self.pending.len()
    }

    fn transition(&mut self, next: State, now: Now) {
        assert!(
            self.state.leads_to(next),
            "a group never goes from {:?} to {next:?}",
            self.state
        );
        self.previous = self.state;
        self.state = next;
        self.since_ms = Some(now.wall_ms);
    }

    /// Adds a member that is not there yet.
    fn add(&mut self, turn: &mut Turn<'_>, member: Member) {
        self.forget_pending(turn, &member.id);
        if let Some(instance) = &member.instance_id {
            let before = self
                .statics
                .insert(instance.clone(), Arc::clone(&member.id));
            assert!(before.is_none(), "a static member is added once");
        }
        if self.members.is_empty() {
            self.protocol_type = Some(member.protocol_type.clone());
        }
        if self.leader.is_none() {
            self.leader = Some(Arc::clone(&member.id));
        }
        self.count_protocols(&member, true);
        self.awaiting_join += usize::from(member.awaiting_join.is_some());
        let before = self.members.insert(Arc::clone(&member.id), member);
        assert!(before.is_none(), "a member is added once");
    }

    /// Removes a member or a pending one. Should it still wait for something, it is told that it
    /// is not known any more.
    fn remove(&mut self, turn: &mut Turn<'_>, member_id: &str) {
        self.forget_pending(turn, member_id);
        self.pending_sync.remove(member_id);
        let Some(mut member) = self.members.remove(member_id) else {
            return;
        };
        self.count_protocols(&member, false);
        if let Some(token) = member.awaiting_join.take() {
            self.awaiting_join -= 1;
            turn.out.join_error(token, "", ErrorCode::UnknownMemberId);
        }
        if let Some(token) = member.awaiting_sync.take() {
            turn.out.sync_error(token, ErrorCode::UnknownMemberId);
        }
        turn.timers.clear(&mut member.deadline);
        if let Some(instance) = &member.instance_id {
            self.statics.remove(instance);
        }
        if self.is_leader(member_id) {
            self.leader = self.members.keys().next().cloned();
        }
    }

    fn forget_pending(&mut self, turn: &mut Turn<'_>, member_id: &str) {
        if let Some(mut deadline) = self.pending.remove(member_id) {
            turn.timers.clear(&mut deadline);
        }
    }

    fn count_protocols(&mut self, member: &Member, comes: bool) {
        for protocol in &member.protocols {
            let count = self.supported.entry(protocol.name.clone()).or_default();
            *count = if comes { *count + 1 } else { *count - 1 };
            if *count == 0 {
                self.supported.remove(&protocol.name);
            }
        }
    }

    /// Sets or takes away what a member waits for in the join phase.
    fn set_awaiting_join(&mut self, turn: &mut Turn<'_>, member_id: &str, token: Token) {
        let Some(member) = self.members.get_mut(member_id) else {
            return;
        };
        match member.awaiting_join.replace(token) {
            // It asked twice; the first request is answered so that nobody waits for ever.
            Some(before) => {
                let error = ErrorCode::RebalanceInProgress;
                turn.out.join_error(before, member_id, error);
            }
            None => self.awaiting_join += 1,
        }
    }

    /// Moves a member's session into the future.
    fn keep_alive(&mut self, turn: &mut Turn<'_>, member_id: &str) {
        if let Some(member) = self.members.get(member_id) {
            let timeout = u64::try_from(member.session_timeout_ms).unwrap_or(0);
            self.set_deadline(turn, member_id, timeout);
        }
    }

    fn set_deadline(&mut self, turn: &mut Turn<'_>, member_id: &str, in_ms: u64) {
        let group = &self.id;
        if let Some(member) = self.members.get_mut(member_id) {
            let at = turn.now.mono_ms.saturating_add(in_ms);
            let id = &member.id;
            let key = || TimerKey::Member(Arc::clone(group), Arc::clone(id));
            turn.timers.set(&mut member.deadline, at, key);
        }
    }

    fn set_phase(&mut self, turn: &mut Turn<'_>, phase: Phase, in_ms: u64) {
        self.clear_phase(turn);
        let at = turn.now.mono_ms.saturating_add(in_ms);
        let slot = turn
            .timers
            .insert(at, TimerKey::Phase(Arc::clone(&self.id)));
        self.phase = Some((phase, slot));
    }

    fn clear_phase(&mut self, turn: &mut Turn<'_>) {
        if let Some((_, slot)) = self.phase.take() {
            turn.timers.remove(slot);
        }
    }

    /// The longest of the members' rebalance timeouts.
    fn rebalance_timeout_ms(&self) -> u64 {
        let timeouts = self.members.values().map(|m| m.rebalance_timeout_ms);
        u64::try_from(timeouts.max().unwrap_or(0)).unwrap_or(0)
    }

    fn has_all_joined(&self) -> bool {
        self.members.len() == self.awaiting_join && self.pending.is_empty()
    }

    /// Whether a member with these protocols can be in the group.
    fn supports(&self, protocol_type: &str, protocols: &[Protocol]) -> bool {
        if self.state == State::Empty {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        let known_to_all =
            |p: &Protocol| self.supported.get(&p.name).copied().unwrap_or(0) == self.members.len();
        self.protocol_type.as_deref() == Some(protocol_type) && protocols.iter().any(known_to_all)
    }

    /// The protocol that most members prefer among those that all of them know.
    fn elect_protocol(&self) -> Option<String> {
        let all = self.members.len();
        let possible = |name: &str| self.supported.get(name) == Some(&all);
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for choice in self.members.values().filter_map(|m| m.vote(possible)) {
            *votes.entry(choice).or_default() += 1;
        }
        let most = votes.into_iter().rev().max_by_key(|(_, count)| *count);
        most.map(|(name, _)| name.to_owned())
    }

    /// Whether the request comes from who it says.
    pub(crate) fn check_member(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), ErrorCode> {
        if let Some(instance) = instance_id {
            match self.statics.get(instance) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(known) if **known != *member_id => return Err(ErrorCode::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(member_id) {
            Ok(())
        } else {
            Err(ErrorCode::UnknownMemberId)
        }
    }

    pub(crate) fn heartbeat(
        &mut self,
        turn: &mut Turn<'_>,
        member_id: &str,
        instance_id: Option<&str>,
        generation: i32,
    ) -> Result<(), ErrorCode> {
        self.check_member(member_id, instance_id)?;
        if generation != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        self.keep_alive(turn, member_id);
        match self.state {
            State::Empty | State::Dead | State::Assigning | State::Reconciling => {
                Err(ErrorCode::UnknownMemberId)
            }
            State::PreparingRebalance => Err(ErrorCode::RebalanceInProgress),
            State::CompletingRebalance | State::Stable => Ok(()),
        }
    }

    /// The group as it is written, with these assignments.
    fn record(&self, assignment: impl Fn(&Member) -> Bytes) -> Record {
        let protocol = self.protocol.as_deref();
        let members = self.members.values();
        let members = members.map(|m| m.as_record(protocol, assignment(m)));
        Record::Group {
            group: Arc::clone(&self.id),
            value: Some(GroupMetadataValue {
                protocol_type: self.protocol_type.clone().unwrap_or_default(),
                generation: self.generation,
                protocol: self.protocol.clone(),
                leader: self.leader.as_ref().map(ToString::to_string),
                current_state_timestamp: self.since_ms.unwrap_or(-1),
                members: members.collect(),
            }),
        }
    }

    /// A group that was just made, as it is written.
    pub(crate) fn empty_record(&self) -> Record {
        Record::Group {
            group: Arc::clone(&self.id),
            value: Some(GroupMetadataValue {
                current_state_timestamp: self.since_ms.unwrap_or(-1),
                protocol: None,
                leader: None,
                ..GroupMetadataValue::default()
            }),
        }
    }

    /// Adds a member that a record tells of.
    pub(crate) fn restore_member(&mut self, turn: &mut Turn<'_>, member: Member) {
        self.add(turn, member);
    }

    /// All members are given a full session, as after a restart.
    pub(crate) fn sessions_begin(&mut self, turn: &mut Turn<'_>) {
        match &mut self.kind {
            Kind::Classic => {}
            Kind::Consumer(consumer) => consumer.sessions_begin(turn, &self.id),
            Kind::Share(share) => share.sessions_begin(turn, &self.id),
        }
        let ids: Vec<Arc<str>> = self.members.keys().cloned().collect();
        for id in ids {
            self.keep_alive(turn, &id);
        }
    }

    /// What the members read; `None` when that can't be told.
    pub(crate) fn read_subscriptions(&self) -> Option<BTreeSet<String>> {
        if !self.is_consumer() {
            return None;
        }
        if self.members.is_empty() {
            return Some(BTreeSet::new());
        }
        let protocol = self.protocol.as_deref()?;
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            let mut reader = Reader::new(member.metadata(Some(protocol)));
            // Version 0 is the beginning of all later ones.
            let _version = reader.i16().ok()?;
            let read = ConsumerProtocolSubscription::decode(&mut reader, 0).ok()?;
            topics.extend(read.topics);
        }
        Some(topics)
    }

    /// Whether an offset of `topic` is in use.
    pub(crate) fn reads(&self, topic: &str) -> bool {
        if let Kind::Consumer(consumer) = &self.kind {
            return consumer.reads(topic);
        }
        match &self.subscribed {
            Some(topics) => topics.contains(topic),
            None => self.is_consumer(),
        }
    }

    /// Answers everybody who waits for something.
    pub(crate) fn answer_all(&mut self, turn: &mut Turn<'_>, error: ErrorCode) {
        for member in self.members.values_mut() {
            if let Some(token) = member.awaiting_join.take() {
                self.awaiting_join -= 1;
                turn.out.join_error(token, &member.id, error);
            }
            if let Some(token) = member.awaiting_sync.take() {
                turn.out.sync_error(token, error);
            }
        }
    }

    /// Lets go of everything that is outside of the group: timers, and who waits.
    pub(crate) fn dissolve(&mut self, turn: &mut Turn<'_>) {
        self.stop_clocks(turn.timers);
        self.clear_phase(turn);
        let ids: Vec<Arc<str>> = self
            .members
            .keys()
            .chain(self.pending.keys())
            .cloned()
            .collect();
        for id in ids {
            self.remove(turn, &id);
        }
    }

    /// The counters agree with what they count, and nobody waits for two things.
    #[cfg(test)]
    pub(crate) fn check_invariants(&self) {
        match &self.kind {
            Kind::Classic => {}
            Kind::Consumer(consumer) => return consumer.check_invariants(),
            Kind::Share(share) => return share.check_invariants(),
        }
        let members = || self.members.values();
        let waiting = members().filter(|m| m.awaiting_join.is_some()).count();
        assert_eq!(waiting, self.awaiting_join, "joins that wait are counted");
        let both = |m: &Member| m.awaiting_join.is_some() && m.awaiting_sync.is_some();
        assert!(!members().any(both), "nobody waits for two things");
        let syncing = members().any(|m| m.awaiting_sync.is_some());
        assert!(!syncing || self.state == State::CompletingRebalance);
        assert!(waiting == 0 || self.state == State::PreparingRebalance);
        assert_eq!(
            self.members.is_empty(),
            self.leader.is_none(),
            "members have a leader"
        );
        if let Some(leader) = &self.leader {
            assert!(self.members.contains_key(leader));
        }
        let pending_members = self.pending.keys().any(|id| self.members.contains_key(id));
        assert!(!pending_members, "a pending member is not a member");
    }
}
