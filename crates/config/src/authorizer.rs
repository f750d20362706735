//! Who may do what: `authorizer.class.name` and what belongs to it.

use crate::values::{KeyedMessage, Values};

/// Who may do what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessConfig {
    /// `authorizer.class.name` names Kafka's standard authorizer.
    pub enforced: bool,
    /// `super.users`: principals that may do everything.
    pub super_users: Vec<String>,
    /// `allow.everyone.if.no.acl.found`.
    pub allow_without_acl: bool,
}

/// Kafka's authorizer, whose rules ours follow.
const STANDARD_AUTHORIZER: &str = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";

/// Reads `authorizer.class.name` and what belongs to it.
pub(crate) fn access(values: &Values<'_>) -> Result<AccessConfig, KeyedMessage> {
    let class = values.text("authorizer.class.name");
    let class = class.trim();
    if !class.is_empty() && class != STANDARD_AUTHORIZER {
        let message = format!("no Java classes run here; only {STANDARD_AUTHORIZER} is known");
        return Err(("authorizer.class.name", message));
    }
    // Semicolons, since names of users that come from certificates have commas.
    let super_users = values.text("super.users");
    let super_users = super_users.split(';').map(str::trim);
    let super_users: Vec<String> = super_users
        .filter(|user| !user.is_empty())
        .map(str::to_owned)
        .collect();
    if let Some(wrong) = super_users.iter().find(|user| !user.contains(':')) {
        let message = format!("{wrong} is not of the form User:name");
        return Err(("super.users", message));
    }
    Ok(AccessConfig {
        enforced: !class.is_empty(),
        super_users,
        allow_without_acl: values.boolean("allow.everyone.if.no.acl.found"),
    })
}
