use super::*;

fn grant(grantee: Grantee, roles: &[Role], clusters: &str, topics: &str) -> Grant {
    Grant {
        grantee,
        roles: roles.to_vec(),
        clusters: clusters.to_owned(),
        topics: topics.to_owned(),
    }
}

fn user(name: &str) -> Grantee {
    Grantee::User(name.to_owned())
}

fn may(visitor: &Visitor, permission: Permission, cluster: &str, topic: Option<&str>) -> bool {
    visitor.may(permission, cluster, topic).is_ok()
}

#[test]
fn roles_include_each_other_but_reading_records_is_a_matter_of_its_own() {
    use Permission::{Administer, Operate, ReadPayloads, View};
    let table: [(Role, &[Permission]); 4] = [
        (Role::Viewer, &[View]),
        (Role::Operator, &[View, Operate]),
        (Role::Admin, &[View, Operate, Administer]),
        (Role::Payloads, &[ReadPayloads]),
    ];
    for (role, has) in table {
        let grants = [grant(user("a"), &[role], "*", "*")];
        let visitor = Visitor::named("a", &[], Via::Token, &grants);
        for permission in [View, ReadPayloads, Operate, Administer] {
            let expected = has.contains(&permission);
            let found = may(&visitor, permission, "local", Some("orders"));
            assert_eq!(found, expected, "{role:?} {permission:?}");
            assert_eq!(may(&visitor, permission, "local", None), expected);
        }
    }
}

#[test]
fn a_grant_holds_for_its_clusters_and_topics() {
    let grants = [
        grant(user("a"), &[Role::Operator], "prod-*", "orders.*"),
        grant(user("b"), &[Role::Admin], "*", "*"),
    ];
    let a = Visitor::named("a", &[], Via::Token, &grants);
    assert!(may(&a, Permission::Operate, "prod-1", Some("orders.v1")));
    assert!(!may(&a, Permission::Operate, "prod-1", Some("payments")));
    assert!(!may(&a, Permission::Operate, "local", Some("orders.v1")));
    assert!(
        may(&a, Permission::View, "prod-1", None),
        "what it says of itself"
    );
    assert!(!may(&a, Permission::Operate, "prod-1", None), "all topics");
    assert!(!may(&a, Permission::View, "local", None));
}

#[test]
fn grants_are_for_users_groups_and_everybody() {
    let grants = [
        grant(Grantee::Everybody, &[Role::Viewer], "*", "*"),
        grant(Grantee::Group("sre".to_owned()), &[Role::Admin], "*", "*"),
        grant(user("sre"), &[Role::Payloads], "*", "*"),
    ];
    let sre = Visitor::named("a", &["sre".to_owned()], Via::Session, &grants);
    assert!(may(&sre, Permission::Administer, "c", None));
    assert!(
        !may(&sre, Permission::ReadPayloads, "c", None),
        "a user of that name has it"
    );
    let other = Visitor::named("b", &["dev".to_owned()], Via::Session, &grants);
    assert!(may(&other, Permission::View, "c", None));
    assert!(!may(&other, Permission::Administer, "c", None));
}

#[test]
fn without_a_login_nothing_is_changed() {
    for visitor in [Visitor::local(), Visitor::public()] {
        assert!(may(&visitor, Permission::View, "c", None));
        assert!(may(&visitor, Permission::ReadPayloads, "c", Some("t")));
        assert!(!may(&visitor, Permission::Operate, "c", Some("t")));
        assert!(!may(&visitor, Permission::Administer, "c", Some("t")));
    }
    assert!(!may(&Visitor::nobody(), Permission::View, "c", None));
}

#[test]
fn a_refusal_says_what_is_missing_and_what_is_there() {
    let grants = [grant(user("bob"), &[Role::Viewer], "local", "*")];
    let bob = Visitor::named("bob", &[], Via::Session, &grants);
    let refusal = bob.may(Permission::ReadPayloads, "local", Some("orders"));
    assert_eq!(
        refusal.unwrap_err().to_string(),
        "bob may not read records of topic orders of cluster local: that needs the role payloads, \
         and what is granted is viewer@local"
    );
    let refusal = Visitor::nobody().may(Permission::View, "local", None);
    assert_eq!(
        refusal.unwrap_err().to_string(),
        "a visitor without a name may not see cluster local: that needs the role viewer, and \
         nothing is granted"
    );
}
