//! Which series an attribute of a bean is, by the first rule that matches it.

use std::fmt::Write as _;

use fancy_regex::Captures;
use limpid_telemetry::Kind;
use limpid_telemetry::collect::label_block;
use limpid_telemetry::mbeans::{ObjectName, Value, unquoted};

use super::rules::{Rule, Rules};

/// Suffixes that the formats keep for themselves: jmx_exporter 1.x takes them off other types.
const RESERVED: [&str; 4] = ["_total", "_created", "_bucket", "_info"];

/// One number that a bean has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) attribute: &'a str,
    /// The item, of a composite.
    pub(super) item: Option<&'a str>,
    pub(super) value: &'a Value,
}

/// What a rule makes of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) help: String,
    pub(super) kind: Kind,
    /// `{…}`, escaped.
    pub(super) labels: String,
    pub(super) label_names: Vec<String>,
    /// What the rule says in place of the bean's value.
    pub(super) value: Option<f64>,
    pub(super) factor: f64,
    /// The rule looked at the value: another value may be another series.
    pub(super) depends_on_value: bool,
}

impl Rules {
    /// The series of a reading, if it is one.
    pub(super) fn name(&self, bean: &ObjectName, reading: Reading<'_>) -> Option<Named> {
        let text = value_text(reading.value)?;
        let [plain, snake] = [false, true].map(|snake| Matched::new(bean, reading, snake));
        self.rules.iter().find_map(|rule| {
            let matched = if rule.snake_case { &snake } else { &plain };
            self.apply(rule, bean, matched, &text, reading.value)
        })
    }

    /// `None` when the rule doesn't match; one that does and names nothing ends the search as well.
    fn apply(
        &self,
        rule: &Rule,
        bean: &ObjectName,
        matched: &Matched,
        text: &str,
        value: &Value,
    ) -> Option<Named> {
        let subject = format!("{}: {text}", matched.path);
        let captures = match &rule.pattern {
            None => None,
            Some(pattern) => Some(pattern.captures(subject.as_str()).ok().flatten()?),
        };
        let fill = |template: &str| filled(template, captures.as_ref());
        let said = rule.value.as_deref().map(|template| fill(template).parse());
        let said = said.transpose().ok()?;
        if said.is_none() && number(value).is_none() {
            return None;
        }
        let (name, labels) = match &rule.name {
            None => self.default_name(bean, matched),
            Some(template) => (fill(template), self.labels(rule, &fill)),
        };
        let name = safe(&name);
        let name = if self.lowercase_names {
            name.to_lowercase()
        } else {
            name
        };
        if name.is_empty() {
            return None;
        }
        let kind = match rule.kind {
            Kind::Untyped if self.infers_counters && name.ends_with("_total") => Kind::Counter,
            kind => kind,
        };
        let mut block = String::new();
        let pairs = labels.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        label_block(pairs, &mut block);
        let inside =
            |range: Option<(usize, usize)>| range.is_some_and(|r| r.1 > matched.path.len());
        let depends_on_value = captures.as_ref().is_some_and(|captures| {
            let mut groups = captures.iter().skip(1).flatten();
            groups.any(|group| inside(Some((group.start(), group.end()))))
        }) || matches!(value, Value::Text(_));
        Some(Named {
            name: self.with_suffix(name, kind),
            help: rule.help.as_deref().map_or_else(|| matched.help(), fill),
            kind,
            labels: block,
            label_names: labels.into_iter().map(|(name, _)| name).collect(),
            value: said,
            factor: rule.factor,
            depends_on_value,
        })
    }

    fn labels(&self, rule: &Rule, fill: &dyn Fn(&str) -> String) -> Vec<(String, String)> {
        let labels = rule.labels.iter();
        labels
            .map(|(name, value)| (self.label_name(&fill(name)), self.label_value(&fill(value))))
            .filter(|(name, _)| !name.is_empty())
            .collect()
    }

