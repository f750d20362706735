//! Field by field: the same requests to Apache Kafka 4.3 and to Limpid in the same state.
//!
//! For every version of every API that Limpid advertises there is at least one case; an API
//! without a case fails the test. Answers are compared as lists of fields ([`walk`]), allowed
//! differences are listed with their reasons ([`differences`]). Two APIs go back further here
//! than in Kafka (CreateTopics 0–1, DeleteTopics 0): there Kafka is asked in its oldest version.

mod admin;
mod case;
mod configs;
mod consumer_groups;
mod differences;
mod fetch;
mod group_tools;
pub mod groups;
mod logs;
mod metadata;
mod offsets;
mod produce;
mod quotas;
mod security;
mod setup;
mod share_groups;
pub mod side;
mod topics;
mod transactions;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::peer::{Kind, Peer};
use limpid_protocol::ApiKey;
use limpid_protocol::messages::ApiVersionsRequest;

use case::{Case, Outcome};
use differences::{ALLOWED, Difference, UNORDERED, Where};
use side::Side;
use walk::unlike;

/// What both brokers are told.
const PROPERTIES: [(&str, &str); 4] = [
    ("auto.create.topics.enable", "false"),
    ("num.partitions", "2"),
    // Fields that tell how far a broker's clock has come are compared too.
    ("log.retention.check.interval.ms", "3600000"),
    ("group.initial.rebalance.delay.ms", "0"),
];

/// The test.
pub fn answers_are_kafkas(lab: &mut Lab) -> Result<()> {
    let subject_kind = lab.kind().clone();
    let (tools, folder) = (lab.tools.clone(), lab.folder("differential")?);
    let mut kafka_peer =
        Peer::start_new(Kind::Kafka, &tools, &folder.join("reference"), &PROPERTIES)?;
    let mut peer = Peer::start_new(
        subject_kind.clone(),
        &tools,
        &folder.join("subject"),
        &PROPERTIES,
    )?;
    let mut kafka = Side::new("Kafka", &kafka_peer);
    let mut subject = Side::new("the subject", &peer);
    setup::fill(&mut kafka).context("filling Kafka")?;
    setup::fill(&mut subject).context("filling the subject")?;
    setup::await_producer_ids(&mut kafka)?;
    setup::await_producer_ids(&mut subject)?;
    groups::await_coordinator(&mut kafka)?;
    groups::await_coordinator(&mut subject)?;
    transactions::await_coordinator(&mut kafka)?;
    transactions::await_coordinator(&mut subject)?;

    let mut cases = Vec::new();
    produce::cases(&mut cases);
    fetch::cases(&mut cases);
    metadata::cases(&mut cases);
    topics::cases(&mut cases);
    configs::cases(&mut cases);
    admin::cases(&mut cases);
    groups::cases(&mut cases);
    consumer_groups::cases(&mut cases);
    share_groups::cases(&mut cases);
    group_tools::cases(&mut cases);
    offsets::cases(&mut cases);
    transactions::cases(&mut cases);
    security::cases(&mut cases);
    logs::cases(&mut cases);
    quotas::cases(&mut cases);
    let advertised = advertised(&mut subject)?;
    let known: BTreeSet<i16> = cases.iter().map(|case| case.api.code()).collect();
    let mut report = Report::default();
    for (key, (first, last)) in advertised {
        if subject_kind == Kind::Kafka && !known.contains(&key) {
            continue;
        }
        let api = ApiKey::try_from(key).map_err(|key| anyhow::anyhow!("unknown API {key}"))?;
        for version in first..=last {
            let mut asked = 0;
            for case in cases.iter().filter(|case| case.api == api) {
                asked += usize::from(report.compare(case, version, &mut kafka, &mut subject)?);
            }
            if asked == 0 && !WITHOUT_KAFKA.contains(&api) {
                report
                    .problems
                    .push(format!("{api} v{version} is advertised but has no case"));
            }
        }
    }
    peer.check_alive()?;
    report.finish(subject_kind == Kind::Kafka)?;
    peer.stop()?;
    kafka_peer.stop()
}

/// Apache Kafka serves them only with a plug-in that receives metrics; `pushed` tries them.
const WITHOUT_KAFKA: [ApiKey; 2] = [ApiKey::GetTelemetrySubscriptions, ApiKey::PushTelemetry];

