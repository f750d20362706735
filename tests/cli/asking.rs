//! `limpid status` and `limpid why`: what a shell gets to see, and the exit codes.

use std::net::TcpListener;
use std::process::Output;

use crate::broker::{LIMPID, Setup, command};

fn limpid(arguments: &[&str]) -> (Option<i32>, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command(LIMPID).args(arguments).output().unwrap();
    let text = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    assert!(!text.contains("panicked"), "{text}");
    (status.code(), text)
}

#[test]
fn a_running_broker_says_how_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Setup::new(dir.path()).start();
    let url = format!("http://{}/", broker.http);

    let (code, text) = limpid(&["status", "--url", &url]);
    // A disk that is almost full is a reason to look.
    assert!(matches!(code, Some(0 | 1)), "{text}");
    assert_eq!(
        code == Some(0),
        text.starts_with("local: healthy\n"),
        "{text}"
    );
    for word in [
        "Numbers of ",
        "records in",
        "Groups, worst first: 0",
        "request_memory",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );

    let (code, text) = limpid(&["why", "no/such&group", "--url", &url]);
    assert_eq!(
        (code, text.as_str()),
        (Some(3), "limpid: There is no group named no/such&group.\n")
    );
}

#[test]
fn nobody_there_and_a_stranger_are_told_apart_from_trouble() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{free}");
    for arguments in [
        ["status", "--url", &url].as_slice(),
        &["why", "g", "--url", &url],
    ] {
        let (code, text) = limpid(arguments);
        assert_eq!(code, Some(2), "{text}");
        assert!(
            text.starts_with("limpid: can't ask http://127.0.0.1"),
            "{text}"
        );
    }
    assert_eq!(limpid(&["status", "--url", "not a url"]).0, Some(2));
    assert_eq!(limpid(&["why"]).0, Some(2), "a group must be named");
}
