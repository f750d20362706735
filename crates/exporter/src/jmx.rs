//! Kafka's MBeans under the names that jmx_exporter's rules give them: Strimzi's, Confluent's, or the
//! user's own.
//!
//! A rule is held against an attribute once, when its bean is seen for the first time; what came out is
//! remembered as long as the bean is there. Several sets of rules share names: each series is written
//! once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use limpid_telemetry::collect::{Head, Number64};
use limpid_telemetry::mbeans::{Attributes, Beans, MBeans, ObjectName, Value};
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

/// The families that rules make of numbers that a bean has, with their labels.
pub fn named<'a>(
    rules: &Rules,
    bean: &str,
    attributes: impl IntoIterator<Item = &'a String>,
) -> Vec<(String, Vec<String>)> {
    let bean = ObjectName::parse(bean)
        .ok()
        .filter(|name| rules.covers(name));
    let Some(bean) = bean else {
        return Vec::new();
    };
    let family = |attribute: &'a String| {
        let reading = Reading {
            attribute,
            item: None,
            value: &Value::Long(1),
        };
        let is_left_out = rules.leaves_out(&bean, attribute);
        let named = rules.name(&bean, reading).filter(|_| !is_left_out)?;
        Some((named.name, named.label_names))
    };
    attributes.into_iter().filter_map(family).collect()
}

/// Beans under the names that sets of rules give them.
pub struct JmxNames {
    name: &'static str,
    beans: Arc<MBeans>,
    sets: Vec<Arc<RuleSet>>,
}

impl JmxNames {
    /// A collector of this name that applies these rules to these beans.
    pub fn new(name: &'static str, beans: Arc<MBeans>, sets: Vec<Arc<RuleSet>>) -> Self {
        Self { name, beans, sets }
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
        let mut page = Families::default();
        for set in &self.sets {
            set.apply(&beans, &mut page);
        }
        page.write(out);
        Ok(())
    }
}

/// The families of a page, of all sets together: the first one says what a family is.
#[derive(Default)]
struct Families {
    all: BTreeMap<Arc<str>, Family>,
}

struct Family {
    head: Head,
    labels: String,
    /// Where the label block of each sample ends, and the sample.
    samples: Vec<(usize, Number64)>,
}

impl Families {
    fn write(&self, out: &mut Samples) {
        for family in self.all.values().filter(|f| !f.samples.is_empty()) {
            let samples = out.add(family.head.clone());
            for (labels, number) in family.series() {
                samples.add_block(labels, number);
            }
        }
    }
}

impl Family {
    /// Label blocks and numbers.
    fn series(&self) -> impl Iterator<Item = (&str, Number64)> {
        let starts = std::iter::once(0).chain(self.samples.iter().map(|(end, _)| *end));
        let samples = starts.zip(&self.samples);
        samples.map(|(start, (end, number))| (&self.labels[start..*end], *number))
    }
}

/// Rules, and what they made of the beans that are there.
pub struct RuleSet {
    rules: Rules,
    known: Mutex<Known>,
}

/// What is remembered of beans.
#[derive(Default)]
struct Known {
    beans: HashMap<String, Bean>,
    families: Vec<(Arc<str>, Head)>,
    by_name: HashMap<Arc<str>, usize>,
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
    outcome: Option<Outcome>,
}

struct Outcome {
    family: usize,
    labels: Box<str>,
    value: Option<f64>,
    factor: f64,
}

impl RuleSet {
    /// Nothing is remembered yet.
    pub fn new(rules: Rules) -> Arc<Self> {
        let known = Mutex::new(Known::default());
        Arc::new(Self { rules, known })
    }

    fn apply(&self, beans: &Beans, page: &mut Families) {
        let mut known = self.known.lock();
        let known = &mut *known;
        if known.families.len() > FAMILIES_MAX {
            *known = Known::default();
        }
        known.scrape += 1;
        // A sample finds its family by number.
        let mut samples: Vec<Vec<(&Outcome, Number64)>> = Vec::new();
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
                if let Some(outcome) = &series.outcome
                    && let Some(number) = outcome.number(value)
                {
                    samples[outcome.family].push((outcome, number));
                }
            }
        }
        for ((name, head), samples) in known.families.iter().zip(samples) {
            let family = page.all.entry(Arc::clone(name)).or_insert_with(|| Family {
                head: head.clone(),
                labels: String::new(),
                samples: Vec::new(),
            });
            // Sets that call a series alike say it once.
            let told: HashSet<String> = family.series().map(|(l, _)| l.to_owned()).collect();
            let new = samples.iter().filter(|(o, _)| !told.contains(&*o.labels));
            for (outcome, number) in new {
                family.labels.push_str(&outcome.labels);
                family.samples.push((family.labels.len(), *number));
            }
        }
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
    fn learn(&mut self, rules: &Rules, name: &str, attributes: &Attributes) {
        let mut bean = match self.beans.remove(name) {
            Some(bean) => bean,
            None => Bean {
                name: ObjectName::parse(name).ok().filter(|n| rules.covers(n)),
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
                bean.series.truncate(at);
                let series = self.series(rules, object, (attribute, item, value));
                bean.series.push(series);
            }
            bean.series.truncate(count);
        }
        self.beans.insert(name.to_owned(), bean);
    }

    fn series(
        &mut self,
        rules: &Rules,
        bean: &ObjectName,
        (attribute, item, value): (&'static str, Option<&'static str>, &Value),
    ) -> Series {
        let reading = Reading {
            attribute,
            item,
            value,
        };
        let named = match rules.leaves_out(bean, attribute) {
            true => None,
            false => rules.name(bean, reading),
        };
        let matters = named.as_ref().is_some_and(|named| named.depends_on_value)
            || matches!(value, Value::Text(_));
        Series {
            attribute,
            item,
            value: matters.then(|| value.clone()),
            outcome: named.map(|named| self.outcome(named)),
        }
    }

    fn outcome(&mut self, named: Named) -> Outcome {
        let name: Arc<str> = named.name.into();
        let family = match self.by_name.get(&name) {
            Some(at) => *at,
            None => {
                let at = self.families.len();
                self.by_name.insert(Arc::clone(&name), at);
                let head = Head {
                    name: name.to_string().into(),
                    help: named.help.into(),
                    kind: named.kind,
                };
                self.families.push((name, head));
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
