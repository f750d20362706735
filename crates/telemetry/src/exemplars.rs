//! Exemplars: of each bucket of a histogram the newest observation whose trace somebody keeps.
//!
//! The data path offers one now and then and never waits: a slot that is being read is left alone.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

/// The trace that something was part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Of the trace.
    pub trace_id: [u8; 16],
    /// Of the span that caused it.
    pub span_id: [u8; 8],
}

/// An observation and its trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exemplar {
    /// What was observed.
    pub value: f64,
    /// When, in seconds since 1970.
    pub at: f64,
    /// Of what.
    pub trace: Trace,
}

/// The exemplars of one series.
#[derive(Debug)]
pub struct Slots {
    bounds: &'static [f64],
    /// One for each bucket, the last one for what is above all bounds.
    newest: Box<[Mutex<Option<Exemplar>>]>,
}

/// The exemplars of a registry, by family and label block.
#[derive(Debug, Default)]
pub struct Exemplars {
    families: Mutex<HashMap<&'static str, Series>>,
}

/// By label block.
type Series = HashMap<Box<str>, Arc<Slots>>;

impl Slots {
    fn new(bounds: &'static [f64]) -> Self {
        let newest = (0..=bounds.len()).map(|_| Mutex::new(None));
        Self {
            bounds,
            newest: newest.collect(),
        }
    }

    /// An observation of now.
    pub fn offer(&self, value: f64, trace: Trace) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(mut slot) = self.newest[bucket].try_lock() {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let at = now.unwrap_or_default().as_secs_f64();
            *slot = Some(Exemplar { value, at, trace });
        }
    }

    /// That of the bucket with this upper bound.
    pub fn below(&self, bound: f64) -> Option<Exemplar> {
        let bucket = self.bounds.partition_point(|b| *b < bound);
        *self.newest[bucket].lock()
    }
}

impl Exemplars {
    /// Where exemplars of a series go.
    pub(crate) fn bind(
        &self,
        family: &'static str,
        labels: &str,
        bounds: &'static [f64],
    ) -> Arc<Slots> {
        let mut families = self.families.lock();
        let slots = families.entry(family).or_default().entry(labels.into());
        Arc::clone(slots.or_insert_with(|| Arc::new(Slots::new(bounds))))
    }

    /// Those of a family, by label block.
    pub fn of(&self, family: &str) -> HashMap<Box<str>, Arc<Slots>> {
        let families = self.families.lock();
        families.get(family).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Registry, Text};

    type Api = Text<10>;
    const BOUNDS: &[f64] = &[0.1, 1.0];

    crate::metrics! {
        struct Requests {
            /// Time of requests.
            seconds: histogram[BOUNDS] { api: Api } = "example_seconds"
        }
    }

    #[test]
    fn each_bucket_keeps_its_newest() {
        let registry = Registry::new();
        let requests = Requests::register(&registry).unwrap();
        let slots = requests.seconds.exemplars("a\"b");
        let trace = |id| Trace {
            trace_id: [id; 16],
            span_id: [id; 8],
        };
        for (value, id) in [(0.1, 1), (0.05, 2), (0.5, 3), (7.0, 4)] {
            slots.offer(value, trace(id));
        }
        let of = |bound| slots.below(bound).map(|e| (e.value, e.trace.trace_id[0]));
        assert_eq!(of(0.1), Some((0.05, 2)), "a bound belongs to its bucket");
        assert_eq!(of(1.0), Some((0.5, 3)));
        assert_eq!(of(f64::INFINITY), Some((7.0, 4)));
        let at = slots.below(0.1).unwrap().at;
        assert!(at > 1.7e9, "{at}");

        let held = slots.newest[0].lock();
        slots.offer(0.01, trace(9)); // would wait for ever if it waited
        drop(held);
        assert_eq!(of(0.1), Some((0.05, 2)));

        let all = registry.exemplars().of("example_seconds");
        assert!(Arc::ptr_eq(&all["{api=\"a\\\"b\"}"], &slots));
        assert!(Arc::ptr_eq(&requests.seconds.exemplars("a\"b"), &slots));
        assert!(registry.exemplars().of("other").is_empty());
    }
}
