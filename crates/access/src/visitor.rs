//! A visitor, and what it may do.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use limpid_config::{Grant, Grantee, Role};

use crate::pattern;

/// What somebody may want to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// See names and numbers.
    View,
    /// Read what is in records.
    ReadPayloads,
    /// Do what can be undone: reset offsets, change levels of loggers, run retention.
    Operate,
    /// Create, change and delete.
    Administer,
}

/// In the extensions of an answer that shows what is in records: the audit is told of it.
#[derive(Clone, Debug)]
pub struct PayloadsRead {
    /// Of which topic.
    pub topic: String,
    /// Which records, in words.
    pub what: String,
}

impl Permission {
    fn is_part_of(self, role: Role) -> bool {
        match self {
            Self::View => role != Role::Payloads,
            Self::ReadPayloads => role == Role::Payloads,
            Self::Operate => matches!(role, Role::Operator | Role::Admin),
            Self::Administer => role == Role::Admin,
        }
    }

    /// The least role that has it.
    const fn role(self) -> Role {
        match self {
            Self::View => Role::Viewer,
            Self::ReadPayloads => Role::Payloads,
            Self::Operate => Role::Operator,
            Self::Administer => Role::Admin,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::View => "see",
            Self::ReadPayloads => "read records of",
            Self::Operate => "operate",
            Self::Administer => "change",
        }
    }
}

/// How a visitor was let in, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// Nobody logged in.
    Nobody,
    /// From this machine, where nothing is configured.
    Local,
    /// By asking for what is public.
    Public,
    /// By name and password with this request.
    Password,
    /// By a token with this request.
    Token,
    /// By a cookie.
    Session,
    /// By a certificate.
    Certificate,
    /// By the word of a proxy.
    Proxy,
}

impl Via {
    /// Whether browsers show this with whatever a page makes them send, and nothing of ours goes with
    /// it that only our pages know.
    pub fn is_ambient(self) -> bool {
        matches!(self, Self::Certificate | Self::Proxy)
    }
}

/// Somebody who asks.
#[derive(Clone, Debug)]
pub struct Visitor {
    name: Option<Arc<str>>,
    via: Via,
    grants: Arc<[Grant]>,
    session: Option<Ticket>,
    address: Option<IpAddr>,
}

/// What a visitor has of its session.
#[derive(Clone)]
pub(crate) struct Ticket {
    pub(crate) csrf: Arc<str>,
    pub(crate) ended: Arc<AtomicBool>,
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}

impl Visitor {
    /// Nobody; may do nothing.
    pub fn nobody() -> Self {
        Self::with(None, Via::Nobody, Vec::new())
    }

    /// Somebody on this machine while nobody can log in: sees everything, changes nothing.
    pub fn local() -> Self {
        Self::with(None, Via::Local, vec![all(&[Role::Viewer, Role::Payloads])])
    }

    /// Somebody who asks for a path that is public: the path says what can be seen.
    pub fn public() -> Self {
        let grants = vec![all(&[Role::Viewer, Role::Payloads])];
        Self::with(None, Via::Public, grants)
    }

    /// The same visitor, who may see besides what is public where it asks.
    #[must_use]
    pub fn at_public_path(&self) -> Self {
        let mut visitor = self.clone();
        let public = Self::public();
        if self.is_let_in() {
            visitor.grants = self.grants.iter().chain(&*public.grants).cloned().collect();
            return visitor;
        }
        Self {
            address: self.address,
            ..public
        }
    }

    /// Somebody who logged in, with those of all grants that are about them.
    pub fn named(name: &str, groups: &[String], via: Via, grants: &[Grant]) -> Self {
        let about = |grant: &&Grant| match &grant.grantee {
            Grantee::Everybody => true,
            Grantee::User(user) => user == name,
            Grantee::Group(group) => groups.contains(group),
        };
        let own = grants.iter().filter(about).cloned().collect();
        Self::with(Some(name.into()), via, own)
    }

    fn with(name: Option<Arc<str>>, via: Via, grants: Vec<Grant>) -> Self {
        Self {
            name,
            via,
            grants: grants.into(),
            session: None,
            address: None,
        }
    }

    pub(crate) fn in_session(mut self, ticket: Ticket) -> Self {
        self.session = Some(ticket);
        self
    }

    /// The same visitor, who asks from this address.
    #[must_use]
    pub fn from_address(mut self, address: IpAddr) -> Self {
        self.address = Some(address.to_canonical());
        self
    }

    /// Where the visitor is.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The name, of somebody who logged in.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// How the visitor came in.
    pub fn via(&self) -> Via {
        self.via
    }

    /// Whether the visitor came in at all.
    pub fn is_let_in(&self) -> bool {
        self.via != Via::Nobody
    }

    /// What forms and scripts of this visitor's pages must send along.
    pub fn csrf(&self) -> Option<&str> {
        self.session.as_ref().map(|ticket| &*ticket.csrf)
    }

    /// Whether the visitor's login is over; whoever serves for long asks now and then.
    pub fn is_gone(&self) -> bool {
        let ticket = self.session.as_ref();
        ticket.is_some_and(|ticket| ticket.ended.load(Ordering::Relaxed))
    }

    /// Whether the visitor may do this in a cluster, with one topic or with all that it has.
    ///
    /// Who may see one topic may see what the cluster says of itself; doing more than that needs a
    /// grant for all topics.
    ///
    /// # Errors
    /// It may not; the reason is a sentence.
    pub fn may(
        &self,
        permission: Permission,
        cluster: &str,
        topic: Option<&str>,
    ) -> Result<(), Refusal> {
        let allows = |grant: &Grant| {
            grant.roles.iter().any(|role| permission.is_part_of(*role))
                && pattern::matches(&grant.clusters, cluster)
                && match topic {
                    Some(topic) => pattern::matches(&grant.topics, topic),
                    None => permission == Permission::View || grant.topics == "*",
                }
        };
        if self.grants.iter().any(allows) {
            return Ok(());
        }
        Err(Refusal {
            who: self.name.clone(),
            permission,
            cluster: cluster.to_owned(),
            topic: topic.map(str::to_owned),
            has: self.grants.iter().map(Grant::to_string).collect(),
        })
    }
}

fn all(roles: &[Role]) -> Grant {
    Grant {
        grantee: Grantee::Everybody,
        roles: roles.to_vec(),
        clusters: "*".to_owned(),
        topics: "*".to_owned(),
    }
}

/// Why a visitor may not do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    who: Option<Arc<str>>,
    permission: Permission,
    cluster: String,
    topic: Option<String>,
    has: Vec<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = self.who.as_deref().unwrap_or("a visitor without a name");
        write!(f, "{who} may not {} ", self.permission.words())?;
        match &self.topic {
            Some(topic) => write!(f, "topic {topic} of cluster {}", self.cluster)?,
            None => write!(f, "cluster {}", self.cluster)?,
        }
        write!(f, ": that needs the role {}", self.permission.role().name())?;
        match self.has.is_empty() {
            true => write!(f, ", and nothing is granted"),
            false => write!(f, ", and what is granted is {}", self.has.join(", ")),
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests;
