use std::sync::Arc;

use limpid_cluster::{HotKey, HotKeys, Topic, TopicWriters, Writer};
use limpid_telemetry::Registry;

use crate::fixture::{cluster, lines, source};
use crate::{Exporter, Format};

fn written(name: &str, sampled: u64) -> Arc<Topic> {
    let writer = Writer {
        client_id: "till".to_owned(),
        share: 0.75,
        ..Writer::default()
    };
    let key = HotKey {
        hash: "00ff".to_owned(),
        key: b"secret".to_vec(),
        share: 0.5,
    };
    let writers = TopicWriters {
        writers: vec![writer],
        keys: HotKeys {
            sampled,
            keyless: 0.0,
            keys: vec![key],
        },
    };
    Arc::new(Topic {
        name: name.to_owned(),
        writers: Some(Arc::new(writers)),
        ..Topic::default()
    })
}

#[test]
fn shares_are_told_once_there_is_enough_to_tell_them_by() {
    let mut cluster = cluster();
    cluster.topics = vec![written("few", 99), written("orders", 100)];
    let exporter = Exporter::new(Registry::new()).unwrap();
    exporter.add_cluster(source(cluster));
    let page = exporter.render(Format::Text);
    let expected = [
        "limpid_topic_largest_writer_ratio{topic=\"few\"} 0.75",
        "limpid_topic_largest_writer_ratio{topic=\"orders\"} 0.75",
    ];
    assert_eq!(lines(&page, "limpid_topic_largest"), expected);
    let expected = ["limpid_topic_hottest_key_ratio{topic=\"orders\"} 0.5"];
    assert_eq!(lines(&page, "limpid_topic_hottest"), expected);
    assert!(!page.contains("secret"), "a key is payload");
}
