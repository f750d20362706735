//! The rules of IncrementalAlterConfigs (KIP-339): SET, DELETE, APPEND, SUBTRACT.
//!
//! Pure functions from the entries a resource has to those it will have. The handler writes the
//! [`difference`] to the metadata log.

use std::collections::{BTreeMap, BTreeSet};

use crate::broker;
use crate::check::list_items;
use crate::client_metrics::{self, Subscription, SubscriptionError};
use crate::config::Config;
use crate::definition::{Definition, Dynamic, Kind};
use crate::{group, listeners, topic};

/// Numbers of threads that may at most double or halve in one step, as in Kafka.
const THREAD_POOLS: &[&str] = &[
    "num.io.threads",
    "num.replica.fetchers",
    "num.recovery.threads.per.data.dir",
    "background.threads",
    CLEANERS,
];
const CLEANERS: &str = "log.cleaner.threads";
const DEDUPE_BUFFER: &str = "log.cleaner.dedupe.buffer.size";
const LISTENERS: &str = "listeners";
/// What each cleaner needs of it.
const DEDUPE_BYTES_MIN: i64 = 1 << 20;

/// What to do with an entry, with Kafka's codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlterOp {
    /// Set it.
    Set,
    /// Back to what it would be without.
    Delete,
    /// Add items to a list.
    Append,
    /// Take items out of a list.
    Subtract,
}

impl AlterOp {
    /// The operation with this code.
    pub fn from_code(code: i8) -> Option<AlterOp> {
        match code {
            0 => Some(AlterOp::Set),
            1 => Some(AlterOp::Delete),
            2 => Some(AlterOp::Append),
            3 => Some(AlterOp::Subtract),
            _ => None,
        }
    }
}

/// One wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alteration {
    /// The key.
    pub key: String,
    /// What to do.
    pub op: AlterOp,
    /// With what; ignored for DELETE.
    pub value: Option<String>,
}

/// Why the wishes for a resource were refused, by Kafka's error code. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlterError {
    /// INVALID_REQUEST.
    #[error("{0}")]
    InvalidRequest(String),
    /// INVALID_CONFIG.
    #[error("{0}")]
    InvalidConfig(String),
}

/// Whose broker entries are altered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerScope {
    /// One broker's, by its id.
    One,
    /// All brokers' (the empty resource name).
    All,
}

/// The entries of a topic after these wishes.
pub fn topic(
    config: &Config,
    current: &BTreeMap<String, String>,
    wishes: &[Alteration],
) -> Result<BTreeMap<String, String>, AlterError> {
    let inherited = |key: &str| {
        let broker = topic::broker_value(key, &|key| config.explicit(key).map(str::to_owned));
        broker.or_else(|| {
            topic::find(key)
                .and_then(|row| row.default)
                .map(str::to_owned)
        })
    };
    let altered = apply(current, wishes, topic::find, &inherited)?;
    match topic::validate_topic_config(&altered) {
        Ok(()) => Ok(altered),
        Err(error) => Err(AlterError::InvalidConfig(error.message)),
    }
}

/// The entries of a group after these wishes.
pub fn group(
    config: &Config,
    current: &BTreeMap<String, String>,
    wishes: &[Alteration],
) -> Result<BTreeMap<String, String>, AlterError> {
    let inherited = |key: &str| {
        let own = group::server_synonym(key).and_then(|key| config.get(&key).map(str::to_owned));
        own.or_else(|| group::find(key)?.default.map(str::to_owned))
    };
    let altered = apply(current, wishes, group::find, &inherited)?;
    match group::validate(config, &altered) {
        Ok(()) => Ok(altered),
        Err(message) => Err(AlterError::InvalidConfig(message)),
    }
}

