//! The loggers of this process as settings of the broker (KIP-412): described and altered by the
//! same requests as other settings, but kept nowhere, and gone when the process ends.

use std::collections::BTreeSet;

use limpid_config::alter::{AlterOp, Alteration};
use limpid_config::describe::{ConfigEntry, Source};
use limpid_protocol::ErrorCode;
use limpid_storage::metadata::{ConfigResource, Refusal, ResourceType};
use limpid_telemetry::logging::loggers::{LoggerLevel, Loggers, ROOT};

/// The type of the resource, which is in no metadata record.
pub const CODE: i8 = 8;

/// Whether settings of this resource are loggers.
pub fn are_meant(resource: &ConfigResource) -> bool {
    resource.kind == ResourceType::Other(CODE)
}

/// Whether the loggers of this broker are meant.
///
/// # Errors
/// INVALID_REQUEST: another broker's, or nobody's.
pub fn check(name: &str, node_id: i32) -> Result<(), Refusal> {
    if name.parse() == Ok(node_id) {
        return Ok(());
    }
    let message = format!("'{name}' is not this broker: expected {node_id}");
    Err(Refusal::new(ErrorCode::InvalidRequest, message))
}

/// Every logger with the level that holds for it.
pub fn describe(loggers: &Loggers) -> Vec<ConfigEntry> {
    let entry = |(name, level): (String, LoggerLevel)| ConfigEntry {
        name,
        value: Some(level.name().to_owned()),
        source: Source::DynamicBrokerLogger,
        read_only: false,
        sensitive: false,
        synonyms: Vec::new(),
        kind_code: 0,
        documentation: Some(""),
    };
    loggers.list().into_iter().map(entry).collect()
}

/// Alters levels, or only checks with `dry`; all of them or none.
///
/// # Errors
/// A wish that can't be fulfilled.
pub fn alter(loggers: &Loggers, wishes: &[Alteration], dry: bool) -> Result<(), Refusal> {
    let known = loggers.list();
    let mut seen = BTreeSet::new();
    if let Some(twice) = wishes.iter().find(|wish| !seen.insert(&wish.key)) {
        return Err(invalid_request(format!("{} is there twice", twice.key)));
    }
    let mut changes = Vec::with_capacity(wishes.len());
    for wish in wishes {
        let level = wanted(wish)?;
        if !known.contains_key(&wish.key) {
            let message = format!("there is no logger '{}'", wish.key);
            return Err(Refusal::new(ErrorCode::InvalidConfig, message));
        }
        if level.is_none() && wish.key == ROOT {
            let message = "the root logger always has a level".to_owned();
            return Err(invalid_request(message));
        }
        changes.push((wish.key.as_str(), level));
    }
    if dry || changes.is_empty() {
        return Ok(());
    }
    tell(&changes);
    let altered = loggers.alter(&changes);
    altered.map_err(|error| Refusal::new(ErrorCode::InvalidConfig, error.to_string()))
}

fn tell(changes: &[(&str, Option<LoggerLevel>)]) {
    let told = changes.iter().map(|(name, level)| {
        let level = level.map_or("as the logger above", LoggerLevel::name);
        format!("{name}={level}")
    });
    let levels = told.collect::<Vec<_>>().join(",");
    tracing::info!(levels, "loggers get other levels");
}

/// The level that is wished for; none to have that of the logger above.
fn wanted(wish: &Alteration) -> Result<Option<LoggerLevel>, Refusal> {
    match (wish.op, wish.value.as_deref()) {
        (AlterOp::Delete, _) => Ok(None),
        (AlterOp::Set, None) => Err(invalid_request(format!("{} has no value", wish.key))),
        (AlterOp::Set, Some(name)) => LoggerLevel::from_name(name).map(Some).ok_or_else(|| {
            let all = LoggerLevel::names().collect::<Vec<_>>().join(", ");
            let message = format!("'{name}' is no level for {}: one of {all}", wish.key);
            Refusal::new(ErrorCode::InvalidConfig, message)
        }),
        (AlterOp::Append | AlterOp::Subtract, _) => {
            let message = format!("{} is no list", wish.key);
            Err(invalid_request(message))
        }
    }
}

fn invalid_request(message: String) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, message)
}
