use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_cluster::ClusterSource as _;
use limpid_telemetry::collect::Head;
use limpid_telemetry::{Collector as _, Kind, Samples};
use proptest::prelude::*;

use super::*;
use crate::collectors::{groups::Groups, kafka_exporter::KafkaExporter};
use crate::synthetic::{Size, Synthetic, cluster};

/// As if alerts used this one alone.
const PROTECTED: [&str; 1] = ["limpid_group_lag_seconds"];
const TIMES: &str = "kafka_network_requestmetrics_totaltimems";

/// What two collectors say of a cluster, and a family of percentiles.
fn said(source: &Arc<Synthetic>) -> Vec<FamilySamples> {
    let mut out = Samples::new();
    Groups::new(source.clone()).collect(&mut out).unwrap();
    KafkaExporter::new(source.clone())
        .collect(&mut out)
        .unwrap();
    let times = out.add(Head {
        name: TIMES.into(),
        help: "Times.".into(),
        kind: Kind::Gauge,
    });
    for quantile in ["0.50", "0.75", "0.95", "0.98", "0.99", "0.999"] {
        times.add_block(
            &format!("{{request=\"Fetch\",quantile=\"{quantile}\"}}"),
            1.into(),
        );
    }
    out.into_families()
}

fn total(families: &[FamilySamples]) -> usize {
    let lines = families
        .iter()
        .map(|f| f.len() + usize::from(!f.is_empty()));
    lines.sum()
}

fn written(families: &[FamilySamples]) -> Vec<String> {
    let lines = families.iter().flat_map(|family| {
        let name = family.head().name.clone();
        family
            .iter()
            .map(move |(labels, value)| format!("{name}{labels} {value:?}"))
    });
    lines.collect()
}

/// A family added up by group and topic.
fn sums(families: &[FamilySamples], name: &str) -> BTreeMap<(String, String), i64> {
    let mut sums = BTreeMap::new();
    let of = families.iter().filter(|family| family.head().name == name);
    for (labels, value) in of.flat_map(FamilySamples::iter) {
        let place = Place::of(labels);
        let (Some(group), Some(topic), Number64::Int(value)) = (place.group, place.topic, value)
        else {
            panic!("{name}{labels}");
        };
        *sums
            .entry((group.to_owned(), topic.to_owned()))
            .or_default() += value;
    }
    sums
}

fn small() -> Arc<Synthetic> {
    let size = Size {
        topics: 10,
        partitions: 200,
        groups: 5,
        partitions_per_group: 60,
    };
    let mut snapshot = cluster(size, 1_000);
    let topic = Arc::make_mut(&mut snapshot.topics[3]);
    topic.partitions[7].isr.clear();
    topic.partitions[9].leader = None;
    let source = Synthetic::new(size, 1_000);
    source.show(snapshot);
    source
}

fn fit(max: usize, families: &mut [FamilySamples], source: &Synthetic) -> Fitted {
    Budget::new(max, PROTECTED).fit(
        families,
        &[("limpid_huge_seconds", 700)],
        Some(&source.snapshot()),
    )
}

#[test]
fn each_step_leaves_out_what_it_says() {
    let source = small();
    let all = said(&source);
    let everything = total(&all) + 701;
    let of = |families: &[FamilySamples], name: &str| {
        let family = families.iter().find(|family| family.head().name == name);
        family.map_or(0, FamilySamples::len)
    };
    let mut page = all.clone();
    assert_eq!(fit(everything, &mut page, &source), Fitted::default());
    assert_eq!(written(&page), written(&all));

    // Lag that no alert needs, by topic.
    assert_eq!(fit(everything - 1, &mut page, &source).steps, 1);
    assert_eq!(of(&all, "kafka_consumergroup_lag"), 300);
    assert_eq!(of(&page, "kafka_consumergroup_lag"), 15);
    let lag = |families: &[FamilySamples]| sums(families, "kafka_consumergroup_lag");
    assert_eq!(lag(&page), lag(&all));
    assert!(lag(&all).values().sum::<i64>() > 0);
    assert_eq!(
        of(&page, "limpid_group_lag_records"),
        300,
        "it fits already"
    );
    assert_eq!(
        of(&page, "limpid_group_lag_seconds"),
        300,
        "an alert needs it"
    );
    assert_eq!(of(&page, "kafka_topic_partition_replicas"), 200);
    let left_out = page
        .iter()
        .find(|f| f.head().name == "kafka_consumergroup_lag");
    assert_eq!(left_out.unwrap().left_out(), 285);

    // Then partitions that are well, then percentiles.
    let mut page = all.clone();
    let by_topic = everything - 4 * 285;
    assert_eq!(fit(by_topic, &mut page, &source).steps, 1);
    assert_eq!(of(&page, "limpid_group_lag_records"), 15);
    assert_eq!(
        of(&page, "limpid_group_lag_seconds"),
        300,
        "an alert needs it"
    );
    let mut page = all.clone();
    let unhealthy = by_topic - 7 * 198;
    assert_eq!(fit(unhealthy, &mut page, &source).steps, 2);
    let ill = page
        .iter()
        .find(|f| f.head().name == "kafka_topic_partition_in_sync_replica");
    let ill: Vec<_> = ill.unwrap().iter().map(|(labels, _)| labels).collect();
    let expected = ["7", "9"].map(|p| format!("{{topic=\"topic-00003\",partition=\"{p}\"}}"));
    assert_eq!(ill, expected);
    let mut page = all.clone();
    let fitted = fit(unhealthy - 1, &mut page, &source);
    assert_eq!((fitted.steps, of(&page, TIMES)), (3, 3));
}

