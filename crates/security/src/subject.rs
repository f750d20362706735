//! The subject of a certificate as Java writes it (RFC 2253): the name of a user unless rules say
//! otherwise, so it must be the same text to the letter.

use std::fmt::Write;

use x509_cert::Certificate;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::{Ia5StringRef, PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::{Decode, Encode, Tag, Tagged};

/// The attributes that Java names in this form; the others show as numbers.
const KEYWORDS: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
];

/// The subject of a certificate; `None` if it can't be parsed.
pub(crate) fn subject(certificate: &[u8]) -> Option<String> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let names = certificate.tbs_certificate().subject();
    let mut parts = Vec::new();
    for part in names.iter_rdn() {
        let attributes: Option<Vec<String>> = part.iter().map(attribute).collect();
        parts.push(attributes?.join("+"));
    }
    // The last part comes first.
    parts.reverse();
    Some(parts.join(","))
}

fn attribute(attribute: &AttributeTypeAndValue) -> Option<String> {
    let number = attribute.oid.to_string();
    let keyword = KEYWORDS.iter().find(|(oid, _)| *oid == number);
    match (keyword, text(attribute)) {
        (Some((_, keyword)), Some(text)) => Some(format!("{keyword}={}", escaped(&text))),
        (Some((_, keyword)), None) => Some(format!("{keyword}={}", hex(attribute)?)),
        (None, _) => Some(format!("{number}={}", hex(attribute)?)),
    }
}

fn text(attribute: &AttributeTypeAndValue) -> Option<String> {
    let value = &attribute.value;
    let text = match value.tag() {
        Tag::Utf8String => value
            .decode_as::<Utf8StringRef<'_>>()
            .ok()?
            .as_str()
            .to_owned(),
        Tag::PrintableString => value
            .decode_as::<PrintableStringRef<'_>>()
            .ok()?
            .as_str()
            .to_owned(),
        Tag::Ia5String => value
            .decode_as::<Ia5StringRef<'_>>()
            .ok()?
            .as_str()
            .to_owned(),
        Tag::TeletexString => value
            .decode_as::<TeletexStringRef<'_>>()
            .ok()?
            .as_str()
            .to_owned(),
        _ => return None,
    };
    Some(text)
}

fn hex(attribute: &AttributeTypeAndValue) -> Option<String> {
    let mut out = String::from("#");
    for byte in attribute.value.to_der().ok()? {
        // Writing to a string cannot fail.
        write!(out, "{byte:02x}").ok()?;
    }
    Some(out)
}

/// Puts a backslash before what would be taken for punctuation.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    let last = text.chars().count().saturating_sub(1);
    for (at, c) in text.chars().enumerate() {
        let outer_blank = c == ' ' && (at == 0 || at == last);
        let punctuation = matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';');
        if punctuation || outer_blank || (c == '#' && at == 0) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_is_escaped() {
        assert_eq!(escaped("a,b+c"), r"a\,b\+c");
        assert_eq!(escaped(" a b "), r"\ a b\ ");
        assert_eq!(escaped("#a#"), r"\#a#");
    }
}
