use std::collections::HashSet;

use super::*;
use crate::fixture::{self, NOW};
use crate::group::{GroupState, Lag, Member, Rebalance};
use crate::lately::{
    Deliveries, Frozen, Held, HeldBack, Lately, LeaderMove, Overtaken, Readers, SlowReader,
};

/// A group of one member whose partitions have these lags (records, seconds).
fn group(lags: &[(u64, f64)]) -> Group {
    Group {
        protocol_type: "consumer".to_owned(),
        ..fixture::group("g", lags)
    }
}

/// A group that is late, of which this was seen.
fn late(lately: Lately) -> Group {
    Group {
        lately,
        ..group(&[(4_000, 700.0), (4_100, 700.0), (4_200, 700.0)])
    }
}

fn said(group: &Group) -> Vec<String> {
    let all = explain(group, NOW).into_iter();
    all.map(|f| {
        let (severity, cause) = (f.severity.as_str(), f.cause.as_str());
        format!(
            "{severity} {cause}: {} [{}]",
            f.sentence,
            f.evidence.join("; ")
        )
    })
    .collect()
}

fn first(group: &Group) -> Found {
    let found = explain(group, NOW).into_iter().next();
    found.expect("a finding")
}

fn readers(readers: Readers) -> Lately {
    Lately {
        readers: Some(readers),
        ..Lately::default()
    }
}

#[test]
fn the_table_is_ranked_and_its_names_are_unlike() {
    let names: HashSet<&str> = Cause::ALL.iter().map(|cause| cause.as_str()).collect();
    assert_eq!(names.len(), Cause::ALL.len());
    assert!(
        Cause::ALL.is_sorted(),
        "the order of the table is that of the ranks"
    );
    for (cause, (row, _)) in Cause::ALL.iter().zip(CAUSES) {
        assert_eq!(cause, row);
        let json = serde_json::to_string(cause).expect("JSON");
        assert_eq!(json, format!("\"{}\"", cause.as_str()));
    }
}

#[test]
fn who_keeps_up_has_no_finding_whatever_happened() {
    let mut healthy = group(&[(3, 0.2), (0, 0.0), (90_000, 4.0)]);
    healthy.lately = Lately {
        generations: 10,
        eta_seconds: Some(0.0),
        written_per_second: Some(900.0),
        usually_written_per_second: Some(10.0),
        read_per_second: Some(900.0),
        leader_move: Some(LeaderMove::default()),
        ..Lately::default()
    };
    assert_eq!(said(&healthy), [""; 0]);
    assert_eq!(causes(&healthy, NOW), []);
}

#[test]
fn nobody_reads() {
    let mut stopped = group(&[(120, 40.0)]);
    stopped.members.clear();
    stopped.topics[0].partitions[0].owner = None;
    stopped.state = GroupState::Empty;
    stopped.status = GroupStatus::Stopped;
    stopped.activity.last_rebalance = Some(Rebalance {
        cause: "session_expired".to_owned(),
        ..Rebalance::default()
    });
    assert_eq!(
        said(&stopped),
        [
            "attention no_members: Nobody reads: it has had no members for 1 min 30 s, and 120 records wait. \
          [the last rebalance began with session expired]"
        ]
    );
    stopped.topics[0].partitions[0].lag = Some(Lag::default());
    assert!(said(&stopped)[0].starts_with("ok no_members: It has had no members for 1 min 30 s"));
}

#[test]
fn members_that_come_and_go_or_have_nothing_to_do() {
    let mut restless = late(Lately {
        generations: 7,
        ..Lately::default()
    });
    restless.activity.rebalances = vec![("member_joined".to_owned(), 7), ("timeout".to_owned(), 0)];
    let found = first(&restless);
    assert_eq!((found.cause, found.rank), (Cause::RebalanceLoop, 2));
    assert!(
        found.sentence.contains("7 generations in 10 min"),
        "{found:?}"
    );
    assert_eq!(found.evidence, ["since the start: member joined 7"]);
    assert_eq!(found.fields["generations"], Field::Count(7));

    let mut crowded = late(Lately::default());
    crowded.members.push(Member::default());
    assert_eq!(first(&crowded).cause, Cause::MoreMembersThanPartitions);
    crowded.topics[0].partitions.truncate(1);
    crowded.topics[0].partitions[0].lag = Some(Lag::default());
    let note = "ok more_members_than_partitions: 1 member has no partition: 2 members for 1 partition, so \
                more members do not help. []";
    assert_eq!(said(&crowded), [note], "nothing waits for it");
}

