//! Exemplars: a producer that writes `traceparent` into its records, a real Prometheus that keeps exemplars,
//! and the trace of the record at the times that its produce and its fetch request took. Only Limpid has
//! this side.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::peer::Kind;
use limpid_interop::process::{Daemon, run, wait_for};
use limpid_interop::{http, ports, process};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(30);
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0b9902b7";
/// Nobody keeps this one.
const UNSAMPLED: &str = "11111111111111111111111111111111";

/// The trace id of a record's header is found in Prometheus at the latencies of its two requests.
pub fn a_prometheus_finds_the_trace_of_a_record(lab: &mut Lab) -> Result<()> {
    if matches!(lab.kind(), Kind::Kafka) {
        return Ok(());
    }
    lab.create_topic("traced", 1)?;
    let (address, target) = (lab.address()?, lab.subject()?.http_address());
    let produce = |trace: &str, flags: &str| {
        let mut kcat = lab.tools.kcat()?;
        kcat.args(["-b", &address, "-P", "-t", "traced", "-H"]);
        kcat.arg(format!("traceparent=00-{trace}-{SPAN}-{flags}"));
        run(&mut kcat, b"a record\n", LIMIT)?.success()
    };
    produce(UNSAMPLED, "00")?;
    produce(TRACE, "01")?;
    let read = lab
        .tools
        .kcat()?
        .args(["-b", &address, "-C", "-t", "traced", "-e", "-o", "1"])
        .output()?;
    ensure!(read.status.success(), "{read:?}");
    let folder = lab.folder("exemplars")?;
    let prometheus = format!("127.0.0.1:{}", ports::next()?);
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
         scrape_configs: [{{job_name: limpid, static_configs: [{{targets: ['{target}']}}]}}]\n"
    );
    std::fs::write(folder.join("prometheus.yml"), config)?;
    let mut command = lab.tools.prometheus("prometheus")?;
    command
        .current_dir(&folder)
        .arg("--config.file=prometheus.yml")
        .arg("--storage.tsdb.path=data")
        .arg("--enable-feature=exemplar-storage")
        .arg(format!("--web.listen-address={prometheus}"));
    let mut daemon = Daemon::spawn("prometheus", &mut command, &folder.join("log"))?;
    let found = wait_for("an exemplar in Prometheus", LIMIT, || {
        daemon.check_alive()?;
        let all = exemplars(&prometheus).unwrap_or_default();
        Ok((all.len() > 1).then_some(all))
    });
    let found = found.with_context(|| process::tail(&daemon.log()).to_owned())?;
    daemon.terminate(LIMIT)?;
    for api in ["Produce", "Fetch"] {
        let mut of_api = found.iter().filter(|(series, _)| series["api"] == api);
        let (series, exemplar) = of_api.next().context(api)?;
        ensure!(of_api.next().is_none(), "one bucket of {api}: {found:?}");
        is_the_trace(series, exemplar)?;
    }
    Ok(())
}

fn is_the_trace(series: &Value, exemplar: &Value) -> Result<()> {
    let labels = &exemplar["labels"];
    ensure!(
        labels["trace_id"] == TRACE && labels["span_id"] == SPAN,
        "{exemplar}"
    );
    // It lies in its bucket.
    let number = |value: &Value| value.as_str().and_then(|text| text.parse::<f64>().ok());
    let value = number(&exemplar["value"]).context("no value")?;
    let bound = number(&series["le"]).context("no bound")?;
    ensure!(value > 0.0 && value <= bound, "{value} above {bound}");
    Ok(())
}

/// Series with an exemplar of the histogram of requests.
fn exemplars(prometheus: &str) -> Result<Vec<(Value, Value)>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let path = format!(
        "/api/v1/query_exemplars?query=limpid_request_seconds_bucket&start={}&end={}",
        now - 3_600,
        now + 60
    );
    let answer: Value = serde_json::from_str(&http::get(prometheus, &path)?)?;
    let series = answer["data"].as_array().context("no data")?;
    let pair = |series: &Value| {
        Some((
            series["seriesLabels"].clone(),
            series["exemplars"].get(0)?.clone(),
        ))
    };
    Ok(series.iter().filter_map(pair).collect())
}
