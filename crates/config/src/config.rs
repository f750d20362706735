//! The configuration in force: static entries, what was altered since, and the typed view.

use std::collections::BTreeMap;
use std::fmt;

use crate::broker;
use crate::broker_config::BrokerConfig;
use crate::error::{ConfigError, ConfigErrors, Origin};
use crate::topic_config::TopicConfig;
use crate::values::Values;

pub use crate::secret::REDACTED;

/// A value and where it was said.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    /// The value, placeholders of config providers already replaced.
    pub value: String,
    /// Where it was said.
    pub origin: Origin,
}

/// The broker's configuration. Cheap enough to clone when it changes, not per request.
///
/// `Debug` and `Display` show what was set, never a sensitive value.
#[derive(Clone)]
pub struct Config {
    statics: BTreeMap<String, Setting>,
    dynamic_broker: BTreeMap<String, String>,
    dynamic_default: BTreeMap<String, String>,
    hostname: String,
    broker: BrokerConfig,
}

impl Config {
    /// Builds the typed view of checked static entries.
    pub(crate) fn build(
        statics: BTreeMap<String, Setting>,
        hostname: String,
    ) -> Result<Config, ConfigErrors> {
        let layers = Layers {
            statics: &statics,
            dynamic_broker: &BTreeMap::new(),
            dynamic_default: &BTreeMap::new(),
        };
        let broker = layers.typed(&hostname)?;
        Ok(Config {
            statics,
            dynamic_broker: BTreeMap::new(),
            dynamic_default: BTreeMap::new(),
            hostname,
            broker,
        })
    }

    /// The typed view.
    pub fn broker(&self) -> &BrokerConfig {
        &self.broker
    }

    /// The value in force for a key: dynamic for this broker, dynamic for all, static, default.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.layers()
            .explicit(key)
            .or_else(|| broker::find(key).and_then(|row| row.default))
    }

    /// The value that somebody set for a key, defaults aside.
    pub fn explicit(&self, key: &str) -> Option<&str> {
        self.layers().explicit(key)
    }

    /// The static entries: file, environment, command line.
    pub fn statics(&self) -> &BTreeMap<String, Setting> {
        &self.statics
    }

    /// Entries altered for this broker since (resource name = its id).
    pub fn dynamic_broker(&self) -> &BTreeMap<String, String> {
        &self.dynamic_broker
    }

    /// Entries altered for all brokers since (empty resource name).
    pub fn dynamic_default(&self) -> &BTreeMap<String, String> {
        &self.dynamic_default
    }

    /// The configuration with other dynamic entries, as the metadata log has them.
    pub fn with_dynamic(
        &self,
        for_this_broker: BTreeMap<String, String>,
        for_all: BTreeMap<String, String>,
    ) -> Result<Config, ConfigErrors> {
        let layers = Layers {
            statics: &self.statics,
            dynamic_broker: &for_this_broker,
            dynamic_default: &for_all,
        };
        let broker = layers.typed(&self.hostname)?;
        Ok(Config {
            statics: self.statics.clone(),
            dynamic_broker: for_this_broker,
            dynamic_default: for_all,
            hostname: self.hostname.clone(),
            broker,
        })
    }

    /// The typed configuration of a topic that sets these entries itself.
    pub fn topic(&self, overrides: &BTreeMap<String, String>) -> TopicConfig {
        TopicConfig::resolve(&|key| self.explicit(key).map(str::to_owned), overrides)
    }

    fn layers(&self) -> Layers<'_> {
        Layers {
            statics: &self.statics,
            dynamic_broker: &self.dynamic_broker,
            dynamic_default: &self.dynamic_default,
        }
    }
}

struct Layers<'a> {
    statics: &'a BTreeMap<String, Setting>,
    dynamic_broker: &'a BTreeMap<String, String>,
    dynamic_default: &'a BTreeMap<String, String>,
}

impl<'a> Layers<'a> {
    fn explicit(&self, key: &str) -> Option<&'a str> {
        let dynamic = self
            .dynamic_broker
            .get(key)
            .or_else(|| self.dynamic_default.get(key));
        let setting = || self.statics.get(key).map(|setting| setting.value.as_str());
        dynamic.map(String::as_str).or_else(setting)
    }

    fn origin(&self, key: &str) -> Option<Origin> {
        if self.dynamic_broker.contains_key(key) {
            Some(Origin::DynamicBroker)
        } else if self.dynamic_default.contains_key(key) {
            Some(Origin::DynamicDefault)
        } else {
            self.statics.get(key).map(|setting| setting.origin.clone())
        }
    }

    fn typed(&self, hostname: &str) -> Result<BrokerConfig, ConfigErrors> {
        let explicit = |key: &str| self.explicit(key).map(str::to_owned);
        let value = |key: &str| {
            let default = || {
                broker::find(key)
                    .and_then(|row| row.default)
                    .map(str::to_owned)
            };
            explicit(key).or_else(default)
        };
        let values = Values {
            value: &value,
            explicit: &explicit,
            hostname,
        };
        BrokerConfig::build(&values).map_err(|problems| {
            let errors = problems.into_iter().map(|(key, message)| ConfigError {
                origin: self.origin(key),
                key: key.to_owned(),
                message,
            });
            ConfigErrors(errors.collect())
        })
    }
}

/// Whether the value of this key must not be shown.
pub fn is_sensitive(key: &str) -> bool {
    let name = key
        .rsplit_once("listener.name.")
        .map_or(key, |(_, rest)| rest);
    let known = broker::find(name).or_else(|| crate::topic::find(name));
    if let Some(row) = known {
        return row.sensitive();
    }
    let lower = key.to_ascii_lowercase();
    let telling = [
        "password",
        "secret",
        "token",
        "jaas",
        "passphrase",
        "credential",
    ];
    telling.iter().any(|word| lower.contains(word))
        || lower.ends_with(".key")
        || broker::DEFINITIONS
            .iter()
            .any(|row| row.sensitive() && lower.ends_with(row.key))
}

/// The value, or what stands for it when it must not be shown.
pub fn shown<'a>(key: &str, value: &'a str) -> &'a str {
    if is_sensitive(key) { REDACTED } else { value }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, setting) in &self.statics {
            writeln!(
                f,
                "{key}={} ({})",
                shown(key, &setting.value),
                setting.origin
            )?;
        }
        for (key, value) in &self.dynamic_default {
            writeln!(
                f,
                "{key}={} ({})",
                shown(key, value),
                Origin::DynamicDefault
            )?;
        }
        for (key, value) in &self.dynamic_broker {
            writeln!(f, "{key}={} ({})", shown(key, value), Origin::DynamicBroker)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Config {{\n{self}}}")
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // the key is not known here, so no value can be judged harmless
        f.debug_struct("Setting")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
