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
use crate::text::{Head, Writer};

/// What is remembered between pages.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Collectors that failed last time: a change is logged, not every scrape.
    failing: Mutex<BTreeSet<&'static str>>,
    /// Bytes of the last page, to allocate the next one at once.
    bytes: AtomicUsize,
}

/// Renders the page.
pub(crate) fn render(
    registry: &Registry,
    metrics: &ExporterMetrics,
    state: &State,
    format: Format,
) -> String {
    // Collectors first: how they did is on this page, not on the next one.
    let collectors = registry.collectors();
    let collected = collectors
        .iter()
        .map(|c| collect(c, metrics, state))
        .collect::<Vec<_>>();
    let mut writer = Writer::new(format, state.bytes.load(Ordering::Relaxed) + 4_096);
    let mut counts = Samples::new();
    let series = counts.family(&families::SERIES);
    for family in registry.prometheus().gather() {
        series.add(&[family.name()], writer.registered(&family));
    }
    for family in collected.iter().flatten().flat_map(Samples::families) {
        let written = write(&mut writer, family);
        series.add(&[&family.head().name], written);
        let dropped = family.len() - written + family.left_out();
        if dropped > 0 {
            let name = &family.head().name;
            registry
                .own()
                .series_dropped
                .bind(name)
                .inc_by(dropped as u64);
        }
    }
    counts.families().iter().for_each(|family| {
        write(&mut writer, family);
    });
    let page = writer.finish();
    state.bytes.store(page.len(), Ordering::Relaxed);
    page
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
