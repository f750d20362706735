//! Access rules, evaluated as Kafka's `StandardAuthorizer` does.
//!
//! - A rule is for one resource by name, for all of a kind (`*`), or for all with a prefix.
//! - A rule that denies beats every rule that allows.
//! - To be allowed to read, write, delete or alter something is to be allowed to describe it; to be
//!   allowed to alter its settings is to be allowed to describe those.
//! - A resource that no rule speaks of is open only if `allow.everyone.if.no.acl.found` says so; one
//!   that some rule speaks of is closed to everybody whom none allows.

use std::collections::{BTreeSet, HashMap};

use crate::principal::Principal;

/// Every resource of a kind, in a rule; everybody, as a name; everywhere, as a host.
pub const WILDCARD: &str = "*";
/// The name of the one resource of kind `Cluster`.
pub const CLUSTER_NAME: &str = "kafka-cluster";

macro_rules! coded {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant = $code),+ }

        impl $name {
            /// What a number of Kafka's stands for.
            pub const fn of_code(code: i8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// Kafka's number.
            pub const fn code(self) -> i8 {
                self as i8
            }

            /// The name, for people.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),+ }
            }
        }
    };
}

coded! {
    /// What can be protected.
    ResourceKind {
        /// A topic.
        Topic = 2,
        /// A group.
        Group = 3,
        /// The cluster as a whole.
        Cluster = 4,
        /// A `transactional.id`.
        TransactionalId = 5,
        /// A delegation token.
        DelegationToken = 6,
        /// A user.
        User = 7,
    }
}

coded! {
    /// What somebody wants to do with it.
    Operation {
        /// Everything; only in rules.
        All = 2,
        /// Read records; commit offsets.
        Read = 3,
        /// Write records.
        Write = 4,
        /// Make it.
        Create = 5,
        /// Delete it.
        Delete = 6,
        /// Change it.
        Alter = 7,
        /// See that it is there.
        Describe = 8,
        /// What brokers do among themselves.
        ClusterAction = 9,
        /// See its settings.
        DescribeConfigs = 10,
        /// Change its settings.
        AlterConfigs = 11,
        /// Write with an idempotent producer.
        IdempotentWrite = 12,
        /// Make delegation tokens.
        CreateTokens = 13,
        /// See delegation tokens.
        DescribeTokens = 14,
        /// Prepare transactions of somebody else's coordinator.
        TwoPhaseCommit = 15,
    }
}

coded! {
    /// How a rule names resources.
    PatternType {
        /// By the name itself, or `*` for all.
        Literal = 3,
        /// By how the name begins.
        Prefixed = 4,
    }
}

