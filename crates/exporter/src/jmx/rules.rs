//! The configuration of jmx_exporter: which attributes of which beans become which series.
//!
//! <https://prometheus.github.io/jmx_exporter/> describes the keys. Those that tell the agent how to
//! reach a JVM mean nothing here and are let be.

use std::collections::BTreeMap;

use fancy_regex::Regex;
use limpid_telemetry::Kind;
use limpid_telemetry::mbeans::ObjectName;
use serde::Deserialize;

/// Most rules of one configuration.
const RULES_MAX: usize = 1_000;
/// What a pattern may try before it counts as no match.
const BACKTRACK_MAX: usize = 100_000;

/// Why a configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// It is no YAML, or not of this form.
    #[error("{0}")]
    Yaml(String),
    /// A rule is not sound.
    #[error("rule {number}: {reason}")]
    Rule {
        /// Its place, from 1.
        number: usize,
        /// What is wrong.
        reason: String,
    },
    /// A name of beans is not sound.
    #[error("{key}: {reason}")]
    ObjectName {
        /// The key it stands under.
        key: &'static str,
        /// What is wrong.
        reason: String,
    },
}

/// Rules, ready to be applied.
#[derive(Debug)]
pub struct Rules {
    pub(super) rules: Vec<Rule>,
    pub(super) lowercase_names: bool,
    pub(super) lowercase_labels: bool,
    /// `_total` at the end of a name makes a counter.
    pub(super) infers_counters: bool,
    /// Values of labels stand without the quotes of object names.
    pub(super) unquotes: bool,
    /// A name may end with `_info`, whatever its type.
    pub(super) keeps_info: bool,
    included: Vec<ObjectName>,
    excluded: Vec<ObjectName>,
    excluded_attributes: Vec<(ObjectName, Vec<String>)>,
}

