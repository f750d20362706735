//! How templates write numbers: filters over [`limpid_cluster::words`]. What is not known is a dash.

use std::borrow::Borrow;

use askama::{Result, Values, filter_fn};
use limpid_cluster::words;

/// What stands where nothing is known.
pub(crate) const UNKNOWN: &str = "–";

/// A number that is known or not.
pub(crate) trait Maybe: Copy {
    /// The number.
    fn number(self) -> Option<f64>;
}

impl Maybe for f64 {
    fn number(self) -> Option<f64> {
        Some(self)
    }
}

impl Maybe for Option<f64> {
    fn number(self) -> Option<f64> {
        self
    }
}

impl<T: Maybe> Maybe for &T {
    fn number(self) -> Option<f64> {
        (*self).number()
    }
}

/// A count that is known or not.
pub(crate) trait Counted: Copy {
    /// The count; `Err` with a minus sign for the negative ones.
    fn counted(self) -> Option<(bool, u64)>;
}

macro_rules! counted {
    ($($unsigned:ty),*) => {
        $(impl Counted for $unsigned {
            fn counted(self) -> Option<(bool, u64)> {
                Some((false, self as u64))
            }
        })*
    };
}

counted!(u64, u32, usize);

impl Counted for i64 {
    fn counted(self) -> Option<(bool, u64)> {
        Some((self < 0, self.unsigned_abs()))
    }
}

impl<T: Counted> Counted for Option<T> {
    fn counted(self) -> Option<(bool, u64)> {
        self.and_then(Counted::counted)
    }
}

impl<T: Counted> Counted for &T {
    fn counted(self) -> Option<(bool, u64)> {
        (*self).counted()
    }
}

/// `12 345`.
#[filter_fn]
pub(crate) fn count<T: Counted>(value: T, _: &dyn Values) -> Result<String> {
    Ok(match value.counted() {
        None => UNKNOWN.to_owned(),
        Some((false, n)) => words::count(n),
        Some((true, n)) => format!("−{}", words::count(n)),
    })
}

/// `1.4 MiB`.
#[filter_fn]
pub(crate) fn bytes<T: Borrow<u64>>(value: T, _: &dyn Values) -> Result<String> {
    Ok(words::bytes(*value.borrow()))
}

/// `12 345/s`.
#[filter_fn]
pub(crate) fn rate<T: Maybe>(value: T, _: &dyn Values) -> Result<String> {
    Ok(or_unknown(value, words::per_second))
}

/// `1.4 MiB/s`.
#[filter_fn]
pub(crate) fn byte_rate<T: Maybe>(value: T, _: &dyn Values) -> Result<String> {
    Ok(or_unknown(value, words::bytes_per_second))
}

/// A share as `37 %`, with a digit more where it is small.
#[filter_fn]
pub(crate) fn percent<T: Maybe>(value: T, _: &dyn Values) -> Result<String> {
    Ok(or_unknown(value, |share| match share * 100.0 {
        0.0 => "0 %".to_owned(),
        percent @ 0.0..10.0 => format!("{percent:.1} %"),
        percent => format!("{percent:.0} %"),
    }))
}

/// `4 min 10 s`.
#[filter_fn]
pub(crate) fn secs<T: Maybe>(value: T, _: &dyn Values) -> Result<String> {
    Ok(or_unknown(value, words::seconds))
}

/// Seconds as milliseconds with three digits that matter: `0.041`, `12.3`, `508`.
#[filter_fn]
pub(crate) fn millis<T: Maybe>(value: T, _: &dyn Values) -> Result<String> {
    Ok(or_unknown(value, |seconds| {
        let ms = seconds * 1000.0;
        let digits = match ms {
            0.0..0.0005 => return "0".to_owned(),
            0.0005..0.9995 => 3,
            0.9995..9.995 => 2,
            9.995..99.95 => 1,
            _ => 0,
        };
        format!("{ms:.digits$}")
    }))
}

/// `14:03:05 UTC`.
#[filter_fn]
pub(crate) fn time<T: Borrow<i64>>(epoch_ms: T, _: &dyn Values) -> Result<String> {
    Ok(words::time_of_day(*epoch_ms.borrow()))
}

/// `2026-11-21 14:03:05.120`.
#[filter_fn]
pub(crate) fn date_time<T: Borrow<i64>>(epoch_ms: T, _: &dyn Values) -> Result<String> {
    Ok(words::date_time(*epoch_ms.borrow()))
}

/// A sentence that begins with a capital.
#[filter_fn]
pub(crate) fn sentence<T: AsRef<str>>(text: T, _: &dyn Values) -> Result<String> {
    Ok(crate::text::capital(text.as_ref()))
}

/// A word of the metrics as people write it: `member joined`.
#[filter_fn]
pub(crate) fn spaced<T: AsRef<str>>(text: T, _: &dyn Values) -> Result<String> {
    Ok(text.as_ref().replace('_', " "))
}

/// A name that may be empty.
#[filter_fn]
pub(crate) fn name<T: AsRef<str>>(text: T, _: &dyn Values) -> Result<String> {
    let text = text.as_ref();
    Ok(if text.is_empty() {
        "(empty)".to_owned()
    } else {
        text.to_owned()
    })
}

fn or_unknown<T: Maybe>(value: T, write: impl Fn(f64) -> String) -> String {
    value.number().map_or_else(|| UNKNOWN.to_owned(), write)
}
