use std::future::poll_fn;
use std::io::Write;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;

use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::runtime::Builder;

use super::*;

/// Pieces that may begin while a short request waits. Mostly none does; but every sixty-one tasks a thread
/// looks at its sockets anyway, and if it does so at the wrong moment, one piece goes first.
const BEFORE_MAX: usize = 1;
/// Connections that each have one long request after the other.
const CROWD: usize = 64;
/// Short requests that come meanwhile.
const SHORT: usize = 50;
/// A short one comes with each so many long ones.
const EVERY: usize = 7;
/// As long as a produce request without a turn can be.
const BYTES: usize = 500_000;

/// What a crowd does, and when a short request came.
struct Scene {
    turns: Turns,
    /// A crowd's way of waiting when nobody gives way.
    plain: Semaphore,
    pieces: AtomicUsize,
    /// The short request that waits came with this piece; 0 when none waits.
    came_with: AtomicUsize,
    client: std::os::unix::net::UnixStream,
    is_over: AtomicBool,
}

impl Scene {
    /// A piece of long work, which touches no socket; a short request may come while it is done.
    fn piece(&self) {
        let now = self.pieces.fetch_add(1, Ordering::Relaxed) + 1;
        let is_over = self.is_over.load(Ordering::Relaxed);
        if !is_over && now.is_multiple_of(EVERY) && self.came_with.load(Ordering::Relaxed) == 0 {
            self.came_with.store(now, Ordering::Relaxed);
            (&self.client).write_all(&[7]).expect("room for a byte");
        }
        worked(BYTES);
    }
}

/// The most pieces of long work that began while a short request waited, on a broker with one thread.
fn most_before_short<F, W>(long: F) -> usize
where
    F: Fn(Arc<Scene>) -> W + Send + Sync + 'static,
    W: Future<Output = ()> + Send,
{
    let mut runtime = Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let most = runtime.spawn(async move {
        // What is written is there at once, which over TCP depends on how busy the machine is.
        let (client, broker) = std::os::unix::net::UnixStream::pair().expect("a pair");
        broker.set_nonblocking(true).expect("it can");
        let mut broker = UnixStream::from_std(broker).expect("a runtime");
        let scene = Arc::new(Scene {
            turns: Turns::new(1),
            plain: Semaphore::new(1),
            pieces: AtomicUsize::new(0),
            came_with: AtomicUsize::new(0),
            client,
            is_over: AtomicBool::new(false),
        });
        let long = Arc::new(long);
        for _ in 0..CROWD {
            let (scene, long) = (Arc::clone(&scene), Arc::clone(&long));
            tokio::spawn(async move {
                while !scene.is_over.load(Ordering::Relaxed) {
                    long(Arc::clone(&scene)).await;
                }
            });
        }
        let mut most = 0;
        for _ in 0..SHORT {
            broker.read_exact(&mut [0]).await.expect("a byte");
            let came_with = scene.came_with.swap(0, Ordering::Relaxed);
            most = most.max(scene.pieces.load(Ordering::Relaxed) - came_with);
        }
        scene.is_over.store(true, Ordering::Relaxed);
        most
    });
    runtime.block_on(most).expect("no panic")
}

#[test]
fn a_short_request_waits_for_few_long_ones() {
    let most = most_before_short(async |scene: Arc<Scene>| {
        let turn = scene.turns.next().await;
        scene.piece();
        drop(turn);
    });
    assert!(
        most <= BEFORE_MAX,
        "{most} long ones went first that came later"
    );
}

#[test]
fn nor_for_many_that_need_no_turn() {
    let most = most_before_short(async |scene: Arc<Scene>| {
        let place = scene.turns.place(BYTES, None).await;
        scene.piece();
        drop(place);
    });
    assert!(
        most <= BEFORE_MAX,
        "{most} long ones went first that came later"
    );
}

#[test]
fn it_would_wait_for_many() {
    let most = most_before_short(async |scene: Arc<Scene>| {
        let turn = scene.plain.acquire().await;
        scene.piece();
        drop(turn);
    });
    assert!(
        most > 10,
        "only {most}: the tests beside this one show nothing"
    );
}

#[test]
fn what_is_short_gives_way_to_nobody() {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let turns = Turns::new(1);
        let taken = turns.place(LONG_READ_BYTES, None).await;
        worked(10 * ROUND_BYTES);
        let mut short = pin!(turns.place(LONG_READ_BYTES - 1, None));
        let first = poll_fn(|context| Poll::Ready(short.as_mut().poll(context))).await;
        assert!(first.is_ready(), "it waits for a place");
        worked(LONG_READ_BYTES - 1);
        drop(taken);
        give_way().await;
        assert_eq!(WORKED.get(), 0);
    });
}
