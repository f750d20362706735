//! The attributes of a bean, by the kind that it has in Kafka.

use std::borrow::Cow;

use crate::declare::Shape;
use crate::handle::{AnyHandle, Histogram};
use crate::meter::Rates;
use crate::recent::Recent;

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

/// Attributes of a bean by name.
pub type Attributes = Vec<(&'static str, Value)>;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A `long`.
    Long(i64),
    /// A `double`.
    Double(f64),
    /// A `boolean`.
    Bool(bool),
    /// A `String`.
    Text(Cow<'static, str>),
    /// A composite: its items by name.
    Composite(Attributes),
}

impl Value {
    /// A `String`.
    pub fn text(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Text(text.into())
    }

    /// A `long` of any integer; the largest one in place of those that are larger.
    pub fn long(number: impl TryInto<i64>) -> Self {
        Self::Long(number.try_into().unwrap_or(i64::MAX))
    }
}

/// What a series tells of a bean that is no distribution.
pub(super) fn attributes(shape: Shape, handle: &AnyHandle, rates: Option<Rates>) -> Attributes {
    match shape {
        Shape::Gauge => vec![("Value", value(handle))],
        Shape::GaugePercent => vec![("Value", percent(handle))],
        Shape::Counter | Shape::Histogram | Shape::HistogramMs | Shape::Timer => {
            vec![("Count", value(handle))]
        }
        Shape::Meter => {
            let mut all = vec![("Count", value(handle))];
            all.extend(rates.into_iter().flat_map(metered));
            all
        }
        Shape::TimeMeter(event) => time_meter(double(handle), event, rates),
        Shape::Attribute(name) => vec![(name, Value::Double(double(handle)))],
        Shape::AttributeLong(name) => vec![(name, value(handle))],
        // What they tell is more than the handle: see the bound series.
        Shape::AttributeRate(_) | Shape::AttributeAvgMs(_) | Shape::AttributeMaxMs(_) => Vec::new(),
        Shape::AttributeMs(name) => vec![(name, Value::Double(double(handle) * 1_000.0))],
    }
}

/// What a meter of time tells: nanoseconds, and parts of the time that passed.
fn time_meter(seconds: f64, event: &'static str, rates: Option<Rates>) -> Attributes {
    let mut all = vec![("Count", Value::Long((seconds * 1e9) as i64))];
    for (name, value) in rates.into_iter().flat_map(metered) {
        let value = match name {
            "EventType" => Value::text(event),
            "RateUnit" => Value::text("NANOSECONDS"),
            _ => value,
        };
        all.push((name, value));
    }
    all
}

/// What a meter's bean tells.
pub fn meter_attributes(count: u64, rates: Rates) -> Attributes {
    let mut all = vec![("Count", Value::long(count))];
    all.extend(metered(rates));
    all
}

/// The attributes that a meter has beside its count.
pub(super) fn metered(rates: Rates) -> [(&'static str, Value); 6] {
    let [one, five, fifteen] = rates.moving;
    [
        ("MeanRate", Value::Double(rates.mean)),
        ("OneMinuteRate", Value::Double(one)),
        ("FiveMinuteRate", Value::Double(five)),
        ("FifteenMinuteRate", Value::Double(fifteen)),
        ("EventType", Value::text("events")),
        ("RateUnit", Value::text("SECONDS")),
    ]
}

/// Parts that follow each other (waiting for a lock, then working) have one count; their extremes
/// and means add up, and the sum of their percentiles is never below that of the whole.
pub(super) fn distribution<'a>(
    parts: impl Iterator<Item = (&'a Histogram, &'a Recent)>,
    scale: f64,
) -> Attributes {
    let (mut count, mut mean) = (0, 0.0);
    let (mut min, mut max, mut variance) = (0.0, 0.0, 0.0);
    let mut percentiles = [0.0; PERCENTILES.len()];
    for (h, recent) in parts {
        let all = h.counts();
        count = count.max(all.total());
        mean += all.mean().unwrap_or_default() * scale;
        let recent = recent.of(all);
        let (low, high) = recent.range();
        min += low * scale;
        max += high * scale;
        variance += (recent.deviation() * scale).powi(2);
        for (sum, (_, q)) in percentiles.iter_mut().zip(PERCENTILES) {
            *sum += recent.quantile(q) * scale;
        }
    }
    let mut all = vec![
        (
            "Count",
            Value::Long(i64::try_from(count).unwrap_or(i64::MAX)),
        ),
        ("Min", Value::Double(min)),
        ("Max", Value::Double(max)),
        ("Mean", Value::Double(mean)),
        ("StdDev", Value::Double(variance.sqrt())),
    ];
    let named = PERCENTILES.iter().zip(percentiles);
    all.extend(named.map(|((name, _), value)| (*name, Value::Double(value))));
    all
}

fn value(handle: &AnyHandle) -> Value {
    match handle {
        AnyHandle::Counter(c) => Value::long(c.get()),
        AnyHandle::FloatCounter(c) => Value::Double(c.get()),
        AnyHandle::Gauge(g) => Value::Long(g.get()),
        AnyHandle::FloatGauge(g) => Value::Double(g.get()),
        AnyHandle::Histogram(h) => Value::long(h.count()),
    }
}

/// Kafka's percentages have no fraction.
fn percent(handle: &AnyHandle) -> Value {
    match value(handle) {
        Value::Double(ratio) => Value::Long((ratio * 100.0) as i64),
        other => other,
    }
}

pub(super) fn double(handle: &AnyHandle) -> f64 {
    match handle {
        AnyHandle::Counter(c) => c.get() as f64,
        AnyHandle::FloatCounter(c) => c.get(),
        AnyHandle::Gauge(g) => g.get() as f64,
        AnyHandle::FloatGauge(g) => g.get(),
        AnyHandle::Histogram(h) => h.count() as f64,
    }
}
