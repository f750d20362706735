//! SaslAuthenticate, key 36, versions 0–2.
//!
//! - Carries one message of a login each way. From version 1 on the last answer says how long the
//!   login holds (KIP-368); a client that goes on longer must log in again on the same connection.
//! - `connection::login` takes it where clients log in. Here it comes at the wrong time:
//!   ILLEGAL_SASL_STATE.

use limpid_protocol::messages::{SaslAuthenticateRequest, SaslAuthenticateResponse};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::handler::{Answer, ApiRange, Call};

/// Answers SaslAuthenticate at the wrong time.
pub struct SaslAuthenticate;

impl Answer for SaslAuthenticate {
    type Request = SaslAuthenticateRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::SaslAuthenticate, 0, 2);

    async fn answer(
        &self,
        _request: SaslAuthenticateRequest,
        call: &mut Call<'_>,
    ) -> SaslAuthenticateResponse {
        let message = "there is no login under way: SaslHandshake comes first";
        refused(call.note(ErrorCode::IllegalSaslState), message)
    }
}

/// The answer to a message of a login that ends it.
pub fn refused(error_code: i16, message: &str) -> SaslAuthenticateResponse {
    SaslAuthenticateResponse {
        error_code,
        error_message: Some(message.to_owned()),
        ..SaslAuthenticateResponse::default()
    }
}
