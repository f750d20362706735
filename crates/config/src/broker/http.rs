//! Entries of HTTP: pages, /metrics and health.

use crate::check::Check;
use crate::definition::Importance::{High, Low, Medium};
use crate::definition::Kind::{Int, List, Long, Password, String};
use crate::definition::{Definition, define};
use crate::units;

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define(
        "limpid.http.allowed.hosts",
        List,
        Medium,
        "Host names that HTTP requests may carry besides localhost and the listeners' own; \
         guards against DNS rebinding.",
    )
    .default("")
    .honoured(),
    define(
        "limpid.http.connections.max",
        Int,
        Low,
        "Most connections at a time to each HTTP listener; those beyond wait to be accepted.",
    )
    .default("1000")
    .between(10, 100000)
    .honoured(),
    define(
        "limpid.http.connections.max.per.address",
        Int,
        Low,
        "Most connections at a time over HTTP from one address (IPv6: from its /64), but for \
         limpid.http.trusted.proxies; one more is closed.",
    )
    .default("250")
    .between(1, 100000)
    .honoured(),
    define(
        "limpid.http.external.url",
        String,
        Medium,
        "Where browsers find this server behind a proxy, such as https://ops.example/limpid/; \
         pages link below its path, which the proxy may strip or pass on.",
    )
    .default("")
    .check(Check::With(crate::external_url::check))
    .honoured(),
    define(
        "limpid.http.grants",
        String,
        High,
        "What those who log in over HTTP may do, parted by semicolons: User:name, Group:name or \
         User:*, =, roles (viewer, operator, admin, payloads) joined by +, and @cluster/topics \
         where * stands for any text.",
    )
    .default(crate::http_access::GRANTS_DEFAULT)
    .check(Check::With(crate::http_access::check_grants))
    .honoured(),
    define(
        "limpid.http.header.timeout.ms",
        Long,
        Low,
        "How long a TLS handshake, the head of each request, and the form of a login may take \
         over HTTP; a connection that is not used for so long is closed.",
    )
    .default("30000")
    .min(100)
    .honoured(),
    define(
        "limpid.http.listeners",
        List,
        High,
        "Where pages, /metrics and health are served, as http://host:port and https://host:port; an \
         empty list turns HTTP off.",
    )
    .default("http://localhost:8080")
    .check(Check::With(crate::listeners::check_http_listeners))
    .honoured(),
    define(
        "limpid.http.login.failures.max",
        Int,
        Low,
        "How often logging in may fail within a minute from one address before it has to wait.",
    )
    .default("10")
    .between(1, 10000)
    .honoured(),
    define(
        "limpid.http.oidc.ca.file",
        String,
        Low,
        "Certificates (PEM) of the authority that the provider's certificate must be from, instead \
         of the public ones.",
    )
    .default("")
    .honoured(),
    define(
        "limpid.http.oidc.client.id",
        String,
        Medium,
        "As whom this server is registered at the provider; its way back is /login/oidc/callback.",
    )
    .default("")
    .honoured(),
    define(
        "limpid.http.oidc.client.secret",
        Password,
        Medium,
        "The secret of that registration; none for a public client.",
    )
    .default("")
    .honoured(),
    define(
        "limpid.http.oidc.groups.claim",
        String,
        Low,
        "Where the provider's token names the groups of somebody, for Group: in limpid.http.grants.",
    )
    .default("groups")
    .honoured(),
    define(
        "limpid.http.oidc.issuer",
        String,
        Medium,
        "A provider of OpenID Connect, such as https://id.example/realms/ops, at whose page people \
         log in to the console.",
    )
    .default("")
    .check(Check::With(crate::oidc::check_issuer))
    .honoured(),
    define(
        "limpid.http.oidc.scopes",
        String,
        Low,
        "What is asked for besides openid, parted by blanks.",
    )
    .default("profile email")
    .honoured(),
    define(
        "limpid.http.oidc.username.claim",
        String,
        Low,
        "Where the provider's token names somebody, for User: in limpid.http.grants.",
    )
    .default("preferred_username")
    .honoured(),
    define(
        "limpid.http.public.paths",
        List,
        Medium,
        "Paths that are served without authentication where it is needed; an entry that ends in * \
         covers everything below, and /* all pages, records included. Health is always served.",
    )
    .default("/healthz,/readyz")
    .check(Check::With(units::paths))
    .honoured(),
    define(
        "limpid.http.session.idle.ms",
        Long,
        Low,
        "How long a login to the console holds without being used.",
    )
    .default("1800000")
    .min(1000)
    .honoured(),
    define(
        "limpid.http.session.max.ms",
        Long,
        Low,
        "How long a login to the console holds at most.",
    )
    .default("43200000")
    .min(1000)
    .honoured(),
    define(
        "limpid.http.sessions.max",
        Int,
        Low,
        "Most logins to the console at a time; one more ends the one that was unused for longest.",
    )
    .default("1000")
    .between(1, 100000)
    .honoured(),
    define(
        "limpid.http.ssl.cipher.suites",
        List,
        Low,
        "As ssl.cipher.suites, whose value holds when this is not set.",
    )
    .honoured(),
    define(
        "limpid.http.ssl.client.auth",
        String,
        Medium,
        "Whether visitors over https must show a certificate; that of Kafka's listeners has no \
         say.",
    )
    .default("none")
    .one_of(&["required", "requested", "none"])
    .honoured(),
    define(
        "limpid.http.ssl.enabled.protocols",
        List,
        Low,
        "As ssl.enabled.protocols, whose value holds when this is not set.",
    )
    .honoured(),
    define(
        "limpid.http.ssl.key.password",
        Password,
        Medium,
        "Password of the private key in a store of HTTP's own.",
    )
    .honoured(),
    define(
        "limpid.http.ssl.keystore.certificate.chain",
        Password,
        Medium,
        "The certificate of https and its chain, as PEM text.",
    )
    .honoured(),
    define(
        "limpid.http.ssl.keystore.key",
        Password,
        Medium,
        "The private key of https, as PEM text.",
    )
    .honoured(),
    define(
        "limpid.http.ssl.keystore.location",
        String,
        Medium,
        "The file with certificate and private key of https; read again when it changes. Without \
         it the store of ssl.keystore.* serves https as well.",
    )
    .honoured(),
    define(
        "limpid.http.ssl.keystore.password",
        Password,
        Medium,
        "Password of that file.",
    )
    .honoured(),
    define(
        "limpid.http.ssl.keystore.type",
        String,
        Low,
        "Format of that file.",
    )
    .honoured(),
    define(
        "limpid.http.ssl.principal.mapping.rules",
        String,
        Low,
        "How the subject of a visitor's certificate becomes a name; ssl.principal.mapping.rules \
         when this is not set.",
    )
    .honoured(),
    define(
        "limpid.http.ssl.truststore.certificates",
        Password,
        Medium,
        "Certificates that vouch for visitors, as PEM text.",
    )
    .honoured(),
    define(
        "limpid.http.ssl.truststore.location",
        String,
        Medium,
        "The file with certificates that vouch for visitors; without it the store of \
         ssl.truststore.* does.",
    )
    .honoured(),
    define(
        "limpid.http.ssl.truststore.password",
        Password,
        Medium,
        "Password of that file.",
    )
    .honoured(),
    define(
        "limpid.http.ssl.truststore.type",
        String,
        Low,
        "Format of that file.",
    )
    .honoured(),
    define(
        "limpid.http.tokens.file",
        String,
        Medium,
        "Names and digests of bearer tokens, as limpid http token add writes them; read again when \
         it changes.",
    )
    .default("")
    .honoured(),
    define(
        "limpid.http.trusted.header",
        String,
        Medium,
        "The header in which a proxy that has let somebody in says whom, such as \
         X-Forwarded-User; believed from limpid.http.trusted.proxies only.",
    )
    .default("")
    .check(Check::With(crate::proxies::check_header))
    .honoured(),
    define(
        "limpid.http.trusted.proxies",
        List,
        Medium,
        "Addresses and networks (10.0.0.0/8) of proxies: their limpid.http.trusted.header counts, \
         which they must replace when a client sends it, and their X-Forwarded-For, to which they must \
         add the address they were asked from.",
    )
    .default("")
    .check(Check::With(crate::proxies::check_networks))
    .honoured(),
    define(
        "limpid.http.users.file",
        String,
        Medium,
        "Names and Argon2 hashes of passwords, as limpid http user add writes them; read again \
         when it changes. With it or another way to log in, HTTP is for those who do.",
    )
    .default("")
    .honoured(),
];
