//! What can be wrong with a configuration, and where it was said.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The table's default.
    Default,
    /// A line of the properties file (1 is the first).
    File {
        /// The file as it was named on the command line.
        path: Arc<PathBuf>,
        /// The line on which the entry starts.
        line: u32,
    },
    /// An environment variable.
    Environment(String),
    /// `--override` on the command line.
    Override,
    /// Altered while the broker ran, for this broker.
    DynamicBroker,
    /// Altered while the broker ran, for all brokers.
    DynamicDefault,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => write!(f, "default"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Environment(name) => write!(f, "environment variable {name}"),
            Origin::Override => write!(f, "--override"),
            Origin::DynamicBroker => write!(f, "dynamic broker configuration"),
            Origin::DynamicDefault => write!(f, "dynamic default of the brokers"),
        }
    }
}

/// One thing that is wrong. Never carries the value of a sensitive entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where it was said, when it was said anywhere.
    pub origin: Option<Origin>,
    /// The key it is about; empty when it is about the file as a whole.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin
            && *origin != Origin::Default
        {
            write!(f, "{origin}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

/// Everything that is wrong, so that it can be put right in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        ConfigErrors(vec![error])
    }
}

/// Why a warning was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WarningKind {
    /// A property of Kafka 4.3 that does nothing here.
    NoEffect,
    /// A property that Kafka 4.0 removed.
    Removed,
    /// A key that nobody knows.
    Unknown,
    /// A key given twice in one file.
    Duplicate,
    /// Anything else.
    Other,
}

/// Something that deserves a line in the log but does not keep the broker from starting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Why.
    pub kind: WarningKind,
    /// Where it was said.
    pub origin: Origin,
    /// The key it is about.
    pub key: String,
    /// The sentence.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.origin, self.key, self.message)
    }
}
