//! From files, environment and command line to a checked [`Config`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::broker;
use crate::check::{list_items, parse_boolean};
use crate::config::{Config, Setting, is_sensitive};
use crate::definition::Effect;
use crate::environment::{self, Meaning};
use crate::error::{ConfigError, ConfigErrors, Origin, Warning, WarningKind};
use crate::properties;
use crate::providers::Providers;
use crate::topic::{self, OWN_SEGMENT_BYTES, SEGMENT_BYTES_MIN};

/// Where a configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// `--override key=value`, in their order; the last one wins.
    pub overrides: Vec<String>,
    /// The environment; `std::env::vars_os` made text by the caller. Tests pass their own.
    pub env: Vec<(String, String)>,
    /// This machine's name, told to clients when a listener names no host; `None` asks the system.
    pub hostname: Option<String>,
}

/// A configuration, and what deserves a line in the log.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The checked configuration.
    pub config: Config,
    /// Sorted by kind; see [`Loaded::warning_lines`].
    pub warnings: Vec<Warning>,
}

impl Loaded {
    /// The warnings as lines for the log: entries without effect share one, others have their own.
    pub fn warning_lines(&self) -> Vec<String> {
        let is_idle = |warning: &&Warning| warning.kind == WarningKind::NoEffect;
        let idle: Vec<String> = self
            .warnings
            .iter()
            .filter(is_idle)
            .map(|warning| format!("{} ({})", warning.key, warning.origin))
            .collect();
        let mut lines = Vec::new();
        if !idle.is_empty() {
            lines.push(format!(
                "accepted, but without effect in Limpid: {}",
                idle.join(", ")
            ));
        }
        let others = self.warnings.iter().filter(|warning| !is_idle(warning));
        lines.extend(others.map(Warning::to_string));
        lines
    }
}

impl Config {
    /// Reads, checks and types a configuration. All errors are found in one go.
    pub fn load(options: LoadOptions) -> Result<Loaded, ConfigErrors> {
        let mut reader = Reader::default();
        if let Some(path) = &options.file {
            reader.read_file(path);
        }
        reader.read_environment(&options.env);
        for text in &options.overrides {
            reader.read_override(text);
        }
        reader.replace_placeholders(&options.env);
        reader.check();
        if !reader.errors.is_empty() {
            return Err(ConfigErrors(reader.errors));
        }
        reader.name_node_twice();
        let hostname = options.hostname.unwrap_or_else(system_hostname);
        let config = Config::build(reader.settings, hostname)?;
        let mut warnings = reader.warnings;
        warnings.extend(controller_listener_warning(&config));
        warnings.extend(small_segment_warnings(&config));
        warnings.sort_by(|one, other| (one.kind, &one.key).cmp(&(other.kind, &other.key)));
        Ok(Loaded { config, warnings })
    }
}

fn system_hostname() -> String {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_string_lossy().into_owned();
    if name.is_empty() {
        "localhost".to_owned()
    } else {
        name
    }
}

fn controller_listener_warning(config: &Config) -> Option<Warning> {
    let setting = config.statics().get("listeners")?;
    let listed = list_items(&setting.value).count();
    if listed == config.broker().listeners.len() {
        return None;
    }
    Some(Warning {
        kind: WarningKind::Other,
        origin: setting.origin.clone(),
        key: "listeners".into(),
        message: "listeners named in controller.listener.names are not opened: \
                  the controller lives inside the broker"
            .into(),
    })
}

/// Of topics that the broker makes for itself.
fn small_segment_warnings(config: &Config) -> Vec<Warning> {
    let small = |key: &&str| {
        let setting = config.statics().get(*key)?;
        let bytes: i64 = setting.value.trim().parse().ok()?;
        (bytes < SEGMENT_BYTES_MIN).then(|| Warning {
            kind: WarningKind::Other,
            origin: setting.origin.clone(),
            key: (*key).to_owned(),
            message: format!(
                "no topic has segments of less than {SEGMENT_BYTES_MIN} bytes, which is taken instead"
            ),
        })
    };
    OWN_SEGMENT_BYTES.iter().filter_map(small).collect()
}

#[derive(Default)]
struct Reader {
    settings: BTreeMap<String, Setting>,
    warnings: Vec<Warning>,
    errors: Vec<ConfigError>,
}

impl Reader {
    fn fail(&mut self, origin: Option<Origin>, key: &str, message: impl Into<String>) {
        self.errors.push(ConfigError {
            origin,
            key: key.to_owned(),
            message: message.into(),
        });
    }

    fn warn(&mut self, kind: WarningKind, origin: Origin, key: &str, message: impl Into<String>) {
        let message = message.into();
        self.warnings.push(Warning {
            kind,
            origin,
            key: key.to_owned(),
            message,
        });
    }

