//! Whether a client may do what it asks for: the cluster's ACLs, as of the newest metadata.
//!
//! Without `authorizer.class.name` everybody may do everything. With it every handler asks, through
//! [`Call::may`](crate::handler::Call::may), before it shows or changes something.

use std::collections::HashSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use limpid_config::AccessConfig;
use limpid_protocol::messages::AccessControlEntryRecord;
use limpid_security::acl::{AclIndex, AclRule, Asker, PatternType, Permission, Verdict};
pub use limpid_security::acl::{CLUSTER_NAME, Operation, ResourceKind};
use limpid_storage::metadata::{AccessMark, Image, MetadataLog};
use limpid_telemetry::Counter;
use parking_lot::Mutex;

use crate::audit::{Audit, Kind, Record};
use crate::metrics::{AccessMetrics, AccessOutcome};
use crate::peer::Peer;

/// Knows the rules.
pub struct Access {
    enforced: Option<Enforced>,
    audit: Arc<Audit>,
    allowed: Counter,
    denied: Counter,
}

struct Enforced {
    super_users: HashSet<String>,
    allow_without_acl: bool,
    index: ArcSwap<AclIndex>,
    /// What the index was made of.
    seen: Mutex<Option<AccessMark>>,
}

impl Access {
    /// Follows the ACLs of `metadata_log` from now on, if they are to be enforced.
    pub fn new(
        config: &AccessConfig,
        metadata_log: &dyn MetadataLog,
        audit: Arc<Audit>,
        metrics: &AccessMetrics,
    ) -> Arc<Self> {
        let enforced = config.enforced.then(|| Enforced {
            super_users: config.super_users.iter().cloned().collect(),
            allow_without_acl: config.allow_without_acl,
            index: ArcSwap::default(),
            seen: Mutex::default(),
        });
        let access = Arc::new(Self {
            enforced,
            audit,
            allowed: metrics.authorizations.bind(AccessOutcome::Allowed),
            denied: metrics.authorizations.bind(AccessOutcome::Denied),
        });
        if access.enforced.is_some() {
            let following = Arc::clone(&access);
            metadata_log.subscribe(Box::new(move |image, _| following.follow(image)));
        }
        access
    }

    /// Whether there are rules at all.
    pub fn is_enforced(&self) -> bool {
        self.enforced.is_some()
    }

    fn follow(&self, image: &Image) {
        let Some(enforced) = &self.enforced else {
            return;
        };
        let now = Some(image.access_mark());
        let mut seen = enforced.seen.lock();
        if *seen != now {
            let rules = image.acls().filter_map(rule);
            enforced.index.store(Arc::new(AclIndex::new(rules)));
            *seen = now;
        }
    }

    /// Whether a client may do something with a resource. The audit hears of it if it may not.
    pub fn may(&self, peer: &Peer, operation: Operation, kind: ResourceKind, name: &str) -> bool {
        let Some(enforced) = &self.enforced else {
            return true;
        };
        let may = enforced.may(peer, operation, kind, name);
        self.count(may);
        if !may {
            let record = Record::new(Kind::Denied, peer.who(), operation.as_str(), "DENIED");
            self.audit
                .tell_of_repeated(record.about(kind.as_str(), name));
        }
        may
    }

    /// As [`Access::may`], for who only wants to leave out what may not be seen: no line in the log.
    pub fn sees(&self, peer: &Peer, operation: Operation, kind: ResourceKind, name: &str) -> bool {
        let enforced = self.enforced.as_ref();
        enforced.is_none_or(|enforced| enforced.may(peer, operation, kind, name))
    }

    /// Whether there is any resource of a kind with which a client may do something.
    pub fn may_with_any(&self, peer: &Peer, operation: Operation, kind: ResourceKind) -> bool {
        // A name that nobody gave a resource stands for those that no rule names.
        const UNNAMED: &str = "hardcode";
        let Some(enforced) = &self.enforced else {
            return true;
        };
        let may = enforced.may(peer, operation, kind, UNNAMED)
            || enforced
                .index
                .load()
                .allows_any(asker(peer), operation, kind);
        self.count(may);
        may
    }

    /// The operations that a client may do, of those in the bit field `possible` (KIP-430).
    pub fn operations(&self, peer: &Peer, possible: i32, kind: ResourceKind, name: &str) -> i32 {
        let mut allowed = possible;
        for code in 0..i8::BITS as i8 * 2 {
            let bit = 1 << code;
            let operation = Operation::of_code(code).filter(|_| possible & bit != 0);
            if operation.is_some_and(|operation| !self.sees(peer, operation, kind, name)) {
                allowed &= !bit;
            }
        }
        allowed
    }

    fn count(&self, may: bool) {
        if may { &self.allowed } else { &self.denied }.inc();
    }
}

impl Enforced {
    fn may(&self, peer: &Peer, operation: Operation, kind: ResourceKind, name: &str) -> bool {
        if self.super_users.contains(peer.principal.as_str()) {
            return true;
        }
        match self
            .index
            .load()
            .verdict(asker(peer), operation, kind, name)
        {
            Verdict::Allowed => true,
            Verdict::Denied => false,
            Verdict::NoRule => self.allow_without_acl,
        }
    }
}

fn asker(peer: &Peer) -> Asker<'_> {
    Asker {
        principal: &peer.principal,
        host: &peer.host,
    }
}

/// The rule of a record; `None` for what a later Kafka brought, which allows nothing here.
pub fn rule(record: &AccessControlEntryRecord) -> Option<AclRule> {
    Some(AclRule {
        kind: ResourceKind::of_code(record.resource_type)?,
        name: record.resource_name.clone(),
        pattern: PatternType::of_code(record.pattern_type)?,
        principal: record.principal.clone(),
        host: record.host.clone(),
        operation: Operation::of_code(record.operation)?,
        permission: Permission::of_code(record.permission_type)?,
    })
}
