//! Requests as spans of traces, where tracing is on.

use std::time::SystemTime;

use limpid_protocol::records::{BatchView, TraceParent, first_traceparent};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_telemetry::spans::{Contexts, RequestSpan, TraceContext, Tracing};

use crate::notes::Notes;
use crate::peer::Peer;
use crate::request::Done;

/// Notes the trace context of the first record, if it says one and can be read without decompressing.
pub fn look(records: &[u8], contexts: &mut Contexts) {
    if !contexts.may_look() {
        return;
    }
    let Ok(batch) = BatchView::parse(records) else {
        return;
    };
    if let Some(parent) = first_traceparent(&batch) {
        note(&parent, contexts);
    }
}

/// Notes a trace context that a record says.
pub fn note(parent: &TraceParent, contexts: &mut Contexts) {
    contexts.note(TraceContext {
        trace_id: u128::from_be_bytes(parent.trace_id),
        span_id: u64::from_be_bytes(parent.span_id),
        sampled: parent.is_sampled(),
    });
}

/// Hands on the span of an answered request, if it is one of those that are wanted.
pub fn answered(
    tracing: &Tracing,
    done: &Done,
    (peer, client_id): (&Peer, Option<&str>),
    notes: Notes,
) {
    let contexts = notes.contexts.map(|found| *found).unwrap_or_default();
    let writes = done.api.0 == ApiKey::Produce;
    let wanted = match writes {
        // The trace that it becomes a part of decides.
        true => contexts.iter().next().map(|first| first.sampled),
        false => contexts.iter().any(|one| one.sampled).then_some(true),
    };
    if !tracing.samples(wanted) {
        return;
    }
    tracing.take(RequestSpan {
        api: done.api.0.name(),
        version: done.api.1,
        error: (done.error != ErrorCode::None).then(|| done.error.name()),
        ended: SystemTime::now(),
        times: done.times,
        client_id: client_id.unwrap_or_default().to_owned(),
        principal: peer.principal.to_string(),
        listener: peer.listener.to_string(),
        address: peer.address,
        bytes: done.bytes,
        topics: notes.touched.names().map(str::to_owned).collect(),
        writes,
        contexts,
    });
}

#[cfg(test)]
mod tests {
    use limpid_protocol::records::{BatchBuilder, Codec};

    use super::*;

    const TRACEPARENT: &[u8] = b"traceparent";
    const CONTEXT: &[u8] = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn batch(codec: Codec, name: &[u8]) -> Vec<u8> {
        let mut batch = BatchBuilder::new(codec);
        let headers = [(&b"other"[..], None), (name, Some(CONTEXT))];
        batch.append(1, None, Some(b"v"), &headers).expect("fits");
        batch.build().expect("fits").to_vec()
    }

    #[test]
    fn the_context_of_the_first_record_is_found_where_it_can_be_read() {
        let found = |bytes: &[u8]| {
            let mut contexts = Contexts::default();
            look(bytes, &mut contexts);
            contexts.iter().count()
        };
        let good = batch(Codec::None, TRACEPARENT);
        assert_eq!(found(&good), 1);
        assert_eq!(found(&batch(Codec::None, b"tracestate")), 0);
        assert_eq!(found(&batch(Codec::Gzip, TRACEPARENT)), 0);
        // Whatever comes, nothing breaks.
        (0..good.len()).for_each(|end| assert!(found(&good[..end]) <= 1));
        for at in 0..good.len() {
            let mut broken = good.clone();
            broken[at] ^= 0xff;
            assert!(found(&broken) <= 1);
        }
    }
}
