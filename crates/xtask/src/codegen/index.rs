//! The files that go over all messages: the list of modules, the API keys, the kinds of records.

use std::fmt::Write as _;

use super::emit::HEADER;
use super::model::Message;
use super::spec::{Kind, Spec};

/// `messages.rs`.
pub fn messages(messages: &[Message]) -> String {
    let mut text = format!(
        "{HEADER}//! Every message of Kafka's that Limpid reads or writes, one module each.\n\n\
         pub mod api_key;\npub mod record_kinds;\n"
    );
    for message in messages {
        _ = writeln!(text, "pub mod {};", message.module);
    }
    text.push_str("\npub use api_key::ApiKey;\n");
    text.push_str(
        "pub use record_kinds::{GroupRecordKind, MetadataRecordKind, ShareRecordKind, \
         TransactionRecordKind};\n",
    );
    for message in messages {
        _ = writeln!(text, "pub use {}::{};", message.module, message.name);
    }
    for_each(
        &mut text,
        "for_each_message",
        "all messages",
        messages,
        |_| true,
    );
    let is_request = |message: &Message| message.kind == Kind::Request;
    for_each(
        &mut text,
        "for_each_request",
        "all requests",
        messages,
        is_request,
    );
    text
}

/// A macro that calls another one with names of messages.
fn for_each(
    text: &mut String,
    name: &str,
    what: &str,
    messages: &[Message],
    wanted: impl Fn(&Message) -> bool,
) {
    _ = write!(
        text,
        "\n/// Calls a macro with the names of {what}: for tests that go over them.\n\
         #[cfg(any(test, feature = \"testing\"))]\n#[doc(hidden)]\n#[macro_export]\n\
         macro_rules! {name} {{\n    ($call:ident) => {{\n        $call! {{\n"
    );
    for message in messages.iter().filter(|message| wanted(message)) {
        _ = writeln!(text, "            {},", message.name);
    }
    text.push_str("        }\n    };\n}\n");
}

/// `api_key.rs`: every API of the release, also those whose messages are not generated.
pub fn api_keys(specs: &[Spec]) -> String {
    let mut keys: Vec<_> = specs
        .iter()
        .filter(|spec| spec.kind == Kind::Request && spec.valid_versions.is_some())
        .filter_map(|spec| Some((spec.api_key?, spec.name.trim_end_matches("Request"), spec)))
        .collect();
    keys.sort_by_key(|(code, ..)| *code);
    let variants: Vec<_> = keys
        .iter()
        .map(|(code, name, _)| ((*name).to_owned(), *code))
        .collect();
    let mut text = format!("{HEADER}//! The APIs of the protocol.\n\n");
    enumeration(
        &mut text,
        "ApiKey",
        "An API of the protocol: the first number of every request.",
        &variants,
    );
    text.push_str(
        "impl ApiKey {\n/// First version with tagged fields and short lengths, if there is one.\n\
         pub const fn flexible_since(self) -> Option<i16> { match self {\n",
    );
    let mut never = Vec::new();
    for (_, name, spec) in &keys {
        match spec.flexible_versions {
            Some(flexible) => _ = writeln!(text, "Self::{name} => Some({}),", flexible.low),
            None => never.push(format!("Self::{name}")),
        }
    }
    if !never.is_empty() {
        _ = writeln!(text, "{} => None,", never.join(" | "));
    }
    text.push_str("} }\n}\n");
    text
}

/// `record_kinds.rs`: the types of the records on disk.
pub fn record_kinds(messages: &[Message]) -> String {
    let mut text =
        format!("{HEADER}//! The numbers that stand for the types of records on disk.\n\n");
    let of = |kind: Kind, origin: &str, suffix: &str| {
        let mut kinds: Vec<_> = messages
            .iter()
            .filter(|message| message.kind == kind && message.origin == origin)
            .filter_map(|message| {
                Some((
                    message.name.trim_end_matches(suffix).to_owned(),
                    message.api_key?,
                ))
            })
            .collect();
        kinds.sort_by_key(|(_, code)| *code);
        kinds
    };
    let metadata = of(Kind::Metadata, "kafka-metadata", "Record");
    let doc = "Type of a record of `__cluster_metadata`.";
    enumeration(&mut text, "MetadataRecordKind", doc, &metadata);
    let coordinators = [
        (
            "GroupRecordKind",
            "__consumer_offsets",
            "kafka-group-coordinator",
        ),
        (
            "TransactionRecordKind",
            "__transaction_state",
            "kafka-transaction-coordinator",
        ),
        (
            "ShareRecordKind",
            "__share_group_state",
            "kafka-share-coordinator",
        ),
    ];
    for (name, topic, origin) in coordinators {
        let doc = format!("Type of a record of `{topic}`: the first number of its key.");
        enumeration(
            &mut text,
            name,
            &doc,
            &of(Kind::CoordinatorKey, origin, "Key"),
        );
    }
    text
}

fn enumeration(text: &mut String, name: &str, doc: &str, variants: &[(String, i16)]) {
    _ = writeln!(text, "/// {doc}");
    _ = writeln!(
        text,
        "#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]"
    );
    _ = writeln!(text, "#[repr(i16)]\npub enum {name} {{");
    for (variant, code) in variants {
        _ = writeln!(text, "/// {code}\n{variant} = {code},");
    }
    _ = writeln!(
        text,
        "}}\n\nimpl {name} {{\n/// All of them, in the order of their numbers."
    );
    let count = variants.len();
    _ = writeln!(text, "pub const ALL: [Self; {count}] = [");
    for (variant, _) in variants {
        _ = writeln!(text, "Self::{variant},");
    }
    text.push_str("];\n\n/// The number.\npub const fn code(self) -> i16 { self as i16 }\n\n");
    text.push_str(
        "/// The one with that number.\npub const fn from_code(code: i16) -> Option<Self> {\n",
    );
    text.push_str("Some(match code {\n");
    for (variant, code) in variants {
        _ = writeln!(text, "{code} => Self::{variant},");
    }
    text.push_str("_ => return None, })\n}\n\n");
    text.push_str("/// Kafka's name.\npub const fn name(self) -> &'static str { match self {\n");
    for (variant, _) in variants {
        _ = writeln!(text, "Self::{variant} => {variant:?},");
    }
    text.push_str("} }\n}\n\n");
}
