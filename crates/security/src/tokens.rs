//! The tokens of OAUTHBEARER: JSON Web Tokens (RFC 7519), signed or, for development, not.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{DecodingKey, Validation};
use limpid_config::OauthConfig;
use serde_json::{Map, Value};

use crate::jwks::KeySource;

/// Longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 64 * 1024;
/// Most keys that a token without key id is tried with.
const KEYS_TRIED_MAX: usize = 16;

/// A token that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The user.
    pub name: String,
    /// When it runs out, in milliseconds since 1970.
    pub expires_at_ms: i64,
}

/// What a token must look like.
pub struct TokenRules {
    config: OauthConfig,
    trust: Trust,
}

/// Whom a token's claims are believed from.
pub enum Trust {
    /// Anybody.
    Unsecured {
        /// Scopes that a token must have.
        required_scopes: Vec<String>,
        /// How far a clock may be off.
        clock_skew_ms: u64,
    },
    /// Whoever has one of these keys.
    Signed(Arc<KeySource>),
}

type Claims = Map<String, Value>;

impl TokenRules {
    /// Rules for tokens of these issuers.
    pub fn new(config: OauthConfig, trust: Trust) -> Self {
        Self { config, trust }
    }

    /// Checks a token.
    ///
    /// # Errors
    /// Why it does not hold; never the token itself.
    pub fn verify(&self, token: &str, now_ms: i64) -> Result<Verified, String> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err("the token is too long".into());
        }
        let claims = match &self.trust {
            Trust::Unsecured {
                required_scopes,
                clock_skew_ms,
            } => self.unsecured(token, required_scopes, *clock_skew_ms, now_ms)?,
            Trust::Signed(keys) => self.signed(token, keys)?,
        };
        let name = claims
            .get(&self.config.subject_claim)
            .and_then(Value::as_str);
        let name = name.map(str::trim).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| format!("no claim {}", self.config.subject_claim))?;
        Ok(Verified {
            name: name.to_owned(),
            expires_at_ms: milliseconds(&claims, "exp")?,
        })
    }

    fn signed(&self, token: &str, keys: &KeySource) -> Result<Claims, String> {
        let header = jsonwebtoken::decode_header(token).map_err(|e| e.to_string())?;
        let set = keys.current();
        let candidates: Vec<&Jwk> = match &header.kid {
            Some(id) => set.find(id).into_iter().collect(),
            None => set.keys.iter().take(KEYS_TRIED_MAX).collect(),
        };
        let mut failure = "no key of the token server fits".to_owned();
        if candidates.is_empty() {
            keys.refresh_soon();
        }
        for key in candidates.into_iter().filter(|key| is_public(key)) {
            let validation = self.validation(header.alg);
            let key = DecodingKey::from_jwk(key).map_err(|e| e.to_string())?;
            match jsonwebtoken::decode::<Claims>(token, &key, &validation) {
                Ok(decoded) => {
                    milliseconds(&decoded.claims, "iat")?;
                    return Ok(decoded.claims);
                }
                Err(error) => failure = error.to_string(),
            }
        }
        Err(failure)
    }

    fn validation(&self, algorithm: jsonwebtoken::Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = self.config.clock_skew_seconds;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp"]);
        if self.config.audiences.is_empty() {
            validation.validate_aud = false;
        } else {
            validation.set_audience(&self.config.audiences);
            validation.required_spec_claims.insert("aud".into());
        }
        if let Some(issuer) = &self.config.issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".into());
        }
        validation
    }

    /// Kafka's check of tokens without signature: of their form, times and scope.
    fn unsecured(
        &self,
        token: &str,
        required_scopes: &[String],
        skew_ms: u64,
        now_ms: i64,
    ) -> Result<Claims, String> {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, ""] = parts[..] else {
            return Err("not a token without signature".into());
        };
        let header = json(header)?;
        if header.get("alg").and_then(Value::as_str) != Some("none") {
            return Err("a token without signature must say so: alg none".into());
        }
        let claims = json(claims)?;
        let skew_ms = i64::try_from(skew_ms).unwrap_or(i64::MAX);
        let expires_at_ms = milliseconds(&claims, "exp")?;
        if now_ms.saturating_sub(skew_ms) >= expires_at_ms {
            return Err("the token has run out".into());
        }
        if claims.contains_key("iat") {
            let issued_at_ms = milliseconds(&claims, "iat")?;
            if issued_at_ms > now_ms.saturating_add(skew_ms) {
                return Err("the token is from the future".into());
            }
        }
        let scopes = scopes(&claims, &self.config.scope_claim);
        match required_scopes
            .iter()
            .find(|wanted| !scopes.contains(&wanted.as_str()))
        {
            Some(missing) => Err(format!("the scope {missing} is missing")),
            None => Ok(claims),
        }
    }
}

/// A key that only verifies. A shared secret among the keys of a token server would let whoever can
/// read them sign tokens.
pub(crate) fn is_public(key: &Jwk) -> bool {
    !matches!(key.algorithm, AlgorithmParameters::OctetKey(_))
}

fn json(part: &str) -> Result<Claims, String> {
    let malformed = || "malformed token".to_owned();
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed())?;
    serde_json::from_slice(&bytes).map_err(|_| malformed())
}

/// A claim in seconds, with or without a fraction.
fn milliseconds(claims: &Claims, name: &str) -> Result<i64, String> {
    let seconds = claims.get(name).and_then(Value::as_f64);
    let seconds = seconds.ok_or_else(|| format!("no claim {name}"))?;
    Ok((seconds * 1000.0) as i64)
}

/// A list, or text with blanks.
fn scopes<'a>(claims: &'a Claims, name: &str) -> Vec<&'a str> {
    match claims.get(name) {
        Some(Value::String(text)) => text.split_whitespace().collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
