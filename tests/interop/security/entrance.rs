//! Who gets in, and who does not.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::process::wait_for;
use limpid_interop::wire::create_topic;

use super::stronghold::{CONSUMER, PASSWORD, PRODUCER, Stronghold, TOPICS, Way, fixture};

/// kcat, kafka-python and Java's tools write and read over TLS with a certificate and with each
/// kind of login, with and without TLS.
pub fn clients_get_in_by_every_listener(lab: &mut Lab) -> Result<()> {
    let hold = Stronghold::start(lab, "entrance", &[], &[])?;
    hold.make_user("alice", PASSWORD)?;
    for way in Way::ALL {
        let topic = way.name();
        create_topic(&hold.peer.address(), &topic, 1, &[])?;
        let who = (way, "alice", PASSWORD);
        let line = r#"{"partition": 0, "key": null, "value": "6869", "headers": []}"#;
        if hold.takes_kcat(way) {
            let wrote = hold.kcat(who, &["-P", "-t", &topic, "-e"], "from kcat\n")?;
            wrote
                .success()
                .with_context(|| format!("kcat by {way:?}"))?;
        } else {
            hold.python(way, &["produce", &topic], line)?;
        }
        hold.python(way, &["produce", &topic], line)?;
        let read = hold.python(way, &["read", &topic, "1"], "")?.text();
        ensure!(
            read.lines().count() == 2,
            "kafka-python by {way:?} read {read}"
        );
        if !hold.takes_kcat(way) {
            continue;
        }
        let read = hold
            .kcat(who, &["-C", "-t", &topic, "-e", "-q"], "")?
            .success()?
            .text();
        ensure!(read == "from kcat\nhi\n", "kcat by {way:?} read {read:?}");
    }
    for way in [
        Way::Certificate,
        Way::Sasl("SCRAM-SHA-512"),
        Way::SaslTls("PLAIN"),
    ] {
        let who = (way, "alice", PASSWORD);
        let topic = way.name();
        let listed = hold.java(who, TOPICS, &["--list"], "")?.success()?.text();
        ensure!(
            listed.lines().any(|line| line == topic),
            "kafka-topics by {way:?}: {listed}"
        );
        let to = ["--topic", topic.as_str()];
        hold.java(who, PRODUCER, &to, "from java\n")?.success()?;
        let from = [&to[..], &["--from-beginning", "--max-messages", "3"]].concat();
        let read = hold.java(who, CONSUMER, &from, "")?.success()?.text();
        ensure!(
            read.contains("from java"),
            "the console consumer by {way:?} read {read}"
        );
    }
    Ok(())
}

/// Wrong passwords, unknown users, no certificate, no TLS, garbage and half handshakes; others get
/// in all the while.
pub fn strangers_stay_outside(lab: &mut Lab) -> Result<()> {
    let hold = Stronghold::start(lab, "strangers", &[], &[])?;
    hold.make_user("alice", PASSWORD)?;
    let mut held = Vec::new();
    for way in [Way::Certificate, Way::Sasl("PLAIN"), Way::SaslTls("PLAIN")] {
        for garbage in [
            &b""[..],
            b"GET / HTTP/1.1\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"\x00\x00\x00\x08\x00\x03\x00\x0c\x00\x00\x00\x01",
            b"\x7f\xff\xff\xff",
            b"\x00\x08\x00\x00 half of a large login",
        ] {
            let mut stranger = TcpStream::connect(hold.address(way))?;
            stranger.write_all(garbage)?;
            held.push(stranger);
        }
    }
    for way in Way::ALL {
        for (user, password) in [("alice", "wrong"), ("mallory", PASSWORD)] {
            if way != Way::Certificate {
                let gets_in = hold.admits((way, user, password))?;
                ensure!(!gets_in, "{user} got in by {way:?}");
            }
        }
    }
    let error = hold.java(
        (Way::SaslTls("PLAIN"), "alice", "wrong"),
        TOPICS,
        &["--list"],
        "",
    )?;
    let said = format!("{}{}", error.text(), error.stderr);
    let wanted = "Authentication failed: Invalid username or password";
    ensure!(said.contains(wanted), "kafka-topics said {said}");
    // To the plain address of another listener, and without a certificate.
    let unclad = ["-L", "-m", "3", "-X", "security.protocol=PLAINTEXT"];
    let said = hold.kcat((Way::Certificate, "", ""), &unclad, "")?;
    ensure!(!said.status.success(), "got in without TLS");
    let bare = ["-L", "-m", "3", "-X", "security.protocol=SSL"];
    let said = hold.kcat((Way::SaslTls("PLAIN"), "alice", PASSWORD), &bare, "")?;
    ensure!(!said.status.success(), "got in without a login");
    let who = (Way::SaslTls("SCRAM-SHA-256"), "alice", PASSWORD);
    ensure!(hold.admits(who)?, "alice, among strangers");
    drop(held);
    let log = hold.peer.log();
    ensure!(!log.contains(PASSWORD), "a password is in the log");
    Ok(())
}

/// A key store that is replaced counts from the next connection on; a bad one changes nothing.
/// Apache Kafka wants to be told (`kafka-configs`), Limpid finds out.
pub fn certificates_are_swapped_while_it_runs(lab: &mut Lab) -> Result<()> {
    let hold = Stronghold::start(lab, "swapped", &[], &[])?;
    if lab.kind().name() == "kafka" {
        return Ok(());
    }
    let way = Way::Certificate;
    let mut before = TcpStream::connect(hold.address(way))?;
    hold.kcat((way, "", ""), &["-L"], "")?.success()?;
    std::fs::write(hold.key_store(), "not a key store")?;
    wait_for("the bad store is told of", Duration::from_secs(10), || {
        Ok(hold.peer.log().contains("the old ones stay").then_some(()))
    })?;
    hold.kcat((way, "", ""), &["-L"], "")?
        .success()
        .context("with the old certificate")?;
    // A certificate for nobody's address: clients must turn away from it.
    std::fs::copy(fixture("alice.pem"), hold.key_store())?;
    wait_for("the new store is told of", Duration::from_secs(10), || {
        Ok(hold
            .peer
            .log()
            .contains("new certificates in force")
            .then_some(()))
    })?;
    let said = hold.kcat((way, "", ""), &["-L", "-m", "3"], "")?;
    ensure!(
        !said.status.success(),
        "the new certificate is not in force"
    );
    std::fs::copy(fixture("broker.p12"), hold.key_store())?;
    wait_for("clients are back", Duration::from_secs(10), || {
        let said = hold.kcat((way, "", ""), &["-L", "-m", "3"], "")?;
        Ok(said.status.success().then_some(()))
    })?;
    // A connection that never began its handshake is closed in the end.
    before.set_read_timeout(Some(Duration::from_secs(15)))?;
    let mut nothing = [0; 1];
    ensure!(
        matches!(before.read(&mut nothing), Ok(0)),
        "a silent connection stays open"
    );
    Ok(())
}
