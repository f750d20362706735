//! The levels of loggers, as Kafka's tools show and change them while the process runs.
//!
//! A logger is a target, that is a module that logs, or a module above one; with dots for `::`, as
//! `kafka-configs` takes no colons. Its level holds for all targets whose names begin with its
//! name, unless a longer name says otherwise, and `root` for what no name fits. Changes are
//! forgotten when the process ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};

use super::tail::Tail;
use super::{LogError, parse};

/// The logger above all others.
pub const ROOT: &str = "root";

/// Between the modules of a target, and of a logger's name.
const PATH: &str = "::";
const DOT: &str = ".";

/// Kafka's names of levels, each with what it lets through. Nothing is logged as FATAL, so that is
/// silence.
const LEVELS: [(&str, LevelFilter); 6] = [
    ("DEBUG", LevelFilter::DEBUG),
    ("ERROR", LevelFilter::ERROR),
    ("FATAL", LevelFilter::OFF),
    ("INFO", LevelFilter::INFO),
    ("TRACE", LevelFilter::TRACE),
    ("WARN", LevelFilter::WARN),
];

/// What a logger lets through, by one of Kafka's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggerLevel(LevelFilter);

impl LoggerLevel {
    /// The names there are.
    pub fn names() -> impl Iterator<Item = &'static str> {
        LEVELS.iter().map(|(name, _)| *name)
    }

    /// The level of this name, in capitals as in Kafka.
    pub fn from_name(name: &str) -> Option<Self> {
        let found = LEVELS.iter().find(|(known, _)| *known == name);
        found.map(|(_, level)| Self(*level))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        let found = LEVELS.iter().find(|(_, level)| *level == self.0);
        found.map_or(ROOT, |(name, _)| *name)
    }
}

/// A filter taken apart: `root`, loggers with a level of their own, and directives on spans and
/// fields, which are no loggers and are kept as they are.
#[derive(Clone, Debug)]
struct Levels {
    root: LevelFilter,
    own: BTreeMap<String, LevelFilter>,
    others: Vec<String>,
}

impl Levels {
    /// Of a filter that could be parsed, with tracing's rules: a bare target lets everything
    /// through, of two levels for the same the last holds, and without any word only errors do.
    fn of(filter: &str) -> Self {
        let mut levels = Self {
            root: LevelFilter::OFF,
            own: BTreeMap::new(),
            others: Vec::new(),
        };
        if filter.trim().is_empty() {
            levels.root = LevelFilter::ERROR;
        }
        let words = filter.split(',').map(str::trim);
        for word in words.filter(|word| !word.is_empty()) {
            if word.contains(['[', '{']) {
                levels.others.push(word.to_owned());
            } else if let Some((target, level)) = word.split_once('=') {
                let level = level.parse().unwrap_or(LevelFilter::TRACE);
                levels.own.insert(target.to_owned(), level);
            } else if let Ok(level) = word.parse() {
                levels.root = level;
            } else {
                levels.own.insert(word.to_owned(), LevelFilter::TRACE);
            }
        }
        levels
    }

    fn of_logger(&self, name: &str) -> LevelFilter {
        let fits = |(own, _): &(&String, &LevelFilter)| name.starts_with(own.as_str());
        let longest = self
            .own
            .iter()
            .filter(fits)
            .max_by_key(|(own, _)| own.len());
        longest.map_or(self.root, |(_, level)| *level)
    }

    fn filter(&self) -> String {
        let own = self
            .own
            .iter()
            .map(|(name, level)| format!("{name}={level}"));
        let all = std::iter::once(self.root.to_string()).chain(self.others.iter().cloned());
        all.chain(own).collect::<Vec<_>>().join(",")
    }
}

type Reload = Box<dyn Fn(EnvFilter) + Send + Sync>;

/// See the module.
pub struct Loggers {
    targets: &'static [&'static str],
    levels: Mutex<Levels>,
    /// None where nothing logs: then there are no loggers either.
    reload: Option<Reload>,
    tail: Arc<Tail>,
}

impl Loggers {
    /// No loggers at all, for a server whose process logs in its own way.
    pub fn none() -> Self {
        Self {
            targets: &[],
            levels: Mutex::new(Levels::of("")),
            reload: None,
            tail: Arc::default(),
        }
    }

    pub(super) fn new(
        filter: &str,
        targets: &'static [&'static str],
        reload: Reload,
        tail: Arc<Tail>,
    ) -> Self {
        Self {
            targets,
            levels: Mutex::new(Levels::of(filter)),
            reload: Some(reload),
            tail,
        }
    }

    /// The last lines that all of them logged, the oldest first.
    pub fn last_lines(&self) -> Vec<u8> {
        self.tail.text()
    }

    /// Every logger by name, with the level that holds for it.
    pub fn list(&self) -> BTreeMap<String, LoggerLevel> {
        if self.reload.is_none() {
            return BTreeMap::new();
        }
        let levels = self.levels.lock();
        let known = self.targets.iter().flat_map(|target| with_parents(target));
        let names: BTreeSet<&str> = known.chain(levels.own.keys().map(String::as_str)).collect();
        let level = |target: &str| {
            let name = target.replace(PATH, DOT);
            (name, LoggerLevel(levels.of_logger(target)))
        };
        let mut all: BTreeMap<String, LoggerLevel> = names.into_iter().map(level).collect();
        all.insert(ROOT.to_owned(), LoggerLevel(levels.root));
        all
    }

    /// Gives loggers a level of their own, or takes it away, so that the one of the longest name
    /// above holds; all at once, and from the next line on. The root's can't be taken away.
    ///
    /// # Errors
    /// A name that is no target; then nothing changes.
    pub fn alter(&self, changes: &[(&str, Option<LoggerLevel>)]) -> Result<(), LogError> {
        let mut held = self.levels.lock();
        let mut levels = held.clone();
        for (name, level) in changes {
            let target = name.replace(DOT, PATH);
            match (target.as_str(), level) {
                (ROOT, Some(level)) => levels.root = level.0,
                (ROOT, None) => {}
                (_, Some(level)) => drop(levels.own.insert(target, level.0)),
                (_, None) => drop(levels.own.remove(&target)),
            }
        }
        self.apply(&levels.filter())?;
        *held = levels;
        Ok(())
    }

    /// Another filter from now on.
    pub(super) fn replace(&self, filter: &str) -> Result<(), LogError> {
        let mut held = self.levels.lock();
        self.apply(filter)?;
        *held = Levels::of(filter);
        Ok(())
    }

    fn apply(&self, filter: &str) -> Result<(), LogError> {
        let parsed = parse(filter)?;
        if let Some(reload) = &self.reload {
            reload(parsed);
        }
        Ok(())
    }
}

impl std::fmt::Debug for Loggers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let filter = self.levels.lock().filter();
        f.debug_struct("Loggers").field("filter", &filter).finish()
    }
}

/// A target and the modules that it lies in.
fn with_parents(target: &str) -> impl Iterator<Item = &str> {
    let ends = target.match_indices(PATH).map(|(at, _)| at);
    ends.chain([target.len()]).map(|end| &target[..end])
}
