//! The demo as an SRE sees it: a real Prometheus scrapes it with our rules; every selector of our
//! dashboard and alerts has series, panels show what the test did, and the lag alert fires for the
//! slow group alone until it is sped up. Only Limpid has this side.

pub mod selectors;

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::counted::{Counted, GROUP, TOPIC};
use limpid_interop::http::{get, query};
use limpid_interop::lab::Lab;
use limpid_interop::librdkafka;
use limpid_interop::peer::Kind;
use limpid_interop::ports;
use limpid_interop::process::{Daemon, run, tail, wait_for};
use limpid_interop::records::Record;
use limpid_interop::wire::create_topic;

const LIMIT: Duration = Duration::from_secs(120);
const SLOW: &str = "demo.archiver";
const ALERT: &str = "LimpidConsumerLag";
/// What rules ask for and the demo does not do: the beginnings of selectors. `alarms` does all that.
const NOT_IN_THE_DEMO: [&str; 6] = [
    // No listener with TLS, no quota, no client that pushes its metrics.
    "limpid_tls_certificate_expires_timestamp_seconds",
    "limpid_quota_throttled_requests_total",
    "kafka_client_producer_",
    // No canary, and perhaps no control group with limits.
    "limpid_canary_",
    "limpid_cgroup_",
    // Nothing is deleted so soon.
    "limpid_group_retention_overtakes_seconds",
];

/// See the module's words.
pub fn the_demo_in_a_real_prometheus(lab: &mut Lab) -> Result<()> {
    let Kind::Limpid(program) = lab.kind().clone() else {
        return Ok(());
    };
    let folder = lab.folder("observed")?;
    let demo = Demo::start(&program, &folder)?;
    let prometheus = prometheus(lab, &demo.http, &folder)?;
    let seen = look(&demo, &prometheus.1);
    seen.with_context(|| format!("the demo said:\n{}", tail(&demo.daemon.log())))?;
    prometheus.0.terminate(LIMIT)?;
    let said = demo.daemon.log();
    let ended = demo.daemon.terminate(LIMIT)?;
    ensure!(ended.success(), "the demo ended with {ended}");
    for word in ["demo.logs.search", SLOW, "--speed-up", &demo.http_port] {
        ensure!(said.contains(word), "the guide has no {word}:\n{said}");
    }
    Ok(())
}

fn look(demo: &Demo, prometheus: &str) -> Result<()> {
    counted(&demo.kafka, prometheus)?;
    refused(&demo.kafka)?;
    every_selector_has_series(prometheus)?;
    only_the_slow_group_is_late(prometheus)?;
    demo.speed_up()?;
    wait_for("end of the alert", LIMIT, || {
        Ok(firing(prometheus)?.is_empty().then_some(()))
    })
}

/// `limpid demo` with a group that is far too slow.
struct Demo {
    daemon: Daemon,
    program: std::path::PathBuf,
    port: String,
    http_port: String,
    kafka: String,
    http: String,
}

impl Demo {
    fn start(program: &Path, folder: &Path) -> Result<Self> {
        let (port, http_port) = (ports::next()?.to_string(), ports::next()?.to_string());
        let mut command = Command::new(program);
        command.current_dir(folder).arg("demo");
        command.args(["--port", &port, "--http-port", &http_port]);
        command.args(["--slow-rate", "1"]);
        let mut daemon = Daemon::spawn("demo", &mut command, &folder.join("demo.log"))?;
        let (kafka, http) = (
            format!("127.0.0.1:{port}"),
            format!("127.0.0.1:{http_port}"),
        );
        wait_for("demo", LIMIT, || {
            daemon.check_alive()?;
            let ready = get(&http, "/readyz").is_ok() && daemon.log().contains(SLOW);
            Ok(ready.then_some(()))
        })?;
        Ok(Self {
            daemon,
            program: program.to_owned(),
            port,
            http_port,
            kafka,
            http,
        })
    }

    fn speed_up(&self) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.args(["demo", "--speed-up", "--port", &self.port]);
        run(&mut command, b"", LIMIT)?.success()?;
        Ok(())
    }
}

/// A Prometheus with our rules. Only the lag alert is made impatient: what takes ten minutes in
/// production has to be seen here.
fn prometheus(lab: &Lab, target: &str, folder: &Path) -> Result<(Daemon, String)> {
    let rules = selectors::rules()?;
    let (before, alert) = rules
        .split_once(&format!("alert: {ALERT}\n"))
        .context("no lag alert")?;
    let (alert, after) = alert.split_once("- alert:").context("no second alert")?;
    let hasty = alert
        .replace("> 300", "> 30")
        .replace("for: 5m", "for: 5s")
        .replace("keep_firing_for: 2m", "keep_firing_for: 2s");
    ensure!(
        hasty.matches("s\n").count() > 1 && hasty != alert,
        "{alert}"
    );
    let rules = format!("{before}alert: {ALERT}\n{hasty}- alert:{after}");
    std::fs::write(folder.join("limpid.rules.yml"), rules)?;
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
         rule_files: [limpid.rules.yml]\n\
         scrape_configs: [{{job_name: limpid, static_configs: [{{targets: ['{target}']}}]}}]\n"
    );
    std::fs::write(folder.join("prometheus.yml"), config)?;
    let address = format!("127.0.0.1:{}", ports::next()?);
    let mut command = lab.tools.prometheus("prometheus")?;
    command.current_dir(folder);
    command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
    command.arg(format!("--web.listen-address={address}"));
    let daemon = Daemon::spawn("prometheus", &mut command, &folder.join("prometheus.log"))?;
    wait_for("first scrape", LIMIT, || {
        Ok(query(&address, "up == 1").ok().filter(|s| !s.is_empty()))
    })?;
    Ok((daemon, address))
}

