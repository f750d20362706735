//! Patterns of names: `*` stands for any text, everything else for itself.

/// Whether `name` is as `pattern` says. Takes time proportional to both lengths multiplied at worst.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_is_any_text() {
        for (pattern, name) in [
            ("*", ""),
            ("*", "orders"),
            ("orders", "orders"),
            ("orders.*", "orders."),
            ("orders.*", "orders.v1"),
            ("*.dlq", "orders.dlq"),
            ("a*b*c", "axxbxxc"),
            ("a*b*c", "abc"),
            ("a*ab", "aab"),
            ("**", "x"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("orders", "orders2"),
            ("orders.*", "orders"),
            ("orders.*", "ordersXv1"),
            ("*.dlq", "orders.dlq2"),
            ("a*ab", "ab"),
            ("a*b*c", "acb"),
            ("", "x"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
