//! The MBean registry: JMX object names bound to the same handles that `/metrics` shows.
//!
//! Kafka's admins know their broker by names such as
//! `kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec`. A declaration carries such names; a
//! bean appears when a series is bound and goes when the series goes. Readers (Jolokia, naming
//! dialects) ask [`MBeans::names`] and [`MBeans::read`].

use std::collections::BTreeMap;
use std::ops::Bound::{Included, Unbounded};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use crate::declare::{Declaration, Shape};
use crate::handle::AnyHandle;
use crate::label::LabelEnum as _;
use crate::recent::{Recent, WINDOW};
use crate::stage::Stage;

/// The percentiles of a distribution: JMX attribute and quantile. They tell of the last one or two
/// minutes, the other attributes of all time.
pub const PERCENTILES: [(&str, f64); 6] = [
    ("50thPercentile", 0.50),
    ("75thPercentile", 0.75),
    ("95thPercentile", 0.95),
    ("98thPercentile", 0.98),
    ("99thPercentile", 0.99),
    ("999thPercentile", 0.999),
];

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
    beans: RwLock<BTreeMap<String, Vec<Bound>>>,
    turned: Mutex<Duration>,
}

/// A series that fills attributes of a bean.
#[derive(Debug)]
struct Bound {
    shape: Shape,
    /// The label values of the series: several may add up to one distribution.
    series: Box<str>,
    handle: AnyHandle,
    recent: Recent,
}

impl MBeans {
    /// Binds the beans of a declaration to a series.
    pub(crate) fn attach(&self, d: &Declaration, values: &[&str], handle: &AnyHandle) {
        let series = values.join("\0").into_boxed_str();
        for bean in d.mbeans {
            let Some(name) = object_name(bean.object, d, values) else {
                continue;
            };
            let mut beans = self.beans.write();
            let bound = beans.entry(name).or_default();
            match bound.iter_mut().find(|b| b.is(bean.shape, &series)) {
                // Bound again: the window goes on.
                Some(same) => same.handle = handle.clone(),
                None => bound.push(Bound {
                    shape: bean.shape,
                    series: series.clone(),
                    handle: handle.clone(),
                    recent: Recent::default(),
                }),
            }
        }
    }

    /// Takes the beans of a series out.
    pub(crate) fn detach(&self, d: &Declaration, values: &[&str]) {
        let series = values.join("\0");
        for bean in d.mbeans {
            let Some(name) = object_name(bean.object, d, values) else {
                continue;
            };
            let mut beans = self.beans.write();
            if let Some(bound) = beans.get_mut(&name) {
                bound.retain(|b| !b.is(bean.shape, &series));
                if bound.is_empty() {
                    beans.remove(&name);
                }
            }
        }
    }

    /// Turns the windows of the percentiles when they are over.
    pub(crate) fn tick(&self, now: Duration) {
        let mut turned = self.turned.lock();
        if now.saturating_sub(*turned) < WINDOW {
            return;
        }
        *turned = now;
        for bound in self.beans.write().values_mut().flatten() {
            if let AnyHandle::Histogram(histogram) = &bound.handle {
                bound.recent.turn(histogram);
            }
        }
    }

    /// All object names, sorted.
    pub fn names(&self) -> Vec<String> {
        self.beans.read().keys().cloned().collect()
    }

    /// The object names that start like this, sorted.
    pub fn names_from(&self, start: &str) -> Vec<String> {
        let beans = self.beans.read();
        let from = beans.range::<str, _>((Included(start), Unbounded));
        let names = from.map(|(name, _)| name);
        names
            .take_while(|n| n.starts_with(start))
            .cloned()
            .collect()
    }

    /// The attributes of one bean with their values now; `None` when there is no such bean.
    pub fn read(&self, name: &str) -> Option<Vec<(&'static str, Value)>> {
        let beans = self.beans.read();
        let bound = beans.get(name)?;
        let mut out = Vec::new();
        let mut told = Vec::new();
        for one in bound.iter() {
            match one.scale() {
                None => out.extend(attributes(one.shape, &one.handle)),
                Some(scale) if !told.contains(&one.shape) => {
                    told.push(one.shape);
                    let parts = bound.iter().filter(|b| b.shape == one.shape);
                    out.extend(distribution(parts, scale));
                }
                Some(_) => {}
            }
        }
        Some(out)
    }
}

