//! TLS, principals, authorization and delegation tokens.

use crate::definition::Importance::{Low, Medium};
use crate::definition::Kind::{Boolean, Class, List, Long, Password, String};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define(
        "authorizer.class.name",
        String,
        Low,
        "org.apache.kafka.metadata.authorizer.StandardAuthorizer checks every request against \
         the ACLs of the cluster; empty lets everybody do everything.",
    )
    .default("")
    .honoured(),
    define(
        "delegation.token.expiry.check.interval.ms",
        Long,
        Low,
        "How often delegation tokens that ran out are removed.",
    )
    .default("3600000")
    .min(1),
    define(
        "delegation.token.expiry.time.ms",
        Long,
        Medium,
        "How long a delegation token holds without being renewed.",
    )
    .default("86400000")
    .min(1),
    define(
        "delegation.token.max.lifetime.ms",
        Long,
        Medium,
        "How long a delegation token can be renewed.",
    )
    .default("604800000")
    .min(1),
    define(
        "delegation.token.secret.key",
        Password,
        Medium,
        "The secret with which delegation tokens are signed.",
    ),
    define(
        "principal.builder.class",
        Class,
        Medium,
        "Java class that names the user of a connection; no Java classes run here.",
    )
    .default("org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder")
    .per_broker(),
    define(
        "security.providers",
        String,
        Low,
        "Java security providers; no Java classes run here.",
    ),
    define(
        "ssl.allow.dn.changes",
        Boolean,
        Low,
        "Allow a new certificate with another subject.",
    )
    .default("false"),
    define(
        "ssl.allow.san.changes",
        Boolean,
        Low,
        "Allow a new certificate with fewer alternative names.",
    )
    .default("false"),
    define(
        "ssl.cipher.suites",
        List,
        Medium,
        "TLS cipher suites that are offered; empty offers the usual ones.",
    )
    .default("")
    .per_broker()
    .honoured(),
    define(
        "ssl.client.auth",
        String,
        Medium,
        "Whether clients must show a certificate.",
    )
    .default("none")
    .one_of(&["required", "requested", "none"])
    .per_broker()
    .honoured(),
    define(
        "ssl.enabled.protocols",
        List,
        Medium,
        "TLS versions that are spoken.",
    )
    .default("TLSv1.2,TLSv1.3")
    .per_broker()
    .honoured(),
    define(
        "ssl.endpoint.identification.algorithm",
        String,
        Low,
        "How a peer's name is compared with its certificate; empty does not compare.",
    )
    .default("https")
    .per_broker(),
    define(
        "ssl.engine.factory.class",
        Class,
        Low,
        "Java class that makes TLS engines; no Java classes run here.",
    )
    .per_broker(),
    define(
        "ssl.key.password",
        Password,
        Medium,
        "Password of the private key.",
    )
    .per_broker()
    .honoured(),
    define(
        "ssl.keymanager.algorithm",
        String,
        Medium,
        "Java's way to pick a key.",
    )
    .default("SunX509")
    .per_broker(),
    define(
        "ssl.keystore.certificate.chain",
        Password,
        Medium,
        "The certificate and its chain, as PEM text.",
    )
    .per_broker()
    .honoured(),
    define(
        "ssl.keystore.key",
        Password,
        Medium,
        "The private key, as PEM text.",
    )
    .per_broker()
    .honoured(),
    define(
        "ssl.keystore.location",
        String,
        Medium,
        "The file with certificate and private key.",
    )
    .per_broker()
    .honoured(),
    define(
        "ssl.keystore.password",
        Password,
        Medium,
        "Password of that file.",
    )
    .per_broker()
    .honoured(),
    define("ssl.keystore.type", String, Medium, "Format of that file.")
        .default("JKS")
        .per_broker()
        .honoured(),
    define(
        "ssl.principal.mapping.rules",
        String,
        Low,
        "How a certificate's subject becomes the name of a user.",
    )
    .default("DEFAULT")
    .honoured(),
    define(
        "ssl.protocol",
        String,
        Medium,
        "Java's name of the TLS version to start from.",
    )
    .default("TLSv1.3")
    .per_broker(),
    define("ssl.provider", String, Medium, "Java's TLS provider.").per_broker(),
    define(
        "ssl.secure.random.implementation",
        String,
        Low,
        "Java's source of randomness for TLS.",
    )
    .per_broker(),
    define(
        "ssl.trustmanager.algorithm",
        String,
        Medium,
        "Java's way to check a chain of certificates.",
    )
    .default("PKIX")
    .per_broker(),
    define(
        "ssl.truststore.certificates",
        Password,
        Medium,
        "Trusted certificates, as PEM text.",
    )
    .per_broker()
    .honoured(),
    define(
        "ssl.truststore.location",
        String,
        Medium,
        "The file with trusted certificates.",
    )
    .per_broker()
    .honoured(),
    define(
        "ssl.truststore.password",
        Password,
        Medium,
        "Password of that file.",
    )
    .per_broker()
    .honoured(),
    define(
        "ssl.truststore.type",
        String,
        Medium,
        "Format of that file.",
    )
    .default("JKS")
    .per_broker()
    .honoured(),
];
