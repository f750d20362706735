//! What the audit is told of HTTP: logins, requests that were turned away, changes, and who read what
//! is in records.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use limpid_access::{PayloadsRead, Visitor};
use limpid_broker::audit::{Audit, Kind, Record, Who};

use super::{WAY_IN, is_below};

/// Reads come as POSTs there.
const JOLOKIA: &str = "/jolokia";

/// A login at a provider's page.
const BY_PROVIDER: &str = "login by OpenID Connect";

/// Tells the audit.
#[derive(Clone)]
pub(crate) struct Watch {
    audit: Arc<Audit>,
    listener: &'static str,
}

/// A request, as far as the audit is told of it: not its query, which may carry anything.
pub(super) struct Asked {
    /// Method and path.
    action: String,
    changes: bool,
    from: IpAddr,
}

impl Asked {
    pub(super) fn new(request: &Request, from: IpAddr) -> Self {
        let path = request.uri().path();
        Self {
            action: format!("{} {path}", request.method()),
            changes: !request.method().is_safe()
                && !WAY_IN.contains(&path)
                && !is_below(path, JOLOKIA),
            from,
        }
    }
}

impl Watch {
    /// Of the listener with this scheme.
    pub(crate) fn new(audit: Arc<Audit>, listener: &'static str) -> Self {
        Self { audit, listener }
    }

    /// A request was let in and answered.
    pub(super) fn answered(&self, asked: &Asked, visitor: Option<&Visitor>, answer: &Response) {
        let name = visitor.and_then(Visitor::name).unwrap_or_default();
        let record = |kind| self.record(kind, name, asked, answer.status());
        if asked.changes {
            self.audit.tell(record(Kind::HttpChange));
        }
        if let Some(read) = answer.extensions().get::<PayloadsRead>() {
            let what = record(Kind::PayloadRead).because(&read.what);
            self.audit.tell(what.about("topic", &read.topic));
        }
    }

    /// A request was turned away.
    pub(super) fn refused(&self, asked: &Asked, status: StatusCode) {
        // Led to the page where they log in, people have not been refused anything yet.
        if !status.is_redirection() {
            let record = self.record(Kind::HttpRefused, "", asked, status);
            self.audit.tell_of_repeated(record);
        }
    }

    /// Somebody logged in by the form.
    pub(super) fn logged_in(&self, name: &str, from: IpAddr) {
        let who = self.who(name, from);
        self.audit
            .tell(Record::new(Kind::HttpLogin, who, "login", "NONE"));
    }

    /// Somebody logged in at a provider's page.
    pub(super) fn vouched_for(&self, name: &str, from: IpAddr) {
        let who = self.who(name, from);
        let record = Record::new(Kind::HttpLogin, who, BY_PROVIDER, "NONE");
        self.audit.tell(record);
    }

    /// Somebody came back from a provider's page and was not let in.
    pub(super) fn not_vouched_for(&self, why: &str, from: IpAddr) {
        let who = self.who("", from);
        let record = Record::new(Kind::HttpLoginFailed, who, BY_PROVIDER, "DENIED");
        self.audit.tell_of_repeated(record.because(why));
    }

    /// Somebody was not let in with name and password.
    pub(super) fn login_failed(&self, name: &str, from: IpAddr) {
        let who = self.who(name, from);
        let record = Record::new(Kind::HttpLoginFailed, who, "login", "DENIED");
        self.audit.tell_of_repeated(record);
    }

    fn record(&self, kind: Kind, name: &str, asked: &Asked, status: StatusCode) -> Record {
        let who = self.who(name, asked.from);
        Record::new(kind, who, &asked.action, status.as_str())
    }

    fn who(&self, name: &str, from: IpAddr) -> Who {
        Who::visitor(self.listener, name, from.to_canonical().to_string())
    }
}
