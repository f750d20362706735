use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn id(n: u32) -> Uuid {
    let mut bytes = [7; 16];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    Uuid::from_bytes(bytes)
}

#[test]
fn one_asks_pushes_and_waits() {
    let mut all = Instances::default();
    let at = |s| Duration::from_secs(s);
    let current = (9, MINUTE);
    assert_eq!(all.ask(id(1), 9, MINUTE, at(0)), Ok(()));
    let early = Err(ErrorCode::ThrottlingQuotaExceeded);
    assert_eq!(all.ask(id(1), 9, MINUTE, at(1)), early);
    assert_eq!(
        all.push(id(1), 9, current, false, at(40)),
        Ok(()),
        "the first is free"
    );
    assert_eq!(all.push(id(1), 9, current, false, at(41)), early);
    assert_eq!(all.push(id(1), 9, current, false, at(100)), Ok(()));
    assert_eq!(
        all.push(id(1), 9, current, true, at(101)),
        Ok(()),
        "the last one is, too"
    );
    let gone = Err(ErrorCode::InvalidRequest);
    assert_eq!(all.push(id(1), 9, current, true, at(102)), gone);
}

#[test]
fn whoever_has_an_old_subscription_asks_again_at_once() {
    let mut all = Instances::default();
    let at = |s| Duration::from_secs(s);
    assert_eq!(all.ask(id(1), 9, MINUTE, at(0)), Ok(()));
    let stale = all.push(id(1), 9, (10, MINUTE), false, at(60));
    assert_eq!(stale, Err(ErrorCode::UnknownSubscriptionId));
    assert_eq!(all.ask(id(1), 10, MINUTE, at(60)), Ok(()));
    assert_eq!(all.push(id(1), 10, (10, MINUTE), false, at(61)), Ok(()));
}

#[test]
fn an_unknown_one_is_taken_in() {
    let mut all = Instances::default();
    let pushed = all.push(id(1), 3, (9, MINUTE), false, MINUTE);
    assert_eq!(pushed, Err(ErrorCode::UnknownSubscriptionId));
    assert_eq!(all.ask(id(1), 9, MINUTE, MINUTE), Ok(()));
}

#[test]
fn the_idle_go_and_so_do_too_many() {
    let mut all = Instances::default();
    for n in 0..20_000 {
        assert_eq!(all.ask(id(n), 1, MINUTE, MINUTE), Ok(()));
        assert_eq!(all.known.len(), all.order.len());
    }
    assert_eq!(all.count(), INSTANCES_MAX);
    assert!(!all.known.contains_key(&id(0)) && all.known.contains_key(&id(19_999)));
    assert_eq!(all.ask(id(1), 1, MINUTE, MINUTE * 5), Ok(()));
    assert_eq!(all.count(), 1, "three intervals and more have passed");
}
