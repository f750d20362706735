use bytes::Bytes;
use limpid_platform::files::{Files, OpenMode, RealFiles};
use limpid_platform::pipes::Pipes;
use limpid_storage::{ColdBytes, Unread};
use limpid_telemetry::Registry;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::answer_memory::AnswerMemory;
use crate::socket::Socket;

async fn pair() -> (Socket, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
    (ours.unwrap().into(), theirs.unwrap().0)
}

/// Bytes around a gap of three megabytes.
#[tokio::test]
async fn what_is_in_pipes_is_sent_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let content: Vec<u8> = (0..3_000_000usize).map(|i| (i / 97 % 251) as u8).collect();
    std::fs::write(&path, &content).unwrap();
    let file = RealFiles.open(&path, OpenMode::Read).unwrap();
    let memory = AnswerMemory::new(32 << 20, Registry::new().pool("answer_memory", 32 << 20));
    let room = memory.room(4 << 20).await.unwrap();
    let mut piped = PipedRuns::default();
    let unread = Pipes::new().fill(&*file, 0, content.len()).unwrap();
    let read = ColdBytes {
        head: Bytes::from_static(b"first batch"),
        unread: unread.map(|bytes| Unread {
            bytes,
            end_offset: 7,
        }),
    };
    let records = piped.keep(read, room);
    let mut chunks = Chunks::new();
    chunks.inline().extend_from_slice(b"partition");
    chunks.push(records.runs[0].clone());
    let gap = records.gap.unwrap();
    assert_eq!(piped.end_of(gap), Some(7));
    chunks.leave(gap);
    chunks.inline().extend_from_slice(b"next partition");
    drop(records);
    let expected = [b"partitionfirst batch", &content[..], b"next partition"].concat();
    assert_eq!(chunks.byte_len(), expected.len());

    let (mut ours, mut theirs) = pair().await;
    let reading = tokio::spawn(async move {
        let mut read = Vec::new();
        theirs.read_to_end(&mut read).await.unwrap();
        read
    });
    let mut runs = chunks.into_runs();
    let mut rest = &mut runs[..];
    let free = memory.room_now(32 << 20).unwrap().bytes();
    while !rest.is_empty() {
        let written = write_some(&mut ours, rest, &mut piped).await.unwrap();
        assert!(written > 0);
        rest = without_written(rest, written);
        let is_sent = !rest.iter().any(|run| matches!(run, Run::Gap(_)));
        let now = memory.room_now(32 << 20).unwrap().bytes();
        assert_eq!(now > free, is_sent, "the room is free once the gap is sent");
    }
    drop(ours);
    assert!(reading.await.unwrap() == expected);
}

#[tokio::test]
async fn a_gap_without_its_bytes_ends_the_answer() {
    let (mut ours, _theirs) = pair().await;
    let gap = Gap::new(5, 0).unwrap();
    let written = write_some(&mut ours, &[Run::Gap(gap)], &mut PipedRuns::default()).await;
    assert_eq!(written.unwrap_err().kind(), io::ErrorKind::Unsupported);
}

#[test]
fn what_is_left_begins_where_writing_ended() {
    let runs = || {
        let bytes = |bytes: &'static [u8]| Run::Bytes(Bytes::from_static(bytes));
        [
            bytes(b"abc"),
            Run::Gap(Gap::new(4, 1).unwrap()),
            bytes(b"de"),
        ]
    };
    let lengths = |written| {
        let mut runs = runs();
        let length = |run: &Run| match run {
            Run::Bytes(bytes) => bytes.len(),
            Run::Gap(gap) => gap.bytes(),
        };
        without_written(&mut runs, written)
            .iter()
            .map(length)
            .collect::<Vec<_>>()
    };
    assert_eq!(lengths(1), [2, 4, 2]);
    assert_eq!(lengths(3), [4, 2]);
    assert_eq!(lengths(5), [2, 2]);
    assert_eq!(lengths(7), [2]);
    assert_eq!(lengths(9), [] as [usize; 0]);
}
