//! TLS, principals, authorization and delegation tokens.

use crate::definition::Importance::{Low, Medium};
use crate::definition::Kind::{Boolean, Class, List, Long, Password, String};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define("authorizer.class.name", String, Low, "").default(""),
    define("delegation.token.expiry.check.interval.ms", Long, Low, "")
        .default("3600000")
        .min(1),
    define("delegation.token.expiry.time.ms", Long, Medium, "")
        .default("86400000")
        .min(1),
    define("delegation.token.max.lifetime.ms", Long, Medium, "")
        .default("604800000")
        .min(1),
    define("delegation.token.secret.key", Password, Medium, ""),
    define("principal.builder.class", Class, Medium, "")
        .default("org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder")
        .per_broker(),
    define("security.providers", String, Low, ""),
    define("ssl.allow.dn.changes", Boolean, Low, "").default("false"),
    define("ssl.allow.san.changes", Boolean, Low, "").default("false"),
    define("ssl.cipher.suites", List, Medium, "")
        .default("")
        .per_broker(),
    define("ssl.client.auth", String, Medium, "")
        .default("none")
        .one_of(&["required", "requested", "none"])
        .per_broker(),
    define("ssl.enabled.protocols", List, Medium, "")
        .default("TLSv1.2,TLSv1.3")
        .per_broker(),
    define("ssl.endpoint.identification.algorithm", String, Low, "")
        .default("https")
        .per_broker(),
    define("ssl.engine.factory.class", Class, Low, "").per_broker(),
    define("ssl.key.password", Password, Medium, "").per_broker(),
    define("ssl.keymanager.algorithm", String, Medium, "")
        .default("SunX509")
        .per_broker(),
    define("ssl.keystore.certificate.chain", Password, Medium, "").per_broker(),
    define("ssl.keystore.key", Password, Medium, "").per_broker(),
    define("ssl.keystore.location", String, Medium, "").per_broker(),
    define("ssl.keystore.password", Password, Medium, "").per_broker(),
    define("ssl.keystore.type", String, Medium, "")
        .default("JKS")
        .per_broker(),
    define("ssl.principal.mapping.rules", String, Low, "").default("DEFAULT"),
    define("ssl.protocol", String, Medium, "")
        .default("TLSv1.3")
        .per_broker(),
    define("ssl.provider", String, Medium, "").per_broker(),
    define("ssl.secure.random.implementation", String, Low, "").per_broker(),
    define("ssl.trustmanager.algorithm", String, Medium, "")
        .default("PKIX")
        .per_broker(),
    define("ssl.truststore.certificates", Password, Medium, "").per_broker(),
    define("ssl.truststore.location", String, Medium, "").per_broker(),
    define("ssl.truststore.password", Password, Medium, "").per_broker(),
    define("ssl.truststore.type", String, Medium, "")
        .default("JKS")
        .per_broker(),
];
