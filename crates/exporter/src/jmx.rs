//! Kafka's MBeans under the names that jmx_exporter's rules give them: Strimzi's, Confluent's, or the
//! user's own.
//!
//! A rule is held against an attribute once, when its bean is seen for the first time; what came out is
//! remembered as long as the bean is there. Several sets of rules share names: each series is written
//! once.

use std::collections::HashMap;
use std::sync::Arc;

use limpid_telemetry::collect::{Head, Number64};
use limpid_telemetry::mbeans::{Attributes, MBeans, ObjectName, Value};
use limpid_telemetry::{CollectError, Collector, Declaration, Samples};
use parking_lot::Mutex;

mod naming;
mod rules;

use naming::{Named, Reading, number};
pub use rules::{Rules, RulesError};

/// Most names of families that are remembered. Rules may put what comes and goes into names.
const FAMILIES_MAX: usize = 20_000;

/// The names of Strimzi's metrics and of jmx_exporter's own example for Kafka.
pub fn strimzi() -> Rules {
    Rules::built_in(include_str!("jmx/strimzi.yml"))
}

/// The names of Confluent's metrics.
pub fn confluent() -> Rules {
    Rules::built_in(include_str!("jmx/confluent.yml"))
}

/// The names of Strimzi's Metrics Reporter.
pub fn strimzi_reporter() -> Rules {
    Rules::built_in(include_str!("jmx/strimzi_reporter.yml"))
}

/// See the module.
pub struct JmxNames {
    name: &'static str,
    beans: Arc<MBeans>,
    rules: Vec<Rules>,
    known: Mutex<Known>,
}

/// What is remembered of beans.
#[derive(Default)]
struct Known {
    beans: HashMap<String, Bean>,
    families: Vec<Head>,
    by_name: HashMap<String, usize>,
    /// Counts the scrapes: beans that the last one did not see are forgotten.
    scrape: u64,
}

struct Bean {
    name: Option<ObjectName>,
    seen: u64,
    series: Vec<Series>,
}

/// What the rules make of one attribute.
struct Series {
    attribute: &'static str,
    item: Option<&'static str>,
    /// The value that the rules saw, where it matters.
    value: Option<Value>,
    outcomes: Vec<Outcome>,
}

struct Outcome {
    family: usize,
    labels: Box<str>,
    value: Option<f64>,
    factor: f64,
}

impl JmxNames {
    /// A collector of this name that applies these rules to these beans.
    pub fn new(name: &'static str, beans: Arc<MBeans>, rules: Vec<Rules>) -> Self {
        Self {
            name,
            beans,
            rules,
            known: Mutex::new(Known::default()),
        }
    }
}

impl Collector for JmxNames {
    fn name(&self) -> &'static str {
        self.name
    }

    fn families(&self) -> &'static [&'static Declaration] {
        &[] // the rules tell
    }

    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        let beans = self.beans.view();
        let mut known = self.known.lock();
        let known = &mut *known;
        if known.families.len() > FAMILIES_MAX {
            *known = Known::default();
        }
        known.scrape += 1;
        let mut samples: Vec<Vec<(&str, Number64)>> = Vec::new();
        for (name, attributes) in beans.iter() {
            known.learn(&self.rules, name, attributes);
        }
        known.beans.retain(|_, bean| bean.seen == known.scrape);
        samples.resize_with(known.families.len(), Vec::new);
        for (name, attributes) in beans.iter() {
            let Some(bean) = known.beans.get(name) else {
                continue;
            };
            for (series, (_, _, value)) in bean.series.iter().zip(readings(attributes)) {
                for outcome in &series.outcomes {
                    if let Some(number) = outcome.number(value) {
                        samples[outcome.family].push((&outcome.labels, number));
                    }
                }
            }
        }
        let mut order: Vec<usize> = (0..samples.len()).collect();
        order.sort_by_key(|&at| &known.families[at].name);
        for at in order {
            if samples[at].is_empty() {
                continue;
            }
            let family = out.add(known.families[at].clone());
            for (labels, number) in &samples[at] {
                family.add_block(labels, *number);
            }
        }
        Ok(())
    }
}

/// All numbers and texts of a bean: attribute, item, value.
fn readings(
    attributes: &Attributes,
) -> impl Iterator<Item = (&'static str, Option<&'static str>, &Value)> {
    attributes.iter().flat_map(|(attribute, value)| {
        let (one, items) = match value {
            Value::Composite(items) => (None, items.as_slice()),
            plain => (Some((*attribute, None, plain)), [].as_slice()),
        };
        let items = items
            .iter()
            .map(|(item, value)| (*attribute, Some(*item), value));
        one.into_iter().chain(items)
    })
}

impl Known {
    /// Brings what is known of a bean up to date.
    fn learn(&mut self, rules: &[Rules], name: &str, attributes: &Attributes) {
        let mut bean = match self.beans.remove(name) {
            Some(bean) => bean,
            None => Bean {
                name: ObjectName::parse(name).ok(),
                seen: 0,
                series: Vec::new(),
            },
        };
        bean.seen = self.scrape;
        if let Some(object) = &bean.name {
            let mut count = 0;
            for (at, (attribute, item, value)) in readings(attributes).enumerate() {
                count = at + 1;
                let same = |s: &Series| s.is_of(attribute, item, value);
                if bean.series.get(at).is_some_and(same) {
                    continue;
                }
                let reading = Reading {
                    attribute,
                    item,
                    value,
                };
                bean.series.truncate(at);
                let series = self.series(rules, object, reading, (attribute, item));
                bean.series.push(series);
            }
            bean.series.truncate(count);
        }
        self.beans.insert(name.to_owned(), bean);
    }

    fn series(
        &mut self,
        rules: &[Rules],
        bean: &ObjectName,
        reading: Reading<'_>,
        (attribute, item): (&'static str, Option<&'static str>),
    ) -> Series {
        let says =
            |rules: &&Rules| rules.covers(bean) && !rules.leaves_out(bean, reading.attribute);
        let named: Vec<Named> = rules
            .iter()
            .filter(says)
            .filter_map(|rules| rules.name(bean, reading))
            .collect();
        let matters = named.iter().any(|named| named.depends_on_value);
        let is_text = matches!(reading.value, Value::Text(_));
        Series {
            attribute,
            item,
            value: (matters || is_text).then(|| reading.value.clone()),
            outcomes: named.into_iter().map(|named| self.outcome(named)).collect(),
        }
    }

    fn outcome(&mut self, named: Named) -> Outcome {
        let family = match self.by_name.get(&named.name) {
            Some(at) => *at,
            None => {
                let at = self.families.len();
                self.by_name.insert(named.name.clone(), at);
                self.families.push(Head {
                    name: named.name.into(),
                    help: named.help.into(),
                    kind: named.kind,
                });
                at
            }
        };
        Outcome {
            family,
            labels: named.labels.into(),
            value: named.value,
            factor: named.factor,
        }
    }
}

impl Series {
    fn is_of(&self, attribute: &str, item: Option<&str>, value: &Value) -> bool {
        let same_value = self.value.as_ref().is_none_or(|seen| seen == value);
        self.attribute == attribute && self.item == item && same_value
    }
}

impl Outcome {
    fn number(&self, value: &Value) -> Option<Number64> {
        match (self.value, value) {
            (None, Value::Long(v)) if self.factor == 1.0 => Some(Number64::Int(*v)),
            (None, _) => Some(Number64::Float(number(value)? * self.factor)),
            (Some(said), _) => Some(Number64::Float(said * self.factor)),
        }
    }
}

#[cfg(test)]
mod tests;