#[test]
fn no_commit_is_not_a_lag_of_zero() {
    let mut fresh = group(&[(0, 0.0)]);
    fresh.topics[0].partitions[0].committed = None;
    fresh.topics[0].partitions[0].lag = None;
    fresh.status = GroupStatus::NeverCommitted;
    assert!(said(&fresh)[0].starts_with("attention never_committed: It has not committed yet"));
}

#[test]
fn a_hot_partition_moves_and_a_frozen_one_does_not() {
    let mut hot = group(&[(10, 0.1), (90_000, 300.0), (12, 0.1)]);
    assert_eq!(
        said(&hot),
        [
            "attention hot_partition: One partition is far behind the others: orders-1 by 90\u{202f}000 records, \
          the median by 12. [owned by worker]"
        ]
    );
    hot.lately.frozen = Some(Frozen {
        topic: "orders".to_owned(),
        partition: 1,
        offset: 4_910_000,
        seconds: 240.0,
        others_moved: 2,
    });
    let found = first(&hot);
    assert_eq!(found.cause, Cause::FrozenPartition);
    assert_eq!(explain(&hot, NOW).len(), 1, "it is not called hot as well");
    let place = Place::Record {
        topic: "orders".to_owned(),
        partition: 1,
        offset: 4_910_000,
    };
    assert_eq!(found.place, Some(place));
    let even = group(&[(90_000, 300.0), (91_000, 300.0), (92_000, 300.0)]);
    assert_eq!(said(&even), [""; 0]);
}

#[test]
fn what_members_do_is_told_with_how_it_is_known() {
    let slow = SlowReader {
        client_id: "worker".to_owned(),
        host: "10.0.0.1".to_owned(),
        gap_seconds: 250.0,
        is_away: false,
    };
    let held = HeldBack {
        client_id: "worker".to_owned(),
        host: "10.0.0.1".to_owned(),
        share: 0.62,
    };
    let polls = late(readers(Readers {
        slowest: Some(slow.clone()),
        ..Readers::default()
    }));
    let found = first(&polls);
    assert_eq!(found.cause, Cause::SlowPolls);
    assert_eq!(
        found.sentence,
        "worker lets up to 4 min 10 s pass before it asks for more records."
    );
    assert!(
        found
            .evidence
            .iter()
            .any(|e| e.contains("client id and address"))
    );

    let both = late(readers(Readers {
        slowest: Some(slow),
        held_back: Some(held),
        ..Readers::default()
    }));
    assert_eq!(
        first(&both).sentence,
        "A quota holds worker back for 62 % of the time."
    );
    assert_eq!(causes(&both, NOW), [Cause::Throttled, Cause::SlowPolls]);

    let mut silent = late(readers(Readers {
        fetches_since_commit: 40,
        silent_seconds: 0.2,
        ..Readers::default()
    }));
    assert_eq!(causes(&silent, NOW), [], "its commits go on");
    silent.status = GroupStatus::Stalled;
    assert_eq!(
        causes(&silent, NOW),
        [Cause::CommitsStopped, Cause::Stalled]
    );
    assert_eq!(
        first(&silent).evidence[0],
        "40 fetches since the last commit"
    );
}

#[test]
fn a_transaction_names_its_producer() {
    let mut held = group(&[(0, 0.0)]);
    held.lately.held = Some(Held {
        topic: "orders".to_owned(),
        partition: 0,
        offset: 5_000_000,
        records: 300,
        seconds: 90.0,
        producer_id: Some(7),
        transactional_id: Some("pay".to_owned()),
        is_known: true,
    });
    let found = first(&held);
    assert_eq!(found.cause, Cause::OpenTransaction);
    assert_eq!(
        found.sentence,
        "A transaction of pay (producer 7) has been open for 1 min 30 s; 300 records of orders-0 can't be \
         read before it ends."
    );
    assert_eq!(crate::verdict::group_severity(&held), Severity::Attention);
    assert_eq!(crate::verdict::group_word(&held), "held up");
}

