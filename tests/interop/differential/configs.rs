//! Cases of DescribeConfigs and IncrementalAlterConfigs.

use std::time::Duration;

use anyhow::Result;
use limpid_interop::process::wait_for;
use limpid_protocol::ApiKey;
use limpid_protocol::codec::Request;
use limpid_protocol::messages::describe_configs_request::DescribeConfigsResource;
use limpid_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use limpid_protocol::messages::{
    AlterConfigsRequest, DescribeConfigsRequest, DescribeConfigsResponse,
    IncrementalAlterConfigsRequest, alter_configs_request,
};

use super::case::{Case, Outcome, case, talk};
use super::setup::{ALPHA, TUNED};
use super::side::{Reply, Side};
use super::walk::fields;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const LOGGER: i8 = 8;

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

/// Key, operation and value of each alteration.
type Changes = &'static [(&'static str, i8, Option<&'static str>)];

/// Key and value of each setting.
type Settings = &'static [(&'static str, Option<&'static str>)];

/// Adds them.
pub fn cases(all: &mut Vec<Case>) {
    described(all);
    altered(all);
    not_altered(all);
    replaced(all);
    loggers(all);
    altered_loggers(all);
}

fn describe(resource_type: i8, name: &str, keys: Option<&[&str]>) -> DescribeConfigsRequest {
    let keys = keys.map(|keys| keys.iter().map(|key| (*key).to_owned()).collect());
    let resource = DescribeConfigsResource {
        resource_type,
        resource_name: name.to_owned(),
        configuration_keys: keys,
    };
    DescribeConfigsRequest {
        resources: vec![resource],
        ..DescribeConfigsRequest::default()
    }
}

fn described(all: &mut Vec<Case>) {
    all.push(case("a topic, everything", |_, _| {
        describe(TOPIC, TUNED, None)
    }));
    all.push(case("a topic with synonyms", |_, _| {
        DescribeConfigsRequest {
            include_synonyms: true,
            ..describe(TOPIC, TUNED, None)
        }
    }));
    all.push(case("a topic with documentation", |_, _| {
        DescribeConfigsRequest {
            include_documentation: true,
            ..describe(TOPIC, TUNED, Some(&["retention.ms", "cleanup.policy"]))
        }
    }));
    all.push(case("two keys and an unknown one", |_, _| {
        describe(
            TOPIC,
            TUNED,
            Some(&["retention.ms", "compression.type", "no.such"]),
        )
    }));
    all.push(case("no keys", |_, _| describe(TOPIC, TUNED, Some(&[]))));
    all.push(case("unknown topic", |_, _| {
        describe(TOPIC, "absent", None)
    }));
    all.push(case("impossible topic", |_, _| {
        describe(TOPIC, "a/b", None)
    }));
    all.push(case("the broker, everything", |_, _| {
        describe(BROKER, "1", None)
    }));
    all.push(case("the broker with synonyms", |_, _| {
        DescribeConfigsRequest {
            include_synonyms: true,
            ..describe(BROKER, "1", None)
        }
    }));
    all.push(case("the defaults of all brokers", |_, _| {
        describe(BROKER, "", None)
    }));
    all.push(case("another broker", |_, _| describe(BROKER, "9", None)));
    all.push(case("a broker that is no number", |_, _| {
        describe(BROKER, "one", None)
    }));
    all.push(case("an unknown kind of resource", |_, _| {
        describe(77, "x", None)
    }));
    all.push(case("two topics", |_, _| {
        let mut request = describe(TOPIC, TUNED, Some(&["segment.bytes"]));
        request
            .resources
            .extend(describe(TOPIC, ALPHA, Some(&["retention.ms"])).resources);
        request
    }));
}

