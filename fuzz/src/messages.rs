//! Messages by number: a fuzzer's first bytes choose one, the rest is decoded as it.

use std::sync::LazyLock;

use bytes::{BufMut, Bytes, BytesMut};
use limpid_protocol::codec::{
    ALLOCATION_FACTOR, ALLOCATION_FLOOR, DecodeError, Message, Reader,
};
use limpid_protocol::{RequestHeader, messages as all};

use crate::allocation::peak_of;

/// What a message may hold without a charge: structures that are boxed.
const UNCHARGED: usize = 1_024;

/// One message, whatever its type.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Kafka's name of the message.
    pub name: &'static str,
    /// Lowest version that the codec reads.
    pub min_version: i16,
    /// Highest version that the codec reads.
    pub max_version: i16,
    check: fn(Bytes, i16) -> Result<(), DecodeError>,
    made_up: fn(u64, i16) -> Bytes,
}

impl Entry {
    const fn of<M: Message>() -> Self {
        Self {
            name: M::NAME,
            min_version: M::MIN_VERSION,
            max_version: M::MAX_VERSION,
            check: check::<M>,
            made_up: made_up::<M>,
        }
    }

    /// The version that a byte of input stands for.
    fn version(&self, byte: u8) -> i16 {
        let versions = i32::from(self.max_version) - i32::from(self.min_version) + 1;
        (i32::from(self.min_version) + i32::from(byte) % versions) as i16
    }

    /// The bytes of a message made up from a seed.
    pub fn made_up(&self, seed: u64, version: i16) -> Bytes {
        (self.made_up)(seed, version)
    }
}

macro_rules! table {
    ($($message:ident),* $(,)?) => {
        const MESSAGES: &[Entry] = &[$(Entry::of::<all::$message>()),*];
    };
}
limpid_protocol::for_each_message!(table);

// The table is split while compiling, so that the target `request` links no other message: libFuzzer
// looks at every counter of the binary after every run.
static REQUESTS: [Entry; count(true)] = split(true);
static OTHERS: [Entry; count(false)] = split(false);
static CHOSEN_REQUESTS: LazyLock<Vec<Entry>> =
    LazyLock::new(|| chosen(&REQUESTS, "LIMPID_FUZZ_API", "Request"));
static CHOSEN_OTHERS: LazyLock<Vec<Entry>> =
    LazyLock::new(|| chosen(&OTHERS, "LIMPID_FUZZ_MESSAGE", ""));

const fn is_request(entry: &Entry) -> bool {
    let (name, end) = (entry.name.as_bytes(), b"Request");
    let mut at = 0;
    while at < end.len() {
        if name.len() < end.len() || name[name.len() - end.len() + at] != end[at] {
            return false;
        }
        at += 1;
    }
    true
}

const fn count(requests: bool) -> usize {
    let (mut at, mut found) = (0, 0);
    while at < MESSAGES.len() {
        found += (is_request(&MESSAGES[at]) == requests) as usize;
        at += 1;
    }
    found
}

const fn split<const N: usize>(requests: bool) -> [Entry; N] {
    let mut table = [MESSAGES[0]; N];
    let (mut at, mut found) = (0, 0);
    while at < MESSAGES.len() {
        if is_request(&MESSAGES[at]) == requests {
            table[found] = MESSAGES[at];
            found += 1;
        }
        at += 1;
    }
    table
}

/// The messages of the table, or the one named by the environment.
fn chosen(table: &[Entry], variable: &str, suffix: &str) -> Vec<Entry> {
    let Ok(name) = std::env::var(variable) else {
        return table.to_vec();
    };
    let is_it =
        |entry: &&Entry| entry.name == name || entry.name.strip_suffix(suffix) == Some(&name);
    let found: Vec<Entry> = table.iter().filter(is_it).copied().collect();
    assert!(!found.is_empty(), "{variable} names no message: {name}");
    found
}

