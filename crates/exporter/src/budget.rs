//! The series budget: what a page leaves out when it has more series than `limpid.metrics.max.series`.
//!
//! Never an error and never a surprise: the same series are left out of the same page every time. The
//! steps are taken one after the other until the page fits, first for families that no alert needs, then
//! for those that one does:
//!
//! 1. lag and offsets of groups by topic instead of by partition: added up, or the largest where a sum
//!    says nothing (times);
//! 2. partitions of topics only while they are unhealthy;
//! 3. of percentiles the 50th, the 95th and the 99th;
//! 4. whole families, the largest first.
//!
//! Each step goes from the end of the page to its beginning, family by family, and ends when the page
//! fits: MBeans before the families of exporters, and these before our own.

use std::collections::{BTreeSet, HashMap, HashSet};

use limpid_cluster::{ClusterSnapshot, Partition};
use limpid_telemetry::collect::{FamilySamples, Number64};

use crate::labels::{Place, pairs, without_partition};

/// Rules whose families go last.
const RULES: &str = include_str!("../../../alerts/limpid.rules.yml");
/// The word that stands for the families of those rules.
const ALERTS: &str = "alerts";
/// Percentiles that stay.
const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];
/// Families that tell of the page itself.
const KEPT: [&str; 3] = [
    "limpid_collector_up",
    "limpid_build_info",
    "limpid_series_dropped_total",
];

/// How many series a page may have, and what goes last.
#[derive(Debug)]
pub struct Budget {
    max: usize,
    protected: HashSet<String>,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(usize::MAX, [ALERTS])
    }
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    LagByTopic,
    UnhealthyPartitions,
    FewerQuantiles,
    WholeFamilies,
}

const STEPS: [Step; 4] = [
    Step::LagByTopic,
    Step::UnhealthyPartitions,
    Step::FewerQuantiles,
    Step::WholeFamilies,
];

/// What became of a page.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Fitted {
    /// Steps that were taken, of eight.
    pub(crate) steps: usize,
    /// Families of the registry that are left out.
    pub(crate) without: BTreeSet<String>,
}

impl Budget {
    /// At most so many series. The families that go last are named; `alerts` names all that our own
    /// alert rules use.
    pub fn new<'a>(max: usize, protected: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names = HashSet::new();
        for name in protected {
            match name {
                ALERTS => names.extend(words(RULES).map(str::to_owned)),
                name => _ = names.insert(name.to_owned()),
            }
        }
        Self {
            max,
            protected: names,
        }
    }

    /// The limit.
    pub fn max(&self) -> usize {
        self.max
    }

    fn protects(&self, family: &str) -> bool {
        let ends = ["_bucket", "_sum", "_count"];
        let mut spellings = ends.iter().map(|end| format!("{family}{end}"));
        self.protected.contains(family) || spellings.any(|name| self.protected.contains(&name))
    }

    /// Makes a page fit: collected families, and those of the registry with their numbers of series.
    pub(crate) fn fit(
        &self,
        families: &mut [FamilySamples],
        registered: &[(&str, usize)],
        snapshot: Option<&ClusterSnapshot>,
    ) -> Fitted {
        let mut fitted = Fitted::default();
        // Each family has a line that counts its series.
        let lines = |count: usize| count + usize::from(count > 0);
        let mut total: usize = families.iter().map(|family| lines(family.len())).sum();
        total += registered
            .iter()
            .map(|(_, count)| lines(*count))
            .sum::<usize>();
        if total <= self.max {
            return fitted;
        }
        let unhealthy = Unhealthy::of(snapshot);
        for protected in [false, true] {
            for step in STEPS {
                if total <= self.max {
                    return fitted;
                }
                fitted.steps += 1;
                if step == Step::WholeFamilies {
                    let mut all = Candidates::of(families, registered, |name| {
                        self.protects(name) == protected && !KEPT.contains(&name)
                    });
                    while total > self.max
                        && let Some((count, name)) = all.largest()
                    {
                        total -= lines(count);
                        cut(families, &mut fitted, name);
                    }
                    continue;
                }
                // From the end of the page: what others named before what we name.
                for family in families.iter_mut().rev() {
                    if total > self.max && self.protects(&family.head().name) == protected {
                        let before = family.len();
                        degrade(family, step, &unhealthy);
                        total -= lines(before) - lines(family.len());
                    }
                }
            }
        }
        fitted
    }
}

/// Families that can be left out whole.
struct Candidates(Vec<(usize, String)>);

