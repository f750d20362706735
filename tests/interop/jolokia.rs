//! Those who watch Kafka through Jolokia: Telegraf with the configuration for Kafka that comes with it,
//! and Jolokia's own JavaScript client asking as jmx4perl does, against Apache Kafka with Jolokia's agent
//! and against Limpid. Both must be told the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::peer::Kind;
use limpid_interop::process::{run, wait_for};
use limpid_interop::tools::{Tools, helpers};
use serde_json::Value;

use crate::beans;

const LIMIT: Duration = Duration::from_secs(60);
/// Where Telegraf's example expects Kafka.
const EXAMPLE_URL: &str = "http://localhost:8080/jolokia";

/// Fields and tags by measurement.
type Fields = BTreeMap<String, BTreeSet<String>>;

/// Telegraf's stock configuration gathers the same measurements with the same fields and tags.
pub fn telegraf_gathers_what_kafka_gives(lab: &mut Lab) -> Result<()> {
    let limpid @ Kind::Limpid(_) = lab.kind().clone() else {
        return Ok(());
    };
    let folder = lab.folder("telegraf")?;
    let (_kafka, address) = beans::kafka_with_agent(&lab.tools, &folder.join("kafka"))?;
    let expected = gathered(&lab.tools, &address, &folder.join("kafka"))?;
    let peer = beans::limpid_with_traffic(&lab.tools, limpid, &folder.join("limpid"), &[])?;
    // States are those of a snapshot that is made once a second.
    let mut unexpected = BTreeSet::new();
    let found = wait_for("the fields of Kafka", LIMIT, || {
        let found = gathered(&lab.tools, &peer.http_address(), &folder.join("limpid"))?;
        unexpected = beans::lacks(&expected, &found);
        unexpected.retain(|field| !is_listed(field));
        Ok(unexpected.is_empty().then_some(found))
    });
    found.with_context(|| format!("absent here, and no bean that is listed: {unexpected:#?}"))?;
    ensure!(expected.len() >= 6, "Kafka itself gave {expected:?}");
    Ok(())
}

/// Whether a field is of a bean that Kafka has and Limpid has not, for a reason that is written down.
/// Telegraf's configuration makes fields of names of beans: `measurement Name.Attribute`.
fn is_listed(field: &str) -> bool {
    let (_, field) = field.split_once(' ').unwrap_or(("", field));
    let name = field.split('.').next().unwrap_or_default();
    let wanted = [format!("name={name}"), format!("delayedOperation={name}")];
    let absent = beans::listed(beans::ABSENT);
    absent
        .iter()
        .filter(|line| !line.contains(' '))
        .any(|bean| {
            let mut properties = bean.split([':', ',']);
            properties.any(|property| wanted.iter().any(|wanted| wanted == property))
        })
}

/// What Telegraf makes of one broker: for each measurement its fields, and its tags with `tag `.
fn gathered(tools: &Tools, address: &str, folder: &Path) -> Result<Fields> {
    let (telegraf, example) = tools.telegraf()?;
    let example = std::fs::read_to_string(&example)
        .with_context(|| format!("Telegraf has no {}", example.display()))?;
    ensure!(example.contains(EXAMPLE_URL), "another example: {example}");
    let output = folder.join("telegraf.json");
    std::fs::remove_file(&output).ok();
    let config = format!(
        "[agent]\nomit_hostname = true\n{}\n[[outputs.file]]\nfiles = [{:?}]\ndata_format = \"json\"\n",
        example.replace(EXAMPLE_URL, &format!("http://{address}/jolokia")),
        output,
    );
    let file = folder.join("telegraf.conf");
    std::fs::write(&file, config)?;
    let said = run(Command::new(telegraf).arg(file), b"", LIMIT)?.success()?;
    ensure!(
        !said.stderr.contains("E! "),
        "Telegraf said {}",
        said.stderr
    );
    let mut fields = Fields::new();
    for line in std::fs::read_to_string(output)?.lines() {
        let metric: Value = serde_json::from_str(line)?;
        let name = metric["name"].as_str().context("a metric without a name")?;
        let known = fields.entry(name.to_owned()).or_default();
        let keys = |of: &str| {
            metric[of]
                .as_object()
                .into_iter()
                .flat_map(|all| all.keys())
        };
        known.extend(keys("fields").cloned());
        known.extend(keys("tags").map(|tag| format!("tag {tag}")));
    }
    Ok(fields)
}

/// Jolokia's own client reads, lists, searches and executes, and is told the same by both.
pub fn a_scripted_client_is_told_the_same(lab: &mut Lab) -> Result<()> {
    let Kind::Limpid(program) = lab.kind().clone() else {
        return Ok(());
    };
    let folder = lab.folder("jolokia")?;
    let (_kafka, address) = beans::kafka_with_agent(&lab.tools, &folder.join("kafka"))?;
    let expected = asked(&lab.tools, &address, None)?;
    let tokens = folder.join("tokens");
    let mut add = Command::new(&program);
    add.args(["http", "token", "add", "ops", "--file"])
        .arg(&tokens);
    let token = run(&mut add, b"", LIMIT)?.success()?.text();
    let tokens = tokens.display().to_string();
    let settings = [
        ("limpid.http.tokens.file", tokens.as_str()),
        ("limpid.http.grants", "User:ops=admin"),
        ("limpid.http.public.paths", "/jolokia,/jolokia/*"),
    ];
    let kind = Kind::Limpid(program);
    let peer = beans::limpid_with_traffic(&lab.tools, kind, &folder.join("limpid"), &settings)?;
    let found = asked(&lab.tools, &peer.http_address(), Some(token.trim()))?;
    let all = expected.as_object().context("no answers")?;
    let differ: Vec<String> = all
        .iter()
        .filter(|(question, answer)| found.get(question.as_str()) != Some(answer))
        .map(|(question, answer)| format!("{question}: Kafka {answer}, Limpid {}", found[question]))
        .collect();
    ensure!(differ.is_empty(), "told otherwise: {differ:#?}");
    // Who shows nothing looks and changes nothing.
    let refused = asked(&lab.tools, &peer.http_address(), None)?;
    ensure!(refused["level"] == expected["level"], "{refused}");
    ensure!(refused["set"]["status"] == 403, "{refused}");
    Ok(())
}

fn asked(tools: &Tools, address: &str, token: Option<&str>) -> Result<Value> {
    let mut node = tools.node()?;
    node.arg(helpers().join("node/jolokia.js"));
    node.arg(format!("http://{address}/jolokia")).args(token);
    let said = run(&mut node, b"", LIMIT)?.success()?.text();
    Ok(serde_json::from_str(&said)?)
}
