use bytes::Bytes;
use limpid_protocol::records::{BatchBuilder, Codec, patch_base_offset};

use super::Delivery;

fn batch(base_offset: i64, records: i32) -> Bytes {
    let mut batch = BatchBuilder::new(Codec::None);
    for _ in 0..records {
        batch.append(1, None, Some(b"v"), &[]).unwrap();
    }
    let mut bytes = batch.build().unwrap().to_vec();
    patch_base_offset(&mut bytes, base_offset);
    Bytes::from(bytes)
}

#[test]
fn the_first_reader_ends_it_and_the_next_append_begins_anew() {
    let delivery = Delivery::default();
    assert_eq!(
        delivery.delivered(&[batch(0, 3)], None),
        None,
        "nothing is timed"
    );
    delivery.appended(5);
    delivery.appended(6);
    assert_eq!(
        delivery.delivered(&[batch(0, 5)], None),
        None,
        "not sent yet"
    );
    let sent = [batch(0, 5), batch(5, 2)];
    assert!(delivery.delivered(&sent, None).is_some());
    assert_eq!(delivery.delivered(&sent, None), None, "the second reader");
    delivery.appended(7);
    assert!(delivery.delivered(&[batch(7, 1)], None).is_some());
}

#[test]
fn who_passed_it_by_frees_the_place() {
    let delivery = Delivery::default();
    delivery.appended(5);
    assert_eq!(delivery.delivered(&[batch(9, 1)], None), None);
    delivery.appended(10);
    assert!(delivery.delivered(&[batch(10, 1)], None).is_some());
}

#[test]
fn torn_bytes_are_nobodys_delivery() {
    let delivery = Delivery::default();
    delivery.appended(0);
    assert_eq!(
        delivery.delivered(&[Bytes::from_static(b"torn")], None),
        None
    );
    assert_eq!(delivery.delivered(&[], None), None);
}
