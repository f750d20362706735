//! Tests of the validators.

use super::*;

fn ok(kind: Kind, check: Check, value: &str) -> bool {
    validate(kind, check, value).is_ok()
}

#[test]
fn numbers_are_held_to_their_width_and_range() {
    assert!(ok(Kind::Int, Check::Any, " 2147483647 "));
    assert!(!ok(Kind::Int, Check::Any, "2147483648"));
    assert!(ok(Kind::Long, Check::Any, "9223372036854775807"));
    assert!(!ok(Kind::Short, Check::Any, "32768"));
    assert!(!ok(Kind::Long, Check::Any, "1.5"));
    assert_eq!(
        validate(Kind::Int, Check::Min(1), "0"),
        Err("must be at least 1".into())
    );
    assert_eq!(
        validate(Kind::Int, Check::Between(1, 9), "10"),
        Err("must be at most 9".into())
    );
    assert!(ok(Kind::Int, Check::BetweenOrMinusOne(1, 9), "-1"));
    assert!(!ok(Kind::Int, Check::BetweenOrMinusOne(1, 9), "0"));
    assert!(ok(Kind::Double, Check::Fraction(0.0, 1.0), "1"));
    assert!(!ok(Kind::Double, Check::Fraction(0.0, 1.0), "1.0001"));
    assert!(ok(Kind::Double, Check::Any, "1.7976931348623157E308"));
    assert!(!ok(Kind::Double, Check::Any, "NaN"));
}

#[test]
fn booleans_take_any_case_and_nothing_else() {
    assert!(ok(Kind::Boolean, Check::Any, "TRUE"));
    assert!(ok(Kind::Boolean, Check::Any, " false "));
    assert!(!ok(Kind::Boolean, Check::Any, "yes"));
    assert!(!ok(Kind::Boolean, Check::Any, ""));
}

#[test]
fn lists_refuse_duplicates_empty_items_and_foreign_words() {
    let policy = Check::OneOf(&["compact", "delete"]);
    assert!(ok(Kind::List, policy, "compact, delete"));
    assert!(ok(Kind::List, policy, ""));
    assert!(!ok(Kind::List, policy, "compact,compact"));
    assert!(!ok(Kind::List, policy, "compact,"));
    assert!(!ok(Kind::List, policy, "shrink"));
    assert!(!ok(Kind::List, Check::SomeOf(&["a"]), " "));
    assert!(!ok(Kind::List, Check::NonEmpty, ""));
    assert_eq!(list_items(" a , b ").collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(list_items("  ").count(), 0);
}

#[test]
fn words_are_exact_unless_case_is_free() {
    assert!(!ok(
        Kind::String,
        Check::OneOf(&["CreateTime"]),
        "createtime"
    ));
    assert!(ok(
        Kind::String,
        Check::OneOfAnyCase(&["upgrade"]),
        "UPGRADE"
    ));
}

#[test]
fn throttled_replicas_are_pairs_or_a_star() {
    assert!(throttled_replicas("*").is_ok());
    assert!(throttled_replicas("").is_ok());
    assert!(throttled_replicas("0:1, 2:3").is_ok());
    assert!(throttled_replicas("a:b").is_err());
    assert!(throttled_replicas("1").is_err());
}
