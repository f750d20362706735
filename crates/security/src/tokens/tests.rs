use jsonwebtoken::{Algorithm, EncodingKey, Header};
use limpid_config::OauthValidator;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use super::*;

fn config() -> OauthConfig {
    OauthConfig {
        validator: OauthValidator::Unsecured {
            required_scopes: Vec::new(),
            clock_skew_ms: 0,
        },
        clock_skew_seconds: 30,
        audiences: Vec::new(),
        issuer: None,
        scope_claim: "scope".into(),
        subject_claim: "sub".into(),
    }
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn unsigned(claims: &Value) -> String {
    format!("{}.{}.", encoded(&json!({"alg": "none"})), encoded(claims))
}

fn unsecured(token: &str, scopes: &[&str]) -> Result<Verified, String> {
    let trust = Trust::Unsecured {
        required_scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        clock_skew_ms: 1_000,
    };
    TokenRules::new(config(), trust).verify(token, 100_000)
}

#[test]
fn tokens_without_signature() {
    let claims = json!({"sub": "alice", "exp": 200.5, "iat": 50, "scope": "a b"});
    let verified = unsecured(&unsigned(&claims), &["b"]).expect("holds");
    let expected = Verified {
        name: "alice".into(),
        expires_at_ms: 200_500,
    };
    assert_eq!(verified, expected);
    assert!(
        unsecured(&unsigned(&claims), &["c"]).is_err(),
        "no such scope"
    );
    for wrong in [
        json!({"sub": "alice"}),
        json!({"sub": "alice", "exp": "soon"}),
        json!({"sub": "alice", "exp": 99}),
        json!({"sub": "alice", "exp": 200, "iat": 102}),
        json!({"sub": " ", "exp": 200}),
        json!({"sub": 7, "exp": 200}),
        json!({"exp": 200}),
        json!([]),
    ] {
        assert!(unsecured(&unsigned(&wrong), &[]).is_err(), "{wrong}");
    }
    let signed = format!(
        "{}.{}.c2ln",
        encoded(&json!({"alg": "none"})),
        encoded(&claims)
    );
    let other = format!(
        "{}.{}.",
        encoded(&json!({"alg": "HS256"})),
        encoded(&claims)
    );
    for wrong in [
        "",
        ".",
        "..",
        "a.b.",
        "!.!.!",
        &signed,
        &other,
        &"a".repeat(70_000),
    ] {
        assert!(unsecured(wrong, &[]).is_err());
    }
}

#[test]
fn claims_of_any_form() {
    let holds = |claims: &Value, scopes: &[&str]| unsecured(&unsigned(claims), scopes).is_ok();
    let with_scope = |scope: Value| json!({"sub": "a", "exp": 200, "scope": scope});
    assert!(holds(
        &with_scope(json!(["x", 7, null, ["b"], {"b": 1}, "b"])),
        &["b", "x"]
    ));
    assert!(!holds(
        &with_scope(json!([["b"], {"b": "b"}, "a b"])),
        &["b"]
    ));
    assert!(
        holds(&with_scope(json!(["a b"])), &["a b"]),
        "an element is one scope"
    );
    assert!(!holds(&with_scope(json!("a b")), &["a b"]), "a text is two");
    assert!(!holds(&with_scope(json!({"b": "b"})), &["b"]));
    assert!(holds(&with_scope(json!(null)), &[]));
    let nested = json!({"sub": "a", "exp": 200, "more": {"sub": "b", "exp": [1, {"exp": 2}]}});
    assert_eq!(unsecured(&unsigned(&nested), &[]).expect("holds").name, "a");
    let null = json!({"sub": "a", "exp": 200, "iat": null});
    assert!(!holds(&null, &[]), "a time that is none");
    let head = encoded(&json!({"alg": "none"}));
    let twice = r#"{"sub": "a", "exp": 200, "sub": "\u0062c"}"#;
    let token = format!("{head}.{}.", URL_SAFE_NO_PAD.encode(twice));
    assert_eq!(
        unsecured(&token, &[]).expect("holds").name,
        "bc",
        "the last one"
    );
    for wrong in [
        r#"{"sub": "a", "exp": 200} x"#,
        r#"{"sub": "a", "exp": 200, "x": nul}"#,
    ] {
        let token = format!("{head}.{}.", URL_SAFE_NO_PAD.encode(wrong));
        assert!(unsecured(&token, &[]).is_err(), "{wrong}");
    }
}

/// A token server: a key to sign with, and its public half as a set of keys.
struct Issuer {
    signing: EncodingKey,
    keys: Arc<KeySource>,
    _dir: tempfile::TempDir,
}

impl Issuer {
    fn new() -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect("a key");
        let point = pair.public_key().as_ref().to_vec();
        let coordinate = |range| URL_SAFE_NO_PAD.encode(&point[range]);
        let set = json!({"keys": [
            {"kty": "oct", "kid": "shared", "k": URL_SAFE_NO_PAD.encode("secret"), "alg": "HS256"},
            {"kty": "EC", "crv": "P-256", "kid": "one", "alg": "ES256",
             "x": coordinate(1..33), "y": coordinate(33..65)},
        ]});
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("keys.json");
        std::fs::write(&path, set.to_string()).expect("written");
        let keys = KeySource::new(format!("file://{}", path.display()), 1000, 1, 1);
        keys.fetch(std::time::Duration::ZERO).expect("fetched");
        Self {
            signing: EncodingKey::from_ec_der(document.as_ref()),
            keys,
            _dir: dir,
        }
    }

    fn sign(&self, id: Option<&str>, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = id.map(str::to_owned);
        jsonwebtoken::encode(&header, claims, &self.signing).expect("signed")
    }

    fn verify(&self, config: OauthConfig, token: &str) -> Result<Verified, String> {
        TokenRules::new(config, Trust::Signed(Arc::clone(&self.keys))).verify(token, 0)
    }
}

