//! From a request to spans.
//!
//! A request is one span; each of its stages that took time is a child. The clock knows how long a
//! request was in each stage, not when: a stage that was entered twice is one child, and the children
//! follow each other in the order in which requests go through the stages.

use std::time::SystemTime;

use limpid_telemetry::spans::{Ids, RequestSpan, TraceContext};
use limpid_telemetry::{LabelEnum as _, Stage};
use opentelemetry::trace::{
    Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

/// Makes spans.
pub(crate) struct Converter {
    ids: Ids,
    scope: InstrumentationScope,
}

impl Converter {
    pub(crate) fn new() -> Self {
        Self {
            ids: Ids::new(),
            scope: InstrumentationScope::builder("limpid").build(),
        }
    }

    /// The span of a request, and those of its stages.
    pub(crate) fn spans(&self, request: RequestSpan) -> Vec<SpanData> {
        let parent = request.contexts.iter().next().filter(|_| request.writes);
        let trace_id = parent.map_or_else(|| self.ids.trace(), |parent| parent.trace_id);
        let parent_id = parent.map_or(0, |parent| parent.span_id);
        let began = request.ended.checked_sub(request.times.total());
        let began = began.unwrap_or(request.ended);
        let mut whole = self.span(trace_id, parent_id, (began, request.ended));
        whole.parent_span_is_remote = parent.is_some();
        whole.span_kind = SpanKind::Server;
        whole.name = match request.topics.as_slice() {
            [topic] => format!("{} {topic}", request.api).into(),
            _ => request.api.into(),
        };
        whole.links = links(&request);
        if let Some(error) = request.error {
            whole.status = Status::error(error);
        }
        let id = u64::from_be_bytes(whole.span_context.span_id().to_bytes());
        let stages = self.stages(&request, (trace_id, id), began);
        whole.attributes = attributes(request);
        std::iter::once(whole).chain(stages).collect()
    }

    fn stages(
        &self,
        request: &RequestSpan,
        (trace_id, parent_id): (u128, u64),
        mut at: SystemTime,
    ) -> Vec<SpanData> {
        let mut spans = Vec::new();
        for (stage, time) in request.times.iter() {
            // The client is held back after the answer: that is no part of the request.
            if time.is_zero() || stage == Stage::Throttle {
                continue;
            }
            let end = at.checked_add(time).unwrap_or(at);
            let mut span = self.span(trace_id, parent_id, (at, end));
            span.name = stage.as_str().into();
            spans.push(span);
            at = end;
        }
        spans
    }

    fn span(
        &self,
        trace_id: u128,
        parent_id: u64,
        (start_time, end_time): (SystemTime, SystemTime),
    ) -> SpanData {
        let own = TraceContext {
            trace_id,
            span_id: self.ids.span(),
            sampled: true,
        };
        SpanData {
            span_context: context(own, false),
            parent_span_id: SpanId::from_bytes(parent_id.to_be_bytes()),
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: "".into(),
            start_time,
            end_time,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: self.scope.clone(),
        }
    }
}

fn context(at: TraceContext, remote: bool) -> SpanContext {
    let flags = match at.sampled {
        true => TraceFlags::SAMPLED,
        false => TraceFlags::default(),
    };
    SpanContext::new(
        TraceId::from_bytes(at.trace_id.to_be_bytes()),
        SpanId::from_bytes(at.span_id.to_be_bytes()),
        flags,
        remote,
        TraceState::default(),
    )
}

/// To every trace that the records are part of, but for the parent's.
fn links(request: &RequestSpan) -> SpanLinks {
    let mut links = SpanLinks::default();
    let others = request.contexts.iter().skip(usize::from(request.writes));
    links.links = others
        .map(|at| Link::with_context(context(at, true)))
        .collect();
    links
}

fn attributes(request: RequestSpan) -> Vec<KeyValue> {
    let held_back = request.times.get(Stage::Throttle).as_secs_f64() * 1000.0;
    let number = |bytes: usize| i64::try_from(bytes).unwrap_or(i64::MAX);
    let mut all = vec![
        KeyValue::new("messaging.system", "kafka"),
        KeyValue::new("messaging.operation.name", request.api),
        KeyValue::new("messaging.client.id", request.client_id),
        KeyValue::new("rpc.system", "kafka"),
        KeyValue::new("rpc.method", request.api),
        KeyValue::new(
            "client.address",
            request.address.ip().to_canonical().to_string(),
        ),
        KeyValue::new("client.port", i64::from(request.address.port())),
        KeyValue::new("limpid.request.version", i64::from(request.version)),
        KeyValue::new("limpid.request.bytes", number(request.bytes.0)),
        KeyValue::new("limpid.response.bytes", number(request.bytes.1)),
        KeyValue::new("limpid.principal", request.principal),
        KeyValue::new("limpid.listener", request.listener),
        KeyValue::new("limpid.throttle_ms", held_back),
    ];
    if let [topic] = request.topics.as_slice() {
        all.push(KeyValue::new("messaging.destination.name", topic.clone()));
    }
    if let Some(error) = request.error {
        all.push(KeyValue::new("error.type", error));
    }
    all
}

#[cfg(test)]
mod tests;
