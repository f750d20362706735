//! The naming dialects: who speaks which, and which are on.

use std::sync::{Arc, LazyLock};

use limpid_cluster::ClusterSource;
use limpid_telemetry::mbeans::MBeans;
use limpid_telemetry::{Catalogue, Collector};
use parking_lot::Mutex;

use crate::burrow::History;
use crate::collectors::{burrow, grafana_fork, kafka_exporter, kminion, lag_exporter, otel};
use crate::jmx::{self, JmxNames, RuleSet, Rules};

/// Our own families; always on, but not on a page that asks for others.
pub(crate) const OWN: &str = "limpid";
/// Every dialect there is.
pub const ALL: &str = "all";

const KAFKA_EXPORTER: &str = "kafka_exporter";
const KMINION: &str = "kminion";
const STRIMZI: &str = "strimzi";
const CONFLUENT: &str = "confluent";
const STRIMZI_REPORTER: &str = "strimzi_reporter";
/// The user's own rules.
pub const JMX_EXPORTER: &str = "jmx_exporter";
const LAG_EXPORTER: &str = "kafka_lag_exporter";
const OTEL: &str = "otel";
const GRAFANA_FORK: &str = "grafana_fork";
const BURROW: &str = "burrow";

/// Naming dialects that the page can speak besides our own.
pub const DIALECTS: &[&str] = &[
    KAFKA_EXPORTER,
    STRIMZI,
    CONFLUENT,
    STRIMZI_REPORTER,
    JMX_EXPORTER,
    KMINION,
    LAG_EXPORTER,
    OTEL,
    GRAFANA_FORK,
    BURROW,
];

/// A dialect that the page can't speak.
#[derive(Debug, thiserror::Error)]
#[error("unknown metrics dialect `{0}`, known are: {OWN}, {known}, {ALL}", known = DIALECTS.join(", "))]
pub struct UnknownDialect(pub String);

/// The dialects that a word stands for.
pub(crate) fn named(word: &str) -> Result<Vec<&'static str>, UnknownDialect> {
    let mut every = std::iter::once(OWN).chain(DIALECTS.iter().copied());
    if word == ALL {
        return Ok(every.collect());
    }
    match every.find(|name| *name == word) {
        Some(name) => Ok(vec![name]),
        None => Err(UnknownDialect(word.to_owned())),
    }
}

/// All dialects. Those that are off cost nothing at a scrape.
#[derive(Default)]
pub(crate) struct Dialects {
    speakers: Mutex<Vec<Speaker>>,
}

struct Speaker {
    dialect: &'static str,
    on: bool,
    speech: Speech,
}

/// How a dialect is made.
enum Speech {
    /// From the cluster's snapshot.
    Collector(Arc<dyn Collector>),
    /// By rules of ours, from MBeans; their patterns are compiled when somebody asks for them.
    BuiltIn(LazyLock<Arc<RuleSet>>),
    /// By the user's rules.
    Rules(Arc<RuleSet>),
}

impl std::fmt::Debug for Dialects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let speakers = self.speakers.lock();
        let on = speakers.iter().filter(|s| s.on).map(|s| s.dialect);
        f.debug_set().entries(on).finish()
    }
}

impl Dialects {
    /// Adds every dialect for a cluster; `on` are those that are shown unasked.
    pub(crate) fn add_cluster(
        &self,
        source: &Arc<dyn ClusterSource>,
        history: &Arc<History>,
        on: &[&'static str],
    ) {
        let mut speakers = self.speakers.lock();
        for dialect in DIALECTS {
            if let Some(speech) = speech(dialect, source, history) {
                speakers.push(Speaker {
                    dialect,
                    on: on.contains(dialect),
                    speech,
                });
            }
        }
    }

    /// Adds the user's own rules, which are on.
    pub(crate) fn add_users(&self, rules: Rules) {
        let users = Speaker {
            dialect: JMX_EXPORTER,
            on: true,
            speech: Speech::Rules(RuleSet::new(rules)),
        };
        // First, so that a family is what they say it is.
        self.speakers.lock().insert(0, users);
    }

    /// The collectors of the dialects that are spoken; `speaks` is told a dialect and whether it is on.
    pub(crate) fn asked(
        &self,
        beans: &Arc<MBeans>,
        speaks: impl Fn(&str, bool) -> bool,
    ) -> Vec<Arc<dyn Collector>> {
        let speakers = self.speakers.lock();
        let (mut asked, mut sets) = (Vec::new(), Vec::new());
        for speaker in speakers.iter().filter(|s| speaks(s.dialect, s.on)) {
            match &speaker.speech {
                Speech::Collector(collector) => asked.push(Arc::clone(collector)),
                Speech::BuiltIn(set) => sets.push(Arc::clone(set)),
                Speech::Rules(set) => sets.push(Arc::clone(set)),
            }
        }
        // Sets of rules have families in common.
        if !sets.is_empty() {
            asked.push(Arc::new(JmxNames::new("jmx", Arc::clone(beans), sets)));
        }
        asked
    }
}

/// Whether a dialect is made of MBeans, by rules.
#[cfg(test)]
pub(crate) fn is_ruled(dialect: &str) -> bool {
    [STRIMZI, CONFLUENT, STRIMZI_REPORTER, JMX_EXPORTER].contains(&dialect)
}

/// How a dialect of [`DIALECTS`] is made; the user's rules are not known here.
fn speech(
    dialect: &str,
    source: &Arc<dyn ClusterSource>,
    history: &Arc<History>,
) -> Option<Speech> {
    let source = Arc::clone(source);
    let collector: Arc<dyn Collector> = match dialect {
        STRIMZI => return Some(built_in(|| RuleSet::new(jmx::strimzi()))),
        CONFLUENT => return Some(built_in(|| RuleSet::new(jmx::confluent()))),
        STRIMZI_REPORTER => return Some(built_in(|| RuleSet::new(jmx::strimzi_reporter()))),
        KAFKA_EXPORTER => Arc::new(kafka_exporter::KafkaExporter::new(source)),
        KMINION => Arc::new(kminion::Kminion::new(source)),
        LAG_EXPORTER => Arc::new(lag_exporter::LagExporter::new(source)),
        OTEL => Arc::new(otel::Otel::new(source)),
        GRAFANA_FORK => Arc::new(grafana_fork::GrafanaFork::new(source)),
        BURROW => Arc::new(burrow::Burrow::new(Arc::clone(history))),
        _ => return None,
    };
    Some(Speech::Collector(collector))
}

fn built_in(set: fn() -> Arc<RuleSet>) -> Speech {
    Speech::BuiltIn(LazyLock::new(set))
}

/// Adds what the dialects declare.
pub(crate) fn add_to(catalogue: Catalogue) -> Catalogue {
    catalogue
        .with_dialect(KAFKA_EXPORTER, kafka_exporter::families::ALL)
        .with_dialect(KMINION, kminion::families::ALL)
        .with_dialect(LAG_EXPORTER, lag_exporter::families::ALL)
        .with_dialect(OTEL, otel::ALL)
        .with_dialect(GRAFANA_FORK, grafana_fork::families::ALL)
        .with_dialect(BURROW, burrow::families::ALL)
}
