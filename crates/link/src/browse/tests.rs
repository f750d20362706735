use bytes::{Bytes, BytesMut};
use limpid_protocol::records::{BatchBuilder, Codec};

use super::*;

/// Batches of two records each from `from` on: record `n` has the time `n` and the value `n`.
fn log(from: i64, batches: i64, codec: Codec) -> Bytes {
    let mut bytes = BytesMut::new();
    for base in (0..batches).map(|batch| from + 2 * batch) {
        let mut builder = BatchBuilder::new(codec).base_offset(base);
        for offset in [base, base + 1] {
            let value = offset.to_string();
            let headers: [(&[u8], Option<&[u8]>); 1] = [(b"h", None)];
            let added = builder.append(offset, Some(b"key"), Some(value.as_bytes()), &headers);
            added.expect("a small record");
        }
        bytes.extend_from_slice(&builder.build().expect("a batch"));
    }
    bytes.freeze()
}

fn fetched(records: Bytes) -> FetchedRecords {
    FetchedRecords {
        log_start_offset: 0,
        high_watermark: 100,
        records,
    }
}

fn browsing(windows: Vec<Window>, records_max: usize, from_offset: Option<i64>) -> Browsing {
    Browsing {
        topic: "t".to_owned(),
        what: Browse {
            partition: None,
            from_offset,
            records_max,
            bytes_max: 1000,
        },
        windows,
        rounds: 0,
        read_bytes: 0,
        error: None,
    }
}

/// Serves fetches out of a log of 100 records until nothing is wanted any more.
fn serve(browsing: &mut Browsing, codec: Codec) -> usize {
    let mut fetches = 0;
    loop {
        let wanted = browsing.wanted();
        if wanted.is_empty() {
            return fetches;
        }
        for from in wanted {
            fetches += 1;
            // At most three batches, the first the one that holds the offset.
            let first = from.offset / 2 * 2;
            let batches = ((100 - first) / 2).min(3);
            let records = fetched(log(first, batches, codec));
            browsing.take(from.at.partition, Ok(records));
        }
    }
}

fn offsets(records: &[BrowsedRecord]) -> Vec<i64> {
    records.iter().map(|r| r.offset).collect()
}

#[test]
fn the_newest_records_whatever_the_codec() {
    for codec in Codec::ALL {
        let window = Window::before_end(0, 0, 100, 9);
        let mut browsing = browsing(vec![window], 9, None);
        serve(&mut browsing, codec);
        let records = browsing.finish().expect("records");
        assert_eq!(
            offsets(&records),
            (91..100).rev().collect::<Vec<_>>(),
            "{codec}"
        );
        assert_eq!(records[0].value.as_deref(), Some(b"99".as_slice()));
        assert_eq!(records[0].headers, [("h".to_owned(), None)]);
        assert_eq!((records[0].size_bytes, records[0].cut), (5, false));
    }
}

#[test]
fn from_an_offset_on() {
    let window = Window::forwards(0, 11, 100);
    let mut browsing = browsing(vec![window], 5, Some(11));
    let fetches = serve(&mut browsing, Codec::None);
    assert_eq!(
        offsets(&browsing.finish().expect("records")),
        [15, 14, 13, 12, 11]
    );
    assert_eq!(fetches, 1);
}

#[test]
fn an_empty_answer_ends_a_partition_and_a_broken_one_is_told_if_there_is_nothing_else() {
    let both = || {
        vec![
            Window::before_end(0, 0, 10, 5),
            Window::before_end(1, 0, 10, 5),
        ]
    };
    let mut broken = log(4, 3, Codec::None).to_vec();
    broken[70] ^= 1;
    let broken = fetched(broken.into());
    let mut one = browsing(both(), 10, None);
    one.take(0, Ok(fetched(Bytes::new())));
    one.take(1, Ok(broken.clone()));
    assert!(one.wanted().is_empty());
    let error = one.finish().expect_err("nothing to show");
    assert!(error.to_string().starts_with("t-1: "), "{error}");

    let mut two = browsing(both(), 10, None);
    two.take(0, Ok(fetched(log(4, 3, Codec::None))));
    two.take(1, Ok(broken));
    assert_eq!(two.finish().expect("one partition").len(), 5);
}
