//! Java's JAAS format, as far as Kafka's brokers need it.
//!
//! ```text
//! <login module> <required|requisite|sufficient|optional> key=value key="value" …;
//! ```

use std::collections::BTreeMap;

use crate::secret::Secret;

/// One entry: a login module and its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JaasEntry {
    /// The Java class.
    pub module: String,
    /// Its options.
    pub options: BTreeMap<String, Secret>,
}

/// Parses a value of `sasl.jaas.config`: exactly one entry. The error never quotes the value.
pub(crate) fn parse(text: &str) -> Result<JaasEntry, String> {
    let mut words = Words { rest: text };
    let module = words.next()?.ok_or("it is empty")?;
    let flag = words.next()?.unwrap_or_default().to_ascii_lowercase();
    if !["required", "requisite", "sufficient", "optional"].contains(&flag.as_str()) {
        return Err("the login module must be followed by required (or another flag)".into());
    }
    let mut options = BTreeMap::new();
    loop {
        let key = words.next()?.ok_or("it does not end with a semicolon")?;
        if key == ";" {
            break;
        }
        if words.next()?.as_deref() != Some("=") {
            return Err("each option must be of the form key=value".into());
        }
        let value = words.next()?.ok_or("an option has no value")?;
        if value == ";" || value == "=" {
            return Err("an option has no value".into());
        }
        options.insert(key, Secret::new(value));
    }
    if words.next()?.is_some() {
        return Err("there must be one login module, not several".into());
    }
    Ok(JaasEntry { module, options })
}

/// Splits by white space, `=` and `;`; quotes hold a word together.
struct Words<'a> {
    rest: &'a str,
}

impl Words<'_> {
    fn next(&mut self) -> Result<Option<String>, String> {
        self.rest = self.rest.trim_start();
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        match first {
            '=' | ';' => {
                self.rest = &self.rest[1..];
                Ok(Some(first.to_string()))
            }
            '"' | '\'' => self.quoted(first).map(Some),
            _ => {
                let ends = |c: char| c.is_whitespace() || c == '=' || c == ';';
                let end = self.rest.find(ends).unwrap_or(self.rest.len());
                let (word, rest) = self.rest.split_at(end);
                self.rest = rest;
                Ok(Some(word.to_owned()))
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut word = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.rest = &self.rest[at + 1..];
                return Ok(word);
            }
            match c {
                '\\' => word.extend(chars.next().map(|(_, escaped)| escaped)),
                c => word.push(c),
            }
        }
        Err("a quote is not closed".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_and_its_options() {
        let text = "org.apache.kafka.common.security.plain.PlainLoginModule required \\\n \
                    username=admin user_admin=\"a;b=c \\\"d\\\"\"\n user_bob='x y';";
        let entry = parse(&text.replace("\\\n", "\n")).expect("valid");
        assert!(entry.module.ends_with("PlainLoginModule"));
        let option = |key: &str| entry.options[key].reveal().to_owned();
        assert_eq!(option("username"), "admin");
        assert_eq!(option("user_admin"), "a;b=c \"d\"");
        assert_eq!(option("user_bob"), "x y");
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        for wrong in [
            "",
            "Module",
            "Module maybe;",
            "Module required",
            "Module required user=\"hunter2",
            "Module required user hunter2;",
            "Module required user=;",
            "Module required user=hunter2; Other required;",
        ] {
            let error = parse(wrong).expect_err(wrong);
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
