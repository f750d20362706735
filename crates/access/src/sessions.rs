//! Logins to the console: what a cookie stands for.
//!
//! A session lives here and nowhere else: the cookie is a random name of it, of which only the digest
//! is kept. It ends when it was not used for a while, when it gets old, when its user logs out, is
//! removed or gets another password, and when the process does.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use limpid_platform::random::Random;
use parking_lot::Mutex;

use crate::digest::{self, Digest};
use crate::visitor::Ticket;

/// How long sessions hold, and how many there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) sessions_max: usize,
    pub(crate) idle: Duration,
    pub(crate) age: Duration,
}

/// Who somebody is, and what the proof was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
    pub(crate) proof: Proof,
}

/// By what somebody has shown who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The digest of the password's hash: with another password the session is over.
    Password(Digest),
    /// The word of a provider, for as long as a session holds.
    Provider,
}

struct Session {
    identity: Identity,
    ticket: Ticket,
    began: Duration,
    used: Duration,
}

impl Session {
    fn is_over(&self, limits: &Limits, now: Duration) -> bool {
        now.saturating_sub(self.used) >= limits.idle || now.saturating_sub(self.began) >= limits.age
    }

    fn end(self) {
        self.ticket.ended.store(true, Ordering::Relaxed);
    }
}

/// All sessions.
pub(crate) struct Sessions {
    limits: Limits,
    by_digest: Mutex<HashMap<Digest, Session>>,
}

impl Sessions {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            by_digest: Mutex::default(),
        }
    }

    /// Begins one and returns what the cookie holds. If there are too many, the one that was unused
    /// for longest ends.
    pub(crate) fn begin(
        &self,
        identity: Identity,
        random: &dyn Random,
        now: Duration,
    ) -> io::Result<String> {
        let cookie = digest::secret(random)?;
        let ticket = Ticket {
            csrf: digest::secret(random)?.into(),
            ended: Arc::new(AtomicBool::new(false)),
        };
        let session = Session {
            identity,
            ticket,
            began: now,
            used: now,
        };
        let mut all = self.by_digest.lock();
        if all.len() >= self.limits.sessions_max {
            let unused = all.iter().min_by_key(|(_, session)| session.used);
            let unused = unused.map(|(digest, _)| *digest);
            if let Some(session) = unused.and_then(|digest| all.remove(&digest)) {
                session.end();
            }
        }
        all.insert(digest::of(&cookie), session);
        Ok(cookie)
    }

    /// The session of a cookie, which is used with that. `still` says whether the proof holds.
    pub(crate) fn find(
        &self,
        cookie: &str,
        now: Duration,
        still: impl Fn(&Identity) -> bool,
    ) -> Option<(Identity, Ticket)> {
        let digest = digest::of(cookie);
        let mut all = self.by_digest.lock();
        let session = all.get_mut(&digest)?;
        if session.is_over(&self.limits, now) || !still(&session.identity) {
            all.remove(&digest)?.end();
            return None;
        }
        session.used = now;
        Some((session.identity.clone(), session.ticket.clone()))
    }

    /// Ends the session of a cookie.
    pub(crate) fn end(&self, cookie: &str) {
        if let Some(session) = self.by_digest.lock().remove(&digest::of(cookie)) {
            session.end();
        }
    }

    /// Ends those that are over; how many are left.
    pub(crate) fn sweep(&self, now: Duration, still: impl Fn(&Identity) -> bool) -> usize {
        let mut all = self.by_digest.lock();
        let over: Vec<Digest> = all
            .iter()
            .filter(|(_, s)| s.is_over(&self.limits, now) || !still(&s.identity))
            .map(|(digest, _)| *digest)
            .collect();
        for digest in over {
            if let Some(session) = all.remove(&digest) {
                session.end();
            }
        }
        all.len()
    }
}

#[cfg(test)]
mod tests {
    use limpid_platform::random::OsRandom;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn sessions(sessions_max: usize) -> Sessions {
        Sessions::new(Limits {
            sessions_max,
            idle: SECOND * 10,
            age: SECOND * 30,
        })
    }

    fn identity(name: &str) -> Identity {
        Identity {
            name: name.to_owned(),
            groups: Vec::new(),
            proof: Proof::Password(digest::of(name)),
        }
    }

    fn begin(all: &Sessions, name: &str, now: Duration) -> String {
        all.begin(identity(name), &OsRandom, now).unwrap()
    }

    #[test]
    fn a_cookie_leads_to_its_session_until_it_ends() {
        let all = sessions(10);
        let (a, b) = (begin(&all, "a", SECOND), begin(&all, "b", SECOND));
        let find = |cookie: &str| all.find(cookie, SECOND * 2, |_| true);
        let (found, ticket) = find(&a).unwrap();
        assert_eq!(found, identity("a"));
        assert_ne!(&*ticket.csrf, a, "pages don't show the cookie");
        assert!(find("").is_none() && find(&a[1..]).is_none());
        all.end(&a);
        assert!(find(&a).is_none());
        assert!(ticket.ended.load(Ordering::Relaxed), "streams hear of it");
        assert_eq!(find(&b).unwrap().0, identity("b"));
    }

    #[test]
    fn sessions_end_unused_or_old() {
        let all = sessions(10);
        let (used, unused) = (begin(&all, "a", SECOND), begin(&all, "b", SECOND));
        for n in 2..31 {
            assert!(all.find(&used, SECOND * n, |_| true).is_some(), "{n}");
        }
        assert!(all.find(&used, SECOND * 31, |_| true).is_none(), "too old");
        assert!(all.find(&unused, SECOND * 11, |_| true).is_none());
        assert_eq!(all.sweep(SECOND * 31, |_| true), 0);
    }

    #[test]
    fn a_session_ends_with_its_proof() {
        let all = sessions(10);
        let (a, b) = (begin(&all, "a", SECOND), begin(&all, "b", SECOND));
        assert_eq!(all.sweep(SECOND, |identity| identity.name == "b"), 1);
        assert!(all.find(&a, SECOND, |_| true).is_none());
        assert!(all.find(&b, SECOND, |_| false).is_none());
        assert!(all.find(&b, SECOND, |_| true).is_none(), "for good");
    }

    #[test]
    fn one_too_many_ends_the_one_unused_for_longest() {
        let all = sessions(2);
        let (a, b) = (begin(&all, "a", SECOND), begin(&all, "b", SECOND * 2));
        assert!(all.find(&a, SECOND * 3, |_| true).is_some());
        let c = begin(&all, "c", SECOND * 4);
        assert!(all.find(&b, SECOND * 4, |_| true).is_none());
        assert!(all.find(&a, SECOND * 4, |_| true).is_some());
        assert!(all.find(&c, SECOND * 4, |_| true).is_some());
    }
}
