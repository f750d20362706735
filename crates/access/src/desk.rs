//! Finds out who somebody is.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use limpid_config::{Grant, Grantee, HttpAccessConfig};
use limpid_platform::clock::Clock;
use limpid_platform::random::Random;

use crate::attempts::{self, Attempts};
use crate::metrics::{AccessMetrics, Credential, CredentialFile, LoginOutcome, RereadOutcome};
use crate::passwords::{self, Passwords};
use crate::phc::{PASSWORD_BYTES_MAX, PasswordHash};
use crate::reread::{self, FileError, Watched};
use crate::sessions::{Identity, Limits, Proof, Sessions};
use crate::throttle::{self, Throttle};
use crate::tokens::Tokens;
use crate::users::Users;
use crate::visitor::{Via, Visitor};

/// Why there is no desk.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// A file of credentials.
    #[error("{key}: {source}")]
    File {
        /// The setting that names it.
        key: &'static str,
        /// What is wrong.
        source: FileError,
    },
    /// The system gave no thread or no random bytes.
    #[error("{0}")]
    System(#[from] io::Error),
}

const USERS_FILE: &str = "limpid.http.users.file";
const TOKENS_FILE: &str = "limpid.http.tokens.file";

fn in_file(key: &'static str) -> impl FnOnce(FileError) -> DeskError {
    move |source| DeskError::File { key, source }
}

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// There is nobody like that. Whether the name or the secret is wrong is not told.
    Wrong,
    /// Too many attempts from this address failed.
    Wait(Duration),
    /// Too many wait to be checked.
    Busy,
}

/// Somebody who has shown a password.
#[derive(Clone, Debug)]
pub struct Login {
    identity: Identity,
}

/// A login at somebody else's page, on its way.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Names the attempt.
    pub state: String,
    /// Stands in the provider's token.
    pub nonce: String,
    /// Shows that who redeems the code is who asked for it.
    pub verifier: String,
    /// Where the browser comes back to.
    pub redirect_uri: String,
    /// Where it wanted to go.
    pub to: String,
}

/// Compares secrets without telling by the time where they differ.
pub fn same_secret(one: &str, other: &str) -> bool {
    crate::digest::same(one.as_bytes(), other.as_bytes())
}

/// Where visitors show who they are.
pub struct Desk {
    grants: Vec<Grant>,
    users: Option<Watched<Users>>,
    tokens: Option<Watched<Tokens>>,
    sessions: Sessions,
    passwords: Passwords,
    throttle: Arc<Throttle>,
    attempts: Attempts<Attempt>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    metrics: Arc<AccessMetrics>,
}

