//! What is counted of visitors.

use limpid_telemetry::{label_enum, metrics};

label_enum! {
    /// How somebody shows who they are.
    pub enum Credential {
        /// Name and password.
        Password = "password",
        /// A bearer token.
        Token = "token",
        /// The cookie of a login.
        Session = "session",
        /// A certificate, over https.
        Certificate = "certificate",
        /// The header of a proxy; refused is one that no proxy of ours has sent.
        Header = "header",
        /// The word of a provider of OpenID Connect.
        Provider = "oidc",
    }
}

label_enum! {
    /// What became of a login.
    pub enum LoginOutcome {
        /// Let in.
        Accepted = "accepted",
        /// Not known, wrong, or over.
        Refused = "refused",
        /// Too many from one address failed.
        Throttled = "throttled",
        /// Too many wait to be checked.
        Busy = "busy",
    }
}

label_enum! {
    /// Why a request was turned away before anything saw it.
    pub enum Refused {
        /// A name in `Host` that is not ours.
        Host = "host",
        /// A page of another site sent it.
        Origin = "origin",
        /// A form or script that is not of our pages.
        Forgery = "csrf",
        /// A proxy named nobody that could be read, or several.
        Unreadable = "trusted_header",
        /// Nobody logged in.
        Nobody = "unauthenticated",
        /// The grants don't allow it.
        Forbidden = "forbidden",
    }
}

label_enum! {
    /// A file of credentials.
    pub enum CredentialFile {
        /// `limpid.http.users.file`.
        Users = "users",
        /// `limpid.http.tokens.file`.
        Tokens = "tokens",
    }
}

label_enum! {
    /// How reading a file again ended.
    pub enum RereadOutcome {
        /// What it says holds.
        Loaded = "loaded",
        /// It can't be read: what it said before holds.
        Failed = "failed",
    }
}

label_enum! {
    /// Why a connection over https did not come to a request.
    pub enum ConnectionFailure {
        /// The TLS handshake failed.
        Handshake = "handshake",
        /// It took longer than `limpid.http.header.timeout.ms`.
        Slow = "handshake_timeout",
        /// Somebody spoke without TLS.
        Plain = "plain_http",
        /// No rule makes a name of the certificate that was shown.
        Nameless = "nameless_certificate",
        /// Its address has `limpid.http.connections.max.per.address` already.
        Crowded = "too_many_from_address",
    }
}

metrics! {
    /// Visitors over HTTP.
    pub struct AccessMetrics {
        /// Attempts to show who one is over HTTP.
        pub logins: counter { credential: Credential, outcome: LoginOutcome } = "limpid_http_logins_total";
        /// HTTP requests turned away before anything saw them.
        pub refused: counter { reason: Refused } = "limpid_http_refused_total";
        /// HTTP connections open now.
        pub connections: gauge = "limpid_http_connections";
        /// Most HTTP connections at a time, of all listeners together; see `limpid.http.connections.max`.
        pub connections_max: gauge = "limpid_http_connections_max";
        /// HTTP connections of the address that has most of them; trusted proxies are not counted.
        pub connections_each: gauge = "limpid_http_connections_of_one_address";
        /// Most HTTP connections that one address may have, `limpid.http.connections.max.per.address`.
        pub connections_each_max: gauge = "limpid_http_connections_of_one_address_max";
        /// Connections over HTTP that ended before a request.
        pub connection_failures: counter { cause: ConnectionFailure } = "limpid_http_connection_failures_total";
        /// Logins to the console that hold now.
        pub sessions: gauge = "limpid_http_sessions";
        /// Most logins to the console at a time, `limpid.http.sessions.max`.
        pub sessions_max: gauge = "limpid_http_sessions_max";
        /// Logins at a provider's page that have begun and not ended.
        pub attempts: gauge = "limpid_http_oidc_attempts";
        /// Most logins at a provider's page at a time; one more ends the oldest.
        pub attempts_max: gauge = "limpid_http_oidc_attempts_max";
        /// Passwords that wait to be checked.
        pub password_queue: gauge = "limpid_http_password_queue";
        /// Most passwords that may wait to be checked.
        pub password_queue_max: gauge = "limpid_http_password_queue_max";
        /// Passwords of scripts that were right lately and are not hashed again for a while.
        pub remembered: gauge = "limpid_http_passwords_remembered";
        /// Most passwords of scripts that are remembered to be right.
        pub remembered_max: gauge = "limpid_http_passwords_remembered_max";
        /// Addresses from which logging in failed within the last minute.
        pub failing: gauge = "limpid_http_failing_addresses";
        /// Most addresses whose failures are counted one by one.
        pub failing_max: gauge = "limpid_http_failing_addresses_max";
        /// Attempts to read a file of credentials that had changed.
        pub reread: counter { file: CredentialFile, outcome: RereadOutcome } = "limpid_http_credential_reloads_total";
    }
}
