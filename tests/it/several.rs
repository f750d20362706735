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
