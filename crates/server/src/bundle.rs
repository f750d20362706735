//! `/support-bundle.tar.gz`: what somebody needs to see who is to help, and nothing of what is in records.
//!
//! Most of it is what the faces answer anyway, asked in the name of the visitor. Settings whose values
//! must not be shown are hidden; payloads and keys of records are on no page that is asked.

mod cpu;
mod system;
mod tar;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::{RawQuery, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use flate2::Compression;
use flate2::write::GzEncoder;
use limpid_access::{Permission, Via, Visitor};
use limpid_broker::audit::{Audit, Kind, Record, Who};
use limpid_broker::settings::Settings;
use limpid_cluster::ClusterSource;
use limpid_config::{Config, REDACTED, describe};
use limpid_telemetry::logging::loggers::Loggers;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use self::cpu::CpuByThread;
use crate::node::HTTP;

/// Where it is.
pub(crate) const PATH: &str = "/support-bundle.tar.gz";
/// Bundles that are made at the same time.
const AT_ONCE_MAX: usize = 1;
/// Bytes of one file; what is longer is cut.
const FILE_BYTES_MAX: usize = 64 << 20;

/// How long processor time is looked at; `?seconds=` changes it, and 0 leaves it out.
const CPU_SECONDS: u64 = 10;
const CPU_SECONDS_MAX: u64 = 60;
/// Where the sums of the stages are.
const STAGES: &str = "/metrics?collect[]=limpid_request_stage_seconds";

/// What the faces answer: the name of the file, and the path with `{cluster}` for the cluster's name.
const PAGES: [(&str, &str); 6] = [
    ("metrics.txt", "/metrics"),
    ("beans.json", "/jolokia/read/*:*"),
    ("overview.json", "/c/{cluster}/?format=json"),
    ("status.txt", "/c/{cluster}/?format=text"),
    ("loggers.json", "/api/v1/clusters/{cluster}/loggers"),
    ("ready.txt", "/readyz?verbose"),
];

const README: &str = "\
What a Limpid broker tells of itself, to be looked at by somebody who helps. Passwords and keys are
hidden in config.txt; nothing here is from the keys or values of records. Names of topics, groups,
clients and users, and addresses, are as they are.

config.txt     what was set and where, then every setting in force
log.txt        the last lines of the broker's log
cluster.json   the newest snapshot: brokers, directories, topics, groups
events.json    what happened lately to topics, partitions and groups
slow_requests.json  the last requests that took long, with their stages
overview.json  the verdict with its reasons, rates, requests, buffers with their limits
status.txt     the same in short
metrics.txt    every metric, the stages of requests among them
beans.json     the same and more as Kafka's MBeans
loggers.json   levels of loggers
ready.txt      whether it serves, and why not
system.txt     version, machine, limits of the process and its control group
threads.txt    threads with the processor time that each took since it began
cpu-by-thread.txt  the same over some seconds, what threads waited in, and the stages of requests
";

/// What bundles are made of.
pub(crate) struct Bundle {
    pub(crate) source: Arc<dyn ClusterSource>,
    pub(crate) loggers: Arc<Loggers>,
    /// As it was at the start.
    pub(crate) config: Config,
    /// As it is, as soon as it can be changed.
    pub(crate) settings: OnceLock<Arc<Settings>>,
    audit: Arc<Audit>,
    at_once: Semaphore,
}

impl Bundle {
    /// Of a broker that is about to start.
    pub(crate) fn new(
        source: Arc<dyn ClusterSource>,
        loggers: Arc<Loggers>,
        config: Config,
        audit: Arc<Audit>,
    ) -> Self {
        Self {
            source,
            loggers,
            config,
            audit,
            settings: OnceLock::new(),
            at_once: Semaphore::new(AT_ONCE_MAX),
        }
    }

