//! Producers whose own buffer is short: what no number of the broker's alone can show.

use std::collections::BTreeMap;

use super::{Finding, Severity, Subject, finding, shown};
use crate::producer_buffer::ProducerBuffer;
use crate::snapshot::ClusterSnapshot;
use crate::{Client, words};

/// Who is held back for more of the time than this has its quota to blame.
const HELD_BACK: f64 = 0.05;

/// What is to be said of one client.
pub fn of_client(snapshot: &ClusterSnapshot, client_id: &str) -> Vec<Finding> {
    let mut all = producers(snapshot);
    all.retain(|found| matches!(&found.about, Subject::Client(id) if id == client_id));
    all
}

/// One for each client id, those that stand still for longest first.
pub(super) fn producers(snapshot: &ClusterSnapshot) -> Vec<Finding> {
    let mut by_id: BTreeMap<&str, Vec<&ProducerBuffer>> = BTreeMap::new();
    for buffer in snapshot.short_buffers.iter().filter(|b| b.is_short()) {
        by_id.entry(&buffer.client_id).or_default().push(buffer);
    }
    let worse = |a: &&ProducerBuffer, b: &&ProducerBuffer| b.shortness().total_cmp(&a.shortness());
    let mut worst: Vec<(&ProducerBuffer, usize)> = Vec::new();
    for mut buffers in by_id.into_values() {
        buffers.sort_by(worse);
        worst.extend(buffers.first().map(|first| (*first, buffers.len() - 1)));
    }
    worst.sort_by(|(a, _), (b, _)| worse(a, b));
    let judged = worst.into_iter();
    judged
        .map(|(b, more)| producer(snapshot, b, more))
        .collect()
}

fn producer(snapshot: &ClusterSnapshot, buffer: &ProducerBuffer, more: usize) -> Finding {
    let name = shown(&buffer.client_id);
    let percent = |part: f64| format!("{:.0} %", part * 100.0);
    let sentence = match (buffer.waits(), buffer.used) {
        (Some(wait), _) => format!(
            "Producer {name} waits for room in its own buffer for {} of the time.",
            percent(wait)
        ),
        (None, used) => format!(
            "Producer {name} has {} of its own buffer left.",
            percent(1.0 - used.unwrap_or(0.0))
        ),
    };
    let mut evidence = vec![format!(
        "instance {} at {}, {}",
        buffer.instance, buffer.host, buffer.software
    )];
    if let (Some(total), Some(free)) = (buffer.total_bytes, buffer.available_bytes) {
        let (used, total) = ((total - free).max(0.0) as u64, total.max(0.0) as u64);
        let (used, total) = (words::bytes(used), words::bytes(total));
        evidence.push(format!("{used} of its {total} in use, by what it pushed"));
    }
    if more > 0 {
        let others = words::counted(more as u64, "other instance");
        evidence.push(format!("{others} of this id short as well"));
    }
    let ours = snapshot.clients.iter();
    let ours = ours.filter(|client| client.client_id == buffer.client_id);
    let busiest = ours.max_by(|a, b| a.bytes_in_per_second.total_cmp(&b.bytes_in_per_second));
    let held_back = busiest.is_some_and(|client| client.throttled_share > HELD_BACK);
    evidence.extend(busiest.map(broker_side));
    let next = match held_back {
        true => "its quota: the broker makes it wait",
        false => {
            "more buffer.memory, or what its requests take so long for: its page has the stages"
        }
    };
    Finding {
        evidence,
        next: next.to_owned(),
        ..finding(
            Severity::Attention,
            Subject::Client(buffer.client_id.clone()),
            sentence,
        )
    }
}

/// What the broker makes of the same client.
fn broker_side(client: &Client) -> String {
    let sends = words::bytes_per_second(client.bytes_in_per_second);
    if client.throttled_share > HELD_BACK {
        let share = (client.throttled_share * 100.0).min(100.0);
        return format!("it sends {sends}; a quota holds it back for {share:.0} % of the time");
    }
    let counted = client.stages.iter().filter(|stage| !stage.is_wished());
    let longest = counted.max_by(|a, b| a.seconds.total_cmp(&b.seconds));
    match (client.mean_seconds(), longest) {
        (Some(mean), Some(stage)) => format!(
            "it sends {sends}; the broker takes {} for a request of it, {} of that in {}",
            words::seconds(mean),
            words::seconds(stage.seconds),
            stage.stage
        ),
        _ => format!("it sends {sends}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StageMean;

    fn buffer(client_id: &str, instance: &str, used: f64, wait: f64) -> ProducerBuffer {
        let mut buffer = ProducerBuffer {
            client_id: client_id.to_owned(),
            instance: instance.to_owned(),
            software: "apache-kafka-java 4.3.0".to_owned(),
            host: "10.0.0.7".to_owned(),
            ..ProducerBuffer::default()
        };
        let values = [1_000.0, 1_000.0 * (1.0 - used), wait];
        for (metric, value) in ProducerBuffer::METRICS.iter().zip(values) {
            buffer.note(metric, value);
        }
        buffer
    }

    fn client(throttled_share: f64) -> Client {
        let stage = |stage, seconds| StageMean { stage, seconds };
        Client {
            client_id: "orders".to_owned(),
            bytes_in_per_second: 2_000.0,
            throttled_share,
            stages: vec![stage("local_append", 0.2), stage("purgatory", 4.0)],
            ..Client::default()
        }
    }

    #[test]
    fn who_has_room_is_not_found() {
        let mut snapshot = ClusterSnapshot::default();
        snapshot.short_buffers.push(buffer("orders", "a", 0.9, 0.1));
        assert_eq!(producers(&snapshot), []);
    }

    #[test]
    fn a_client_is_named_once_with_what_both_sides_know() {
        let mut snapshot = ClusterSnapshot {
            short_buffers: vec![
                buffer("full", "f", 0.95, 0.0),
                buffer("orders", "a", 0.96, 0.0),
                buffer("orders", "b", 1.0, 0.25),
            ],
            clients: vec![client(0.0)],
            ..ClusterSnapshot::default()
        };
        let found = producers(&snapshot);
        let said: Vec<&str> = found.iter().map(|f| f.sentence.as_str()).collect();
        assert_eq!(
            said,
            [
                "Producer orders waits for room in its own buffer for 25 % of the time.",
                "Producer full has 5 % of its own buffer left.",
            ]
        );
        assert_eq!(found[0].about, Subject::Client("orders".to_owned()));
        assert_eq!(found[0].severity, Severity::Attention);
        let shows = found[0].evidence.join("; ");
        assert!(
            shows.starts_with("instance b at 10.0.0.7, apache-kafka-java 4.3.0; "),
            "{shows}"
        );
        assert!(
            shows.contains("1 other instance of this id short as well"),
            "{shows}"
        );
        assert!(shows.contains("0.2 s of that in local_append"), "{shows}");
        assert!(found[0].next.starts_with("more buffer.memory"), "{found:?}");

        snapshot.clients = vec![client(0.4)];
        let found = producers(&snapshot);
        assert!(
            found[0].evidence[3].ends_with("a quota holds it back for 40 % of the time"),
            "{found:?}"
        );
        assert!(found[0].next.starts_with("its quota"), "{found:?}");
        assert_eq!(of_client(&snapshot, "orders"), found[..1]);
        assert_eq!(of_client(&snapshot, "idle"), []);
    }
}
