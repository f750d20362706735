//! Prometheus itself as a judge of `/metrics`: promtool finds no fault with the text but those that
//! other exporters' names carry with them, and a real Prometheus scrapes it and answers queries. Only Limpid has this side.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::peer::Kind;
use limpid_interop::process::{Daemon, run, wait_for};
use limpid_interop::{http, ports, process};

const LIMIT: Duration = Duration::from_secs(120);

/// What promtool says of names that others chose, once each. Percentiles are gauges, because
/// Prometheus 3 would rewrite the `0.50` of a summary that panels ask for.
const DIALECT_FINDINGS: &str = include_str!("promtool_findings");

/// `promtool check metrics` has nothing to say about our own families, and about those of the
/// dialects exactly what is listed.
pub fn promtool_finds_no_fault(lab: &mut Lab) -> Result<()> {
    if matches!(lab.kind(), Kind::Kafka) {
        return Ok(());
    }
    let text = http::get(&lab.subject()?.http_address(), "/metrics?dialect=all")?;
    ensure!(
        text.contains("\nlimpid_"),
        "no limpid_ family in\n{}",
        process::tail(&text)
    );
    let mut promtool = lab.tools.prometheus("promtool")?;
    let said = run(promtool.args(["check", "metrics"]), text.as_bytes(), LIMIT)?;
    let words = said.text() + &said.stderr;
    let found: BTreeSet<&str> = words.lines().filter(|line| !line.is_empty()).collect();
    // Not everything has happened yet: groups need not have committed.
    let shown = |finding: &&str| {
        let name = finding.split(' ').next().unwrap_or_default();
        text.contains(&format!("# TYPE {name} "))
    };
    let listed: BTreeSet<&str> = DIALECT_FINDINGS.lines().filter(shown).collect();
    let surprises: Vec<_> = found.symmetric_difference(&listed).collect();
    ensure!(
        surprises.is_empty(),
        "promtool says, or no longer says: {surprises:#?}"
    );
    Ok(())
}

/// Our alert rules are rules, and each fires when it should and stays silent when it should, as their
/// own tests say. The jobs for other stacks are sound.
pub fn the_rules_pass_their_tests(lab: &mut Lab) -> Result<()> {
    let alerts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../alerts");
    let promtool = |folder: &Path, arguments: &[&str]| -> Result<String> {
        let mut promtool = lab.tools.prometheus("promtool")?;
        promtool.current_dir(folder).args(arguments);
        Ok(run(&mut promtool, b"", LIMIT)?.success()?.text())
    };
    let lint = [
        "check",
        "rules",
        "--lint=all",
        "--lint-fatal",
        "limpid.rules.yml",
    ];
    let said = promtool(&alerts, &lint)?;
    ensure!(said.contains("SUCCESS"), "{said}");
    let tests = alerts.join("tests");
    for file in std::fs::read_dir(&tests)? {
        let name = file?.file_name();
        let name = name.to_str().context("a name")?;
        let said = promtool(&tests, &["test", "rules", name])?;
        ensure!(said.contains("SUCCESS"), "{name}: {said}");
    }
    for job in std::fs::read_dir(alerts.join("scrape"))? {
        let job = job?.path();
        promtool(
            &alerts,
            &["check", "config", job.to_str().context("a path")?],
        )?;
    }
    Ok(())
}

/// A Prometheus scrapes the broker and its query language finds the numbers.
pub fn a_prometheus_scrapes_and_answers(lab: &mut Lab) -> Result<()> {
    if matches!(lab.kind(), Kind::Kafka) {
        return Ok(());
    }
    let target = lab.subject()?.http_address();
    let folder = lab.folder("prometheus")?;
    let address = format!("127.0.0.1:{}", ports::next()?);
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
         scrape_configs: [{{job_name: limpid, static_configs: [{{targets: ['{target}']}}]}}]\n"
    );
    std::fs::write(folder.join("prometheus.yml"), config)?;
    let mut command = lab.tools.prometheus("prometheus")?;
    command
        .current_dir(&folder)
        .arg("--config.file=prometheus.yml");
    command
        .arg("--storage.tsdb.path=data")
        .arg(format!("--web.listen-address={address}"));
    let mut daemon = Daemon::spawn("prometheus", &mut command, &folder.join("log"))?;
    let mut query = |expression: &str| {
        wait_for(&format!("sample of {expression}"), LIMIT, || {
            daemon.check_alive()?;
            let samples = http::query(&address, expression).unwrap_or_default();
            Ok(samples.first().map(|(_, value)| *value))
        })
    };
    ensure!(query("up{job='limpid'}")? > 0.0, "the target is down");
    let produced = query("sum(limpid_requests_total{api='Produce'})");
    let answered = produced.and_then(|count| {
        ensure!(count > 0.0, "no produce request was counted");
        query("scrape_samples_scraped{job='limpid'}")
    });
    let samples = answered.with_context(|| process::tail(&daemon.log()).to_owned())?;
    ensure!(samples > 50.0, "only {samples} samples");
    daemon.terminate(LIMIT)?;
    Ok(())
}
