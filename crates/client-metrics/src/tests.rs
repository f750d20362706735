use std::collections::BTreeMap;

use limpid_platform::clock::ManualClock;
use limpid_telemetry::{Collector, Registry, Samples};

use super::*;
use crate::otlp::tests::{attribute, gauge, metrics_data};

fn client() -> Client {
    Client {
        instance: Uuid::from_bytes([5; 16]),
        id: "orders".to_owned(),
        software_name: "apache-kafka-java".to_owned(),
        software_version: "4.3.0".to_owned(),
        address: "127.0.0.1".to_owned(),
        port: 4242,
    }
}

struct Fixture {
    clock: Arc<ManualClock>,
    receiver: ClientMetrics,
    stored: Vec<Subscription>,
}

impl Fixture {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(0));
        let registry = Registry::new();
        let metrics = PushMetrics::register(&registry).unwrap();
        let everything = BTreeMap::from([
            ("metrics".to_owned(), "*".to_owned()),
            ("interval.ms".to_owned(), "1000".to_owned()),
        ]);
        Fixture {
            receiver: ClientMetrics::new(Arc::clone(&clock) as Arc<dyn Clock>, metrics, None)
                .unwrap(),
            clock,
            stored: vec![Subscription::new(&everything).unwrap()],
        }
    }

    fn rules(&self) -> Rules<'_> {
        Rules {
            subscriptions: &self.stored,
            with_default: true,
            bytes_max: 1_000,
        }
    }

    fn push(&self, id: i32, codec: Codec, bytes: &[u8]) -> Result<(), ErrorCode> {
        let mut compressed = Vec::new();
        codec.compress(bytes, None, &mut compressed).unwrap();
        let push = Push {
            subscription_id: id,
            is_last: false,
            compression: codec.id().cast_signed(),
            metrics: compressed.into(),
        };
        self.receiver.push(&self.rules(), client(), push)
    }

    /// Shown once everything is read.
    fn shown(self) -> Vec<String> {
        self.receiver.pool.shutdown();
        let mut samples = Samples::new();
        self.receiver.collector().collect(&mut samples).unwrap();
        let lines = samples.families().iter().flat_map(|family| {
            let name = &*family.head().name;
            let line = move |(labels, value)| format!("{name}{labels} {value:?}");
            family.iter().map(line).collect::<Vec<_>>()
        });
        lines.collect()
    }
}

#[test]
fn what_is_pushed_is_shown_with_every_codec() {
    let fixture = Fixture::new();
    let asked = fixture.receiver.ask(&fixture.rules(), &client()).unwrap();
    assert_eq!(
        (asked.interval_ms, asked.metrics),
        (1_000, vec![String::new()])
    );
    let metrics = metrics_data(
        &[],
        &[
            gauge("org.apache.kafka.producer.request.latency.avg", 3, &[]),
            gauge("com.example.queue", 4, &[attribute(7, "topic", "t")]),
        ],
    );
    for codec in CODECS {
        fixture.clock.advance(Duration::from_secs(1));
        assert_eq!(
            fixture.push(asked.subscription_id, codec, &metrics),
            Ok(()),
            "{codec}"
        );
    }
    let who = format!(
        "client_id=\"orders\",client_instance_id=\"{}\",client_software_name=\"apache-kafka-java\"",
        client().instance
    );
    let reader = Arc::clone(&fixture.receiver.reader);
    assert_eq!(
        fixture.shown(),
        [
            format!(
                "kafka_client_metric{{{who},metric=\"com.example.queue\",topic=\"t\"}} Float(4.0)"
            ),
            format!("kafka_client_producer_request_latency_avg{{{who}}} Float(3.0)"),
        ]
    );
    assert_eq!(reader.pushes.get(Outcome::Taken).get(), 4);
    assert_eq!(reader.metrics.queued.get(), 0);
}

#[test]
fn what_cannot_be_read_is_counted_and_no_error() {
    let fixture = Fixture::new();
    let asked = fixture.receiver.ask(&fixture.rules(), &client()).unwrap();
    let pushed = fixture.push(asked.subscription_id, Codec::None, b"\x0bgarbage");
    assert_eq!(pushed, Ok(()));
    let reader = Arc::clone(&fixture.receiver.reader);
    assert_eq!(fixture.shown(), Vec::<String>::new());
    assert_eq!(reader.pushes.get(Outcome::Malformed).get(), 1);
}

#[test]
fn refused_pushes_have_kafkas_errors() {
    let fixture = Fixture::new();
    let rules = fixture.rules();
    let asked = fixture.receiver.ask(&rules, &client()).unwrap();
    let again = fixture.receiver.ask(&rules, &client());
    assert_eq!(again, Err(ErrorCode::ThrottlingQuotaExceeded));
    let large = vec![1; 2_000];
    let id = asked.subscription_id;
    let too_large = fixture.push(id, Codec::None, &large);
    assert_eq!(too_large, Err(ErrorCode::TelemetryTooLarge));
    fixture.clock.advance(Duration::from_secs(1));
    let strange = Push {
        subscription_id: id,
        is_last: false,
        compression: 9,
        metrics: Bytes::new(),
    };
    let strange = fixture.receiver.push(&rules, client(), strange);
    assert_eq!(strange, Err(ErrorCode::UnsupportedCompressionType));
    fixture.clock.advance(Duration::from_secs(1));
    let stale = fixture.push(id + 1, Codec::None, b"");
    assert_eq!(stale, Err(ErrorCode::UnknownSubscriptionId));
    assert_eq!(fixture.receiver.reader.metrics.unknown.get(), 1);
    let refused = fixture.receiver.reader.pushes.get(Outcome::Refused);
    assert_eq!(refused.get(), 3);
}
