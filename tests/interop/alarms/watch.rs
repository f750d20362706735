//! A Prometheus with rules, and an Alertmanager behind it where one is wanted.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use limpid_interop::http::{get, query};
use limpid_interop::lab::Lab;
use limpid_interop::ports;
use limpid_interop::process::{Daemon, wait_for};
use parking_lot::Mutex;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// Which Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 2.42, Debian's.
    V2,
    /// 3.5, built from its module.
    V3,
}

/// One that runs.
pub struct Watch {
    version: Version,
    prometheus: Daemon,
    alertmanager: Option<Daemon>,
    /// `host:port`.
    pub address: String,
    folder: PathBuf,
    /// What was seen to fire.
    fired: Mutex<BTreeSet<String>>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prometheus {:?}", self.version)
    }
}

impl Watch {
    /// Scrapes a node of that name at `http` every second in all dialects and evaluates the rules as
    /// often. What fires goes through an Alertmanager to `sink`.
    pub fn start(
        lab: &Lab,
        version: Version,
        (name, http): (&str, &str),
        rules: &str,
        sink: Option<&str>,
    ) -> Result<Self> {
        let folder = lab.folder(&format!("{name}-{version:?}"))?;
        let alertmanager = sink
            .map(|sink| alertmanager(lab, &folder, sink))
            .transpose()?;
        std::fs::write(folder.join("limpid.rules.yml"), rules)?;
        let to = alertmanager.as_ref().map_or_else(String::new, |(_, address)| {
            format!("alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{address}']}}]}}]}}\n")
        });
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
             rule_files: [limpid.rules.yml]\n{to}\
             scrape_configs: [{{job_name: limpid, params: {{dialect: [all]}}, file_sd_configs: \
             [{{files: [targets.json], refresh_interval: 1s}}]}}]\n"
        );
        targets(&folder, &[http])?;
        std::fs::write(folder.join("prometheus.yml"), config)?;
        let address = format!("127.0.0.1:{}", ports::next()?);
        let mut command = match version {
            Version::V2 => lab.tools.prometheus("prometheus")?,
            Version::V3 => lab.tools.prometheus_3()?,
        };
        command.current_dir(&folder);
        command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
        command.arg(format!("--web.listen-address={address}"));
        let log = folder.join("prometheus.log");
        let mut prometheus = Daemon::spawn("prometheus", &mut command, &log)?;
        wait_for("first scrape", LIMIT, || {
            prometheus.check_alive()?;
            Ok(query(&address, "up == 1").ok().filter(|s| !s.is_empty()))
        })?;
        Ok(Self {
            version,
            prometheus,
            alertmanager: alertmanager.map(|(daemon, _)| daemon),
            address,
            folder,
            fired: Mutex::default(),
        })
    }

    /// Scrapes these, as one cluster, from now on.
    pub fn scrape(&self, nodes: &[&str]) -> Result<()> {
        targets(&self.folder, nodes)
    }

    /// What was seen to fire so far.
    pub fn fired(&self) -> BTreeSet<String> {
        self.fired.lock().clone()
    }

    /// What Prometheus said.
    pub fn log(&self) -> String {
        self.prometheus.log()
    }

    /// Alerts with their expressions, as it read them.
    pub fn alerts(&self) -> Result<Vec<(String, String)>> {
        let answer: Value = serde_json::from_str(&get(&self.address, "/api/v1/rules?type=alert")?)?;
        let groups = answer["data"]["groups"].as_array().context("no groups")?;
        let rules = groups
            .iter()
            .flat_map(|group| group["rules"].as_array().into_iter().flatten());
        let text = |rule: &Value, key: &str| rule[key].as_str().unwrap_or_default().to_owned();
        Ok(rules
            .map(|rule| (text(rule, "name"), text(rule, "query")))
            .collect())
    }

    /// What it knows of a family: its type, if that is told.
    pub fn kinds(&self) -> Result<Value> {
        let answer: Value = serde_json::from_str(&get(&self.address, "/api/v1/metadata")?)?;
        Ok(answer["data"].clone())
    }

    /// Whether an alert fires.
    pub fn is_firing(&self, alert: &str) -> Result<bool> {
        let firing = format!("ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"}}");
        let fires = !query(&self.address, &firing)?.is_empty();
        if fires {
            self.fired.lock().insert(alert.to_owned());
        }
        Ok(fires)
    }

    /// Waits until an alert fires.
    pub fn fires(&self, alert: &str) -> Result<()> {
        wait_for(&format!("{alert} firing"), Duration::from_secs(120), || {
            Ok(self.is_firing(alert)?.then_some(()))
        })
    }

    /// Waits until alerts have ended.
    pub fn ends(&self, alerts: &[&str]) -> Result<()> {
        for alert in alerts {
            wait_for(&format!("end of {alert}"), Duration::from_secs(120), || {
                Ok((!self.is_firing(alert)?).then_some(()))
            })?;
        }
        Ok(())
    }

    /// Ends both.
    pub fn stop(self) -> Result<()> {
        self.prometheus.terminate(LIMIT)?;
        if let Some(daemon) = self.alertmanager {
            daemon.terminate(LIMIT)?;
        }
        Ok(())
    }
}

/// Moved into place whole, since Prometheus reads it whenever it changes.
fn targets(folder: &Path, nodes: &[&str]) -> Result<()> {
    let file = folder.join("targets.json");
    let new = file.with_extension("new");
    let all = json!([{"targets": nodes, "labels": {"cluster": "c"}}]);
    std::fs::write(&new, all.to_string())?;
    Ok(std::fs::rename(new, file)?)
}

fn alertmanager(lab: &Lab, folder: &Path, sink: &str) -> Result<(Daemon, String)> {
    let config = format!(
        "route: {{receiver: sink, group_by: [alertname, group], group_wait: 1s, group_interval: 1s}}\n\
         receivers: [{{name: sink, webhook_configs: [{{url: 'http://{sink}/'}}]}}]\n"
    );
    std::fs::write(folder.join("alertmanager.yml"), config)?;
    let address = format!("127.0.0.1:{}", ports::next()?);
    let mut command = lab.tools.alertmanager()?;
    command.current_dir(folder);
    command.args([
        "--config.file=alertmanager.yml",
        "--storage.path=alertmanager",
    ]);
    command.arg("--cluster.listen-address=");
    command.arg(format!("--web.listen-address={address}"));
    let mut daemon = Daemon::spawn(
        "alertmanager",
        &mut command,
        &folder.join("alertmanager.log"),
    )?;
    wait_for("Alertmanager", LIMIT, || {
        daemon.check_alive()?;
        Ok(get(&address, "/-/ready").ok().map(|_| ()))
    })?;
    Ok((daemon, address))
}
