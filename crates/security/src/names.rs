//! `ssl.principal.mapping.rules`: how a certificate's subject becomes the name of a user.
//!
//! ```text
//! rules => rule [, rule …]
//! rule  => DEFAULT | RULE:pattern/replacement/[L|U]
//! ```
//! The first rule that applies wins; a pattern must match the whole subject. `DEFAULT` takes the
//! subject as it is. In a replacement `$1` is the first group, and a backslash takes what follows
//! it literally.

use regex_lite::{Captures, Regex};

/// The rules of one listener.
#[derive(Debug)]
pub struct NameRules(Vec<Rule>);

#[derive(Debug)]
enum Rule {
    Default,
    Replace {
        pattern: Regex,
        replacement: String,
        case: Case,
    },
}

#[derive(Debug, Clone, Copy)]
enum Case {
    Keep,
    Lower,
    Upper,
}

impl NameRules {
    /// Parses rules.
    ///
    /// # Errors
    /// What is wrong with which.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rules = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (rule, after) = parse_rule(rest)?;
            rules.push(rule);
            let after = after.trim_start();
            rest = match after.strip_prefix(',') {
                Some(next) => next.trim_start(),
                None if after.is_empty() => after,
                None => return Err(format!("{after:?} follows a rule without a comma")),
            };
        }
        Ok(Self(rules))
    }

    /// The name of a subject; `None` when no rule applies.
    pub fn name(&self, subject: &str) -> Option<String> {
        self.0.iter().find_map(|rule| rule.apply(subject))
    }
}

fn parse_rule(text: &str) -> Result<(Rule, &str), String> {
    if let Some(after) = text.strip_prefix("DEFAULT") {
        return Ok((Rule::Default, after));
    }
    let wrong = || format!("{text:?} is neither DEFAULT nor RULE:pattern/replacement/[L|U]");
    let body = text.strip_prefix("RULE:").ok_or_else(wrong)?;
    let (pattern, body) = until_slash(body).ok_or_else(wrong)?;
    let (replacement, after) = until_slash(body).ok_or_else(wrong)?;
    let (case, after) = match after.as_bytes().first() {
        Some(b'L') => (Case::Lower, &after[1..]),
        Some(b'U') => (Case::Upper, &after[1..]),
        _ => (Case::Keep, after),
    };
    let whole = format!(r"\A(?:{pattern})\z");
    let pattern = Regex::new(&whole).map_err(|e| format!("the pattern {pattern:?}: {e}"))?;
    let replacement = replacement.to_owned();
    let rule = Rule::Replace {
        pattern,
        replacement,
        case,
    };
    Ok((rule, after))
}

/// Up to a slash that no backslash precedes, and what follows it.
fn until_slash(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '/' => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

impl Rule {
    fn apply(&self, subject: &str) -> Option<String> {
        match self {
            Self::Default => Some(subject.to_owned()),
            Self::Replace {
                pattern,
                replacement,
                case,
            } => {
                let found = pattern.captures(subject)?;
                let name = expand(replacement, &found);
                Some(match case {
                    Case::Keep => name,
                    Case::Lower => name.to_lowercase(),
                    Case::Upper => name.to_uppercase(),
                })
            }
        }
    }
}

/// Puts groups into a replacement. A number beyond the last group is cut (`$12` may be group 1 and
/// a 2); a group that is not there at all stays as it is written.
fn expand(replacement: &str, found: &Captures<'_>) -> String {
    let mut out = String::new();
    let mut rest = replacement;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' => {
                let literal = rest.chars().next();
                rest = &rest[literal.map_or(0, char::len_utf8)..];
                out.extend(literal);
            }
            '$' => match group(rest, found.len()) {
                Some((number, digits)) => {
                    out.push_str(found.get(number).map_or("", |group| group.as_str()));
                    rest = &rest[digits..];
                }
                None => out.push('$'),
            },
            c => out.push(c),
        }
    }
    out
}

/// The group that a number means, and how many digits of it: as many as still are a group.
fn group(text: &str, groups: usize) -> Option<(usize, usize)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (1..=digits).rev().find_map(|count| {
        let number: usize = text[..count].parse().ok()?;
        (number < groups).then_some((number, count))
    })
}

#[cfg(test)]
mod tests {
    use super::NameRules;

    const DUKE: &str = "CN=Duke,OU=JavaSoft,O=Sun Microsystems,C=US";

    fn name(rules: &str, subject: &str) -> Option<String> {
        NameRules::parse(rules).expect("valid").name(subject)
    }

    #[test]
    fn the_first_rule_that_applies_wins() {
        let rules = "RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/, \
                     RULE:^CN=(.*?),OU=(.*?),O=(.*?),C=(.*?)$/$1@$2/L, RULE:^.*CN=(.*)$/$1/U, DEFAULT";
        let mapped = |subject| name(rules, subject).expect("DEFAULT applies");
        assert_eq!(mapped("CN=kafka,OU=ServiceUsers,O=X"), "kafka");
        assert_eq!(mapped(DUKE), "duke@javasoft");
        assert_eq!(mapped("OU=x,CN=duke"), "DUKE");
        assert_eq!(mapped("OU=x"), "OU=x");
        assert_eq!(name("", DUKE), None);
        assert_eq!(name("RULE:CN=.*/x/", "OU=y"), None);
    }

    #[test]
    fn groups_and_escapes() {
        assert_eq!(
            name(r"RULE:CN=(.*)/$1\/$2\$1/", "CN=a").as_deref(),
            Some("a/$2$1")
        );
        assert_eq!(
            name("RULE:CN=(.)(.)/$12-$0/", "CN=ab").as_deref(),
            Some("a2-CN=ab")
        );
        assert_eq!(name(r"RULE:CN=a\/b/x/", "CN=a/b").as_deref(), Some("x"));
    }

    #[test]
    fn wrong_rules_are_refused() {
        for wrong in [
            "default",
            "RULE:a/b",
            "RULE:(/b/",
            "DEFAULT DEFAULT",
            "RULE:a/b/X",
            "RULE:",
        ] {
            assert!(NameRules::parse(wrong).is_err(), "{wrong}");
        }
    }
}
