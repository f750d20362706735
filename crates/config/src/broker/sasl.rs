//! SASL.

use crate::check::Check;
use crate::definition::Importance::{High, Low, Medium};
use crate::definition::Kind::{Boolean, Class, Double, Int, List, Long, Password, Short, String};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define(
        "connection.failed.authentication.delay.ms",
        Int,
        Low,
        "How long the answer to a failed login is held back.",
    )
    .default("100")
    .min(0)
    .honoured(),
    define(
        "connections.max.reauth.ms",
        Long,
        Medium,
        "How long a login holds before the client must log in again; 0 holds forever.",
    )
    .default("0")
    .honoured(),
    define(
        "sasl.client.callback.handler.class",
        Class,
        Medium,
        "Java class for logging in to other brokers; no Java classes run here.",
    ),
    define(
        "sasl.enabled.mechanisms",
        List,
        Medium,
        "SASL mechanisms that clients may use.",
    )
    .default("GSSAPI")
    .per_broker()
    .honoured(),
    define(
        "sasl.jaas.config",
        Password,
        Medium,
        "Login of this broker in Java's JAAS format.",
    )
    .per_broker()
    .honoured(),
    define("sasl.kerberos.kinit.cmd", String, Medium, "Path of kinit.")
        .default("/usr/bin/kinit")
        .per_broker(),
    define(
        "sasl.kerberos.min.time.before.relogin",
        Long,
        Medium,
        "Shortest time between two Kerberos logins.",
    )
    .default("60000")
    .per_broker(),
    define(
        "sasl.kerberos.principal.to.local.rules",
        List,
        Medium,
        "How a Kerberos principal becomes the name of a user.",
    )
    .default("DEFAULT")
    .per_broker(),
    define(
        "sasl.kerberos.service.name",
        String,
        Medium,
        "The Kerberos name of this service.",
    )
    .per_broker(),
    define(
        "sasl.kerberos.ticket.renew.jitter",
        Double,
        Medium,
        "Share by which the time of renewing a ticket varies.",
    )
    .default("0.05")
    .per_broker(),
    define(
        "sasl.kerberos.ticket.renew.window.factor",
        Double,
        Medium,
        "Share of a ticket's life after which it is renewed.",
    )
    .default("0.8")
    .per_broker(),
    define(
        "sasl.login.callback.handler.class",
        Class,
        Medium,
        "Java class for this broker's login; no Java classes run here.",
    ),
    define(
        "sasl.login.class",
        Class,
        Medium,
        "Java class that logs this broker in; no Java classes run here.",
    ),
    define(
        "sasl.login.connect.timeout.ms",
        Int,
        Low,
        "How long connecting to a login server may take.",
    ),
    define(
        "sasl.login.read.timeout.ms",
        Int,
        Low,
        "How long a login server may take to answer.",
    ),
    define(
        "sasl.login.refresh.buffer.seconds",
        Short,
        Medium,
        "How long before it runs out a login is refreshed at the latest.",
    )
    .default("300")
    .per_broker(),
    define(
        "sasl.login.refresh.min.period.seconds",
        Short,
        Medium,
        "Shortest time between two refreshes of a login.",
    )
    .default("60")
    .per_broker(),
    define(
        "sasl.login.refresh.window.factor",
        Double,
        Medium,
        "Share of a login's life after which it is refreshed.",
    )
    .default("0.8")
    .per_broker(),
    define(
        "sasl.login.refresh.window.jitter",
        Double,
        Medium,
        "Share by which the time of refreshing a login varies.",
    )
    .default("0.05")
    .per_broker(),
    define(
        "sasl.login.retry.backoff.max.ms",
        Long,
        Low,
        "Longest wait between attempts to reach a login server.",
    )
    .default("10000"),
    define(
        "sasl.login.retry.backoff.ms",
        Long,
        Low,
        "First wait between attempts to reach a login server.",
    )
    .default("100"),
    define(
        "sasl.mechanism.controller.protocol",
        String,
        High,
        "SASL mechanism towards controllers.",
    )
    .default("GSSAPI"),
    define(
        "sasl.mechanism.inter.broker.protocol",
        String,
        Medium,
        "SASL mechanism among brokers.",
    )
    .default("GSSAPI")
    .per_broker(),
    define(
        "sasl.oauthbearer.assertion.algorithm",
        String,
        Medium,
        "How a JWT assertion is signed.",
    )
    .default("RS256")
    .check(Check::OneOfAnyCase(&["ES256", "RS256"])),
    define(
        "sasl.oauthbearer.assertion.claim.aud",
        String,
        Medium,
        "Audience of a JWT assertion.",
    ),
    define(
        "sasl.oauthbearer.assertion.claim.exp.seconds",
        Int,
        Low,
        "How long a JWT assertion holds.",
    )
    .default("300")
    .between(0, 86_400),
    define(
        "sasl.oauthbearer.assertion.claim.iss",
        String,
        Medium,
        "Issuer of a JWT assertion.",
    ),
    define(
        "sasl.oauthbearer.assertion.claim.jti.include",
        Boolean,
        Medium,
        "Give a JWT assertion an id of its own.",
    )
    .default("false"),
    define(
        "sasl.oauthbearer.assertion.claim.nbf.seconds",
        Int,
        Low,
        "How far back a JWT assertion starts to hold.",
    )
    .default("60")
    .between(0, 3_600),
    define(
        "sasl.oauthbearer.assertion.claim.sub",
        String,
        Medium,
        "Subject of a JWT assertion.",
    ),
    define(
        "sasl.oauthbearer.assertion.file",
        String,
        Medium,
        "File with a ready JWT assertion.",
    ),
    define(
        "sasl.oauthbearer.assertion.private.key.file",
        String,
        Medium,
        "File with the key that signs JWT assertions.",
    ),
    define(
        "sasl.oauthbearer.assertion.private.key.passphrase",
        Password,
        Medium,
        "Passphrase of that key.",
    ),
    define(
        "sasl.oauthbearer.assertion.template.file",
        String,
        Medium,
        "File with a template for JWT assertions.",
    ),
    define(
        "sasl.oauthbearer.client.credentials.client.id",
        String,
        Medium,
        "Client id towards the token server.",
    ),
    define(
        "sasl.oauthbearer.client.credentials.client.secret",
        Password,
        Medium,
        "Client secret towards the token server.",
    ),
    define(
        "sasl.oauthbearer.clock.skew.seconds",
        Int,
        Low,
        "How far the clock of a token server may be off.",
    )
    .default("30")
    .honoured(),
    define(
        "sasl.oauthbearer.expected.audience",
        List,
        Low,
        "Audiences of which a token must name one.",
    )
    .default("")
    .honoured(),
    define(
        "sasl.oauthbearer.expected.issuer",
        String,
        Low,
        "Issuer that a token must name.",
    )
    .honoured(),
    define(
        "sasl.oauthbearer.jwks.endpoint.refresh.ms",
        Long,
        Low,
        "How often keys of the token server are fetched.",
    )
    .default("3600000")
    .honoured(),
    define(
        "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms",
        Long,
        Low,
        "Longest wait between attempts to fetch those keys.",
    )
    .default("10000")
    .honoured(),
    define(
        "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms",
        Long,
        Low,
        "First wait between attempts to fetch those keys.",
    )
    .default("100")
    .honoured(),
    define(
        "sasl.oauthbearer.jwks.endpoint.url",
        String,
        Medium,
        "Where the keys of the token server are.",
    )
    .honoured(),
    define(
        "sasl.oauthbearer.jwt.retriever.class",
        Class,
        Medium,
        "Java class that gets tokens; no Java classes run here.",
    )
    .default("org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever"),
    define(
        "sasl.oauthbearer.jwt.validator.class",
        Class,
        Medium,
        "Java class that checks tokens; no Java classes run here.",
    )
    .default("org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator"),
    define(
        "sasl.oauthbearer.scope",
        String,
        Medium,
        "Scope that is asked for at the token server.",
    ),
    define(
        "sasl.oauthbearer.scope.claim.name",
        String,
        Low,
        "The claim of a token that holds its scope.",
    )
    .default("scope")
    .honoured(),
    define(
        "sasl.oauthbearer.sub.claim.name",
        String,
        Low,
        "The claim of a token that holds the user.",
    )
    .default("sub")
    .honoured(),
    define(
        "sasl.oauthbearer.token.endpoint.url",
        String,
        Medium,
        "Where the token server is.",
    ),
    define(
        "sasl.server.callback.handler.class",
        Class,
        Medium,
        "Java class that checks logins; no Java classes run here.",
    ),
    define(
        "sasl.server.max.receive.size",
        Int,
        Medium,
        "Largest message of a login.",
    )
    .default("524288")
    .honoured(),
];
