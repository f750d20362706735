//! Faults that are scripted, and the cause that is named first for each of them.
//!
//! Members, writers and transactions are real clients on the wire; the clock alone is moved on. That a
//! leader moved is not among them: one node has nobody to move to
//! (`watch::tests::generations_and_leaders_are_told_for_ten_minutes` and
//! `findings::tests::what_is_written_and_where` plant it).

use limpid_cluster::findings::{Cause, Field, Place};
use limpid_cluster::verdict::{self, Finding, Severity, Subject};
use limpid_cluster::{Readiness, ReadinessState};
use limpid_protocol::Uuid;
use limpid_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use limpid_protocol::messages::{
    AlterClientQuotasRequest, GetTelemetrySubscriptionsRequest, PushTelemetryRequest,
};

use crate::home::{Client, until};
use crate::scene::{GROUP, Scene, TOPIC};
use crate::watched::gauge;

#[test]
fn nobody_reads() {
    let mut scene = Scene::new(1);
    let mut reader = scene.reader("c", &[0]);
    reader.commit(&[(0, 0)]);
    scene.write(0, 10);
    reader.leave();
    let found = scene.expect_first(Cause::NoMembers);
    assert!(found[0].sentence.contains("10 records wait"), "{found:?}");
    assert_eq!(found[0].fields["lag_records"], Field::Count(10));
}

#[test]
fn members_come_and_go() {
    let mut scene = Scene::new(1);
    let mut reader = scene.reader("c", &[0]);
    reader.commit(&[(0, 0)]);
    scene.write(0, 10);
    scene.pass(70);
    for _ in 0..6 {
        reader.rejoin(&[0]);
    }
    let says = "6 generations in 10 min";
    scene.expect_when(Cause::RebalanceLoop, |found| found.sentence.contains(says));
}

#[test]
fn one_partition_gets_most() {
    let mut scene = Scene::new(3);
    let mut reader = scene.reader("c", &[0, 1, 2]);
    reader.commit(&[(0, 0), (1, 0), (2, 0)]);
    scene.write(1, 5_000);
    (0..3).for_each(|partition| scene.write(partition, 5));
    scene.pass(70);
    reader.commit(&[(0, 5), (1, 100), (2, 5)]);
    let found = scene.expect_when(Cause::HotPartition, |found| {
        found.fields["max_records"] == Field::Count(4_905)
    });
    assert!(found[0].sentence.contains("orders-1 by"), "{found:?}");
}

#[test]
fn there_are_more_members_than_partitions() {
    let mut scene = Scene::new(1);
    let mut reader = scene.reader("c", &[0]);
    let _second = reader.joined_by(scene.home.client().named("d"), &[0], &[]);
    reader.commit(&[(0, 0)]);
    scene.write(0, 10);
    scene.pass(70);
    let found = scene.expect_first(Cause::MoreMembersThanPartitions);
    assert_eq!(found[0].fields["idle_members"], Field::Count(1));
}

#[test]
fn one_partition_stands_still() {
    let mut scene = Scene::new(3);
    let mut reader = scene.reader("c", &[0, 1, 2]);
    reader.commit(&[(0, 0), (1, 0), (2, 0)]);
    (0..3).for_each(|partition| scene.write(partition, 50));
    reader.commit(&[(1, 7)]);
    scene.pass(1);
    for n in 1..=5 {
        scene.pass(30);
        reader.commit(&[(0, n), (2, n)]);
    }
    let found = scene.expect_first(Cause::FrozenPartition);
    let place = Place::Record {
        topic: TOPIC.to_owned(),
        partition: 1,
        offset: 7,
    };
    assert_eq!(found[0].place, Some(place));
    let page = scene.home.get(&format!("/c/local/groups/{GROUP}"));
    let link = "/c/local/topics/orders/messages?partition=1&#38;from=7";
    let plain = "/c/local/topics/orders/messages?partition=1&from=7";
    assert!(page.contains(link) || page.contains(plain), "{page}");
}

#[test]
fn commits_stop_while_fetches_go_on() {
    let mut scene = Scene::new(1);
    let mut reader = scene.reader("c", &[0]);
    reader.commit(&[(0, 0)]);
    scene.write(0, 10);
    for _ in 0..8 {
        reader.fetch(0, false);
        scene.pass(40);
    }
    reader.fetch(0, false);
    let found = scene.expect_first(Cause::CommitsStopped);
    assert!(
        found[0].evidence[1].contains("client id and address"),
        "{found:?}"
    );
}

#[test]
fn a_quota_holds_members_back() {
    let mut scene = Scene::with(1, &["quota.window.num=2"], &[]);
    limit(&mut scene.client, "slow", 2_000.0);
    let mut reader = scene.reader("slow", &[0]);
    reader.commit(&[(0, 0)]);
    scene.write(0, 400);
    scene.pass(70);
    for _ in 0..3 {
        reader.fetch(0, false);
    }
    reader.commit(&[(0, 1)]);
    let found = scene.expect_first(Cause::Throttled);
    assert!(
        found[0].sentence.starts_with("A quota holds slow back for"),
        "{found:?}"
    );
}