#[test]
fn what_is_written_and_where() {
    let moved = late(Lately {
        leader_move: Some(LeaderMove {
            topic: "orders".to_owned(),
            partition: 2,
            from: Some(1),
            to: Some(3),
            at_ms: NOW - 30_000,
            partitions: 2,
        }),
        ..Lately::default()
    });
    let found = first(&moved);
    assert_eq!(found.cause, Cause::LeaderMoved);
    assert_eq!(found.evidence, ["from broker 1 to broker 3"]);

    let flow = |written, usually| Lately {
        written_per_second: Some(written),
        usually_written_per_second: usually,
        read_per_second: Some(40.0),
        ..Lately::default()
    };
    let spike = late(flow(400.0, Some(20.0)));
    assert_eq!(
        causes(&spike, NOW),
        [Cause::ProduceSpike, Cause::FallsBehind]
    );
    let slow = late(flow(60.0, Some(60.0)));
    assert_eq!(causes(&slow, NOW), [Cause::FallsBehind]);
    assert_eq!(causes(&late(flow(60.0, None)), NOW), [Cause::FallsBehind]);
    let catching_up = late(Lately {
        eta_seconds: Some(60.0),
        ..flow(1.0, None)
    });
    assert_eq!(causes(&catching_up, NOW), []);
    assert!(said(&catching_up)[0].starts_with("ok catching_up: It is catching up"));
}

#[test]
fn retention_comes_first_when_it_is_near_and_something_can_still_be_saved() {
    let overtaken = |seconds| Overtaken {
        topic: "orders".to_owned(),
        partition: 1,
        seconds,
        by: "retention.ms",
    };
    let mut group = late(Lately {
        overtaken: vec![overtaken(2_520.0)],
        generations: 9,
        ..Lately::default()
    });
    let found = first(&group);
    assert_eq!(
        (found.cause, found.severity),
        (Cause::RetentionOvertakes, Severity::Critical)
    );
    assert!(
        found
            .sentence
            .starts_with("It loses records of orders-1 in ~42 min"),
        "{found:?}"
    );
    assert_eq!(crate::verdict::group_severity(&group), Severity::Critical);
    assert_eq!(
        causes(&group, NOW),
        [Cause::RetentionOvertakes, Cause::RebalanceLoop]
    );

    group.lately.overtaken = vec![overtaken(30_000.0)];
    assert_eq!(
        causes(&group, NOW),
        [Cause::RebalanceLoop, Cause::RetentionOvertakes]
    );
    group.lately.overtaken = vec![overtaken(100_000.0)];
    assert_eq!(
        causes(&group, NOW),
        [Cause::RebalanceLoop],
        "not before tomorrow"
    );

    group.lately.overtaken = vec![overtaken(0.0)];
    group.topics[0].partitions[1].log_start_offset = Some(4_999_000);
    let all = causes(&group, NOW);
    assert_eq!(
        all[0],
        Cause::RebalanceLoop,
        "it loses them already: {all:?}"
    );
    assert!(all.contains(&Cause::LostRecords));
}

#[test]
fn deliveries_that_come_to_nothing() {
    let shares = Group {
        lately: Lately {
            deliveries: Some(Deliveries {
                locks_expired: 4,
                given_up: 1,
            }),
            ..Lately::default()
        },
        ..group(&[(5, 1.0)])
    };
    assert_eq!(
        causes(&shares, NOW),
        [Cause::LocksExpire, Cause::DeliveriesGivenUp]
    );
}

#[test]
fn every_finding_says_what_to_do_next() {
    let everything = Group {
        status: GroupStatus::Stalled,
        offsets_expire_at_ms: Some(NOW + 1_000),
        ..late(Lately {
            generations: 9,
            frozen: Some(Frozen {
                topic: "orders".to_owned(),
                ..Frozen::default()
            }),
            leader_move: Some(LeaderMove::default()),
            overtaken: vec![Overtaken::default()],
            written_per_second: Some(90.0),
            usually_written_per_second: Some(1.0),
            read_per_second: Some(f64::NAN),
            ..Lately::default()
        })
    };
    let all = explain(&everything, NOW);
    assert!(all.len() >= 5, "{all:?}");
    for found in all {
        assert!(
            !found.next.is_empty() || found.cause == Cause::GonePartitions,
            "{found:?}"
        );
        let json = serde_json::to_string(&found.fields).expect("JSON");
        assert!(!json.contains("null"), "{json}");
    }
}
