use limpid_cluster::{Group, GroupPartition, GroupTopic, Lag};

use super::*;

fn topic(name: &str, bytes_in: u64) -> Arc<Topic> {
    Arc::new(Topic {
        name: name.to_owned(),
        traffic: Traffic {
            bytes_in,
            ..Traffic::default()
        },
        ..Topic::default()
    })
}

fn group(id: &str, records: u64) -> Arc<Group> {
    let partition = GroupPartition {
        lag: Some(Lag {
            records,
            seconds: Some(1.0),
            event_seconds: None,
        }),
        ..GroupPartition::default()
    };
    Arc::new(Group {
        id: id.to_owned(),
        topics: vec![GroupTopic {
            name: "t".to_owned(),
            partitions: vec![partition],
        }],
        ..Group::default()
    })
}

fn at(seconds: i64, topics: Vec<Arc<Topic>>, groups: Vec<Arc<Group>>) -> Reading {
    let bytes_in = topics.iter().map(|t| t.traffic.bytes_in).sum();
    Reading {
        snapshot: Arc::new(ClusterSnapshot {
            taken_at_ms: seconds * 1000,
            topics,
            groups,
            traffic: Traffic {
                bytes_in,
                ..Traffic::default()
            },
            ..ClusterSnapshot::default()
        }),
        registry: None,
    }
}

fn known(series: &Series) -> Vec<Option<f64>> {
    series.points().collect()
}

#[test]
fn rates_are_between_points_and_begin_unknown() {
    let trends = Trends::new();
    for second in 1..=11 {
        trends.take(at(
            second,
            vec![topic("t", second as u64 * 100)],
            Vec::new(),
        ));
    }
    let cluster = trends.cluster();
    assert_eq!(
        known(&cluster.traffic.bytes_in),
        [None, Some(100.0), Some(100.0)]
    );
    assert_eq!(
        known(&trends.topic("t").bytes_in),
        [None, Some(100.0), Some(100.0)]
    );
    assert_eq!(trends.topic("other").bytes_in.len(), 0);
    let newest = at(12, vec![topic("t", 1_500)], Vec::new()).snapshot;
    let now = trends.now(newest);
    assert_eq!(
        now.cluster().bytes_in,
        Some(150.0),
        "over the six seconds kept"
    );
    assert_eq!(now.topic(&topic("t", 1_500)).bytes_in, Some(150.0));
    assert_eq!(now.topic(&topic("new", 1)).bytes_in, None);
}

#[test]
fn a_counter_that_began_anew_and_a_stretch_without_looks_are_gaps() {
    let trends = Trends::new();
    trends.take(at(1, vec![topic("t", 1000)], Vec::new()));
    trends.take(at(6, vec![topic("t", 10)], Vec::new()));
    trends.take(at(100, vec![topic("t", 20)], Vec::new()));
    trends.take(at(105, vec![topic("t", 30)], Vec::new()));
    let series = trends.topic("t").bytes_in;
    assert_eq!(known(&series), [None, None, None, Some(2.0)]);
    trends.take(at(105, vec![topic("t", 9_999)], Vec::new()));
    assert_eq!(trends.topic("t").bytes_in.len(), 4, "the same moment again");
}

#[test]
fn what_is_gone_is_forgotten() {
    let trends = Trends::new();
    trends.take(at(1, vec![topic("t", 1)], vec![group("g", 5)]));
    assert_eq!(trends.group("g").lag_records.last(), Some(5.0));
    let bytes = trends.take(at(6, Vec::new(), Vec::new()));
    assert_eq!(trends.group("g").lag_records.len(), 0);
    assert_eq!(bytes, 0);
}

#[test]
fn the_budget_holds_and_the_quiet_are_shed_first() {
    let trends = Trends::new();
    let names: Vec<String> = (0..6_000).map(|n| format!("t{n:04}")).collect();
    let mut used = 0;
    for second in [1, 6, 11] {
        let topics = names.iter().enumerate().map(|(n, name)| {
            // Only the first ten are written to.
            topic(name, if n < 10 { second as u64 } else { 0 })
        });
        used = trends.take(at(second, topics.collect(), vec![group("g", 1)]));
        assert!(used <= TREND_BYTES_MAX, "{used}");
    }
    assert!(used > TREND_BYTES_MAX / 2);
    for name in &names[..10] {
        // At the first look nobody knows yet who is busy.
        assert!(trends.topic(name).bytes_in.len() >= 2, "{name}");
    }
    assert!(trends.group("g").lag_records.len() >= 2);
    let kept = names.iter().filter(|n| trends.topic(n).bytes_in.len() > 0);
    assert!(kept.count() < names.len());
}

#[test]
fn the_registry_is_compared_over_a_minute() {
    let trends = Trends::new();
    assert!(trends.apis().is_none());
    for step in 0..20_u64 {
        let totals = ApiTotals {
            answered: step * 10,
            ..ApiTotals::default()
        };
        let mut reading = at(step as i64 * 5 + 1, Vec::new(), Vec::new());
        reading.registry = Some(RegistryReading {
            apis: BTreeMap::from([("Fetch".to_owned(), totals)]),
            buffers: vec![BufferReading {
                pool: "p",
                used_bytes: step,
                wait_seconds: step as f64,
            }],
        });
        trends.take(reading);
    }
    let (apis, seconds) = trends.apis().expect("two readings");
    assert_eq!((apis["Fetch"].answered, seconds), (120, 60.0));
    assert_eq!(trends.waiting("p"), Some(0.2));
    assert_eq!(trends.waiting("q"), None);
    let cluster = trends.cluster();
    assert_eq!(cluster.requests.last(), Some(2.0));
    assert_eq!(cluster.buffers["p"].last(), Some(19.0));
}