impl Bound {
    fn is(&self, shape: Shape, series: &str) -> bool {
        self.shape == shape && *self.series == *series
    }

    /// By how much a distribution is multiplied; `None` for what is none.
    fn scale(&self) -> Option<f64> {
        match (self.shape, &self.handle) {
            (Shape::Histogram, AnyHandle::Histogram(_)) => Some(1.0),
            (Shape::HistogramMs, AnyHandle::Histogram(_)) => Some(1_000.0),
            _ => None,
        }
    }
}

fn attributes(shape: Shape, handle: &AnyHandle) -> Vec<(&'static str, Value)> {
    match shape {
        Shape::Gauge => vec![("Value", value(handle))],
        Shape::GaugePercent => vec![("Value", percent(handle))],
        Shape::Counter | Shape::Histogram | Shape::HistogramMs => vec![("Count", value(handle))],
        Shape::Meter => vec![
            ("Count", value(handle)),
            ("EventType", Value::Text("events")),
            ("RateUnit", Value::Text("SECONDS")),
        ],
        Shape::Attribute(name) => vec![(name, Value::Double(double(handle)))],
        Shape::AttributeMs(name) => vec![(name, Value::Double(double(handle) * 1_000.0))],
    }
}

/// Parts that follow each other (waiting for a lock, then working) have one count; their means add
/// up, and the sum of their percentiles is never below that of the whole.
fn distribution<'a>(
    parts: impl Iterator<Item = &'a Bound>,
    scale: f64,
) -> Vec<(&'static str, Value)> {
    let (mut count, mut mean) = (0, 0.0);
    let mut percentiles = [0.0; PERCENTILES.len()];
    for part in parts {
        let AnyHandle::Histogram(h) = &part.handle else {
            continue;
        };
        count = count.max(h.count());
        if h.count() > 0 {
            mean += h.sum() / h.count() as f64 * scale;
        }
        let recent = part.recent.since(h);
        for (sum, (_, q)) in percentiles.iter_mut().zip(PERCENTILES) {
            *sum += recent.quantile(q) * scale;
        }
    }
    let count = Value::Long(i64::try_from(count).unwrap_or(i64::MAX));
    let mut out = vec![("Count", count), ("Mean", Value::Double(mean))];
    let named = PERCENTILES.iter().zip(percentiles);
    out.extend(named.map(|((name, _), value)| (*name, Value::Double(value))));
    out
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

/// Kafka's percentages have no fraction.
fn percent(handle: &AnyHandle) -> Value {
    match value(handle) {
        Value::Double(ratio) => Value::Long((ratio * 100.0) as i64),
        other => other,
    }
}

fn double(handle: &AnyHandle) -> f64 {
    match handle {
        AnyHandle::Counter(c) => c.get() as f64,
        AnyHandle::FloatCounter(c) => c.get(),
        AnyHandle::Gauge(g) => g.get() as f64,
        AnyHandle::FloatGauge(g) => g.get(),
        AnyHandle::Histogram(h) => h.count() as f64,
    }
}

/// Fills the template; a value with characters that an ObjectName reserves is quoted, and a property
/// without a value is left out, as in Kafka. A `{stage.mbean}` becomes Kafka's name of the stage;
/// `None` when Kafka has none.
fn object_name(template: &str, d: &Declaration, values: &[&str]) -> Option<String> {
    let mut name = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, (label, after))) = rest
        .split_once('{')
        .and_then(|(before, from)| Some((before, from.split_once('}')?)))
    {
        rest = after;
        let find = |wanted: &str| d.labels.iter().position(|label| label.name == wanted);
        let value = if let Some(at) = find(label) {
            values[at]
        } else {
            let at = find(label.strip_suffix(".mbean")?)?;
            let stage = Stage::ALL.iter().find(|stage| stage.as_str() == values[at]);
            stage?.mbean_name()?
        };
        match before.rsplit_once(',') {
            Some((kept, _)) if value.is_empty() => name.push_str(kept),
            _ => {
                name.push_str(before);
                name.push_str(&quoted(value));
            }
        }
    }
    name.push_str(rest);
    Some(name)
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
