use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;
use std::time::Duration;

use limpid_telemetry::Registry;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, oneshot};
use tokio::task::yield_now;

use super::*;

/// Beyond this a test has failed; nobody waits for so long otherwise.
const PATIENCE: Duration = Duration::from_secs(30);
/// Nothing can happen in this time, nor ever.
const MOMENT: Duration = Duration::from_millis(50);
const DATA: &str = "data";
const ASIDE: &str = "limpid-aside-0";

fn data_path() -> Runtime {
    let mut runtime = Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).thread_name(DATA).enable_all();
    runtime.build().expect("a runtime")
}

fn aside() -> Arc<Aside> {
    beside(1)
}

fn beside(data_threads: usize) -> Arc<Aside> {
    let metrics = AsideMetrics::register(&Registry::new()).expect("no name is taken");
    Arc::new(Aside::new(data_threads, metrics).expect("threads"))
}

fn thread() -> String {
    let current = std::thread::current();
    current.name().unwrap_or_default().to_owned()
}

#[test]
fn a_long_piece_is_done_on_another_thread() {
    let (data, aside) = (data_path(), aside());
    let own = Arc::clone(&aside);
    let task = data.spawn(aside.carry(async move {
        let before = thread();
        let section = own.enter().await.expect("a place");
        let meanwhile = thread();
        section.end().await;
        [before, meanwhile, thread()]
    }));
    assert_eq!(data.block_on(task).expect("no panic"), [DATA, ASIDE, DATA]);
}

/// Whether a short request is answered while the only thread of the data path has a piece of work that
/// waits for just that.
fn overtakes(patience: Duration, is_carried: bool) -> bool {
    let (data, aside) = (data_path(), aside());
    let (begins, has_begun) = oneshot::channel();
    let (answer, answered) = mpsc::channel();
    let own = Arc::clone(&aside);
    let long = async move {
        let _section = own.enter().await;
        begins.send(()).expect("somebody waits");
        answered.recv_timeout(patience).is_ok()
    };
    data.spawn(async move {
        has_begun.await.expect("it begins");
        answer.send(()).ok();
    });
    let long = match is_carried {
        true => data.spawn(aside.carry(long)),
        false => data.spawn(long),
    };
    data.block_on(long).expect("no panic")
}

#[test]
fn a_short_request_overtakes_it() {
    assert!(overtakes(PATIENCE, true));
    assert!(!overtakes(MOMENT, false), "the test shows nothing");
}

#[test]
fn there_are_as_many_aside_as_threads() {
    for (data_threads, most) in [(1, 1), (2, 1), (4, 3)] {
        let data = data_path();
        let aside = beside(data_threads);
        let (now, high) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let own = Arc::clone(&aside);
                let (now, high) = (Arc::clone(&now), Arc::clone(&high));
                data.spawn(aside.carry(async move {
                    let section = own.enter().await.expect("a place");
                    high.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    yield_now().await;
                    assert!(thread().starts_with("limpid-aside"), "{}", thread());
                    now.fetch_sub(1, Ordering::SeqCst);
                    section.end().await;
                }))
            })
            .collect();
        for task in tasks {
            data.block_on(task).expect("no panic");
        }
        let (high, stats) = (high.load(Ordering::SeqCst), aside.stats());
        assert!(high <= most, "{high} at once of {most}");
        assert_eq!((stats.threads, stats.queue_limit), (most, most));
        assert!(stats.queued_high_water <= most, "{stats:?}");
        let metrics = &aside.metrics;
        assert_eq!(metrics.threads.get(), most as i64);
        assert_eq!(metrics.pieces.get(), 50);
        assert_eq!((metrics.in_use.get(), metrics.waiting.get()), (0, 0));
    }
}

#[test]
fn what_waits_aside_goes_on_there() {
    let (data, aside) = (data_path(), aside());
    let bell = Arc::new(Notify::new());
    let (own, heard) = (Arc::clone(&aside), Arc::clone(&bell));
    let task = data.spawn(aside.carry(async move {
        let section = own.enter().await.expect("a place");
        for _ in 0..1_000 {
            yield_now().await;
            assert_eq!(thread(), ASIDE);
        }
        heard.notified().await;
        assert_eq!(thread(), ASIDE);
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(thread(), ASIDE);
        section.end().await;
        assert_eq!(thread(), DATA);
        // Once more, and without a word.
        drop(own.enter().await);
        yield_now().await;
        thread()
    }));
    bell.notify_one();
    let ended = data.block_on(async { tokio::time::timeout(PATIENCE, task).await });
    assert_eq!(ended.expect("it is woken").expect("no panic"), DATA);
}

#[test]
fn a_panic_aside_is_the_tasks() {
    let (data, aside) = (data_path(), aside());
    let own = Arc::clone(&aside);
    let task = data.spawn(aside.carry(async move {
        let _section = own.enter().await;
        assert_eq!(thread(), DATA, "planted");
    }));
    let panicked = data.block_on(task).expect_err("it panics");
    let message = panicked.into_panic();
    let message = message.downcast::<String>().expect("a message");
    assert!(message.contains("planted"), "{message}");
    let own = Arc::clone(&aside);
    let next = data.spawn(aside.carry(async move {
        let _section = own.enter().await;
        thread()
    }));
    assert_eq!(data.block_on(next).expect("the next one works"), ASIDE);
}

/// Says when it is dropped, and where.
struct LastWord(mpsc::Sender<String>);

impl Drop for LastWord {
    fn drop(&mut self) {
        self.0.send(thread()).ok();
    }
}

#[test]
fn who_is_aborted_ends_with_his_piece() {
    let (data, aside) = (data_path(), aside());
    let (begins, has_begun) = oneshot::channel();
    let (release, gate) = mpsc::channel::<()>();
    let (says, said) = mpsc::channel();
    let own = Arc::clone(&aside);
    let last = LastWord(says.clone());
    let task = data.spawn(aside.carry(async move {
        let _last = last;
        let section = own.enter().await.expect("a place");
        begins.send(()).expect("somebody waits");
        gate.recv().expect("it opens");
        says.send("piece".to_owned()).ok();
        section.end().await;
        says.send("beyond".to_owned()).ok();
    }));
    data.block_on(has_begun).expect("it begins");
    task.abort();
    let aborted = data.block_on(task).expect_err("it is aborted");
    assert!(aborted.is_cancelled());
    assert_eq!(said.try_recv(), Err(mpsc::TryRecvError::Empty));
    release.send(()).expect("it waits");
    let words: Vec<String> = said.iter().collect();
    assert_eq!(
        words,
        ["piece", ASIDE],
        "no step beyond it, and dropped there"
    );
}

#[test]
fn without_threads_it_goes_on_where_it_is() {
    let (data, aside) = (data_path(), aside());
    aside.end();
    let own = Arc::clone(&aside);
    let task = data.spawn(aside.carry(async move {
        let section = own.enter().await.expect("a place");
        let meanwhile = thread();
        section.end().await;
        [meanwhile, thread()]
    }));
    assert_eq!(data.block_on(task).expect("no panic"), [DATA, DATA]);
}
