//! This broker, as faces operate it. The audit is told of what is changed here: who, from where,
//! before and after.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use limpid_broker::audit::{Audit, Change, Kind, Record, Who};
use limpid_cluster::{AdminError, By, NodeAdmin, RetentionRun};
use limpid_storage::LogManager;
use limpid_telemetry::logging::loggers::{LoggerLevel, Loggers};

/// The listener of all faces, for the audit.
pub(crate) const HTTP: &str = "http";

/// See the module.
pub(crate) struct Node {
    loggers: Arc<Loggers>,
    audit: Arc<Audit>,
    /// There as soon as the logs are open.
    logs: OnceLock<Arc<LogManager>>,
}

impl Node {
    /// A broker that is about to start.
    pub(crate) fn new(loggers: Arc<Loggers>, audit: Arc<Audit>) -> Self {
        Self {
            loggers,
            audit,
            logs: OnceLock::new(),
        }
    }

    /// From now on it has logs.
    pub(crate) fn attach(&self, logs: Arc<LogManager>) {
        let first = self.logs.set(logs).is_ok();
        debug_assert!(first, "a server opens its logs once");
    }

    fn tell(&self, action: &str, change: Change, by: &By) {
        let who = Who::visitor(HTTP, &by.who, by.from.as_str());
        let mut record = Record::new(Kind::Change, who, action, "NONE");
        record.changes.push(change);
        self.audit.tell(record);
    }
}

impl NodeAdmin for Node {
    fn loggers(&self) -> BTreeMap<String, &'static str> {
        let all = self.loggers.list().into_iter();
        all.map(|(name, level)| (name, level.name())).collect()
    }

    fn levels(&self) -> Vec<&'static str> {
        LoggerLevel::names().collect()
    }

    fn set_level(
        &self,
        logger: &str,
        level: Option<&str>,
        by: &By,
    ) -> Result<&'static str, AdminError> {
        let known = self.loggers.list();
        let no_logger = || AdminError::NotFound(format!("there is no logger named {logger}"));
        let before = known.get(logger).ok_or_else(no_logger)?.name();
        let level = level.map(|name| {
            let found = LoggerLevel::from_name(&name.to_ascii_uppercase());
            found.ok_or_else(|| {
                let names: Vec<_> = LoggerLevel::names().collect();
                AdminError::Refused(format!("a level is one of {}", names.join(", ")))
            })
        });
        let altered = self.loggers.alter(&[(logger, level.transpose()?)]);
        altered.map_err(|error| AdminError::Refused(error.to_string()))?;
        let after = self.loggers.list().get(logger).map(|level| level.name());
        let after = after.unwrap_or_default();
        let change = Change {
            key: Some("level".to_owned()),
            before: Some(before.to_owned()),
            after: Some(after.to_owned()),
            ..Change::new("alter", "logger", logger)
        };
        self.tell("set level", change, by);
        Ok(before)
    }

    fn run_retention(&self, topic: Option<&str>, by: &By) -> Result<RetentionRun, AdminError> {
        let starting = || AdminError::Unavailable("the broker is still starting".to_owned());
        let done = self
            .logs
            .get()
            .ok_or_else(starting)?
            .apply_retention_now(topic);
        if let (Some(topic), 0) = (topic, done.logs) {
            let none = format!("there is no log of a topic named {topic} here");
            return Err(AdminError::NotFound(none));
        }
        let run = RetentionRun {
            logs: done.logs,
            segments: done.segments,
            bytes: done.bytes,
            failed: done.failed,
        };
        let change = Change::new("run retention", "topic", topic.unwrap_or("*"));
        let told = format!(
            "logs {}, segments gone {}, bytes gone {}, failed {}",
            run.logs, run.segments, run.bytes, run.failed
        );
        self.tell("run retention", change.after(told), by);
        Ok(run)
    }
}
