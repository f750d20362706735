//! Texts that others chose.

/// Longest text of a field.
const TEXT_CHARS_MAX: usize = 512;

/// A text within the limit.
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
