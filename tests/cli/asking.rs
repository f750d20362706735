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

#[test]
fn series_are_counted_of_a_running_node_and_of_one_that_nobody_runs() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Setup::new(dir.path()).start();
    let url = format!("http://{}/", broker.http);
    let (code, text) = limpid(&["metrics", "cost", "--url", &url]);
    assert_eq!(code, Some(0), "{text}");
    let of = |text: &str, dialect: &str| -> usize {
        let line = text.lines().find(|line| line.starts_with(dialect));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number.and_then(|n| n.parse().ok()).expect(text)
    };
    assert!(
        of(&text, "limpid ") > 100 && of(&text, "strimzi ") > 50,
        "{text}"
    );
    assert!(text.contains("nothing is left out"), "{text}");

    let size = ["--partitions", "400", "--topics", "20", "--groups", "4"];
    let cost = |more: &[&str]| {
        let arguments = [&["metrics", "cost"], size.as_slice(), more].concat();
        let (code, text) = limpid(&arguments);
        assert_eq!(code, Some(0), "{text}");
        text
    };
    let text = cost(&[]);
    // Seven series of each partition and two of each that a group reads, and some more.
    assert!(
        (3_200..3_400).contains(&of(&text, "kafka_exporter ")),
        "{text}"
    );
    assert!(text.contains("nothing is left out"), "{text}");
    let text = cost(&["--max-series", "7000"]);
    assert!(text.contains("  lag by topic\n"), "{text}");
    let shed = text
        .lines()
        .rfind(|line| line.ends_with("  limpid_group_event_lag_seconds"));
    let numbers = shed.expect(&text).split_whitespace();
    let numbers: Vec<usize> = numbers.filter_map(|word| word.parse().ok()).collect();
    assert!(
        numbers.len() == 2 && numbers[0] == 200 && numbers[1] < 20,
        "{text}"
    );

    let (code, text) = limpid(&["metrics", "cost", "--url", "http://127.0.0.1:1"]);
    assert!(code != Some(0) && text.contains("can't ask"), "{text}");
}
