use std::time::Duration;

use tokio::time::timeout;

use super::*;

async fn is_woken(waiter: &Waiter) -> bool {
    timeout(Duration::from_millis(20), waiter.ready())
        .await
        .is_ok()
}

#[tokio::test]
async fn wakes_when_the_missing_bytes_arrived() {
    let (waiters, waiter) = (Waiters::default(), Waiter::new());
    waiters.register(&waiter);
    waiter.arm(10);
    waiters.appended(9);
    assert!(!is_woken(&waiter).await);
    waiters.appended(1);
    assert!(is_woken(&waiter).await);
}

#[tokio::test]
async fn bytes_between_registration_and_arming_count() {
    let (waiters, waiter) = (Waiters::default(), Waiter::new());
    waiters.register(&waiter);
    waiters.appended(10);
    waiter.arm(10);
    assert!(is_woken(&waiter).await);
}

#[tokio::test]
async fn wakes_once_only() {
    let (waiters, waiter) = (Waiters::default(), Waiter::new());
    waiters.register(&waiter);
    waiter.arm(1);
    waiters.appended(5);
    waiters.appended(5);
    assert!(is_woken(&waiter).await);
    assert!(!is_woken(&waiter).await);
}

#[tokio::test]
async fn a_deregistered_waiter_hears_nothing() {
    let (waiters, waiter) = (Waiters::default(), Waiter::new());
    waiters.register(&waiter);
    waiter.arm(1);
    waiters.deregister(&waiter);
    assert!(waiters.is_empty());
    waiters.appended(5);
    assert!(!is_woken(&waiter).await);
}

#[tokio::test]
async fn one_fetch_may_watch_several_partitions() {
    let (one, two, waiter) = (Waiters::default(), Waiters::default(), Waiter::new());
    one.register(&waiter);
    two.register(&waiter);
    waiter.arm(10);
    one.appended(5);
    two.appended(5);
    assert!(is_woken(&waiter).await);
}
