//! Java's properties syntax, as `server.properties` is written in.
//!
//! Comments start with `#` or `!`; a key ends at the first `=`, `:` or white space; a line that
//! ends in an odd number of backslashes goes on in the next, whose leading white space is
//! dropped; `\t \n \r \f \uXXXX` are escapes, any other escaped character stands for itself.
//! Files are read as UTF-8, and as ISO-8859-1 (Java's rule) when they are not UTF-8.

use std::fmt::Write as _;

/// One entry of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key, unescaped.
    pub key: String,
    /// The value, unescaped.
    pub value: String,
    /// The line on which it starts; 1 is the first.
    pub line: u32,
}

/// A file that is not in properties syntax.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct SyntaxError {
    /// The line on which the entry starts; 1 is the first.
    pub line: u32,
    /// What is wrong.
    pub message: &'static str,
}

/// Decodes the bytes of a file: UTF-8 when they are, else ISO-8859-1.
pub fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text).to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Reads the entries in their order, duplicates included.
pub fn parse(text: &str) -> Result<Vec<Entry>, SyntaxError> {
    let mut entries = Vec::new();
    let mut lines = natural_lines(text);
    while let Some((line, first)) = lines.next() {
        let start = first.trim_start_matches(is_blank);
        if start.is_empty() || start.starts_with(['#', '!']) {
            continue;
        }
        let mut logical = start.to_owned();
        while ends_in_continuation(&logical) {
            logical.pop();
            if logical.is_empty() {
                break; // nothing has begun yet, so the next line may be a comment
            }
            match lines.next() {
                Some((_, next)) => logical.push_str(next.trim_start_matches(is_blank)),
                None => break,
            }
        }
        if logical.is_empty() {
            continue;
        }
        let (key, value) = split(&logical);
        let unescape = |part: &str| unescape(part).map_err(|message| SyntaxError { line, message });
        entries.push(Entry {
            key: unescape(key)?,
            value: unescape(value)?,
            line,
        });
    }
    Ok(entries)
}

/// Writes one entry so that [`parse`] reads the same back. Without the end of the line.
pub fn format(key: &str, value: &str) -> String {
    let mut text = String::with_capacity(key.len() + value.len() + 1);
    escape(&mut text, key, true);
    text.push('=');
    escape(&mut text, value, false);
    text
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

/// Lines end in LF, CR or CRLF.
fn natural_lines(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let mut rest = Some(text);
    let mut number = 0_u32;
    std::iter::from_fn(move || {
        let text = rest?;
        number = number.saturating_add(1);
        let (line, after) = match text.find(['\n', '\r']) {
            None => (text, None),
            Some(end) => {
                let width = if text[end..].starts_with("\r\n") {
                    2
                } else {
                    1
                };
                (&text[..end], Some(&text[end + width..]))
            }
        };
        rest = after;
        Some((number, line))
    })
}

fn ends_in_continuation(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// Splits at the first separator that is not escaped.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.char_indices().find(|(_, c)| {
        let separates = !escaped && (matches!(c, '=' | ':') || is_blank(*c));
        escaped = !escaped && *c == '\\';
        separates
    });
    let Some((end, _)) = end else {
        return (line, "");
    };
    let after = line[end..].trim_start_matches(is_blank);
    let value = after.strip_prefix(['=', ':']).unwrap_or(after);
    (&line[..end], value.trim_start_matches(is_blank))
}

fn unescape(text: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            None => break,
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('f') => out.push('\u{c}'),
            Some('u') => out.push(unicode(&mut chars)?),
            Some(other) => out.push(other),
        }
    }
    Ok(out)
}

/// The character after `\u`; two escapes make one character beyond the basic plane.
fn unicode(chars: &mut std::str::Chars<'_>) -> Result<char, &'static str> {
    const MALFORMED: &str = "\\u needs four hexadecimal digits";
    const LONE: &str = "\\u names half of a surrogate pair";
    let unit = hex4(chars).ok_or(MALFORMED)?;
    if let Some(c) = char::from_u32(unit) {
        return Ok(c);
    }
    if chars.next() != Some('\\') || chars.next() != Some('u') {
        return Err(LONE);
    }
    let low = hex4(chars).ok_or(MALFORMED)?;
    let units = [
        u16::try_from(unit).map_err(|_| LONE)?,
        u16::try_from(low).map_err(|_| LONE)?,
    ];
    char::decode_utf16(units)
        .next()
        .and_then(Result::ok)
        .ok_or(LONE)
}

fn hex4(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    (0..4).try_fold(0, |number, _| {
        Some(number * 16 + chars.next()?.to_digit(16)?)
    })
}

fn escape(out: &mut String, text: &str, is_key: bool) {
    for (index, c) in text.chars().enumerate() {
        match c {
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\u{c}' => out.push_str("\\f"),
            '\\' => out.push_str("\\\\"),
            ' ' if is_key || index == 0 => out.push_str("\\ "),
            '=' | ':' if is_key || index == 0 => {
                out.push('\\');
                out.push(c);
            }
            '#' | '!' if is_key && index == 0 => {
                out.push('\\');
                out.push(c);
            }
            c if (' '..='~').contains(&c) => out.push(c),
            c => escape_unicode(out, c),
        }
    }
}

fn escape_unicode(out: &mut String, c: char) {
    let mut units = [0_u16; 2];
    for unit in c.encode_utf16(&mut units) {
        // writing to a String cannot fail
        write!(out, "\\u{unit:04X}").ok();
    }
}

#[cfg(test)]
mod tests;
