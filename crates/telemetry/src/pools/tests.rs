use std::sync::atomic::AtomicUsize;

use super::*;
use crate::Registry;

#[test]
fn charges_stay_under_the_limit_and_come_back() {
    let pool = Registry::new().pool("request_memory", 100);
    let mut a = pool.try_charge(60).unwrap();
    assert!(pool.try_charge(41).is_none());
    assert!(a.try_grow(40));
    assert!(!a.try_grow(1));
    assert_eq!((pool.used(), pool.high_water(), a.bytes()), (100, 100, 100));
    let b = a.split(70);
    a.shrink(500);
    assert_eq!((a.bytes(), b.bytes(), pool.used()), (0, 70, 70));
    drop(b);
    drop(a);
    assert_eq!((pool.used(), pool.high_water()), (0, 100));
    assert!(pool.try_charge(u64::MAX).is_none(), "no overflow");
}

#[test]
fn memory_that_exists_already_may_exceed_the_limit() {
    let pool = Registry::new().pool("cache", 10);
    let over = pool.charge(25);
    assert_eq!((pool.used(), pool.high_water()), (25, 25));
    assert!(pool.try_charge(1).is_none());
    drop(over);
    pool.set_limit(5);
    assert!(pool.try_charge(6).is_none() && pool.try_charge(5).is_some());
}

#[test]
fn releases_wake_who_waits() {
    let pool = Registry::new().pool("p", 10);
    let woken = Arc::new(AtomicUsize::new(0));
    let count = woken.clone();
    pool.on_release(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let mut charge = pool.try_charge(10).unwrap();
    charge.shrink(0);
    assert_eq!(woken.load(Ordering::Relaxed), 0, "nothing was released");
    charge.shrink(4);
    drop(charge);
    assert_eq!(woken.load(Ordering::Relaxed), 2);
}

#[test]
fn threads_never_exceed_the_limit_together() {
    let pool = Registry::new().pool("p", 1_000);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for i in 0..2_000 {
                    if let Some(mut charge) = pool.try_charge(i % 400) {
                        charge.try_grow(i % 7);
                        assert!(pool.used() <= 1_000);
                    }
                }
            });
        }
    });
    assert_eq!(pool.used(), 0);
    assert!(pool.high_water() <= 1_000);
}

#[test]
fn numbers_are_collected_and_die_with_the_pool() {
    let registry = Registry::new();
    let pool = registry.pool("tail_cache", 64);
    let _held = pool.try_charge(24).unwrap();
    pool.waited(Duration::from_millis(1_500));
    let collect = || {
        let mut samples = Samples::new();
        let pools = registry
            .collectors()
            .into_iter()
            .find(|c| c.name() == "pools")
            .unwrap();
        pools.collect(&mut samples).unwrap();
        let text = |f: &crate::collect::FamilySamples| {
            let (labels, value) = f.iter().next().unwrap();
            format!("{}{labels} {value:?}", f.head().name)
        };
        samples.families().iter().map(text).collect::<Vec<_>>()
    };
    let expected = [
        "limpid_buffer_used_bytes{pool=\"tail_cache\"} Int(24)",
        "limpid_buffer_limit_bytes{pool=\"tail_cache\"} Int(64)",
        "limpid_buffer_high_water_bytes{pool=\"tail_cache\"} Int(24)",
        "limpid_buffer_wait_seconds_total{pool=\"tail_cache\"} Float(1.5)",
    ];
    assert_eq!(collect(), expected);
    drop((_held, pool));
    assert!(collect().is_empty());
    let _same_name_again = registry.pool("tail_cache", 1);
}

#[test]
#[should_panic(expected = "two pools named twin")]
fn two_pools_of_one_name_are_a_wiring_mistake() {
    let registry = Registry::new();
    let _one = registry.pool("twin", 1);
    let _two = registry.pool("twin", 1);
}
