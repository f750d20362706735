use super::*;

#[test]
fn atomic_write_keeps_the_old_content_when_the_disk_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("checkpoint");
    let files = FaultyFiles::new(Arc::new(RealFiles));
    atomic_write(&files, &path, b"old").unwrap();
    files.inject(Fault::once(
        Op::Write,
        "checkpoint",
        FaultKind::TornWriteNoSpace(1),
    ));
    let error = atomic_write(&files, &path, b"new").unwrap_err();
    assert!(is_disk_full(&error), "{error}");
    assert_eq!(files.read_small(&path, 10).unwrap(), b"old");
    assert_eq!(files.list(dir.path()).unwrap().len(), 1, "no .tmp is left");
    atomic_write(&files, &path, b"new").unwrap();
    assert_eq!(files.read_small(&path, 10).unwrap(), b"new");
}

#[test]
fn write_all_goes_on_after_a_short_write() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let files = FaultyFiles::new(Arc::new(RealFiles));
    files.inject(Fault::once(Op::Write, "f", FaultKind::ShortWrite(2)));
    let file = files.open(&path, OpenMode::Create).unwrap();
    file.write_all_at(b"abcdef", 0).unwrap();
    assert_eq!(
        (files.hits(), files.read_small(&path, 6).unwrap()),
        (1, b"abcdef".to_vec())
    );
    assert!(files.read_small(&path, 5).is_err(), "longer than the limit");
}

#[test]
fn faults_skip_and_end() {
    let dir = tempfile::tempdir().unwrap();
    let files = FaultyFiles::new(Arc::new(RealFiles));
    let file = files.open(&dir.path().join("f"), OpenMode::Create).unwrap();
    files.inject(Fault::once(Op::Sync, "", FaultKind::InputOutput).after(1));
    assert!(file.sync_data().is_ok());
    assert_eq!(file.sync_data().unwrap_err().raw_os_error(), Some(5));
    assert!(file.sync_data().is_ok());
    assert!(RealFiles.disk_space(dir.path()).unwrap().total_bytes > 0);
}

#[test]
fn reads_into_room_stop_at_the_end_and_leave_nothing_behind_after_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let files = FaultyFiles::new(Arc::new(RealFiles));
    let file = files.open(&dir.path().join("f"), OpenMode::Create).unwrap();
    file.write_all_at(b"0123456789", 0).unwrap();
    let mut buf = b"what was there before, and longer than what comes".to_vec();
    file.read_into(&mut buf, 4, 3).unwrap();
    assert_eq!(buf, b"3456", "no more than asked for, whatever the room");
    file.read_into(&mut buf, 100, 8).unwrap();
    assert_eq!(buf, b"89", "as far as the file goes");
    file.read_into(&mut buf, 100, 10).unwrap();
    assert_eq!(buf, b"", "the end");
    let mut twice = Vec::with_capacity(6);
    twice.extend_from_slice(b"ab");
    assert_eq!(file.read_to_room(&mut twice, 0).unwrap(), 4);
    assert_eq!(twice, b"ab0123", "behind what is there");
    assert_eq!(file.read_to_room(&mut twice, 0).unwrap(), 0, "no room");
    files.inject(Fault::once(Op::Read, "f", FaultKind::InputOutput));
    let error = file.read_into(&mut twice, 3, 0).unwrap_err();
    assert_eq!((error.raw_os_error(), twice.len()), (Some(5), 0));
}
