//! Which names a topic may have.

/// Longest name; directory names carry a partition and a suffix besides.
const NAME_BYTES_MAX: usize = 249;

/// Why `name` can't be a topic's, if it can't.
pub fn invalid(name: &str) -> Option<String> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if name.is_empty() {
        return Some("a topic name must not be empty".to_owned());
    }
    if name == "." || name == ".." {
        return Some(format!("a topic can't be called '{name}'"));
    }
    if name.len() > NAME_BYTES_MAX {
        return Some(format!(
            "a topic name has at most {NAME_BYTES_MAX} characters, this one has {}",
            name.len()
        ));
    }
    if !name.bytes().all(legal) {
        return Some(format!(
            "topic name '{name}' has characters other than ASCII letters, digits, '.', '_' and '-'"
        ));
    }
    None
}

/// Names that differ only in '.' and '_' give the same metric names in Kafka, which refuses them.
pub fn collide(one: &str, two: &str) -> bool {
    let plain = |b: u8| if b == b'.' { b'_' } else { b };
    one != two && one.len() == two.len() && one.bytes().map(plain).eq(two.bytes().map(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_names() {
        for good in ["a", "a.b_c-1", "__consumer_offsets", &"x".repeat(249)] {
            assert_eq!(invalid(good), None, "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a b", "ä", "a\0", &"x".repeat(250)] {
            assert!(invalid(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn dots_and_underscores_collide() {
        assert!(collide("a.b", "a_b"));
        assert!(!collide("a.b", "a.b"));
        assert!(!collide("a.b", "a-b"));
    }
}
