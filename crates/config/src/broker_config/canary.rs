//! The client that measures from outside.

use crate::broker;
use crate::client_security::{self, ClientSecurity};
use crate::listeners::{Listener, SecurityProtocol};
use crate::security::Keys;
use crate::values::{KeyedMessage, Values};

/// What its properties begin with.
const PREFIX: &str = "limpid.canary.";

/// The canary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryConfig {
    /// `limpid.canary.topic`.
    pub topic: String,
    /// `limpid.canary.interval.ms`.
    pub interval_ms: u64,
    /// `limpid.canary.security.protocol`: it goes by the first listener that has it.
    pub protocol: SecurityProtocol,
    /// How it is let in there.
    pub security: ClientSecurity,
}

/// `None` without a topic.
pub(super) fn canary(
    values: &Values<'_>,
    listeners: &[Listener],
) -> Result<Option<CanaryConfig>, KeyedMessage> {
    let topic = values.text("limpid.canary.topic").trim().to_owned();
    if topic.is_empty() {
        return Ok(None);
    }
    let own_only = Values {
        value: &|_| None,
        ..*values
    };
    let own = Keys::below(&own_only, "limpid.canary.topic", PREFIX);
    let all = Keys::below(values, "limpid.canary.topic", PREFIX);
    // Whoever vouches for clients usually vouches for brokers, too.
    let has_trust = ["ssl.truststore.location", "ssl.truststore.certificates"];
    let has_trust = has_trust.iter().any(|key| own.some(key).is_some());
    let trust = if has_trust { &own } else { &all };
    let named = |(key, message)| (own_key(key), message);
    let protocol = client_security::protocol(&own).map_err(named)?;
    let security = client_security::read(&own, trust).map_err(named)?;
    if !listeners.iter().any(|one| one.security == protocol) {
        return Err(no_listener(protocol, listeners));
    }
    Ok(Some(CanaryConfig {
        topic,
        interval_ms: values.unsigned("limpid.canary.interval.ms"),
        protocol,
        security,
    }))
}

/// The canary's name for a property of Kafka's clients; the table has all of them.
fn own_key(key: &'static str) -> &'static str {
    broker::find(&format!("{PREFIX}{key}")).map_or(key, |row| row.key)
}

fn no_listener(wanted: SecurityProtocol, listeners: &[Listener]) -> KeyedMessage {
    let mut there: Vec<&str> = listeners.iter().map(|one| one.security.name()).collect();
    there.dedup();
    let message = format!(
        "the canary wants a listener of protocol {}, and there are {}: set this key to one of \
         them, with limpid.canary.ssl.* and limpid.canary.sasl.* as a client of that listener needs \
         them, or leave limpid.canary.topic empty",
        wanted.name(),
        there.join(", ")
    );
    ("limpid.canary.security.protocol", message)
}
