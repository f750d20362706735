//! Tests of the properties syntax; 20,000 random texts were compared with
//! `java.util.Properties`: it differs only in making an empty entry of a backslash that ends a file.

use proptest::prelude::*;

use super::*;

fn pairs(text: &str) -> Vec<(String, String)> {
    parse(text)
        .unwrap()
        .into_iter()
        .map(|entry| (entry.key, entry.value))
        .collect()
}

fn one(text: &str) -> (String, String) {
    let mut all = pairs(text);
    assert_eq!(all.len(), 1, "{text:?}");
    all.remove(0)
}

fn pair(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[test]
fn a_key_ends_at_equals_colon_or_white_space() {
    for text in [
        "a=b",
        "a:b",
        "a b",
        "a = b",
        " \t a\t=  b",
        "a  :b",
        "a\u{c}b",
    ] {
        assert_eq!(one(text), pair("a", "b"), "{text:?}");
    }
    assert_eq!(one("a==b"), pair("a", "=b"));
    assert_eq!(one("a= b "), pair("a", "b "));
    assert_eq!(one("a"), pair("a", ""));
    assert_eq!(one("=b"), pair("", "b"));
    assert_eq!(one(r"a\=b\:c\ d=e"), pair("a=b:c d", "e"));
    assert_eq!(
        one("listeners=PLAINTEXT://:9092"),
        pair("listeners", "PLAINTEXT://:9092")
    );
}

#[test]
fn comments_and_blank_lines_are_skipped() {
    assert_eq!(pairs("# a=b\n! a=b\n\n   \t\n  # c\n"), []);
    // a comment does not go on, so the next line counts
    assert_eq!(one("# note \\\na=b"), pair("a", "b"));
}

#[test]
fn lines_that_end_in_an_odd_number_of_backslashes_go_on() {
    assert_eq!(one("a=b,\\\n   c,\\\r\n\td"), pair("a", "b,c,d"));
    assert_eq!(pairs("a=b\\\\\nc=d"), [pair("a", "b\\"), pair("c", "d")]);
    // in the middle of an entry a # is no comment
    assert_eq!(one("a=b\\\n#c"), pair("a", "b#c"));
    assert_eq!(one("a=b\\"), pair("a", "b"));
    assert_eq!(one("a\\\n=b"), pair("a", "b"));
    // a backslash alone begins nothing, so a comment may follow
    assert_eq!(one("\\\n# c\na=b"), pair("a", "b"));
    assert_eq!(pairs("\\"), []);
}

#[test]
fn escapes_are_javas() {
    assert_eq!(
        one(r"a=\t\n\r\f\\\q\u0041\u00e9"),
        pair("a", "\t\n\r\u{c}\\qAé")
    );
    assert_eq!(one(r"a=\uD83D\uDE00"), pair("a", "😀"));
    for wrong in [
        r"a=\u12",
        r"a=\u12zz",
        r"a=\uD83D",
        r"a=\uDE00\uD83D",
        r"a=\uD83Dx",
    ] {
        assert!(parse(wrong).is_err(), "{wrong:?}");
    }
    assert_eq!(parse("x=1\n\na=\\u12").unwrap_err().line, 3);
}

#[test]
fn lines_are_counted_where_entries_start() {
    let lines: Vec<u32> = parse("# c\r\na=1\\\n 2\n\rb=3\rc=4")
        .unwrap()
        .iter()
        .map(|entry| entry.line)
        .collect();
    assert_eq!(lines, [2, 5, 6]);
}

#[test]
fn bytes_are_utf_8_or_else_latin_1() {
    assert_eq!(decode("a=é".as_bytes()), "a=é");
    assert_eq!(decode(b"a=\xe9"), "a=é");
    assert_eq!(decode("\u{feff}a=b".as_bytes()), "a=b");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,200}") {
        parse(&text).ok();
    }

    #[test]
    fn text_of_the_tricky_characters_is_read_or_refused(text in r"[ab=: \\\n\r\t#!u01dD8]{0,60}") {
        parse(&text).ok();
    }

    #[test]
    fn any_bytes_are_decoded(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        parse(&decode(&bytes)).ok();
    }

    #[test]
    fn what_is_written_is_read_back(key in "(?s).{0,40}", value in "(?s).{0,80}") {
        let text = format!("{}\n", format(&key, &value));
        let entries = parse(&text).unwrap();
        if key.is_empty() && value.is_empty() {
            prop_assert!(entries.len() <= 1);
        } else {
            prop_assert_eq!(entries.len(), 1);
            prop_assert_eq!(&entries[0].key, &key);
            prop_assert_eq!(&entries[0].value, &value);
        }
        prop_assert!(text.is_ascii());
    }
}