#[test]
fn what_alerts_need_goes_last_and_what_tells_of_the_page_never() {
    let source = small();
    let mut page = said(&source);
    let fitted = fit(1_000, &mut page, &source);
    assert_eq!(fitted.steps, 4, "whole families, the largest first");
    assert!(fitted.without.contains("limpid_huge_seconds"));
    assert!(
        page.iter()
            .any(|f| f.head().name == "limpid_group_lag_seconds" && f.len() == 300)
    );

    let mut page = said(&source);
    assert_eq!(fit(40, &mut page, &source).steps, 5);
    let lag = page
        .iter()
        .find(|f| f.head().name == "limpid_group_lag_seconds")
        .unwrap();
    assert_eq!(lag.len(), 15, "by topic");
    let (labels, value) = lag.iter().next().unwrap();
    assert_eq!(Place::of(labels).partition, None);
    assert!(
        matches!(value, Number64::Float(v) if v > 0.0),
        "the largest: {value:?}"
    );

    let mut page = said(&source);
    assert_eq!(fit(0, &mut page, &source).steps, 8);
    assert_eq!(total(&page), 0);
    let kept = Budget::new(0, []).fit(&mut page, &[("limpid_build_info", 1)], None);
    assert!(kept.without.is_empty());
}

#[test]
fn alerts_and_names_protect() {
    let budget = Budget::new(0, [ALERTS, "my_own_family"]);
    for name in [
        "limpid_group_lag_seconds",
        "my_own_family",
        "limpid_buffer_wait_seconds_total",
    ] {
        assert!(budget.protects(name), "{name}");
    }
    assert!(!budget.protects("kafka_topic_partition_replicas"));
    assert!(!Budget::new(0, []).protects("limpid_group_lag_seconds"));
    let histogram = Budget::new(0, ["x_seconds_bucket"]);
    assert!(histogram.protects("x_seconds"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_same_page_loses_the_same_and_one_that_fits_loses_nothing(
        topics in 1usize..12,
        partitions in 0usize..80,
        groups in 0usize..8,
        partitions_per_group in 0usize..40,
        max in 0usize..3_000,
    ) {
        let size = Size { topics, partitions, groups, partitions_per_group };
        let source = Synthetic::new(size, 1_000);
        let all = said(&source);
        let everything = total(&all) + 701;
        let (mut once, mut again) = (all.clone(), all.clone());
        let fitted = fit(max, &mut once, &source);
        prop_assert_eq!(&fitted, &fit(max, &mut again, &source));
        prop_assert_eq!(written(&once), written(&again));
        let registered = if fitted.without.is_empty() { 701 } else { 0 };
        prop_assert!(total(&once) + registered <= max, "it fits: nothing here has to stay");
        if everything <= max {
            prop_assert_eq!(&fitted, &Fitted::default());
            prop_assert_eq!(written(&once), written(&all));
        }
        // What is still there in a smaller page says the same, added up.
        for name in ["kafka_consumergroup_lag", "limpid_group_lag_records"] {
            let (before, after) = (sums(&all, name), sums(&once, name));
            prop_assert!(after.is_empty() || after == before, "{}", name);
        }
        // What is gone is counted.
        let left: usize = once.iter().map(FamilySamples::left_out).sum();
        let (had, has) = (all.iter().map(FamilySamples::len).sum::<usize>(),
            once.iter().map(FamilySamples::len).sum::<usize>());
        prop_assert_eq!(left, had - has);
    }
}
