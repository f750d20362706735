//! Layouts written down by hand, and the rules about what a version cannot say.

use bytes::{Bytes, BytesMut};

use super::round_trip::encode;
use crate::codec::{ALLOCATION_FACTOR, ALLOCATION_FLOOR};
use crate::messages::create_topics_request::CreatableTopic;
use crate::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use crate::messages::*;
use crate::{Chunks, DecodeError, EncodeError, Gap, Message, Reader, Run};

#[test]
fn old_create_topics_is_read() {
    // kafka-go before 0.4.48 sends version 0.
    let mut frame = vec![0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 3, 0, 1];
    frame.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x75, 0x30]);
    let expected = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: "t".to_owned(),
            num_partitions: 3,
            replication_factor: 1,
            ..CreatableTopic::default()
        }],
        timeout_ms: 30_000,
        validate_only: false,
    };
    let frame = Bytes::from(frame);
    assert_eq!(
        CreateTopicsRequest::decode(&mut Reader::new(frame.clone()), 0),
        Ok(expected.clone())
    );
    assert_eq!(encode(&expected, 0), frame);
}

#[test]
fn old_delete_topics_is_answered_without_throttle_time() {
    let response = DeleteTopicsResponse {
        throttle_time_ms: 5,
        ..Default::default()
    };
    assert_eq!(encode(&response, 0)[..], [0, 0, 0, 0]);
    assert_eq!(encode(&response, 1)[..], [0, 0, 0, 5, 0, 0, 0, 0]);
}

#[test]
fn what_a_version_cannot_say_is_refused() {
    let request = CreateTopicsRequest {
        validate_only: true,
        ..Default::default()
    };
    assert_eq!(
        request.encode(&mut BytesMut::new(), 0),
        Err(EncodeError::NotRepresentable {
            message: "CreateTopicsRequest",
            field: "ValidateOnly",
            version: 0
        })
    );
    let request = MetadataRequest {
        topics: None,
        ..Default::default()
    };
    assert!(matches!(
        request.encode(&mut BytesMut::new(), 0),
        Err(EncodeError::NullNotAllowed {
            field: "Topics",
            ..
        })
    ));
    assert_eq!(encode(&request, 1)[..4], [0xff; 4]);
    let long = SaslHandshakeRequest {
        mechanism: "x".repeat(40_000),
    };
    assert!(matches!(
        long.encode(&mut BytesMut::new(), 0),
        Err(EncodeError::TooLong { length: 40_000 })
    ));
}

#[test]
fn unknown_tagged_fields_are_skipped() {
    // The epoch of the features (tag 1) and two fields that nobody knows.
    let mut frame = encode(&ApiVersionsResponse::default(), 4).to_vec();
    assert_eq!(frame.pop(), Some(0));
    frame.extend([3, 1, 8, 0, 0, 0, 0, 0, 0, 0, 7, 50, 0, 60, 2, 1, 2]);
    let read = ApiVersionsResponse::decode(&mut Reader::new(frame.clone().into()), 4);
    assert_eq!(
        read.map(|response| response.finalized_features_epoch),
        Ok(7)
    );
    // The same with a known field that claims a byte too many.
    let at = frame.len() - 15;
    assert_eq!(frame[at], 8);
    frame[at] = 9;
    let read = ApiVersionsResponse::decode(&mut Reader::new(frame.into()), 4);
    assert!(
        matches!(read, Err(DecodeError::InvalidTag { tag: 1, .. })),
        "{read:?}"
    );
}

#[test]
fn counts_and_lengths_are_not_believed() {
    let short = Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff, 0]);
    let read = MetadataRequest::decode(&mut Reader::new(short), 1);
    assert!(
        matches!(read, Err(DecodeError::TooManyElements { .. })),
        "{read:?}"
    );
    let negative = Bytes::from_static(&[0xff, 0xff, 0xff, 0xfe, 0]);
    let read = MetadataRequest::decode(&mut Reader::new(negative), 1);
    assert!(
        matches!(read, Err(DecodeError::InvalidLength { length: -2, .. })),
        "{read:?}"
    );
    let endless = Bytes::from_static(&[0xff; 12]);
    assert!(matches!(
        Reader::new(endless.clone()).uvarint(),
        Err(DecodeError::InvalidVarint { at: 0 })
    ));
    assert!(matches!(
        Reader::new(endless).varlong(),
        Err(DecodeError::InvalidVarint { at: 0 })
    ));
}

#[test]
fn tiny_elements_stop_at_the_budget() {
    // A megabyte of empty strings would become 24 megabytes of `String`s.
    let mut frame = BytesMut::new();
    crate::codec::put_array_len(&mut frame, 1 << 20, true).expect("small");
    frame.resize(frame.len() + (1 << 20), 1);
    let mut r = Reader::new(frame.freeze());
    let budget = r.remaining() * ALLOCATION_FACTOR + ALLOCATION_FLOOR;
    assert_eq!(
        r.strings(true),
        Err(DecodeError::AllocationLimit { limit: budget })
    );
    assert!(r.allocated() <= budget);
}

