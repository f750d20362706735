//! One page: what the registry counted and what collectors say, cut down to its limits, written in one
//! pass.

use std::collections::{BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use limpid_cluster::ClusterSnapshot;
use limpid_telemetry::collect::FamilySamples;
use limpid_telemetry::{Collector, ProcessCollector, Registry, Samples};
use parking_lot::Mutex;
use prometheus::proto::MetricFamily;

use crate::accept::Format;
use crate::budget::Budget;
use crate::filter::Filter;
use crate::metrics::{ExporterMetrics, families};
use crate::select::Selection;
use crate::text::{Head, Writer, series_of};

/// What is remembered between pages.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Collectors that failed last time: a change is logged, not every scrape.
    failing: Mutex<BTreeSet<&'static str>>,
    /// Bytes that the registry's families took on the last page.
    registered_bytes: AtomicUsize,
}

/// What a page is made of.
pub(crate) struct Page<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) metrics: &'a ExporterMetrics,
    pub(crate) state: &'a State,
    /// Collectors of the dialects that are spoken.
    pub(crate) dialects: Vec<Arc<dyn Collector>>,
    pub(crate) selection: &'a Selection,
    pub(crate) limits: &'a Limits,
    /// The cluster that the page is about.
    pub(crate) snapshot: Option<Arc<ClusterSnapshot>>,
}

/// What a page may show.
#[derive(Debug, Default)]
pub struct Limits {
    /// How many series.
    pub budget: Budget,
    /// Whose partitions.
    pub filter: Filter,
}

impl Page<'_> {
    /// Renders it.
    pub(crate) fn render(&self, format: Format) -> String {
        let own = self.selection.own();
        // Collectors first: how they did is on this page, not on the next one.
        let mut families = self.collected(own);
        let registered = match own {
            true => self.registry.prometheus().gather(),
            false => Vec::new(),
        };
        let is_wanted = |family: &&MetricFamily| self.selection.wants(family.name());
        let registered: Vec<&MetricFamily> = registered.iter().filter(is_wanted).collect();
        let counted = registered.iter().map(|f| (f.name(), series_of(f)));
        let counted: Vec<(&str, usize)> = counted.collect();
        let snapshot = self.snapshot.as_deref();
        let budget = &self.limits.budget;
        let fitted = budget.fit(&mut families, &counted, snapshot);

        // Allocated once: a page of many megabytes that grows would be there twice.
        let bytes = families
            .iter()
            .map(FamilySamples::page_bytes)
            .sum::<usize>()
            + self.state.registered_bytes.load(Ordering::Relaxed)
            + 96 * families.len()
            + 4_096;
        let mut writer = Writer::new(format, bytes).with_exemplars(self.registry.exemplars());
        let mut counts = Samples::new();
        let series = counts.family(&families::SERIES);
        for (family, (name, count)) in registered.iter().zip(&counted) {
            if fitted.without.contains(*name) {
                self.count_dropped(name, *count);
            } else {
                series.add(&[name], writer.registered(family));
            }
        }
        let so_far = writer.len();
        self.state.registered_bytes.store(so_far, Ordering::Relaxed);
        for family in families {
            self.write_counted(&mut writer, series, &family);
        }
        counts.family(&families::LIMIT).add(&[], budget.max());
        counts.family(&families::DEGRADED).add(&[], fitted.steps);
        for family in counts.families().iter().filter(|_| own) {
            if self.selection.wants(&family.head().name) {
                write(&mut writer, family);
            }
        }
        writer.finish()
    }

    /// What collectors say that is wanted: ours, then those of the dialects, each family of theirs once.
    fn collected(&self, own: bool) -> Vec<FamilySamples> {
        let mut ours = self.registry.collectors();
        // Every exporter has those of the process, under the same names: they go with any dialect.
        ours.retain(|collector| own || collector.name() == ProcessCollector::NAME);
        let ours = self.collect(&ours);
        let theirs = self.collect(&self.dialects);
        let wanted = |family: &FamilySamples| self.selection.wants(&family.head().name);
        let all = |samples: Vec<Samples>| samples.into_iter().flat_map(Samples::into_families);
        let mut families: Vec<FamilySamples> = all(ours).filter(wanted).collect();
        let mut spoken = HashSet::new();
        for family in all(theirs).filter(wanted) {
            // Two dialects may have a family in common: whoever comes first says it.
            if spoken.insert(family.head().name.clone()) {
                families.push(family);
            }
        }
        if let Some(snapshot) = &self.snapshot {
            let held_back = self.limits.filter.held_back(snapshot);
            families.iter_mut().for_each(|f| held_back.take_from(f));
        }
        families
    }

    /// Asks the collectors that have anything to say here.
    fn collect(&self, collectors: &[Arc<dyn Collector>]) -> Vec<Samples> {
        let wanted = |c: &&Arc<dyn Collector>| {
            // One that declares nothing is asked: rules tell what its families are.
            let families = c.families();
            let mut names = families.iter().map(|family| family.name);
            families.is_empty() || names.any(|name| self.selection.wants(name))
        };
        let asked = collectors.iter().filter(wanted);
        asked
            .filter_map(|c| collect(c, self.metrics, self.state))
            .collect()
    }

    fn write_counted(
        &self,
        writer: &mut Writer,
        series: &mut FamilySamples,
        family: &FamilySamples,
    ) {
        let name = &*family.head().name;
        let written = write(writer, family);
        series.add(&[name], written);
        self.count_dropped(name, family.len() - written + family.left_out());
    }

    fn count_dropped(&self, family: &str, series: usize) {
        if series > 0 {
            let own = self.registry.own();
            own.series_dropped.bind(family).inc_by(series as u64);
        }
    }
}

/// Asks one collector; `None` when it fails or panics, which leaves the others alone.
fn collect(c: &Arc<dyn Collector>, metrics: &ExporterMetrics, state: &State) -> Option<Samples> {
    let (name, started) = (c.name(), Instant::now());
    let mut samples = Samples::new();
    let result = catch_unwind(AssertUnwindSafe(|| c.collect(&mut samples)));
    metrics
        .seconds
        .bind(name)
        .set(started.elapsed().as_secs_f64());
    let failure = match &result {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("panicked".to_owned()),
    };
    metrics.up.bind(name).set(i64::from(failure.is_none()));
    let mut failing = state.failing.lock();
    match failure {
        None => {
            if failing.remove(name) {
                tracing::info!(collector = name, "collector gives samples again");
            }
            metrics.age.bind(name).set(samples.age().as_secs_f64());
            Some(samples)
        }
        Some(error) => {
            if failing.insert(name) {
                tracing::warn!(
                    collector = name,
                    error,
                    "collector fails, its series are absent"
                );
            }
            None
        }
    }
}

/// Writes a collector's family; how many series, each label set once.
fn write(writer: &mut Writer, family: &FamilySamples) -> usize {
    let of = family.head();
    let head = Head {
        name: &of.name,
        help: &of.help,
        kind: of.kind.exposition(),
    };
    if family.is_empty() || !writer.open(head) {
        return 0;
    }
    let mut written = 0;
    for (labels, value) in family.unique() {
        writer.sample(&of.name, labels, value);
        written += 1;
    }
    written
}

#[cfg(test)]
mod tests;
