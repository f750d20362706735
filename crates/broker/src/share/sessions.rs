//! Share sessions: what a member reads is kept here, so that its next request names only what
//! changed.
//!
//! - Epoch 0 opens a session, −1 closes it, and each request in between is one higher than the last.
//! - A session ends with its connection, and with it what the member had: others get it at once.
//! - There are at most `group.share.max.share.sessions`; whoever comes then has to wait.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use limpid_protocol::{ErrorCode, Uuid};
use parking_lot::Mutex;

use crate::metrics::ShareMetrics;

/// Partitions remembered in all sessions together; some 100 bytes each.
const PARTITIONS_MAX: usize = 1_000_000;
/// Epoch of a request that opens a session.
const FIRST: i32 = 0;
/// Epoch of a request that closes it.
const FINAL: i32 = -1;

/// Group and member.
pub type SessionKey = (Arc<str>, Arc<str>);

/// A partition of a topic.
pub type TopicPartition = (Uuid, i32);

/// All sessions of a broker.
pub struct Sessions {
    max: usize,
    metrics: ShareMetrics,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    sessions: HashMap<SessionKey, Session>,
    partitions: usize,
    /// How many were opened ever.
    opened: u64,
}

struct Session {
    number: u64,
    epoch: i32,
    /// In the order in which they came.
    partitions: Vec<TopicPartition>,
    known: HashSet<TopicPartition>,
}

/// How a request is to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What is to be read.
    pub partitions: Vec<TopicPartition>,
    /// The session was just opened: every partition is answered.
    pub is_new: bool,
    /// The session is to be closed after the answer.
    pub closes: bool,
    /// The number of the session.
    pub number: u64,
    /// The epoch of the request.
    pub epoch: i32,
}

impl Sessions {
    /// None are open yet.
    pub fn new(max: usize, metrics: ShareMetrics) -> Self {
        metrics
            .sessions_max
            .set(i64::try_from(max).unwrap_or(i64::MAX));
        Self {
            max,
            metrics,
            open: Mutex::default(),
        }
    }

    /// Takes what a ShareFetch says about its session.
    ///
    /// # Errors
    /// SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH, SHARE_SESSION_LIMIT_REACHED.
    pub fn begin(
        &self,
        key: &SessionKey,
        epoch: i32,
        wanted: &[TopicPartition],
        forgotten: &[TopicPartition],
    ) -> Result<Plan, ErrorCode> {
        let mut open = self.open.lock();
        let begun = match epoch {
            FINAL => open.known(key).map(|session| Plan {
                partitions: Vec::new(),
                is_new: false,
                closes: true,
                number: session.number,
                epoch,
            }),
            FIRST => self.open_new(&mut open, key, wanted),
            _ => go_on(&mut open, key, epoch, (wanted, forgotten)),
        };
        self.publish(&open);
        begun
    }

    fn open_new(
        &self,
        open: &mut Open,
        key: &SessionKey,
        wanted: &[TopicPartition],
    ) -> Result<Plan, ErrorCode> {
        open.remove(key);
        let is_full = open.partitions.saturating_add(wanted.len()) > PARTITIONS_MAX;
        if open.sessions.len() >= self.max || is_full {
            return Err(ErrorCode::ShareSessionLimitReached);
        }
        open.opened += 1;
        let mut session = Session {
            number: open.opened,
            epoch: after(FIRST),
            partitions: Vec::new(),
            known: HashSet::new(),
        };
        session.update(wanted, &[]);
        open.partitions += session.partitions.len();
        let plan = Plan {
            partitions: session.partitions.clone(),
            is_new: true,
            closes: false,
            number: session.number,
            epoch: FIRST,
        };
        open.sessions.insert(key.clone(), session);
        Ok(plan)
    }

    /// Takes what a ShareAcknowledge says about its session; true if it is to be closed.
    ///
    /// # Errors
    /// SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH.
    pub fn acknowledge(&self, key: &SessionKey, epoch: i32) -> Result<bool, ErrorCode> {
        if epoch == FIRST {
            return Err(ErrorCode::InvalidShareSessionEpoch);
        }
        let mut open = self.open.lock();
        let session = open.known(key)?;
        if epoch == FINAL {
            return Ok(true);
        }
        session.check(epoch)?;
        session.epoch = after(epoch);
        Ok(false)
    }

    /// Ends a session (only that of this number, if one is given): what it read. `None` if it is not
    /// there.
    pub fn end(&self, key: &SessionKey, number: Option<u64>) -> Option<Vec<TopicPartition>> {
        let mut open = self.open.lock();
        let session = open.sessions.get(key)?;
        if number.is_some_and(|number| number != session.number) {
            return None;
        }
        let ended = open.remove(key);
        self.publish(&open);
        ended
    }

    /// Whether some member of a group has a session.
    pub fn has_group(&self, group: &str) -> bool {
        let open = self.open.lock();
        open.sessions.keys().any(|(of, _)| **of == *group)
    }

