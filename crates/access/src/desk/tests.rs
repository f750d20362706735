use std::path::Path;
use std::sync::mpsc;

use limpid_config::{Grantee, Role};
use limpid_platform::clock::ManualClock;
use limpid_platform::random::OsRandom;
use limpid_telemetry::Registry;

use super::*;
use crate::visitor::Permission;
use crate::{tokens, users};

const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

struct Scene {
    desk: Arc<Desk>,
    clock: Arc<ManualClock>,
    dir: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        users::add(
            &dir.path().join("users"),
            "alice",
            "correct horse",
            &OsRandom,
        )
        .unwrap();
        std::fs::write(dir.path().join("tokens"), "").unwrap();
        let clock = Arc::new(ManualClock::new(0));
        let desk = Arc::new(open(dir.path(), &clock).unwrap());
        Self { desk, clock, dir }
    }

    fn password(&self, name: &str, password: &str) -> Result<Login, Denied> {
        let (sent, received) = mpsc::channel();
        self.desk.password(name, password, FROM, move |result| {
            sent.send(result).unwrap();
        });
        received.recv().unwrap()
    }

    fn denied(&self, name: &str, password: &str) -> Denied {
        self.password(name, password).unwrap_err()
    }
}

fn open(dir: &Path, clock: &Arc<ManualClock>) -> Result<Desk, DeskError> {
    let grant = Grant {
        grantee: Grantee::User("alice".to_owned()),
        roles: vec![Role::Operator],
        clusters: "*".to_owned(),
        topics: "*".to_owned(),
    };
    let config = HttpAccessConfig {
        users_file: Some(dir.join("users")),
        tokens_file: Some(dir.join("tokens")),
        certificates: true,
        trusted: None,
        proxies: Vec::new(),
        oidc: None,
        grants: vec![grant],
        sessions_max: 10,
        session_idle_ms: 60_000,
        session_ms_max: 3_600_000,
        login_failures_max: 3,
    };
    let metrics = AccessMetrics::register(&Registry::new()).unwrap();
    Desk::open(
        &config,
        clock.clone(),
        Arc::new(OsRandom),
        Arc::new(metrics),
    )
}

#[test]
fn a_password_opens_a_session_with_the_grants_of_its_user() {
    let scene = Scene::new();
    let login = scene.password("alice", "correct horse").unwrap();
    let visitor = scene.desk.visitor(&login);
    assert_eq!(
        (visitor.name(), visitor.via()),
        (Some("alice"), Via::Password)
    );
    assert!(visitor.csrf().is_none());
    let cookie = scene.desk.begin_session(login).unwrap();
    let visitor = scene.desk.session(&cookie).unwrap();
    assert_eq!(
        (visitor.name(), visitor.via()),
        (Some("alice"), Via::Session)
    );
    assert!(visitor.may(Permission::Operate, "c", None).is_ok());
    assert!(visitor.csrf().is_some_and(|token| token != cookie));
    scene.desk.end_session(&cookie);
    assert!(visitor.is_gone());
    assert!(scene.desk.session(&cookie).is_none());
}

#[test]
fn guessing_ends_in_waiting_and_names_are_not_told_apart() {
    let scene = Scene::new();
    assert_eq!(scene.denied("alice", "wrong"), Denied::Wrong);
    assert_eq!(scene.denied("nobody", "wrong"), Denied::Wrong);
    assert_eq!(scene.denied("", &"x".repeat(5000)), Denied::Wrong);
    assert!(matches!(scene.denied("alice", "wrong"), Denied::Wait(_)));
    // Even the right one waits: it must not be told apart.
    assert!(matches!(
        scene.denied("alice", "correct horse"),
        Denied::Wait(_)
    ));
    scene.clock.advance(throttle::WINDOW);
    assert!(scene.password("alice", "correct horse").is_ok());
    // A script that was right is not held back by others' guesses.
    for _ in 0..3 {
        assert_eq!(scene.denied("alice", "wrong"), Denied::Wrong);
    }
    assert!(scene.password("alice", "correct horse").is_ok());
}

#[test]
fn another_password_and_a_removed_user_end_what_began_before() {
    let scene = Scene::new();
    let users = scene.dir.path().join("users");
    let login = scene.password("alice", "correct horse").unwrap();
    let cookie = scene.desk.begin_session(login).unwrap();
    users::add(&users, "alice", "another horse", &OsRandom).unwrap();
    scene.desk.tick(false);
    assert!(scene.desk.session(&cookie).is_none());
    assert_eq!(scene.denied("alice", "correct horse"), Denied::Wrong);
    let login = scene.password("alice", "another horse").unwrap();
    let cookie = scene.desk.begin_session(login).unwrap();
    let visitor = scene.desk.session(&cookie).unwrap();
    users::remove(&users, "alice").unwrap();
    scene.desk.tick(false);
    assert!(visitor.is_gone(), "without being asked");
}

#[test]
fn tokens_come_and_go_with_the_file() {
    let scene = Scene::new();
    let path = scene.dir.path().join("tokens");
    assert_eq!(scene.desk.token("").unwrap_err(), Denied::Wrong);
    let token = tokens::add(&path, "alice", &OsRandom).unwrap();
    assert!(scene.desk.token(&token).is_err(), "not read yet");
    scene.desk.tick(false);
    assert_eq!(scene.desk.token(&token).unwrap().name(), Some("alice"));
    // A bad file keeps the old one, a good one replaces it.
    std::fs::write(&path, "alice:nonsense\n").unwrap();
    scene.desk.tick(false);
    assert!(scene.desk.token(&token).is_ok());
    let failed = (CredentialFile::Tokens, RereadOutcome::Failed);
    assert_eq!(scene.desk.metrics().reread.bind(failed).get(), 1);
    std::fs::remove_file(&path).unwrap();
    scene.desk.tick(true);
    assert!(scene.desk.token(&token).is_ok());
    std::fs::write(&path, "").unwrap();
    scene.desk.tick(false);
    assert!(scene.desk.token(&token).is_err());
}

#[test]
fn too_many_at_once_are_turned_away() {
    let scene = Scene::new();
    let (sent, received) = mpsc::channel();
    let attempts = passwords::QUEUE_MAX * 4;
    for n in 0..attempts {
        let sent = sent.clone();
        let from = IpAddr::from([10, 0, 0, u8::try_from(n).unwrap()]);
        scene.desk.password("alice", "wrong", from, move |result| {
            sent.send(result.unwrap_err()).unwrap();
        });
    }
    let denied: Vec<Denied> = received.iter().take(attempts).collect();
    let busy = denied.iter().filter(|d| **d == Denied::Busy).count();
    assert!(busy > 0 && busy < attempts, "{busy}");
    assert_eq!(scene.desk.metrics().password_queue.get(), 0);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(0));
    let error = open(dir.path(), &clock).err().unwrap().to_string();
    assert!(
        error.starts_with("limpid.http.users.file: ") && error.contains("No such file"),
        "{error}"
    );
}

#[test]
fn a_certificate_must_be_named_by_a_grant() {
    let scene = Scene::new();
    let may = |name: &str| {
        let visitor = scene.desk.certificate(name);
        assert_eq!(
            (visitor.name(), visitor.via()),
            (Some(name), Via::Certificate)
        );
        visitor.may(Permission::Operate, "local", None).is_ok()
    };
    assert!(may("alice"));
    assert!(!may("Alice") && !may("*") && !may(""));
}
