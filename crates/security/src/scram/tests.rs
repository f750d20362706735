use super::*;
use limpid_platform::random::OsRandom;

const SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";
const BARE: &str = "n=user,r=rOprNGfwEbeRWgbNEkqO";

fn pencil(hash: ScramHash) -> ScramCredential {
    let salt = STANDARD.decode(SALT).expect("base64");
    let rounds = NonZeroU32::new(4096).expect("above 0");
    ScramCredential::of_password(hash, "pencil", &salt, rounds)
}

/// The example of RFC 7677, section 3.
#[test]
fn the_example_of_the_rfc() {
    let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    let login = ScramLogin {
        hash: ScramHash::Sha256,
        user: "user".into(),
        credential: pencil(ScramHash::Sha256),
        known: true,
        gs2_header: "n,,".into(),
        nonce: nonce.into(),
        transcript: format!("{BARE},r={nonce},s={SALT},i=4096"),
    };
    let proof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    let message = format!("c=biws,r={nonce},p={proof}");
    let (user, answer) = login.finish(message.as_bytes()).expect("the right proof");
    assert_eq!(user, "user");
    let expected = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    assert_eq!(String::from_utf8(answer).as_deref(), Ok(expected));
}

/// A client that knows a password.
fn prove(hash: ScramHash, password: &str, bare: &str, challenge: &[u8]) -> String {
    let challenge = std::str::from_utf8(challenge).expect("text");
    let fields: Vec<&str> = challenge.splitn(3, ',').map(|field| &field[2..]).collect();
    let salt = STANDARD.decode(fields[1]).expect("base64");
    let rounds = NonZeroU32::new(fields[2].parse().expect("a number")).expect("above 0");
    let mut salted = vec![0; hash.digest().output_len()];
    pbkdf2::derive(
        hash.pbkdf2(),
        rounds,
        &salt,
        password.as_bytes(),
        &mut salted,
    );
    let client_key = hash.sign(&salted, b"Client Key");
    let stored_key = digest::digest(hash.digest(), client_key.as_ref());
    let without_proof = format!("c=biws,r={}", fields[0]);
    let message = format!("{bare},{challenge},{without_proof}");
    let signature = hash.sign(stored_key.as_ref(), message.as_bytes());
    let pairs = client_key.as_ref().iter().zip(signature.as_ref());
    let proof: Vec<u8> = pairs.map(|(key, byte)| key ^ byte).collect();
    format!("{without_proof},p={}", STANDARD.encode(proof))
}

fn begin(hash: ScramHash, first: &str, known: bool) -> Result<(ScramLogin, Vec<u8>), Denied> {
    let find = |_: &str| known.then(|| pencil(hash));
    ScramLogin::begin(hash, first.as_bytes(), find, b"decoy", &OsRandom)
}

#[test]
fn the_password_decides() {
    for hash in [ScramHash::Sha256, ScramHash::Sha512] {
        let first = format!("n,,{BARE}");
        let (login, challenge) = begin(hash, &first, true).expect("well formed");
        let message = prove(hash, "pencil", BARE, &challenge);
        assert_eq!(login.finish(message.as_bytes()).expect("right").0, "user");

        let (login, challenge) = begin(hash, &first, true).expect("well formed");
        let message = prove(hash, "pen", BARE, &challenge);
        let denied = login
            .finish(message.as_bytes())
            .expect_err("wrong password");
        assert_eq!(
            (denied.told, denied.reason.as_str()),
            (None, "wrong password: user")
        );
    }
}

#[test]
fn an_unknown_user_looks_like_a_known_one() {
    let first = format!("n,,{BARE}");
    let salt = |challenge: &[u8]| {
        let text = std::str::from_utf8(challenge).expect("text").to_owned();
        text.split(",s=").nth(1).expect("a salt").to_owned()
    };
    let (login, one) = begin(ScramHash::Sha256, &first, false).expect("well formed");
    let (_, two) = begin(ScramHash::Sha256, &first, false).expect("well formed");
    assert_eq!(salt(&one), salt(&two), "the same for the same name");
    let message = prove(ScramHash::Sha256, "pencil", BARE, &one);
    let denied = login.finish(message.as_bytes()).expect_err("unknown");
    assert_eq!(
        (denied.told, denied.reason.as_str()),
        (None, "unknown user: user")
    );
}

#[test]
fn a_replayed_or_changed_final_message_is_refused() {
    let first = format!("n,,{BARE}");
    let (_, challenge) = begin(ScramHash::Sha256, &first, true).expect("well formed");
    let message = prove(ScramHash::Sha256, "pencil", BARE, &challenge);
    let (login, _) = begin(ScramHash::Sha256, &first, true).expect("well formed");
    let denied = login.finish(message.as_bytes()).expect_err("another nonce");
    assert!(denied.reason.contains("nonce"), "{denied}");
    for broken in [
        "",
        "c=biws",
        "c=eSws,r=x,p=y",
        "c=!,r=x,p=y",
        "p=abcd",
        "c=biws,r=,p=",
        "\u{0}",
        ",,,,,,p=",
    ] {
        let (login, _) = begin(ScramHash::Sha256, &first, true).expect("well formed");
        assert!(login.finish(broken.as_bytes()).is_err(), "{broken}");
    }
    let (login, challenge) = begin(ScramHash::Sha256, &first, true).expect("well formed");
    let short = prove(ScramHash::Sha256, "pencil", BARE, &challenge);
    let (start, _) = short.rsplit_once(",p=").expect("a proof");
    assert!(
        login.finish(format!("{start},p=YQ==").as_bytes()).is_err(),
        "a short proof"
    );
}

#[test]
fn first_messages_of_another_form_are_refused() {
    for broken in [
        "",
        "n",
        "n,,",
        "n,,n=user",
        "n,,n=,r=abc",
        "n,,r=abc,n=user",
        "n,,n=user,r=",
        "n,,n=us=er,r=abc",
        "n,,n=us=2\u{e4},r=abc",
        "n,,m=x,n=user,r=abc",
        "n,b=c,n=user,r=abc",
        "n,a=other,n=user,r=abc",
        "p=tls-unique,,n=user,r=abc",
        "n,,n=user,r=abc,tokenauth=true",
    ] {
        assert!(begin(ScramHash::Sha256, broken, true).is_err(), "{broken}");
    }
    let bytes = [0xff, 0xfe, b',', b','];
    let find = |_: &str| None;
    assert!(ScramLogin::begin(ScramHash::Sha256, &bytes, find, b"", &OsRandom).is_err());
    for fine in [
        "y,,n=user,r=abc",
        "n,a=user,n=user,r=abc",
        "n,,n=user,r=abc,x=y",
    ] {
        assert!(begin(ScramHash::Sha256, fine, true).is_ok(), "{fine}");
    }
    let (login, _) = begin(ScramHash::Sha256, "n,,n=a=2Cb=3D,r=abc", true).expect("escaped");
    assert_eq!(login.user, "a,b=");
}