    fn publish(&self, open: &Open) {
        let wide = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.metrics.sessions.set(wide(open.sessions.len()));
        self.metrics.session_partitions.set(wide(open.partitions));
    }
}

fn go_on(
    open: &mut Open,
    key: &SessionKey,
    epoch: i32,
    (wanted, forgotten): (&[TopicPartition], &[TopicPartition]),
) -> Result<Plan, ErrorCode> {
    let room = PARTITIONS_MAX.saturating_sub(open.partitions);
    let session = open.known(key)?;
    session.check(epoch)?;
    if wanted.len() > room {
        return Err(ErrorCode::ShareSessionLimitReached);
    }
    let before = session.partitions.len();
    session.update(wanted, forgotten);
    session.epoch = after(epoch);
    let plan = Plan {
        partitions: session.partitions.clone(),
        is_new: false,
        closes: false,
        number: session.number,
        epoch,
    };
    open.partitions = open.partitions + plan.partitions.len() - before;
    Ok(plan)
}

impl Open {
    fn known(&mut self, key: &SessionKey) -> Result<&mut Session, ErrorCode> {
        let known = self.sessions.get_mut(key);
        known.ok_or(ErrorCode::ShareSessionNotFound)
    }

    fn remove(&mut self, key: &SessionKey) -> Option<Vec<TopicPartition>> {
        let session = self.sessions.remove(key)?;
        self.partitions -= session.partitions.len();
        Some(session.partitions)
    }
}

impl Session {
    fn check(&self, epoch: i32) -> Result<(), ErrorCode> {
        if epoch == self.epoch {
            return Ok(());
        }
        Err(ErrorCode::InvalidShareSessionEpoch)
    }

    fn update(&mut self, wanted: &[TopicPartition], forgotten: &[TopicPartition]) {
        for one in wanted {
            if self.known.insert(*one) {
                self.partitions.push(*one);
            }
        }
        if !forgotten.is_empty() {
            for one in forgotten {
                self.known.remove(one);
            }
            self.partitions.retain(|one| self.known.contains(one));
        }
    }
}

fn after(epoch: i32) -> i32 {
    if epoch == i32::MAX { 1 } else { epoch + 1 }
}

#[cfg(test)]
mod tests {
    use limpid_telemetry::Registry;

    use super::*;

    const ONE: TopicPartition = (Uuid::from_bytes([1; 16]), 0);
    const TWO: TopicPartition = (Uuid::from_bytes([1; 16]), 1);

    fn sessions(max: usize) -> Sessions {
        let metrics = ShareMetrics::register(&Registry::new()).expect("registers");
        Sessions::new(max, metrics)
    }

    fn key(member: &str) -> SessionKey {
        ("g".into(), member.into())
    }

    #[test]
    fn a_session_is_opened_goes_on_and_ends() {
        let all = sessions(10);
        let key = key("a");
        let missing = Err(ErrorCode::ShareSessionNotFound);
        assert_eq!(all.begin(&key, 1, &[], &[]), missing);
        assert_eq!(all.begin(&key, -1, &[], &[]), missing);
        let first = all.begin(&key, 0, &[ONE], &[]).expect("opens");
        assert!(first.is_new && first.partitions == [ONE]);
        let wrong = Err(ErrorCode::InvalidShareSessionEpoch);
        assert_eq!(all.begin(&key, 2, &[], &[]), wrong);
        let next = all.begin(&key, 1, &[TWO, ONE], &[]).expect("goes on");
        assert_eq!(next.partitions, [ONE, TWO]);
        assert_eq!(
            all.acknowledge(&key, 0),
            Err(ErrorCode::InvalidShareSessionEpoch)
        );
        assert_eq!(all.acknowledge(&key, 2), Ok(false));
        let next = all.begin(&key, 3, &[], &[ONE]).expect("goes on");
        assert_eq!(next.partitions, [TWO]);
        assert!(all.begin(&key, -1, &[], &[]).expect("closes").closes);
        assert!(all.has_group("g"));
        assert_eq!(all.end(&key, None), Some(vec![TWO]));
        assert_eq!(all.end(&key, None), None);
        assert!(!all.has_group("g"));
    }

    #[test]
    fn a_connection_ends_only_its_own_session() {
        let all = sessions(10);
        let first = all.begin(&key("a"), 0, &[ONE], &[]).expect("opens");
        all.begin(&key("a"), 0, &[TWO], &[]).expect("opens again");
        assert_eq!(all.end(&key("a"), Some(first.number)), None);
        assert_eq!(all.end(&key("a"), Some(first.number + 1)), Some(vec![TWO]));
    }

    #[test]
    fn places_are_limited() {
        let all = sessions(1);
        all.begin(&key("a"), 0, &[ONE], &[]).expect("opens");
        let full = Err(ErrorCode::ShareSessionLimitReached);
        assert_eq!(all.begin(&key("b"), 0, &[ONE], &[]), full);
        all.begin(&key("a"), 0, &[ONE], &[]).expect("its own place");
        all.end(&key("a"), None);
        all.begin(&key("b"), 0, &[ONE], &[])
            .expect("there is a place");
    }
}
