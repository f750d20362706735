//! Kafka's config providers: `${file:/path:key}`, `${directory:/path:file}`, `${env:NAME}`.
//!
//! A placeholder of a provider that is declared must resolve; one of an undeclared provider is
//! left as it stands, as Kafka leaves it. Only whole files and directories that the provider's
//! `allowed.paths` names (all, when it names none) and variables that match its
//! `allowlist.pattern` can be reached.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use regex_lite::Regex;

use crate::check::list_items;
use crate::properties;

const PACKAGE: &str = "org.apache.kafka.common.config.provider.";

/// A declared provider.
enum Provider<'a> {
    File {
        allowed: Vec<PathBuf>,
    },
    Directory {
        allowed: Vec<PathBuf>,
    },
    Environment {
        pattern: Option<Regex>,
        env: &'a [(String, String)],
    },
}

/// The declared providers, by name.
pub(crate) struct Providers<'a>(BTreeMap<String, Provider<'a>>);

/// The key a problem belongs to, and the problem.
pub(crate) type KeyedMessage = (String, String);

impl<'a> Providers<'a> {
    /// Reads `config.providers` and what belongs to it.
    pub(crate) fn declare(
        get: impl Fn(&str) -> Option<String>,
        env: &'a [(String, String)],
    ) -> Result<Providers<'a>, KeyedMessage> {
        let mut providers = BTreeMap::new();
        for name in list_items(&get("config.providers").unwrap_or_default()) {
            let class_key = format!("config.providers.{name}.class");
            let Some(class) = get(&class_key) else {
                let message = format!("{name} is listed, but {class_key} is not set");
                return Err(("config.providers".into(), message));
            };
            let param = |what: &str| get(&format!("config.providers.{name}.param.{what}"));
            let allowed = || allowed_paths(name, param("allowed.paths"));
            let provider = match class.trim().strip_prefix(PACKAGE) {
                Some("FileConfigProvider") => Provider::File {
                    allowed: allowed()?,
                },
                Some("DirectoryConfigProvider") => Provider::Directory {
                    allowed: allowed()?,
                },
                Some("EnvVarConfigProvider") => {
                    let pattern = allowed_names(name, param("allowlist.pattern"))?;
                    Provider::Environment { pattern, env }
                }
                _ => {
                    let message = format!(
                        "{class} does not exist here; there are FileConfigProvider, \
                         DirectoryConfigProvider and EnvVarConfigProvider in {PACKAGE}*"
                    );
                    return Err((class_key, message));
                }
            };
            providers.insert(name.to_owned(), provider);
        }
        Ok(Providers(providers))
    }

    /// Replaces the placeholders in a value. What a placeholder gives is not looked at again.
    pub(crate) fn replace(&self, value: &str) -> Result<String, String> {
        let mut out = String::with_capacity(value.len());
        let mut rest = value;
        while let Some(start) = rest.find("${") {
            let Some(length) = rest[start..].find('}') else {
                break;
            };
            let inner = &rest[start + 2..start + length];
            out.push_str(&rest[..start]);
            match inner
                .split_once(':')
                .and_then(|(name, rest)| Some((self.0.get(name)?, rest)))
            {
                Some((provider, reference)) => out.push_str(&provider.look_up(reference)?),
                None => out.push_str(&rest[start..=start + length]),
            }
            rest = &rest[start + length + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }
}

impl Provider<'_> {
    fn look_up(&self, reference: &str) -> Result<String, String> {
        match self {
            Provider::File { allowed } => {
                let (path, key) = path_and_key(reference)?;
                let text = read(&reachable(path, allowed)?)?;
                let entries =
                    properties::parse(&text).map_err(|error| format!("{path}: {error}"))?;
                let found = entries.into_iter().rev().find(|entry| entry.key == key);
                found
                    .map(|entry| entry.value)
                    .ok_or_else(|| format!("{path} has no key {key}"))
            }
            Provider::Directory { allowed } => {
                let (path, key) = path_and_key(reference)?;
                let is_plain = Path::new(key).components().count() == 1
                    && matches!(
                        Path::new(key).components().next(),
                        Some(Component::Normal(_))
                    );
                if !is_plain {
                    return Err(format!("{key} is not the name of a file in {path}"));
                }
                read(&reachable(path, allowed)?.join(key))
            }
            Provider::Environment { pattern, env } => {
                let name = reference.trim_start_matches(':');
                if pattern
                    .as_ref()
                    .is_some_and(|pattern| !pattern.is_match(name))
                {
                    return Err(format!(
                        "{name} does not match the provider's allowlist.pattern"
                    ));
                }
                let found = env.iter().find(|(key, _)| key == name);
                let missing = || format!("the environment has no variable {name}");
                found.map(|(_, value)| value.clone()).ok_or_else(missing)
            }
        }
    }
}

fn path_and_key(reference: &str) -> Result<(&str, &str), String> {
    reference
        .rsplit_once(':')
        .ok_or_else(|| format!("{reference} is not of the form path:key"))
}

/// The path without `.` and `..`, when the provider may read it.
fn reachable(path: &str, allowed: &[PathBuf]) -> Result<PathBuf, String> {
    let path = normal(Path::new(path));
    if allowed.is_empty() || allowed.iter().any(|root| path.starts_with(root)) {
        Ok(path)
    } else {
        Err(format!(
            "{} is not below the provider's allowed.paths",
            path.display()
        ))
    }
}

fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

fn read(path: &Path) -> Result<String, String> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(properties::decode(&bytes)),
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
    }
}

fn allowed_paths(name: &str, value: Option<String>) -> Result<Vec<PathBuf>, KeyedMessage> {
    let value = value.unwrap_or_default();
    let mut paths = Vec::new();
    for path in list_items(&value) {
        if !Path::new(path).is_absolute() {
            let message = format!("{path} is not an absolute path");
            return Err((
                format!("config.providers.{name}.param.allowed.paths"),
                message,
            ));
        }
        paths.push(normal(Path::new(path)));
    }
    Ok(paths)
}

fn allowed_names(name: &str, pattern: Option<String>) -> Result<Option<Regex>, KeyedMessage> {
    let Some(pattern) = pattern else {
        return Ok(None);
    };
    match Regex::new(&format!("^(?:{pattern})$")) {
        Ok(regex) => Ok(Some(regex)),
        Err(error) => Err((
            format!("config.providers.{name}.param.allowlist.pattern"),
            error.to_string(),
        )),
    }
}

#[cfg(test)]
mod tests;
