use std::io::{IoSlice, Read};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use super::*;
use crate::files::{Fault, FaultKind, FaultyFiles, Files, Op, OpenMode, RealFiles};

struct Home {
    _dir: tempfile::TempDir,
    path: PathBuf,
    content: Vec<u8>,
}

/// A file of `len` bytes, no two neighbouring pages alike.
fn home(len: usize) -> Home {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let content: Vec<u8> = (0..len).map(|i| (i / 251 % 253) as u8).collect();
    std::fs::write(&path, &content).unwrap();
    Home {
        _dir: dir,
        path,
        content,
    }
}

impl Home {
    fn file(&self, files: &dyn Files) -> Arc<dyn File> {
        files.open(&self.path, OpenMode::Read).unwrap()
    }
}

/// Sends all of it, with `before` in front; what arrives.
fn sent(mut piped: Piped, before: &[u8]) -> Vec<u8> {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let expected = before.len() + piped.len();
    let reader = std::thread::spawn(move || {
        let mut read = vec![0; expected];
        theirs.read_exact(&mut read).unwrap();
        read
    });
    let written = send_with_more(&ours, &[IoSlice::new(before)]).unwrap();
    assert_eq!(written, before.len(), "a few bytes fit");
    while !piped.is_empty() {
        match piped.send(&ours, false) {
            Ok(moved) => assert!(moved > 0),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(e) => panic!("{e}"),
        }
    }
    assert_eq!(piped.send(&ours, false).unwrap(), 0, "nothing is left");
    reader.join().unwrap()
}

#[test]
fn bytes_arrive_as_they_are_from_any_position() {
    let home = home(3 * PIPE_BYTES);
    let file = home.file(&RealFiles);
    let pipes = Pipes::new();
    for (position, len) in [
        (0, 1),
        (4_095, 2),
        (1, PIPE_BYTES),
        (777, 2 * PIPE_BYTES + 1),
        (0, 3 * PIPE_BYTES),
    ] {
        let piped = pipes.fill(&*file, position as u64, len).unwrap().unwrap();
        assert_eq!(piped.len(), len);
        let read = sent(piped, b"head");
        assert_eq!(&read[..4], b"head");
        assert!(read[4..] == home.content[position..position + len]);
    }
    let made = pipes.made.load(Ordering::Relaxed);
    assert_eq!(pipes.idle.lock().len(), made, "all are used again");
    assert!(made <= 4, "{made} pipes for three at a time");
}

#[test]
fn a_pipe_that_was_not_emptied_is_not_used_again() {
    let home = home(100_000);
    let file = home.file(&RealFiles);
    let pipes = Pipes::new();
    drop(pipes.fill(&*file, 0, 50_000).unwrap().unwrap());
    assert_eq!(pipes.made.load(Ordering::Relaxed), 0);
    let piped = pipes.fill(&*file, 50_000, 50_000).unwrap().unwrap();
    assert!(sent(piped, b"x")[1..] == home.content[50_000..]);
}

#[test]
fn there_are_so_many_pipes_and_no_more() {
    let home = home(10);
    let file = home.file(&RealFiles);
    let pipes = Pipes::new();
    let mut held: Vec<_> = (0..PIPES_MAX)
        .map(|_| pipes.fill(&*file, 0, 10).unwrap().unwrap())
        .collect();
    assert!(pipes.fill(&*file, 0, 10).unwrap().is_none());
    held.pop();
    assert!(pipes.fill(&*file, 0, 10).unwrap().is_some());
}

#[test]
fn what_is_not_there_is_an_error() {
    let home = home(10);
    let file = home.file(&RealFiles);
    let pipes = Pipes::new();
    let end = pipes.fill(&*file, 0, 11).unwrap_err();
    assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
    let faulty = FaultyFiles::new(Arc::new(RealFiles));
    let file = home.file(&faulty);
    faulty.inject(Fault::once(Op::Read, "", FaultKind::InputOutput));
    assert!(pipes.fill(&*file, 0, 10).is_err());
    assert_eq!(pipes.made.load(Ordering::Relaxed), pipes.idle.lock().len());
}
