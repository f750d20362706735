//! Beans that follow from others: sums over listeners, and the second name of a request.

use std::time::Duration;

use limpid_telemetry::mbeans::{Attributes, BeanSource, Beans, Value};

/// Fetches, of which those for replicas are counted apart (see [`Api`](crate::metrics::Api)).
const FETCH: &str = "request=Fetch";
/// All others are a consumer's. Kafka's Fetch has both; while no broker fetches from this one, that is the
/// same.
const CONSUMER: &str = "request=FetchConsumer";
const FOLLOWER: &str = "request=FetchFollower";
/// Beans that come with the first request of a version or an error, in Kafka too.
const BY_FIRST_USE: [&str; 2] = ["name=RequestsPerSec,", "name=ErrorsPerSec,"];

/// See the module.
pub struct DerivedBeans;

impl BeanSource for DerivedBeans {
    fn add_to(&self, _now: Duration, beans: &mut Beans) {
        let requests = beans.iter().filter_map(|(name, attributes)| {
            let rest = name.strip_prefix("kafka.network:type=RequestMetrics,")?;
            let is_fetch = rest.split(',').any(|property| property == FETCH);
            is_fetch.then(|| (name.to_owned(), attributes.to_vec()))
        });
        let fetches: Vec<_> = requests.collect();
        let expired = beans
            .iter()
            .filter(|(name, _)| name.starts_with("kafka.server:type=socket-server-metrics,"))
            .flat_map(|(_, attributes)| attributes)
            .filter(|(name, _)| *name == "expired-connections-killed-count");
        let expired: f64 = expired
            .map(|(_, value)| match value {
                Value::Double(count) => *count,
                _ => 0.0,
            })
            .sum();
        for (name, attributes) in fetches {
            if !BY_FIRST_USE.iter().any(|of| name.contains(of)) {
                // Stays as it is where there were some.
                beans.add(name.replace(FETCH, FOLLOWER), none_of(&attributes));
            }
            beans.add(name.replace(FETCH, CONSUMER), attributes);
        }
        let killed = "kafka.network:type=SocketServer,name=ExpiredConnectionsKilledCount";
        beans.gauge(killed, Value::Long(expired as i64));
        let answers = "kafka.network:type=RequestChannel,name=ResponseQueueSize";
        if let Some(waiting) = beans.get(answers).map(<[_]>::to_vec) {
            // All threads share what is to be sent.
            beans.add(format!("{answers},processor=0"), waiting);
        }
    }
}

/// What a distribution says before its first value.
fn none_of(attributes: &[(&'static str, Value)]) -> Attributes {
    let none = |value: &Value| match value {
        Value::Long(_) => Value::Long(0),
        Value::Double(_) => Value::Double(0.0),
        other => other.clone(),
    };
    let all = attributes.iter();
    all.map(|(name, value)| (*name, none(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_second_names() {
        let mut beans = Beans::default();
        let expired = |count| vec![("expired-connections-killed-count", Value::Double(count))];
        let listener = "kafka.server:type=socket-server-metrics,networkProcessor=0,listener";
        beans.add(format!("{listener}=A"), expired(2.0));
        beans.add(format!("{listener}=B"), expired(3.0));
        let requests = "kafka.network:type=RequestMetrics,name=RequestsPerSec";
        let count = |count| vec![("Count", Value::Long(count))];
        beans.add(format!("{requests},request=Fetch,version=13"), count(7));
        beans.add(
            format!("{requests},request=FetchSnapshot,version=0"),
            count(1),
        );
        let times = "kafka.network:type=RequestMetrics,name=TotalTimeMs";
        let timed =
            |count, mean| vec![("Count", Value::Long(count)), ("Mean", Value::Double(mean))];
        beans.add(format!("{times},request=Fetch"), timed(7, 1.5));
        let sizes = "kafka.network:type=RequestMetrics,name=RequestBytes";
        beans.add(format!("{sizes},request=Fetch"), timed(7, 100.0));
        beans.add(format!("{sizes},request=FetchFollower"), timed(2, 50.0));
        let answers = "kafka.network:type=RequestChannel,name=ResponseQueueSize";
        beans.gauge(answers, Value::Long(4));
        DerivedBeans.add_to(Duration::ZERO, &mut beans);
        let of = |name: &str| beans.get(name).map(|bean| bean[0].1.clone());
        let sum = "kafka.network:type=SocketServer,name=ExpiredConnectionsKilledCount";
        assert_eq!(of(sum), Some(Value::Long(5)));
        let consumers = format!("{requests},request=FetchConsumer,version=13");
        assert_eq!(of(&consumers), Some(Value::Long(7)));
        let named = |part: &str| beans.iter().filter(|(name, _)| name.contains(part)).count();
        assert_eq!(named("FetchConsumer"), 3);
        assert_eq!(named("FetchFollower"), 2, "none by version");
        let whole = |name: String| beans.get(&name).map(<[_]>::to_vec);
        let none = whole(format!("{times},request=FetchFollower"));
        assert_eq!(none, Some(timed(0, 0.0)), "none was for a replica");
        let some = whole(format!("{sizes},request=FetchFollower"));
        assert_eq!(some, Some(timed(2, 50.0)), "what was counted stays");
        assert_eq!(of(&format!("{answers},processor=0")), Some(Value::Long(4)));
    }
}