    fn read_file(&mut self, path: &Path) {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let message = format!("cannot read the configuration {}: {error}", path.display());
                return self.fail(None, "", message);
            }
        };
        let path = Arc::new(path.to_owned());
        let entries = match properties::parse(&properties::decode(&bytes)) {
            Ok(entries) => entries,
            Err(error) => {
                let origin = Origin::File {
                    path,
                    line: error.line,
                };
                return self.fail(Some(origin), "", error.message);
            }
        };
        for entry in entries {
            let origin = Origin::File {
                path: Arc::clone(&path),
                line: entry.line,
            };
            let setting = Setting {
                value: entry.value,
                origin: origin.clone(),
            };
            if let Some(earlier) = self.settings.insert(entry.key.clone(), setting) {
                let message = format!("also given at {}; this one holds", earlier.origin);
                self.warn(WarningKind::Duplicate, origin, &entry.key, message);
            }
        }
    }

    fn read_environment(&mut self, env: &[(String, String)]) {
        for (name, value) in env {
            let origin = Origin::Environment(name.clone());
            match environment::meaning(name) {
                Meaning::None => {}
                Meaning::Sets(key) => {
                    self.settings.insert(
                        key,
                        Setting {
                            value: value.clone(),
                            origin,
                        },
                    );
                }
                Meaning::Unknown { key, certain: true } => {
                    self.settings.insert(
                        key,
                        Setting {
                            value: value.clone(),
                            origin,
                        },
                    );
                }
                Meaning::Unknown {
                    key,
                    certain: false,
                } => {
                    let message = format!("no such entry{}; ignored", suggestion(&key));
                    self.warn(WarningKind::Unknown, origin, &key, message);
                }
            }
        }
    }

    fn read_override(&mut self, text: &str) {
        let Some((key, value)) = text.split_once('=') else {
            return self.fail(Some(Origin::Override), text, "expected key=value");
        };
        let key = key.trim();
        let is_elsewhere = value.starts_with("${") && value.ends_with('}');
        if is_sensitive(key) && !is_elsewhere {
            let message = "a secret on the command line shows in the list of processes; \
                           put it in the file, or in the environment, or use config.providers";
            return self.fail(Some(Origin::Override), key, message);
        }
        let setting = Setting {
            value: value.to_owned(),
            origin: Origin::Override,
        };
        self.settings.insert(key.to_owned(), setting);
    }

    fn replace_placeholders(&mut self, env: &[(String, String)]) {
        let get = |key: &str| self.settings.get(key).map(|setting| setting.value.clone());
        let providers = match Providers::declare(get, env) {
            Ok(providers) => providers,
            Err((key, message)) => {
                let owner = self
                    .settings
                    .get(&key)
                    .map(|setting| setting.origin.clone());
                return self.fail(owner, &key, message);
            }
        };
        let mut failures = Vec::new();
        for (key, setting) in &mut self.settings {
            if key.starts_with("config.providers") || !setting.value.contains("${") {
                continue;
            }
            match providers.replace(&setting.value) {
                Ok(value) => setting.value = value,
                Err(message) => failures.push((setting.origin.clone(), key.clone(), message)),
            }
        }
        for (origin, key, message) in failures {
            // one complaint is enough: the unresolved text is not checked as a value
            self.settings.remove(&key);
            self.fail(Some(origin), &key, message);
        }
    }

    /// As Kafka does, `node.id` and `broker.id` each stand for the other when only one is given.
    fn name_node_twice(&mut self) {
        for (given, other) in [("node.id", "broker.id"), ("broker.id", "node.id")] {
            if let Some(setting) = self.settings.get(given).cloned()
                && setting.value.trim() != "-1"
            {
                self.settings.entry(other.to_owned()).or_insert(setting);
            }
        }
    }

    fn check(&mut self) {
        let strict = self.settings.get("limpid.config.strict");
        let strict = strict.and_then(|setting| parse_boolean(&setting.value)) == Some(true);
        let keys: Vec<String> = self.settings.keys().cloned().collect();
        for key in keys {
            self.check_entry(&key, strict);
        }
    }

    fn check_entry(&mut self, key: &str, strict: bool) {
        let Some(Setting { value, origin }) = self.settings.get(key).cloned() else {
            return;
        };
        if let Some(row) = broker::find(key) {
            if let Err(reason) = row.validate(&value) {
                let message = match row.sensitive() {
                    true => reason,
                    false => format!("{value:?} is not valid: {reason}"),
                };
                return self.fail(Some(origin), key, message);
            }
            if row.effect == Effect::NoEffect {
                self.warn(
                    WarningKind::NoEffect,
                    origin,
                    key,
                    "accepted, but without effect",
                );
            }
        } else if key.starts_with("config.providers.") {
            // read before everything else
        } else if broker::is_of_authorizer(key) {
            // has no row: Kafka's table does not know it either
        } else if broker::is_honoured_for_listener(key) {
            if let Some(row) = broker::find_for_listener(key)
                && let Err(reason) = row.validate(&value)
            {
                self.fail(Some(origin), key, reason);
            }
        } else if broker::is_known_prefix(key) || broker::find_alterable(key).is_some() {
            self.warn(
                WarningKind::NoEffect,
                origin,
                key,
                "accepted, but without effect",
            );
        } else if broker::is_removed(key) {
            self.settings.remove(key);
            self.warn(
                WarningKind::Removed,
                origin,
                key,
                "removed in Kafka 4.0, ignored",
            );
        } else if key.starts_with(broker::LIMPID_PREFIX) || strict {
            self.fail(
                Some(origin),
                key,
                format!("no such entry{}", suggestion(key)),
            );
        } else {
            let message = format!("no such entry{}; ignored", suggestion(key));
            self.warn(WarningKind::Unknown, origin, key, message);
        }
    }
}

/// ` (did you mean …?)`, for the nearest key or for the broker's word for a topic's key.
fn suggestion(key: &str) -> String {
    if let Some(synonym) = topic::server_synonyms(key).first() {
        return format!(
            " for a broker, only for a topic (the default for all topics is {})",
            synonym.key
        );
    }
    match crate::nearest(key, broker::DEFINITIONS.iter().map(|row| row.key)) {
        Some(near) => format!(" (did you mean {near}?)"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;