/// The test writes and commits known numbers, and the panels show exactly those.
fn counted(kafka: &str, prometheus: &str) -> Result<()> {
    let mut counted = Counted::create(kafka)?;
    counted.write(500)?;
    counted.commit(120)?;
    let panels = selectors::panels(TOPIC, GROUP)?;
    let shows = |title: &str, wanted: f64| {
        let panel = panels.iter().find(|panel| panel.title == title);
        let expression = &panel
            .with_context(|| format!("no panel {title}"))?
            .expression;
        wait_for(&format!("{wanted} in {title:?}"), LIMIT, || {
            let samples = query(prometheus, expression)?;
            let right = samples.len() == 1 && samples[0].1 == wanted;
            Ok(right.then_some(()))
        })
        .with_context(|| format!("{:?}", query(prometheus, expression)))
    };
    shows("Lag in records", 380.0)?;
    shows("Members", 0.0)?;
    let total = "kafka_server_brokertopicmetrics_messagesin_total{topic=\"counted\"}";
    let samples = query(prometheus, total)?;
    ensure!(
        samples.len() == 1 && samples[0].1 == 500.0,
        "{total}: {samples:?}"
    );
    let size = limpid_size(prometheus)?;
    shows("Bytes on disk by topic", size)?;
    // Read to the end: it must not be among the late ones below.
    counted.commit(counted.written())?;
    shows("Lag in records", 0.0)?;
    shows("Lag in seconds", 0.0)
}

/// Bytes of the topic by the other name that we give them.
fn limpid_size(prometheus: &str) -> Result<f64> {
    let appended = query(
        prometheus,
        "kafka_server_brokertopicmetrics_bytesin_total{topic=\"counted\"}",
    )?;
    let (_, bytes) = appended.first().context("no bytes were counted")?;
    Ok(*bytes)
}

/// What a sound demo never does: a produce request that the broker has to refuse, and a connection
/// that speaks something else.
fn refused(kafka: &str) -> Result<()> {
    create_topic(kafka, "refused", 1, &[("min.insync.replicas", "2")])?;
    let settings = [("acks", "all"), ("message.timeout.ms", "1500")];
    let record = Record::new(b"k", b"v");
    let sent = librdkafka::produce(kafka, &settings, "refused", Some(0), &[record]);
    // The answer goes to the callback, which this producer has not; the metrics have the error.
    drop(sent);
    let mut stream = TcpStream::connect(kafka)?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    Ok(())
}

fn every_selector_has_series(prometheus: &str) -> Result<()> {
    let mut missing: Vec<String> = Vec::new();
    let mut selectors = selectors::selectors(&selectors::rules()?);
    for beginning in NOT_IN_THE_DEMO {
        let before = selectors.len();
        selectors.retain(|selector| !selector.starts_with(beginning));
        ensure!(selectors.len() < before, "no rule asks for {beginning}");
    }
    let panels = selectors::panels(".*", ".*")?;
    for panel in &panels {
        selectors.extend(selectors::selectors(&panel.expression));
    }
    ensure!(selectors.len() > 40, "only {} selectors", selectors.len());
    let looked = wait_for("series of every selector", LIMIT, || {
        missing.clear();
        for selector in &selectors {
            if query(prometheus, selector)?.is_empty() {
                missing.push(selector.clone());
            }
        }
        Ok(missing.is_empty().then_some(()))
    });
    looked.with_context(|| format!("without series: {missing:#?}"))?;
    let mut empty: Vec<&str> = Vec::new();
    let looked = wait_for("value of every panel", LIMIT, || {
        empty.clear();
        for panel in &panels {
            if query(prometheus, &panel.expression)?.is_empty() {
                empty.push(&panel.title);
            }
        }
        Ok(empty.is_empty().then_some(()))
    });
    looked.with_context(|| format!("empty panels: {empty:?}"))
}

fn only_the_slow_group_is_late(prometheus: &str) -> Result<()> {
    let late = wait_for("lag alert", LIMIT, || {
        let groups = firing(prometheus)?;
        Ok((!groups.is_empty()).then_some(groups))
    })?;
    ensure!(late == [SLOW], "late are {late:?}");
    Ok(())
}

/// The groups for which the lag alert fires.
fn firing(prometheus: &str) -> Result<Vec<String>> {
    let expression = format!("ALERTS{{alertname=\"{ALERT}\",alertstate=\"firing\"}}");
    let samples = query(prometheus, &expression)?;
    let group =
        |(labels, _): &(serde_json::Value, f64)| labels["group"].as_str().map(str::to_owned);
    Ok(samples.iter().filter_map(group).collect())
}
