//! Requests as spans of traces, without a word of how they are sent.
//!
//! Records may carry a W3C trace context (`traceparent`). The request that writes them becomes a part
//! of the first such trace, and is linked to the others; the one that reads them is linked to all.
//! Without a [`Tracing`] nothing is looked at and nothing is made.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crate::stage::StageTimes;

/// Most trace contexts that are taken from the records of one request.
pub const CONTEXTS_MAX: usize = 8;
/// Most batches whose first record is looked at, for one request.
pub const BATCHES_MAX: usize = 32;

/// A place in a trace, by W3C's Trace Context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace; never 0.
    pub trace_id: u128,
    /// The span in it; never 0.
    pub span_id: u64,
    /// Whether who began the trace wants it recorded.
    pub sampled: bool,
}

/// The trace contexts that the records of one request carry, the first few.
#[derive(Debug, Clone, Copy, Default)]
pub struct Contexts {
    found: [Option<TraceContext>; CONTEXTS_MAX],
    count: usize,
    looked: usize,
}

impl Contexts {
    /// Whether another batch may be looked at; counts it.
    pub fn may_look(&mut self) -> bool {
        self.looked += 1;
        self.looked <= BATCHES_MAX && self.count < CONTEXTS_MAX
    }

    /// Notes what a record says.
    pub fn note(&mut self, context: TraceContext) {
        if let Some(place) = self.found.get_mut(self.count) {
            *place = Some(context);
            self.count += 1;
        }
    }

    /// Those that were found, in the order of the records.
    pub fn iter(&self) -> impl Iterator<Item = TraceContext> {
        self.found.iter().copied().flatten()
    }
}

/// A request that was answered, as a span.
#[derive(Debug, Clone)]
pub struct RequestSpan {
    /// Kafka's name of the request.
    pub api: &'static str,
    /// Its version.
    pub version: i16,
    /// Kafka's name of the first error in the answer; `None` without one.
    pub error: Option<&'static str>,
    /// When its answer was sent.
    pub ended: SystemTime,
    /// Where its time went.
    pub times: StageTimes,
    /// `client.id`, as the client chose it.
    pub client_id: String,
    /// Whom the client acts for.
    pub principal: String,
    /// The listener that it came in by.
    pub listener: String,
    /// Where it came from.
    pub address: std::net::SocketAddr,
    /// Bytes of the request and of the answer.
    pub bytes: (usize, usize),
    /// Topics that it was about, the first few.
    pub topics: Vec<String>,
    /// Whether it writes records: then it is a part of the first trace of its records.
    pub writes: bool,
    /// What its records carry.
    pub contexts: Contexts,
}

/// Takes spans; never waits.
pub trait SpanSink: Send + Sync + 'static {
    /// Takes one, or drops and counts it.
    fn take(&self, span: RequestSpan);
}

/// Decides which requests become spans.
pub struct Tracing {
    sink: Arc<dyn SpanSink>,
    /// A random number below this is a yes.
    below: u64,
    ids: Ids,
}

impl Tracing {
    /// Requests without a trace of their own become spans with this probability; those of a trace
    /// become what its beginner wanted.
    pub fn new(sink: Arc<dyn SpanSink>, ratio: f64) -> Self {
        let below = match ratio {
            ratio if ratio >= 1.0 => u64::MAX,
            ratio => (ratio.max(0.0) * u64::MAX as f64) as u64,
        };
        Self {
            sink,
            below,
            ids: Ids::new(),
        }
    }

    /// Whether a request becomes a span; `wanted` is what its trace wants, if it is part of one.
    pub fn samples(&self, wanted: Option<bool>) -> bool {
        wanted.unwrap_or_else(|| self.below == u64::MAX || self.ids.number() < self.below)
    }

    /// Hands on a span.
    pub fn take(&self, span: RequestSpan) {
        self.sink.take(span);
    }
}

/// Makes ids of traces and spans: unpredictable enough not to collide, not secret.
#[derive(Debug)]
pub struct Ids(AtomicU64);

impl Default for Ids {
    fn default() -> Self {
        Self::new()
    }
}

impl Ids {
    /// Begins somewhere.
    pub fn new() -> Self {
        Self(AtomicU64::new(RandomState::new().hash_one(0_u8)))
    }

    /// An id of a span.
    pub fn span(&self) -> u64 {
        self.number().max(1)
    }

    /// An id of a trace.
    pub fn trace(&self) -> u128 {
        u128::from(self.number()) << 64 | u128::from(self.span())
    }

    /// SplitMix64.
    fn number(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: TraceContext = TraceContext {
        trace_id: 7,
        span_id: 8,
        sampled: true,
    };

    #[test]
    fn a_request_takes_so_many_contexts_and_looks_at_so_many_batches() {
        let mut contexts = Contexts::default();
        let looked = (0..1_000).filter(|_| contexts.may_look()).count();
        assert_eq!(looked, BATCHES_MAX);
        (0..100).for_each(|_| contexts.note(CONTEXT));
        assert_eq!(contexts.iter().count(), CONTEXTS_MAX);
    }

    struct Nowhere;

    impl SpanSink for Nowhere {
        fn take(&self, _span: RequestSpan) {}
    }

    #[test]
    fn the_ratio_holds_for_requests_without_a_trace() {
        let share = |ratio| {
            let tracing = Tracing::new(Arc::new(Nowhere), ratio);
            assert!(tracing.samples(Some(true)) && !tracing.samples(Some(false)));
            (0..10_000).filter(|_| tracing.samples(None)).count()
        };
        assert_eq!((share(0.0), share(1.0), share(-1.0)), (0, 10_000, 0));
        let some = share(0.2);
        assert!((1_600..2_400).contains(&some), "{some} of 10,000");
    }
}
