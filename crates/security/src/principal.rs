//! Who a connection acts for.

use std::fmt;

/// A type and a name, as in `User:alice`. Nearly every principal is a user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal {
    text: Box<str>,
    /// Bytes of the type.
    kind: usize,
}

impl Principal {
    /// The type of everybody who logs in.
    pub const USER: &str = "User";

    /// The user of this name.
    pub fn user(name: &str) -> Self {
        Self {
            text: format!("{}:{name}", Self::USER).into(),
            kind: Self::USER.len(),
        }
    }

    /// Whoever did not have to say who they are.
    pub fn anonymous() -> Self {
        Self::user("ANONYMOUS")
    }

    /// Takes `Type:name` apart; neither may be empty.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once(':')?;
        (!kind.is_empty() && !name.is_empty()).then(|| Self {
            text: text.into(),
            kind: kind.len(),
        })
    }

    /// The type.
    pub fn kind(&self) -> &str {
        &self.text[..self.kind]
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.text[self.kind + 1..]
    }

    /// `Type:name`.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::Principal;

    #[test]
    fn type_and_name() {
        let alice = Principal::parse("User:CN=a:b").expect("valid");
        assert_eq!((alice.kind(), alice.name()), ("User", "CN=a:b"));
        assert_eq!(alice, Principal::user("CN=a:b"));
        assert_eq!(alice.to_string(), "User:CN=a:b");
        for wrong in ["", "User", "User:", ":a"] {
            assert_eq!(Principal::parse(wrong), None, "{wrong}");
        }
    }
}
