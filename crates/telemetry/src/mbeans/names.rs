//! Names of beans, and patterns of them (`javax.management.ObjectName`).

use std::borrow::Cow;

/// A name or a pattern: `domain:key=value,…`, in a pattern with `*` and `?` in the domain and in
/// values, and a lone `*` for any further keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectName {
    domain: String,
    /// In the order in which they were written.
    properties: Vec<(String, String)>,
    /// There may be further keys.
    open: bool,
}

impl ObjectName {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (domain, rest) = text
            .split_once(':')
            .ok_or_else(|| format!("a domain and a colon are missing in {text:?}"))?;
        let mut name = Self {
            domain: domain.to_owned(),
            properties: Vec::new(),
            open: false,
        };
        let mut rest = Some(rest);
        while let Some(text) = rest {
            if let Some(after) = text.strip_prefix('*')
                && (after.is_empty() || after.starts_with(','))
            {
                name.open = true;
                rest = after.strip_prefix(',');
                continue;
            }
            let (key, from) = text
                .split_once('=')
                .ok_or_else(|| format!("a key without a value: {text:?}"))?;
            let (value, after) = value(from)?;
            if key.is_empty() || value.is_empty() || key.contains(['*', '?', ',', '"']) {
                return Err(format!("an empty or bad key or value: {text:?}"));
            }
            if name.value_of(key).is_some() {
                return Err(format!("the key {key:?} is there twice"));
            }
            name.properties.push((key.to_owned(), value.to_owned()));
            rest = after;
        }
        Ok(name)
    }

    /// The domain.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Its keys with their values as they are written, quotes and all, in the order in which they were
    /// written.
    pub fn properties(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> {
        let pairs = self.properties.iter();
        pairs.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether it may stand for several beans.
    pub fn is_pattern(&self) -> bool {
        let mut values = self.properties.iter().map(|(_, value)| value);
        self.open || is_wild(&self.domain) || values.any(|value| is_wild(value))
    }

    /// `key=value,…` with the keys in alphabetical order.
    pub fn canonical_properties(&self) -> String {
        let mut sorted: Vec<_> = self.properties.iter().collect();
        sorted.sort();
        let pairs: Vec<_> = sorted.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let mut text = pairs.join(",");
        if self.open {
            text.push_str(if text.is_empty() { "*" } else { ",*" });
        }
        text
    }

    /// The name with its keys in alphabetical order.
    pub fn canonical(&self) -> String {
        format!("{}:{}", self.domain, self.canonical_properties())
    }

    /// Whether this pattern stands for that name. Without `,*` both have the same keys.
    pub fn matches(&self, name: &Self) -> bool {
        let same_count = self.properties.len() == name.properties.len();
        (self.open || same_count)
            && wild_match(&self.domain, &name.domain)
            && self.properties.iter().all(|(key, pattern)| {
                let value = name.value_of(key);
                value.is_some_and(|value| wild_match(pattern, value))
            })
    }

    fn value_of(&self, wanted: &str) -> Option<&str> {
        let mut pairs = self.properties.iter();
        let found = pairs.find(|(key, _)| key == wanted);
        found.map(|(_, value)| value.as_str())
    }
}

/// A value, and what follows behind the comma.
fn value(text: &str) -> Result<(&str, Option<&str>), String> {
    let end = match text.strip_prefix('"') {
        None => text.find(',').unwrap_or(text.len()),
        Some(quoted) => {
            let mut escaped = false;
            let end = quoted.char_indices().find(|&(_, c)| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            let (end, _) = end.ok_or_else(|| format!("a quote is not closed: {text:?}"))?;
            end + 2
        }
    };
    let (value, after) = text.split_at(end);
    match after.strip_prefix(',') {
        Some(after) => Ok((value, Some(after))),
        None if after.is_empty() => Ok((value, None)),
        None => Err(format!("something follows a quoted value: {after:?}")),
    }
}

/// What a value of an object name says, without the quotes that it may be written in.
pub fn unquoted(value: &str) -> Cow<'_, str> {
    let inner = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
    let Some(inner) = inner else {
        return Cow::Borrowed(value);
    };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some(escaped) => out.push(escaped),
                None => {}
            },
            plain => out.push(plain),
        }
    }
    Cow::Owned(out)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Any,
    One,
    Char(char),
}

