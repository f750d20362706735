//! Users of SCRAM as `storage format --add-scram` takes them, in the form of Kafka's tool:
//!
//! ```text
//! SCRAM-SHA-256=[name=alice,password=secret[,iterations=4096][,salt=base64]]
//! SCRAM-SHA-512=[name=alice,saltedpassword=base64,salt=base64[,iterations=4096]]
//! ```

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use limpid_broker::api::k51_alter_user_scram_credentials::scram_record;
use limpid_config::SaslMechanism;
use limpid_platform::random::OsRandom;
use limpid_security::scram::{self, ITERATIONS_MAX, ITERATIONS_MIN, ScramCredential, ScramHash};
use limpid_storage::metadata::MetadataRecord;

use crate::error::StartError;

/// The record that makes a user. What is wrong is told without quoting the password.
pub(crate) fn record(text: &str) -> Result<MetadataRecord, StartError> {
    parse(text).map_err(StartError::ScramUser)
}

fn parse(text: &str) -> Result<MetadataRecord, String> {
    let form = "expected SCRAM-SHA-256=[name=…,password=…] or SCRAM-SHA-512=[…]";
    let (mechanism, rest) = text.split_once('=').ok_or(form)?;
    let hash = match SaslMechanism::of_name(mechanism) {
        Some(SaslMechanism::ScramSha256) => ScramHash::Sha256,
        Some(SaslMechanism::ScramSha512) => ScramHash::Sha512,
        _ => return Err(form.into()),
    };
    let inner = rest
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let mut fields = fields(inner.ok_or(form)?)?;
    let name = fields.remove("name").filter(|name| !name.is_empty());
    let name = name.ok_or("the name is missing")?;
    let iterations = iterations(fields.remove("iterations"))?;
    let decode = |text: String| {
        let decoded = STANDARD.decode(text);
        decoded.map_err(|_| "salt and saltedpassword must be base64".to_owned())
    };
    let salt = fields.remove("salt").map(decode).transpose()?;
    let salted = fields.remove("saltedpassword").map(decode).transpose()?;
    let credential = match (fields.remove("password"), salted, salt) {
        (Some(password), None, salt) => {
            let new_salt = || scram::new_salt(&OsRandom).map_err(|e| e.to_string());
            let salt = salt.map_or_else(new_salt, Ok)?;
            ScramCredential::of_password(hash, &password, &salt, iterations)
        }
        (None, Some(salted), Some(salt)) => {
            ScramCredential::of_salted(hash, &salted, &salt, iterations.get())
        }
        _ => return Err("give either password, or saltedpassword and salt".into()),
    };
    match fields.into_keys().next() {
        Some(unknown) => Err(format!("{unknown} is not known")),
        None => Ok(scram_record(&name, hash, credential)),
    }
}

/// `key=value` pairs; quotes around a value let it have commas.
fn fields(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut fields = BTreeMap::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or("expected key=value")?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or("a quote is not closed")?,
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        let key = key.trim().to_owned();
        if fields.insert(key.clone(), value.to_owned()).is_some() {
            return Err(format!("{key} is there twice"));
        }
        rest = match after.trim_start().strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.trim().is_empty() => "",
            None => return Err("expected a comma after a quote".into()),
        };
    }
    Ok(fields)
}

fn iterations(text: Option<String>) -> Result<NonZeroU32, String> {
    let number = match text {
        None => Some(ITERATIONS_MIN),
        Some(text) => text.parse().ok(),
    };
    let allowed = ITERATIONS_MIN..=ITERATIONS_MAX;
    number
        .filter(|number| allowed.contains(number))
        .and_then(NonZeroU32::new)
        .ok_or_else(|| format!("iterations must be from {ITERATIONS_MIN} to {ITERATIONS_MAX}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str) -> (String, i8, i32, usize) {
        let MetadataRecord::UserScramCredential(record) = parse(text).expect(text) else {
            panic!("another record");
        };
        (
            record.name,
            record.mechanism,
            record.iterations,
            record.salt.len(),
        )
    }

    #[test]
    fn users_in_the_form_of_kafkas_tool() {
        assert_eq!(
            made("SCRAM-SHA-256=[name=alice,password=a=b]"),
            ("alice".into(), 1, 4096, 24)
        );
        assert_eq!(
            made("SCRAM-SHA-512=[name=\"a,b\", password=\"x,y\", iterations=8192, salt=YWJj]"),
            ("a,b".into(), 2, 8192, 3)
        );
        assert_eq!(
            made("SCRAM-SHA-256=[name=a,saltedpassword=YWJj,salt=YWJj]"),
            ("a".into(), 1, 4096, 3)
        );
    }

    #[test]
    fn mistakes_are_told_without_the_password() {
        for wrong in [
            "",
            "PLAIN=[name=a,password=hunter2]",
            "SCRAM-SHA-256=name=a,password=hunter2",
            "SCRAM-SHA-256=[password=hunter2]",
            "SCRAM-SHA-256=[name=a]",
            "SCRAM-SHA-256=[name=a,saltedpassword=YWJj]",
            "SCRAM-SHA-256=[name=a,password=hunter2,saltedpassword=YWJj,salt=YWJj]",
            "SCRAM-SHA-256=[name=a,password=hunter2,iterations=4095]",
            "SCRAM-SHA-256=[name=a,password=hunter2,salt=!]",
            "SCRAM-SHA-256=[name=a,password=hunter2,what=x]",
            "SCRAM-SHA-256=[name=a,password=hunter2,password=x]",
            "SCRAM-SHA-256=[name=a,password=\"hunter2]",
            "SCRAM-SHA-256=[name=a,password=\"hunter2\"x]",
        ] {
            let error = parse(wrong).expect_err(wrong);
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
