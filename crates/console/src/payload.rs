//! Keys and values of records as people can read them. They are whatever a producer sent: text is
//! shown as text, everything else as hexadecimal, all of it cut where it gets long.

use schemars::JsonSchema;
use serde::Serialize;

/// Characters of text, and bytes of the rest, that are shown.
const SHOWN_MAX: usize = 8_192;
/// JSON larger than this is shown as it came.
const PRETTY_BYTES_MAX: usize = 64 << 10;
/// JSON no longer than this stays on its line.
const ONE_LINE_MAX: usize = 72;
/// Bytes in a line of hexadecimal.
const HEX_LINE: usize = 16;

/// Bytes made readable.
#[derive(Debug, Serialize, PartialEq, Eq, JsonSchema)]
pub(crate) struct Payload {
    /// `json`, `text` or `hex`.
    pub(crate) kind: &'static str,
    /// What is shown.
    pub(crate) text: String,
    /// There is more than is shown.
    pub(crate) cut: bool,
}

/// Makes bytes readable.
pub(crate) fn payload(bytes: &[u8]) -> Payload {
    let (kind, text) = match text(bytes) {
        Some(text) => match pretty(text) {
            Some(json) => ("json", json),
            None => ("text", text.to_owned()),
        },
        None => {
            let shown = &bytes[..bytes.len().min(SHOWN_MAX / 4)];
            return Payload {
                kind: "hex",
                text: hex(shown),
                cut: shown.len() < bytes.len(),
            };
        }
    };
    let end = text.char_indices().nth(SHOWN_MAX).map(|(at, _)| at);
    Payload {
        kind,
        cut: end.is_some(),
        text: match end {
            Some(end) => text[..end].to_owned(),
            None => text,
        },
    }
}

/// UTF-8 without control characters other than those of text. A record that was cut may end within
/// a character.
fn text(bytes: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    (!text.contains(control)).then_some(text)
}

/// JSON objects and lists with line breaks. Its numbers stay what they are: they are not parsed.
fn pretty(text: &str) -> Option<String> {
    if text.len() > PRETTY_BYTES_MAX || !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
    let short = text.len() <= ONE_LINE_MAX && !text.contains('\n');
    Some(if short {
        text.to_owned()
    } else {
        indented(text)
    })
}

/// Sets a JSON text that is known to be right. Changes nothing but the space between its parts.
fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let mut letters = json.chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        // Deep nesting must not make a small record a large page.
        out.extend(std::iter::repeat_n("  ", depth.min(16)));
    };
    while let Some(letter) = letters.next() {
        if in_text {
            out.push(letter);
            match letter {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match letter {
            '"' => {
                in_text = true;
                out.push(letter);
            }
            '{' | '[' => {
                out.push(letter);
                while letters.next_if(|c| c.is_whitespace()).is_some() {}
                if let Some(end) = letters.next_if(|c| matches!(c, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

/// Lines of offset, bytes and letters, as `hexdump -C` does.
fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 5);
    for (n, line) in bytes.chunks(HEX_LINE).enumerate() {
        if n > 0 {
            out.push('\n');
        }
        out.push_str(&format!("{:06x} ", n * HEX_LINE));
        // A single line needs no column for its letters.
        let width = bytes.len().min(HEX_LINE);
        for at in 0..width {
            match line.get(at) {
                Some(byte) => out.push_str(&format!(" {byte:02x}")),
                None => out.push_str("   "),
            }
        }
        out.push_str("  ");
        let letter = |b: &u8| {
            if b.is_ascii_graphic() {
                char::from(*b)
            } else {
                '.'
            }
        };
        out.extend(line.iter().map(letter));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_json_and_the_rest() {
        let shown = |bytes: &[u8]| {
            let payload = payload(bytes);
            (payload.kind, payload.text)
        };
        assert_eq!(shown(b"plain \xc3\xb6"), ("text", "plain ö".to_owned()));
        assert_eq!(shown(b""), ("text", String::new()));
        assert_eq!(
            shown(b"\x00\x01AB"),
            ("hex", "000000  00 01 41 42  ..AB".to_owned())
        );
        assert_eq!(shown(b"{broken"), ("text", "{broken".to_owned()));
        assert_eq!(
            shown("cut ö".as_bytes().split_last().expect("bytes").1).0,
            "text"
        );
        assert_eq!(shown(b"\x1b[31m").0, "hex", "nothing commands a terminal");
    }

    #[test]
    fn json_keeps_its_numbers_and_its_text() {
        let json =
            br#"{ "n":12345678901234567890.10, "t":"a, {b}: \"c\"","e":[],"l":[1,{"x":null}] }"#;
        let shown = payload(json);
        assert_eq!(shown.kind, "json");
        assert_eq!(
            payload(b"{\"n\": 1.0}").text,
            "{\"n\": 1.0}",
            "short enough"
        );
        assert_eq!(
            shown.text,
            "{\n  \"n\": 12345678901234567890.10,\n  \"t\": \"a, {b}: \\\"c\\\"\",\n  \"e\": [],\n  \
             \"l\": [\n    1,\n    {\n      \"x\": null\n    }\n  ]\n}"
        );
    }

    #[test]
    fn what_is_long_is_cut() {
        let long = payload("ö".repeat(20_000).as_bytes());
        assert!(long.cut);
        assert_eq!(long.text.chars().count(), SHOWN_MAX);
        let bytes = payload(&[0xff; 100_000]);
        assert!(bytes.cut && bytes.text.len() < 20_000);
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert!(payload(deep.as_bytes()).text.len() < 10_000);
    }
}
