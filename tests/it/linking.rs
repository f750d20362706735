//! The faces' way to a cluster: `ClusterAdmin` and `RecordBrowser` over pipes within the process,
//! and the client under them over TCP.

use std::sync::Arc;
use std::time::{Duration, Instant};

use limpid_client::{Client, ClientConfig, Producer, ProducerConfig, Record, Tcp};
use limpid_cluster::{AdminError, Browse, NewTopic};
use limpid_protocol::records::Codec;
use tokio::runtime::Runtime;

use crate::home::Home;

/// One thread, as a face has it.
fn face() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

fn new_topic(name: &str, partitions: i32) -> NewTopic {
    NewTopic {
        name: name.to_owned(),
        partitions,
        replication_factor: 1,
        configs: vec![("retention.ms".to_owned(), "3600000".to_owned())],
    }
}

fn newest(records_max: usize) -> Browse {
    Browse {
        records_max,
        bytes_max: 10_000,
        ..Browse::default()
    }
}

/// Writes `count` records over TCP; key `n % 7`, value `n`, time 1000 + `n`.
async fn write(home: &Home, topic: &str, count: i64, compression: Codec) {
    let config = ClientConfig::with_bootstrap(&home.kafka().to_string()).unwrap();
    let client = Client::new(config, Arc::new(Tcp));
    let config = ProducerConfig {
        compression,
        batch_bytes: 500,
        ..ProducerConfig::default()
    };
    let producer = Producer::new(client, config);
    let mut deliveries = Vec::new();
    for n in 0..count {
        let mut record = Record::keyed(topic, (n % 7).to_string(), n.to_string());
        record.timestamp_ms = Some(1000 + n);
        deliveries.push(producer.send(record).await.unwrap());
    }
    for delivery in deliveries {
        delivery.acknowledged().await.unwrap();
    }
    producer.close().await;
}

#[test]
fn topics_are_made_browsed_and_deleted_without_a_socket() {
    let home = Home::start();
    let (admin, browser) = (home.server().admin(), home.server().browser());
    face().block_on(async {
        admin.create_topic(new_topic("linked", 3)).await.unwrap();
        let again = admin
            .create_topic(new_topic("linked", 3))
            .await
            .unwrap_err();
        assert!(matches!(&again, AdminError::Refused(why) if why.contains("TOPIC_ALREADY_EXISTS")));
        assert!(
            browser
                .browse("linked", newest(10))
                .await
                .unwrap()
                .is_empty()
        );

        write(&home, "linked", 500, Codec::Lz4).await;
        let records = browser.browse("linked", newest(20)).await.unwrap();
        let values: Vec<String> = records
            .iter()
            .map(|r| String::from_utf8(r.value.clone().unwrap()).unwrap())
            .collect();
        let expected: Vec<String> = (480..500).rev().map(|n| n.to_string()).collect();
        assert_eq!(
            values, expected,
            "the newest of all partitions, newest first"
        );
        let all = browser.browse("linked", newest(1000)).await.unwrap();
        assert_eq!(all.len(), 500);
        let partitions: std::collections::BTreeSet<i32> = all.iter().map(|r| r.partition).collect();
        assert!(partitions.len() > 1, "keys are spread");

        let from = Browse {
            partition: Some(all[0].partition),
            from_offset: Some(2),
            ..newest(3)
        };
        let some = browser.browse("linked", from).await.unwrap();
        let offsets: Vec<i64> = some.iter().map(|r| r.offset).collect();
        assert_eq!(offsets, [4, 3, 2]);

        admin.delete_topic("linked").await.unwrap();
        let gone = browser.browse("linked", newest(1)).await.unwrap_err();
        assert!(matches!(gone, AdminError::NotFound(_)), "{gone}");
        let gone = admin.delete_topic("linked").await.unwrap_err();
        assert!(matches!(gone, AdminError::NotFound(_)), "{gone}");
    });
}

#[test]
fn pipes_do_not_hold_up_the_stop() {
    let home = Home::start();
    let browser = home.server().browser();
    let face = face();
    let none = face.block_on(browser.browse("absent", newest(1)));
    assert!(matches!(none, Err(AdminError::NotFound(_))));
    let began = Instant::now();
    assert_eq!(home.stop(), limpid_server::Stopped::Clean);
    assert!(began.elapsed() < Duration::from_secs(5));
    let none = face.block_on(browser.browse("absent", newest(1)));
    assert!(matches!(none, Err(AdminError::Unavailable(_))), "{none:?}");
}
