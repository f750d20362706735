//! Kafka's identifiers: 16 bytes, written as 22 characters of base64url.

use std::fmt;
use std::str::FromStr;

/// An identifier of a topic, a directory, a client …
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Uuid([u8; 16]);

/// A text that is not a UUID in Kafka's form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a uuid: {0:?}")]
pub struct ParseUuidError(String);

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Characters of the text.
const TEXT_CHARS: usize = 22;

impl Uuid {
    /// Stands for "none".
    pub const ZERO: Self = Self([0; 16]);
    /// Reserved by Kafka: the id of the metadata topic, and of an unassigned directory.
    pub const ONE: Self = Self([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

    /// The identifier with these bytes, most significant first.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, most significant first.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Whether this is [`Uuid::ZERO`].
    pub const fn is_zero(self) -> bool {
        u128::from_be_bytes(self.0) == 0
    }

    /// A random identifier (version 4) from 16 random bytes.
    ///
    /// It is never one of Kafka's reserved ones, and its text never starts with `-`, which command
    /// lines would take for an option.
    pub const fn random_from(random: [u8; 16]) -> Self {
        let mut bytes = random;
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        if bytes[0] >> 2 == 62 {
            bytes[0] &= 0x7f;
        }
        Self(bytes)
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = u128::from_be_bytes(self.0);
        let mut text = String::with_capacity(TEXT_CHARS);
        // 21 characters carry 6 bits each, the last one 2 bits and four zeros.
        for index in 0..TEXT_CHARS {
            let six = match 122_usize.checked_sub(6 * index) {
                Some(shift) => (value >> shift) & 0x3f,
                None => (value << 4) & 0x3f,
            };
            text.push(char::from(ALPHABET[six as usize]));
        }
        f.pad(&text)
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Uuid {
    type Err = ParseUuidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseUuidError(text.chars().take(64).collect());
        let text_bytes = text.trim_end_matches('=').as_bytes();
        if text_bytes.len() != TEXT_CHARS {
            return Err(wrong());
        }
        let mut value = 0_u128;
        for (index, byte) in text_bytes.iter().enumerate() {
            let six = ALPHABET
                .iter()
                .position(|known| known == byte)
                .ok_or_else(wrong)? as u128;
            value = if index + 1 < TEXT_CHARS {
                (value << 6) | six
            } else {
                (value << 2) | (six >> 4)
            };
        }
        Ok(Self(value.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_kafkas() {
        assert_eq!(Uuid::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(Uuid::ONE.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        let all = Uuid::from_bytes([0xff; 16]);
        assert_eq!(all.to_string(), "_____________________w");
        let mixed = Uuid::from_bytes(std::array::from_fn(|index| index as u8));
        assert_eq!(mixed.to_string(), "AAECAwQFBgcICQoLDA0ODw");
        for id in [Uuid::ZERO, Uuid::ONE, all, mixed] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn text_that_is_no_uuid_is_refused() {
        for text in [
            "",
            "AAAA",
            "AAAAAAAAAAAAAAAAAAAAA!",
            "AAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert!(text.parse::<Uuid>().is_err(), "{text}");
        }
    }

    #[test]
    fn random_ones_are_never_reserved() {
        for byte in 0..=255_u8 {
            let mut random = [0; 16];
            random[0] = byte;
            let id = Uuid::random_from(random);
            assert!(!id.to_string().starts_with('-'));
            assert!(id != Uuid::ZERO && id != Uuid::ONE);
        }
    }
}