/// Every logger but the root has another name here than there.
fn loggers(all: &mut Vec<Case>) {
    let root = |side: &mut Side, version: i16, tested: i16| {
        side.must(&alter(LOGGER, "1", &[("root", SET, Some("WARN"))]), 0)?;
        let request = move |_: &Side, _| DescribeConfigsRequest {
            include_synonyms: true,
            include_documentation: tested >= 3,
            ..describe(LOGGER, "1", Some(&["root", "no.such"]))
        };
        (case("", request).ask)(side, version, tested)
    };
    all.push(talk(ApiKey::DescribeConfigs, "the root logger", root));
    for (name, broker) in [
        ("loggers of another broker", "9"),
        ("loggers of a broker that is no number", "one"),
        ("loggers of no broker", ""),
    ] {
        all.push(case(name, move |_, _| describe(LOGGER, broker, None)));
    }
}

/// Levels of the root logger, and what it is afterwards.
fn altered_loggers(all: &mut Vec<Case>) {
    let cases: [(&'static str, Changes); 14] = [
        ("a level", &[("root", SET, Some("ERROR"))]),
        ("the level of silence", &[("root", SET, Some("FATAL"))]),
        ("a level in small letters", &[("root", SET, Some("debug"))]),
        ("a level that isn't one", &[("root", SET, Some("LOUD"))]),
        ("a level of log4j alone", &[("root", SET, Some("OFF"))]),
        ("an empty level", &[("root", SET, Some(""))]),
        ("a null level", &[("root", SET, None)]),
        ("a level appended", &[("root", APPEND, Some("ERROR"))]),
        ("a level subtracted", &[("root", SUBTRACT, Some("ERROR"))]),
        ("the root's level deleted", &[("root", DELETE, None)]),
        ("an unknown logger", &[("no.such", SET, Some("ERROR"))]),
        ("an unknown logger deleted", &[("no.such", DELETE, None)]),
        (
            "a logger twice",
            &[("root", SET, Some("INFO")), ("root", SET, Some("ERROR"))],
        ),
        (
            "one logger good, one bad",
            &[("root", SET, Some("INFO")), ("no.such", SET, Some("INFO"))],
        ),
    ];
    for (name, changes) in cases {
        let ask = move |side: &mut Side, version: i16, _| {
            side.must(&alter(LOGGER, "1", &[("root", SET, Some("WARN"))]), 0)?;
            let told = side.must(&alter(LOGGER, "1", changes), version)?;
            let then = side.must(&describe(LOGGER, "1", Some(&["root"])), 4)?;
            side.must(&alter(LOGGER, "1", &[("root", SET, Some("ERROR"))]), 0)?;
            let mut found = fields(&told, side);
            let then = fields(&then, side).into_iter();
            found.extend(then.map(|(path, value)| (format!("then.{path}"), value)));
            Ok(Outcome::Answer(found))
        };
        all.push(talk(ApiKey::IncrementalAlterConfigs, name, ask));
    }
    for (name, broker) in [
        ("loggers of another broker", "9"),
        ("loggers of no broker", ""),
    ] {
        all.push(case(name, move |_, _| {
            alter(LOGGER, broker, &[("root", SET, Some("ERROR"))])
        }));
    }
    all.push(case("loggers only to be checked", |_, _| {
        IncrementalAlterConfigsRequest {
            validate_only: true,
            ..alter(LOGGER, "1", &[("root", SET, Some("TRACE"))])
        }
    }));
    all.push(case("loggers replaced", |_, _| {
        replace(LOGGER, "1", &[("root", Some("ERROR"))])
    }));
}

fn alter(
    resource_type: i8,
    name: &str,
    changes: &[(&str, i8, Option<&str>)],
) -> IncrementalAlterConfigsRequest {
    let configs = changes
        .iter()
        .map(|(name, operation, value)| AlterableConfig {
            name: (*name).to_owned(),
            config_operation: *operation,
            value: value.map(str::to_owned),
        });
    let resource = AlterConfigsResource {
        resource_type,
        resource_name: name.to_owned(),
        configs: configs.collect(),
    };
    IncrementalAlterConfigsRequest {
        resources: vec![resource],
        validate_only: false,
    }
}

/// Alters the topic and compares both the answer and what is described afterwards.
fn story(name: &'static str, changes: Changes) -> Case {
    talk(
        ApiKey::IncrementalAlterConfigs,
        name,
        move |side, version, _| told_and_described(side, &alter(TOPIC, TUNED, changes), version),
    )
}

/// The answer to an alteration, and beside it what is described once it has taken effect.
fn told_and_described<R>(side: &mut Side, request: &R, version: i16) -> Result<Outcome>
where
    R: Request,
    R::Response: std::fmt::Debug,
{
    let answer = match side.ask(request, version)? {
        Reply::Inexpressible => return Ok(Outcome::Inexpressible),
        Reply::Closed => return Ok(Outcome::Closed),
        Reply::Answer(answer) => answer,
    };
    let described = settled(side)?;
    let mut found = fields(&answer, side);
    let after = fields(&described, side).into_iter();
    let changed =
        |(path, _): &(String, String)| path.ends_with(".value") || path.ends_with(".config_source");
    found.extend(
        after
            .filter(changed)
            .map(|(path, value)| (format!("then.{path}"), value)),
    );
    Ok(Outcome::Answer(found))
}

/// As the older API says it: these settings and no others.
fn replace(
    resource_type: i8,
    name: &str,
    settings: &[(&str, Option<&str>)],
) -> AlterConfigsRequest {
    let entry = |(name, value): &(&str, Option<&str>)| alter_configs_request::AlterableConfig {
        name: (*name).to_owned(),
        value: value.map(str::to_owned),
    };
    AlterConfigsRequest {
        resources: vec![alter_configs_request::AlterConfigsResource {
            resource_type,
            resource_name: name.to_owned(),
            configs: settings.iter().map(entry).collect(),
        }],
        validate_only: false,
    }
}

fn replaced(all: &mut Vec<Case>) {
    let cases: [(&'static str, Settings); 6] = [
        ("others go", &[("segment.bytes", Some("2097152"))]),
        (
            "two",
            &[("flush.messages", Some("9")), ("flush.ms", Some("8"))],
        ),
        ("none", &[]),
        ("an unknown key", &[("no.such", Some("1"))]),
        ("a value that isn't one", &[("segment.bytes", Some("big"))]),
        ("a null value", &[("segment.bytes", None)]),
    ];
    for (name, settings) in cases {
        all.push(talk(ApiKey::AlterConfigs, name, move |side, version, _| {
            side.must(&alter(TOPIC, TUNED, &[("flush.ms", SET, Some("7777"))]), 1)?;
            settled(side)?;
            told_and_described(side, &replace(TOPIC, TUNED, settings), version)
        }));
    }
    all.push(case("only to be checked", |_, _| AlterConfigsRequest {
        validate_only: true,
        ..replace(TOPIC, TUNED, &[("segment.bytes", Some("3000000"))])
    }));
    all.push(case("an unknown topic replaced", |_, _| {
        replace(TOPIC, "absent", &[("flush.ms", Some("1"))])
    }));
    all.push(case("another broker replaced", |_, _| {
        replace(BROKER, "9", &[("log.cleaner.threads", Some("2"))])
    }));
    // A resource twice is not asked for: Kafka 4.3 never answers it.
}

/// What is described once everything altered so far has taken effect: a last alteration, of a key
/// that no case looks at, must be seen.
fn settled(side: &mut Side) -> Result<DescribeConfigsResponse> {
    side.marks += 1;
    let mark = (86_400_000 + side.marks).to_string();
    side.must(
        &alter(TOPIC, TUNED, &[("delete.retention.ms", SET, Some(&mark))]),
        1,
    )?;
    wait_for("altered configs", Duration::from_secs(10), || {
        let described = side.must(&describe(TOPIC, TUNED, None), 4)?;
        let mut configs = described.results.iter().flat_map(|result| &result.configs);
        let seen = configs.any(|config| config.value.as_ref() == Some(&mark));
        Ok(seen.then_some(described))
    })
}

fn altered(all: &mut Vec<Case>) {
    all.push(story("set", &[("segment.bytes", SET, Some("2097152"))]));
    all.push(story(
        "set two, delete one",
        &[
            ("max.message.bytes", SET, Some("12345")),
            ("flush.messages", SET, Some("1000")),
            ("segment.bytes", DELETE, None),
        ],
    ));
    all.push(story(
        "append",
        &[("cleanup.policy", APPEND, Some("compact"))],
    ));
    all.push(story(
        "append what is there",
        &[("cleanup.policy", APPEND, Some("compact"))],
    ));
    all.push(story(
        "subtract",
        &[("cleanup.policy", SUBTRACT, Some("delete"))],
    ));
    all.push(story("delete", &[("cleanup.policy", DELETE, None)]));
    all.push(story(
        "delete what isn't set",
        &[("segment.ms", DELETE, None)],
    ));
    all.push(story(
        "set to the default",
        &[("segment.ms", SET, Some("604800000"))],
    ));
    all.push(story("delete that again", &[("segment.ms", DELETE, None)]));
    all.push(story("no change", &[]));
}

fn not_altered(all: &mut Vec<Case>) {
    let cases: [(&'static str, Changes); 8] = [
        ("an unknown key", &[("no.such", SET, Some("1"))]),
        (
            "a value that isn't one",
            &[("segment.bytes", SET, Some("big"))],
        ),
        ("a value out of range", &[("segment.bytes", SET, Some("1"))]),
        ("a null value", &[("segment.bytes", SET, None)]),
        (
            "append to what is no list",
            &[("segment.bytes", APPEND, Some("1"))],
        ),
        ("an unknown operation", &[("segment.bytes", 9, Some("1"))]),
        (
            "a key twice",
            &[("flush.ms", SET, Some("1")), ("flush.ms", SET, Some("2"))],
        ),
        (
            "one good, one bad",
            &[("flush.ms", SET, Some("1")), ("segment.ms", SET, Some("x"))],
        ),
    ];
    for (name, changes) in cases {
        all.push(story(name, changes));
    }
    all.push(case("only to be checked", |_, _| {
        IncrementalAlterConfigsRequest {
            validate_only: true,
            ..alter(TOPIC, TUNED, &[("segment.bytes", SET, Some("3000000"))])
        }
    }));
    all.push(case("unknown topic", |_, _| {
        alter(TOPIC, "absent", &[("segment.bytes", SET, Some("3000000"))])
    }));
    all.push(case("unknown topic and unknown key", |_, _| {
        alter(TOPIC, "absent", &[("no.such", SET, Some("1"))])
    }));
    all.push(case("unknown topic and a value that can't be", |_, _| {
        alter(TOPIC, "absent", &[("segment.bytes", SET, Some("x"))])
    }));
    all.push(case("impossible topic", |_, _| {
        alter(TOPIC, "a/b", &[("segment.bytes", SET, Some("3000000"))])
    }));
    all.push(case("listeners without the controller's", |_, _| {
        alter(
            BROKER,
            "1",
            &[("listeners", SET, Some("PLAINTEXT://127.0.0.1:1"))],
        )
    }));
    all.push(case("a broker's own minimum in sync", |_, _| {
        alter(BROKER, "1", &[("min.insync.replicas", SET, Some("1"))])
    }));
    all.push(case("the cluster's minimum in sync taken away", |_, _| {
        alter(BROKER, "", &[("min.insync.replicas", DELETE, None)])
    }));
    all.push(case("another broker", |_, _| {
        alter(BROKER, "9", &[("log.cleaner.threads", SET, Some("2"))])
    }));
    all.push(case("a broker's read-only key", |_, _| {
        alter(BROKER, "1", &[("log.dirs", SET, Some("elsewhere"))])
    }));
    all.push(case("an unknown kind of resource", |_, _| {
        alter(77, "x", &[("a", SET, Some("b"))])
    }));
    all.push(case("a topic twice", |_, _| {
        let mut request = alter(TOPIC, TUNED, &[("flush.ms", SET, Some("1"))]);
        request.resources.extend(request.resources.clone());
        request
    }));
}
