//! One record of the audit.

use limpid_security::Principal;
use limpid_telemetry::label_enum;
use serde::{Serialize, Serializer};

use super::changes::Change;
use super::text::cut;

/// Version of the schema; it changes when a field changes its meaning or goes.
const SCHEMA: u32 = 1;

label_enum! {
    /// What a record of the audit is about.
    pub enum Kind {
        /// A request that changes the cluster.
        Change = "change",
        /// A client of Kafka's protocol that was not let in.
        LoginFailed = "login_failed",
        /// A client that may not do what it asked for.
        Denied = "denied",
        /// Somebody looked at what is in records, over HTTP.
        PayloadRead = "payload_read",
        /// Somebody logged in over HTTP.
        HttpLogin = "http_login",
        /// Somebody tried to log in over HTTP.
        HttpLoginFailed = "http_login_failed",
        /// A request over HTTP that was turned away.
        HttpRefused = "http_refused",
        /// A request over HTTP that changes something.
        HttpChange = "http_change",
        /// Somebody fetched a support bundle.
        BundleMade = "support_bundle",
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(limpid_telemetry::LabelEnum::as_str(*self))
    }
}

/// Who it was, as far as that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Who {
    /// The principal of a client, the name of a visitor.
    pub principal: String,
    /// `client.id`, as the client chose it.
    pub client_id: String,
    /// Name of the listener.
    pub listener: String,
    /// Where it came from, without the port: that changes with each connection.
    pub address: String,
}

impl Who {
    /// A visitor over HTTP: the listener's scheme, its name and its address, where there are any. The
    /// principal is written as that of the broker's clients, so that one name finds all that somebody did.
    pub fn visitor(listener: &str, name: &str, address: impl Into<String>) -> Self {
        Self {
            principal: match name {
                "" => String::new(),
                name => Principal::user(name).as_str().to_owned(),
            },
            client_id: String::new(),
            listener: listener.to_owned(),
            address: address.into(),
        }
    }
}

/// What it was about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Resource {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

/// One record.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    schema: u32,
    /// What it is about.
    pub kind: Kind,
    /// When it happened, or happened last; ms since the Unix epoch.
    pub at_ms: i64,
    /// When it happened first of the `count` times.
    pub first_at_ms: i64,
    /// How often it happened.
    pub count: u64,
    /// Who it was.
    pub who: Who,
    /// What was asked for.
    pub action: String,
    /// How it ended: Kafka's name of an error, `NONE` without one; a status of HTTP.
    pub outcome: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource>,
    /// What it changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// How many more changes there were.
    pub changes_left_out: usize,
}

impl Record {
    /// Something that somebody did.
    pub fn new(kind: Kind, who: Who, action: &str, outcome: &str) -> Self {
        Self {
            schema: SCHEMA,
            kind,
            at_ms: 0,
            first_at_ms: 0,
            count: 1,
            who: Who {
                principal: cut(&who.principal),
                client_id: cut(&who.client_id),
                listener: cut(&who.listener),
                address: cut(&who.address),
            },
            action: cut(action),
            outcome: cut(outcome),
            reason: None,
            resource: None,
            changes: Vec::new(),
            changes_left_out: 0,
        }
    }

    /// Why.
    #[must_use]
    pub fn because(mut self, reason: &str) -> Self {
        self.reason = Some(cut(reason));
        self
    }

    /// What it was about.
    #[must_use]
    pub fn about(mut self, kind: &'static str, name: &str) -> Self {
        self.resource = Some(Resource {
            kind,
            name: cut(name),
        });
        self
    }

    pub(super) fn happened(&mut self, at_ms: i64) {
        (self.at_ms, self.first_at_ms) = (at_ms, at_ms);
    }

    /// As it stands in the topic.
    pub(super) fn json(&self) -> Vec<u8> {
        // Texts and numbers alone: that can be written.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The changes as a field of the line in the log; none without any.
    pub(super) fn changes_json(&self) -> Option<String> {
        if self.changes.is_empty() {
            return None;
        }
        serde_json::to_string(&self.changes).ok()
    }
}