/// The dynamic entries of one or all brokers after these wishes.
pub fn broker(
    config: &Config,
    scope: BrokerScope,
    current: &BTreeMap<String, String>,
    wishes: &[Alteration],
) -> Result<BTreeMap<String, String>, AlterError> {
    let inherited = |key: &str| config.get(key).map(str::to_owned);
    let altered = apply(current, wishes, broker::find_alterable, &inherited)?;
    let wished: BTreeSet<&str> = wishes.iter().map(|wish| wish.key.as_str()).collect();
    let refused = |test: &dyn Fn(&Definition) -> bool| -> Vec<&str> {
        let row = |key: &&str| broker::find_alterable(key).is_some_and(test);
        wished.iter().copied().filter(row).collect()
    };
    let fixed = refused(&|row| row.dynamic == Dynamic::ReadOnly);
    if !fixed.is_empty() {
        return Err(AlterError::InvalidRequest(format!(
            "Cannot update these configs dynamically: {}",
            fixed.join(", ")
        )));
    }
    let tls = refused(&|row| broker::PER_LISTENER_ONLY.contains(&row.key));
    if !tls.is_empty() {
        return Err(AlterError::InvalidRequest(format!(
            "Only for one listener, as listener.name.<name>.<key>, can these be altered: {}",
            tls.join(", ")
        )));
    }
    let single = refused(&|row| row.dynamic == Dynamic::PerBroker);
    if scope == BrokerScope::All && !single.is_empty() {
        return Err(AlterError::InvalidRequest(format!(
            "Cannot update these configs for all brokers at once, name a broker id: {}",
            single.join(", ")
        )));
    }
    for (key, value) in &altered {
        if let Some(row) = broker::find_alterable(key)
            && let Err(reason) = row.validate(value)
        {
            let value = crate::config::shown(key, value);
            return Err(AlterError::InvalidRequest(format!(
                "Invalid value {value} for configuration {key}: {reason}"
            )));
        }
    }
    check_threads(config, current, &altered)?;
    if wished.contains(LISTENERS) {
        check_controller(config, &altered)?;
    }
    check_together(config, scope, &altered)?;
    Ok(altered)
}

/// Pools of threads change step by step, and each cleaner needs some memory.
fn check_threads(
    config: &Config,
    current: &BTreeMap<String, String>,
    altered: &BTreeMap<String, String>,
) -> Result<(), AlterError> {
    let number = |key: &str, value: Option<&str>| -> Option<i64> {
        let value = value.or_else(|| config.get(key))?;
        value.trim().parse().ok()
    };
    for key in THREAD_POOLS {
        let Some(wanted) = altered.get(*key) else {
            continue;
        };
        let (Some(now), Some(new)) = (number(key, None), number(key, Some(wanted))) else {
            continue;
        };
        let bound = match () {
            () if current.get(*key) == Some(wanted) => continue,
            () if new > now.saturating_mul(2) => "greater than double",
            () if new < now / 2 => "less than half",
            () => continue,
        };
        return Err(AlterError::InvalidRequest(format!(
            "Invalid value {new} for configuration {key}: it should not be {bound} the current \
             value {now}"
        )));
    }
    let wished = |key: &str| number(key, altered.get(key).map(String::as_str));
    let buffer = wished(DEDUPE_BUFFER).unwrap_or(i64::MAX);
    let cleaners = wished(CLEANERS).unwrap_or(1).max(1);
    let is_altered = [DEDUPE_BUFFER, CLEANERS]
        .iter()
        .any(|key| altered.get(*key) != current.get(*key));
    if is_altered && buffer / cleaners < DEDUPE_BYTES_MIN {
        return Err(AlterError::InvalidRequest(format!(
            "{DEDUPE_BUFFER} must be at least 1MB per cleaner thread"
        )));
    }
    Ok(())
}

/// A configuration that names the controller's listener keeps one: Kafka would not start without.
fn check_controller(config: &Config, altered: &BTreeMap<String, String>) -> Result<(), AlterError> {
    let (Some(value), true) = (
        altered.get(LISTENERS),
        config.broker().node.controller.is_some(),
    ) else {
        return Ok(());
    };
    let names = config.get("controller.listener.names").unwrap_or_default();
    match listeners::controller(value, names, "") {
        Some(_) => Ok(()),
        None => Err(AlterError::InvalidRequest(format!(
            "{LISTENERS} must keep a listener of controller.listener.names ({names})"
        ))),
    }
}

