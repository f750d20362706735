//! Jolokia's door of a real server: what was counted and what is a state, as Kafka's beans.

mod changing;

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::home::{Home, PATIENCE, until};

fn send(home: &Home, request: &str) -> String {
    let mut stream = TcpStream::connect(home.server().addresses().http[0]).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn read(home: &Home, mbean: &str) -> String {
    home.get(&format!("/jolokia/read/{mbean}"))
}

#[test]
fn what_happens_is_seen_as_kafkas_beans() {
    let home = Home::start();
    let mut client = home.client();
    client.create("orders");
    client.produce("orders", b"one");
    client.produce("orders", b"two");
    let messages = "kafka.server:name=MessagesInPerSec,topic=orders,type=BrokerTopicMetrics/Count";
    assert!(
        read(&home, messages).contains("\"value\":2"),
        "{}",
        read(&home, messages)
    );
    // States are those of the snapshot, which is made once a second.
    let end = "kafka.log:name=LogEndOffset,partition=0,topic=orders,type=Log/Value";
    until("end offset of 2", || {
        read(&home, end).contains("\"value\":2").then_some(())
    });

    // As Telegraf asks: a bulk of patterns without attributes, posted to `/read`.
    let bulk = r#"[{"type":"read","mbean":"kafka.server:name=*,topic=*,type=BrokerTopicMetrics"},
        {"type":"read","mbean":"kafka.controller:name=*,type=KafkaController"},
        {"type":"read","mbean":"kafka.no:type=Such"}]"#;
    let length = bulk.len();
    let head = "POST /jolokia/read HTTP/1.0\r\nHost: localhost\r\n";
    let answer = send(
        &home,
        &format!("{head}Content-Length: {length}\r\n\r\n{bulk}"),
    );
    assert!(answer.contains(" 200 OK"), "{answer}");
    let topics = "kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec,topic=orders";
    for part in [
        topics,
        "\"OneMinuteRate\":",
        "name=ActiveControllerCount\":{\"Value\":1}",
        "\"status\":404",
    ] {
        assert!(answer.contains(part), "{part} is not in {answer}");
    }

    // A topic's beans go with it.
    client.delete("orders");
    until("end of the topic's bean", || {
        (!read(&home, messages).contains("\"status\":200")).then_some(())
    });
}