    /// Domain, value of the first key, item and attribute; the other keys are labels.
    fn default_name(
        &self,
        bean: &ObjectName,
        matched: &Matched,
    ) -> (String, Vec<(String, String)>) {
        let mut name = bean.domain().to_owned();
        let mut properties = bean.properties();
        if let Some((_, first)) = properties.next() {
            write!(name, "_{first}").expect("writing to a string");
        }
        for part in matched.parts.iter() {
            write!(name, "_{part}").expect("writing to a string");
        }
        let labels = properties.map(|(k, v)| (self.label_name(k), self.label_value(v)));
        (name, labels.collect())
    }

    /// As jmx_exporter 1.x spells the names of its types.
    fn with_suffix(&self, mut name: String, kind: Kind) -> String {
        let mut reserved = RESERVED.iter();
        if self.keeps_info && name.ends_with("_info") {
            return name;
        }
        while let Some(suffix) = reserved.find(|suffix| name.ends_with(**suffix)) {
            name.truncate(name.len() - suffix.len());
            reserved = RESERVED.iter();
        }
        if kind == Kind::Counter {
            name.push_str("_total");
        }
        name
    }

    fn label_name(&self, name: &str) -> String {
        match self.lowercase_labels {
            true => safe(name).to_lowercase(),
            false => safe(name),
        }
    }

    fn label_value(&self, value: &str) -> String {
        match self.unquotes {
            true => unquoted(value).into_owned(),
            false => value.to_owned(),
        }
    }
}

/// What patterns are held against, but for the value.
struct Matched {
    /// `domain<key=value, …><item>attribute`; the item stands alone of a composite's attribute.
    path: String,
    /// The parts of a name behind the bean's.
    parts: Vec<String>,
}

impl Matched {
    fn new(bean: &ObjectName, reading: Reading<'_>, snake: bool) -> Self {
        let spelled = |name: &str| match snake {
            true => snake_case(name),
            false => name.to_owned(),
        };
        // Of a composite the attribute is a key, and the item is what is read.
        let (keys, last) = match reading.item {
            None => (String::new(), reading.attribute),
            Some(item) => (spelled(reading.attribute), item),
        };
        let last = spelled(last);
        let mut path = format!("{}<", bean.domain());
        for (at, (key, value)) in bean.properties().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(path, "{comma}{key}={value}").expect("writing to a string");
        }
        write!(path, "><{keys}>{last}").expect("writing to a string");
        let parts = [keys, last].into_iter().filter(|part| !part.is_empty());
        Self {
            path,
            parts: parts.collect(),
        }
    }

    fn help(&self) -> String {
        format!("MBean attribute {}", self.path)
    }
}

/// `$1` … `$99` are the groups of the pattern; a group that is not there is nothing.
fn filled(template: &str, captures: Option<&Captures<'_, str>>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let digits = after.bytes().take(2).take_while(u8::is_ascii_digit).count();
        match after[..digits].parse::<usize>() {
            Err(_) => out.push('$'),
            Ok(group) => {
                let found = captures.and_then(|captures| captures.get(group));
                out.push_str(found.map_or("", |group| group.as_str()));
            }
        }
        rest = &after[digits..];
    }
    out.push_str(rest);
    out
}

/// Only what may stand in a name; several underscores are one.
fn safe(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        let allowed = c.is_ascii_alphanumeric() || c == ':';
        if allowed {
            if out.is_empty() && c.is_ascii_digit() {
                out.push('_');
            }
            out.push(c);
        } else if !out.ends_with('_') {
            out.push('_');
        }
    }
    out
}

fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut was_lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && was_lower {
            out.push('_');
        }
        was_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        out.extend(c.to_lowercase());
    }
    out
}

/// As Java writes it; nothing for what has parts.
fn value_text(value: &Value) -> Option<String> {
    Some(match value {
        Value::Long(v) => v.to_string(),
        Value::Double(v) => format!("{v:?}"),
        Value::Bool(v) => v.to_string(),
        Value::Text(v) => v.clone().into_owned(),
        Value::Composite(_) => return None,
    })
}

/// The number that a value is.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Long(v) => Some(*v as f64),
        Value::Double(v) => Some(*v),
        Value::Bool(v) => Some(f64::from(u8::from(*v))),
        Value::Text(_) | Value::Composite(_) => None,
    }
}
