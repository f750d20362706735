//! SASL.

use crate::check::Check;
use crate::definition::Importance::{High, Low, Medium};
use crate::definition::Kind::{Boolean, Class, Double, Int, List, Long, Password, Short, String};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define("connection.failed.authentication.delay.ms", Int, Low, "")
        .default("100")
        .min(0),
    define("connections.max.reauth.ms", Long, Medium, "").default("0"),
    define("sasl.client.callback.handler.class", Class, Medium, ""),
    define("sasl.enabled.mechanisms", List, Medium, "")
        .default("GSSAPI")
        .per_broker(),
    define("sasl.jaas.config", Password, Medium, "").per_broker(),
    define("sasl.kerberos.kinit.cmd", String, Medium, "")
        .default("/usr/bin/kinit")
        .per_broker(),
    define("sasl.kerberos.min.time.before.relogin", Long, Medium, "")
        .default("60000")
        .per_broker(),
    define("sasl.kerberos.principal.to.local.rules", List, Medium, "")
        .default("DEFAULT")
        .per_broker(),
    define("sasl.kerberos.service.name", String, Medium, "").per_broker(),
    define("sasl.kerberos.ticket.renew.jitter", Double, Medium, "")
        .default("0.05")
        .per_broker(),
    define(
        "sasl.kerberos.ticket.renew.window.factor",
        Double,
        Medium,
        "",
    )
    .default("0.8")
    .per_broker(),
    define("sasl.login.callback.handler.class", Class, Medium, ""),
    define("sasl.login.class", Class, Medium, ""),
    define("sasl.login.connect.timeout.ms", Int, Low, ""),
    define("sasl.login.read.timeout.ms", Int, Low, ""),
    define("sasl.login.refresh.buffer.seconds", Short, Medium, "")
        .default("300")
        .per_broker(),
    define("sasl.login.refresh.min.period.seconds", Short, Medium, "")
        .default("60")
        .per_broker(),
    define("sasl.login.refresh.window.factor", Double, Medium, "")
        .default("0.8")
        .per_broker(),
    define("sasl.login.refresh.window.jitter", Double, Medium, "")
        .default("0.05")
        .per_broker(),
    define("sasl.login.retry.backoff.max.ms", Long, Low, "").default("10000"),
    define("sasl.login.retry.backoff.ms", Long, Low, "").default("100"),
    define("sasl.mechanism.controller.protocol", String, High, "").default("GSSAPI"),
    define("sasl.mechanism.inter.broker.protocol", String, Medium, "")
        .default("GSSAPI")
        .per_broker(),
    define("sasl.oauthbearer.assertion.algorithm", String, Medium, "")
        .default("RS256")
        .check(Check::OneOfAnyCase(&["ES256", "RS256"])),
    define("sasl.oauthbearer.assertion.claim.aud", String, Medium, ""),
    define("sasl.oauthbearer.assertion.claim.exp.seconds", Int, Low, "")
        .default("300")
        .between(0, 86_400),
    define("sasl.oauthbearer.assertion.claim.iss", String, Medium, ""),
    define(
        "sasl.oauthbearer.assertion.claim.jti.include",
        Boolean,
        Medium,
        "",
    )
    .default("false"),
    define("sasl.oauthbearer.assertion.claim.nbf.seconds", Int, Low, "")
        .default("60")
        .between(0, 3_600),
    define("sasl.oauthbearer.assertion.claim.sub", String, Medium, ""),
    define("sasl.oauthbearer.assertion.file", String, Medium, ""),
    define(
        "sasl.oauthbearer.assertion.private.key.file",
        String,
        Medium,
        "",
    ),
    define(
        "sasl.oauthbearer.assertion.private.key.passphrase",
        Password,
        Medium,
        "",
    ),
    define(
        "sasl.oauthbearer.assertion.template.file",
        String,
        Medium,
        "",
    ),
    define(
        "sasl.oauthbearer.client.credentials.client.id",
        String,
        Medium,
        "",
    ),
    define(
        "sasl.oauthbearer.client.credentials.client.secret",
        Password,
        Medium,
        "",
    ),
    define("sasl.oauthbearer.clock.skew.seconds", Int, Low, "").default("30"),
    define("sasl.oauthbearer.expected.audience", List, Low, "").default(""),
    define("sasl.oauthbearer.expected.issuer", String, Low, ""),
    define("sasl.oauthbearer.jwks.endpoint.refresh.ms", Long, Low, "").default("3600000"),
    define(
        "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms",
        Long,
        Low,
        "",
    )
    .default("10000"),
    define(
        "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms",
        Long,
        Low,
        "",
    )
    .default("100"),
    define("sasl.oauthbearer.jwks.endpoint.url", String, Medium, ""),
    define("sasl.oauthbearer.jwt.retriever.class", Class, Medium, "")
        .default("org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever"),
    define("sasl.oauthbearer.jwt.validator.class", Class, Medium, "")
        .default("org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator"),
    define("sasl.oauthbearer.scope", String, Medium, ""),
    define("sasl.oauthbearer.scope.claim.name", String, Low, "").default("scope"),
    define("sasl.oauthbearer.sub.claim.name", String, Low, "").default("sub"),
    define("sasl.oauthbearer.token.endpoint.url", String, Medium, ""),
    define("sasl.server.callback.handler.class", Class, Medium, ""),
    define("sasl.server.max.receive.size", Int, Medium, "").default("524288"),
];
