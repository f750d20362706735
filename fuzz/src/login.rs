//! Messages of a login, and PEM.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroU32;
use std::sync::{Arc, LazyLock};

use limpid_config::{OauthConfig, OauthValidator, SaslMechanism, Secret, StoreConfig};
use limpid_platform::random::Random;
use limpid_security::names::NameRules;
use limpid_security::sasl::{Login, Realm, Step};
use limpid_security::scram::{ScramCredential, ScramHash};
use limpid_security::tokens::{TokenRules, Trust};
use limpid_security::{Principal, stores};

use crate::allocation::{SMALL, bounded};

/// When it all happens.
const NOW_MS: i64 = 1_000;

/// Nonces that a fuzzer can know.
#[derive(Debug)]
struct Zeros;

impl Random for Zeros {
    fn fill(&self, buf: &mut [u8]) -> io::Result<()> {
        buf.fill(0);
        Ok(())
    }
}

static REALM: LazyLock<Realm> = LazyLock::new(|| {
    let rounds = NonZeroU32::MIN.saturating_add(4_095);
    let kept = [ScramHash::Sha256, ScramHash::Sha512]
        .map(|hash| ScramCredential::of_password(hash, "wonder", b"salt", rounds));
    let find = move |user: &str, hash| {
        let [short, long] = &kept;
        (user == "alice").then(|| match hash {
            ScramHash::Sha256 => short.clone(),
            ScramHash::Sha512 => long.clone(),
        })
    };
    let config = OauthConfig {
        validator: OauthValidator::Unsecured {
            required_scopes: Vec::new(),
            clock_skew_ms: 0,
        },
        clock_skew_seconds: 30,
        audiences: Vec::new(),
        issuer: None,
        scope_claim: "scope".into(),
        subject_claim: "sub".into(),
    };
    let trust = Trust::Unsecured {
        required_scopes: vec!["a".into()],
        clock_skew_ms: 0,
    };
    Realm {
        plain_users: BTreeMap::from([("alice".to_owned(), Secret::new("wonder"))]),
        find_scram: Arc::new(find),
        decoy_secret: [7; 16],
        tokens: Some(Arc::new(TokenRules::new(config, trust))),
        random: Arc::new(Zeros),
    }
});

static RULES: LazyLock<NameRules> = LazyLock::new(|| {
    let rules = "RULE:^CN=([^,]+),OU=(.*)$/$1@$2/L, RULE:^.*CN=(.*?)(,.*)?$/$1/U, DEFAULT";
    NameRules::parse(rules).expect("these are rules")
});

/// Target `login`: what u8 | length of the first message u8 | messages. 0 to 3 are the mechanisms, then
/// come PEM of a key store and of a trust store, a principal and a certificate's subject.
pub fn login(input: &[u8]) {
    let [what, length, rest @ ..] = input else {
        return;
    };
    let what = usize::from(*what) % 8;
    let (realm, rules) = (&*REALM, &*RULES);
    if what < 4 {
        let mechanism = SaslMechanism::ALL[what];
        bounded("login", rest.len(), 2 * SMALL, || {
            messages(realm, mechanism, usize::from(*length), rest);
        });
        return;
    }
    // What is no text becomes longer as text, which is not what is looked at here.
    let text = String::from_utf8_lossy(rest);
    if what > 5 {
        bounded("name", text.len(), 2 * SMALL, || {
            drop((Principal::parse(&text), rules.name(&text)));
        });
        return;
    }
    // PEM is held as text, as it was and as DER.
    let store = store(&text, what == 4);
    bounded("store", text.len(), 2 * SMALL, || match what {
        4 => drop(stores::read_identity(&store)),
        _ => drop(stores::read_trusted(&store)),
    });
}

fn messages(realm: &Realm, mechanism: SaslMechanism, length: usize, rest: &[u8]) {
    let mut login = Login::new(mechanism, NOW_MS);
    let (first, second) = rest.split_at(length.min(rest.len()));
    for message in [first, second] {
        match login.step(realm, message) {
            Ok(Step::Challenge(_)) => {}
            Ok(Step::Done(_, user)) => {
                assert!(!user.name.is_empty(), "nobody has logged in");
                return;
            }
            Err(_) => return,
        }
    }
}

fn store(text: &str, with_key: bool) -> StoreConfig {
    StoreConfig::Pem {
        certificates: Secret::new(text),
        key: with_key.then(|| Secret::new(text)),
        key_password: None,
    }
}