/// The APIs that a broker says it serves, with their versions.
fn advertised(side: &mut Side) -> Result<BTreeMap<i16, (i16, i16)>> {
    let request = ApiVersionsRequest {
        client_software_name: "differential".to_owned(),
        client_software_version: "1".to_owned(),
    };
    let answer = side.must(&request, 3)?;
    let versions = answer
        .api_keys
        .iter()
        .map(|api| (api.api_key, (api.min_version, api.max_version)));
    Ok(versions.collect())
}

/// The oldest version that Kafka 4.3 answers, where that is above our own.
fn kafka_version(api: ApiKey, version: i16) -> i16 {
    match api {
        ApiKey::CreateTopics => version.max(2),
        ApiKey::DeleteTopics => version.max(1),
        _ => version,
    }
}

/// What the comparison found so far.
#[derive(Default)]
struct Report {
    compared: usize,
    fields: usize,
    problems: Vec<String>,
    /// Differences that are not allowed (API, case, what), and the versions that have them.
    unlike: BTreeMap<(ApiKey, &'static str, String), Vec<i16>>,
    used: BTreeSet<usize>,
}

impl Report {
    /// Asks both sides; tells whether the case can be put in this version.
    fn compare(
        &mut self,
        case: &Case,
        version: i16,
        kafka: &mut Side,
        subject: &mut Side,
    ) -> Result<bool> {
        let title = format!("{} v{version}, {}", case.api, case.name);
        let ours = (case.ask)(subject, version, version).with_context(|| title.clone())?;
        if ours == Outcome::Inexpressible {
            return Ok(false);
        }
        let theirs = (case.ask)(kafka, kafka_version(case.api, version), version)
            .with_context(|| title.clone())?;
        self.compared += 1;
        match (&theirs, &ours) {
            (Outcome::Answer(theirs), Outcome::Answer(ours)) => {
                self.fields += theirs.len();
                for (path, (theirs, ours)) in unlike(theirs, ours) {
                    self.differ(case, version, &path, theirs, ours);
                }
            }
            _ if theirs == ours => {}
            _ => {
                let (theirs, ours) = (theirs.in_short(), ours.in_short());
                self.differ(case, version, "", Some(&theirs), Some(&ours));
            }
        }
        Ok(true)
    }

    fn differ(
        &mut self,
        case: &Case,
        version: i16,
        path: &str,
        theirs: Option<&str>,
        ours: Option<&str>,
    ) {
        let side = match (theirs, ours) {
            (Some(_), None) => Where::OnlyKafka,
            (None, Some(_)) => Where::OnlyLimpid,
            _ => Where::Both,
        };
        let allows = |entry: &Difference| {
            entry.api == case.api.name()
                && entry.side == side
                && matches(entry.case, case.name)
                && matches(entry.path, path)
        };
        let api = case.api.name();
        if UNORDERED
            .iter()
            .any(|(of, list)| *of == api && matches(list, path))
        {
            return;
        }
        match ALLOWED.iter().position(allows) {
            Some(at) => {
                self.used.insert(at);
                debug_assert!(
                    !ALLOWED[at].reason.is_empty(),
                    "a difference needs a reason"
                );
            }
            None => {
                let show = |value: Option<&str>| {
                    let text = value.unwrap_or("(absent)");
                    text.chars().take(300).collect::<String>()
                };
                let (theirs, ours) = (show(theirs), show(ours));
                let what = format!(
                    "{path}
    Kafka {theirs}
    ours  {ours}"
                );
                let key = (case.api, case.name, what);
                self.unlike.entry(key).or_default().push(version);
            }
        }
    }

    fn finish(mut self, against_itself: bool) -> Result<()> {
        eprintln!(
            "{} answers with {} fields were compared",
            self.compared, self.fields
        );
        if !against_itself {
            for (at, entry) in ALLOWED.iter().enumerate() {
                if !self.used.contains(&at) {
                    self.problems
                        .push(format!("no answer needs the difference {entry:?}"));
                }
            }
        }
        for ((api, case, what), versions) in self.unlike {
            self.problems
                .push(format!("{api} {versions:?}, {case}: {what}"));
        }
        let count = self.problems.len();
        ensure!(
            count == 0,
            "{count} problems:\n{}",
            self.problems.join("\n")
        );
        Ok(())
    }
}

/// Whether `text` is of the form of `pattern`, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}
