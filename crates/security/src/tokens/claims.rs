//! What is looked at of a token's parts. Everything else in them is stepped over and never held: a token
//! comes from whoever connects, and JSON takes many times its length once it is values.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A part of a token, as far as it was asked for.
#[derive(Debug)]
pub(super) struct Claims<'w> {
    wanted: Wanted<'w>,
    /// As many as names are wanted.
    found: Vec<Option<Claim>>,
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'w> {
    /// Names of claims; one that is there twice is told by its first place.
    pub names: &'w [&'w str],
    /// Of lists only these elements matter.
    pub elements: &'w [String],
}

#[derive(Debug, Clone, PartialEq)]
enum Claim {
    Text(String),
    Number(f64),
    /// Which of the wanted elements are in it.
    List(Vec<bool>),
    Other,
}

impl<'w> Claims<'w> {
    /// Reads a part as it is in the token.
    pub(super) fn read(part: &str, wanted: Wanted<'w>) -> Result<Self, String> {
        let malformed = || "malformed token".to_owned();
        let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed())?;
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let found = Part(wanted)
            .deserialize(&mut json)
            .map_err(|_| malformed())?;
        json.end().map_err(|_| malformed())?;
        Ok(Self { wanted, found })
    }

    fn get(&self, name: &str) -> Option<&Claim> {
        let at = self.wanted.names.iter().position(|known| *known == name)?;
        self.found[at].as_ref()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Claim::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A claim in seconds, with or without a fraction.
    pub(super) fn milliseconds(&self, name: &str) -> Result<i64, String> {
        match self.get(name) {
            Some(Claim::Number(seconds)) => Ok((seconds * 1000.0) as i64),
            _ => Err(format!("no claim {name}")),
        }
    }

    /// The first wanted element that a claim lacks, which is a list or a text with blanks.
    pub(super) fn lacks(&self, name: &str) -> Option<&'w str> {
        let claim = self.get(name);
        let is_there = |(at, element): (usize, &String)| match claim {
            Some(Claim::List(has)) => has[at],
            Some(Claim::Text(text)) => text.split_whitespace().any(|word| word == element),
            _ => false,
        };
        let mut elements = self.wanted.elements.iter().enumerate();
        let missing = elements.find(|element| !is_there(*element))?;
        Some(missing.1)
    }
}

/// Reads an object.
struct Part<'w>(Wanted<'w>);

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = Vec<Option<Claim>>;

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = Vec<Option<Claim>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = vec![None; self.0.names.len()];
        while let Some(place) = map.next_key_seed(OneOf(self.0.names))? {
            match place {
                // Of a claim that is there twice the last one counts.
                Some(at) => found[at] = Some(map.next_value_seed(Value(self.0.elements))?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }
}

/// Reads a text, of which only matters which one of these it is.
struct OneOf<'w, T>(&'w [T]);

impl<'de, T: AsRef<str>> DeserializeSeed<'de> for OneOf<'_, T> {
    type Value = Option<usize>;

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<T: AsRef<str>> Visitor<'_> for OneOf<'_, T> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|known| known.as_ref() == text))
    }
}

/// Reads the value of a claim that is wanted.
struct Value<'w>(&'w [String]);

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Claim;

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<Claim, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Claim;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Claim, E> {
        Ok(Claim::Other)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Claim, E> {
        Ok(Claim::Other)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Claim, E> {
        Ok(Claim::Number(number as f64))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Claim, E> {
        Ok(Claim::Number(number as f64))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Claim, E> {
        Ok(Claim::Number(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Claim, E> {
        Ok(Claim::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Claim, A::Error> {
        let mut has = vec![false; self.0.len()];
        while let Some(found) = list.next_element_seed(Element(self.0))? {
            if let Some(at) = found {
                has[at] = true;
            }
        }
        Ok(Claim::List(has))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claim, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Claim::Other)
    }
}

/// Reads an element of a list, which may be anything.
struct Element<'w>(&'w [String]);

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = Option<usize>;

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        OneOf(self.0).visit_str(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}
