use std::time::Duration;

use limpid_telemetry::spans::Contexts;
use limpid_telemetry::{StageClock, Stamp};

use super::*;

const FIRST: TraceContext = TraceContext {
    trace_id: 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c,
    span_id: 0xb7ad_6b71_6920_3331,
    sampled: true,
};
const SECOND: TraceContext = TraceContext {
    trace_id: 0x1111_1111_1111_1111_1111_1111_1111_1111,
    span_id: 0x2222_2222_2222_2222,
    sampled: true,
};

fn request(writes: bool) -> RequestSpan {
    let began = Stamp::now();
    let ms = Duration::from_millis;
    let mut clock = StageClock::start_at(began);
    clock.enter_at(Stage::Queue, began + ms(2));
    clock.enter_at(Stage::LocalAppend, began + ms(5));
    clock.enter_at(Stage::Remote, began + ms(6));
    clock.enter_at(Stage::LocalAppend, began + ms(16));
    clock.enter_at(Stage::Send, began + ms(17));
    let mut contexts = Contexts::default();
    contexts.note(FIRST);
    contexts.note(SECOND);
    RequestSpan {
        api: "Produce",
        version: 13,
        error: None,
        ended: SystemTime::UNIX_EPOCH + ms(10_020),
        times: clock.finish_at(began + ms(20)).throttled(ms(500)),
        client_id: "it".to_owned(),
        principal: "User:alice".to_owned(),
        listener: "PLAINTEXT".to_owned(),
        address: ([127, 0, 0, 1], 4711).into(),
        bytes: (100, 50),
        topics: vec!["orders".to_owned()],
        writes,
        contexts,
    }
}

#[test]
fn a_write_is_part_of_the_trace_of_its_first_record_and_linked_to_the_others() {
    let spans = Converter::new().spans(request(true));
    let whole = &spans[0];
    assert_eq!(whole.name, "Produce orders");
    assert_eq!(
        whole.span_context.trace_id().to_string(),
        "0af7651916cd43dd8448eb211c80319c"
    );
    assert_eq!(whole.parent_span_id.to_string(), "b7ad6b7169203331");
    assert!(whole.parent_span_is_remote);
    assert_eq!(whole.links.links.len(), 1);
    let linked = &whole.links.links[0].span_context;
    assert_eq!(linked.trace_id().to_string(), "1".repeat(32));
    let names: Vec<&str> = spans[1..].iter().map(|span| &*span.name).collect();
    assert_eq!(
        names,
        ["receive", "queue", "local_append", "remote", "send"]
    );
    let mut at = whole.start_time;
    for span in &spans[1..] {
        assert_eq!(span.start_time, at);
        assert_eq!(span.parent_span_id, whole.span_context.span_id());
        assert_eq!(span.span_context.trace_id(), whole.span_context.trace_id());
        at = span.end_time;
    }
    assert_eq!(at, whole.end_time, "stages add up to the request");
    let whole_ms = whole.end_time.duration_since(whole.start_time);
    assert_eq!(whole_ms.expect("a time"), Duration::from_millis(20));
}

#[test]
fn a_read_begins_a_trace_and_is_linked_to_all() {
    let mut read = request(false);
    read.api = "Fetch";
    read.error = Some("OFFSET_OUT_OF_RANGE");
    let spans = Converter::new().spans(read);
    let whole = &spans[0];
    assert_eq!(whole.parent_span_id, SpanId::INVALID);
    assert_ne!(
        whole.span_context.trace_id().to_string(),
        "0af7651916cd43dd8448eb211c80319c"
    );
    assert!(whole.span_context.is_valid());
    assert_eq!(whole.links.links.len(), 2);
    assert_eq!(whole.status, Status::error("OFFSET_OUT_OF_RANGE"));
}