impl Desk {
    /// Reads the files and starts to check passwords.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub fn open(
        config: &HttpAccessConfig,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        metrics: Arc<AccessMetrics>,
    ) -> Result<Self, DeskError> {
        let counters = |file| {
            let counter = |outcome| metrics.reread.bind((file, outcome));
            (
                counter(RereadOutcome::Loaded),
                counter(RereadOutcome::Failed),
            )
        };
        let users = config.users_file.as_deref().map(|path| {
            let (loaded, failed) = counters(CredentialFile::Users);
            Watched::open(path, loaded, failed).map_err(in_file(USERS_FILE))
        });
        let tokens = config.tokens_file.as_deref().map(|path| {
            let (loaded, failed) = counters(CredentialFile::Tokens);
            Watched::open(path, loaded, failed).map_err(in_file(TOKENS_FILE))
        });
        metrics.sessions_max.set(config.sessions_max as i64);
        metrics.password_queue_max.set(passwords::QUEUE_MAX as i64);
        metrics.remembered_max.set(passwords::REMEMBERED_MAX as i64);
        metrics.attempts_max.set(attempts::ATTEMPTS_MAX as i64);
        metrics.failing_max.set(throttle::ADDRESSES_MAX as i64);
        Ok(Self {
            grants: config.grants.clone(),
            users: users.transpose()?,
            tokens: tokens.transpose()?,
            sessions: Sessions::new(Limits {
                sessions_max: config.sessions_max,
                idle: Duration::from_millis(config.session_idle_ms),
                age: Duration::from_millis(config.session_ms_max),
            }),
            passwords: Passwords::start(
                Arc::clone(&clock),
                &*random,
                metrics.password_queue.clone(),
                metrics.remembered.clone(),
            )?,
            throttle: Arc::new(Throttle::new(config.login_failures_max)),
            attempts: Attempts::new(),
            clock,
            random,
            metrics,
        })
    }

    /// Reads the files as [`open`](Self::open) does, and starts nothing.
    ///
    /// # Errors
    /// [`DeskError::File`].
    pub fn check(config: &HttpAccessConfig) -> Result<(), DeskError> {
        if let Some(path) = &config.users_file {
            reread::read::<Users>(path).map_err(in_file(USERS_FILE))?;
        }
        if let Some(path) = &config.tokens_file {
            reread::read::<Tokens>(path).map_err(in_file(TOKENS_FILE))?;
        }
        Ok(())
    }

    /// What is counted.
    pub fn metrics(&self) -> &AccessMetrics {
        &self.metrics
    }

    /// Whether names and passwords are taken at all.
    pub fn takes_passwords(&self) -> bool {
        self.users.is_some()
    }

    /// Who has this token.
    ///
    /// # Errors
    /// [`Denied::Wrong`].
    pub fn token(&self, token: &str) -> Result<Visitor, Denied> {
        let tokens = self.tokens.as_ref().map(Watched::current);
        let name = tokens.as_ref().and_then(|tokens| tokens.name(token));
        let found = name.map(|name| Visitor::named(name, &[], Via::Token, &self.grants));
        self.count(Credential::Token, found.is_some());
        found.ok_or(Denied::Wrong)
    }

    /// Somebody whose certificate was believed. It must be named by a grant: an authority signs for
    /// more than pages, and `User:*` is about those who were added here.
    pub fn certificate(&self, name: &str) -> Visitor {
        let names = |grant: &Grant| matches!(&grant.grantee, Grantee::User(user) if user == name);
        let known = self.grants.iter().any(names);
        self.count(Credential::Certificate, known);
        let grants = if known { &self.grants[..] } else { &[] };
        Visitor::named(name, &[], Via::Certificate, grants)
    }

    /// Somebody for whom a proxy vouches.
    pub fn proxied(&self, name: &str) -> Visitor {
        self.count(Credential::Header, true);
        Visitor::named(name, &[], Via::Proxy, &self.grants)
    }

    /// Somebody else spoke as proxies do.
    pub fn not_a_proxy(&self) {
        self.count(Credential::Header, false);
    }

    /// Whose session this cookie is.
    pub fn session(&self, cookie: &str) -> Option<Visitor> {
        let now = self.clock.monotonic();
        let found = self.sessions.find(cookie, now, |who| self.still(who));
        self.count(Credential::Session, found.is_some());
        let (who, ticket) = found?;
        let visitor = Visitor::named(&who.name, &who.groups, Via::Session, &self.grants);
        Some(visitor.in_session(ticket))
    }

    /// Has name and password checked. `done` hears of it, perhaps on another thread.
    pub fn password(
        self: &Arc<Self>,
        name: &str,
        password: &str,
        from: IpAddr,
        done: impl FnOnce(Result<Login, Denied>) + Send + 'static,
    ) {
        let users = self.users.as_ref().map(Watched::current);
        let known = users.as_ref().and_then(|users| users.hash(name));
        let login = known.map(|hash| Login {
            identity: Identity {
                name: name.to_owned(),
                groups: Vec::new(),
                proof: Proof::Password(hash.digest()),
            },
        });
        if let (Some(hash), Some(login)) = (known, &login)
            && self.passwords.was_right(name, password, hash)
        {
            return done(Ok(login.clone()));
        }
        if let Err(denied) = self.may_try(password, from) {
            return done(Err(denied));
        }
        // Somebody unknown takes as long.
        let hash = known.cloned().unwrap_or_else(PasswordHash::decoy);
        let desk = Arc::clone(self);
        let slot = Arc::new(parking_lot::Mutex::new(Some(done)));
        let later = Arc::clone(&slot);
        let checked = move |right: bool| {
            let login = login.filter(|_| right);
            desk.count(Credential::Password, login.is_some());
            if login.is_some() {
                desk.throttle.take_back(from);
            }
            if let Some(done) = later.lock().take() {
                done(login.ok_or(Denied::Wrong));
            }
        };
        let queued = self
            .passwords
            .check(name, password, hash, Box::new(checked));
        if let Err(passwords::Busy) = queued {
            self.throttle.take_back(from);
            self.metrics
                .logins
                .bind((Credential::Password, LoginOutcome::Busy))
                .inc();
            if let Some(done) = slot.lock().take() {
                done(Err(Denied::Busy));
            }
        }
    }

    fn may_try(&self, password: &str, from: IpAddr) -> Result<(), Denied> {
        if let Err(wait) = self.throttle.begin(from, self.clock.monotonic()) {
            self.metrics
                .logins
                .bind((Credential::Password, LoginOutcome::Throttled))
                .inc();
            return Err(Denied::Wait(wait));
        }
        if password.len() > PASSWORD_BYTES_MAX {
            self.count(Credential::Password, false);
            return Err(Denied::Wrong);
        }
        Ok(())
    }

    /// Somebody goes to log in at a provider's page.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn begin_attempt(&self, redirect_uri: String, to: String) -> io::Result<Attempt> {
        let secret = || crate::digest::secret(&*self.random);
        let attempt = Attempt {
            state: secret()?,
            nonce: secret()?,
            verifier: secret()?,
            redirect_uri,
            to,
        };
        let now = self.clock.monotonic();
        self.attempts
            .begin(attempt.state.clone(), attempt.clone(), now);
        Ok(attempt)
    }

    /// Somebody comes back; each attempt counts once.
    pub fn end_attempt(&self, state: &str) -> Option<Attempt> {
        self.attempts.take(state, self.clock.monotonic())
    }

    /// Somebody for whom a provider vouches; nobody when it does not.
    pub fn vouched(&self, person: Option<(String, Vec<String>)>) -> Option<Login> {
        self.count(Credential::Provider, person.is_some());
        let (name, groups) = person?;
        let proof = Proof::Provider;
        let identity = Identity {
            name,
            groups,
            proof,
        };
        Some(Login { identity })
    }

    /// The time that attempts and sessions are measured by.
    pub fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// The visitor of one request that carried name and password.
    pub fn visitor(&self, login: &Login) -> Visitor {
        let Identity { name, groups, .. } = &login.identity;
        Visitor::named(name, groups, Via::Password, &self.grants)
    }

    /// Begins a session; what the cookie holds.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn begin_session(&self, login: Login) -> io::Result<String> {
        let now = self.clock.monotonic();
        self.sessions.begin(login.identity, &*self.random, now)
    }

    /// Ends the session of a cookie.
    pub fn end_session(&self, cookie: &str) {
        self.sessions.end(cookie);
    }

    /// What happens about once a second: files that changed are read, what is over ends. Blocks on
    /// files; `everything` reads those that did not change, too.
    pub fn tick(&self, everything: bool) {
        if let Some(users) = &self.users {
            users.refresh(everything);
        }
        if let Some(tokens) = &self.tokens {
            tokens.refresh(everything);
        }
        let now = self.clock.monotonic();
        let sessions = self.sessions.sweep(now, |who| self.still(who));
        self.metrics.sessions.set(sessions as i64);
        let attempts = self.attempts.sweep(now);
        self.metrics.attempts.set(attempts as i64);
        self.metrics.failing.set(self.throttle.sweep(now) as i64);
    }

    /// Whether what somebody has shown would still be right.
    fn still(&self, who: &Identity) -> bool {
        let users = self.users.as_ref().map(Watched::current);
        let hash = users.as_ref().and_then(|users| users.hash(&who.name));
        match who.proof {
            Proof::Password(digest) => hash.is_some_and(|hash| hash.digest() == digest),
            Proof::Provider => true,
        }
    }

    fn count(&self, credential: Credential, accepted: bool) {
        let outcome = match accepted {
            true => LoginOutcome::Accepted,
            false => LoginOutcome::Refused,
        };
        self.metrics.logins.bind((credential, outcome)).inc();
    }
}

#[cfg(test)]
mod tests;
