//! Digests of secrets, and random ones.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use limpid_platform::random::Random;
use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq;

/// Bytes of randomness in a secret that we make.
const SECRET_BYTES: usize = 32;

/// SHA-256. Enough for secrets that are random themselves; passwords need more ([`crate::phc`]).
pub(crate) type Digest = [u8; 32];

/// The digest of a text.
pub(crate) fn of(text: &str) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    out
}

/// Compares without telling by its time where they differ.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// A secret that nobody can guess, in letters that fit a header, a cookie and a form.
pub(crate) fn secret(random: &dyn Random) -> io::Result<String> {
    let mut bytes = [0; SECRET_BYTES];
    random.fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads hexadecimal of exactly one digest.
pub(crate) fn from_hex(text: &str) -> Option<Digest> {
    let mut out = [0; 32];
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_goes_both_ways() {
        let digest = of("abc");
        let text = hex(&digest);
        assert!(text.ends_with("b00361a396177a9cb410ff61f20015ad"), "{text}");
        assert_eq!(from_hex(&text), Some(digest));
        for wrong in ["", "zz", &text[1..], &format!("+{}", &text[1..])] {
            assert_eq!(from_hex(wrong), None, "{wrong}");
        }
        assert!(same(b"a", b"a") && !same(b"a", b"b") && !same(b"a", b"ab"));
    }
}
