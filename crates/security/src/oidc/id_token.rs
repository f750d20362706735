//! The token that says who somebody is (OpenID Connect Core, 3.1.3.7).

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use crate::tokens::is_public;

/// Longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 64 << 10;
/// Most keys that a token without key id is tried with.
const KEYS_TRIED_MAX: usize = 16;
/// How far a clock may be off.
const LEEWAY_SECONDS: u64 = 60;

/// What must stand in a token.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
}

/// Why a token does not hold; never the token itself.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("no key of the provider fits")]
    UnknownKey,
    #[error("{0}")]
    Wrong(String),
}

/// Checks a token; what it claims.
pub(super) fn verify(
    token: &str,
    keys: &JwkSet,
    expected: &Expected<'_>,
) -> Result<Map<String, Value>, Refused> {
    let wrong = |why: &str| Refused::Wrong(why.to_owned());
    if token.len() > TOKEN_BYTES_MAX {
        return Err(wrong("it is too long"));
    }
    let header = jsonwebtoken::decode_header(token);
    let header = header.map_err(|error| Refused::Wrong(error.to_string()))?;
    if matches!(
        header.alg,
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512
    ) {
        return Err(wrong("it is signed with a shared secret"));
    }
    let candidates: Vec<&Jwk> = match &header.kid {
        Some(id) => keys.find(id).into_iter().collect(),
        None => keys.keys.iter().take(KEYS_TRIED_MAX).collect(),
    };
    let mut validation = Validation::new(header.alg);
    validation.leeway = LEEWAY_SECONDS;
    validation.validate_nbf = true;
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.client_id]);
    let mut failure = Refused::UnknownKey;
    for key in candidates.into_iter().filter(|key| is_public(key)) {
        let Ok(key) = DecodingKey::from_jwk(key) else {
            continue;
        };
        match jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation) {
            Ok(decoded) => return fits(decoded.claims, expected),
            Err(error) => failure = Refused::Wrong(error.to_string()),
        }
    }
    Err(failure)
}

/// What the signature says nothing about: that the token is for this attempt of ours.
fn fits(
    claims: Map<String, Value>,
    expected: &Expected<'_>,
) -> Result<Map<String, Value>, Refused> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("nonce") != Some(expected.nonce) {
        return Err(Refused::Wrong(
            "it is for another attempt to log in".to_owned(),
        ));
    }
    let several = matches!(claims.get("aud"), Some(Value::Array(all)) if all.len() > 1);
    let party = text("azp");
    if (several || party.is_some()) && party != Some(expected.client_id) {
        return Err(Refused::Wrong("it was made for another party".to_owned()));
    }
    match text("sub") {
        Some(_) => Ok(claims),
        None => Err(Refused::Wrong("it names nobody".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::{EncodingKey, Header};
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use serde_json::json;

    use super::*;

    const EXPECTED: Expected<'_> = Expected {
        issuer: "https://id.example",
        client_id: "limpid",
        nonce: "n-1",
    };

    /// A key that signs, and the set with its public half under an id.
    fn key(id: &str) -> (EncodingKey, JwkSet) {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let der = der.expect("a key");
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &random);
        let point = pair.expect("a key").public_key().as_ref().to_vec();
        let half = |at: usize| URL_SAFE_NO_PAD.encode(&point[at..at + 32]);
        let set = json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": id, "alg": "ES256", "x": half(1), "y": half(33)}]});
        let set = serde_json::from_value(set).expect("a set");
        (EncodingKey::from_ec_der(der.as_ref()), set)
    }

    fn claims() -> Value {
        json!({"iss": "https://id.example", "aud": "limpid", "sub": "1", "nonce": "n-1", "exp": 4_000_000_000_u64})
    }

    fn sign(claims: &Value, key: &EncodingKey) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("one".to_owned());
        jsonwebtoken::encode(&header, claims, key).expect("a token")
    }

    #[test]
    fn a_token_is_for_us_for_now_and_for_this_attempt() {
        let (own, keys) = key("one");
        let verified = verify(&sign(&claims(), &own), &keys, &EXPECTED).expect("holds");
        assert_eq!(verified["sub"], "1");
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            verify(&sign(&claims, &own), &keys, &EXPECTED)
        };
        assert!(
            with("aud", json!(["limpid", "other"])).is_err(),
            "and no azp"
        );
        for (name, value) in [
            ("iss", json!("https://evil.example")),
            ("aud", json!("other")),
            ("nonce", json!("n-2")),
            ("nonce", Value::Null),
            ("exp", json!(1_000_000_000)),
            ("exp", Value::Null),
            ("azp", json!("other")),
            ("sub", json!(1)),
        ] {
            let refused = with(name, value.clone());
            assert!(
                matches!(refused, Err(Refused::Wrong(_))),
                "{name} {value}: {refused:?}"
            );
        }
        let mut both = claims();
        both["aud"] = json!(["limpid", "other"]);
        both["azp"] = json!("limpid");
        assert!(verify(&sign(&both, &own), &keys, &EXPECTED).is_ok());
    }

    #[test]
    fn other_keys_and_no_keys_do_not_sign() {
        let (own, keys) = key("one");
        let (other, _) = key("one");
        let forged = verify(&sign(&claims(), &other), &keys, &EXPECTED);
        assert!(matches!(forged, Err(Refused::Wrong(_))), "{forged:?}");
        let (_, unknown) = key("two");
        let found = verify(&sign(&claims(), &own), &unknown, &EXPECTED);
        assert_eq!(found, Err(Refused::UnknownKey));
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let none = format!("{}.{}.", part(json!({"alg": "none"})), part(claims()));
        let shared = EncodingKey::from_secret(b"secret");
        let shared = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims(), &shared);
        for wrong in [
            none,
            shared.expect("a token"),
            "a.b.c".to_owned(),
            String::new(),
        ] {
            let refused = verify(&wrong, &keys, &EXPECTED);
            assert!(matches!(refused, Err(Refused::Wrong(_))), "{wrong}");
        }
    }
}
