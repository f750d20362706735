use super::*;
use limpid_platform::files::RealFiles;
use std::sync::atomic::AtomicUsize;

fn open_files(shared: usize, pinned: usize) -> Arc<OpenFiles> {
    OpenFiles::new(Arc::new(RealFiles), Limits { shared, pinned })
}

fn pinned(open: &OpenFiles) -> usize {
    open.usage().unsynced
}

#[test]
fn no_more_than_the_limit_stay_open_and_pinned_ones_stay() {
    let dir = tempfile::tempdir().unwrap();
    let open = open_files(3, 100);
    let kept = Slot::new(&open, dir.path().join("pinned"), true);
    kept.open_or_create()
        .unwrap()
        .write_all_at(b"p", 0)
        .unwrap();
    let slots: Vec<_> = (0..10)
        .map(|i| Slot::new(&open, dir.path().join(i.to_string()), false))
        .collect();
    for (i, slot) in slots.iter().enumerate() {
        slot.open_or_create()
            .unwrap()
            .write_all_at(&[i as u8], 0)
            .unwrap();
    }
    assert!(open.usage().shared <= 4, "{:?}", open.usage());
    let held = slots
        .iter()
        .filter(|slot| slot.state.lock().handle.is_some())
        .count();
    assert!(held <= 4, "{held}");
    for (i, slot) in slots.iter().enumerate() {
        let mut byte = [0];
        slot.get().unwrap().read_exact_at(&mut byte, 0).unwrap();
        assert_eq!(byte[0], i as u8);
    }
    assert!(kept.state.lock().handle.is_some() && kept.is_held());
    kept.unpin();
    assert!(kept.state.lock().listed && !kept.is_held());
}

#[test]
fn places_are_given_back_however_a_pinned_file_ends() {
    let dir = tempfile::tempdir().unwrap();
    let open = open_files(3, 100);
    let slot = |name: &str, pinned| Slot::new(&open, dir.path().join(name), pinned);
    let (a, b, c) = (slot("a", true), slot("b", false), slot("c", true));
    assert_eq!(pinned(&open), 0, "nothing is open");
    a.open_or_create().unwrap();
    b.open_or_create().unwrap();
    c.open_or_create().unwrap();
    assert_eq!(pinned(&open), 2);
    for _ in 0..2 {
        assert!(b.pin(OpenMode::ReadWrite, Origin::Client).unwrap());
        assert_eq!(pinned(&open), 3, "one place for one file");
    }
    a.unpin();
    assert_eq!(pinned(&open), 2);
    b.remove().unwrap();
    assert_eq!(pinned(&open), 1);
    drop(c);
    assert_eq!(pinned(&open), 0);
    let missing = slot("missing", false);
    missing
        .pin(OpenMode::ReadWrite, Origin::Client)
        .unwrap_err();
    assert_eq!(pinned(&open), 0, "a file that can't be opened has none");
}

#[test]
fn the_steps_of_the_limit_come_one_after_another() {
    let dir = tempfile::tempdir().unwrap();
    let open = open_files(3, 64);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    open.on_early(move || count.fetch_add(1, Ordering::Relaxed) > 0);
    let slot = |i: usize| Slot::new(&open, dir.path().join(i.to_string()), false);
    let mut slots = Vec::new();
    let mut fill = |to: usize, origin| {
        while slots.len() < to {
            let slot = slot(slots.len());
            assert!(slot.pin(OpenMode::Create, origin).unwrap(), "{to}");
            slots.push(slot);
        }
    };
    let asks = || asked.load(Ordering::Relaxed);
    fill(55, Origin::Client);
    assert!(!open.is_early() && !open.is_short() && asks() == 0);
    fill(56, Origin::Client);
    assert!(open.is_early() && !open.is_short() && asks() == 1);
    // It was told that nothing came of it, so the next asks again; and then nobody any more.
    fill(62, Origin::Client);
    assert!(open.is_short() && asks() == 2);
    assert!(!slot(99).pin(OpenMode::Create, Origin::Client).unwrap());
    assert!(!dir.path().join("99").exists());
    fill(64, Origin::Coordinator);
    assert!(!slot(99).pin(OpenMode::Create, Origin::Coordinator).unwrap());
    assert_eq!((pinned(&open), open.excess()), (64, 32));
    open.early_is_done();
    assert!(open.is_short() && asks() == 3);
    // Who can't wait is counted all the same.
    let more = Slot::new(&open, dir.path().join("more"), true);
    more.open_or_create().unwrap();
    assert_eq!(pinned(&open), 65);
}
