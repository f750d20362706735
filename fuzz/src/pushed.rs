//! What clients push of their own metrics.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use limpid_client_metrics::{CODECS, Client, Values};
use limpid_protocol::Uuid;
use limpid_protocol::records::Codec;

use crate::allocation::{SMALL, bounded};

/// Most bytes that a push may decompress to here.
const DECOMPRESSED_BYTES_MAX: usize = 64 * 1024;

/// Target `push`: codec u8 | payload, twice by the same client. 0 to 3 are what the broker offers, from 4
/// on it is not compressed.
pub fn push(input: &[u8]) {
    let Some((&codec, payload)) = input.split_first() else {
        return;
    };
    let codec = CODECS.get(usize::from(codec)).copied();
    let mut bytes = Vec::new();
    let read = codec
        .unwrap_or(Codec::None)
        .decompress(payload, DECOMPRESSED_BYTES_MAX, &mut bytes);
    assert!(read.is_err() || bytes.len() <= DECOMPRESSED_BYTES_MAX);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let client = Arc::new(Client::new(Uuid::ZERO, "fuzz", ("fuzz", "1"), address));
    let values = Values::default();
    for second in 1..3 {
        let client = Arc::clone(&client);
        let now = Duration::from_secs(second);
        let beside = SMALL + limpid_client_metrics::SERIES_BYTES_OF_CLIENT_MAX;
        let (_taken, _refused) = bounded("push", bytes.len(), beside, || {
            values.take(client, &bytes, Duration::from_secs(60), now)
        });
    }
}