/// The entries of a subscription of client metrics after these wishes.
pub fn client_metrics(
    current: &BTreeMap<String, String>,
    wishes: &[Alteration],
) -> Result<BTreeMap<String, String>, AlterError> {
    let altered = apply(current, wishes, client_metrics::find, &|_| None)?;
    match Subscription::new(&altered) {
        Ok(_) => Ok(altered),
        // Of a client's selectors Kafka says that the setting is wrong, of all else the request.
        Err(SubscriptionError::Selector(why)) => Err(AlterError::InvalidConfig(why)),
        Err(SubscriptionError::Entry(why)) => Err(AlterError::InvalidRequest(why)),
    }
}

/// What changed: a value for an entry that was set, `None` for one that was deleted.
pub fn difference(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<(String, Option<String>)> {
    let set = after
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(*value))
        .map(|(key, value)| (key.clone(), Some(value.clone())));
    let deleted = before
        .keys()
        .filter(|key| !after.contains_key(*key))
        .map(|key| (key.clone(), None));
    set.chain(deleted).collect()
}

/// Entries that are fine one by one may not be fine together.
fn check_together(
    config: &Config,
    scope: BrokerScope,
    altered: &BTreeMap<String, String>,
) -> Result<(), AlterError> {
    let (one, all) = match scope {
        BrokerScope::One => (altered.clone(), config.dynamic_default().clone()),
        BrokerScope::All => (config.dynamic_broker().clone(), altered.clone()),
    };
    match config.with_dynamic(one, all) {
        Ok(_) => Ok(()),
        Err(errors) => Err(AlterError::InvalidRequest(errors.to_string())),
    }
}

fn apply(
    current: &BTreeMap<String, String>,
    wishes: &[Alteration],
    find: impl Fn(&str) -> Option<&'static Definition>,
    inherited: &dyn Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, String>, AlterError> {
    check_wishes(wishes)?;
    let mut altered = current.clone();
    for wish in wishes {
        let value = wish.value.as_deref().unwrap_or_default();
        match wish.op {
            AlterOp::Set => {
                altered.insert(wish.key.clone(), value.to_owned());
            }
            AlterOp::Delete => {
                altered.remove(&wish.key);
            }
            AlterOp::Append | AlterOp::Subtract => {
                if find(&wish.key).is_none_or(|row| row.kind != Kind::List) {
                    let verb = if wish.op == AlterOp::Append {
                        "append to"
                    } else {
                        "subtract from"
                    };
                    return Err(AlterError::InvalidConfig(format!(
                        "Cannot {verb} {}: it is not a list",
                        wish.key
                    )));
                }
                let old = altered
                    .get(&wish.key)
                    .cloned()
                    .or_else(|| inherited(&wish.key));
                let new = edit_list(&old.unwrap_or_default(), wish.op, value);
                altered.insert(wish.key.clone(), new);
            }
        }
    }
    Ok(altered)
}

fn check_wishes(wishes: &[Alteration]) -> Result<(), AlterError> {
    let mut seen = BTreeSet::new();
    for wish in wishes {
        if !seen.insert(wish.key.as_str()) {
            let message = format!("the entry {} is altered twice in one request", wish.key);
            return Err(AlterError::InvalidRequest(message));
        }
        if wish.value.is_none() && wish.op != AlterOp::Delete {
            let message = format!("Null value not supported for: {}", wish.key);
            return Err(AlterError::InvalidRequest(message));
        }
    }
    Ok(())
}

/// Items are added once, at the end; items that are not there need not be taken out.
fn edit_list(old: &str, op: AlterOp, value: &str) -> String {
    let mut items: Vec<&str> = list_items(old).collect();
    for item in list_items(value) {
        match op {
            AlterOp::Append if !items.contains(&item) => items.push(item),
            AlterOp::Subtract => items.retain(|other| *other != item),
            _ => {}
        }
    }
    items.join(",")
}

#[cfg(test)]
mod tests;