coded! {
    /// What a rule says.
    Permission {
        /// No.
        Deny = 2,
        /// Yes.
        Allow = 3,
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AclRule {
    /// Kind of the resources.
    pub kind: ResourceKind,
    /// Their name, or how it begins.
    pub name: String,
    /// Which of both.
    pub pattern: PatternType,
    /// Whom it is about: `User:alice`, or `User:*`.
    pub principal: String,
    /// The address they come from, or `*`.
    pub host: String,
    /// What they want to do.
    pub operation: Operation,
    /// Whether they may.
    pub permission: Permission,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// The principal.
    pub principal: &'a Principal,
    /// The address it comes from, without port.
    pub host: &'a str,
}

/// What the rules say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A rule allows it and none denies it.
    Allowed,
    /// A rule denies it, or there are rules for the resource and none allows it.
    Denied,
    /// No rule speaks of the resource.
    NoRule,
}

/// All rules of a cluster, for finding those of a resource fast.
#[derive(Debug, Default)]
pub struct AclIndex {
    kinds: HashMap<ResourceKind, ByName>,
}

#[derive(Debug, Default)]
struct ByName {
    literal: HashMap<String, Vec<Entry>>,
    prefixed: HashMap<String, Vec<Entry>>,
    /// Lengths of the prefixes, so that only those are looked up.
    prefix_bytes: BTreeSet<usize>,
}

#[derive(Debug)]
struct Entry {
    principal: String,
    host: String,
    operation: Operation,
    permission: Permission,
}

impl AclIndex {
    /// Sorts rules into an index.
    pub fn new(rules: impl IntoIterator<Item = AclRule>) -> Self {
        let mut index = Self::default();
        for rule in rules {
            let by_name = index.kinds.entry(rule.kind).or_default();
            let entries = match rule.pattern {
                PatternType::Literal => by_name.literal.entry(rule.name).or_default(),
                PatternType::Prefixed => {
                    by_name.prefix_bytes.insert(rule.name.len());
                    by_name.prefixed.entry(rule.name).or_default()
                }
            };
            entries.push(Entry {
                principal: rule.principal,
                host: rule.host,
                operation: rule.operation,
                permission: rule.permission,
            });
        }
        index
    }

    /// Whether somebody may do something with a resource.
    pub fn verdict(
        &self,
        asker: Asker<'_>,
        operation: Operation,
        kind: ResourceKind,
        name: &str,
    ) -> Verdict {
        let mut verdict = Verdict::NoRule;
        let Some(by_name) = self.kinds.get(&kind) else {
            return verdict;
        };
        for entry in by_name.of(name) {
            if verdict == Verdict::NoRule {
                verdict = Verdict::Denied;
            }
            if !entry.is_about(asker) || !entry.covers(operation) {
                continue;
            }
            match entry.permission {
                Permission::Deny => return Verdict::Denied,
                Permission::Allow => verdict = Verdict::Allowed,
            }
        }
        verdict
    }

    /// Whether there is some resource of a kind with which somebody may do something: one that a
    /// rule allows and that none denies as a whole.
    pub fn allows_any(&self, asker: Asker<'_>, operation: Operation, kind: ResourceKind) -> bool {
        let Some(by_name) = self.kinds.get(&kind) else {
            return false;
        };
        let says = |permission: Permission| {
            move |entry: &Entry| {
                entry.permission == permission
                    && entry.is_about(asker)
                    && (entry.operation == operation || entry.operation == Operation::All)
            }
        };
        let some = |entries: &[Entry], permission| entries.iter().any(says(permission));
        let denied = |entries: &[Entry]| some(entries, Permission::Deny);
        if by_name
            .literal
            .get(WILDCARD)
            .is_some_and(|entries| denied(entries))
        {
            return false;
        }
        let denies_prefix_of =
            |name: &str| by_name.prefixes_of(name).any(|entries| denied(entries));
        let literal = by_name.literal.iter().any(|(name, entries)| {
            some(entries, Permission::Allow)
                && (name == WILDCARD || (!denied(entries) && !denies_prefix_of(name)))
        });
        let prefixed = |(name, entries): (&String, &Vec<Entry>)| {
            some(entries, Permission::Allow) && !denies_prefix_of(name)
        };
        literal || by_name.prefixed.iter().any(prefixed)
    }
}

impl ByName {
    fn of(&self, name: &str) -> impl Iterator<Item = &Entry> {
        let exact = self.literal.get(name);
        let all = self.literal.get(WILDCARD).filter(|_| name != WILDCARD);
        exact
            .into_iter()
            .chain(all)
            .chain(self.prefixes_of(name))
            .flatten()
    }

    fn prefixes_of(&self, name: &str) -> impl Iterator<Item = &Vec<Entry>> {
        let lengths = self.prefix_bytes.range(..=name.len());
        lengths.filter_map(move |bytes| self.prefixed.get(name.get(..*bytes)?))
    }
}

impl Entry {
    fn is_about(&self, asker: Asker<'_>) -> bool {
        let everybody = || {
            let kind = self.principal.strip_suffix(":*");
            kind.is_some_and(|kind| kind == asker.principal.kind())
        };
        (self.host == WILDCARD || self.host == asker.host)
            && (self.principal == asker.principal.as_str() || everybody())
    }

    fn covers(&self, wanted: Operation) -> bool {
        use Operation::{All, Alter, AlterConfigs, Delete, Describe, DescribeConfigs, Read, Write};
        if self.operation == wanted || self.operation == All {
            return true;
        }
        // What is denied is denied by its own name only.
        self.permission == Permission::Allow
            && match wanted {
                Describe => matches!(self.operation, Read | Write | Delete | Alter),
                DescribeConfigs => self.operation == AlterConfigs,
                _ => false,
            }
    }
}

#[cfg(test)]
mod tests;
