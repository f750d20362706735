//! The console of a real server: numbers move on a live page, and the stream ends with the server.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Instant;

use crate::home::{Home, PATIENCE, until};

/// Sends a GET and leaves the answer in the stream.
fn ask(home: &Home, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(home.server().addresses().http[0]).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

#[test]
fn a_live_page_shows_what_is_produced_and_ends_with_the_server() {
    let home = Home::start();
    let mut client = home.client();
    client.create("orders");
    // The topic is in the snapshot of the next second.
    until("page of the topic", || {
        let page = home.get("/c/local/topics/orders");
        page.contains(" 200 OK").then_some(())
    });
    let stream = ask(&home, "/c/local/stream?of=topic&name=orders");
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    assert!(lines.next().unwrap().contains("200 OK"));
    // Two records: "next offset" is 2 from the message on that comes after them.
    client.produce("orders", b"one");
    assert_eq!(client.produce("orders", b"two"), 1);
    let began = Instant::now();
    let shown = |line: &String| {
        assert!(began.elapsed() < PATIENCE, "the offset did not come");
        line.contains("<td>0</td><td>2</td><td>2</td>")
    };
    assert!(lines.by_ref().any(|line| shown(&line)));

    // The same is in the pages and in the records that a browser reads.
    let page = home.get("/c/local/topics/orders?format=json");
    assert!(page.contains("\"high_watermark\": 2"), "{page}");
    let messages = home.get("/c/local/topics/orders/messages");
    assert!(
        messages.contains("<pre>one</pre>") && messages.contains("<pre>two</pre>"),
        "{messages}"
    );
    let newest = messages.find("<pre>two</pre>").unwrap();
    assert!(
        newest < messages.find("<pre>one</pre>").unwrap(),
        "newest first"
    );
    assert!(home.get("/").contains("location: /c/local/"));

    home.stop();
    // Would wait for ever, did the stream not end.
    assert!(lines.count() < 10_000);
}
