use std::time::Duration;

use tokio::time::timeout;

use super::*;

const KIB: usize = 1024;
const LARGE: usize = 1024 * KIB;

fn memory(limit: usize, max_request: usize) -> RequestMemory {
    let stats = limpid_telemetry::Registry::new().pool("request_memory", limit as u64);
    RequestMemory::new(limit, max_request, stats)
}

async fn grows(charge: &mut RequestCharge<'_>, total: usize) -> bool {
    timeout(Duration::from_millis(20), charge.grow_to(total))
        .await
        .is_ok()
}

#[tokio::test]
async fn what_is_dropped_can_be_charged_again() {
    let memory = memory(20 * KIB, 10 * KIB);
    for _ in 0..10 {
        let mut charge = memory.charge(LARGE);
        assert!(grows(&mut charge, 10 * KIB).await);
    }
}

#[tokio::test]
async fn one_connection_finishes_in_the_reserve_when_the_shared_area_is_empty() {
    // 10 KiB beside the reserve, of which small frames have 2.
    let memory = memory(20 * KIB, 10 * KIB);
    let (mut a, mut b, mut c) = (
        memory.charge(LARGE),
        memory.charge(LARGE),
        memory.charge(LARGE),
    );
    assert!(grows(&mut a, 4 * KIB).await);
    assert!(grows(&mut b, 4 * KIB).await);
    assert!(grows(&mut b, 10 * KIB).await, "the reserve");
    assert!(!grows(&mut c, KIB).await, "both areas are taken");
    drop(b);
    assert!(grows(&mut c, KIB).await);
}

#[tokio::test]
async fn partial_frames_never_block_each_other_for_ever() {
    let memory = Arc::new(memory(64 * KIB, 32 * KIB));
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let memory = Arc::clone(&memory);
            tokio::spawn(async move {
                let mut charge = memory.charge(LARGE);
                let mut total = KIB;
                while total <= 32 * KIB {
                    charge.grow_to(total).await;
                    tokio::task::yield_now().await;
                    total *= 2;
                }
            })
        })
        .collect();
    for task in tasks {
        timeout(Duration::from_secs(10), task)
            .await
            .expect("no deadlock")
            .expect("no panic");
    }
}

#[tokio::test]
async fn a_pool_of_one_request_still_works() {
    let memory = memory(10 * KIB, 10 * KIB);
    let mut charge = memory.charge(LARGE);
    assert!(grows(&mut charge, 10 * KIB).await);
}

#[tokio::test]
async fn large_frames_never_stand_before_small_ones() {
    let memory = memory(20 * KIB, 10 * KIB);
    let mut large: Vec<_> = (0..8).map(|_| memory.charge(LARGE)).collect();
    for charge in &mut large {
        grows(charge, 10 * KIB).await;
    }
    let mut small = memory.charge(KIB);
    assert!(grows(&mut small, KIB).await);
}
