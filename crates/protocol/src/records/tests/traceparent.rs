//! What a record header says of a trace.

use proptest::prelude::*;

use super::*;

const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0b9902b7-01";

fn of(codec: Codec, headers: &[(&str, &str)]) -> Option<TraceParent> {
    let headers: Vec<(&[u8], Option<&[u8]>)> = headers
        .iter()
        .map(|(key, value)| (key.as_bytes(), Some(value.as_bytes())))
        .collect();
    let mut builder = BatchBuilder::new(codec);
    builder.append(1, None, Some(b"v"), &headers).unwrap();
    builder.append(2, None, Some(b"w"), &[]).unwrap();
    let bytes = builder.build().unwrap();
    first_traceparent(&BatchView::parse(&bytes).unwrap())
}

#[test]
fn the_first_record_tells() {
    let parent = of(Codec::None, &[("other", "x"), ("traceparent", GOOD)]).unwrap();
    assert_eq!(parent.to_string(), GOOD);
    assert_eq!((parent.trace_id[0], parent.span_id[7]), (0x4b, 0xb7));
    assert!(parent.is_sampled());
    let unsampled = format!("{}00", &GOOD[..53]);
    let two = [("traceparent", GOOD), ("traceparent", &unsampled)];
    assert!(!of(Codec::None, &two).unwrap().is_sampled(), "the last one");
    assert_eq!(of(Codec::Lz4, &[("traceparent", GOOD)]), None);
    assert_eq!(of(Codec::None, &[("Traceparent", GOOD)]), None);
    assert_eq!(of(Codec::None, &[]), None);
}

#[test]
fn what_w3c_refuses_is_no_parent() {
    let later = GOOD.replacen("00", "01", 1);
    assert!(TraceParent::parse(later.as_bytes()).is_some());
    assert!(TraceParent::parse(format!("{later}-more").as_bytes()).is_some());
    for bad in [
        String::new(),
        GOOD[..54].to_owned(),
        format!("{GOOD}-more"),
        format!("{later}more"),
        GOOD.replacen("00", "ff", 1),
        GOOD.to_uppercase(),
        GOOD.replace('-', "_"),
        GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
        GOOD.replace("00f067aa0b9902b7", &"0".repeat(16)),
        GOOD.replace("4bf9", "4bg9"),
    ] {
        assert_eq!(TraceParent::parse(bad.as_bytes()), None, "{bad}");
    }
}

proptest! {
    #[test]
    fn anything_else_is_none_and_what_is_read_is_written_alike(
        bytes in proptest::collection::vec(any::<u8>(), 0..80),
        (trace, span, flags) in (1u128.., 1u64.., any::<u8>()),
    ) {
        if let Some(parent) = TraceParent::parse(&bytes) {
            prop_assert_eq!(TraceParent::parse(parent.to_string().as_bytes()), Some(parent));
        }
        let parent = TraceParent {
            trace_id: trace.to_be_bytes(),
            span_id: span.to_be_bytes(),
            flags,
        };
        prop_assert_eq!(TraceParent::parse(parent.to_string().as_bytes()), Some(parent));
    }
}
