use limpid_platform::random::OsRandom;

use super::*;

fn realm() -> Realm {
    let users = [("alice", "wonder"), ("empty", "")];
    Realm {
        plain_users: users
            .map(|(name, password)| (name.to_owned(), Secret::new(password)))
            .into(),
        find_scram: Arc::new(|_, _| None),
        decoy_secret: [7; 16],
        tokens: None,
        random: Arc::new(OsRandom),
    }
}

fn plain(message: &[u8]) -> Result<String, Denied> {
    let mut login = Login::new(SaslMechanism::Plain, 0);
    match login.step(&realm(), message)? {
        Step::Done(answer, user) => {
            assert!(answer.is_empty() && user.expires_at_ms.is_none());
            Ok(user.name)
        }
        Step::Challenge(_) => panic!("PLAIN has no challenge"),
    }
}

#[test]
fn plain_wants_name_and_password() {
    assert_eq!(plain(b"\0alice\0wonder").as_deref(), Ok("alice"));
    assert_eq!(plain(b"alice\0alice\0wonder").as_deref(), Ok("alice"));
    for wrong in [
        &b""[..],
        b"\0",
        b"\0\0",
        b"\0alice\0",
        b"\0alice\0wrong",
        b"\0alice\0wonderful",
        b"\0alice\0wonde",
        b"\0bob\0wonder",
        b"\0empty\0",
        b"bob\0alice\0wonder",
        b"\0alice\0wonder\0",
        b"\0al\xff\0wonder",
    ] {
        assert!(plain(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn who_is_wrong_is_not_told_how() {
    let user = plain(b"\0bob\0wonder").expect_err("no such user");
    let password = plain(b"\0alice\0wrong").expect_err("wrong password");
    assert_eq!(user, password);
    let malformed = plain(b"\0alice").expect_err("malformed");
    assert!(!format!("{password:?}{malformed:?}").contains("wrong\""));
}

#[test]
fn a_login_ends_once() {
    let mut login = Login::new(SaslMechanism::Plain, 0);
    assert!(login.step(&realm(), b"\0alice\0wrong").is_err());
    assert!(
        login.step(&realm(), b"\0alice\0wonder").is_err(),
        "no second guess"
    );
    let mut login = Login::new(SaslMechanism::ScramSha256, 0);
    assert!(matches!(
        login.step(&realm(), b"n,,n=x,r=y"),
        Ok(Step::Challenge(_))
    ));
    assert!(login.step(&realm(), b"c=biws,r=y,p=AAAA").is_err());
    assert!(login.step(&realm(), b"n,,n=x,r=y").is_err());
    let mut login = Login::new(SaslMechanism::OauthBearer, 0);
    assert!(
        login
            .step(&realm(), b"n,,\x01auth=Bearer x\x01\x01")
            .is_err(),
        "no tokens here"
    );
}

#[test]
fn bearer_messages() {
    let parsed = |text: &'static str| parse_bearer(text.as_bytes()).ok();
    assert_eq!(
        parsed("n,,\u{1}auth=Bearer t.o.k\u{1}\u{1}"),
        Some((None, "t.o.k"))
    );
    assert_eq!(
        parsed("n,a=me,\u{1}trace=1\u{1}auth=bearer t\u{1}\u{1}"),
        Some((Some("me"), "t"))
    );
    for wrong in [
        "",
        "n,,",
        "auth=Bearer t",
        "p=x,,\u{1}auth=Bearer t\u{1}\u{1}",
        "n,me,\u{1}auth=Bearer t\u{1}\u{1}",
        "n,,\u{1}auth=Basic t\u{1}\u{1}",
        "n,,\u{1}auth=Bearer \u{1}\u{1}",
        "n,,x,\u{1}auth=Bearer t\u{1}\u{1}",
    ] {
        assert_eq!(parsed(wrong), None, "{wrong:?}");
    }
}