fn claims() -> Value {
    let now = jsonwebtoken::get_current_timestamp();
    json!({"sub": "alice", "iat": now, "exp": now + 60, "aud": "kafka", "iss": "https://id"})
}

#[test]
fn signed_tokens() {
    let issuer = Issuer::new();
    for id in [Some("one"), None] {
        let token = issuer.sign(id, &claims());
        assert_eq!(
            issuer.verify(config(), &token).expect("holds").name,
            "alice"
        );
        let mut strict = config();
        strict.audiences = vec!["other".into(), "kafka".into()];
        strict.issuer = Some("https://id".into());
        assert!(issuer.verify(strict.clone(), &token).is_ok());
        strict.audiences = vec!["other".into()];
        assert!(issuer.verify(strict, &token).is_err(), "for somebody else");
    }
    let unknown = issuer.sign(Some("two"), &claims());
    assert!(issuer.verify(config(), &unknown).is_err());
    assert!(
        issuer.keys.is_due(std::time::Duration::from_millis(2)),
        "it is looked for"
    );
    let stranger = Issuer::new().sign(Some("one"), &claims());
    assert!(
        issuer.verify(config(), &stranger).is_err(),
        "signed by another key"
    );
}

#[test]
fn forged_tokens() {
    let issuer = Issuer::new();
    let token = issuer.sign(Some("one"), &claims());
    let (start, signature) = token.rsplit_once('.').expect("three parts");
    assert!(issuer.verify(config(), &format!("{start}.")).is_err());
    assert!(
        issuer.verify(config(), &unsigned(&claims())).is_err(),
        "alg none"
    );
    let mut parts: Vec<&str> = token.split('.').collect();
    let mallory = encoded(&json!({"sub": "mallory", "iat": 0, "exp": 9_999_999_999u64}));
    parts[1] = &mallory;
    assert!(issuer.verify(config(), &parts.join(".")).is_err());
    assert!(
        issuer
            .verify(config(), &format!("{start}.{}", signature.to_lowercase()))
            .is_err()
    );
    // Whoever has read the set of keys has this one.
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("shared".into());
    let shared = EncodingKey::from_secret(b"secret");
    let forged = jsonwebtoken::encode(&header, &claims(), &shared).expect("signed");
    assert!(issuer.verify(config(), &forged).is_err());
}

#[test]
fn signed_claims_are_looked_at() {
    let issuer = Issuer::new();
    let now = jsonwebtoken::get_current_timestamp();
    for wrong in [
        json!({"sub": "a", "iat": now}),
        json!({"sub": "a", "exp": now + 60}),
        json!({"sub": "a", "iat": now, "exp": now - 60}),
        json!({"sub": "a", "iat": now, "exp": now + 60, "nbf": now + 60}),
        json!({"iat": now, "exp": now + 60}),
    ] {
        let token = issuer.sign(Some("one"), &wrong);
        assert!(issuer.verify(config(), &token).is_err(), "{wrong}");
    }
    let crowded = vec![""; HEADER_COMMAS_MAX + 2];
    let header = encoded(&json!({"alg": "ES256", "x5c": crowded}));
    let refused = issuer.verify(config(), &format!("{header}.{}.AAAA", encoded(&json!({}))));
    assert_eq!(refused, Err("the token's header is too long".into()));
    let late = json!({"sub": "a", "iat": now, "exp": now - 10});
    assert!(
        issuer
            .verify(config(), &issuer.sign(Some("one"), &late))
            .is_ok(),
        "within the skew"
    );
}