#[test]
fn long_gaps_between_polls() {
    let mut scene = Scene::new(1);
    let mut reader = scene.reader("c", &[0]);
    reader.commit(&[(0, 0)]);
    scene.write(0, 100);
    for n in 1..=2 {
        reader.fetch(n, false);
        reader.commit(&[(0, n)]);
        scene.pass(130);
    }
    reader.fetch(3, false);
    reader.commit(&[(0, 3)]);
    let says = "c lets up to 2 min 1";
    scene.expect_when(Cause::SlowPolls, |found| found.sentence.starts_with(says));
}

#[test]
fn a_transaction_stays_open() {
    let mut scene = Scene::new(1);
    scene.write(0, 5);
    let mut reader = scene.reader("c", &[0]);
    scene.begin("pay", 900_000);
    scene.write(0, 20);
    reader.commit(&[(0, 5)]);
    reader.fetch(5, true);
    scene.pass(70);
    let found = scene.expect_when(Cause::OpenTransaction, |found| {
        found.fields["held_records"] == Field::Count(21)
    });
    assert!(
        found[0].sentence.contains("A transaction of pay (producer"),
        "{found:?}"
    );
    assert!(
        found[0]
            .sentence
            .contains("21 records of orders-0 can't be read"),
        "{found:?}"
    );
    assert_eq!(
        found[0].fields["transactional_id"],
        Field::Text("pay".to_owned())
    );
    assert_eq!(scene.group().lag_records(), 0, "it has read what it may");
}

#[test]
fn far_more_is_written_than_usual() {
    let mut scene = Scene::new(1);
    let mut reader = scene.reader("c", &[0]);
    reader.commit(&[(0, 0)]);
    scene.pass(1);
    for minute in 1..=8 {
        scene.write(0, 60);
        reader.commit(&[(0, minute * 60)]);
        scene.pass(60);
    }
    for half in 1..=2 {
        scene.write(0, 10_000);
        reader.commit(&[(0, 480 + half * 60)]);
        scene.pass(40);
    }
    let found = scene.expect_first(Cause::ProduceSpike);
    assert!(matches!(found[0].fields["usually_written_per_second"], Field::Number(n) if n < 60.0));
}

#[test]
fn retention_comes_nearer() {
    let mut scene = Scene::with(1, &[], &[("retention.ms", "600000")]);
    let mut reader = scene.reader("c", &[0]);
    reader.commit(&[(0, 0)]);
    for minute in 1..=6 {
        scene.write(0, 100);
        scene.pass(60);
        reader.commit(&[(0, minute * 20)]);
    }
    let found = scene.expect_first(Cause::RetentionOvertakes);
    assert_eq!(found[0].severity, Severity::Critical);
    assert!(
        found[0]
            .sentence
            .starts_with("It loses records of orders-0 in ~"),
        "{found:?}"
    );
    let metric =
        format!("limpid_group_retention_overtakes_seconds{{group=\"{GROUP}\",topic=\"orders\"}} ");
    let page = scene.home.scrape();
    let line = page.lines().find(|line| line.starts_with(&metric)).unwrap();
    let seconds: f64 = line[metric.len()..].parse().unwrap();
    assert!((100.0..3_600.0).contains(&seconds), "{line}");
}

#[test]
fn of_two_faults_the_root_comes_first_and_the_other_is_listed() {
    let mut scene = Scene::new(3);
    let mut reader = scene.reader("c", &[0, 1, 2]);
    reader.commit(&[(0, 0), (1, 0), (2, 0)]);
    scene.write(1, 5_000);
    scene.pass(70);
    for n in 1..=6 {
        reader.rejoin(&[0, 1, 2]);
        reader.commit(&[(1, n)]);
    }
    let found = scene.expect_first(Cause::RebalanceLoop);
    let causes: Vec<Cause> = found.iter().map(|found| found.cause).collect();
    assert_eq!(
        causes[..2],
        [Cause::RebalanceLoop, Cause::HotPartition],
        "{found:?}"
    );
}

#[test]
fn of_two_faults_the_one_that_loses_records_comes_first() {
    let mut scene = Scene::with(1, &[], &[("retention.ms", "900000")]);
    let mut reader = scene.reader("c", &[0]);
    reader.commit(&[(0, 0)]);
    scene.write(0, 10);
    reader.leave();
    scene.pass(120);
    let found = scene.expect_first(Cause::RetentionOvertakes);
    let causes: Vec<Cause> = found.iter().map(|found| found.cause).collect();
    assert_eq!(
        causes[..2],
        [Cause::RetentionOvertakes, Cause::NoMembers],
        "{found:?}"
    );
}

