//! Users, what they may do and how much of it, and settings of everything.

use std::num::NonZeroU32;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use limpid_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use limpid_protocol::messages::alter_user_scram_credentials_request::ScramCredentialUpsertion;
use limpid_protocol::messages::create_acls_request::AclCreation;
use limpid_protocol::messages::describe_configs_request::DescribeConfigsResource;
use limpid_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use limpid_protocol::messages::{
    AlterClientQuotasRequest, AlterUserScramCredentialsRequest, CreateAclsRequest,
    DescribeAclsRequest, DescribeClientQuotasRequest, DescribeConfigsRequest,
    DescribeUserScramCredentialsRequest, ProduceRequest, SaslAuthenticateRequest,
    SaslHandshakeRequest,
};
use limpid_protocol::records::Codec;
use ring::{digest, hmac, pbkdf2};

use super::dump::Facts;
use super::topics::{alter, create};
use super::{Wire, batch};

/// What a broker needs for the guest: the second listener has logins, and whoever comes by the
/// first one may do anything.
pub const LISTENERS: [(&str, &str); 4] = [
    ("sasl.enabled.mechanisms", "SCRAM-SHA-256"),
    (
        "authorizer.class.name",
        "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    ),
    ("super.users", "User:ANONYMOUS"),
    ("allow.everyone.if.no.acl.found", "false"),
];

const USER: &str = "alice";
const PASSWORD: &str = "a long password";
const SALT: &[u8] = b"salt of alice";
const ROUNDS: NonZeroU32 = NonZeroU32::new(4_096).expect("not zero");
const MECHANISM: &str = "SCRAM-SHA-256";
/// `ResourceType`, `PatternType`, `AclOperation` and `AclPermissionType`.
const TOPIC: i8 = 2;
const GROUP: i8 = 3;
const LITERAL: i8 = 3;
const PREFIXED: i8 = 4;
const READ: i8 = 3;
const WRITE: i8 = 4;
const DENY: i8 = 2;
const ALLOW: i8 = 3;
/// Any of an enumeration.
const ANY: i8 = 1;
const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
const BROKER: i8 = 4;
const CLIENT_METRICS: i8 = 16;
/// `ConfigResource.Type` of groups.
pub const GROUP_CONFIG: i8 = 32;

/// A user, rules, quotas of all kinds of entities, and settings of brokers and subscriptions.
pub fn write(wire: &mut impl Wire) -> Result<()> {
    for topic in ["open-a", "open-not", "closed"] {
        create(wire, topic, 1, &[])?;
    }
    let request = AlterUserScramCredentialsRequest {
        deletions: Vec::new(),
        upsertions: vec![ScramCredentialUpsertion {
            name: USER.to_owned(),
            mechanism: 1,
            iterations: i32::try_from(ROUNDS.get())?,
            salt: Bytes::from_static(SALT),
            salted_password: Bytes::copy_from_slice(&salted(PASSWORD, SALT, ROUNDS)),
        }],
    };
    let made = wire.ask(&request, 0)?;
    ensure!(made.results[0].error_code == 0, "{made:?}");
    rules(wire)?;
    quotas(wire)?;
    alter(wire, BROKER, "", "message.max.bytes", "3000000")?;
    alter(wire, BROKER, "1", "log.cleaner.threads", "2")?;
    alter(
        wire,
        CLIENT_METRICS,
        "watch",
        "metrics",
        "org.apache.kafka.producer.",
    )?;
    alter(wire, CLIENT_METRICS, "watch", "interval.ms", "60000")
}

fn rules(wire: &mut impl Wire) -> Result<()> {
    let rule = |kind, name: &str, pattern, operation, permission_type| AclCreation {
        resource_type: kind,
        resource_name: name.to_owned(),
        resource_pattern_type: pattern,
        principal: format!("User:{USER}"),
        host: "*".to_owned(),
        operation,
        permission_type,
    };
    let request = CreateAclsRequest {
        creations: vec![
            rule(TOPIC, "open-", PREFIXED, WRITE, ALLOW),
            rule(TOPIC, "open-not", LITERAL, WRITE, DENY),
            rule(GROUP, "readers", LITERAL, READ, ALLOW),
        ],
    };
    let made = wire.ask(&request, 3)?;
    ensure!(made.results.iter().all(|r| r.error_code == 0), "{made:?}");
    Ok(())
}

fn quotas(wire: &mut impl Wire) -> Result<()> {
    type Parts<'a> = &'a [(&'a str, Option<&'a str>)];
    let user = ("user", Some(USER));
    let entries: [(Parts<'_>, &str, f64); 5] = [
        // So little that the first batch is too much.
        (&[user], "producer_byte_rate", 1.0),
        (&[user], "controller_mutation_rate", 7.5),
        (
            &[user, ("client-id", Some("app"))],
            "request_percentage",
            12.5,
        ),
        (&[("client-id", None)], "consumer_byte_rate", 1e9),
        (&[("ip", Some("10.9.8.7"))], "connection_creation_rate", 5.0),
    ];
    for (parts, key, value) in entries {
        let part = |(kind, name): &(&str, Option<&str>)| EntityData {
            entity_type: (*kind).to_owned(),
            entity_name: name.map(str::to_owned),
        };
        let request = AlterClientQuotasRequest {
            entries: vec![EntryData {
                entity: parts.iter().map(part).collect(),
                ops: vec![OpData {
                    key: key.to_owned(),
                    value,
                    remove: false,
                }],
            }],
            validate_only: false,
        };
        let altered = wire.ask(&request, 1)?;
        ensure!(altered.entries[0].error_code == 0, "{altered:?}");
    }
    Ok(())
}

/// What is told of all that.
pub fn dump(wire: &mut impl Wire, topics: &[&str], facts: &mut Facts) -> Result<()> {
    let everybody = DescribeUserScramCredentialsRequest { users: None };
    for user in wire.ask(&everybody, 0)?.results {
        for info in user.credential_infos {
            let told = format!("{} iterations", info.iterations);
            facts.insert(format!("user {} {}", user.user, info.mechanism), told);
        }
    }
    let all = DescribeAclsRequest {
        resource_type_filter: ANY,
        resource_name_filter: None,
        pattern_type_filter: ANY,
        principal_filter: None,
        host_filter: None,
        operation: ANY,
        permission_type: ANY,
    };
    for at in wire.ask(&all, 3)?.resources {
        for acl in at.acls {
            let (kind, name, pattern) = (at.resource_type, &at.resource_name, at.pattern_type);
            let told = format!(
                "acl {kind} {name} {pattern}: {} {} {}",
                acl.principal, acl.host, acl.operation
            );
            facts.insert(told, acl.permission_type.to_string());
        }
    }
    let all = DescribeClientQuotasRequest::default();
    for entry in wire.ask(&all, 1)?.entries.context("no quotas")? {
        let mut parts: Vec<String> = entry
            .entity
            .iter()
            .map(|part| format!("{}={:?}", part.entity_type, part.entity_name))
            .collect();
        parts.sort();
        for value in entry.values {
            let name = format!("quota {} {}", parts.join(","), value.key);
            facts.insert(name, value.value.to_string());
        }
    }
    configs(wire, topics, facts)
}

/// Settings that somebody made, not those that follow from the file.
fn configs(wire: &mut impl Wire, topics: &[&str], facts: &mut Facts) -> Result<()> {
    /// `ConfigSource`: of the topic, of one broker, of all, of a subscription, of a group.
    const MADE: [i8; 5] = [1, 2, 3, 7, 8];
    let mut resources: Vec<(i8, &str)> = topics.iter().map(|topic| (2, *topic)).collect();
    resources.extend([(BROKER, ""), (BROKER, "1"), (CLIENT_METRICS, "watch")]);
    resources.extend(super::groups::CONFIGURED.map(|group| (GROUP_CONFIG, group)));
    let request = DescribeConfigsRequest {
        resources: resources
            .iter()
            .map(|(kind, name)| DescribeConfigsResource {
                resource_type: *kind,
                resource_name: (*name).to_owned(),
                configuration_keys: None,
            })
            .collect(),
        ..DescribeConfigsRequest::default()
    };
    for result in wire.ask(&request, 4)?.results {
        ensure!(result.error_code == 0, "{result:?}");
        for config in result.configs {
            if MADE.contains(&config.config_source) {
                let (kind, name) = (result.resource_type, &result.resource_name);
                let name = format!("config {kind} {name:?} {}", config.name);
                facts.insert(name, config.value.unwrap_or_default());
            }
        }
    }
    Ok(())
}

/// The guest logs in, may write what the rules say, and is held back.
pub fn act(guest: &mut impl Wire) -> Result<()> {
    log_in(guest, PASSWORD).context("logging in")?;
    let one = |name: &str| -> Result<TopicProduceData> {
        Ok(TopicProduceData {
            name: name.to_owned(),
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(batch(Codec::None, 0, 1, None)?),
            }],
            ..TopicProduceData::default()
        })
    };
    let request = ProduceRequest {
        transactional_id: None,
        acks: -1,
        timeout_ms: 10_000,
        topic_data: vec![one("open-a")?, one("open-not")?, one("closed")?],
    };
    let answer = guest.ask(&request, 9)?;
    let mut codes: Vec<(&str, i16)> = answer
        .responses
        .iter()
        .map(|topic| (topic.name.as_str(), topic.partition_responses[0].error_code))
        .collect();
    codes.sort_unstable();
    let denied = TOPIC_AUTHORIZATION_FAILED;
    let wanted = [("closed", denied), ("open-a", 0), ("open-not", denied)];
    ensure!(codes == wanted, "{answer:?}");
    ensure!(answer.throttle_time_ms > 0, "not held back: {answer:?}");
    Ok(())
}

