//! The MBean registry: JMX object names bound to the same handles that `/metrics` shows.
//!
//! Kafka's admins know their broker by names such as
//! `kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec`. A declaration carries such names; a
//! bean appears when a series is bound and goes when the series goes. Readers (Jolokia, naming
//! dialects) ask [`MBeans::names`] and [`MBeans::read`].

use std::collections::BTreeMap;

use parking_lot::RwLock;

use crate::declare::{Declaration, Shape};
use crate::handle::AnyHandle;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A `long`.
    Long(i64),
    /// A `double`.
    Double(f64),
    /// A `String`.
    Text(&'static str),
}

/// Object names and what they are bound to.
#[derive(Debug, Default)]
pub struct MBeans {
    beans: RwLock<BTreeMap<String, Vec<(Shape, AnyHandle)>>>,
}

impl MBeans {
    /// Binds the beans of a declaration to a series.
    pub(crate) fn attach(&self, d: &Declaration, values: &[&str], handle: &AnyHandle) {
        for bean in d.mbeans {
            let mut beans = self.beans.write();
            let bound = beans
                .entry(object_name(bean.object, d, values))
                .or_default();
            bound.retain(|(shape, _)| *shape != bean.shape);
            bound.push((bean.shape, handle.clone()));
        }
    }

    /// Takes the beans of a series out.
    pub(crate) fn detach(&self, d: &Declaration, values: &[&str]) {
        for bean in d.mbeans {
            let mut beans = self.beans.write();
            let name = object_name(bean.object, d, values);
            if let Some(bound) = beans.get_mut(&name) {
                bound.retain(|(shape, _)| *shape != bean.shape);
                if bound.is_empty() {
                    beans.remove(&name);
                }
            }
        }
    }

    /// All object names, sorted.
    pub fn names(&self) -> Vec<String> {
        self.beans.read().keys().cloned().collect()
    }

    /// The attributes of one bean with their values now; `None` when there is no such bean.
    pub fn read(&self, name: &str) -> Option<Vec<(&'static str, Value)>> {
        let beans = self.beans.read();
        let bound = beans.get(name)?;
        Some(
            bound
                .iter()
                .flat_map(|(shape, handle)| attributes(*shape, handle))
                .collect(),
        )
    }
}

fn attributes(shape: Shape, handle: &AnyHandle) -> Vec<(&'static str, Value)> {
    match shape {
        Shape::Gauge => vec![("Value", value(handle))],
        Shape::Counter => vec![("Count", value(handle))],
        Shape::Meter => vec![
            ("Count", value(handle)),
            ("EventType", Value::Text("events")),
            ("RateUnit", Value::Text("SECONDS")),
        ],
        Shape::Histogram => distribution(handle, 1.0),
        Shape::HistogramMs => distribution(handle, 1_000.0),
        Shape::Attribute(name) => vec![(name, double(handle))],
    }
}

fn distribution(handle: &AnyHandle, scale: f64) -> Vec<(&'static str, Value)> {
    let AnyHandle::Histogram(h) = handle else {
        return vec![("Count", value(handle))];
    };
    let count = h.count();
    let mean = if count == 0 {
        0.0
    } else {
        h.sum() / count as f64 * scale
    };
    vec![("Count", value(handle)), ("Mean", Value::Double(mean))]
}

fn value(handle: &AnyHandle) -> Value {
    let long = |v: u64| Value::Long(i64::try_from(v).unwrap_or(i64::MAX));
    match handle {
        AnyHandle::Counter(c) => long(c.get()),
        AnyHandle::FloatCounter(c) => Value::Double(c.get()),
        AnyHandle::Gauge(g) => Value::Long(g.get()),
        AnyHandle::FloatGauge(g) => Value::Double(g.get()),
        AnyHandle::Histogram(h) => long(h.count()),
    }
}

fn double(handle: &AnyHandle) -> Value {
    match value(handle) {
        Value::Long(v) => Value::Double(v as f64),
        other => other,
    }
}

/// Fills the template; a value with characters that an ObjectName reserves is quoted.
fn object_name(template: &str, d: &Declaration, values: &[&str]) -> String {
    let mut name = template.to_owned();
    for (label, value) in d.labels.iter().zip(values) {
        name = name.replace(&format!("{{{}}}", label.name), &quoted(value));
    }
    name
}

fn quoted(value: &str) -> String {
    if !value.contains([',', '=', ':', '"', '*', '?', '\n']) {
        return value.to_owned();
    }
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '"' | '*' | '?' | '\\' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests;
