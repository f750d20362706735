use super::Operation::*;
use super::PatternType::{Literal, Prefixed};
use super::Permission::{Allow, Deny};
use super::ResourceKind::{Group, Topic};
use super::*;

fn rule(
    pattern: PatternType,
    name: &str,
    principal: &str,
    operation: Operation,
    permission: Permission,
) -> AclRule {
    AclRule {
        kind: Topic,
        name: name.to_owned(),
        pattern,
        principal: principal.to_owned(),
        host: WILDCARD.to_owned(),
        operation,
        permission,
    }
}

fn ask(index: &AclIndex, who: &str, operation: Operation, name: &str) -> Verdict {
    let principal = Principal::user(who);
    let asker = Asker {
        principal: &principal,
        host: "10.0.0.1",
    };
    index.verdict(asker, operation, Topic, name)
}

#[test]
fn names_wildcards_and_prefixes() {
    let index = AclIndex::new([
        rule(Literal, "orders", "User:alice", Read, Allow),
        rule(Literal, "*", "User:ops", Describe, Allow),
        rule(Prefixed, "app-", "User:bob", Write, Allow),
        rule(Prefixed, "app-b", "User:bob", Read, Allow),
    ]);
    assert_eq!(ask(&index, "alice", Read, "orders"), Verdict::Allowed);
    assert_eq!(
        ask(&index, "alice", Read, "others"),
        Verdict::Denied,
        "* speaks of it"
    );
    assert_eq!(ask(&index, "ops", Describe, "whatever"), Verdict::Allowed);
    assert_eq!(ask(&index, "bob", Write, "app-1"), Verdict::Allowed);
    assert_eq!(ask(&index, "bob", Read, "app-1"), Verdict::Denied);
    assert_eq!(ask(&index, "bob", Read, "app-b2"), Verdict::Allowed);
    assert_eq!(ask(&index, "bob", Write, "app"), Verdict::Denied);
    let none = AclIndex::new([rule(Prefixed, "\u{e4}b", "User:a", Read, Allow)]);
    assert_eq!(
        ask(&none, "a", Read, "x\u{e4}b"),
        Verdict::NoRule,
        "cut within a character"
    );
}

#[test]
fn what_is_denied_stays_denied() {
    let index = AclIndex::new([
        rule(Literal, "secret", "User:*", Read, Deny),
        rule(Prefixed, "s", "User:alice", All, Allow),
    ]);
    assert_eq!(ask(&index, "alice", Read, "secret"), Verdict::Denied);
    assert_eq!(ask(&index, "alice", Write, "secret"), Verdict::Allowed);
    assert_eq!(
        ask(&index, "alice", Describe, "secret"),
        Verdict::Allowed,
        "not implied"
    );
    assert_eq!(ask(&index, "bob", Write, "secret"), Verdict::Denied);
    assert_eq!(ask(&index, "bob", Write, "x"), Verdict::NoRule);
}

#[test]
fn what_implies_what() {
    for operation in [Read, Write, Delete, Alter] {
        let index = AclIndex::new([rule(Literal, "t", "User:a", operation, Allow)]);
        assert_eq!(
            ask(&index, "a", Describe, "t"),
            Verdict::Allowed,
            "{operation:?}"
        );
        assert_eq!(ask(&index, "a", DescribeConfigs, "t"), Verdict::Denied);
    }
    let index = AclIndex::new([rule(Literal, "t", "User:a", AlterConfigs, Allow)]);
    assert_eq!(ask(&index, "a", DescribeConfigs, "t"), Verdict::Allowed);
    assert_eq!(ask(&index, "a", Describe, "t"), Verdict::Denied);
}

#[test]
fn hosts_and_kinds_must_fit() {
    let mut here = rule(Literal, "t", "User:a", Read, Allow);
    here.host = "10.0.0.1".into();
    let mut there = rule(Literal, "u", "User:a", Read, Allow);
    there.host = "10.0.0.2".into();
    let index = AclIndex::new([here, there]);
    assert_eq!(ask(&index, "a", Read, "t"), Verdict::Allowed);
    assert_eq!(ask(&index, "a", Read, "u"), Verdict::Denied);
    let principal = Principal::parse("Group:a").expect("valid");
    let asker = Asker {
        principal: &principal,
        host: "10.0.0.1",
    };
    assert_eq!(index.verdict(asker, Read, Topic, "t"), Verdict::Denied);
    assert_eq!(index.verdict(asker, Read, Group, "t"), Verdict::NoRule);
}

#[test]
fn some_resource_of_a_kind() {
    let any = |rules: Vec<AclRule>| {
        let principal = Principal::user("a");
        let asker = Asker {
            principal: &principal,
            host: "h",
        };
        AclIndex::new(rules).allows_any(asker, Write, Topic)
    };
    let allow = |pattern, name| rule(pattern, name, "User:a", Write, Allow);
    let deny = |pattern, name| rule(pattern, name, "User:*", Write, Deny);
    assert!(!any(vec![]));
    assert!(any(vec![allow(Literal, "t")]));
    assert!(any(vec![allow(Prefixed, "t")]));
    assert!(!any(vec![allow(Literal, "t"), deny(Literal, "t")]));
    assert!(!any(vec![allow(Literal, "tt"), deny(Prefixed, "t")]));
    assert!(!any(vec![allow(Prefixed, "tt"), deny(Prefixed, "t")]));
    assert!(any(vec![allow(Prefixed, "t"), deny(Prefixed, "tt")]));
    assert!(!any(vec![allow(Prefixed, "t"), deny(Literal, "*")]));
    assert!(any(vec![allow(Literal, "*"), deny(Literal, "t")]));
}