#[test]
fn varints_of_all_widths_come_back() {
    for shift in 0..64 {
        for value in [
            1_i64 << shift,
            (1_i64 << shift).wrapping_sub(1),
            -(1_i64 << (shift / 2)),
        ] {
            let mut w = BytesMut::new();
            crate::codec::put_varlong(&mut w, value);
            crate::codec::put_varint(&mut w, value as i32);
            crate::codec::put_uvarint(&mut w, value as u32);
            let mut r = Reader::new(w.freeze());
            assert_eq!(r.varlong(), Ok(value));
            assert_eq!(r.varint(), Ok(value as i32));
            assert_eq!(r.uvarint(), Ok(value as u32));
            assert_eq!(r.remaining(), 0);
        }
    }
}

#[test]
fn text_that_is_not_utf8_is_replaced() {
    let frame = Bytes::from_static(&[0, 3, b'a', 0xff, b'b']);
    assert_eq!(
        Reader::new(frame).string(false).as_deref(),
        Ok("a\u{fffd}b")
    );
}

#[test]
fn bytes_point_into_the_frame() {
    let frame = Bytes::from(vec![0, 0, 0, 4, 1, 2, 3, 4]);
    let taken = Reader::new(frame.clone()).bytes(false).expect("four bytes");
    assert_eq!(taken.as_ptr(), frame[4..].as_ptr());
}

#[test]
fn fetched_records_are_shared_and_ropes_join() {
    let first = Bytes::from(vec![1; 1_000]);
    let second = Bytes::from(vec![2; 500]);
    let partition = PartitionData {
        records: vec![first.clone(), second.clone()],
        ..PartitionData::default()
    };
    let topic = FetchableTopicResponse {
        partitions: vec![partition.clone(), partition],
        ..FetchableTopicResponse::default()
    };
    let response = FetchResponse {
        responses: vec![topic],
        ..FetchResponse::default()
    };
    for version in FetchResponse::MIN_VERSION..=FetchResponse::MAX_VERSION {
        let mut chunks = Chunks::new();
        response
            .encode_to(&mut chunks, version)
            .expect("representable");
        assert_eq!(chunks.byte_len(), encode(&response, version).len());
        let runs = in_memory(chunks);
        let shared = runs
            .iter()
            .filter(|run| run.as_ptr() == first.as_ptr())
            .count();
        assert_eq!(shared, 2, "version {version}");
        assert_eq!(
            runs.concat()[..],
            encode(&response, version)[..],
            "version {version}"
        );
        let read = FetchResponse::decode(&mut Reader::new(runs.concat().into()), version);
        let records = &read.expect("valid").responses[0].partitions[1].records;
        assert_eq!(records.concat(), [&first[..], &second[..]].concat());
    }
}

#[test]
fn unstable_versions_are_known_but_not_advertised() {
    assert_eq!(
        (
            InitProducerIdRequest::MAX_VERSION,
            InitProducerIdRequest::STABLE_MAX_VERSION
        ),
        (6, 5)
    );
    assert_eq!(ListOffsetsRequest::STABLE_MAX_VERSION, 11);
    assert_eq!(
        (
            CreateTopicsRequest::MIN_VERSION,
            DeleteTopicsRequest::MIN_VERSION
        ),
        (0, 0)
    );
    assert_eq!(
        (ProduceRequest::MIN_VERSION, ProduceRequest::MAX_VERSION),
        (3, 13)
    );
}

fn in_memory(chunks: Chunks) -> Vec<Bytes> {
    let bytes = |run| match run {
        Run::Bytes(bytes) => bytes,
        Run::Gap(gap) => panic!("{gap:?} was not asked for"),
    };
    chunks.into_runs().into_iter().map(bytes).collect()
}

/// What is elsewhere is counted, and lies behind the first run.
#[test]
fn fetched_records_that_are_elsewhere_get_their_room() {
    let runs = [&b"first batch"[..], &b"between"[..], &b"last batch"[..]].map(Bytes::from_static);
    let [first, between, last] = runs.clone();
    let of = |records, gap| FetchResponse {
        responses: vec![FetchableTopicResponse {
            partitions: vec![PartitionData {
                records,
                gap,
                ..PartitionData::default()
            }],
            ..FetchableTopicResponse::default()
        }],
        ..FetchResponse::default()
    };
    let gap = Gap::new(between.len(), 3).expect("within the limits");
    let with_gap = of(vec![first, last], Some(gap));
    for version in FetchResponse::MIN_VERSION..=FetchResponse::MAX_VERSION {
        let mut chunks = Chunks::new();
        with_gap.encode_to(&mut chunks, version).expect("has room");
        let whole = encode(&of(runs.to_vec(), None), version);
        assert_eq!(chunks.byte_len(), whole.len());
        let filled = |run| match run {
            Run::Bytes(bytes) => bytes,
            Run::Gap(found) => {
                assert_eq!(found, gap);
                between.clone()
            }
        };
        let filled: Vec<Bytes> = chunks.into_runs().into_iter().map(filled).collect();
        assert_eq!(filled.concat()[..], whole[..], "version {version}");
        let refused = with_gap.encode(&mut BytesMut::new(), version);
        assert!(matches!(refused, Err(EncodeError::NotInMemory { .. })));
    }
}
