use super::*;
use crate::otlp::tests::{attribute, gauge, metrics_data, sum};

const MINUTE: Duration = Duration::from_secs(60);

fn client(n: u8) -> Arc<Client> {
    Arc::new(Client {
        instance: Uuid::from_bytes([n; 16]),
        id: format!("client-{n}"),
        software_name: "apache-kafka-java".to_owned(),
        software_version: "4.3.0".to_owned(),
        address: "127.0.0.1".to_owned(),
        port: 1,
    })
}

fn shown(values: &Values, now: Duration) -> Vec<String> {
    let mut all = Vec::new();
    values.each(now, |client, series, value| {
        let (id, metric, node, rest) = (&client.id, &series.metric, &series.node, &series.rest);
        all.push(format!("{id} {metric} {node} {rest} {value}"));
    });
    all
}

#[test]
fn the_newest_counts_and_differences_add_up() {
    let values = Values::default();
    let node = || {
        [
            attribute(7, "node_id", "node-1"),
            attribute(7, "error", "x"),
        ]
    };
    let push = |total: f64, since: f64| {
        let metrics = [
            sum("a.total", total, false, &node()),
            sum("b.total", since, true, &[]),
        ];
        metrics_data(&[], &metrics)
    };
    for (total, since) in [(4.0, 4.0), (9.0, 5.0)] {
        let (taken, read) = values.take(client(1), &push(total, since), MINUTE, MINUTE);
        assert_eq!((taken.kept, taken.left_out, read), (2, 0, Ok(())));
    }
    let shown = shown(&values, MINUTE);
    assert_eq!(
        shown,
        ["client-1 a.total node-1 error=x 9", "client-1 b.total   9"]
    );
}

#[test]
fn whoever_is_silent_or_said_goodbye_is_forgotten() {
    let values = Values::default();
    let push = metrics_data(&[], &[gauge("a", 1, &[])]);
    for n in [1, 2] {
        let (_, read) = values.take(client(n), &push, MINUTE, MINUTE);
        assert_eq!(read, Ok(()));
    }
    values.forget(client(2).instance);
    assert_eq!(shown(&values, MINUTE * 4).len(), 1);
    assert_eq!(shown(&values, MINUTE * 5), Vec::<String>::new());
}

#[test]
fn nobody_takes_more_than_the_limits() {
    let values = Values::default();
    let many: Vec<_> = (0..20_000)
        .map(|i| gauge(&format!("m{i}"), 1, &[]))
        .collect();
    let push = metrics_data(&[], &many);
    let (taken, read) = values.take(client(1), &push, MINUTE, MINUTE);
    assert_eq!((taken.kept, read), (SERIES_OF_CLIENT_MAX as u64, Ok(())));
    assert_eq!(
        taken.left_out,
        (POINTS_OF_PUSH_MAX - SERIES_OF_CLIENT_MAX + 1) as u64
    );
    for n in 2..=102 {
        let (_, read) = values.take(client(n), &push, MINUTE, MINUTE);
        assert_eq!(read, Ok(()));
    }
    assert_eq!(values.count().1, SERIES_MAX);
}

#[test]
fn long_texts_leave_room_for_fewer() {
    let values = Values::default();
    let name = "n".repeat(256);
    let many: Vec<_> = (0..SERIES_OF_CLIENT_MAX)
        .map(|i| gauge(&name, 1, &[attribute(7, "a", &format!("{i:0>250}"))]))
        .collect();
    let push = metrics_data(&[], &many);
    let (taken, read) = values.take(client(1), &push, MINUTE, MINUTE);
    assert_eq!(read, Ok(()));
    let most = SERIES_BYTES_OF_CLIENT_MAX as u64 / 512;
    assert!(taken.kept > 0 && taken.kept <= most, "{taken:?}");
    assert_eq!(taken.kept + taken.left_out, SERIES_OF_CLIENT_MAX as u64);
    // The same again is the same again, and not more.
    let (again, _) = values.take(client(1), &push, MINUTE, MINUTE * 2);
    assert_eq!(again, taken);
}
