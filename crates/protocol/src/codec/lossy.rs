//! Text that is broken, with replacement characters where it is.

/// What stands in place of bytes that are no text.
const REPLACEMENT: &str = "\u{fffd}";

/// Bytes that broken text takes once replacement characters stand where it is broken.
#[cold]
pub(super) fn lossy_size(raw: &[u8]) -> usize {
    let sizes = raw.utf8_chunks().map(|chunk| {
        let broken = !chunk.invalid().is_empty();
        chunk.valid().len() + if broken { REPLACEMENT.len() } else { 0 }
    });
    sizes.sum()
}

/// That text, in one allocation.
pub(super) fn lossy(raw: &[u8], size: usize) -> String {
    let mut text = String::with_capacity(size);
    for chunk in raw.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push_str(REPLACEMENT);
        }
    }
    text
}
