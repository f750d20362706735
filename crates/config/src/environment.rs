//! Entries from environment variables, by the rule of Kafka's official image.
//!
//! `KAFKA_LOG_RETENTION_HOURS` is `log.retention.hours`: after the prefix `___` is a dash, `__` an
//! underscore, `_` a dot. Only variables that come out as a key that is known count, since much
//! else in an environment starts with `KAFKA_`; `LIMPID_FOO` and `KAFKA_LIMPID_FOO` are
//! `limpid.foo`.

use crate::broker;

/// What a variable means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Not ours.
    None,
    /// It sets this key.
    Sets(String),
    /// It looks as if it wanted to set a key, but there is none of that name.
    Unknown {
        /// The key it comes out as.
        key: String,
        /// Whether it can only have been meant for us, so that ignoring it would be wrong.
        certain: bool,
    },
}

/// What the variable of this name means.
pub(crate) fn meaning(name: &str) -> Meaning {
    if is_ignored(name) {
        return Meaning::None;
    }
    let (key, is_own) = if let Some(rest) = name.strip_prefix("KAFKA_") {
        (key_of(rest), false)
    } else if name.starts_with("LIMPID_") {
        (key_of(name), true)
    } else {
        return Meaning::None;
    };
    let known = broker::find_alterable(&key).is_some()
        || broker::is_known_prefix(&key)
        || broker::is_removed(&key)
        || key.starts_with("config.providers.");
    if known {
        Meaning::Sets(key)
    } else if key.starts_with(broker::LIMPID_PREFIX) {
        Meaning::Unknown {
            key,
            certain: !is_own,
        }
    } else if crate::nearest(&key, broker::DEFINITIONS.iter().map(|row| row.key))
        .is_some_and(|near| strsim::normalized_damerau_levenshtein(&key, near) >= LIKELY_A_MISTAKE)
    {
        Meaning::Unknown {
            key,
            certain: false,
        }
    } else {
        Meaning::None
    }
}

const LIKELY_A_MISTAKE: f64 = 0.85;

/// Variables of start scripts, Java and service links, which never are entries.
fn is_ignored(name: &str) -> bool {
    const PREFIXES: &[&str] = &["PORT", "SERVICE_", "JMX_", "LOG4J_"];
    const NAMES: &[&str] = &["HEAP_OPTS", "OPTS", "HOME", "VERSION", "SCALA_VERSION"];
    let rest = name
        .strip_prefix("KAFKA_")
        .or_else(|| name.strip_prefix("LIMPID_"));
    rest.is_some_and(|rest| {
        PREFIXES.iter().any(|prefix| rest.starts_with(prefix))
            || NAMES.contains(&rest)
            || rest.contains("_TCP_")
            || rest.ends_with("_TCP")
            || rest.ends_with("_SERVICE_HOST")
            || rest.contains("_SERVICE_PORT")
    })
}

fn key_of(rest: &str) -> String {
    rest.to_ascii_lowercase()
        .replace("___", "\u{1}")
        .replace("__", "\u{2}")
        .replace('_', ".")
        .replace('\u{1}', "-")
        .replace('\u{2}', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn underscores_become_dots_underscores_and_dashes() {
        assert_eq!(
            meaning("KAFKA_LOG_RETENTION_HOURS"),
            Meaning::Sets("log.retention.hours".into())
        );
        assert_eq!(key_of("A__B___C_D"), "a_b-c.d");
    }

    #[test]
    fn our_own_keys_have_two_spellings() {
        let cluster = Meaning::Sets("limpid.cluster.name".into());
        assert_eq!(meaning("LIMPID_CLUSTER_NAME"), cluster);
        assert_eq!(meaning("KAFKA_LIMPID_CLUSTER_NAME"), cluster);
    }

    #[test]
    fn what_scripts_and_orchestrators_set_is_left_alone() {
        for name in [
            "KAFKA_PORT",
            "KAFKA_PORT_9092_TCP_ADDR",
            "KAFKA_SERVICE_HOST",
            "KAFKA_BROKER_SERVICE_PORT_HTTP",
            "KAFKA_HEAP_OPTS",
            "KAFKA_OPTS",
            "KAFKA_JMX_OPTS",
            "KAFKA_LOG4J_LOGGERS",
            "KAFKA_CLUSTER_ID",
            "LIMPID_SERVICE_HOST",
            "LIMPID_PORT_9092_TCP",
            "PATH",
        ] {
            assert_eq!(meaning(name), Meaning::None, "{name}");
        }
    }

    #[test]
    fn mistakes_are_told_from_strangers() {
        let typo = Meaning::Unknown {
            key: "log.retention.hurs".into(),
            certain: false,
        };
        assert_eq!(meaning("KAFKA_LOG_RETENTION_HURS"), typo);
        let own = Meaning::Unknown {
            key: "limpid.clustername".into(),
            certain: true,
        };
        assert_eq!(meaning("KAFKA_LIMPID_CLUSTERNAME"), own);
    }
}