impl Candidates {
    fn of(
        families: &[FamilySamples],
        registered: &[(&str, usize)],
        may_go: impl Fn(&str) -> bool,
    ) -> Self {
        let collected = families.iter().map(|f| (&*f.head().name, f.len()));
        let all = collected.chain(registered.iter().copied());
        let all = all.filter(|(name, count)| *count > 0 && may_go(name));
        let mut all: Vec<_> = all.map(|(name, count)| (count, name.to_owned())).collect();
        // The largest last, of equals the first by name.
        all.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.cmp(&a.1)));
        Self(all)
    }

    fn largest(&mut self) -> Option<(usize, String)> {
        self.0.pop()
    }
}

fn cut(families: &mut [FamilySamples], fitted: &mut Fitted, name: String) {
    match families
        .iter_mut()
        .find(|family| family.head().name == name)
    {
        Some(family) => replace(family, family.emptied()),
        None => _ = fitted.without.insert(name),
    }
}

/// What is gone counts as left out.
fn replace(family: &mut FamilySamples, mut by: FamilySamples) {
    by.leave_out(family.len().saturating_sub(by.len()));
    *family = by;
}

fn degrade(family: &mut FamilySamples, step: Step, unhealthy: &Unhealthy) {
    let Some(first) = family.iter().next().map(|(labels, _)| labels) else {
        return;
    };
    let place = Place::of(first);
    let of_partitions = place.topic.is_some() && place.partition.is_some();
    let mut kept = family.emptied();
    let mut keep = |passes: &dyn Fn(&str) -> bool| {
        let passing = family.iter().filter(|(labels, _)| passes(labels));
        passing.for_each(|(labels, value)| kept.add_block(labels, value));
    };
    match step {
        Step::LagByTopic if of_partitions && place.group.is_some() => kept = by_topic(family),
        Step::UnhealthyPartitions if of_partitions && place.group.is_none() => {
            keep(&|labels| unhealthy.has(Place::of(labels)));
        }
        Step::FewerQuantiles if pairs(first).any(|(name, _)| name == "quantile") => {
            keep(&|labels| {
                let mut quantiles = pairs(labels).filter(|(name, _)| *name == "quantile");
                let stays = |text: &str| text.parse().is_ok_and(|q| QUANTILES.contains(&q));
                quantiles.all(|(_, value)| stays(value))
            });
        }
        _ => return,
    }
    replace(family, kept);
}

/// Partitions added up; times and states are those of the worst partition.
fn by_topic(family: &FamilySamples) -> FamilySamples {
    let name = &*family.head().name;
    let ends = ["_seconds", "_millis", "_status"];
    let worst = ends.iter().any(|end| name.ends_with(end));
    let mut sums: Vec<(String, Number64)> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut block = String::new();
    for (labels, value) in family.iter() {
        block.clear();
        without_partition(labels, &mut block);
        match known.get(&block) {
            Some(at) => sums[*at].1 = joined(sums[*at].1, value, worst),
            None => {
                known.insert(block.clone(), sums.len());
                sums.push((block.clone(), value));
            }
        }
    }
    let mut kept = family.emptied();
    for (labels, value) in &sums {
        kept.add_block(labels, *value);
    }
    kept
}

fn joined(a: Number64, b: Number64, worst: bool) -> Number64 {
    match (a, b) {
        (Number64::Int(a), Number64::Int(b)) if worst => Number64::Int(a.max(b)),
        (Number64::Int(a), Number64::Int(b)) => Number64::Int(a.saturating_add(b)),
        (a, b) if worst => Number64::Float(float(a).max(float(b))),
        (a, b) => Number64::Float(float(a) + float(b)),
    }
}

fn float(number: Number64) -> f64 {
    match number {
        Number64::Int(v) => v as f64,
        Number64::Float(v) => v,
    }
}

/// Partitions without a leader, or with fewer replicas in sync than assigned.
#[derive(Default)]
struct Unhealthy(HashMap<String, HashSet<String>>);

impl Unhealthy {
    fn of(snapshot: Option<&ClusterSnapshot>) -> Self {
        let is_ill = |p: &&Partition| p.leader.is_none() || p.under_replicated();
        let mut all = HashMap::new();
        for topic in snapshot.into_iter().flat_map(|snapshot| &snapshot.topics) {
            let ill = topic.partitions.iter().filter(is_ill);
            let ill: HashSet<String> = ill.map(|p| p.index.to_string()).collect();
            if !ill.is_empty() {
                all.insert(topic.name.clone(), ill);
            }
        }
        Self(all)
    }

    /// A topic's name has nothing to be escaped.
    fn has(&self, place: Place<'_>) -> bool {
        let ill = place.topic.and_then(|topic| self.0.get(topic));
        ill.zip(place.partition)
            .is_some_and(|(ill, p)| ill.contains(p))
    }
}

/// Whatever could be the name of a family.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
        .filter(|word| word.contains('_'))
}

#[cfg(test)]
mod tests;
