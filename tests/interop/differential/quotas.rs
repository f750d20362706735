//! Cases of client quotas. The entities are nobody's, so that no other case is held back.

use limpid_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use limpid_protocol::messages::describe_client_quotas_request::ComponentData;
use limpid_protocol::messages::{AlterClientQuotasRequest, DescribeClientQuotasRequest};

use super::case::{Case, case};

const EXACT: i8 = 0;
const DEFAULT: i8 = 1;
const ANY: i8 = 2;

/// An entity's parts: type and name.
type Parts<'a> = &'a [(&'a str, Option<&'a str>)];
/// A quota: key, and value unless it is taken back.
type Quota<'a> = (&'a str, Option<f64>);

/// What there is from the beginning, for the cases that describe.
pub fn first() -> AlterClientQuotasRequest {
    let rate = ("producer_byte_rate", Some(1024.0));
    let percent = ("request_percentage", Some(12.5));
    let connections = ("connection_creation_rate", Some(5.0));
    let (user, client) = (("user", Some("nobody")), ("client-id", Some("none")));
    AlterClientQuotasRequest {
        entries: vec![
            entry(&[user], &[rate]),
            entry(&[user, client], &[percent]),
            entry(&[("ip", Some("10.9.8.7"))], &[connections]),
        ],
        validate_only: false,
    }
}

/// Adds them.
pub fn cases(all: &mut Vec<Case>) {
    alterations(all);
    descriptions(all);
}

fn entry(parts: Parts<'_>, quotas: &[Quota<'_>]) -> EntryData {
    let part = |(kind, name): &(&str, Option<&str>)| EntityData {
        entity_type: (*kind).to_owned(),
        entity_name: name.map(str::to_owned),
    };
    let op = |(key, value): &Quota<'_>| OpData {
        key: (*key).to_owned(),
        value: value.unwrap_or(0.0),
        remove: value.is_none(),
    };
    EntryData {
        entity: parts.iter().map(part).collect(),
        ops: quotas.iter().map(op).collect(),
    }
}

fn alter(name: &'static str, validate_only: bool, entries: Vec<EntryData>) -> Case {
    case(name, move |_, _| AlterClientQuotasRequest {
        entries: entries.clone(),
        validate_only,
    })
}

fn alterations(all: &mut Vec<Case>) {
    let user: Parts<'_> = &[("user", Some("nobody"))];
    let both: Parts<'_> = &[("user", Some("nobody")), ("client-id", Some("none"))];
    let address: Parts<'_> = &[("ip", Some("10.9.8.7"))];
    let rate = |value| ("producer_byte_rate", Some(value));
    all.push(alter("given", false, vec![entry(user, &[rate(1024.0)])]));
    all.push(alter(
        "given again",
        false,
        vec![entry(user, &[rate(1024.0)])],
    ));
    let two = [
        ("request_percentage", Some(12.5)),
        ("consumer_byte_rate", Some(1.0)),
    ];
    all.push(alter("two to both", false, vec![entry(both, &two)]));
    let connections = [("connection_creation_rate", Some(5.0))];
    all.push(alter(
        "to an address",
        false,
        vec![entry(address, &connections)],
    ));
    let mutations = [("controller_mutation_rate", Some(0.5))];
    all.push(alter("only tried", true, vec![entry(user, &mutations)]));
    all.push(alter(
        "taken back",
        false,
        vec![entry(both, &[("consumer_byte_rate", None)])],
    ));
    let none: [Quota<'_>; 1] = [("consumer_byte_rate", None)];
    all.push(alter(
        "taken back from nobody",
        false,
        vec![entry(user, &none)],
    ));
    let wrong: [(&'static str, Parts<'_>, &[Quota<'_>]); 14] = [
        ("nothing to nobody", &[], &[]),
        ("to nobody", &[], &[("producer_byte_rate", Some(1.0))]),
        (
            "to an unknown kind",
            &[("group", Some("g"))],
            &[("producer_byte_rate", Some(1.0))],
        ),
        (
            "to an empty name",
            &[("user", Some(""))],
            &[("producer_byte_rate", Some(1.0))],
        ),
        ("zero", user, &[("producer_byte_rate", Some(0.0))]),
        ("negative", user, &[("request_percentage", Some(-1.0))]),
        ("a fraction", user, &[("producer_byte_rate", Some(1.5))]),
        ("too large", user, &[("producer_byte_rate", Some(1e19))]),
        ("of an unknown key", user, &[("no_such_rate", Some(1.0))]),
        ("an unknown key taken back", user, &[("no_such_rate", None)]),
        (
            "twice the same key",
            user,
            &[
                ("producer_byte_rate", Some(1.0)),
                ("producer_byte_rate", Some(2.0)),
            ],
        ),
        (
            "a user's to an address",
            address,
            &[("producer_byte_rate", Some(1.0))],
        ),
        (
            "an address's, too large",
            address,
            &[("connection_creation_rate", Some(3e9))],
        ),
        (
            "to a user at an address",
            &[("user", Some("nobody")), ("ip", Some("10.9.8.7"))],
            &[("connection_creation_rate", Some(1.0))],
        ),
    ];
    for (name, parts, quotas) in wrong {
        all.push(alter(name, false, vec![entry(parts, quotas)]));
    }
    let not_whole = [("connection_creation_rate", Some(1.5))];
    all.push(alter(
        "an address's, a fraction",
        false,
        vec![entry(address, &not_whole)],
    ));
    let to_no_address = [("ip", Some("not an address"))];
    all.push(alter(
        "to no address",
        false,
        vec![entry(&to_no_address, &connections)],
    ));
    let twice = vec![entry(user, &[rate(1.0)]), entry(user, &[rate(2048.0)])];
    all.push(alter("twice the same", false, twice));
    all.push(alter("none", false, Vec::new()));
}

fn descriptions(all: &mut Vec<Case>) {
    let of = |name, strict, parts: &[(&str, i8, Option<&str>)]| {
        let component = |(kind, match_type, text): &(&str, i8, Option<&str>)| ComponentData {
            entity_type: (*kind).to_owned(),
            match_type: *match_type,
            r#match: text.map(str::to_owned),
        };
        let components: Vec<_> = parts.iter().map(component).collect();
        case(name, move |_, _| DescribeClientQuotasRequest {
            components: components.clone(),
            strict,
        })
    };
    all.extend([
        of("of everybody", false, &[]),
        of("of nobody", true, &[]),
        of("of a user", false, &[("user", EXACT, Some("nobody"))]),
        of("of a user alone", true, &[("user", EXACT, Some("nobody"))]),
        of("of any client id", false, &[("client-id", ANY, None)]),
        of(
            "of both",
            true,
            &[("user", ANY, None), ("client-id", EXACT, Some("none"))],
        ),
        of("of the default", false, &[("user", DEFAULT, None)]),
        of("of addresses", true, &[("ip", ANY, None)]),
        of(
            "of a user at an address",
            false,
            &[("user", ANY, None), ("ip", ANY, None)],
        ),
        of(
            "of one kind twice",
            false,
            &[("user", ANY, None), ("user", DEFAULT, None)],
        ),
        of("of an unknown kind", false, &[("group", ANY, None)]),
        of("of an empty kind", false, &[("", ANY, None)]),
        of("exactly nothing", false, &[("user", EXACT, None)]),
        of(
            "a default with a name",
            false,
            &[("user", DEFAULT, Some("nobody"))],
        ),
        of("any with a name", false, &[("user", ANY, Some("nobody"))]),
        of("an unknown match", false, &[("user", 7, None)]),
    ]);
}
