//! Spans of requests, taken by OpenTelemetry's own messages and gRPC service.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::librdkafka;
use limpid_interop::peer::{Kind, Peer};
use limpid_interop::ports;
use limpid_interop::process::{Daemon, wait_for};
use limpid_interop::records::Record;
use limpid_interop::tools::helpers;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(30);
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// A producer's trace goes on in the broker, and who fetches its records is linked to it, by gRPC.
pub fn are_linked_over_grpc(lab: &mut Lab) -> Result<()> {
    linked(lab, "grpc", "grpc")
}

/// The same by HTTP.
pub fn are_linked_over_http(lab: &mut Lab) -> Result<()> {
    linked(lab, "http/protobuf", "http")
}

fn linked(lab: &mut Lab, protocol: &str, short: &str) -> Result<()> {
    let folder = lab.folder(&format!("traces-{short}"))?;
    let (grpc, http) = (ports::next()?, ports::next()?);
    let mut python = lab.tools.python()?;
    python
        .arg(helpers().join("python/collector.py"))
        .args([grpc.to_string(), http.to_string()]);
    let mut collector = Daemon::spawn("collector", &mut python, &folder.join("collector.log"))?;
    wait_for("collector", LIMIT, || {
        collector.check_alive()?;
        Ok(collector.log().contains("ready").then_some(()))
    })?;
    let port = if short == "grpc" { grpc } else { http };
    let endpoint = format!("http://127.0.0.1:{port}");
    let properties = [
        ("limpid.otlp.endpoint", endpoint.as_str()),
        ("limpid.otlp.protocol", protocol),
        // Only what a producer wants recorded.
        ("limpid.otlp.sampling.ratio", "0"),
    ];
    let broker = Peer::start_new(Kind::limpid()?, &lab.tools, &folder, &properties)?;
    let traced = Record {
        headers: vec![(
            "traceparent".to_owned(),
            Some(format!("00-{TRACE}-{SPAN}-01").into_bytes()),
        )],
        ..Record::new(b"key", b"value")
    };
    let records = vec![traced];
    let address = broker.address();
    librdkafka::produce(&address, &[], "traced", Some(0), &records)?;
    librdkafka::read(&address, "traced", &vec![records])?;
    let find = |what: &str, fits: &dyn Fn(&Value) -> bool| {
        wait_for(what, LIMIT, || {
            let log = collector.log();
            let spans = log
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok());
            let mut spans = spans.collect::<Vec<Value>>().into_iter();
            Ok(spans.find(|span| fits(span)))
        })
        .with_context(|| collector.log())
    };
    let produced = find("span of the produce request", &|span| {
        span["name"] == "Produce traced"
    })?;
    ensure!(produced["protocol"] == short, "{produced}");
    ensure!(
        produced["trace"] == TRACE && produced["parent"] == SPAN,
        "{produced}"
    );
    ensure!(
        produced["resource"]["service.name"] == "limpid",
        "{produced}"
    );
    ensure!(
        produced["attributes"]["messaging.system"] == "kafka",
        "{produced}"
    );
    ensure!(
        produced["attributes"]["messaging.destination.name"] == "traced",
        "{produced}"
    );
    let stage = find("span of a stage", &|span| {
        span["name"] == "local_append" && span["parent"] == produced["span"]
    })?;
    ensure!(stage["trace"] == TRACE, "{stage}");
    ensure!(
        stage["ns"].as_u64() <= produced["ns"].as_u64(),
        "{stage} of {produced}"
    );
    let link = format!("{TRACE}-{SPAN}");
    let fetched = find("span of the fetch request", &|span| {
        span["name"] == "Fetch traced" && span["links"][0] == link
    })?;
    ensure!(fetched["trace"] != TRACE, "{fetched}");
    let strays = collector.log();
    ensure!(
        !strays.contains("ApiVersions"),
        "a request nobody wanted recorded:\n{strays}"
    );
    let metrics = limpid_interop::http::get(&broker.http_address(), "/metrics")?;
    let dropped = "limpid_traced_requests_dropped_total{cause=\"export\"} 0";
    ensure!(metrics.contains(dropped), "no {dropped}");
    Ok(())
}
