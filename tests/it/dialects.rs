//! What a real server says in the dialects that are rules for MBeans, beside docs/dialects.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use limpid_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use limpid_protocol::messages::{AlterClientQuotasRequest, ApiVersionsRequest, FetchRequest};

use crate::home::{Client, Home, fetch, until};

/// In the order of the columns.
const DIALECTS: [&str; 3] = ["strimzi", "confluent", "strimzi_reporter"];
const TABLE: &str = "<!-- families: made by tests/it/dialects.rs with LIMPID_BLESS=1 -->\n";

/// What is known of a family.
#[derive(Default)]
struct Family {
    kind: String,
    labels: BTreeSet<String>,
    beans: BTreeSet<String>,
    dialects: BTreeSet<usize>,
}

#[test]
fn every_family_made_of_mbeans_is_in_the_documentation() {
    let home = Home::with(&["auto.create.topics.enable=false", "compression.type=gzip"]);
    let mut client = home.client();
    client.create("orders");
    client.produce("orders", b"one");
    limit_everybody(&mut client);
    let named = ApiVersionsRequest {
        client_software_name: "it".to_owned(),
        client_software_version: "1".to_owned(),
    };
    client.call(&named, 3);
    client.produce("orders", b"two");
    client.call::<FetchRequest>(&fetch("orders", 0, 1, 100), 12);
    let mut families = BTreeMap::<String, Family>::new();
    for (column, dialect) in DIALECTS.iter().enumerate() {
        let page = until("snapshot with the record", || {
            let page = home.get(&format!("/metrics?dialect={dialect}"));
            page.contains("kafka_log_log_logendoffset{topic=\"orders\",partition=\"0\"} 2\n")
                .then_some(page)
        });
        read(&page, column, &mut families);
    }
    assert!(families.len() > 100, "{}", families.len());
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/dialects.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, table) = text
        .split_once(TABLE)
        .expect("docs/dialects.md has a table");
    if std::env::var_os("LIMPID_BLESS").is_some() {
        std::fs::write(&path, format!("{before}{TABLE}{}", rows(&families))).unwrap();
        return;
    }
    for line in rows(&families).lines() {
        assert!(
            table.lines().any(|known| known == line),
            "not in docs/dialects.md, made anew with LIMPID_BLESS=1: {line}"
        );
    }
}

/// Quotas have beans where there are quotas.
fn limit_everybody(client: &mut Client) {
    let op = |key: &str, value| OpData {
        key: key.to_owned(),
        value,
        ..OpData::default()
    };
    let entity = EntityData {
        entity_type: "client-id".to_owned(),
        entity_name: None,
    };
    let entry = EntryData {
        entity: vec![entity],
        ops: vec![
            op("producer_byte_rate", 1e9),
            op("consumer_byte_rate", 1e9),
            op("request_percentage", 1e4),
            op("controller_mutation_rate", 1e3),
        ],
    };
    let request = AlterClientQuotasRequest {
        entries: vec![entry],
        ..AlterClientQuotasRequest::default()
    };
    let answer = client.call(&request, 1);
    assert_eq!(answer.entries[0].error_code, 0, "{answer:?}");
}

/// Heads and label names of a page; values that the test chose become the names of their keys.
fn read(page: &str, column: usize, families: &mut BTreeMap<String, Family>) {
    let mut at = String::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            name.clone_into(&mut at);
            let family = families.entry(at.clone()).or_default();
            family.beans.insert(template(help));
            family.dialects.insert(column);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let kind = rest.split_once(' ').unwrap().1;
            kind.clone_into(&mut families.get_mut(&at).unwrap().kind);
        } else if let Some((_, labels)) = line.split_once('{') {
            let names = labels
                .split("=\"")
                .map(|part| part.rsplit([',', '"']).next().unwrap());
            let names: Vec<&str> = names.collect();
            let known = &mut families.get_mut(&at).unwrap().labels;
            known.extend(
                names[..names.len() - 1]
                    .iter()
                    .map(|name| (*name).to_owned()),
            );
        }
    }
}

/// `domain:type=T,name=N,topic={topic} Attribute` of the HELP text.
fn template(help: &str) -> String {
    let path = help
        .strip_prefix("MBean attribute ")
        .expect("the rules say no help");
    let (domain, rest) = path.split_once('<').unwrap();
    let (properties, attribute) = rest.rsplit_once("><").unwrap();
    let property = |pair: &str| match pair.split_once('=') {
        Some((key @ ("type" | "name"), value)) => format!("{key}={value}"),
        Some((key, _)) => format!("{key}={{{key}}}"),
        None => pair.to_owned(),
    };
    let properties: Vec<String> = properties.split(", ").map(property).collect();
    let attribute = attribute.split_once('>').unwrap().1;
    let attribute = match attribute.ends_with("thPercentile") {
        true => "*thPercentile",
        false => attribute,
    };
    format!("{domain}:{} {attribute}", properties.join(","))
}

fn rows(families: &BTreeMap<String, Family>) -> String {
    let mut out = "| family | type | labels | of | spoken by |\n|---|---|---|---|---|\n".to_owned();
    for (name, family) in families {
        let labels: Vec<&str> = family.labels.iter().map(String::as_str).collect();
        let beans: Vec<String> = family.beans.iter().map(|b| format!("`{b}`")).collect();
        let dialects: Vec<&str> = family.dialects.iter().map(|at| DIALECTS[*at]).collect();
        let (labels, beans) = (labels.join(", "), beans.join("<br>"));
        let dialects = dialects.join(", ");
        let row = format!(
            "| `{name}` | {} | {labels} | {beans} | {dialects} |",
            family.kind
        );
        writeln!(out, "{}", row.replace("|  |", "| |")).unwrap();
    }
    out
}
