//! Who may do what over HTTP: `limpid.http.users.file` and its like.

use std::fmt;
use std::path::PathBuf;

use crate::oidc::{self, OidcConfig};
use crate::proxies::{self, Network, TrustedHeader};
use crate::values::{KeyedMessage, Values};

/// The key of the grants.
const GRANTS: &str = "limpid.http.grants";
/// Who is let in may look.
pub(crate) const GRANTS_DEFAULT: &str = "User:*=viewer";
/// Most grants.
const GRANTS_MAX: usize = 1_000;

/// Who may do what over HTTP, and how they show who they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpAccessConfig {
    /// `limpid.http.users.file`: names and hashes of passwords.
    pub users_file: Option<PathBuf>,
    /// `limpid.http.tokens.file`: names and digests of bearer tokens.
    pub tokens_file: Option<PathBuf>,
    /// `limpid.http.ssl.client.auth`: visitors over https may or must show a certificate.
    pub certificates: bool,
    /// `limpid.http.trusted.header`: proxies say who visits.
    pub trusted: Option<TrustedHeader>,
    /// `limpid.http.trusted.proxies`: their word on where somebody is counts.
    pub proxies: Vec<Network>,
    /// `limpid.http.oidc.*`: a provider says who somebody is.
    pub oidc: Option<OidcConfig>,
    /// `limpid.http.grants`.
    pub grants: Vec<Grant>,
    /// `limpid.http.sessions.max`.
    pub sessions_max: usize,
    /// `limpid.http.session.idle.ms`.
    pub session_idle_ms: u64,
    /// `limpid.http.session.max.ms`.
    pub session_ms_max: u64,
    /// `limpid.http.login.failures.max`: within a minute, from one address.
    pub login_failures_max: u32,
}

impl HttpAccessConfig {
    /// Whether anybody can log in.
    pub fn is_configured(&self) -> bool {
        self.users_file.is_some()
            || self.tokens_file.is_some()
            || self.certificates
            || self.trusted.is_some()
            || self.oidc.is_some()
    }
}

/// What somebody may do, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Look at everything but what is in records.
    Viewer,
    /// Look, and do what can be undone: reset offsets, change levels of loggers, run retention.
    Operator,
    /// Everything but reading records.
    Admin,
    /// Read records. No other role includes it.
    Payloads,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Admin, Self::Payloads];

    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Payloads => "payloads",
        }
    }
}

/// Whom a grant is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grantee {
    /// `User:*`: everybody who is let in.
    Everybody,
    /// `User:name`.
    User(String),
    /// `Group:name`: a group that somebody else tells us of.
    Group(String),
}

/// `User:alice=operator+payloads@local/orders.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Whom it is about.
    pub grantee: Grantee,
    /// What they may do.
    pub roles: Vec<Role>,
    /// In which clusters; `*` stands for any text.
    pub clusters: String,
    /// With which topics; `*` stands for any text.
    pub topics: String,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles: Vec<&str> = self.roles.iter().map(|role| role.name()).collect();
        f.write_str(&roles.join("+"))?;
        if self.clusters != "*" || self.topics != "*" {
            write!(f, "@{}", self.clusters)?;
        }
        if self.topics != "*" {
            write!(f, "/{}", self.topics)?;
        }
        Ok(())
    }
}

/// Reads the keys; `certificates`: whether visitors are asked for one.
pub(crate) fn http_access(
    values: &Values<'_>,
    certificates: bool,
) -> Result<HttpAccessConfig, KeyedMessage> {
    let path = |key: &str| {
        let path = values.text(key);
        Some(PathBuf::from(path.trim())).filter(|path| !path.as_os_str().is_empty())
    };
    let config = HttpAccessConfig {
        users_file: path("limpid.http.users.file"),
        tokens_file: path("limpid.http.tokens.file"),
        certificates,
        trusted: proxies::trusted_header(values)?,
        proxies: proxies::trusted_proxies(values)?,
        oidc: oidc::oidc(values)?,
        grants: parse_grants(&values.text(GRANTS)).map_err(|message| (GRANTS, message))?,
        sessions_max: values.size("limpid.http.sessions.max"),
        session_idle_ms: values.unsigned("limpid.http.session.idle.ms"),
        session_ms_max: values.unsigned("limpid.http.session.max.ms"),
        login_failures_max: u32::try_from(values.int("limpid.http.login.failures.max"))
            .unwrap_or(1),
    };
    let said = (values.explicit)(GRANTS);
    if !config.is_configured() && said.is_some_and(|said| said.trim() != GRANTS_DEFAULT) {
        let message = "nobody can log in who could be granted anything; set \
                       limpid.http.users.file, limpid.http.tokens.file, \
                       limpid.http.trusted.header, limpid.http.oidc.issuer or, for https, \
                       limpid.http.ssl.client.auth";
        return Err((GRANTS, message.into()));
    }
    Ok(config)
}

pub(crate) fn check_grants(value: &str) -> Result<(), String> {
    parse_grants(value).map(|_| ())
}

/// Parses grants, which semicolons part: names that come from certificates have commas.
fn parse_grants(value: &str) -> Result<Vec<Grant>, String> {
    let items = value.split(';').map(str::trim).filter(|i| !i.is_empty());
    let grants: Vec<Grant> = items.map(parse_grant).collect::<Result<_, _>>()?;
    match grants.len() > GRANTS_MAX {
        true => Err(format!("more than {GRANTS_MAX} grants")),
        false => Ok(grants),
    }
}

fn parse_grant(text: &str) -> Result<Grant, String> {
    // The last one: names that come from certificates have equals signs.
    let Some((who, what)) = text.rsplit_once('=') else {
        return Err(format!(
            "{text} is not of the form User:name=role, as in User:alice=operator@local/orders.*"
        ));
    };
    let (roles, place) = what.split_once('@').unwrap_or((what, "*"));
    let (clusters, topics) = place.split_once('/').unwrap_or((place, "*"));
    let roles = roles.split('+').map(|word| parse_role(word.trim(), text));
    Ok(Grant {
        grantee: parse_grantee(who.trim(), text)?,
        roles: roles.collect::<Result<_, _>>()?,
        clusters: pattern(clusters, text)?,
        topics: pattern(topics, text)?,
    })
}

fn parse_grantee(who: &str, text: &str) -> Result<Grantee, String> {
    match who.split_once(':') {
        Some(("User", "*")) => Ok(Grantee::Everybody),
        Some(("User", name)) if !name.is_empty() => Ok(Grantee::User(name.to_owned())),
        Some(("Group", name)) if !name.is_empty() => Ok(Grantee::Group(name.to_owned())),
        _ => Err(format!(
            "{text}: {who} is not User:name, Group:name or User:*"
        )),
    }
}

fn parse_role(word: &str, text: &str) -> Result<Role, String> {
    let found = Role::ALL.into_iter().find(|role| role.name() == word);
    found.ok_or_else(|| {
        let known: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
        let near = crate::nearest(word, known.iter().copied());
        let near = near.map_or_else(String::new, |near| format!(" (did you mean {near}?)"));
        format!(
            "{text}: there is no role {word}{near}; there are {}",
            known.join(", ")
        )
    })
}

fn pattern(text: &str, grant: &str) -> Result<String, String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '*');
    if !text.is_empty() && text.chars().all(fine) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "{grant}: {text:?} is no pattern: letters, digits, dots, dashes, underscores, and * for any \
         text"
    ))
}

#[cfg(test)]
mod tests;
