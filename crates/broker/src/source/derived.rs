//! Beans that follow from others: sums over listeners, and the second name of a request.

use std::time::Duration;

use limpid_telemetry::mbeans::{BeanSource, Beans, Value};

/// Fetches of consumers. No broker fetches from this one, so they are all there are.
const FETCH: (&str, &str) = ("request=Fetch", "request=FetchConsumer");

/// See the module.
pub struct DerivedBeans;

impl BeanSource for DerivedBeans {
    fn add_to(&self, _now: Duration, beans: &mut Beans) {
        let requests = beans.iter().filter_map(|(name, attributes)| {
            let rest = name.strip_prefix("kafka.network:type=RequestMetrics,")?;
            let is_fetch = rest.split(',').any(|property| property == FETCH.0);
            is_fetch.then(|| (name.replace(FETCH.0, FETCH.1), attributes.to_vec()))
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
            beans.add(name, attributes);
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
        let answers = "kafka.network:type=RequestChannel,name=ResponseQueueSize";
        beans.gauge(answers, Value::Long(4));
        DerivedBeans.add_to(Duration::ZERO, &mut beans);
        let of = |name: &str| beans.get(name).map(|bean| bean[0].1.clone());
        let sum = "kafka.network:type=SocketServer,name=ExpiredConnectionsKilledCount";
        assert_eq!(of(sum), Some(Value::Long(5)));
        let consumers = format!("{requests},request=FetchConsumer,version=13");
        assert_eq!(of(&consumers), Some(Value::Long(7)));
        let all = beans
            .iter()
            .filter(|(name, _)| name.contains("FetchConsumer"));
        assert_eq!(all.count(), 1);
        assert_eq!(of(&format!("{answers},processor=0")), Some(Value::Long(4)));
    }
}
