//! What one configuration entry is: key, type, default, validator, effect, documentation.
//!
//! The tables are written with the const builder below, so that an entry reads as one sentence:
//! `define("num.partitions", Int, Medium, "…").default("1").min(1).honoured()`.

use crate::check::Check;
pub use crate::kind::Kind;

/// The type code for a key that no table knows.
pub const UNKNOWN_KIND_CODE: i8 = 0;

/// How much an operator should care, in Kafka's three steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// Read this first.
    High,
    /// Worth knowing.
    Medium,
    /// For the curious.
    Low,
}

/// Whether Limpid acts on an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The value changes what the broker does.
    Honoured,
    /// Accepted because Kafka has it; setting it costs one warning and does nothing.
    NoEffect,
}

/// Whether and where a broker entry can be altered while the broker runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dynamic {
    /// Only by restarting.
    ReadOnly,
    /// For one broker by its id.
    PerBroker,
    /// For one broker, or for all of them with the empty resource name.
    ClusterWide,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Kafka's spelling of the key, or ours under `limpid.`.
    pub key: &'static str,
    /// Type of the value.
    pub kind: Kind,
    /// Value when nothing sets it; `None` is Kafka's null.
    pub default: Option<&'static str>,
    /// What a value must satisfy beyond its type.
    pub check: Check,
    /// How much it matters.
    pub importance: Importance,
    /// Whether it does anything here.
    pub effect: Effect,
    /// Whether it can be altered while the broker runs (broker entries only).
    pub dynamic: Dynamic,
    /// Hidden from DescribeConfigs and from the sample unless set, as Kafka's internal keys are.
    pub internal: bool,
    /// One sentence of our own.
    pub doc: &'static str,
}

/// Starts a row: no default, no validator, read-only, without effect.
pub const fn define(
    key: &'static str,
    kind: Kind,
    importance: Importance,
    doc: &'static str,
) -> Definition {
    Definition {
        key,
        kind,
        default: None,
        check: Check::Any,
        importance,
        effect: Effect::NoEffect,
        dynamic: Dynamic::ReadOnly,
        internal: false,
        doc,
    }
}

impl Definition {
    /// Sets the default.
    pub const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    /// Sets the validator.
    pub const fn check(mut self, check: Check) -> Self {
        self.check = check;
        self
    }

    /// Requires a number of at least `low`.
    pub const fn min(self, low: i64) -> Self {
        self.check(Check::Min(low))
    }

    /// Requires a number from `low` to `high`, both included.
    pub const fn between(self, low: i64, high: i64) -> Self {
        self.check(Check::Between(low, high))
    }

    /// Requires one of these words (each of the items, for a list).
    pub const fn one_of(self, words: &'static [&'static str]) -> Self {
        self.check(Check::OneOf(words))
    }

    /// Marks the row as acted upon.
    pub const fn honoured(mut self) -> Self {
        self.effect = Effect::Honoured;
        self
    }

    /// Alterable for one broker while it runs.
    pub const fn per_broker(mut self) -> Self {
        self.dynamic = Dynamic::PerBroker;
        self
    }

    /// Alterable for one or all brokers while they run.
    pub const fn cluster_wide(mut self) -> Self {
        self.dynamic = Dynamic::ClusterWide;
        self
    }

    /// Hidden unless set.
    pub const fn internal(mut self) -> Self {
        self.internal = true;
        self
    }

    /// Values of sensitive entries are never shown: not in logs, not in DescribeConfigs.
    pub const fn sensitive(&self) -> bool {
        matches!(self.kind, Kind::Password)
    }

    /// Checks type and validator; the error says what was expected, without the key.
    pub fn validate(&self, value: &str) -> Result<(), String> {
        crate::check::validate(self.kind, self.check, value)
    }
}
