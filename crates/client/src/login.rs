//! Logging in (KIP-43, KIP-152): SaslHandshake, then SaslAuthenticate until both sides are content.

use std::sync::Arc;
use std::time::Duration;

use limpid_protocol::messages::sasl_authenticate_request::SaslAuthenticateRequest;
use limpid_protocol::messages::sasl_handshake_request::SaslHandshakeRequest;
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_security::credentials::{Credentials, Next};

use crate::connection::Connection;
use crate::error::{ErrorKind, check};

/// The first version after which messages of the login have a frame of Kafka's.
const HANDSHAKE_FRAMED: i16 = 1;
/// Names of mechanisms that are repeated, and their characters.
const NAMES_MAX: usize = 8;
const NAME_CHARS_MAX: usize = 32;
/// Characters of a broker's reason that are repeated.
const REASON_CHARS_MAX: usize = 200;
/// Messages of the longest login there is.
const ROUNDS_MAX: usize = 3;

/// Logs in on a new connection. How long that holds, if the broker says so.
pub(crate) async fn log_in(
    connection: &Connection,
    credentials: &Arc<Credentials>,
    patience: Duration,
) -> Result<Option<Duration>, ErrorKind> {
    let no_login = || {
        ErrorKind::Refused(
            "the broker has no logins (SASL) here: security.protocol must be PLAINTEXT or SSL"
                .to_owned(),
        )
    };
    let version = connection.version::<SaslHandshakeRequest>(HANDSHAKE_FRAMED);
    let version = version.map_err(|_| no_login())?;
    if version < HANDSHAKE_FRAMED {
        return Err(ErrorKind::Refused(
            "the broker is too old to log in to: it has no SaslAuthenticate (Kafka 1.0)".to_owned(),
        ));
    }
    let request = SaslHandshakeRequest {
        mechanism: credentials.mechanism().to_owned(),
    };
    let answer = connection.call(version, &request, patience).await?;
    match ErrorCode::from_code(answer.error_code) {
        Some(ErrorCode::IllegalSaslState) => return Err(no_login()),
        Some(ErrorCode::UnsupportedSaslMechanism) => {
            return Err(no_mechanism(credentials, &answer.mechanisms));
        }
        _ => check(answer.error_code, credentials.mechanism(), None)?,
    }
    authenticate(connection, credentials, patience).await
}

async fn authenticate(
    connection: &Connection,
    credentials: &Arc<Credentials>,
    patience: Duration,
) -> Result<Option<Duration>, ErrorKind> {
    let version = connection.version::<SaslAuthenticateRequest>(i16::MAX)?;
    let begun = credentials.begin();
    let (mut dialogue, mut message) = begun.map_err(|e| ErrorKind::Connect(e.to_string()))?;
    for _ in 0..ROUNDS_MAX {
        let request = SaslAuthenticateRequest {
            auth_bytes: message.into(),
        };
        let answer = connection.call(version, &request, patience).await?;
        if answer.error_code != ErrorCode::None.code() {
            let said = answer.error_message.as_deref();
            return Err(refused(credentials, answer.error_code, said));
        }
        // SCRAM hashes for milliseconds.
        let heard = tokio::task::spawn_blocking(move || dialogue.hear(&answer.auth_bytes)).await;
        let heard = heard.map_err(|_| ErrorKind::Closed)?;
        match heard.map_err(|error| failed(credentials, &error.to_string()))? {
            Next::Done => {
                let lifetime = u64::try_from(answer.session_lifetime_ms).unwrap_or(0);
                return Ok((lifetime > 0).then(|| Duration::from_millis(lifetime)));
            }
            Next::Say(next, answer) => (dialogue, message) = (next, answer),
        }
    }
    let api = ApiKey::SaslAuthenticate;
    Err(failed(credentials, &format!("{api} does not end")))
}

fn no_mechanism(credentials: &Credentials, there: &[String]) -> ErrorKind {
    let cut = |name: &String| name.chars().take(NAME_CHARS_MAX).collect::<String>();
    let names: Vec<String> = there.iter().take(NAMES_MAX).map(cut).collect();
    ErrorKind::Refused(format!(
        "the broker does not take {}, but {}: set sasl.mechanism (and sasl.jaas.config) to one of them",
        credentials.mechanism(),
        names.join(", ")
    ))
}

fn refused(credentials: &Credentials, code: i16, said: Option<&str>) -> ErrorKind {
    let name = ErrorCode::from_code(code).map_or_else(|| code.to_string(), |c| c.to_string());
    let said = said.unwrap_or_default();
    let said: String = said.chars().take(REASON_CHARS_MAX).collect();
    let reason = match said.is_empty() {
        true => name,
        false => format!("{name}: {said}"),
    };
    failed(credentials, &format!("the broker refused it ({reason})"))
}

fn failed(credentials: &Credentials, reason: &str) -> ErrorKind {
    ErrorKind::Refused(format!(
        "can't log in as {} by {}: {reason}; look at username and password in sasl.jaas.config, and \
         whether the cluster has this user for sasl.mechanism",
        credentials.user(),
        credentials.mechanism()
    ))
}

#[cfg(test)]
mod tests {
    use limpid_config::{ClientLogin, SaslMechanism, Secret};

    use super::*;

    #[test]
    fn what_a_hostile_broker_says_is_repeated_in_part() {
        let credentials = Credentials::new(ClientLogin {
            mechanism: SaslMechanism::Plain,
            user: "ann".into(),
            password: Secret::new("hunter2"),
        });
        let names = vec!["ü".repeat(100_000); 100];
        let long = "x".repeat(100_000);
        for error in [
            no_mechanism(&credentials, &names),
            refused(&credentials, 58, Some(&long)),
            refused(&credentials, 31_000, None),
        ] {
            let text = error.to_string();
            assert!(text.len() < 1_000, "{}", text.len());
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
