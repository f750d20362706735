//! Whose trace a batch is part of, for the exemplars of produce and fetch requests.

use std::sync::atomic::{AtomicI64, Ordering};

use limpid_protocol::records::{BatchView, TraceParent, first_traceparent};
use limpid_telemetry::SEEN;
use limpid_telemetry::exemplars::Trace;

/// So long after a trace was found no other is looked for: exemplars are examples.
const PAUSE_MS: i64 = 100;

/// And so long after a look in vain: a look at each of some ten thousand batches a second would cost
/// more than it finds.
const PAUSE_IN_VAIN_MS: i64 = 1;

/// Finds a trace now and then.
#[derive(Debug, Default)]
pub(crate) struct TraceWatch {
    next_ms: AtomicI64,
    is_sparing: bool,
}

impl TraceWatch {
    /// For batches that nobody looks into otherwise: ten of them a second, whether they have a trace or
    /// not.
    pub(crate) fn sparing() -> Self {
        Self {
            is_sparing: true,
            ..Self::default()
        }
    }

    /// Whether a batch is worth a look: none was found a moment ago.
    pub(crate) fn is_due(&self, now_ms: i64) -> bool {
        let next_ms = self.next_ms.load(Ordering::Relaxed);
        // A clock that was set back does not end it for long.
        SEEN && !(next_ms - PAUSE_MS..next_ms).contains(&now_ms)
    }

    /// The trace of a batch that was looked at when that was due, if somebody keeps it.
    pub(crate) fn found(&self, parent: Option<TraceParent>, now_ms: i64) -> Option<Trace> {
        let kept = parent.filter(TraceParent::is_sampled);
        let pause_ms = if kept.is_some() || self.is_sparing {
            PAUSE_MS
        } else {
            PAUSE_IN_VAIN_MS
        };
        self.next_ms.store(now_ms + pause_ms, Ordering::Relaxed);
        kept.map(|parent| Trace {
            trace_id: parent.trace_id,
            span_id: parent.span_id,
        })
    }

    /// Looks at a batch, if that is due.
    pub(crate) fn look(&self, batch: &[u8], now_ms: i64) -> Option<Trace> {
        if !self.is_due(now_ms) {
            return None;
        }
        let batch = BatchView::parse(batch).ok();
        self.found(batch.and_then(|b| first_traceparent(&b)), now_ms)
    }
}

#[cfg(test)]
mod tests {
    use limpid_protocol::records::{BatchBuilder, Codec};

    use super::*;

    fn batch(flags: &str) -> Vec<u8> {
        let parent = format!("00-{}-{}-{flags}", "ab".repeat(16), "cd".repeat(8));
        let header: (&[u8], Option<&[u8]>) = (b"traceparent", Some(parent.as_bytes()));
        let mut builder = BatchBuilder::new(Codec::None);
        builder.append(1, None, Some(b"v"), &[header]).unwrap();
        builder.build().unwrap().to_vec()
    }

    #[test]
    fn sampled_traces_are_found_now_and_then() {
        let watch = TraceWatch::default();
        let found = |flags, now_ms| watch.look(&batch(flags), now_ms).is_some();
        assert!(!found("00", 5_000), "nobody keeps it");
        assert!(!found("01", 5_000), "a look in vain a moment ago");
        assert!(found("01", 5_001));
        assert!(!found("01", 5_100), "a moment ago");
        assert!(
            found("01", 5_101) && found("01", 4_000),
            "the clock went back"
        );
        let sparing = TraceWatch::sparing();
        let found = |flags, now_ms| sparing.look(&batch(flags), now_ms).is_some();
        assert!(
            !found("00", 5_000) && !found("01", 5_099),
            "one look is enough"
        );
        assert!(found("01", 5_100));
        assert_eq!(watch.look(b"nothing", 9_000), None);
        let trace = watch.look(&batch("01"), 9_001).unwrap();
        assert_eq!((trace.trace_id, trace.span_id), ([0xab; 16], [0xcd; 8]));
    }
}
