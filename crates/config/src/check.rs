//! Types and validators: what a value must look like before it is believed.

use crate::kind::Kind;

/// What a value must satisfy beyond its type.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// Nothing.
    Any,
    /// A number of at least this.
    Min(i64),
    /// A number in this range, both ends included.
    Between(i64, i64),
    /// A number in this range, or -1 for "choose for me".
    BetweenOrMinusOne(i64, i64),
    /// A floating-point number in this range, both ends included.
    Fraction(f64, f64),
    /// One of these words; each item, for a list.
    OneOf(&'static [&'static str]),
    /// As `OneOf`, in any case.
    OneOfAnyCase(&'static [&'static str]),
    /// Text (or a list) that is not empty.
    NonEmpty,
    /// One of these words for each item of a list that is not empty.
    SomeOf(&'static [&'static str]),
    /// A check of its own; the error says what was expected.
    With(fn(&str) -> Result<(), String>),
}

/// Splits a list as Kafka does: by commas, white space around the items dropped.
pub fn list_items(value: &str) -> impl Iterator<Item = &str> {
    let trimmed = value.trim();
    let count = if trimmed.is_empty() { 0 } else { usize::MAX };
    trimmed.split(',').map(str::trim).take(count)
}

/// Parses a boolean as Kafka does.
pub fn parse_boolean(value: &str) -> Option<bool> {
    let value = value.trim();
    if value.eq_ignore_ascii_case("true") {
        Some(true)
    } else if value.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Parses a whole number that must fit the kind.
pub fn parse_integer(kind: Kind, value: &str) -> Option<i64> {
    let value = value.trim();
    match kind {
        Kind::Short => value.parse::<i16>().ok().map(i64::from),
        Kind::Int => value.parse::<i32>().ok().map(i64::from),
        _ => value.parse::<i64>().ok(),
    }
}

/// Parses a floating-point number; Java's spelling of exponents is Rust's as well.
pub fn parse_double(value: &str) -> Option<f64> {
    value
        .trim()
        .parse::<f64>()
        .ok()
        .filter(|number| !number.is_nan())
}

/// Checks `value` against type and validator.
pub(crate) fn validate(kind: Kind, check: Check, value: &str) -> Result<(), String> {
    match kind {
        Kind::Boolean => match parse_boolean(value) {
            Some(_) => Ok(()),
            None => Err("expected true or false".into()),
        },
        Kind::Int | Kind::Short | Kind::Long => match parse_integer(kind, value) {
            Some(number) => validate_integer(check, number),
            None => Err(format!("expected a whole number ({})", integer_width(kind))),
        },
        Kind::Double => match parse_double(value) {
            Some(number) => validate_double(check, number),
            None => Err("expected a number".into()),
        },
        Kind::List => validate_list(check, value),
        Kind::String | Kind::Class | Kind::Password => validate_text(check, value.trim()),
    }
}

fn integer_width(kind: Kind) -> &'static str {
    match kind {
        Kind::Short => "short, 16 bits",
        Kind::Int => "int, 32 bits",
        _ => "long, 64 bits",
    }
}

fn validate_integer(check: Check, number: i64) -> Result<(), String> {
    match check {
        Check::Min(low) if number < low => Err(format!("must be at least {low}")),
        Check::Between(low, _) if number < low => Err(format!("must be at least {low}")),
        Check::Between(_, high) if number > high => Err(format!("must be at most {high}")),
        Check::BetweenOrMinusOne(low, high) if number != -1 && !(low..=high).contains(&number) => {
            Err(format!("must be from {low} to {high}, or -1"))
        }
        _ => Ok(()),
    }
}

fn validate_double(check: Check, number: f64) -> Result<(), String> {
    match check {
        Check::Fraction(low, _) if number < low => Err(format!("must be at least {low}")),
        Check::Fraction(_, high) if number > high => Err(format!("must be at most {high}")),
        _ => Ok(()),
    }
}

fn validate_list(check: Check, value: &str) -> Result<(), String> {
    let mut seen = Vec::new();
    for item in list_items(value) {
        if item.is_empty() {
            return Err("a list must not contain empty items".into());
        }
        if let Check::OneOf(words) | Check::SomeOf(words) = check
            && !words.contains(&item)
        {
            return Err(format!("{item} is not one of: {}", words.join(", ")));
        }
        if seen.contains(&item) {
            return Err(format!("{item} is listed twice"));
        }
        seen.push(item);
    }
    match check {
        Check::NonEmpty | Check::SomeOf(_) if seen.is_empty() => Err("must not be empty".into()),
        Check::With(test) => test(value),
        _ => Ok(()),
    }
}

fn validate_text(check: Check, value: &str) -> Result<(), String> {
    match check {
        Check::OneOf(words) if !words.contains(&value) => {
            Err(format!("must be one of: {}", words.join(", ")))
        }
        Check::OneOfAnyCase(words)
            if !words.iter().any(|word| word.eq_ignore_ascii_case(value)) =>
        {
            Err(format!(
                "must be one of (in any case): {}",
                words.join(", ")
            ))
        }
        Check::NonEmpty if value.is_empty() => Err("must not be empty".into()),
        Check::With(test) => test(value),
        _ => Ok(()),
    }
}

/// A list of `partition:broker` pairs, or the literal `*`, as replication throttles take it.
pub(crate) fn throttled_replicas(value: &str) -> Result<(), String> {
    let pair = |item: &str| {
        item.split_once(':').is_some_and(|(partition, broker)| {
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            digits(partition.trim()) && digits(broker.trim())
        })
    };
    if value.trim() == "*" || list_items(value).all(pair) {
        Ok(())
    } else {
        Err("must be * or a list of partition:broker pairs, as in 0:1,1:2".into())
    }
}

#[cfg(test)]
mod tests;