/// Decodes, and if that succeeds, encodes and decodes again: both must agree.
fn check<M: Message>(input: Bytes, version: i16) -> Result<(), DecodeError> {
    let length = input.len();
    let mut reader = Reader::new(input);
    let (message, peak) = peak_of(|| M::decode(&mut reader, version));
    // What the codec holds is what it has charged to its budget, and the budget is the limit.
    assert!(
        peak <= reader.allocated() + UNCHARGED,
        "{} {version}: {peak} bytes held, {} charged",
        M::NAME,
        reader.allocated()
    );
    assert!(reader.allocated() <= ALLOCATION_FACTOR * length + ALLOCATION_FLOOR);
    let message = message?;
    let encoded = encode(&message, version);
    let mut reader = Reader::with_budget(encoded.clone(), usize::MAX);
    let again = M::decode(&mut reader, version).expect("what was encoded is decoded");
    assert_eq!(
        reader.remaining(),
        0,
        "{} {version} leaves bytes behind",
        M::NAME
    );
    // Encodings are compared and not messages: NaN does not equal itself.
    assert_eq!(encode(&again, version), encoded, "{} {version}", M::NAME);
    Ok(())
}

fn encode<M: Message>(message: &M, version: i16) -> Bytes {
    let mut out = BytesMut::new();
    message
        .encode(&mut out, version)
        .expect("what was decoded is encoded in the same version");
    out.freeze()
}

fn made_up<M: Message>(seed: u64, version: i16) -> Bytes {
    let message =
        M::decode(&mut Reader::arbitrary(seed), version).expect("made up for the version");
    encode(&message, version)
}

/// The requests, in the order in which the first byte of [`request`]'s input chooses them.
pub fn requests() -> &'static [Entry] {
    &CHOSEN_REQUESTS
}

/// Responses and stored records, in the order in which [`messages`] chooses them.
pub fn others() -> &'static [Entry] {
    &CHOSEN_OTHERS
}

/// Target `request`: request u8 | version u8 | body.
pub fn request(input: &[u8]) {
    if let [which, version, rest @ ..] = input {
        body(requests(), usize::from(*which), *version, rest);
    }
}

/// Target `message`, all messages that are no requests: message u16 | version u8 | body.
pub fn messages(input: &[u8]) {
    if let [high, low, version, rest @ ..] = input {
        let which = usize::from(u16::from_be_bytes([*high, *low]));
        body(others(), which, *version, rest);
    }
}

/// Decodes a body as the message and version that the numbers stand for.
pub fn body(table: &[Entry], which: usize, version: u8, rest: &[u8]) {
    let entry = table[which % table.len()];
    let _refused = (entry.check)(Bytes::copy_from_slice(rest), entry.version(version));
}

/// Target `frame`: what comes out of a socket. length i32 | header | body, again and again.
pub fn frame(input: &[u8]) {
    let mut rest = Bytes::copy_from_slice(input);
    while let Some(length) = rest.first_chunk::<4>() {
        let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some(end) = length.checked_add(4).filter(|end| *end <= rest.len()) else {
            return;
        };
        one_frame(rest.slice(4..end));
        rest = rest.slice(end..);
    }
}

fn one_frame(frame: Bytes) {
    let mut reader = Reader::new(frame);
    let Ok(header) = RequestHeader::decode(&mut reader) else {
        return;
    };
    let mut encoded = BytesMut::new();
    header
        .encode(&mut encoded)
        .expect("a decoded header is encoded");
    let again = RequestHeader::decode(&mut Reader::new(encoded.freeze()));
    assert_eq!(again.as_ref(), Ok(&header));
    let Ok(key) = limpid_protocol::ApiKey::try_from(header.api_key) else {
        return;
    };
    let name = key.name();
    let entry = requests()
        .iter()
        .find(|entry| entry.name.strip_suffix("Request") == Some(name));
    if let Some(entry) = entry {
        let _refused = (entry.check)(reader.rest(), header.api_version);
    }
}

/// A frame around a request made up from a seed.
pub fn made_up_frame(entry: &Entry, seed: u64, version: i16) -> Option<Bytes> {
    let name = entry.name.strip_suffix("Request")?;
    let key = limpid_protocol::ApiKey::ALL
        .iter()
        .find(|key| key.name() == name)?;
    let header = RequestHeader {
        api_key: *key as i16,
        api_version: version,
        correlation_id: 1,
        client_id: Some("fuzz".into()),
    };
    let mut frame = BytesMut::new();
    frame.put_i32(0);
    header.encode(&mut frame).ok()?;
    frame.put(entry.made_up(seed, version));
    let length = i32::try_from(frame.len() - 4).ok()?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Some(frame.freeze())
}
