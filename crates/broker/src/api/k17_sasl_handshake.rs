//! SaslHandshake, key 17, versions 0–1.
//!
//! - A client names the mechanism that it wants to log in with and hears which there are; one that
//!   isn't there is UNSUPPORTED_SASL_MECHANISM and the end of the connection.
//! - After version 0 the messages of the login are bare, each behind its length; after version 1
//!   they come in SaslAuthenticate. It stays at 1 (KAFKA-9577).
//! - `connection::login` takes it where clients log in. Here it comes at the wrong time, or on a
//!   listener without logins: ILLEGAL_SASL_STATE.

use limpid_config::SaslMechanism;
use limpid_protocol::messages::{SaslHandshakeRequest, SaslHandshakeResponse};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::handler::{Answer, ApiRange, Call};

/// Answers SaslHandshake at the wrong time.
pub struct SaslHandshake;

impl Answer for SaslHandshake {
    type Request = SaslHandshakeRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::SaslHandshake, 0, 1);

    async fn answer(
        &self,
        _request: SaslHandshakeRequest,
        call: &mut Call<'_>,
    ) -> SaslHandshakeResponse {
        SaslHandshakeResponse {
            error_code: call.note(ErrorCode::IllegalSaslState),
            mechanisms: Vec::new(),
        }
    }
}

/// The mechanism that a client wants, if it is among the enabled ones, and the answer.
pub fn choose(
    request: &SaslHandshakeRequest,
    enabled: &[SaslMechanism],
) -> (Option<SaslMechanism>, SaslHandshakeResponse) {
    let wanted = SaslMechanism::of_name(&request.mechanism);
    let chosen = wanted.filter(|mechanism| enabled.contains(mechanism));
    let error = match chosen {
        Some(_) => ErrorCode::None,
        None => ErrorCode::UnsupportedSaslMechanism,
    };
    let mechanisms = enabled.iter().map(|one| one.name().to_owned());
    let response = SaslHandshakeResponse {
        error_code: error.code(),
        mechanisms: mechanisms.collect(),
    };
    (chosen, response)
}
