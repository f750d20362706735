//! Records of the internal topics and of the metadata log, taken over as at a start.

use bytes::Bytes;
use limpid_coordinator::share_state::{ShareStates, StateRecord};
use limpid_coordinator::transactions::{StoredTransaction, Transactions};
use limpid_coordinator::{Coordinator, Limits, Now, Out, Record};

use crate::allocation::{SMALL, bounded};
use crate::disk::metadata_record;

/// When it all happens.
const NOW: Now = Now {
    mono_ms: 1_000_000,
    wall_ms: 1_700_000_000_000,
};
/// What a record may hold beside [`FACTOR`](crate::allocation::FACTOR) times its bytes: short names of old
/// versions.
const BESIDE: usize = limpid_protocol::codec::RECORD_FLOOR + SMALL;

/// Target `stored`: topic u8 | records, each length of key u8 | length of value u8 (255: there is none)
/// | key | value. What is left over goes to the last record's value.
pub fn stored(input: &[u8]) {
    let Some((&topic, rest)) = input.split_first() else {
        return;
    };
    match topic % 4 {
        0 => groups(rest),
        1 => transactions(rest),
        2 => share_states(rest),
        _ => metadata_record(Bytes::copy_from_slice(rest)),
    }
}

/// The next record, off the front.
fn record<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], Option<&'a [u8]>)> {
    let (&[key, value], behind) = rest.split_first_chunk::<2>()?;
    let (key, behind) = behind.split_at_checked(key.into())?;
    if value == u8::MAX {
        *rest = behind;
        return Some((key, None));
    }
    let (value, behind) = behind
        .split_at_checked(value.into())
        .unwrap_or((behind, &[]));
    *rest = behind;
    Some((key, Some(value)))
}

/// Decodes under the limit.
fn decoded<T>(key: &[u8], value: Option<&[u8]>, decode: impl FnOnce() -> T) -> T {
    let length = key.len() + value.map_or(0, <[u8]>::len);
    bounded("record", length, BESIDE, decode)
}

fn groups(mut rest: &[u8]) {
    let mut coordinator = Coordinator::new(Limits::default());
    while let Some((key, value)) = record(&mut rest) {
        let (key_bytes, value_bytes) = (
            Bytes::copy_from_slice(key),
            value.map(Bytes::copy_from_slice),
        );
        let read = decoded(key, value, || Record::decode(key_bytes, value_bytes));
        let Ok(Some(record)) = read else { continue };
        if let Ok((key, value)) = record.encode() {
            let again = Record::decode(key, value).expect("what was encoded is decoded");
            assert!(again.is_some());
        }
        coordinator.replay(NOW, record);
    }
    coordinator.loaded(NOW, &mut Out::default());
}

fn transactions(mut rest: &[u8]) {
    let mut transactions = Transactions::default();
    while let Some((key, value)) = record(&mut rest) {
        let _record = decoded(key, value, || StoredTransaction::decode(key, value));
        let _refused = transactions.replay(key, value).is_err();
    }
    let ids = transactions.unmarked();
    for id in ids {
        drop(transactions.markers(&id));
    }
    drop(transactions.overdue(NOW.wall_ms));
    drop(transactions.expired(NOW.wall_ms, 1, 100));
}

fn share_states(mut rest: &[u8]) {
    let mut states = ShareStates::default();
    while let Some((key, value)) = record(&mut rest) {
        let read = decoded(key, value, || StateRecord::decode(key, value));
        let Ok(Some(record)) = read else { continue };
        let key = record.key.clone();
        states.apply(record);
        if let Some(held) = states.get(&key) {
            drop(held.deliveries(held.start));
        }
    }
    drop(states.refresh(NOW.wall_ms, 1));
}
