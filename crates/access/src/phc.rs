//! Hashes of passwords: `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::digest;

/// What new hashes cost: OWASP's first choice, 19 MiB and about 20 ms.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// What hashes that others made may cost at most.
pub(crate) const MEMORY_KIB_MAX: u32 = 65_536;
const PASSES_MAX: u32 = 10;
const LANES_MAX: u32 = 4;
/// Bytes of a new salt and of every hash.
const SALT_BYTES: usize = 16;
const SALT_BYTES_MAX: usize = 64;
const HASH_BYTES: usize = 32;
/// Longest password that is looked at; Argon2 itself has no limit to speak of.
pub(crate) const PASSWORD_BYTES_MAX: usize = 1_024;

/// Why a hash can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Another form.
    #[error("not of the form $argon2id$v=19$m=…,t=…,p=…$salt$hash")]
    Form,
    /// It would take too long or too much memory.
    #[error(
        "costs more than m={MEMORY_KIB_MAX},t={PASSES_MAX},p={LANES_MAX}, or less than Argon2 allows"
    )]
    Cost,
}

/// A hash of a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PasswordHash {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: Vec<u8>,
    hash: [u8; HASH_BYTES],
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHash").finish_non_exhaustive()
    }
}

impl PasswordHash {
    /// Reads one.
    pub(crate) fn parse(text: &str) -> Result<Self, HashError> {
        let mut parts = text.split('$');
        let mut part = || parts.next().ok_or(HashError::Form);
        if !part()?.is_empty() || part()? != "argon2id" || part()? != "v=19" {
            return Err(HashError::Form);
        }
        let mut costs = part()?.split(',');
        let mut cost = |key: &str| {
            let item = costs.next().and_then(|item| item.strip_prefix(key));
            let number = item.and_then(|item| item.strip_prefix('='));
            let number = number.and_then(|digits| digits.parse::<u32>().ok());
            number.ok_or(HashError::Form)
        };
        let (memory_kib, passes, lanes) = (cost("m")?, cost("t")?, cost("p")?);
        let decoded = |text: &str| STANDARD_NO_PAD.decode(text).map_err(|_| HashError::Form);
        let salt = decoded(part()?)?;
        let hash = decoded(part()?)?.try_into().map_err(|_| HashError::Form)?;
        let more = parts.next().is_some() || costs.next().is_some();
        if more || !(8..=SALT_BYTES_MAX).contains(&salt.len()) {
            return Err(HashError::Form);
        }
        let beyond = memory_kib > MEMORY_KIB_MAX || passes > PASSES_MAX || lanes > LANES_MAX;
        let found = Self {
            memory_kib,
            passes,
            lanes,
            salt,
            hash,
        };
        match beyond || found.params().is_none() {
            true => Err(HashError::Cost),
            false => Ok(found),
        }
    }

    /// Hashes a password. Takes its time.
    pub(crate) fn of(password: &str, salt: [u8; SALT_BYTES]) -> Self {
        let mut new = Self {
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
            salt: salt.to_vec(),
            hash: [0; HASH_BYTES],
        };
        new.hash = new.computed(password).unwrap_or_default();
        new
    }

    /// What somebody is compared with whom nobody knows: nobody knows its password either, and it
    /// takes as long as a real one.
    pub(crate) fn decoy() -> Self {
        Self {
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
            salt: vec![0; SALT_BYTES],
            hash: [0; HASH_BYTES],
        }
    }

    /// Whether a password is the right one. Takes its time, the same for every answer.
    pub(crate) fn fits(&self, password: &str) -> bool {
        let computed = self.computed(password);
        computed.is_some_and(|hash| digest::same(&hash, &self.hash))
    }

    /// Changes when the password does.
    pub(crate) fn digest(&self) -> digest::Digest {
        digest::of(&self.to_string())
    }

    fn params(&self) -> Option<Params> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(HASH_BYTES)).ok()
    }

    fn computed(&self, password: &str) -> Option<[u8; HASH_BYTES]> {
        let mut out = [0; HASH_BYTES];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params()?);
        let done = argon2.hash_password_into(password.as_bytes(), &self.salt, &mut out);
        done.is_ok().then_some(out)
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "$argon2id$v=19$m={},t={},p={}${}${}",
            self.memory_kib,
            self.passes,
            self.lanes,
            STANDARD_NO_PAD.encode(&self.salt),
            STANDARD_NO_PAD.encode(self.hash)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by the reference implementation:
    /// `echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32 -e`.
    const REFERENCE: &str = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ\
                             $CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

    #[test]
    fn hashes_of_other_programs_fit() {
        let hash = PasswordHash::parse(REFERENCE).unwrap();
        assert_eq!(hash.to_string(), REFERENCE);
        assert!(hash.fits("password"));
        assert!(!hash.fits("Password"));
    }

    #[test]
    fn a_password_fits_its_own_hash_alone() {
        let hash = PasswordHash::of("geheim", [7; 16]);
        assert!(hash.fits("geheim"));
        assert!(!hash.fits("geheim ") && !hash.fits(""));
        let read = PasswordHash::parse(&hash.to_string()).unwrap();
        assert_eq!(read, hash);
        assert!(
            !format!("{hash:?}").contains("argon2id"),
            "not shown by accident"
        );
        for password in ["", "decoy"] {
            assert!(!PasswordHash::decoy().fits(password));
        }
    }

    #[test]
    fn what_is_no_hash_or_costs_too_much_is_refused() {
        let costs = |costs: &str| REFERENCE.replace("m=65536,t=2,p=1", costs);
        for (text, error) in [
            (String::new(), HashError::Form),
            ("geheim".to_owned(), HashError::Form),
            ("$2y$05$abcdefghijklmnopqrstuv".to_owned(), HashError::Form),
            (REFERENCE.replace("argon2id", "argon2i"), HashError::Form),
            (REFERENCE.replace("v=19", "v=16"), HashError::Form),
            (format!("{REFERENCE}$"), HashError::Form),
            (REFERENCE.replace("c29tZXNhbHQ", "YWJj"), HashError::Form),
            (costs("m=65536,t=2"), HashError::Form),
            (costs("t=2,m=65536,p=1"), HashError::Form),
            (costs("m=65536,t=2,p=1,x=1"), HashError::Form),
            (costs("m=-1,t=2,p=1"), HashError::Form),
            (costs("m=65537,t=2,p=1"), HashError::Cost),
            (costs("m=4294967295,t=2,p=1"), HashError::Cost),
            (costs("m=65536,t=11,p=1"), HashError::Cost),
            (costs("m=65536,t=2,p=5"), HashError::Cost),
            (costs("m=1,t=0,p=0"), HashError::Cost),
        ] {
            assert_eq!(PasswordHash::parse(&text), Err(error), "{text}");
        }
    }
}
