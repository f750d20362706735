//! A set of rules, and what it made of the beans that are there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use limpid_telemetry::Samples;
use limpid_telemetry::collect::{FamilySamples, Head, Number64};
use limpid_telemetry::mbeans::{BeanNames, Beans, ObjectName, Value};
use parking_lot::Mutex;

use super::naming::{Named, Reading, number};
use super::rules::Rules;

/// Most names of families that are remembered. Rules may put what comes and goes into names.
const FAMILIES_MAX: usize = 20_000;

/// The families of a page, of all sets together: the first one says what a family is.
#[derive(Default)]
pub(super) struct Families {
    all: BTreeMap<Arc<str>, FamilySamples>,
}

impl Families {
    /// Adds what a set says of a family. Sets that call a series alike say it once.
    fn add(&mut self, name: &Arc<str>, head: &Head, samples: &[(&Outcome, Number64)]) {
        let Some(family) = self.all.get_mut(name) else {
            let mut family = FamilySamples::new(head.clone());
            for (outcome, number) in samples {
                family.add_block(&outcome.labels, *number);
            }
            self.all.insert(Arc::clone(name), family);
            return;
        };
        let told: HashSet<&str> = family.iter().map(|(labels, _)| labels).collect();
        let is_new = |(outcome, _): &&(&Outcome, Number64)| !told.contains(&*outcome.labels);
        let new: Vec<_> = samples.iter().filter(is_new).copied().collect();
        for (outcome, number) in new {
            family.add_block(&outcome.labels, number);
        }
    }

    pub(super) fn write(self, out: &mut Samples) {
        let families = self.all.into_values();
        families.filter(|f| !f.is_empty()).for_each(|f| out.push(f));
    }
}

/// Rules, and what they made of the beans that are there.
pub struct RuleSet {
    rules: Rules,
    known: Mutex<Known>,
}

/// What is remembered of beans: of those of the last scrape, in its order.
#[derive(Default)]
struct Known {
    names: Arc<BeanNames>,
    beans: Vec<Bean>,
    families: Vec<(Arc<str>, Head)>,
    by_name: HashMap<Arc<str>, u32>,
}

struct Bean {
    is_covered: bool,
    series: Box<[Series]>,
}

/// What the rules make of one attribute. There are as many as a page has series: small.
struct Series {
    attribute: &'static str,
    item: Option<&'static str>,
    /// The value that the rules saw, where it matters.
    value: Option<Box<Value>>,
    outcome: Option<Outcome>,
}

struct Outcome {
    labels: Box<str>,
    family: u32,
    /// Where it is not the bean's number as it is.
    changed: Option<Box<Changed>>,
}

struct Changed {
    value: Option<f64>,
    factor: f64,
}

impl RuleSet {
    /// Nothing is remembered yet.
    pub fn new(rules: Rules) -> Arc<Self> {
        let known = Mutex::new(Known::default());
        Arc::new(Self { rules, known })
    }

    /// Of how many beans something is remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.known.lock().beans.len()
    }

    pub(super) fn apply(&self, beans: &Beans, page: &mut Families) {
        let mut known = self.known.lock();
        let known = &mut *known;
        if known.families.len() > FAMILIES_MAX {
            *known = Known::default();
        }
        known.follow(&self.rules, beans.names());
        for (at, (name, attributes)) in beans.iter().enumerate() {
            known.learn(&self.rules, (at, name), attributes);
        }
        // A sample finds its family by number.
        let mut samples: Vec<Vec<(&Outcome, Number64)>> = Vec::new();
        samples.resize_with(known.families.len(), Vec::new);
        for (bean, (_, attributes)) in known.beans.iter().zip(beans.iter()) {
            for (series, (_, _, value)) in bean.series.iter().zip(readings(attributes)) {
                if let Some(outcome) = &series.outcome
                    && let Some(number) = outcome.number(value)
                {
                    samples[outcome.family as usize].push((outcome, number));
                }
            }
        }
        for ((name, head), samples) in known.families.iter().zip(samples) {
            page.add(name, head, &samples);
        }
    }
}

/// All numbers and texts of a bean: attribute, item, value.
fn readings<'a>(
    attributes: &'a [(&'static str, Value)],
) -> impl Iterator<Item = (&'static str, Option<&'static str>, &'a Value)> {
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
    /// Remembers these beans and no others. From one scrape to the next they are nearly always the same,
    /// in the same order, and one comparison tells that.
    fn follow(&mut self, rules: &Rules, names: &Arc<BeanNames>) {
        if self.names == *names {
            return;
        }
        let known = std::mem::take(&mut self.beans);
        let mut known: HashMap<&str, Bean> = self.names.iter().zip(known).collect();
        let bean = |name: &str| match known.remove(name) {
            Some(bean) => bean,
            None => Bean {
                is_covered: ObjectName::parse(name).is_ok_and(|name| rules.covers(&name)),
                series: Box::default(),
            },
        };
        self.beans = names.iter().map(bean).collect();
        self.names = Arc::clone(names);
    }

    /// Brings what is known of a bean up to date.
    fn learn(
        &mut self,
        rules: &Rules,
        (at, name): (usize, &str),
        attributes: &[(&'static str, Value)],
    ) {
        let bean = &self.beans[at];
        if !bean.is_covered {
            return;
        }
        let mut count = 0;
        let is_known = readings(attributes).all(|reading| {
            count += 1;
            bean.series
                .get(count - 1)
                .is_some_and(|series| series.is_of(reading))
        });
        if is_known && bean.series.len() == count {
            return;
        }
        let Ok(object) = ObjectName::parse(name) else {
            return;
        };
        let mut known = std::mem::take(&mut self.beans[at].series)
            .into_vec()
            .into_iter();
        let series = readings(attributes).map(|reading| match known.next() {
            Some(series) if series.is_of(reading) => series,
            _ => self.series(rules, &object, reading),
        });
        let series = series.collect();
        self.beans[at].series = series;
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
            value: matters.then(|| Box::new(value.clone())),
            outcome: named.map(|named| self.outcome(named)),
        }
    }

    fn outcome(&mut self, named: Named) -> Outcome {
        let name: Arc<str> = named.name.into();
        let family = match self.by_name.get(&name) {
            Some(at) => {
                // Of all beans the one with the fewest properties says what the family is.
                let head = &mut self.families[*at as usize].1;
                if (named.help.len(), named.help.as_str()) < (head.help.len(), &*head.help) {
                    head.help = named.help.into();
                }
                *at
            }
            None => {
                let at = u32::try_from(self.families.len()).expect("far fewer are remembered");
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
        let (value, factor) = (named.value, named.factor);
        let is_changed = value.is_some() || factor != 1.0;
        Outcome {
            labels: named.labels.into(),
            family,
            changed: is_changed.then(|| Box::new(Changed { value, factor })),
        }
    }
}

impl Series {
    fn is_of(&self, (attribute, item, value): (&str, Option<&str>, &Value)) -> bool {
        let same_value = self.value.as_ref().is_none_or(|seen| **seen == *value);
        self.attribute == attribute && self.item == item && same_value
    }
}

impl Outcome {
    fn number(&self, value: &Value) -> Option<Number64> {
        match (self.changed.as_deref(), value) {
            (None, Value::Long(v)) => Some(Number64::Int(*v)),
            (None, _) => Some(Number64::Float(number(value)?)),
            (Some(changed), _) => {
                let said = changed.value.or_else(|| number(value))?;
                Some(Number64::Float(said * changed.factor))
            }
        }
    }
}