#[test]
fn a_producer_whose_own_buffer_is_short_is_named_until_it_has_room() {
    let mut scene = Scene::new(1);
    scene.client = scene.home.client().named("shop");
    scene.write(0, 10);
    let asked = scene
        .client
        .call(&GetTelemetrySubscriptionsRequest::default(), 0);
    assert_eq!(asked.error_code, 0, "{asked:?}");
    let who = (asked.client_instance_id, asked.subscription_id);
    push_buffer(&mut scene.client, who, 500.0, 0.0);
    await_free(&scene, 500.0);
    assert_eq!(judged(&scene), [], "half of it is free");

    scene.pass(61);
    push_buffer(&mut scene.client, who, 20.0, 0.4);
    let found = until("the producer's finding", || {
        judged(&scene).into_iter().next()
    });
    assert_eq!(found.about, Subject::Client("shop".to_owned()));
    assert_eq!(found.severity, Severity::Attention);
    assert_eq!(
        found.sentence,
        "Producer shop waits for room in its own buffer for 40 % of the time."
    );
    let shows = found.evidence.join("; ");
    assert!(shows.contains("at 127.0.0.1"), "{shows}");
    assert!(
        shows.contains("980 B of its 1000 B in use, by what it pushed"),
        "{shows}"
    );
    assert!(shows.contains("it sends "), "the broker's side: {shows}");
    let page = scene.home.get("/c/local/");
    assert!(page.contains(&found.sentence), "{page}");
    assert!(page.contains("href=\"/c/local/clients/shop\""), "{page}");

    scene.pass(61);
    push_buffer(&mut scene.client, who, 900.0, 0.0);
    until("an end of it", || judged(&scene).is_empty().then_some(()));
}

#[test]
fn a_healthy_group_through_ten_rebalances_has_no_finding() {
    let mut scene = Scene::new(3);
    let mut reader = scene.reader("c", &[0, 1, 2]);
    reader.commit(&[(0, 0), (1, 0), (2, 0)]);
    // What came before the first look was not seen.
    scene.pass(1);
    for round in 1..=10 {
        (0..3).for_each(|partition| scene.write(partition, 20));
        reader.fetch((round - 1) * 20, false);
        reader.commit(&[(0, round * 20), (1, round * 20), (2, round * 20)]);
        reader.rejoin(&[0, 1, 2]);
        scene.pass(20);
        let found = scene.found();
        assert!(found.is_empty(), "{found:#?}");
    }
    let group = scene.group();
    assert_eq!(group.lately.generations, 10);
    let page = scene.home.scrape();
    assert!(!page.contains("limpid_group_finding{"), "no cause");
    let eta = format!("limpid_group_eta_seconds{{group=\"{GROUP}\"}} 0");
    assert!(page.lines().any(|line| line == eta), "it keeps up");
}

fn limit(client: &mut Client, client_id: &str, bytes_per_second: f64) {
    let request = AlterClientQuotasRequest {
        entries: vec![EntryData {
            entity: vec![EntityData {
                entity_type: "client-id".to_owned(),
                entity_name: Some(client_id.to_owned()),
            }],
            ops: vec![OpData {
                key: "consumer_byte_rate".to_owned(),
                value: bytes_per_second,
                remove: false,
            }],
        }],
        validate_only: false,
    };
    let answer = client.call(&request, 1);
    assert_eq!(answer.entries[0].error_code, 0, "{answer:?}");
}

/// What is found of clients now.
fn judged(scene: &Scene) -> Vec<Finding> {
    let snapshot = scene.home.server().cluster().snapshot();
    let ready = Readiness {
        state: ReadinessState::Ready,
        reasons: Vec::new(),
    };
    let verdict = verdict::judge(&snapshot, &ready, &[], snapshot.taken_at_ms);
    let mut found = verdict.findings;
    found.retain(|found| matches!(found.about, Subject::Client(_)));
    found
}

/// A producer tells of its buffer of 1,000 bytes.
fn push_buffer(client: &mut Client, (instance, subscription): (Uuid, i32), free: f64, wait: f64) {
    let pushed = [
        gauge("org.apache.kafka.producer.buffer.total.bytes", 1_000.0),
        gauge("org.apache.kafka.producer.buffer.available.bytes", free),
        gauge("org.apache.kafka.producer.bufferpool.wait.ratio", wait),
    ];
    let push = PushTelemetryRequest {
        client_instance_id: instance,
        subscription_id: subscription,
        terminating: false,
        compression_type: 0,
        metrics: pushed.concat().into(),
    };
    let answer = client.call(&push, 0);
    assert_eq!(answer.error_code, 0, "{answer:?}");
}

/// Waits until a push was read and a snapshot was made after it.
fn await_free(scene: &Scene, bytes: f64) {
    let cluster = scene.home.server().cluster();
    until("the push", || {
        let pushed = cluster.pushed("shop");
        pushed.iter().any(|p| p.value == bytes).then_some(())
    });
    let since = cluster.snapshot().taken_at_ms;
    until("a look after it", || {
        (cluster.snapshot().taken_at_ms > since).then_some(())
    });
}
