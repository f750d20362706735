//! Access rules, made with Kafka's own tool.

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::wire::create_topic;

use super::stronghold::{ACLS, CONSUMER, PASSWORD, PRODUCER, Stronghold, TOPICS, Way};

const RULES: [(&str, &str); 2] = [
    (
        "authorizer.class.name",
        "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    ),
    ("super.users", "User:ANONYMOUS"),
];

/// Without a rule nothing goes; a rule opens just what it says, a denial closes it again, and the
/// rules outlive a restart.
pub fn rules_are_obeyed(lab: &mut Lab) -> Result<()> {
    let mut hold = Stronghold::start(lab, "access", &RULES, &[])?;
    create_topic(&hold.peer.address(), "open-to-alice", 1, &[])?;
    create_topic(&hold.peer.address(), "closed", 1, &[])?;
    let alice = (Way::Sasl("PLAIN"), "alice", PASSWORD);
    let bob = (Way::Sasl("PLAIN"), "bob", "bob-secret");
    let write = |hold: &Stronghold, who, topic: &str| -> Result<String> {
        let said = hold.kcat(who, &["-P", "-t", topic, "-e"], "hello\n")?;
        Ok(format!("{} {}", said.status.success(), said.stderr))
    };
    let denied = write(&hold, alice, "open-to-alice")?;
    ensure!(
        denied.contains("Topic authorization failed"),
        "kcat said {denied}"
    );
    ensure!(
        hold.java(alice, TOPICS, &["--list"], "")?
            .success()?
            .text()
            .trim()
            .is_empty()
    );

    let add = [
        "--add",
        "--allow-principal",
        "User:alice",
        "--topic",
        "open-",
    ];
    let prefixed = ["--resource-pattern-type", "prefixed"];
    let operations = ["--operation", "read", "--operation", "write"];
    let group = [
        "--add",
        "--allow-principal",
        "User:alice",
        "--group",
        "readers",
    ];
    hold.administer(ACLS, &[&add[..], &prefixed, &operations].concat())?;
    hold.administer(ACLS, &[&group[..], &["--operation", "read"]].concat())?;
    let listed = hold.administer(ACLS, &["--list", "--topic", "open-to-alice"])?;
    ensure!(
        !listed.contains("User:alice"),
        "a literal filter finds no prefix: {listed}"
    );
    let matching = [
        "--list",
        "--topic",
        "open-to-alice",
        "--resource-pattern-type",
        "match",
    ];
    let listed = hold.administer(ACLS, &matching)?;
    for part in [
        "name=open-, patternType=PREFIXED",
        "principal=User:alice",
        "operation=WRITE",
    ] {
        ensure!(listed.contains(part), "no {part} in {listed}");
    }
    for restart in [false, true] {
        if restart {
            hold.peer.stop()?;
            hold.peer.start()?;
        }
        let allowed = write(&hold, alice, "open-to-alice")?;
        ensure!(allowed.starts_with("true"), "kcat said {allowed}");
        ensure!(write(&hold, bob, "open-to-alice")?.contains("authorization failed"));
        ensure!(write(&hold, alice, "closed")?.contains("authorization failed"));
        let listed = hold.java(alice, TOPICS, &["--list"], "")?.success()?.text();
        ensure!(listed.trim() == "open-to-alice", "alice sees {listed}");
    }
    reads(&hold, alice)?;

    let deny = [
        "--add",
        "--deny-principal",
        "User:alice",
        "--topic",
        "open-to-alice",
    ];
    hold.administer(ACLS, &[&deny[..], &["--operation", "write"]].concat())?;
    ensure!(write(&hold, alice, "open-to-alice")?.contains("authorization failed"));
    let remove = ["--remove", "--force", "--topic", "open-to-alice"];
    hold.administer(ACLS, &remove)?;
    let allowed = write(&hold, alice, "open-to-alice")?;
    ensure!(
        allowed.starts_with("true"),
        "after the denial was removed kcat said {allowed}"
    );
    let said = hold.java(alice, (ACLS, "--command-config"), &["--list"], "")?;
    let said = format!("{}{}", said.text(), said.stderr);
    ensure!(
        said.contains("ClusterAuthorizationException"),
        "kafka-acls as alice said {said}"
    );
    Ok(())
}

/// An idempotent producer and a group's consumer, of Java.
fn reads(hold: &Stronghold, alice: (Way, &str, &str)) -> Result<()> {
    let to = ["--topic", "open-to-alice"];
    hold.java(alice, PRODUCER, &to, "from java\n")?
        .success()
        .context("an idempotent producer")?;
    let from = ["--from-beginning", "--max-messages", "3", "--group"];
    let reads = |group| hold.java(alice, CONSUMER, &[&to[..], &from, &[group]].concat(), "");
    let read = reads("readers")?.success()?.text();
    ensure!(read.contains("from java"), "the consumer read {read}");
    let said = reads("others")?;
    let said = format!("{}{}", said.text(), said.stderr);
    ensure!(
        said.contains("Not authorized to access group: others"),
        "others: {said}"
    );
    Ok(())
}