fn salted(password: &str, salt: &[u8], rounds: NonZeroU32) -> [u8; digest::SHA256_OUTPUT_LEN] {
    let mut salted = [0; digest::SHA256_OUTPUT_LEN];
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
    pbkdf2::derive(algorithm, rounds, salt, password.as_bytes(), &mut salted);
    salted
}

/// SCRAM as RFC 5802 has it, from the client's side.
fn log_in(wire: &mut impl Wire, password: &str) -> Result<()> {
    let mechanism = MECHANISM.to_owned();
    let chosen = wire.ask(&SaslHandshakeRequest { mechanism }, 1)?;
    ensure!(chosen.error_code == 0, "{chosen:?}");
    let first_bare = format!("n={USER},r=nonce-of-a-guest");
    let challenge = say(wire, &format!("n,,{first_bare}"))?;
    let part = |name: &str| {
        let mut parts = challenge.split(',');
        let part = parts.find_map(|part| part.strip_prefix(name));
        part.with_context(|| format!("no {name} in {challenge}"))
    };
    let (nonce, salt) = (part("r=")?, STANDARD.decode(part("s=")?)?);
    let salted = salted(password, &salt, part("i=")?.parse()?);
    let sign = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
    let client_key = sign(&salted, b"Client Key");
    let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
    let last_bare = format!("c=biws,r={nonce}");
    let all = format!("{first_bare},{challenge},{last_bare}");
    let signature = sign(stored_key.as_ref(), all.as_bytes());
    let pairs = client_key.as_ref().iter().zip(signature.as_ref());
    let proof: Vec<u8> = pairs.map(|(key, signature)| key ^ signature).collect();
    let answer = say(wire, &format!("{last_bare},p={}", STANDARD.encode(proof)))?;
    let server_key = sign(&salted, b"Server Key");
    let wanted = format!(
        "v={}",
        STANDARD.encode(sign(server_key.as_ref(), all.as_bytes()))
    );
    ensure!(answer == wanted, "the broker's proof: {answer}");
    Ok(())
}

fn say(wire: &mut impl Wire, text: &str) -> Result<String> {
    let request = SaslAuthenticateRequest {
        auth_bytes: Bytes::copy_from_slice(text.as_bytes()),
    };
    let answer = wire.ask(&request, 2)?;
    ensure!(answer.error_code == 0, "{answer:?}");
    Ok(String::from_utf8(answer.auth_bytes.to_vec())?)
}
