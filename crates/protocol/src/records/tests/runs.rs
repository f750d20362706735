//! The offsets of a run, by its headers.

use super::*;

/// Batches behind each other, as they lie in a log.
fn run(counts: &[i32], base: i64) -> Vec<u8> {
    let (mut run, mut next) = (Vec::new(), base);
    for &count in counts {
        let mut bytes = batch(Codec::None, count).to_vec();
        patch_base_offset(&mut bytes, next);
        run.extend(bytes);
        next = next.saturating_add(i64::from(count));
    }
    run
}

#[test]
fn a_run_reaches_from_its_first_batch_to_behind_its_last() {
    assert_eq!(offsets_of_run(&run(&[3], 7)), Some(7..10));
    assert_eq!(offsets_of_run(&run(&[3, 1, 20], 100)), Some(100..124));
    let all = run(&[3, 1, 20], 100);
    let parsed = Batches::new(&all).map(|batch| batch.unwrap().header().next_offset());
    assert_eq!(parsed.last(), offsets_of_run(&all).map(|run| run.end));
}

#[test]
fn what_is_torn_is_no_run() {
    let all = run(&[2, 2], 0);
    let whole = [all.len() / 2, all.len()];
    for end in 0..=all.len() {
        let found = offsets_of_run(&all[..end]);
        assert_eq!(found.is_some(), whole.contains(&end), "{end}");
    }
    for at in 0..all.len() {
        let mut broken = all.clone();
        broken[at] ^= 0xff;
        // Whatever it says, it says it without a panic.
        let _any = offsets_of_run(&broken);
    }
    let mut last = run(&[2], i64::MAX - 1);
    assert_eq!(offsets_of_run(&last), None, "no offset is behind it");
    last.truncate(5);
    assert_eq!(offsets_of_run(&last), None);
}
