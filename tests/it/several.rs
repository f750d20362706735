//! Several servers live in one process without knowing each other.

use limpid_protocol::messages::MetadataRequest;

use crate::home::{Client, Home};

fn topics(client: &mut Client) -> Vec<String> {
    let request = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    let response = client.call(&request, 12);
    response.topics.into_iter().filter_map(|t| t.name).collect()
}

#[test]
fn two_servers_share_nothing() {
    let (one, two) = (Home::start(), Home::start());
    let (mut first, mut second) = (one.client(), two.client());
    first.create("only-here");
    second.create("only-there");
    assert_eq!(first.produce("only-here", b"x"), 0);
    assert_eq!(topics(&mut first), ["only-here"]);
    assert_eq!(topics(&mut second), ["only-there"]);
    let ids = [&mut first, &mut second].map(|client| {
        let request = MetadataRequest {
            topics: Some(Vec::new()),
            ..Default::default()
        };
        client.call(&request, 12).cluster_id
    });
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn two_servers_count_for_themselves() {
    let (one, two) = (Home::start(), Home::start());
    let mut first = one.client();
    first.create("counted");
    for offset in 0..3 {
        assert_eq!(first.produce("counted", b"x"), offset);
    }
    let lines = |home: &Home, word: &str| -> Vec<String> {
        let page = home.scrape();
        let lines = page.lines().filter(|line| !line.starts_with('#'));
        let lines = lines.filter(|line| line.contains(word));
        lines.map(str::to_owned).collect()
    };
    let produced = "limpid_requests_total{api=\"Produce\",error=\"NONE\"} 3";
    let counted = |home: &Home| -> Vec<String> {
        // Errors that may come are there at 0.
        let mut lines = lines(home, "api=\"Produce\",error");
        lines.retain(|line| !line.ends_with(" 0"));
        lines
    };
    assert_eq!(counted(&one), [produced]);
    assert!(!lines(&one, "topic=\"counted\"").is_empty());
    assert_eq!(counted(&two), Vec::<String>::new());
    assert!(lines(&two, "counted").is_empty(), "known to the other one");
    let appended = "limpid_log_appended_batches_total ";
    assert_eq!(lines(&one, appended), [format!("{appended}3")]);
    assert_eq!(lines(&two, appended), [format!("{appended}0")]);
}