fn tokens(pattern: &str) -> Vec<Token> {
    let quoted = pattern.starts_with('"');
    let mut escaped = false;
    let token = |c: char| {
        let token = match c {
            '*' if !escaped => Token::Any,
            '?' if !escaped => Token::One,
            other => Token::Char(other),
        };
        escaped = quoted && c == '\\' && !escaped;
        token
    };
    pattern.chars().map(token).collect()
}

fn is_wild(pattern: &str) -> bool {
    let mut tokens = tokens(pattern).into_iter();
    tokens.any(|token| !matches!(token, Token::Char(_)))
}

/// Greedy with one place to come back to: no more steps than the product of the lengths.
fn wild_match(pattern: &str, text: &str) -> bool {
    let pattern = tokens(pattern);
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Token::Any) => {
                back = Some((p, t));
                p += 1;
            }
            Some(Token::One) => (p, t) = (p + 1, t + 1),
            Some(Token::Char(c)) if *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => {
                let Some((star, taken)) = back else {
                    return false;
                };
                back = Some((star, taken + 1));
                (p, t) = (star + 1, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|token| *token == Token::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ObjectName {
        ObjectName::parse(text).unwrap()
    }

    fn matches(pattern: &str, text: &str) -> bool {
        name(pattern).matches(&name(text))
    }

    #[test]
    fn keys_must_be_the_same_unless_further_ones_are_allowed() {
        let requests =
            "kafka.network:type=RequestMetrics,name=RequestsPerSec,request=Fetch,version=12";
        assert!(!matches(
            "kafka.network:name=*,request=*,type=RequestMetrics",
            requests
        ));
        assert!(matches(
            "kafka.network:name=*,type=RequestMetrics,*",
            requests
        ));
        let open = "kafka.network:*,name=RequestsPerSec,type=RequestMetrics";
        assert!(matches(open, requests));
        assert!(matches("kafka.*:*", requests) && matches("*:*", requests));
        assert!(!matches("kafka.server:*", requests));
        assert!(matches(
            "kafka.network:type=Request?etrics,name=Req*Sec,request=F*,version=1?",
            requests
        ));
        assert!(!matches(
            "kafka.network:type=RequestMetrics,name=*PerSecond,*",
            requests
        ));
        assert!(matches("a:b=*x*y*", "a:b=1x2x3y") && !matches("a:b=*x*y", "a:b=1x2y3"));
    }

    #[test]
    fn quoted_values_may_hold_everything() {
        let quoted = name(r#"kafka.server:type=Produce,client-id="a,b=\"c\"\*:""#);
        assert!(!quoted.is_pattern());
        assert_eq!(
            quoted.canonical(),
            r#"kafka.server:client-id="a,b=\"c\"\*:",type=Produce"#
        );
        assert!(name("kafka.server:type=Produce,client-id=*").matches(&quoted));
        let (_, value) = quoted.properties().next_back().unwrap();
        assert_eq!(unquoted(value), r#"a,b="c"*:"#);
        assert_eq!(unquoted("plain"), "plain");
        assert!(name(r#"kafka.server:type=Produce,client-id="a*""#).is_pattern());
        assert!(matches(r#"a:b="x*""#, r#"a:b="x,y""#) && !matches(r#"a:b="x*""#, "a:b=xy"));
    }

    #[test]
    fn what_is_no_name_is_told() {
        for bad in [
            "",
            "a",
            "a:",
            "a:b",
            "a:b=",
            "a:=b",
            "a:b=1,b=2",
            "a:b=\"x",
            "a:b=\"x\"y",
            "a:b=1,",
        ] {
            assert!(ObjectName::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(name("a:z=1,b=2").canonical(), "a:b=2,z=1");
        assert_eq!(name("a:z=1,*").canonical(), "a:z=1,*");
        assert!(name("a:*").is_pattern() && !name("a:b=1").is_pattern());
    }
}