    /// From now on settings may change.
    pub(crate) fn follow(&self, settings: Arc<Settings>) {
        let first = self.settings.set(settings).is_ok();
        debug_assert!(first, "a server has its settings once");
    }
}

/// The route; `faces` are what it asks.
pub(crate) fn router(bundle: Arc<Bundle>, faces: Router) -> Router {
    Router::new()
        .route(PATH, get(answer))
        .with_state((bundle, faces))
}

async fn answer(
    State((bundle, faces)): State<(Arc<Bundle>, Router)>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Response {
    // Whoever sits at a machine where nobody logs in sees everything there.
    if visitor.via() != Via::Local
        && let Err(refusal) = visitor.may(Permission::Operate, bundle.source.name(), None)
    {
        return (StatusCode::FORBIDDEN, format!("{refusal}\n")).into_response();
    }
    let Ok(_one) = bundle.at_once.try_acquire() else {
        let wait = [(header::RETRY_AFTER, "10")];
        let text = "another bundle is being made\n";
        return (StatusCode::SERVICE_UNAVAILABLE, wait, text).into_response();
    };
    let mut files = vec![("README.txt".to_owned(), README.as_bytes().to_vec())];
    for (name, path) in PAGES {
        let path = path.replace("{cluster}", &limpid_console::encoded(bundle.source.name()));
        files.push((name.to_owned(), ask(&faces, &path, &visitor).await));
    }
    let seconds = cpu_seconds(query.as_deref().unwrap_or_default());
    if seconds > 0 {
        let profile = cpu_by_thread(&faces, &visitor, seconds).await;
        files.push(("cpu-by-thread.txt".to_owned(), profile.into_bytes()));
    }
    let for_files = Arc::clone(&bundle);
    let made = tokio::task::spawn_blocking(move || {
        files.extend(for_files.own());
        packed(&files)
    });
    let made = made.await.map_err(std::io::Error::other).flatten();
    match made {
        Ok(bytes) => {
            let address = visitor.address().map(|a| a.to_string());
            let name = visitor.name().unwrap_or_default();
            let who = Who::visitor(HTTP, name, address.unwrap_or_default());
            let record = Record::new(Kind::BundleMade, who, "support bundle", "NONE");
            let size = format!("{} bytes", bytes.len());
            bundle.audit.tell(record.because(&size));
            let name = "attachment; filename=\"limpid-support-bundle.tar.gz\"";
            let headers = [
                (header::CONTENT_TYPE, "application/gzip"),
                (header::CONTENT_DISPOSITION, name),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, bytes).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "no support bundle could be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn cpu_seconds(query: &str) -> u64 {
    let pairs = limpid_console::decoded_pairs(query);
    let wanted = pairs.iter().find(|(key, _)| key == "seconds");
    let wanted = wanted.and_then(|(_, value)| value.parse().ok());
    wanted.unwrap_or(CPU_SECONDS).min(CPU_SECONDS_MAX)
}

/// Looks at the threads for so long.
async fn cpu_by_thread(faces: &Router, visitor: &Visitor, seconds: u64) -> String {
    let before = ask(faces, STAGES, visitor).await;
    let mut seen = CpuByThread::begin();
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        tokio::time::sleep(cpu::STEP).await;
        // Some files of /proc for each thread: a millisecond or two.
        seen.look();
    }
    let after = ask(faces, STAGES, visitor).await;
    let (before, after) = (
        String::from_utf8_lossy(&before),
        String::from_utf8_lossy(&after),
    );
    seen.text(&cpu::stages(&before, &after))
}

/// What a face answers, or why it doesn't.
async fn ask(faces: &Router, path: &str, visitor: &Visitor) -> Vec<u8> {
    let request = Request::get(path).body(Body::empty());
    let Ok(mut request) = request else {
        return format!("{path} is no path\n").into_bytes();
    };
    request.extensions_mut().insert(visitor.clone());
    let Ok(response) = faces.clone().oneshot(request).await;
    let status = response.status();
    match axum::body::to_bytes(response.into_body(), FILE_BYTES_MAX).await {
        Ok(bytes) if status.is_success() => bytes.to_vec(),
        Ok(bytes) => format!("{path}: {status}\n{}", String::from_utf8_lossy(&bytes)).into_bytes(),
        Err(error) => format!("{path}: {error}\n").into_bytes(),
    }
}

impl Bundle {
    /// What no face shows.
    fn own(&self) -> Vec<(String, Vec<u8>)> {
        let settings = self.settings.get();
        let config = settings.map_or_else(|| self.config.clone(), |s| (*s.current()).clone());
        let snapshot = self.source.snapshot();
        let topics = snapshot.topics.iter();
        let topics = topics.map(|t| (t.name.as_str(), self.source.topic_events(&t.name)));
        let groups = snapshot.groups.iter();
        let groups = groups.map(|g| (g.id.as_str(), self.source.group_events(&g.id)));
        let events = serde_json::json!({
            "topics": topics.collect::<BTreeMap<_, _>>(),
            "groups": groups.collect::<BTreeMap<_, _>>(),
        });
        let files = [
            ("config.txt", redacted(&config).into_bytes()),
            ("log.txt", self.loggers.last_lines()),
            ("cluster.json", json(&*snapshot)),
            ("events.json", json(&events)),
            ("slow_requests.json", json(&self.source.slow_requests())),
            (
                "system.txt",
                system::system(&snapshot.cluster_id).into_bytes(),
            ),
            ("threads.txt", system::threads().into_bytes()),
        ];
        files.map(|(name, bytes)| (name.to_owned(), bytes)).into()
    }
}

fn json(what: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(what).unwrap_or_else(|error| error.to_string().into_bytes())
}

/// What was set and where, and what is in force; values that must not be shown are not.
fn redacted(config: &Config) -> String {
    let mut text = format!("# what was set, and where\n{config}\n# every setting in force\n");
    for entry in describe::broker(config) {
        let value = match (&entry.value, entry.sensitive) {
            (_, true) => REDACTED,
            (Some(value), false) => value,
            (None, false) => "",
        };
        text.push_str(&format!("{}={value}\n", entry.name));
    }
    text
}

/// One folder with all files, compressed.
fn packed(files: &[(String, Vec<u8>)]) -> std::io::Result<Vec<u8>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_s = now.unwrap_or_default().as_secs();
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    for (name, bytes) in files {
        let bytes = &bytes[..bytes.len().min(FILE_BYTES_MAX)];
        let path = format!("limpid-support-bundle/{name}");
        tar::append(&mut out, &path, bytes, now_s)?;
    }
    out.write_all(&tar::END)?;
    out.finish()
}

#[cfg(test)]
mod tests {
    use limpid_config::LoadOptions;

    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_were_set() {
        let env = [
            ("KAFKA_SSL_KEY_PASSWORD", "hunter2-key"),
            ("KAFKA_SSL_KEYSTORE_PASSWORD", "hunter2-store"),
            ("KAFKA_MY_OWN_SECRET", "hunter2-own"),
            ("KAFKA_NUM_IO_THREADS", "11"),
        ];
        let env = env.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let loaded = Config::load(LoadOptions {
            env: env.to_vec(),
            ..LoadOptions::default()
        });
        let text = redacted(&loaded.expect("a configuration").config);
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("\nssl.key.password=[hidden]\n"), "{text}");
        assert!(text.contains("\nnum.io.threads=11\n"), "{text}");
    }
}
