//! One page: all collectors, then what the registry counted, in one pass.

use std::collections::{BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use limpid_telemetry::collect::FamilySamples;
use limpid_telemetry::{Collector, Registry, Samples};
use parking_lot::Mutex;

use crate::accept::Format;
use crate::metrics::{ExporterMetrics, families};
use crate::select::Selection;
use crate::text::{Head, Writer};

/// What is remembered between pages.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Collectors that failed last time: a change is logged, not every scrape.
    failing: Mutex<BTreeSet<&'static str>>,
    /// Bytes of the last page, to allocate the next one at once.
    bytes: AtomicUsize,
}

/// What a page is made of.
pub(crate) struct Page<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) metrics: &'a ExporterMetrics,
    pub(crate) state: &'a State,
    /// Collectors of the dialects that are spoken.
    pub(crate) dialects: Vec<Arc<dyn Collector>>,
    pub(crate) selection: &'a Selection,
}

impl Page<'_> {
    /// Renders it.
    pub(crate) fn render(&self, format: Format) -> String {
        let own = self.selection.own();
        let ours = if own {
            self.registry.collectors()
        } else {
            Vec::new()
        };
        // Collectors first: how they did is on this page, not on the next one.
        let ours = self.collect(&ours);
        let theirs = self.collect(&self.dialects);
        let bytes = self.state.bytes.load(Ordering::Relaxed) + 4_096;
        let mut writer = Writer::new(format, bytes);
        let mut counts = Samples::new();
        let series = counts.family(&families::SERIES);
        let registered = own.then(|| self.registry.prometheus().gather());
        for family in registered.into_iter().flatten() {
            if self.selection.wants(family.name()) {
                series.add(&[family.name()], writer.registered(&family));
            }
        }
        for family in ours.iter().flat_map(Samples::families) {
            self.write_counted(&mut writer, series, family);
        }
        let mut spoken: HashSet<&str> = HashSet::new();
        for family in theirs.iter().flat_map(Samples::families) {
            // Two dialects may have a family in common: whoever comes first says it.
            if spoken.insert(&family.head().name) {
                self.write_counted(&mut writer, series, family);
            }
        }
        if own && self.selection.wants(families::SERIES.name) {
            counts.families().iter().for_each(|family| {
                write(&mut writer, family);
            });
        }
        let page = writer.finish();
        self.state.bytes.store(page.len(), Ordering::Relaxed);
        page
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
        if !self.selection.wants(name) {
            return;
        }
        let written = write(writer, family);
        series.add(&[name], written);
        let dropped = family.len() - written + family.left_out();
        if dropped > 0 {
            let own = self.registry.own();
            own.series_dropped.bind(name).inc_by(dropped as u64);
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
    let mut seen = HashSet::with_capacity(family.len());
    for (labels, value) in family.iter() {
        if seen.insert(labels) {
            writer.sample(&of.name, labels, value);
        }
    }
    seen.len()
}

#[cfg(test)]
mod tests;
