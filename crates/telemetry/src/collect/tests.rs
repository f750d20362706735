use super::*;
use crate::Text;

crate::families! {
    mod example {
        /// Partitions.
        PARTITIONS: gauge { topic: Text<10>, partition: Text<10> } = "example_partitions";
        /// Brokers.
        BROKERS: gauge = "example_brokers";
    }
}

#[test]
fn samples_keep_their_family_and_order() {
    let mut samples = Samples::new();
    samples.family(&example::PARTITIONS).add(&["a", "0"], 1u64);
    samples.family(&example::BROKERS).add(&[], 3);
    samples
        .family(&example::PARTITIONS)
        .add(&["b\"\\\n", "1"], 0.5);
    let [partitions, brokers] = samples.families() else {
        panic!("two families")
    };
    let lines: Vec<_> = partitions.iter().collect();
    assert_eq!(
        lines[0],
        ("{topic=\"a\",partition=\"0\"}", Number64::Int(1))
    );
    assert_eq!(
        lines[1],
        (r#"{topic="b\"\\\n",partition="1"}"#, Number64::Float(0.5))
    );
    assert_eq!(brokers.iter().collect::<Vec<_>>(), [("", Number64::Int(3))]);
    assert_eq!((partitions.len(), brokers.is_empty()), (2, false));
}

#[test]
fn empty_values_are_no_labels_and_long_ones_are_cut() {
    let mut samples = Samples::new();
    let family = samples.family(&example::PARTITIONS);
    family.add(&["", ""], 1);
    family.add(&["", "0"], 2);
    family.add(&[&"ü".repeat(200), ""], 3);
    let labels: Vec<&str> = family.iter().map(|(labels, _)| labels).collect();
    assert_eq!(labels[..2], ["", "{partition=\"0\"}"]);
    assert_eq!(labels[2], format!("{{topic=\"{}\"}}", "ü".repeat(128)));
    family.leave_out(7);
    assert_eq!(family.left_out(), 7);
}

#[test]
fn escaping() {
    let escaped = |text: &str| {
        let mut out = String::new();
        escape_label(text, &mut out);
        out
    };
    assert_eq!(escaped(""), "");
    assert_eq!(escaped("plain ünïcode"), "plain ünïcode");
    assert_eq!(escaped("a\\b\"c\nd"), r#"a\\b\"c\nd"#);
    assert_eq!(escaped("\n\n"), r"\n\n");
}

#[test]
fn large_counts_do_not_wrap() {
    assert_eq!(Number64::from(u64::MAX), Number64::Float(u64::MAX as f64));
    assert_eq!(Number64::from(7u64), Number64::Int(7));
}

#[test]
fn each_label_set_is_told_once_in_order_or_not() {
    let told = |labels: &[(&str, &str)]| {
        let mut samples = Samples::new();
        let family = samples.family(&example::PARTITIONS);
        for (at, (topic, partition)) in labels.iter().enumerate() {
            family.add(&[topic, partition], at);
        }
        let told = family.unique();
        told.map(|(_, value)| value).collect::<Vec<_>>()
    };
    let all = |of: &[i64]| of.iter().map(|at| Number64::Int(*at)).collect::<Vec<_>>();
    let in_order = [("a", "9"), ("a", "10"), ("ab", "0"), ("b", "0"), ("b", "1")];
    assert_eq!(told(&in_order), all(&[0, 1, 2, 3, 4]));
    let twice_at_once = [("a", "1"), ("a", "1"), ("a", "2")];
    assert_eq!(told(&twice_at_once), all(&[0, 2]));
    let out_of_order = [
        ("a", "1"),
        ("b", "1"),
        ("a", "2"),
        ("b", "1"),
        ("a", "2"),
        ("c", ""),
    ];
    assert_eq!(told(&out_of_order), all(&[0, 1, 2, 5]));
    assert_eq!(told(&[("", ""), ("", "")]), all(&[0]));
    assert_eq!(
        told(&[("x=1", "y=2"), ("x=1", "y=10"), ("x=1", "y=2")]),
        all(&[0, 1])
    );
}

#[test]
fn a_block_is_what_each_family_would_have_written() {
    let mut samples = Samples::new();
    let mut block = Block::of(&example::PARTITIONS);
    for topic in ["a", "b\"\\\n", ""] {
        block.thing(&[topic]);
        for partition in ["7", "12", "\""] {
            block.part(partition);
            let family = samples.family(&example::PARTITIONS);
            family.add(&[topic, partition], 1);
            family.add_like(&block, 1);
            let told: Vec<&str> = family.iter().map(|(labels, _)| labels).collect();
            assert_eq!(told[told.len() - 2], told[told.len() - 1]);
        }
    }
}
