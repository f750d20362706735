//! Names that the exporters of Kafka's MBeans give to client quotas, from the MBeans. Of a quota that
//! all client ids of a user share, or all users of a client id, the other label is missing.

use std::sync::Arc;

use limpid_telemetry::mbeans::{MBeans, Value};
use limpid_telemetry::{CollectError, Collector, Declaration, Samples, Text};

/// As many as the broker has series for; more are never read.
type Name = Text<2_000>;

limpid_telemetry::families! {
    /// Families of the collector.
    pub mod families {
        /// Bytes per second that clients produce, over the windows of their quota.
        PRODUCE_RATE: float_gauge { user: Name, client_id: Name } = "kafka_server_produce_byte_rate";
        /// Average time that producers were held back for, milliseconds, of the last minute.
        PRODUCE_THROTTLE: float_gauge { user: Name, client_id: Name } = "kafka_server_produce_throttle_time";
        /// Bytes per second that clients fetch, over the windows of their quota.
        FETCH_RATE: float_gauge { user: Name, client_id: Name } = "kafka_server_fetch_byte_rate";
        /// Average time that consumers were held back for, milliseconds, of the last minute.
        FETCH_THROTTLE: float_gauge { user: Name, client_id: Name } = "kafka_server_fetch_throttle_time";
        /// Percent of a thread that requests of clients keep busy, over the windows of their quota.
        REQUEST_TIME: float_gauge { user: Name, client_id: Name } = "kafka_server_request_request_time";
        /// Average time that clients were held back for their requests, milliseconds, of the last minute.
        REQUEST_THROTTLE: float_gauge { user: Name, client_id: Name } = "kafka_server_request_throttle_time";
    }
}

/// The MBeans of each kind of quota, and the families of their two attributes.
const KINDS: [Kind; 3] = [
    Kind {
        beans: "kafka.server:type=Produce,",
        used: ("byte-rate", &families::PRODUCE_RATE),
        throttle: &families::PRODUCE_THROTTLE,
    },
    Kind {
        beans: "kafka.server:type=Fetch,",
        used: ("byte-rate", &families::FETCH_RATE),
        throttle: &families::FETCH_THROTTLE,
    },
    Kind {
        beans: "kafka.server:type=Request,",
        used: ("request-time", &families::REQUEST_TIME),
        throttle: &families::REQUEST_THROTTLE,
    },
];

struct Kind {
    beans: &'static str,
    used: (&'static str, &'static Declaration),
    throttle: &'static Declaration,
}

/// See the module.
pub struct StrimziQuotas {
    beans: Arc<MBeans>,
}

impl StrimziQuotas {
    /// For these MBeans.
    pub fn new(beans: Arc<MBeans>) -> Self {
        StrimziQuotas { beans }
    }
}

impl Collector for StrimziQuotas {
    fn name(&self) -> &'static str {
        "strimzi_quotas"
    }

    fn families(&self) -> &'static [&'static Declaration] {
        families::ALL
    }

    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        for kind in &KINDS {
            for bean in self.beans.names_from(kind.beans) {
                let properties = properties(&bean[kind.beans.len()..]);
                let find = |key: &str| {
                    let found = properties.iter().find(|(name, _)| *name == key);
                    found.map_or("", |(_, value)| value.as_str())
                };
                let labels = [find("user"), find("client-id")];
                for (attribute, value) in self.beans.read(&bean).unwrap_or_default() {
                    let family = match attribute {
                        "throttle-time" => kind.throttle,
                        used if used == kind.used.0 => kind.used.1,
                        _ => continue,
                    };
                    if let Value::Double(value) = value {
                        out.family(family).add(&labels, value);
                    }
                }
            }
        }
        Ok(())
    }
}

/// The properties of an ObjectName, what is quoted in them unquoted.
fn properties(mut text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    while let Some((key, rest)) = text.split_once('=') {
        let mut value = String::new();
        let mut end = rest.len();
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut chars = quoted.char_indices();
            while let Some((at, c)) = chars.next() {
                match c {
                    '"' => {
                        end = at + 2;
                        break;
                    }
                    '\\' => match chars.next() {
                        Some((_, 'n')) => value.push('\n'),
                        Some((_, escaped)) => value.push(escaped),
                        None => {}
                    },
                    plain => value.push(plain),
                }
            }
        } else {
            end = rest.find(',').unwrap_or(end);
            value.push_str(&rest[..end]);
        }
        found.push((key, value));
        text = rest.get(end..).unwrap_or_default();
        text = text.strip_prefix(',').unwrap_or(text);
    }
    found
}

#[cfg(test)]
mod tests;
