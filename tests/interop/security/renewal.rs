//! Logins that run out.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use limpid_interop::http;
use limpid_interop::lab::Lab;
use limpid_interop::peer::Kind;
use limpid_interop::process::{pause, run};
use limpid_interop::tools::Kafka;
use limpid_interop::wire::create_topic;
use limpid_protocol::messages::{
    MetadataRequest, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
};

use super::stronghold::{PASSWORD, Stronghold, Way};
use crate::differential::side::{Reply, Side};

/// For how long a login holds, and what the broker is told.
const LIFETIME_MS: u64 = 3_000;
const RULES: [(&str, &str); 1] = [("connections.max.reauth.ms", "3000")];
const WAY: Way = Way::Sasl("PLAIN");

fn log_in(side: &mut Side) -> Result<SaslAuthenticateResponse> {
    let mechanism = "PLAIN".to_owned();
    let chosen = side.must(&SaslHandshakeRequest { mechanism }, 1)?;
    ensure!(chosen.error_code == 0, "the handshake: {chosen:?}");
    let token = format!("\0alice\0{PASSWORD}");
    let auth_bytes = Bytes::from(token.into_bytes());
    side.must(&SaslAuthenticateRequest { auth_bytes }, 2)
}

/// A client is told for how long its login holds. Who logs in again in time keeps the connection,
/// who does not loses it with the next request; Java's producer does, by itself.
pub fn logins_run_out(lab: &mut Lab) -> Result<()> {
    let hold = Stronghold::start(lab, "renewal", &RULES, &[])?;
    let mut side = Side::new("the subject", &hold.peer);
    side.port = hold.port(WAY);
    let first = log_in(&mut side)?;
    let told = u64::try_from(first.session_lifetime_ms)?;
    ensure!(first.error_code == 0 && told > 0, "the login: {first:?}");
    ensure!(told <= LIFETIME_MS, "a login holds for {told} ms");
    let asked = MetadataRequest::default();
    side.must(&asked, 9).context("after the login")?;
    pause(Duration::from_millis(told / 2));
    let again = log_in(&mut side).context("logging in again")?;
    ensure!(again.error_code == 0, "the second login: {again:?}");
    pause(Duration::from_millis(told * 3 / 4));
    side.must(&asked, 9)
        .context("the first login is over, the second not")?;
    pause(Duration::from_millis(told));
    let late = side.ask(&asked, 9)?;
    ensure!(
        matches!(late, Reply::Closed),
        "a login that ran out: {late:?}"
    );

    create_topic(&hold.peer.address(), "renewed", 1, &[])?;
    let properties = hold.java_properties((WAY, "alice", PASSWORD))?;
    let mut java = hold.tools.java(Kafka::V4_3)?;
    java.arg("org.apache.kafka.tools.ProducerPerformance");
    java.args([
        "--topic",
        "renewed",
        "--num-records",
        "400",
        "--record-size",
        "10",
    ]);
    java.args(["--throughput", "50", "--print-metrics"]);
    java.args(["--bootstrap-server", &hold.address(WAY), "--command-config"]);
    let said = run(java.arg(properties), b"", Duration::from_secs(90))?;
    let said = said.success()?.text();
    let name = "producer-metrics:successful-reauthentication-total:";
    let line = said.lines().find(|line| line.starts_with(name));
    let line = line.with_context(|| format!("no {name} in {said}"))?;
    let times: f64 = line.rsplit(':').next().unwrap_or_default().trim().parse()?;
    ensure!(times >= 1.0, "Java's producer did not log in again: {line}");
    ensure!(said.contains("400 records sent"), "{said}");
    if matches!(lab.kind(), Kind::Limpid(_)) {
        let page = http::get(&hold.peer.http_address(), "/metrics")?;
        let renewed = counted(&page, "limpid_renewed_logins_total")?;
        ensure!(renewed > times, "{renewed} logins again, {times} of Java's");
        let timed = counted(&page, "limpid_login_renewal_seconds_count")?;
        ensure!(timed == renewed, "{timed} of {renewed} were timed");
        let failed = counted(&page, "limpid_failed_login_renewals_total")?;
        let lasting = counted(&page, "limpid_lasting_logins_total")?;
        ensure!((failed, lasting) == (0.0, 0.0), "{failed} and {lasting}");
    }
    Ok(())
}

/// What all listeners counted.
fn counted(page: &str, family: &str) -> Result<f64> {
    let start = format!("{family}{{");
    let lines = page.lines().filter(|line| line.starts_with(&start));
    let values: Result<Vec<f64>, _> = lines
        .map(|line| line.rsplit(' ').next().unwrap_or_default().parse())
        .collect();
    Ok(values?.iter().sum())
}
