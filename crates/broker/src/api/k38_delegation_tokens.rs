//! CreateDelegationToken, RenewDelegationToken, ExpireDelegationToken and DescribeDelegationToken, keys 38–41,
//! versions 1–3, 1–2, 1–2 and 1–3 (KIP-48, KIP-373).
//!
//! - There are no delegation tokens here. Clients are told what a Kafka without
//!   `delegation.token.secret.key` tells them: DELEGATION_TOKEN_AUTH_DISABLED.
//! - Somebody who is not logged in hears DELEGATION_TOKEN_REQUEST_NOT_ALLOWED first, as there.
//! - Clients take a broker without these requests for one of before Kafka 1.1.

use limpid_protocol::messages::{
    CreateDelegationTokenRequest, CreateDelegationTokenResponse, DescribeDelegationTokenRequest,
    DescribeDelegationTokenResponse, ExpireDelegationTokenRequest, ExpireDelegationTokenResponse,
    RenewDelegationTokenRequest, RenewDelegationTokenResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_security::Principal;

use crate::access::{Operation, ResourceKind};
use crate::handler::{Answer, ApiRange, Call};

/// Every time in an answer to somebody who may not ask.
const NO_TIME: i64 = -1;

/// Version from which an answer names who asked besides whom the token is for.
const REQUESTER_SINCE: i16 = 3;

/// Answers CreateDelegationToken.
pub struct CreateDelegationToken;

impl Answer for CreateDelegationToken {
    type Request = CreateDelegationTokenRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::CreateDelegationToken, 1, 3);

    async fn answer(
        &self,
        request: CreateDelegationTokenRequest,
        call: &mut Call<'_>,
    ) -> CreateDelegationTokenResponse {
        let requester = call.peer.principal.clone();
        let named = request.owner_principal_name.filter(|name| !name.is_empty());
        let owner = match (request.owner_principal_type, named) {
            (Some(kind), Some(name)) => (kind, name),
            _ => (requester.kind().to_owned(), requester.name().to_owned()),
        };
        let id = format!("{}:{}", owner.0, owner.1);
        let may_for_owner =
            id == requester.as_str() || call.may(Operation::CreateTokens, ResourceKind::User, &id);
        let is_user = |kind: &str| kind == Principal::USER;
        let error = match why_not(call) {
            ErrorCode::DelegationTokenAuthDisabled if !may_for_owner => {
                ErrorCode::DelegationTokenAuthorizationFailed
            }
            ErrorCode::DelegationTokenAuthDisabled
                if !request.renewers.iter().all(|r| is_user(&r.principal_type)) =>
            {
                ErrorCode::InvalidPrincipalType
            }
            error => error,
        };
        let time = time_of(error);
        let (requester_type, requester_name) = match call.version >= REQUESTER_SINCE {
            true => (requester.kind().to_owned(), requester.name().to_owned()),
            false => (String::new(), String::new()),
        };
        CreateDelegationTokenResponse {
            error_code: call.note(error),
            principal_type: owner.0,
            principal_name: owner.1,
            token_requester_principal_type: requester_type,
            token_requester_principal_name: requester_name,
            issue_timestamp_ms: time,
            expiry_timestamp_ms: time,
            max_timestamp_ms: time,
            ..CreateDelegationTokenResponse::default()
        }
    }
}

/// Answers RenewDelegationToken.
pub struct RenewDelegationToken;

impl Answer for RenewDelegationToken {
    type Request = RenewDelegationTokenRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::RenewDelegationToken, 1, 2);

    async fn answer(
        &self,
        _: RenewDelegationTokenRequest,
        call: &mut Call<'_>,
    ) -> RenewDelegationTokenResponse {
        let error = why_not(call);
        RenewDelegationTokenResponse {
            error_code: call.note(error),
            expiry_timestamp_ms: time_of(error),
            ..RenewDelegationTokenResponse::default()
        }
    }
}

/// Answers ExpireDelegationToken.
pub struct ExpireDelegationToken;

impl Answer for ExpireDelegationToken {
    type Request = ExpireDelegationTokenRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::ExpireDelegationToken, 1, 2);

    async fn answer(
        &self,
        _: ExpireDelegationTokenRequest,
        call: &mut Call<'_>,
    ) -> ExpireDelegationTokenResponse {
        let error = why_not(call);
        ExpireDelegationTokenResponse {
            error_code: call.note(error),
            expiry_timestamp_ms: time_of(error),
            ..ExpireDelegationTokenResponse::default()
        }
    }
}

/// Answers DescribeDelegationToken.
pub struct DescribeDelegationToken;

impl Answer for DescribeDelegationToken {
    type Request = DescribeDelegationTokenRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::DescribeDelegationToken, 1, 3);

    async fn answer(
        &self,
        _: DescribeDelegationTokenRequest,
        call: &mut Call<'_>,
    ) -> DescribeDelegationTokenResponse {
        DescribeDelegationTokenResponse {
            error_code: call.note(why_not(call)),
            ..DescribeDelegationTokenResponse::default()
        }
    }
}

fn why_not(call: &Call<'_>) -> ErrorCode {
    match call.peer.principal == Principal::anonymous() {
        true => ErrorCode::DelegationTokenRequestNotAllowed,
        false => ErrorCode::DelegationTokenAuthDisabled,
    }
}

/// Kafka's controller, which says that tokens are disabled, leaves times at zero; its brokers do not.
fn time_of(error: ErrorCode) -> i64 {
    match error {
        ErrorCode::DelegationTokenAuthDisabled => 0,
        _ => NO_TIME,
    }
}
