use std::os::unix::fs::PermissionsExt as _;

use limpid_platform::random::OsRandom;

use super::*;

fn read(path: &Path) -> Users {
    reread::read(path).unwrap()
}

#[test]
fn users_are_added_changed_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("users");
    add(&path, "alice", "correct horse", &OsRandom).unwrap();
    std::fs::write(
        &path,
        format!("# ours\n\n{}", std::fs::read_to_string(&path).unwrap()),
    )
    .unwrap();
    add(&path, "bob@x", "battery staple", &OsRandom).unwrap();
    add(&path, "alice", "another horse", &OsRandom).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.starts_with("# ours\n\n") && text.lines().count() == 4,
        "{text}"
    );
    assert!(!text.contains("horse"), "{text}");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let users = read(&path);
    assert!(users.hash("alice").unwrap().fits("another horse"));
    assert!(!users.hash("alice").unwrap().fits("correct horse"));
    remove(&path, "alice").unwrap();
    assert!(read(&path).hash("alice").is_none());
    assert!(read(&path).hash("bob@x").is_some());
    assert!(matches!(
        remove(&path, "alice"),
        Err(ChangeError::Missing(_))
    ));
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        1,
        "no leftovers"
    );
}

#[test]
fn what_makes_no_user_leaves_the_file_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("users");
    let long = "x".repeat(PASSWORD_BYTES_MAX + 1);
    for (name, password) in [
        ("", "long enough"),
        ("a:b", "long enough"),
        ("a\nb", "long enough"),
        ("alice", "short"),
        ("alice", &long),
    ] {
        let error = add(&path, name, password, &OsRandom).unwrap_err();
        assert!(matches!(error, ChangeError::Refused(_)), "{name:?} {error}");
    }
    assert!(!path.exists());
    std::fs::write(&path, "alice:{SHA}secret\n").unwrap();
    let error = add(&path, "bob", "long enough", &OsRandom)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("users:1: the password of alice is not"),
        "{error}"
    );
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn a_line_that_is_wrong_is_named_and_not_repeated() {
    let hash = PasswordHash::decoy().to_string();
    for (text, line, named) in [
        ("geheim".to_owned(), 1, "not of the form"),
        (format!("# x\na b:{hash}"), 2, "a name has"),
        (format!("a:{hash}\na:{hash}"), 2, "a is there twice"),
        ("a:geheim".to_owned(), 1, "the password of a is not"),
    ] {
        let (at, reason) = Users::from_text(&text).unwrap_err();
        assert_eq!(at, line);
        assert!(
            reason.contains(named) && !reason.contains("geheim"),
            "{reason}"
        );
    }
    assert!(
        Users::from_text("\n # nobody\n")
            .unwrap()
            .by_name
            .is_empty()
    );
}
