//! `limpid.http.tokens.file`: lines `name:sha256$<hexadecimal>`. A token is shown once, when it is
//! made; only its digest is kept.

use std::collections::HashMap;
use std::path::Path;

use limpid_platform::random::Random;

use crate::digest::{self, Digest};
use crate::reread::{self, FromText};
use crate::users::{self, ChangeError};

/// Most tokens in a file.
const TOKENS_MAX: usize = 10_000;
/// What tokens of ours begin with, so that those who look for leaked secrets know them.
const PREFIX: &str = "limpid_";
const ALGORITHM: &str = "sha256$";

/// Tokens by their digests.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    /// Looked up by the digest of what was sent: how long that takes tells nothing about a token.
    by_digest: HashMap<Digest, String>,
}

impl Tokens {
    /// The name that goes with a token.
    pub(crate) fn name(&self, token: &str) -> Option<&str> {
        let name = self.by_digest.get(&digest::of(token));
        name.map(String::as_str)
    }
}

impl FromText for Tokens {
    fn from_text(text: &str) -> Result<Self, (usize, String)> {
        let mut by_digest = HashMap::new();
        for (line, entry) in reread::entries(text) {
            let at = |reason: String| (line, reason);
            let (name, secret) = entry.map_err(at)?;
            let digest = secret.strip_prefix(ALGORITHM).and_then(digest::from_hex);
            let Some(digest) = digest else {
                return Err(at(format!(
                    "the token of {name} is not of the form {ALGORITHM}… with 64 digits"
                )));
            };
            if by_digest.insert(digest, name.to_owned()).is_some() {
                return Err(at(format!("the token of {name} is there twice")));
            }
            if by_digest.len() > TOKENS_MAX {
                return Err(at(format!("more than {TOKENS_MAX} tokens")));
            }
        }
        Ok(Self { by_digest })
    }
}

/// Makes a token for `name` in place of the one it had, and returns it; the file is made if it isn't
/// there.
///
/// # Errors
/// See [`ChangeError`]; the file is as it was.
pub fn add(path: &Path, name: &str, random: &dyn Random) -> Result<String, ChangeError> {
    reread::checked_name(name).map_err(ChangeError::Refused)?;
    let secret = digest::secret(random).map_err(ChangeError::Random)?;
    let token = format!("{PREFIX}{secret}");
    let line = format!("{ALGORITHM}{}", digest::hex(&digest::of(&token)));
    users::change::<Tokens>(path, |text| Ok(reread::with_entry(text, name, &line)))?;
    Ok(token)
}

/// Removes the token of `name`.
///
/// # Errors
/// See [`ChangeError`]; the file is as it was.
pub fn remove(path: &Path, name: &str) -> Result<(), ChangeError> {
    users::change::<Tokens>(path, |text| users::removed(text, name))
}

#[cfg(test)]
mod tests {
    use limpid_platform::random::OsRandom;

    use super::*;

    #[test]
    fn a_token_is_known_by_its_digest_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokens");
        let first = add(&path, "prometheus", &OsRandom).unwrap();
        let other = add(&path, "ci", &OsRandom).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&first[PREFIX.len()..]), "{text}");
        let tokens: Tokens = reread::read(&path).unwrap();
        assert_eq!(tokens.name(&first), Some("prometheus"));
        assert_eq!(tokens.name(&other), Some("ci"));
        assert_eq!(tokens.name(&first[..first.len() - 1]), None);
        assert_eq!(tokens.name(""), None);

        let second = add(&path, "prometheus", &OsRandom).unwrap();
        remove(&path, "ci").unwrap();
        let tokens: Tokens = reread::read(&path).unwrap();
        assert_eq!(tokens.name(&second), Some("prometheus"));
        assert_eq!((tokens.name(&first), tokens.name(&other)), (None, None));
    }

    #[test]
    fn a_token_in_the_clear_is_refused_and_not_repeated() {
        for text in ["ci:geheim", "ci:sha256$geheim", "ci:sha256$"] {
            let (line, reason) = Tokens::from_text(text).unwrap_err();
            assert_eq!(line, 1);
            assert!(reason.contains("the token of ci is not"), "{reason}");
            assert!(!reason.contains("geheim"), "{reason}");
        }
    }
}
