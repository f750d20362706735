use std::collections::BTreeMap;

use limpid_platform::random::SeededRandom;

use super::*;
use crate::sasl::{Login, Realm, Step};
use crate::scram::{ScramCredential, new_salt};

const USER: &str = "ann=of,green";
const PASSWORD: &str = "pässword, with = and spaces";

fn login(mechanism: SaslMechanism, password: &str) -> Credentials {
    let login = ClientLogin {
        mechanism,
        user: USER.into(),
        password: Secret::new(password),
    };
    Credentials::with_random(login, Arc::new(SeededRandom::new(3)))
}

/// Logins against the side of the broker.
fn realm() -> Realm {
    let find = |user: &str, hash| {
        let salt = new_salt(&SeededRandom::new(9)).ok()?;
        let rounds = NonZeroU32::new(ITERATIONS_MIN)?;
        (user == USER).then(|| ScramCredential::of_password(hash, PASSWORD, &salt, rounds))
    };
    Realm {
        plain_users: BTreeMap::from([(USER.to_owned(), Secret::new(PASSWORD))]),
        find_scram: Arc::new(find),
        decoy_secret: [7; 16],
        tokens: None,
        random: Arc::new(SeededRandom::new(5)),
    }
}

/// Both sides until one is done; the name that the broker has, if both are content.
fn talk(credentials: &Credentials, mechanism: SaslMechanism) -> Option<String> {
    let realm = realm();
    let mut broker = Login::new(mechanism, 0);
    let (mut dialogue, mut message) = credentials.begin().expect("randomness");
    for _ in 0..3 {
        let (said, user) = match broker.step(&realm, &message).ok()? {
            Step::Challenge(said) => (said, None),
            Step::Done(said, user) => (said, Some(user.name)),
        };
        match dialogue.hear(&said).expect("an honest broker") {
            Next::Done => return user,
            Next::Say(next, answer) => (dialogue, message) = (next, answer),
        }
    }
    panic!("no end");
}

#[test]
fn whoever_knows_the_password_is_let_in() {
    for mechanism in [
        SaslMechanism::Plain,
        SaslMechanism::ScramSha256,
        SaslMechanism::ScramSha512,
    ] {
        let known = talk(&login(mechanism, PASSWORD), mechanism);
        assert_eq!(known.as_deref(), Some(USER), "{mechanism:?}");
        assert_eq!(talk(&login(mechanism, "other"), mechanism), None);
    }
}

/// RFC 7677, section 3, with the nonce that stands there.
#[test]
fn the_example_of_the_standard() {
    let salting = Salting {
        hash: ScramHash::Sha256,
        password: Secret::new("pencil"),
        bare: "n=user,r=rOprNGfwEbeRWgbNEkqO".into(),
        nonce: "rOprNGfwEbeRWgbNEkqO".into(),
    };
    let dialogue = Dialogue(Waiting::Salt(salting));
    let challenge = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                      s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    let Ok(Next::Say(dialogue, answer)) = dialogue.hear(challenge) else {
        panic!("no answer");
    };
    let expected = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                    p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    assert_eq!(String::from_utf8(answer).as_deref(), Ok(expected));
    let end = dialogue.hear(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    assert!(matches!(end, Ok(Next::Done)), "{end:?}");
}

#[test]
fn a_broker_that_lies_is_not_believed() {
    let credentials = login(SaslMechanism::ScramSha256, PASSWORD);
    let nonce = || {
        let (dialogue, first) = credentials.begin().expect("randomness");
        let text = String::from_utf8(first).expect("text");
        let (_, nonce) = text.split_once("r=").expect("a nonce");
        (dialogue, nonce.to_owned())
    };
    let long = "x".repeat(MESSAGE_BYTES_MAX + 1);
    for (challenge, words) in [
        ("".to_owned(), "no nonce"),
        ("m=1,r=N+,s=AAAA,i=4096".to_owned(), "no nonce"),
        ("r=N,s=AAAA,i=4096".to_owned(), "not about this login"),
        ("r=other,s=AAAA,i=4096".to_owned(), "not about this login"),
        ("r=N+,s=,i=4096".to_owned(), "no salt"),
        ("r=N+,s=!,i=4096".to_owned(), "no salt"),
        ("r=N+,s=AAAA,i=1".to_owned(), "iterations"),
        ("r=N+,s=AAAA,i=4000000000".to_owned(), "iterations"),
        ("r=N+,s=AAAA,i=-1".to_owned(), "iterations"),
        ("r=N+,s=AAAA".to_owned(), "no iterations"),
        (long, "too long"),
    ] {
        let (dialogue, nonce) = nonce();
        let error = dialogue.hear(challenge.replace('N', &nonce).as_bytes());
        let error = error.expect_err(&challenge).to_string();
        assert!(error.contains(words), "{words:?} is not in {error}");
        assert!(error.len() < 200, "{error}");
    }
    let (dialogue, _) = nonce();
    assert!(dialogue.hear(&[0xff, 0xfe]).is_err());
    for end in ["v=AAAA", "v=", "", "e=invalid-proof", "v=!!"] {
        let (dialogue, nonce) = nonce();
        let challenge = format!("r={nonce}+,s=AAAA,i=4096");
        let Ok(Next::Say(dialogue, _)) = dialogue.hear(challenge.as_bytes()) else {
            panic!("no proof");
        };
        dialogue.hear(end.as_bytes()).expect_err(end);
    }
    assert!(!format!("{credentials:?}").contains(PASSWORD));
}
