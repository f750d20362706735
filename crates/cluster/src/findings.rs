//! Why a group lags: its causes, each with the numbers that show it.
//!
//! `CAUSES` is the whole table, ranked: what stops a group stands before what slows it down, and that
//! before what merely goes with it. Each row is a pure function of a group ([`Group::lately`] has what was
//! seen over the last minutes) in one of the files below. [`explain`] asks all of them; the gravest comes
//! first, and of two that are as grave the one that ranks first. A group that keeps up has no finding:
//! what is asked is why it lags, and a rebalance that costs nobody anything is no answer.

mod keeping;
mod members;
mod partitions;
mod readers;
mod shares;
mod writers;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::group::{Group, GroupStatus};
use crate::verdict::{LAG_ATTENTION_SECONDS, Severity};

macro_rules! causes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal: $find:path,)+) => {
        /// A cause, or something that goes with one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Cause { $($(#[doc = $doc])+ $name,)+ }

        impl Cause {
            /// All of them, ranked.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its name in metrics and JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }

        /// The causes in the order of their ranks, and how each is found.
        const CAUSES: &[(Cause, fn(&Case<'_>) -> Option<Draft>)] =
            &[$((Cause::$name, $find)),+];
    };
}

causes! {
    /// Nobody reads.
    NoMembers = "no_members": members::no_members,
    /// It is given its partitions again and again.
    RebalanceLoop = "rebalance_loop": members::rebalance_loop,
    /// One partition is far behind the others, and moves.
    HotPartition = "hot_partition": partitions::hot,
    /// Members have nothing to do.
    MoreMembersThanPartitions = "more_members_than_partitions": members::idle,
    /// One partition stands still while others move.
    FrozenPartition = "frozen_partition": partitions::frozen,
    /// Its members fetch and do not commit.
    CommitsStopped = "commits_stopped": readers::commits_stopped,
    /// Quotas hold its members back.
    Throttled = "throttled": readers::throttled,
    /// Its members come back for more too seldom.
    SlowPolls = "slow_polls": readers::slow_polls,
    /// It reads committed records, and a transaction stays open.
    OpenTransaction = "open_transaction": writers::open_transaction,
    /// Partitions of it got another leader.
    LeaderMoved = "leader_moved": writers::leader_moved,
    /// Far more is written than usual.
    ProduceSpike = "produce_spike": writers::produce_spike,
    /// Retention is about to delete what it has not read.
    RetentionOvertakes = "retention_overtakes": keeping::retention_overtakes,
    /// Members own partitions and never committed.
    NeverCommitted = "never_committed": members::never_committed,
    /// Its members do not get on.
    Stalled = "stalled": readers::stalled,
    /// Of a share group: records come back because nobody says what became of them.
    LocksExpire = "locks_expire": shares::locks_expire,
    /// Of a share group: records are given up.
    DeliveriesGivenUp = "deliveries_given_up": shares::given_up,
    /// More is written than it reads.
    FallsBehind = "falls_behind": writers::falls_behind,
    /// Retention deleted records that it had not read.
    LostRecords = "lost_records": partitions::lost,
    /// Partitions that it reads are gone.
    GonePartitions = "gone_partitions": partitions::gone,
    /// Its offsets expire soon.
    OffsetsExpire = "offsets_expire": keeping::offsets_expire,
    /// The records that it reads are older than their arrival.
    OldRecords = "old_records": writers::old_records,
    /// It is behind, and coming nearer.
    CatchingUp = "catching_up": writers::catching_up,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Found {
    /// Which cause it is.
    pub cause: Cause,
    /// Its place in the table, from 1.
    pub rank: usize,
    /// How bad it is; [`Severity::Ok`] is a note, not a finding.
    pub severity: Severity,
    /// What is the matter, in one sentence.
    pub sentence: String,
    /// What shows it, in words.
    pub evidence: Vec<String>,
    /// The same as numbers and names.
    pub fields: BTreeMap<&'static str, Field>,
    /// Where it can be seen.
    pub place: Option<Place>,
    /// What to do or to look at next; empty if the sentence says all.
    pub next: String,
}

/// One number or name of the evidence.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Field {
    /// A count.
    Count(u64),
    /// A time, a rate or a share.
    Number(f64),
    /// A name.
    Text(String),
}

/// Where something can be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A topic.
    Topic(String),
    /// A record.
    Record {
        /// Its topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// Its offset.
        offset: i64,
    },
}

/// The causes of what a group does, the gravest first.
pub fn explain(group: &Group, now_ms: i64) -> Vec<Found> {
    let case = Case::new(group, now_ms);
    let ranked = (1..).zip(CAUSES);
    let found = ranked.filter_map(|(rank, (cause, find))| Some(find(&case)?.found(*cause, rank)));
    let mut found: Vec<Found> = found.collect();
    found.sort_by_key(|found| (std::cmp::Reverse(found.severity), found.rank));
    found
}

/// The names of a group's findings, notes aside: what metrics tell.
pub fn causes(group: &Group, now_ms: i64) -> Vec<Cause> {
    let found = explain(group, now_ms).into_iter();
    let grave = found.filter(|found| found.severity > Severity::Ok);
    grave.map(|found| found.cause).collect()
}

/// A group with what every cause asks.
struct Case<'a> {
    group: &'a Group,
    now_ms: i64,
    /// It is late: its oldest unread record waits for longer than it should.
    lags: bool,
}

impl<'a> Case<'a> {
    fn new(group: &'a Group, now_ms: i64) -> Self {
        let waits = group.lag_seconds().or(group.event_lag_seconds());
        let late = waits.is_some_and(|seconds| seconds >= LAG_ATTENTION_SECONDS);
        Self {
            group,
            now_ms,
            lags: late || matches!(group.status, GroupStatus::Stalled | GroupStatus::Stopped),
        }
    }

    /// Seconds since a moment.
    fn since(&self, at_ms: i64) -> f64 {
        self.now_ms.saturating_sub(at_ms).max(0) as f64 / 1_000.0
    }
}

/// A finding while it is written.
struct Draft {
    severity: Severity,
    sentence: String,
    evidence: Vec<String>,
    fields: BTreeMap<&'static str, Field>,
    place: Option<Place>,
    next: String,
}

impl Draft {
    /// Something that someone should look at.
    fn finding(sentence: impl Into<String>) -> Self {
        Self::new(Severity::Attention, sentence)
    }

    /// Something that is merely worth knowing.
    fn note(sentence: impl Into<String>) -> Self {
        Self::new(Severity::Ok, sentence)
    }

    fn new(severity: Severity, sentence: impl Into<String>) -> Self {
        Self {
            severity,
            sentence: sentence.into(),
            evidence: Vec::new(),
            fields: BTreeMap::new(),
            place: None,
            next: String::new(),
        }
    }

    /// With another severity.
    fn of(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    fn shown(mut self, evidence: impl Into<String>) -> Self {
        self.evidence.push(evidence.into());
        self
    }

    fn count(mut self, name: &'static str, value: u64) -> Self {
        self.fields.insert(name, Field::Count(value));
        self
    }

    fn number(mut self, name: &'static str, value: f64) -> Self {
        // JSON has no other numbers.
        if value.is_finite() {
            self.fields.insert(name, Field::Number(value));
        }
        self
    }

    fn text(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.insert(name, Field::Text(value.into()));
        self
    }

    fn topic(mut self, name: &str) -> Self {
        self.place = Some(Place::Topic(name.to_owned()));
        self
    }

    fn record(mut self, topic: &str, partition: i32, offset: i64) -> Self {
        self.place = Some(Place::Record {
            topic: topic.to_owned(),
            partition,
            offset,
        });
        self.text("topic", topic)
            .text("partition", partition.to_string())
            .count("offset", offset.unsigned_abs())
    }

    fn next(mut self, next: impl Into<String>) -> Self {
        self.next = next.into();
        self
    }

    fn found(self, cause: Cause, rank: usize) -> Found {
        Found {
            cause,
            rank,
            severity: self.severity,
            sentence: self.sentence,
            evidence: self.evidence,
            fields: self.fields,
            place: self.place,
            next: self.next,
        }
    }
}

#[cfg(test)]
mod tests;