/// What happens to attributes that a pattern matches.
#[derive(Debug)]
pub(super) struct Rule {
    /// None matches everything.
    pub(super) pattern: Option<Regex>,
    pub(super) snake_case: bool,
    /// None is jmx_exporter's own way of naming.
    pub(super) name: Option<String>,
    pub(super) value: Option<String>,
    pub(super) factor: f64,
    pub(super) labels: Vec<(String, String)>,
    pub(super) help: Option<String>,
    pub(super) kind: Kind,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Written {
    lowercase_output_name: bool,
    lowercase_output_label_names: bool,
    infer_counter_type_from_name: bool,
    #[serde(alias = "whitelistObjectNames")]
    include_object_names: Option<Vec<String>>,
    #[serde(alias = "blacklistObjectNames")]
    exclude_object_names: Option<Vec<String>>,
    exclude_object_name_attributes: Option<BTreeMap<String, Vec<String>>>,
    rules: Option<Vec<WrittenRule>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WrittenRule {
    pattern: Option<String>,
    attr_name_snake_case: bool,
    name: Option<String>,
    value: Option<Scalar>,
    value_factor: Option<Scalar>,
    labels: Option<BTreeMap<String, Scalar>>,
    help: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// What YAML writes without quotes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(String),
}

impl Scalar {
    fn text(self) -> String {
        match self {
            Self::Int(v) => v.to_string(),
            Self::Float(v) => v.to_string(),
            Self::Bool(v) => v.to_string(),
            Self::Text(v) => v,
        }
    }
}

impl Rules {
    /// Reads a configuration as the user has it for jmx_exporter.
    ///
    /// # Errors
    /// It is no YAML, or one of its rules is not sound.
    pub fn read(yaml: &str) -> Result<Self, RulesError> {
        let written: Option<Written> =
            serde_saphyr::from_str(yaml).map_err(|e| RulesError::Yaml(e.to_string()))?;
        let written = written.unwrap_or_default();
        let rules = written.rules.unwrap_or_default();
        if rules.len() > RULES_MAX {
            let reason = format!("{} rules, at most {RULES_MAX} are read", rules.len());
            return Err(RulesError::Yaml(reason));
        }
        let rules = rules.into_iter().enumerate().map(|(at, rule)| {
            let bad = |reason| RulesError::Rule {
                number: at + 1,
                reason,
            };
            rule.compile().map_err(bad)
        });
        let mut rules = rules.collect::<Result<Vec<_>, _>>()?;
        if rules.is_empty() {
            // Without rules everything is named jmx_exporter's own way.
            rules.push(WrittenRule::default().compile().expect("nothing to fail"));
        }
        Ok(Self {
            rules,
            lowercase_names: written.lowercase_output_name,
            lowercase_labels: written.lowercase_output_label_names,
            infers_counters: written.infer_counter_type_from_name,
            unquotes: false,
            keeps_info: false,
            included: names("includeObjectNames", written.include_object_names)?,
            excluded: names("excludeObjectNames", written.exclude_object_names)?,
            excluded_attributes: attributes(written.exclude_object_name_attributes)?,
        })
    }

    /// Rules of ours: they are sound, and what they name has no quotes.
    pub(super) fn built_in(yaml: &str) -> Self {
        let rules = Self::read(yaml).expect("a test reads them");
        Self {
            unquotes: true,
            keeps_info: true,
            ..rules
        }
    }

    /// Whether they say something of this bean.
    pub(super) fn covers(&self, bean: &ObjectName) -> bool {
        let any = |of: &[ObjectName]| of.iter().any(|pattern| pattern.matches(bean));
        (self.included.is_empty() || any(&self.included)) && !any(&self.excluded)
    }

    /// Whether they leave this attribute out.
    pub(super) fn leaves_out(&self, bean: &ObjectName, attribute: &str) -> bool {
        let mut of = self.excluded_attributes.iter();
        of.any(|(pattern, names)| {
            pattern.matches(bean) && names.iter().any(|name| name == attribute)
        })
    }
}

impl WrittenRule {
    fn compile(self) -> Result<Rule, String> {
        if self.name.is_none() && (self.labels.is_some() || self.help.is_some()) {
            return Err("labels or help without a name".to_owned());
        }
        if self.name.is_some() && self.pattern.is_none() {
            return Err("a name without a pattern".to_owned());
        }
        let pattern = self.pattern.map(|pattern| compile(&pattern)).transpose()?;
        let factor = match self.value_factor {
            None => 1.0,
            Some(factor) => {
                let text = factor.text();
                let number = text.parse();
                number.map_err(|_| format!("valueFactor {text:?} is no number"))?
            }
        };
        let kind = match self.kind.as_deref().map(str::to_ascii_uppercase).as_deref() {
            None | Some("UNTYPED" | "UNKNOWN") => Kind::Untyped,
            Some("COUNTER") => Kind::Counter,
            Some("GAUGE") => Kind::Gauge,
            Some(other) => {
                return Err(format!("type {other:?}, known are COUNTER, GAUGE, UNTYPED"));
            }
        };
        let labels = self.labels.unwrap_or_default().into_iter();
        Ok(Rule {
            pattern,
            snake_case: self.attr_name_snake_case,
            name: self.name,
            value: self.value.map(Scalar::text),
            factor,
            labels: labels.map(|(name, value)| (name, value.text())).collect(),
            help: self.help,
            kind,
        })
    }
}

/// The pattern may begin and end anywhere in the text, as there.
fn compile(pattern: &str) -> Result<Regex, String> {
    let whole = format!("^.*(?:{pattern}).*$");
    let mut builder = fancy_regex::RegexBuilder::new(&whole);
    let built = builder.backtrack_limit(BACKTRACK_MAX).build();
    built.map_err(|error| format!("pattern {pattern:?}: {error}"))
}

fn names(key: &'static str, texts: Option<Vec<String>>) -> Result<Vec<ObjectName>, RulesError> {
    let texts = texts.unwrap_or_default();
    let parse = |text: &String| {
        ObjectName::parse(text).map_err(|reason| RulesError::ObjectName { key, reason })
    };
    texts.iter().map(parse).collect()
}

fn attributes(
    written: Option<BTreeMap<String, Vec<String>>>,
) -> Result<Vec<(ObjectName, Vec<String>)>, RulesError> {
    let key = "excludeObjectNameAttributes";
    let written = written.unwrap_or_default().into_iter();
    let parse = |(name, attributes): (String, Vec<String>)| {
        let name = ObjectName::parse(&name);
        let name = name.map_err(|reason| RulesError::ObjectName { key, reason })?;
        Ok((name, attributes))
    };
    written.map(parse).collect()
}
